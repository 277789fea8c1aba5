//! The identity of an item at the source it came from, and which of two versions is the newer.

use std::cmp::Ordering;

use jiff::Timestamp;
use story::CopyError;

/// What an item is called at its source: the same for every version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its id there: ninjs `uri`, NewsML-G2 `guid`, the source of a history.
    pub id: String,
    /// Its version there, where that is a plain number.
    pub version: Option<u64>,
    /// When that version was made there.
    pub created: Option<Timestamp>,
}

/// Most bytes in an id at a source.
const ID_BYTES_MAX: usize = 2048;

impl Source {
    /// Returns how this version stands to `other`: by number if both have one, else by when they
    /// were made; `None` where neither can tell, or where they are not the same item.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        if self.id != other.id {
            return None;
        }
        match (self.version, other.version) {
            (Some(mine), Some(theirs)) => Some(mine.cmp(&theirs)),
            _ => Some(self.created?.cmp(&other.created?)),
        }
    }

    /// Returns the source called `id`, which was given at `place`.
    pub(crate) fn named(place: &str, id: &str) -> Result<Self, CopyError> {
        let id = id.trim();
        let problem = if id.is_empty() {
            "is empty: an item is known by it, through all its versions".to_owned()
        } else if id.len() > ID_BYTES_MAX {
            format!("has {} bytes; the limit is {ID_BYTES_MAX}", id.len())
        } else if id.contains(char::is_control) {
            "holds a control character: take it out".to_owned()
        } else {
            return Ok(Self { id: id.to_owned(), version: None, created: None });
        };
        Err(CopyError { place: place.to_owned(), problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(version: Option<u64>, second: Option<i64>) -> Source {
        let created = second.map(|second| Timestamp::from_second(second).expect("it is in range"));
        Source { id: "urn:a".to_owned(), version, created }
    }

    #[track_caller]
    fn check(one: &Source, other: &Source, then: Option<Ordering>) {
        assert_eq!(one.order(other), then);
        assert_eq!(other.order(one), then.map(Ordering::reverse));
    }

    #[test]
    fn the_number_decides_and_else_the_time() {
        check(&source(Some(9), Some(9)), &source(Some(10), Some(1)), Some(Ordering::Less));
        check(&source(Some(9), Some(9)), &source(Some(9), Some(1)), Some(Ordering::Equal));
        check(&source(Some(9), Some(9)), &source(None, Some(1)), Some(Ordering::Greater));
        check(&source(Some(9), None), &source(None, Some(1)), None);
        check(&source(None, None), &source(None, None), None);
    }

    #[test]
    fn versions_of_two_items_have_no_order() {
        let other = Source { id: "urn:b".to_owned(), ..source(Some(2), None) };
        check(&source(Some(1), None), &other, None);
    }
}
