//! The courier: carries public changes to webhooks, as Standard Webhooks 1.0 says.
//!
//! What is to be delivered, what was, and where each endpoint stands is in one SQLite file, so that nothing
//! is lost by a restart: every change is delivered at least once, each story's in order. The file holds no
//! word of any story: a body is read from the views when it leaves, and what readers may not see any more
//! does not leave. One endpoint never waits for another. The courier refuses to follow redirects, and to
//! connect to private addresses unless it is told to.

mod address;
mod clock;
mod courier;
mod deliveries;
mod endpoints;
mod error;
mod file;
mod limits;
mod message;
mod post;
mod round;
mod schedule;
mod shared;
mod signature;
mod store;

pub use address::{AddressError, Reach, Target};
pub use clock::{Clock, Hand};
pub use courier::{Courier, Joint, Queued};
pub use deliveries::{Delivery, DeliveryFilter, DeliveryId, DeliveryState, Origin, Replay, Subject};
pub use endpoints::{Change, Endpoint, EndpointId, EndpointState, NewEndpoint, Payload};
pub use error::{OpenError, StoreError, WebhookError};
pub use limits::{ATTEMPTS_MAX, DELIVERIES_KEPT, ENDPOINTS_MAX, PAGE_MAX, REPLAY_MAX, SECRET_OVERLAP};
pub use schedule::{Answer, Verdict, verdict};
pub use signature::{Secret, sign};
pub use store::Webhooks;
