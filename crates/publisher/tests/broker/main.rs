//! The publisher against a real nats-server. A missing program is a failure that says how to get it.

use writethru_publisher as publisher;

mod accounts;
mod nats;
mod newsroom;
mod permissions;
mod place;
mod recalls;
mod redaction;
mod relay;
mod rivals;
mod server;
