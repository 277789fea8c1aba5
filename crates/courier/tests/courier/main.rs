//! The courier, over a real log, with real receivers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod carrying;
mod keeping;
mod newsroom;
mod receiver;
mod trouble;
