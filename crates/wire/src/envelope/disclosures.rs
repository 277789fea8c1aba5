//! Disclosures: the words of a record, and how some of them are erased.

use proof::{Commitment, Salt, Seed, commit};

use super::Damaged;
use super::json::{Scanner, push_string};

/// The values that one record brought in, by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disclosures {
    /// As written: every value, and the seed that all salts come from.
    Whole {
        /// The seed; `None` if there are no values.
        seed: Option<Seed>,
        /// The values in order.
        values: Vec<String>,
    },
    /// After an erasure: each value with its own salt, `None` where it was erased.
    Partial(Vec<Option<Disclosure>>),
}

/// One value and its salt: what opens a commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The salt.
    pub salt: Salt,
    /// The value.
    pub value: String,
}

/// Why disclosures could not be read or erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisclosuresError {
    /// The bytes are not disclosures that were ever written.
    #[error("the disclosures are damaged")]
    Damaged(#[from] Damaged),
    /// There is no such value; nothing was erased.
    #[error("there is no value {index}, only {count} values")]
    NoValue {
        /// The index asked for.
        index: usize,
        /// How many values there are.
        count: usize,
    },
}

impl Disclosures {
    /// Returns the disclosures that `bytes` are.
    ///
    /// # Errors
    /// [`DisclosuresError::Damaged`] for anything but the bytes that [`Disclosures::to_bytes`]
    /// makes. No bytes make it panic.
    pub fn parse(bytes: &[u8]) -> Result<Self, DisclosuresError> {
        read(bytes).map_err(DisclosuresError::Damaged)
    }

    /// Returns how many values the record brought in, erased ones counted.
    pub fn count(&self) -> usize {
        match self {
            Self::Whole { values, .. } => values.len(),
            Self::Partial(values) => values.len(),
        }
    }

    /// Returns the value at `index`; `None` if it was erased or never there.
    pub fn value(&self, index: usize) -> Option<&str> {
        match self {
            Self::Whole { values, .. } => values.get(index).map(String::as_str),
            Self::Partial(values) => {
                values.get(index).and_then(Option::as_ref).map(|disclosure| disclosure.value.as_str())
            }
        }
    }

    /// Returns the commitment to each value, `None` where it was erased.
    pub fn commitments(&self) -> Vec<Option<Commitment>> {
        match self {
            Self::Whole { seed, values } => {
                let salts = seed.as_ref().map(Seed::salts);
                let one = |(index, value): (u32, &String)| {
                    salts.as_ref().map(|salts| commit(&salts.at(index), value.as_bytes()))
                };
                (0..).zip(values).map(one).collect()
            }
            Self::Partial(values) => values
                .iter()
                .map(|one| one.as_ref().map(|one| commit(&one.salt, one.value.as_bytes())))
                .collect(),
        }
    }

    /// Returns each value with its own salt, `None` where it was erased: what can be handed out one by one.
    pub fn opened(&self) -> Vec<Option<Disclosure>> {
        match self {
            Self::Partial(values) => values.clone(),
            Self::Whole { seed, values } => {
                let salts = seed.as_ref().map(Seed::salts);
                let one = |(index, value): (u32, &String)| {
                    let salt = salts.as_ref()?.at(index);
                    Some(Disclosure { salt, value: value.clone() })
                };
                (0..).zip(values).map(one).collect()
            }
        }
    }

    /// Returns the disclosures without the values at `indexes`: words and salts are gone for good,
    /// and so is the seed. A value that is erased already stays so.
    ///
    /// # Errors
    /// [`DisclosuresError::NoValue`], and nothing is erased.
    pub fn erase(&self, indexes: &[usize]) -> Result<Self, DisclosuresError> {
        let count = self.count();
        if let Some(&index) = indexes.iter().find(|index| **index >= count) {
            return Err(DisclosuresError::NoValue { index, count });
        }
        if indexes.is_empty() {
            return Ok(self.clone());
        }
        let mut values = self.opened();
        for index in indexes {
            values[*index] = None;
        }
        Ok(Self::Partial(values))
    }

    /// Returns the one form in bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Whole { seed, values } => write_whole(&mut out, seed.as_ref(), values),
            Self::Partial(values) => {
                out.extend_from_slice(b"{\"v\":1,\"values\":[");
                for (index, one) in values.iter().enumerate() {
                    out.extend_from_slice(if index == 0 { b"" } else { b"," });
                    write_one(&mut out, one.as_ref());
                }
                out.extend_from_slice(b"]}");
            }
        }
        out
    }
}

/// Appends disclosures as written. A seed that no value needs is left out: nothing would notice if
/// it were changed.
pub(super) fn write_whole(out: &mut Vec<u8>, seed: Option<&Seed>, values: &[impl AsRef<str>]) {
    match seed.filter(|_| !values.is_empty()) {
        Some(seed) => {
            out.extend_from_slice(b"{\"seed\":\"");
            seed.push_base64url(out);
            out.extend_from_slice(b"\",\"v\":1,\"values\":[");
        }
        None => out.extend_from_slice(b"{\"v\":1,\"values\":["),
    }
    for (index, value) in values.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"" } else { b"," });
        push_string(out, value.as_ref());
    }
    out.extend_from_slice(b"]}");
}

fn write_one(out: &mut Vec<u8>, disclosure: Option<&Disclosure>) {
    let Some(Disclosure { salt, value }) = disclosure else {
        out.extend_from_slice(b"null");
        return;
    };
    out.extend_from_slice(b"{\"salt\":\"");
    salt.push_base64url(out);
    out.extend_from_slice(b"\",\"value\":");
    push_string(out, value);
    out.push(b'}');
}

fn read(bytes: &[u8]) -> Result<Disclosures, Damaged> {
    let mut scan = Scanner::new(bytes)?;
    if scan.take("{\"seed\":") {
        let seed = scan.parsed("a seed", |text| Seed::from_base64url(text).ok())?;
        scan.literal(",\"v\":1,\"values\":")?;
        let values = scan.list(|scan| scan.string().map(std::borrow::Cow::into_owned))?;
        if values.is_empty() {
            return Err(scan.damaged("a value before this, as there is a seed"));
        }
        scan.literal("}")?;
        scan.end()?;
        return Ok(Disclosures::Whole { seed: Some(seed), values });
    }
    scan.literal("{\"v\":1,\"values\":")?;
    let values = scan.list(read_one)?;
    scan.literal("}")?;
    scan.end()?;
    if values.is_empty() {
        return Ok(Disclosures::Whole { seed: None, values: Vec::new() });
    }
    Ok(Disclosures::Partial(values))
}

fn read_one(scan: &mut Scanner<'_>) -> Result<Option<Disclosure>, Damaged> {
    if scan.take("null") {
        return Ok(None);
    }
    scan.literal("{\"salt\":")?;
    let salt = scan.parsed("a salt", |text| Salt::from_base64url(text).ok())?;
    scan.literal(",\"value\":")?;
    let value = scan.string()?.into_owned();
    scan.literal("}")?;
    Ok(Some(Disclosure { salt, value }))
}
