//! The publisher against a real nats-server. A missing program is a failure that says how to get it.

use writethru_publisher as publisher;

mod nats;
mod newsroom;
mod permissions;
mod recalls;
mod relay;
mod server;
