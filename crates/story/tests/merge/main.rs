//! Two editors at once: what merges, what clashes, and that nothing is lost either way.

mod examples;
mod fields;
mod newsroom;
mod random;
mod storm;
mod writers;
