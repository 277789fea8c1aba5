//! `disclosures.jsonl`: the values that a bundle tells, a line a revision, each beside its commitment.

use std::collections::HashMap;

use proof::{Commitment, Salt};
use serde::{Deserialize, Serialize};
use wire::{Disclosure, Disclosures};

use crate::fault::Fault;

/// One value that a revision brought in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) commitment: Commitment,
    /// What opens it; `None` if the bundle does not tell it.
    pub(crate) opened: Option<Disclosure>,
}

/// What one line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) revision: u64,
    pub(crate) index: u64,
    pub(crate) values: Vec<Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    revision: u64,
    index: u64,
    values: Vec<WrittenValue>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenValue {
    commitment: String,
    /// Which revision's redaction hides it; said again by the envelopes, and compared with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redaction: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

/// Returns the disclosures of a record that hold `values` and nothing else.
pub(crate) fn disclosures(values: &[Value]) -> Vec<u8> {
    Disclosures::Partial(values.iter().map(|value| value.opened.clone()).collect()).to_bytes()
}

/// Returns the file for `lines`; `hidden_by` says which revision's redaction hides a value from readers.
pub(crate) fn write(lines: impl Iterator<Item = Line>, hidden_by: &HashMap<Commitment, u64>) -> String {
    let mut text = String::new();
    for line in lines {
        let value = |value: Value| WrittenValue {
            commitment: value.commitment.to_base64url(),
            redaction: hidden_by.get(&value.commitment).copied(),
            salt: value.opened.as_ref().map(|opened| proof::Hash(opened.salt.0).to_base64url()),
            value: value.opened.map(|opened| opened.value),
        };
        let values = line.values.into_iter().map(value).collect();
        let written = Written { revision: line.revision, index: line.index, values };
        text.push_str(&serde_json::to_string(&written).expect("numbers and texts have a JSON form"));
        text.push('\n');
    }
    text
}

/// Reads `bytes`, the content of `file`.
pub(crate) fn read(file: &str, bytes: &[u8]) -> Result<Vec<Line>, Fault> {
    let mut at = 0;
    let mut lines = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let wrong = |why: &str| Fault::of(file, format!("line {}: {why}", lines.len() + 1)).at(at);
        let written: Written = serde_json::from_slice(line).map_err(|error| wrong(&error.to_string()))?;
        let values = written.values.into_iter().map(|value| opened(value).map_err(wrong));
        let values = values.collect::<Result<_, _>>()?;
        at += line.len();
        lines.push(Line { revision: written.revision, index: written.index, values });
    }
    Ok(lines)
}

fn opened(written: WrittenValue) -> Result<Value, &'static str> {
    let commitment = Commitment::from_base64url(&written.commitment);
    let commitment = commitment.map_err(|_| "a commitment is 43 characters of base64url")?;
    let opened = match (written.salt, written.value) {
        (None, None) => None,
        (Some(salt), Some(value)) => {
            let salt = Salt::from_base64url(&salt).map_err(|_| "a salt is 43 characters of base64url")?;
            Some(Disclosure { salt, value })
        }
        _ => return Err("a value has its salt beside it, and no salt is there without one"),
    };
    Ok(Value { commitment, opened })
}
