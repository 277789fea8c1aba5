//! The JetStream back end against real servers. A missing program is a failure, not a pass.

mod conformance;
mod damage;
mod erasing;
mod failing;
#[path = "../support/model.rs"]
mod model;
mod moving;
mod nats;
mod refusing;
mod sharing;
#[path = "../support/mod.rs"]
mod support;
