//! Filing copy.

use std::time::Duration;

use bytes::Bytes;
use desk::{Answer, Preview, PushError, PushRequest, StoryRef, Target};
use formats::{Format, Intake};
use jiff::Timestamp;
use projector::View;
use story::{
    ActorId, Article, CommandKey, CorrectionNotice, Desk, Field, Kind, Level, Push, Release, Revision, Slug,
    Text, note_text,
};
use utoipa::IntoParams;
use wire::http::{Previewed, Pushed};
use wire::{Problem, ProblemKind};

use crate::gateway::Gateway;
use crate::limits::INLINE_COPY_BYTES_MAX;
use crate::measures;
use crate::parameters::{Parameters, Query, bad_parameter, shown};
use crate::problems;

/// Who files, if nobody says.
const ACTOR_UNNAMED: &str = "unnamed";
/// How long an answer waits for the views to show what it is about.
const OWN_WRITE_WAIT_MAX: Duration = Duration::from_secs(1);

/// What comes with copy.
#[derive(Debug, Clone, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PushParameters {
    /// The story's slug: a new story gets it. Over what the copy says.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "ceasefire-talks")]
    slug: Option<Slug>,
    /// The desk; a new story needs one, another keeps its own. Over what the copy says.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "world")]
    desk: Option<Desk>,
    /// What sort of update it is: `alert`, `update`, `correction`, `clarification`, `refile` or
    /// `advisory`; if absent, `update`, or `alert` for a headline alone. Over what the copy says.
    #[param(value_type = Option<String>, example = "update")]
    kind: Option<Kind>,
    /// The public note. Over what the copy says.
    note: Option<String>,
    /// `true` keeps it on the desk: readers see nothing of it.
    #[param(value_type = Option<bool>)]
    draft: bool,
    /// The revision that you saw; 0 for "there is no such story yet". If the story is at another,
    /// nothing is stored.
    #[param(value_type = Option<u64>)]
    expect: Option<Revision>,
    /// `true` says what the push would do, and stores nothing.
    #[param(value_type = Option<bool>)]
    pub(crate) dry_run: bool,
    /// An editor's word on how much it matters: `minor`, `notable` or `substantive`.
    #[param(value_type = Option<String>, example = "notable")]
    label: Option<Level>,
    /// When it happened in the world (RFC 3339); the offset is kept.
    #[param(value_type = Option<String>, format = DateTime)]
    occurred: Option<String>,
    /// Of a correction: what was wrong.
    what: Option<String>,
    /// Of a correction: where it stood, such as `third paragraph`.
    #[param(rename = "where")]
    place: Option<String>,
    /// Of a correction: who approved it (a pseudonym).
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    approver: Option<ActorId>,
    /// Who files it (a pseudonym); `unnamed` if absent.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "ed-7")]
    actor: Option<ActorId>,
}

impl Query for PushParameters {
    const NAMES: &'static [&'static str] = &[
        "slug", "desk", "kind", "note", "draft", "expect", "dry_run", "label", "occurred", "what", "where",
        "approver", "actor",
    ];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            slug: from.optional("slug")?,
            desk: from.optional("desk")?,
            kind: from.optional("kind")?,
            note: from.text("note"),
            draft: from.truth("draft")?,
            expect: from.number("expect", i64::MAX.unsigned_abs())?.map(Revision),
            dry_run: from.truth("dry_run")?,
            label: from.optional("label")?,
            occurred: from.text("occurred").map(|text| time("occurred", text)).transpose()?,
            what: from.text("what"),
            place: from.text("where"),
            approver: from.optional("approver")?,
            actor: from.optional("actor")?,
        })
    }
}

/// A push as an edge hands it over.
#[derive(Debug, Clone)]
pub(crate) struct Filing {
    /// The story's name; `None` for a new one, or one that a slug names.
    pub(crate) story: Option<String>,
    /// What comes with it.
    pub(crate) query: PushParameters,
    /// The revision that a header insists on.
    pub(crate) if_match: Option<Revision>,
    /// The idempotency key.
    pub(crate) key: Option<CommandKey>,
    /// The copy's format, where it is known.
    pub(crate) format: Option<Format>,
    /// The copy.
    pub(crate) copy: Bytes,
}

/// What became of a push.
#[derive(Debug)]
pub(crate) enum Filed {
    /// It was filed, now or before.
    Pushed(Pushed),
    /// It was a dry run.
    Previewed(Box<Previewed>),
}

impl Gateway {
    /// Files a push, or says what it would do. Once begun, it is carried out even if whoever asked
    /// goes away.
    pub(crate) async fn file(&self, filing: Filing) -> Result<Filed, Problem> {
        if filing.query.dry_run {
            let (request, warnings) = request(filing).await?;
            let Asked { inner, by_header } = request;
            let preview = self.inner.desk.preview(inner).await;
            let preview = preview.map_err(|failed| by_precondition(problems::of_push(failed), by_header))?;
            return Ok(Filed::Previewed(Box::new(previewed(preview, warnings).await)));
        }
        let place = crate::places::take(&self.inner.places.pushes, "pushes").await?;
        let gateway = self.clone();
        let work = tokio::spawn(async move {
            let _place = place;
            gateway.push(filing).await
        });
        work.await.unwrap_or_else(|panicked| {
            tracing::error!(error = %panicked, "A push has failed: a fault of the service");
            Err(Problem::new(
                ProblemKind::OutcomeUnknown,
                "a fault of the service has cut the push off; it may be stored",
            ))
        })
    }

    async fn push(&self, filing: Filing) -> Result<Filed, Problem> {
        let (Asked { inner: request, by_header }, warnings) =
            request(filing).await.inspect_err(|_| measures::pushed("bad-copy"))?;
        let is_draft = request.push.release == Release::Draft;
        let outcome = self.inner.desk.push(request).await;
        match &outcome {
            Ok(_) => self.wrote(true),
            Err(PushError::Unavailable { .. } | PushError::OutcomeUnknown { .. }) => self.wrote(false),
            Err(_) => {}
        }
        let answer = outcome.map_err(|failed| {
            let problem = by_precondition(problems::of_push(failed), by_header);
            measures::pushed(problem.kind().map_or("failed", ProblemKind::name));
            problem
        })?;
        // Who has been answered finds what was filed, whichever way it reads. The push is durable by
        // now, so views that stand still delay the answer for a bounded time and change nothing.
        let _ = tokio::time::timeout(OWN_WRITE_WAIT_MAX, self.views().reached(answer.position)).await;
        measures::pushed(match (answer.changed, answer.repeated) {
            (_, true) => "repeated",
            (true, false) => "stored",
            (false, false) => "unchanged",
        });
        self.answered(answer, is_draft, warnings).await.map(Filed::Pushed)
    }

    /// Returns what the desk did as the API says it.
    async fn answered(
        &self,
        answer: Answer,
        is_draft: bool,
        warnings: Vec<String>,
    ) -> Result<Pushed, Problem> {
        let (hash, significance) = match answer.articles {
            Some(step) => {
                let (is_seen, kind) = (answer.changed && answer.public, answer.kind);
                large(text_bytes(&step.before, &step.after), move || {
                    (step.hash(), is_seen.then(|| step.significance().of_kind(kind)))
                })
                .await
            }
            None => self.first_answer(&answer).await?,
        };
        Ok(Pushed {
            story: answer.story,
            slug: answer.slug.to_string(),
            revision: answer.revision,
            // What a repeated command has stored, it has stored: its first answer said so.
            changed: answer.changed || answer.repeated,
            kind: answer.kind,
            desk: answer.desk,
            status: answer.status,
            until: answer.until,
            rebased: answer.rebased,
            significance,
            hash,
            cursor: (answer.position.0 > 0).then(|| self.cursor(answer.position)),
            repeated: answer.repeated,
            warnings,
        })
    }

    /// Returns what was answered when the command came first; the views remember it.
    async fn first_answer(
        &self,
        answer: &Answer,
    ) -> Result<(proof::Hash, Option<story::significance::Significance>), Problem> {
        self.reached(answer.position).await?;
        let before = Revision(answer.revision.get().saturating_sub(1));
        let lines = self.views().history(answer.story, before, 1, View::Desk).await;
        let line = lines.map_err(|failed| problems::of_view(&failed))?.into_iter().next();
        let parked = || Problem::new(ProblemKind::Internal, "the views do not show what was stored");
        let line = line.filter(|line| line.revision == answer.revision).ok_or_else(parked)?;
        Ok((line.hash.ok_or_else(parked)?, line.significance))
    }
}

/// A request to the desk, and whether a header states the revision it expects.
struct Asked {
    inner: PushRequest,
    by_header: bool,
}

/// Reads the copy and puts it together with what comes with it.
async fn request(filing: Filing) -> Result<(Asked, Vec<String>), Problem> {
    let Filing { story, query, if_match, key, format, copy } = filing;
    let expected = agreed(if_match, query.expect)?;
    let length = copy.len();
    let intake = large(length, move || formats::read(&copy, format)).await;
    let intake = intake.map_err(|error| problems::of_intake(&error))?;
    let warnings = warnings(&intake, &query)?;
    let given_slug = intake.copy.fields.get(Field::Slug).as_str().parse::<Slug>().ok();
    let target = match (story, query.slug.clone().or(given_slug)) {
        (Some(name), _) => Target::Existing(name.parse::<StoryRef>().map_err(|_| problems::no_story(&name))?),
        (None, Some(slug)) => Target::BySlug(slug),
        (None, None) => Target::New(None),
    };
    let actor = match &query.actor {
        Some(actor) => actor.clone(),
        None => ACTOR_UNNAMED.parse().expect("eight letters are a legal actor"),
    };
    let push = push_of(intake, query)?;
    let inner = PushRequest { target, push, actor, command: key, expected, base: None };
    Ok((Asked { inner, by_header: if_match.is_some() }, warnings))
}

fn push_of(intake: Intake, query: PushParameters) -> Result<Push, Problem> {
    let correction = notice(&query)?;
    let note = match &query.note {
        Some(note) => text("note", note)?,
        None => intake.note,
    };
    // Copy that says it is a kill or a withhold must not go out as an update.
    let kind = match intake.kind {
        Some(act) if !act.is_for_copy() => Some(act),
        given => query.kind.or(given),
    };
    Ok(Push {
        desk: query.desk.or(intake.desk),
        kind,
        copy: intake.copy,
        release: if query.draft { Release::Draft } else { Release::Publish },
        note,
        correction,
        label: query.label,
        occurred: query.occurred.map(Into::into).or(intake.occurred),
        rebased: None,
    })
}

fn notice(query: &PushParameters) -> Result<Option<CorrectionNotice>, Problem> {
    let PushParameters { what, place, approver, .. } = query;
    if what.is_none() && place.is_none() && approver.is_none() {
        return Ok(None);
    }
    let Some(approver) = approver.clone() else {
        let detail = "a correction needs who approved it";
        return Err(
            problems::refused("correction-incomplete", detail).with("place", "query parameter approver")
        );
    };
    let given = |name, given: &Option<String>| text(name, given.as_deref().unwrap_or_default());
    Ok(Some(CorrectionNotice { what: given("what", what)?, place: given("where", place)?, approver }))
}

fn text(name: &str, given: &str) -> Result<Text, Problem> {
    note_text(name, given).map_err(|error| bad_parameter(name, &error.problem))
}

/// Returns `given` if it is a time as RFC 3339 writes it.
fn time(name: &str, given: String) -> Result<String, Problem> {
    let is_plain =
        given.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b':' | b'.' | b'T' | b'Z'));
    if is_plain && given.len() <= 40 && given.parse::<Timestamp>().is_ok() {
        return Ok(given);
    }
    let shown = shown(&given);
    Err(bad_parameter(
        name,
        format_args!("{shown:?} is not a time: write it as RFC 3339, such as 2026-11-22T18:04:00+01:00"),
    ))
}

/// Returns what an editor should know of; refuses to publish copy that is under an embargo.
fn warnings(intake: &Intake, query: &PushParameters) -> Result<Vec<String>, Problem> {
    let mut warnings = Vec::new();
    let stripped = intake.report.provenance_characters;
    if stripped > 0 {
        warnings.push(format!("{stripped} invisible provenance characters were taken out"));
    }
    if let Some(until) = &intake.embargoed
        && until.parse::<Timestamp>().is_ok_and(|until| until > Timestamp::now())
    {
        if !query.draft {
            let detail =
                format!("the copy is under an embargo until {until}: keep it on the desk (draft=true)");
            return Err(problems::refused("embargoed", detail).with("until", until.as_ref()));
        }
        warnings.push(format!("the copy is under an embargo until {until}: publish it after that"));
    }
    Ok(warnings)
}

/// Returns the one revision that header and parameter state.
fn agreed(if_match: Option<Revision>, expect: Option<Revision>) -> Result<Option<Revision>, Problem> {
    match (if_match, expect) {
        (Some(header), Some(parameter)) if header != parameter => Err(bad_parameter(
            "expect",
            format_args!("it says revision {parameter} and If-Match says {header}: state one"),
        )),
        (header, parameter) => Ok(header.or(parameter)),
    }
}

/// Turns a conflict into what RFC 9110 calls it if a header stated the revision.
fn by_precondition(problem: Problem, by_header: bool) -> Problem {
    if !by_header || problem.kind() != Some(ProblemKind::Conflict) {
        return problem;
    }
    let changed = Problem::new(ProblemKind::PreconditionFailed, problem.detail);
    Problem { members: problem.members, ..changed }
}

async fn previewed(preview: Preview, warnings: Vec<String>) -> Previewed {
    large(text_bytes(&preview.step.before, &preview.step.after), move || {
        let Preview { story, revision, kind, step } = preview;
        let (before, after) = (step.before.public(), step.after.public());
        let diff = story::diff::diff(&before, &after);
        let text = story::render::to_plain(&story::render::lines(&before, &after, &diff));
        let by_rules = story::significance::assess(&before, &after, &diff, step.label);
        let significance = by_rules.of_kind(kind.unwrap_or(story::Kind::Update));
        Previewed {
            story,
            changed: kind.is_some(),
            kind,
            from: revision,
            to: if kind.is_some() { revision.next() } else { revision },
            base: wire::article_hash(&before),
            target: wire::article_hash(&after),
            ops: diff.ops,
            observations: diff.observations,
            significance,
            text,
            warnings,
        }
    })
    .await
}

fn text_bytes(before: &Article, after: &Article) -> usize {
    before.text_bytes() + after.text_bytes()
}

/// Does `work`, on a thread of its own if it is about many bytes: other requests do not wait.
pub(crate) async fn large<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if bytes <= INLINE_COPY_BYTES_MAX {
        return work();
    }
    // A panic goes on here, where the edge turns it into a problem; nothing else ends blocking
    // work before its time, save the end of the runtime, which ends this too.
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|failed| match failed.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(cancelled) => panic!("blocking work was cut off: {cancelled}"),
    })
}
