//! What can be asked of the service, whichever edge it comes in by: HTTP and NATS call the same
//! functions here, so that they cannot drift apart. Nothing here knows a header or a subject.

mod acts;
mod audit;
mod blame;
mod carry;
mod changes;
pub(crate) mod conflict;
mod diff;
mod entries;
mod memento;
mod moment;
mod push;
mod read;
mod redacting;
mod redaction;
pub(crate) mod registry;
mod request;
mod rights;
mod search;
mod second;
mod show;
mod stored;
pub(crate) mod webhooks;

pub(crate) use acts::Acting;
pub(crate) use audit::QuestionQuery;
pub(crate) use blame::BlameQuery;
pub(crate) use changes::{After, ChangesQuery};
pub(crate) use diff::{DiffFormat, DiffQuery};
pub(crate) use entries::{Doing, EntryParameters};
pub(crate) use memento::{Mementos, TimeGateQuery, TimeMapQuery};
pub(crate) use push::{Filed, Filing, PushParameters, large};
pub(crate) use read::{HistoryQuery, ListQuery, at_least, view};
pub(crate) use redacting::RedactOutcome;
pub(crate) use redaction::{RecordQuery, RedactQuery, Redacting, RedactionsQuery};
pub(crate) use search::PhraseQuery;
pub(crate) use show::{Around, RevisionQuery, ShowQuery, Showing};
