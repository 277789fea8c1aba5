//! The configuration file: TOML, flat but for `[notary]`, no unknown keys.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::key::Key;
use super::notary::{self, NotarySettings};
use super::{data_dir_file, misconfigured};
use crate::exit::Exit;
use crate::failure::Failure;

/// One entry: key, value as text, line, file.
type Entry = (Key, String, usize, PathBuf);

/// Returns the entries of the file `named`, or of the data dir's own file if it has one, and what it says
/// of the notary.
///
/// # Errors
/// The file cannot be read, is not TOML, or has an unknown key or a value of a wrong type.
pub(super) fn read(named: Option<&Path>, data: &Path) -> Result<(Vec<Entry>, NotarySettings), Failure> {
    let path = named.map_or_else(|| data_dir_file(data), Path::to_owned);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if named.is_none() && is_absent(&error) => {
            return Ok((Vec::new(), NotarySettings::default()));
        }
        Err(error) => {
            return Err(Failure::new(
                Exit::InputUnreadable,
                "configuration-unreadable",
                format!("cannot read the configuration {}", path.display()),
            )
            .because(&error)
            .next("`writethru config template > writethru.toml` writes one to start from"));
        }
    };
    let (entries, notary) = parse(&text, &path)?;
    if named.is_none()
        && let Some((_, _, line, _)) = entries.iter().find(|(key, ..)| *key == Key::Data)
    {
        return Err(misconfigured(format!(
            "{}:{line}: data cannot be set from inside the data dir",
            path.display()
        ))
        .next("take the line out, or pass the file with --config"));
    }
    Ok((entries, notary))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn parse(text: &str, path: &Path) -> Result<(Vec<Entry>, NotarySettings), Failure> {
    let line_of = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        misconfigured(format!("{}:{line}: this is not TOML", path.display())).why(error.message())
    })?;
    let (mut entries, mut notary) = (Vec::new(), NotarySettings::default());
    for (name, value) in table.get_ref() {
        let line = line_of(name.span().start);
        let name: &str = name.get_ref();
        if name == notary::TABLE {
            notary = NotarySettings::read(value.get_ref(), &format!("{}:{line}", path.display()))?;
            continue;
        }
        let Some(key) = Key::named(name) else {
            return Err(unknown_key(name, line, path));
        };
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Boolean(value) => value.to_string(),
            other => {
                return Err(misconfigured(format!(
                    "{}:{line}: {name} is a {}, a string or true/false is expected",
                    path.display(),
                    other.type_str()
                )));
            }
        };
        entries.push((key, text, line, path.to_owned()));
    }
    Ok((entries, notary))
}

fn unknown_key(name: &str, line: usize, path: &Path) -> Failure {
    let known = Key::ALL.map(Key::name).join(", ");
    let hint = match Key::alike(name) {
        Some(key) => format!("did you mean {}?", key.name()),
        None => format!("the keys are {known}"),
    };
    misconfigured(format!("{}:{line}: unknown key {name:?}", path.display())).next(hint)
}

/// Returns a configuration file in which everything is explained and nothing is set.
pub(crate) fn template() -> String {
    let mut text = String::from(
        "# writethru.toml: put it into the data dir, or pass it with --config.\n\
         # Flags win over the environment, the environment over this file, this file over defaults.\n",
    );
    for key in Key::ALL {
        let shown = key.default().unwrap_or_else(|| key.example());
        let shown = if key == Key::NoNats { shown.to_owned() } else { format!("{shown:?}") };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n# {}\n# Environment: {}\n# {} = {shown}\n",
            key.meaning(),
            key.environment(),
            key.name()
        );
    }
    text.push_str(notary::TEMPLATE);
    text
}
