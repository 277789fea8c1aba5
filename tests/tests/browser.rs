//! Reader pages in a real Chromium: `tests/browser` says what is looked at.
//!
//! Runs where there are node, a Chromium and the packages of `tests/browser` (`make test` fetches them
//! where it can), and says aloud where there are not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use writethru_tests::Service;

/// Programs that are a Chromium.
const CHROMIUMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Returns where `program` is on the path.
fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Returns a Chromium, or what is missing for these tests.
fn chromium(folder: &Path) -> Result<PathBuf, String> {
    if found("node").is_none() {
        return Err("node is not on the path".to_owned());
    }
    if !folder.join("node_modules/playwright-core").is_dir() || !folder.join("node_modules/axe-core").is_dir()
    {
        return Err(format!("the packages are not there: run `npm ci` in {}", folder.display()));
    }
    let named = std::env::var_os("CHROMIUM_BIN").map(PathBuf::from);
    let chromium = named.or_else(|| CHROMIUMS.into_iter().find_map(found));
    chromium.ok_or_else(|| format!("none of {} is on the path", CHROMIUMS.join(", ")))
}

#[test]
fn readers_pages_are_sound_in_a_real_browser() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let chromium = match chromium(&folder) {
        Ok(chromium) => chromium,
        Err(missing) => {
            eprintln!("NOT RUN: reader pages were looked at by no browser, because {missing}");
            return;
        }
    };
    let data = tempfile::tempdir().expect("a temp dir");
    let service = Service::start_with(data.path(), &["--no-nats"], Stdio::null());
    let output = Command::new("node")
        .args(["--test", "--test-concurrency=1", "pages.test.js"])
        .current_dir(&folder)
        .env("BASE", &service.http)
        .env("KEY", service.owner_key())
        .env("CHROMIUM", chromium)
        .output()
        .expect("node runs");
    service.stop();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    eprintln!("{out}");
}
