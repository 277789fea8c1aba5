//! The gateway: the service's edge over HTTP and NATS.
//!
//! It turns requests into commands of the desk and reads of the views, and what comes back into
//! answers or problems (RFC 9457). It decides nothing about a story, keeps nothing, and answers
//! nobody before the registry has said that they may ask.

mod access;
mod commands;
mod departures;
mod gateway;
mod http;
pub mod limits;
mod measures;
mod media;
mod nats_service;
mod parameters;
mod places;
mod problems;
mod stream;

pub use departures::{Departures, PublicDoor};
pub use gateway::{AuditStatus, Audited, Controls, Gateway, Parts, RelayStatus};
pub use http::{ServeError, document, feed_paths};
pub use measures::Measures;
pub use nats_service::{NatsService, NatsServiceError};
