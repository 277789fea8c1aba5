//! Editorial text as it is kept: normalised once at intake and cut once into values.
//!
//! A [`Text`] never changes after it is made, and nothing here normalises a text a second time.

mod cut;
mod normalise;

use std::fmt;
use std::sync::Arc;

pub(crate) use cut::{cut, cut_after};
pub use normalise::{IntakeReport, normalise};
pub(crate) use normalise::{OffsetMap, normalise_mapped};

/// A text and the places where intake cut it into values (sentences, or items of a list).
///
/// Joined, the values are the text. Two texts are equal when their words are: where the cuts lie
/// does not count, so a replica that never learns the cuts compares equal to the service's copy.
/// Cloning costs two reference counts.
#[derive(Clone, Default)]
pub struct Text {
    joined: Arc<str>,
    /// Where each value ends in `joined`, ascending; the last is its length. Empty if it is.
    cuts: Arc<[Cut]>,
}

/// End of one value, and whether the value's words have been erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    end: u32,
    erased: bool,
}

impl Text {
    /// What stands in a text in place of words that have been erased: U+2588, three times.
    pub const REDACTION_MARK: &'static str = "\u{2588}\u{2588}\u{2588}";

    /// Returns `joined` as a text of one value (of none, if it is empty).
    ///
    /// # Panics
    /// If it has 4 GiB or more, which no text within [`limits`](crate::limits) has.
    pub fn uncut(joined: impl Into<Arc<str>>) -> Self {
        let joined = joined.into();
        let end = u32::try_from(joined.len())
            .expect("a text is far below 4 GiB, by limits::ARTICLE_TEXT_BYTES_MAX");
        let cuts = if end == 0 { Arc::default() } else { Arc::from([Cut { end, erased: false }]) };
        Self { joined, cuts }
    }

    /// Returns the text that `values` make, one after the other; `None` is an erased value and
    /// shows as [`Text::REDACTION_MARK`].
    ///
    /// # Panics
    /// If they have 4 GiB or more together, which no text within [`limits`](crate::limits) has.
    pub fn from_values<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut joined = String::new();
        let mut cuts = Vec::new();
        for value in values {
            joined.push_str(value.unwrap_or(Self::REDACTION_MARK));
            let end = u32::try_from(joined.len())
                .expect("a text is far below 4 GiB, by limits::ARTICLE_TEXT_BYTES_MAX");
            cuts.push(Cut { end, erased: value.is_none() });
        }
        Self { joined: joined.into(), cuts: cuts.into() }
    }

    /// Returns the whole text.
    pub fn as_str(&self) -> &str {
        &self.joined
    }

    /// Returns whether there are no words.
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty()
    }

    /// Returns the number of values.
    pub fn value_count(&self) -> usize {
        self.cuts.len()
    }

    /// Returns the values in order; `None` stands for one whose words have been erased.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Option<&str>> + '_ {
        let mut start = 0;
        self.cuts.iter().map(move |cut| {
            let value = &self.joined[start..cut.end as usize];
            start = cut.end as usize;
            (!cut.erased).then_some(value)
        })
    }

    /// Returns the values in order as they show, an erased one as the redaction mark.
    pub fn shown_values(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        self.values().map(|value| value.unwrap_or(Self::REDACTION_MARK))
    }

    /// Returns whether any value's words have been erased.
    pub fn has_erased(&self) -> bool {
        self.cuts.iter().any(|cut| cut.erased)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.joined == other.joined
    }
}

impl Eq for Text {}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values()).finish()
    }
}
