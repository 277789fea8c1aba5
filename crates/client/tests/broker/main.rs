//! Replicas against a real nats-server. A missing program is a failure that says how to get it.

use ::publisher;

mod following;
mod healing;
#[allow(dead_code, reason = "what the publisher's own tests need beside")]
#[path = "../../../publisher/tests/broker/nats.rs"]
mod nats;
#[allow(dead_code, reason = "what the publisher's own tests need beside")]
#[path = "../../../publisher/tests/broker/newsroom.rs"]
mod newsroom;
mod recalls;
mod relay;
