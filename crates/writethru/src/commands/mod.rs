//! One module per command: its options, its help, and what it does.

pub(crate) mod act;
pub(crate) mod actor;
pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod conflict;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod entry;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod nats;
pub(crate) mod outcome;
pub(crate) mod policy;
pub(crate) mod push;
pub(crate) mod rebuild;
pub(crate) mod recall;
pub(crate) mod show;
pub(crate) mod up;
pub(crate) mod watch;
