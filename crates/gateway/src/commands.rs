//! What can be asked of the service, whichever edge it comes in by: HTTP and NATS call the same
//! functions here, so that they cannot drift apart. Nothing here knows a header or a subject.

mod changes;
mod diff;
mod push;
mod read;
pub(crate) mod registry;

pub(crate) use changes::ChangesQuery;
pub(crate) use diff::{DiffFormat, DiffQuery};
pub(crate) use push::{Filed, Filing, PushParameters};
pub(crate) use read::{HistoryQuery, ListQuery, ShowQuery};
