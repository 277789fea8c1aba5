//! Replicas against a real nats-server. A missing program is a failure that says how to get it.

use ::publisher;

mod following;
mod healing;
#[path = "../../../publisher/tests/broker/nats.rs"]
mod nats;
#[path = "../../../publisher/tests/broker/newsroom.rs"]
mod newsroom;
mod recalls;
mod relay;
