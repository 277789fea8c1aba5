//! The gateway as its callers see it: real sockets, a real desk, real views, a real log.

#![expect(clippy::unwrap_used, reason = "a test's own helpers fail as loudly as the test")]

mod blame;
mod changes;
mod contracts;
mod document;
mod filing;
mod formats;
mod limits;
mod memento;
mod nats;
mod operator;
mod pages;
mod problems;
mod reading;
mod redaction;
mod registry;
mod search;
mod second;
mod second_failing;
mod service;
mod streams;
mod transparency;
