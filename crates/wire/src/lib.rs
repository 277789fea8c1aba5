//! Every format that another process, or a later release, can see.
//!
//! Formats and nothing else: no IO, no clock, no random number, no rule of the newsroom. What is
//! written here is read for ever: a format gets a new version instead of a new meaning, and
//! fixtures of each released version are kept in `tests/fixtures` and never edited.

mod acknowledgement;
mod article;
mod article_ref;
mod change;
mod cloud_event;
mod cursor;
mod envelope;
pub mod http;
mod problem;
mod recall;
pub mod schema;
mod subject;

pub use acknowledgement::{
    ACKNOWLEDGEMENT_BYTES_MAX, Acknowledgement, AcknowledgementError, RECEIPTS_MAX, Receipt,
};
pub use article::{ArticleHashes, ArticleMeta, ArticleView, BlockView, Urgency, ViewError, article_hash};
pub use article_ref::{ArticleMessage, ArticleRef};
pub use change::{ApplyError, CHANGE_BYTES_MAX, Change, ChangeBody, ChangeMeta, Side, VOIDS_MAX};
pub use cloud_event::{CloudEvent, message_id, recall_id};
pub use cursor::{Cursor, CursorError};
pub use envelope::{
    Chain, Damaged, Disclosure, Disclosures, DisclosuresError, Header, HeaderError, Masks, OpenError, Opened,
    SealError, SealedRecord, Stamp, recordable, redaction_of,
};
pub use problem::{Problem, ProblemKind};
pub use recall::Recall;
pub use subject::{ChangeFilter, DeskVerb, Subject, WT_ACKS, WT_ARTICLES, WT_CHANGES, WT_RECALLS};
