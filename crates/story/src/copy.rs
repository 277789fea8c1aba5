//! Copy: text as an editor submits it, normalised and checked, before it is matched to the story.
//!
//! Nothing here knows a story. Sentences are cut later, and only those that are new.

mod builder;
mod check;
mod marks;

use std::sync::Arc;

use crate::Field;
use crate::block::{BlockId, BlockKind, Mark};
use crate::field::Fields;
use crate::text::Text;

pub use builder::{CopyBuilder, GivenBlock};
pub use check::note_text;

/// A whole submission. What is absent keeps its present state; what is present replaces it.
///
/// [`CopyBuilder`] makes one out of what nobody has checked yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copy {
    /// The fields that were given; those in `given`, empty ones clear.
    pub fields: Fields,
    /// Which fields were given.
    pub given: Vec<Field>,
    /// The whole body in order, if a body was given.
    pub blocks: Option<Vec<CopyBlock>>,
}

/// One block of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyBlock {
    /// The block it is, where the editor's system keeps ids.
    pub id: Option<BlockId>,
    /// What it is.
    pub kind: BlockKind,
    /// Its words, not cut yet.
    pub text: Text,
    /// Its inline mark-up.
    pub marks: Arc<[Mark]>,
}

/// Why copy was refused, naming where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct CopyError {
    /// Where in the copy, such as `blocks[3].text`.
    pub place: String,
    /// What is wrong and what is allowed.
    pub problem: String,
}

impl CopyError {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }

    fn over(place: impl Into<String>, actual: usize, limit: usize, what: &str) -> Self {
        Self::new(place, format!("{actual} {what} are given; the limit is {limit}"))
    }
}
