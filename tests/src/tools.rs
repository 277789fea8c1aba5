//! Other people's programs, as far as there are some on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Returns where `program` is on the search path.
pub fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Returns the folder of tests in `tests/<folder>` for node, whose `packages` are there.
///
/// # Errors
/// What is missing, for a person.
pub fn packages(folder: &str, packages: &[&str]) -> Result<PathBuf, String> {
    if found("node").is_none() {
        return Err("node is not on the path".to_owned());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if packages.iter().all(|package| folder.join("node_modules").join(package).is_dir()) {
        return Ok(folder);
    }
    Err(format!("its packages are not there: run `npm ci` in {}", folder.display()))
}

/// Returns a Python that has `module`: the one in the environment's `PYTHON`, or that of `make test`, or the
/// first on the path.
///
/// # Errors
/// What is missing, for a person.
pub fn python(module: &str) -> Result<PathBuf, String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/python/bin/python3");
    let given = std::env::var_os("PYTHON").map(PathBuf::from);
    let pythons: Vec<PathBuf> = given.map_or_else(|| vec![own, "python3".into()], |given| vec![given]);
    let has = |python: &PathBuf| {
        let import =
            Command::new(python).args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
        import.is_ok_and(|status| status.success())
    };
    pythons.into_iter().find(has).ok_or_else(|| format!("no Python here has {module}: run `make test`"))
}
