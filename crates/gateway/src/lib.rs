//! The gateway: the service's edge over HTTP and NATS.
//!
//! It turns requests into commands of the desk and reads of the views, and what comes back into
//! answers or problems (RFC 9457). It decides nothing about a story, keeps nothing, and asks
//! nobody who they are: whoever can reach it is a desk, so the binary refuses to bind it beyond
//! loopback unless told to.

mod commands;
mod gateway;
mod http;
pub mod limits;
mod measures;
mod media;
mod nats_service;
mod parameters;
mod places;
mod problems;

pub use gateway::{Controls, Gateway, RelayStatus};
pub use http::{ServeError, document};
pub use measures::Measures;
pub use nats_service::{NatsService, NatsServiceError};
