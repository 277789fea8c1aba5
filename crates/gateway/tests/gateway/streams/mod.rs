//! Live streams over real connections.

mod client;
mod filters;
mod following;
mod secrecy;
mod shapes;
mod slowness;
