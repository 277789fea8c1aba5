//! What programs are made from, held against what the service really says: the built binary, a real NATS
//! server, strangers' tools.

mod asyncapi;
mod messages;
mod schemas;
mod websub;
