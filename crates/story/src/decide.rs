//! What a command causes.
//!
//! This decides and does nothing else: it stores nothing, and it refuses what
//! [`apply`](crate::apply) would not accept.

mod acts;
mod edits;
mod entries;
mod facts;
mod redactions;

use jiff::Timestamp;

use crate::aggregate::Story;
use crate::article::Article;
use crate::command::{Command, CorrectionNotice, Push};
use crate::decide::edits::Edits;
use crate::event::Event;
use crate::field::Field;
use crate::kind::{Kind, Status};
use crate::lifecycle::{Standing, after_copy};
use crate::limits::{ARTICLE_TEXT_BYTES_MAX, BLOCKS_MAX};
use crate::redaction::RedactionKind;
use crate::significance::Reason;
use crate::text::{Text, cut};

/// Why a command was refused: an answer for the editor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A new story needs a desk.
    #[error("a new story needs a desk: name one")]
    DeskMissing,
    /// A published article needs a headline.
    #[error("headline is empty: a story needs one before it is published")]
    HeadlineMissing,
    /// A published article needs a body, unless it is an alert.
    #[error("the copy has no text: only an alert may be a headline alone")]
    BodyMissing,
    /// A new story needs a slug.
    #[error("a new story needs a slug: name one")]
    SlugMissing,
    /// The kind is not one that copy can be filed as.
    #[error(
        "{kind} is not a kind that copy is filed as: use alert, update, correction, clarification, refile or advisory"
    )]
    KindNotForCopy {
        /// The kind.
        kind: Kind,
    },
    /// A correction must say what was wrong, where, to the public, and who approved.
    #[error("a correction needs {missing}")]
    CorrectionIncomplete {
        /// The part that is missing.
        missing: &'static str,
    },
    /// Only a correction carries a correction notice.
    #[error("{kind} carries a correction notice: file it as a correction")]
    NoticeWithoutCorrection {
        /// The kind.
        kind: Kind,
    },
    /// The story's status does not allow it.
    #[error("a {status} story takes no {kind}: {next}")]
    StatusForbids {
        /// Where the story stands.
        status: Status,
        /// What was asked.
        kind: Kind,
        /// What may be done instead.
        next: &'static str,
    },
    /// An act that takes a story from its readers, or brings it back, must say why.
    #[error("a {kind} needs a reason: say why")]
    ReasonMissing {
        /// The act.
        kind: Kind,
    },
    /// A redaction that finds none of the words it is about.
    #[error("there is nothing there to redact: look at the story's history for the words")]
    NothingToRedact,
    /// A redaction that would leave a place without words.
    #[error("nothing would be left in {place}: say what stands there instead")]
    NothingLeft {
        /// The place.
        place: String,
    },
    /// Other words belong to an anonymisation.
    #[error("{kind} takes no other words: only anonymise puts some in place")]
    ReplacementUnfit {
        /// What was asked.
        kind: RedactionKind,
    },
    /// An annotation without its note.
    #[error("an annotation needs a public note: say what readers should know")]
    NoteMissing,
    /// The end of an embargo or a schedule must lie ahead: a slip must not publish at once.
    #[error("{until} is not in the future: give a time to come")]
    TimePast {
        /// What was given.
        until: Timestamp,
    },
    /// A refile or a clarification changes a fact.
    #[error("{}", fact_changed(*kind, reason))]
    FactChanged {
        /// What it was filed as.
        kind: Kind,
        /// The first change that it may not make.
        reason: Box<Reason>,
    },
    /// An item of a wire came in an earlier version than the one that the story has.
    #[error(
        "item {item} is older than what the story has of it ({known}): nothing to do, it came out of order"
    )]
    SourceOlder {
        /// The item.
        item: String,
        /// The version that the story has.
        known: String,
    },
    /// The block is no live-blog entry of the story.
    #[error("the story has no entry {block}: it may have been deleted")]
    NoEntry {
        /// What was asked for.
        block: String,
    },
    /// Two blocks of the copy claim the same id.
    #[error("blocks[{index}].id: block {block} is in the copy twice")]
    BlockTwice {
        /// Place in the copy, from 0.
        index: usize,
        /// The id.
        block: String,
    },
    /// A block of the copy claims an id that the story never had.
    #[error("blocks[{index}].id: the story has no block {block}; leave the id out for a new block")]
    BlockUnknown {
        /// Place in the copy, from 0.
        index: usize,
        /// The id.
        block: String,
    },
    /// A block of the copy has content that intake lets no one file.
    #[error("blocks[{index}] {problem}")]
    BlockIllegal {
        /// Place in the copy, from 0.
        index: usize,
        /// What is wrong.
        problem: String,
    },
    /// The resulting article would pass a limit.
    #[error("the article would have {actual} {what}; the limit is {limit}")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// How many there would be.
        actual: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// Returns the events that `command` causes, given the story so far; none, if nothing would
/// change.
///
/// `recorded` is `now`, or the story's last recorded time where the clock has stepped back, so
/// that a story's times never fall.
///
/// # Errors
/// A [`Refusal`] is an answer for the editor, not a fault of the service.
pub fn decide(story: &Story, command: &Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let event = match command {
        Command::Push(push) => decide_push(story, push, now)?,
        Command::Entry(entry) => entries::decide_entry(story, entry, now)?,
        Command::Act(act) => acts::decide_act(story, act, now)?,
        Command::Redact(redact) => Some(redactions::decide_redaction(story, redact, now)?),
    };
    Ok(Vec::from_iter(event))
}

fn decide_push(story: &Story, push: &Push, now: Timestamp) -> Result<Option<Event>, Refusal> {
    let has_body =
        push.copy.blocks.as_ref().map_or(!story.article.blocks.is_empty(), |body| !body.is_empty());
    let kind = push.kind.unwrap_or_else(|| default_kind(story, has_body));
    if !kind.is_for_copy() {
        return Err(Refusal::KindNotForCopy { kind });
    }
    let Standing { status, public, until } = after_copy(story, kind, push.release, now)?;
    check_notice(kind, push)?;
    let desk = push.desk.as_ref().or(story.desk.as_ref()).ok_or(Refusal::DeskMissing)?;
    let Edits { operations, after } = edits::edits(story, &push.copy)?;
    // What goes out by itself must be fit to go out when nobody is there.
    let leaves = public || matches!(status, Status::Embargoed | Status::Scheduled);
    check_article(story, kind, leaves, &after)?;
    check_source(story, push)?;
    if public {
        facts::check_facts(story, kind, &after)?;
    }
    if operations.is_empty()
        && story.desk.as_ref() == Some(desk)
        && (status, until) == (story.status, story.until)
        && !(public && is_news(story, &after))
        && (push.note.is_empty() || !speaks_by_note(kind))
    {
        return Ok(None);
    }
    let language = after.fields.get(Field::Language).as_str();
    let cut = |text: &Text| cut(text.as_str(), language);
    Ok(Some(Event {
        revision: story.revision.next(),
        kind,
        desk: desk.clone(),
        status,
        public,
        recorded: recorded(story, now),
        occurred: push.occurred.clone(),
        note: cut(&push.note),
        correction: push.correction.as_ref().map(|notice| CorrectionNotice {
            what: cut(&notice.what),
            place: cut(&notice.place),
            approver: notice.approver.clone(),
        }),
        act: None,
        redaction: None,
        until,
        rebased: push.rebased,
        label: push.label,
        operations,
    }))
}

/// Returns the time that an event of `story` gets: a story's times never fall.
fn recorded(story: &Story, now: Timestamp) -> Timestamp {
    story.recorded.map_or(now, |last| last.max(now))
}

fn fact_changed(kind: Kind, reason: &Reason) -> String {
    let what = format!("{:?}", reason.code).to_lowercase();
    let place = match (&reason.block, &reason.field) {
        (Some(block), _) => format!("block {block}"),
        (None, Some(field)) => field.to_string(),
        (None, None) => "the article".to_owned(),
    };
    let (old, new) = (reason.old.as_deref().unwrap_or(""), reason.new.as_deref().unwrap_or(""));
    format!(
        "a {kind} leaves facts alone, and this changes one ({what}) in {place}, from {old:?} to {new:?}: \
         file it as an update, or as a correction if it was wrong"
    )
}

/// A headline alone is an alert, unless readers have had more than that already.
fn default_kind(story: &Story, has_body: bool) -> Kind {
    if has_body || story.shows_body() { Kind::Update } else { Kind::Alert }
}

fn check_notice(kind: Kind, push: &Push) -> Result<(), Refusal> {
    match (kind, &push.correction) {
        (Kind::Correction, None) => Err(Refusal::CorrectionIncomplete {
            missing: "what was wrong, where it stood and who approved it",
        }),
        (Kind::Correction, Some(notice)) => [
            (&notice.what, "what was wrong"),
            (&notice.place, "the place where it stood"),
            (&push.note, "a public note"),
        ]
        .into_iter()
        .find(|(text, _)| text.is_empty())
        .map_or(Ok(()), |(_, missing)| Err(Refusal::CorrectionIncomplete { missing })),
        (_, Some(_)) => Err(Refusal::NoticeWithoutCorrection { kind }),
        (_, None) => Ok(()),
    }
}

fn check_article(story: &Story, kind: Kind, public: bool, after: &Article) -> Result<(), Refusal> {
    if after.fields.get(Field::Slug).is_empty() {
        return Err(Refusal::SlugMissing);
    }
    if public && after.headline().is_empty() {
        return Err(Refusal::HeadlineMissing);
    }
    if public && after.blocks.is_empty() && !story.may_be_headline_alone(kind) {
        return Err(Refusal::BodyMissing);
    }
    let bytes = after.text_bytes();
    for (what, actual, limit) in
        [("blocks", after.blocks.len(), BLOCKS_MAX), ("bytes of text", bytes, ARTICLE_TEXT_BYTES_MAX)]
    {
        if actual > limit {
            return Err(Refusal::TooLarge { what, actual, limit });
        }
    }
    Ok(())
}

/// Refuses an item of a wire in an earlier version than the one that the story has.
fn check_source(story: &Story, push: &Push) -> Result<(), Refusal> {
    let parts = |text: &Text| text.shown_values().map(str::to_owned).collect::<Vec<_>>();
    let (known, given) =
        (parts(story.article.fields.get(Field::Source)), parts(push.copy.fields.get(Field::Source)));
    let (Some(id), true) = (given.first(), known.first() == given.first()) else { return Ok(()) };
    let number = |parts: &[String]| parts.get(1)?.parse::<u64>().ok();
    let made = |parts: &[String]| parts.get(2)?.parse::<Timestamp>().ok();
    let is_older = match (number(&given), number(&known)) {
        (Some(given), Some(known)) => given < known,
        _ => made(&given).zip(made(&known)).is_some_and(|(given, known)| given < known),
    };
    if is_older {
        return Err(Refusal::SourceOlder { item: id.clone(), known: known[1..].join(", ") });
    }
    Ok(())
}

/// Returns whether readers do not see `after` yet.
fn is_news(story: &Story, after: &Article) -> bool {
    story.published.as_ref().is_none_or(|published| published.article != after.public())
}

/// Returns whether an update of this kind says something even where no word of the article
/// changes.
fn speaks_by_note(kind: Kind) -> bool {
    matches!(kind, Kind::Correction | Kind::Clarification | Kind::Advisory)
}
