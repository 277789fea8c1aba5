//! The ledger: which commitment stands behind each value of the article.

/// Commitments and leaves of every path of one story.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {}
