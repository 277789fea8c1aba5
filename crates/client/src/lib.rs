//! What a subscriber embeds: a live, verified replica of a story, a desk, or everything.
//!
//! ```no_run
//! use client::{Replica, Update};
//! use futures::StreamExt;
//! # use writethru_client as client;
//!
//! # async fn follow() -> Result<(), Box<dyn std::error::Error>> {
//! let mut replica = Replica::builder("nats://127.0.0.1:4222").desk("world".parse()?).connect().await?;
//! while let Some(update) = replica.next().await {
//!     match update {
//!         Update::Changed { change, article } => println!("{} {}", change.kind, article.headline),
//!         Update::Reset { article, reason, .. } => println!("{} ({reason})", article.headline),
//!         Update::Recalled { recall } => println!("{}: do not use {:?}", recall.kind, recall.voids),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Every article that a replica shows has the hash that the service promised for it. A message that
//! is lost, repeated, late or tampered with never shows: the replica notices, fetches what is
//! missing, and says so. With a [`subscriber`](Builder::subscriber)'s name it hears of recalls that came
//! while it was away, and acknowledges them. It refuses to guess: what it cannot verify it does not show.

mod builder;
mod connection;
mod fetch;
mod follower;
mod healing;
mod held;
mod outbox;
mod reads;
mod recalls;
mod receipts;
mod replica;
mod update;

pub use builder::{Builder, ConnectError};
pub use replica::{Closed, Replica, Status};
pub use update::{Counts, ResetReason, Unavailable, Update};
