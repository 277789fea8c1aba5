//! The table `[notary]` of the configuration file: what the transparency log is called, and who is asked to
//! cosign it. It is in the file only.

use std::path::PathBuf;

use ::notary::WitnessAt;
use proof::note::Algorithm;
use toml::de::{DeTable, DeValue};

use super::misconfigured;
use crate::failure::Failure;

/// Name of the table.
pub(super) const TABLE: &str = "notary";
/// Most witnesses: as many as a policy names.
const WITNESSES_MAX: usize = 16;

/// The table as the template of a configuration explains it.
pub(super) const TEMPLATE: &str = r#"
# The transparency log. name: what it is called, for ever; without it the host and path of public_url.
# key: the file with its secret key; without it notary.key in the data dir. Nodes that share a log sign with
# the same key. witnesses: who is asked to cosign every head; each a table of name, key (its verifier key) and
# url (where it takes add-checkpoint). As a table, [notary], it has to come last.
# notary = { name = "news.example", key = "/run/secrets/notary.key", witnesses = [] }
"#;

/// What the file says of the notary.
#[derive(Debug, Clone, Default)]
pub(crate) struct NotarySettings {
    /// What the log is called, if it was said.
    pub(crate) name: Option<String>,
    /// The file with the secret key, if it is not in the data dir.
    pub(crate) key: Option<PathBuf>,
    /// Who is asked to cosign.
    pub(crate) witnesses: Vec<WitnessAt>,
}

impl NotarySettings {
    /// Reads the table, which stands at `place`.
    ///
    /// # Errors
    /// Names what makes no sense and what is allowed.
    pub(super) fn read(value: &DeValue<'_>, place: &str) -> Result<Self, Failure> {
        let wrong = |what: &str| misconfigured(format!("{place}: [notary] {what}"));
        let DeValue::Table(table) = value else { return Err(wrong("is a table: name, key and witnesses")) };
        let mut read = Self::default();
        for (name, value) in table {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("name", DeValue::String(name)) => {
                    ::notary::origin_of(name, log::Epoch(0))
                        .map_err(|error| wrong("name makes no sense").because(&error))?;
                    read.name = Some(name.to_string());
                }
                ("key", DeValue::String(file)) if !file.is_empty() => {
                    read.key = Some(PathBuf::from(file.as_ref()));
                }
                ("witnesses", DeValue::Array(witnesses)) if witnesses.len() <= WITNESSES_MAX => {
                    for witness in witnesses {
                        let DeValue::Table(witness) = witness.get_ref() else {
                            return Err(wrong("witnesses is a list of tables: name, key and url"));
                        };
                        read.witnesses.push(self::witness(witness, place)?);
                    }
                }
                ("name", _) => return Err(wrong("name is a string")),
                ("key", _) => return Err(wrong("key is the path of a file")),
                ("witnesses", _) => return Err(wrong("witnesses is a list of at most 16 tables")),
                (other, _) => {
                    return Err(wrong(&format!("has no key {other:?}: name, key and witnesses are known")));
                }
            }
        }
        Ok(read)
    }
}

fn witness(table: &DeTable<'_>, place: &str) -> Result<WitnessAt, Failure> {
    let wrong = |what: String| misconfigured(format!("{place}: a witness {what}"));
    let text = |key: &str| match table.get(key).map(toml::Spanned::get_ref) {
        Some(DeValue::String(text)) => Ok(text.to_string()),
        _ => Err(wrong(format!("has no {key}, or one that is no string"))),
    };
    if let Some((other, _)) =
        table.iter().find(|(key, _)| !["name", "key", "url"].contains(&key.get_ref().as_ref()))
    {
        return Err(wrong(format!("has no key {:?}: name, key and url are known", other.get_ref())));
    }
    let (name, key, url) = (text("name")?, text("key")?, text("url")?);
    let key: proof::note::VerifierKey =
        key.parse().map_err(|error| wrong(format!("has a key that is none: {name}")).because(&error))?;
    if key.algorithm() != Algorithm::Cosignature {
        return Err(wrong(format!("cosigns with a key of type 0x04, that of {name} is another")));
    }
    let is_plain = reqwest::Url::parse(&url)
        .is_ok_and(|url| url.scheme() == "http" && url.has_host() && url.query().is_none());
    if !is_plain {
        return Err(wrong(format!("is asked at an http:// address, {name} has {url:?}")));
    }
    Ok(WitnessAt { name, key, url })
}
