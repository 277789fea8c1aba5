//! Redactions: words taken out of a story's record, or something said about them.

use desk::{RedactError, RedactRequest, Selection, StoryRef};
use jiff::Timestamp;
use projector::{AsOf, View};
use registry::{Act, Principal, may_still};
use story::{ActorId, CommandKey, Field, Place, Revision, StoryId};
use tracing::info;
use utoipa::IntoParams;
use wire::http::{RedactBody, Redacted, RedactedValue, RedactionList, RedactionPreview};
use wire::{ArticleMeta, ArticleView, Cursor, Problem, ProblemKind};

use crate::commands::read::{at_least, limit, no_revision};
use crate::commands::redacting::RedactOutcome;
use crate::commands::registry::{now, of_request, of_store};
use crate::commands::request::text;
use crate::commands::stored::Stored;
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};
use crate::problems::{self, of_view, refused};

/// Lines in a page, if the caller does not say.
const PAGE: usize = 100;
/// Most lines in a page.
const PAGE_MAX: usize = 500;
/// Most bytes of the words that are looked for.
const WORDS_BYTES_MAX: usize = 1_024;

/// A redaction as an edge hands it over.
#[derive(Debug, Clone)]
pub(crate) struct Redacting {
    /// The story's name.
    pub(crate) story: String,
    pub(crate) body: RedactBody,
    /// The revision that a header insists on.
    pub(crate) if_match: Option<Revision>,
    pub(crate) key: Option<CommandKey>,
}

/// How a redaction is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RedactQuery {
    /// Only say what it would be about.
    #[param(value_type = Option<bool>)]
    pub(crate) dry_run: bool,
}

impl Query for RedactQuery {
    const NAMES: &'static [&'static str] = &["dry_run"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { dry_run: from.truth("dry_run")? })
    }
}

/// What to show of a story's record.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecordQuery {
    /// Which state: `latest`, an RFC 3339 time, `rev:12`, `rev:-3` (three before the newest),
    /// `cursor:…` or `size:12` (when the transparency log had twelve entries).
    #[param(value_type = Option<String>, example = "rev:-1")]
    as_of: Option<AsOf>,
    /// The cursor of a push: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for RecordQuery {
    const NAMES: &'static [&'static str] = &["as_of", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { as_of: from.optional("as_of")?, at_least: at_least(from)? })
    }
}

/// Which redactions to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RedactionsQuery {
    /// At this time or later (RFC 3339).
    #[param(value_type = Option<String>, example = "2026-11-23T00:00:00Z")]
    from: Option<Timestamp>,
    /// Before this time (RFC 3339).
    #[param(value_type = Option<String>, example = "2026-11-24T00:00:00Z")]
    to: Option<Timestamp>,
    /// `next` of the page before: only older ones.
    #[param(value_type = Option<u64>)]
    after: Option<u64>,
    /// At most this many; 100 if absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500)]
    limit: usize,
    /// The cursor of a redaction: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for RedactionsQuery {
    const NAMES: &'static [&'static str] = &["from", "to", "after", "limit", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            from: from.optional("from")?,
            to: from.optional("to")?,
            after: from.number("after", i64::MAX.unsigned_abs())?,
            limit: limit(from, PAGE, PAGE_MAX)?,
            at_least: at_least(from)?,
        })
    }
}

impl Gateway {
    /// Carries out a redaction of `who`, or keeps it where the policy asks for a second person.
    pub(crate) async fn redact(
        &self,
        redacting: Redacting,
        who: &Principal,
    ) -> Result<RedactOutcome, Problem> {
        let story = self.may_redact(who, &redacting).await?;
        let actor = self.acting_as(who, None).await?;
        if let Some(guarded) = self.needs_second(Act::Redact, None)
            && let Some(waiting) = self.keep_redaction((story, guarded), &redacting, &actor, who).await?
        {
            return Ok(RedactOutcome::Waits(waiting));
        }
        let request = request(redacting, actor)?;
        let kind = request.kind;
        let gateway = self.clone();
        self.finish(async move {
            let done = gateway.take_out(story, request, None).await?;
            gateway.wrote(true);
            gateway.reached(done.answer.position).await?;
            Ok(RedactOutcome::Redacted(Redacted {
                story,
                slug: done.answer.slug.to_string(),
                revision: done.answer.revision,
                kind,
                values: done.values as u64,
                records: done.records as u64,
                public: done.answer.public,
                repeated: done.answer.repeated,
                cursor: gateway.cursor(done.answer.position),
            }))
        })
        .await
    }

    /// Does what `request` says, unless the story is held. Requests that hold such words end, but for
    /// the one that is carried out, whose payload is `own`.
    pub(crate) async fn take_out(
        &self,
        story: StoryId,
        request: RedactRequest,
        own: Option<Vec<u8>>,
    ) -> Result<desk::Redacted, Problem> {
        self.not_held(story).await?;
        self.void_what_waits(story, &request, own).await?;
        self.inner.desk.redact(request).await.map_err(of_redaction)
    }

    /// Returns what a redaction would be about.
    pub(crate) async fn would_redact(
        &self,
        redacting: Redacting,
        who: &Principal,
    ) -> Result<RedactionPreview, Problem> {
        let story = self.may_redact(who, &redacting).await?;
        let actor = self.acting_as(who, None).await?;
        let RedactRequest { selection, .. } = request(redacting, actor)?;
        let found = self.inner.desk.would_redact(&StoryRef::Id(story), &selection).await;
        let values = found.map_err(of_redaction)?.into_iter().map(|picked| RedactedValue {
            text: picked.text,
            place: picked.place.as_ref().map(place),
            since: picked.since,
        });
        Ok(RedactionPreview { story, slug: self.slug_of(story).await?, values: values.collect() })
    }

    /// Returns one page of the redactions of `story`, or of the house.
    pub(crate) async fn redactions(
        &self,
        by: &Principal,
        story: Option<&str>,
        query: &RedactionsQuery,
    ) -> Result<RedactionList, Problem> {
        let story = if let Some(story) = story {
            Some(self.audited_story(by, story, query.at_least).await?)
        } else {
            self.allow(by, Act::Audit, None, None).await?;
            self.catch_up(query.at_least).await?;
            None
        };
        let before = query.after.map(log::Position);
        let times = query.from.unwrap_or(Timestamp::MIN)..query.to.unwrap_or(Timestamp::MAX);
        let found = self.views().redactions(story, (times, before), query.limit + 1).await;
        let mut found = found.map_err(|failed| of_view(&failed))?;
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let next = found.last().filter(|_| more).map(|(position, _)| position.to_string());
        Ok(RedactionList { redactions: found.into_iter().map(|(_, view)| view).collect(), next })
    }

    /// Returns the desk's article of `story` at a moment as the record has it, withdrawn words included.
    pub(crate) async fn record(
        &self,
        who: &Principal,
        story: &str,
        query: &RecordQuery,
    ) -> Result<ArticleView, Problem> {
        let standing = self.may_do(who, Act::ReadRecord, story).await?;
        self.catch_up(query.at_least).await?;
        let as_of = self.moment(Some(standing.story), View::Desk, (query.as_of, None)).await?;
        let shown = self.views().article(standing.story, as_of, View::Desk).await;
        let shown = shown.map_err(|failed| of_view(&failed))?.ok_or_else(|| no_revision(story, "then"))?;
        let record = self.inner.desk.record(&StoryRef::Id(standing.story), shown.revision).await;
        let article = record.map_err(problems::of_push)?;
        let meta = ArticleMeta {
            story: shown.story,
            desk: shown.desk,
            revision: shown.revision,
            status: shown.status,
            kind: shown.kind,
            hash: wire::article_hash(&article.public()),
            recorded: shown.recorded,
            published: shown.published,
            significant: shown.significant,
            until: shown.until,
            cursor: shown.cursor,
        };
        Ok(ArticleView::of(&article, meta))
    }

    /// Returns the story that `who` may redact, once whoever is named to have approved it may approve.
    async fn may_redact(&self, who: &Principal, redacting: &Redacting) -> Result<StoryId, Problem> {
        let standing = self.may_do(who, Act::Redact, &redacting.story).await?;
        let approver = &redacting.body.approver;
        if *approver == self.acting_as(who, None).await? {
            let detail = "the approver is who asks: a redaction needs a second person";
            return Err(refused("same-person", detail).with("place", "body: approver"));
        }
        let known = self.registry().actor(approver).await.map_err(|failed| of_store(&failed))?;
        if !known.is_some_and(|known| may_still(&known, Act::Approve, Some(&standing.desk))) {
            let detail =
                format!("{approver} may not approve on desk {}: name an actor who may", standing.desk);
            return Err(refused("approver-unfit", detail).with("place", "body: approver"));
        }
        Ok(standing.story)
    }

    pub(crate) async fn not_held(&self, story: StoryId) -> Result<(), Problem> {
        let held = self.registry().hold_on(story).await.map_err(|failed| of_store(&failed))?;
        let Some(hold) = held else { return Ok(()) };
        let (id, basis) = (hold.id.0, &hold.basis);
        let detail = format!("hold {id} ({basis}) is on the story: nothing of it may be redacted");
        Err(Problem::new(ProblemKind::Held, detail).with("hold", id).with("basis", basis.as_str()))
    }

    /// Ends the requests for a second person that hold words which `request` takes out. Before it does: cut
    /// off between the two, a request has to be made again, and no word is left behind.
    async fn void_what_waits(
        &self,
        story: StoryId,
        request: &RedactRequest,
        own: Option<Vec<u8>>,
    ) -> Result<(), Problem> {
        let (selection, reference) = (&request.selection, StoryRef::Id(story));
        if !request.kind.hides() {
            return Ok(());
        }
        let words: Vec<String> = match self.inner.desk.would_redact(&reference, selection).await {
            Ok(picked) => picked.into_iter().map(|picked| picked.text).collect(),
            // The redaction itself says what is wrong, or that it was done before.
            Err(_) => return Ok(()),
        };
        let asked = selection.words.clone();
        let holds = move |payload: &[u8]| {
            if own.as_deref() == Some(payload) {
                return false;
            }
            let texts = words.iter().chain(&asked).map(String::as_str);
            texts.filter(|text| !text.is_empty()).any(|text| Stored::may_say(payload, text))
        };
        let reason = "words that it held were redacted; ask anew, without them";
        let voided = self.registry().void_requests(story, holds, reason, now()).await;
        let voided = voided.map_err(|failed| of_request(&failed))?;
        if !voided.is_empty() {
            info!(story.id = %story, requests = voided.len(), "Ended requests that held redacted words");
        }
        Ok(())
    }

    async fn slug_of(&self, story: StoryId) -> Result<String, Problem> {
        let shown = self.views().article(story, AsOf::Latest, View::Desk).await;
        let shown = shown.map_err(|failed| of_view(&failed))?;
        shown.map(|shown| shown.slug).ok_or_else(|| problems::no_story(&story.to_string()))
    }
}

pub(crate) fn request(redacting: Redacting, actor: ActorId) -> Result<RedactRequest, Problem> {
    let Redacting { story, body, if_match, key } = redacting;
    let replacement = body.replacement.as_deref().map(|given| text("replacement", given)).transpose()?;
    let selection = selection(&body)?;
    Ok(RedactRequest {
        story: story.parse().map_err(|_| problems::no_story(&story))?,
        kind: body.kind,
        basis: body.basis,
        selection,
        replacement,
        reason: text("reason", &body.reason)?,
        note: text("note", &body.note)?,
        approver: body.approver,
        actor,
        key,
        expected: if_match.or(body.expect.map(Revision)),
    })
}

fn selection(body: &RedactBody) -> Result<Selection, Problem> {
    let place = match (&body.block, body.field) {
        (Some(_), Some(_)) => {
            return Err(bad("field", "a sentence stands in a block or in a field: name one"));
        }
        (Some(block), None) => Some(Place::Block(block.clone())),
        (None, Some(field)) => Some(Place::Field(redactable(field)?)),
        (None, None) => None,
    };
    let words = body.words.clone().filter(|words| !words.is_empty());
    if words.as_ref().is_some_and(|words| words.len() > WORDS_BYTES_MAX) {
        return Err(bad("words", &format!("at most {WORDS_BYTES_MAX} bytes are looked for")));
    }
    if place.is_none() && words.is_none() {
        return Err(bad("block", "say what is to be redacted: a block, a field, or words"));
    }
    let sentence = match body.sentence {
        Some(_) if place.is_none() => {
            return Err(bad("sentence", "a sentence is one of a block or a field: name it"));
        }
        Some(0) => return Err(bad("sentence", "the first sentence is number 1")),
        Some(number) => Some(usize::try_from(number - 1).unwrap_or(usize::MAX)),
        None => None,
    };
    let revisions = body.revisions.as_deref().map(range).transpose()?;
    Ok(Selection { place, sentence, words, revisions })
}

fn redactable(field: Field) -> Result<Field, Problem> {
    match field {
        Field::Slug | Field::Source | Field::Language | Field::Urgency | Field::Pinned => {
            Err(bad("field", &format!("{field} cannot be redacted: it is no text for readers")))
        }
        field => Ok(field),
    }
}

/// Reads `A..B`, or one revision.
fn range(given: &str) -> Result<(Revision, Revision), Problem> {
    let wrong = || bad("revisions", "it is none of: A..B, such as 2..5, or one revision");
    let (first, last) = given.split_once("..").unwrap_or((given, given));
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number > 0);
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Ok((Revision(first), Revision(last))),
        _ => Err(wrong()),
    }
}

pub(crate) fn place(place: &Place) -> String {
    match place {
        Place::Block(block) => format!("block {block}"),
        Place::Field(field) => field.to_string(),
    }
}

fn bad(member: &str, detail: &str) -> Problem {
    Problem::new(ProblemKind::BadRequest, format!("body, {member}: {detail}"))
        .with("place", format!("body: {member}"))
}

/// Returns the problem of a redaction that was not carried out, or not to its end.
pub(crate) fn of_redaction(failed: RedactError) -> Problem {
    let detail = failed.to_string();
    match failed {
        RedactError::Push(failed) => problems::of_push(failed),
        RedactError::NothingFound => refused("nothing-to-redact", detail),
        RedactError::StandsElsewhere { revision } => {
            refused("stands-elsewhere", detail).with("revision", revision.get())
        }
        RedactError::Fixed { field } => refused("field-fixed", detail).with("field", field.to_string()),
        RedactError::ReplacementMissing => {
            refused("replacement-missing", detail).with("place", "body: replacement")
        }
        RedactError::NotErased { revision, source } => {
            tracing::error!(error = %source, revision = revision.get(), "A redaction is logged and its words may be on the disk");
            Problem::new(ProblemKind::OutcomeUnknown, detail).with("revision", revision.get())
        }
    }
}
