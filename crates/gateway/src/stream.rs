//! Live streams: what readers see, as it changes, over one connection that stays open.
//!
//! One task follows the views and keeps the newest changes in a bounded window. Each is framed once a
//! shape, by the first reader that wants it, and shared by all. A reader is pulled by its connection,
//! never pushed: one that falls behind the window reads pages of the views by itself and rejoins, at
//! a position, so that nothing is lost or comes twice; it slows nobody. Nothing waits in a reader's
//! hands: what was taken from readers since it was read is read again before it is handed over.

mod connection;
mod frame;
mod hub;
mod query;
mod reader;
mod shape;
mod window;

pub(crate) use connection::{Line, Outlet, Stall};
pub(crate) use frame::Framing;
pub(crate) use hub::Hub;
pub(crate) use query::EventsQuery;
pub(crate) use reader::{Reader, Start};

/// Where whoever lost their place in the stream of all begins again.
pub(crate) const STORIES: &str = "/v1/stories";
