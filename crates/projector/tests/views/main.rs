//! The projector over a real log and a real desk.

mod edition;
mod lifecycle;
mod reading;
mod redaction;
mod service;
mod shelf;
