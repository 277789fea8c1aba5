//! The JetStream back end against real servers. A missing program is a failure, not a pass.

mod conformance;
mod nats;
#[path = "../support/mod.rs"]
mod support;
