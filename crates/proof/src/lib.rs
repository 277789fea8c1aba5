//! What can be proved about a story without trusting whoever keeps it: hashes, commitments to
//! single sentences, the digests of an article's state, and the transparency log over all envelopes.
//!
//! Everything here is pure and knows no story: paths, values and kinds are plain text. Every
//! digest begins with its own tag, and every part of variable length is counted before it is
//! hashed, so no two different inputs make the same bytes. `tests/vectors.py` writes the same
//! digests down a second time, in another language.

mod commitment;
mod hash;
mod public;
mod state;

pub mod audit;
pub mod checkpoint;
pub mod entry;
mod lines;
pub mod note;
pub mod policy;
pub mod receipt;
pub mod tile;
pub mod tree;
pub mod witness;

pub use commitment::{Commitment, Salt, Salts, Seed, commit};
pub use hash::{Hash, HashError, envelope_hash};
pub use public::{FieldItems, MarkParts, article_hash, block_hash};
pub use state::{leaf_hash, state_hash};
