//! The projector over a real log and a real desk.

mod edition;
mod lifecycle;
mod moments;
mod reading;
mod redaction;
mod search;
mod service;
mod shelf;
