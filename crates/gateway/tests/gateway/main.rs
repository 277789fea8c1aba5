//! The gateway as its callers see it: real sockets, a real desk, real views, a real log.

mod changes;
mod document;
mod filing;
mod limits;
mod nats;
mod operator;
mod problems;
mod reading;
mod service;
