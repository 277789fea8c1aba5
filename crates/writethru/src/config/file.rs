//! The configuration file: TOML, flat but for the tables `[log]` and `[notary]`, no unknown keys.

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
        let (named, line): (&str, usize) = (name.get_ref(), line_of(name.span().start));
        if named == notary::TABLE {
            notary = NotarySettings::read(value.get_ref(), &format!("{}:{line}", path.display()))?;
            continue;
        }
        // `log` alone is what is logged; as a table it is where the event log is.
        if let (Some(Key::Log), DeValue::Table(log)) = (Key::named(named), value.get_ref()) {
            for (name, value) in log {
                let (named, line): (&str, usize) = (name.get_ref(), line_of(name.span().start));
                let Some(key) = Key::in_log_table(named) else {
                    return Err(unknown_key(&format!("log.{named}"), line, path));
                };
                entries.push((key, written(key, value.get_ref(), line, path)?, line, path.to_owned()));
            }
            continue;
        }
        let Some(key) = Key::named(named) else {
            return Err(unknown_key(named, line, path));
        };
        entries.push((key, written(key, value.get_ref(), line, path)?, line, path.to_owned()));
    }
    Ok((entries, notary))
}

/// Returns the value of `key` as text.
fn written(key: Key, value: &DeValue<'_>, line: usize, path: &Path) -> Result<String, Failure> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Boolean(value) => Ok(value.to_string()),
        DeValue::Integer(number) if key.is_number() => Ok(number.to_string()),
        other => Err(misconfigured(format!(
            "{}:{line}: {} is a {}, a string or true/false is expected",
            path.display(),
            key.name(),
            other.type_str()
        ))),
    }
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
