//! Filing copy.

use bytes::Bytes;
use desk::{ActRequest, Preview, PushRequest, StoryRef, Target};
use formats::Format;
use jiff::Timestamp;
use registry::{Guarded, Policy, Principal};
use serde::{Deserialize, Serialize};
use story::{
    Act, ActorId, Article, Command, CommandKey, Deed, Desk, Field, Kind, Level, Push, Revision, Slug, Text,
};
use utoipa::IntoParams;
use wire::http::{Previewed, Pushed, Waiting};
use wire::{Problem, ProblemKind};

use crate::commands::request::{Asked, instant, time};
use crate::gateway::Gateway;
use crate::limits::INLINE_COPY_BYTES_MAX;
use crate::measures;
use crate::parameters::{Parameters, Query};
use crate::problems;

/// What comes with copy.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PushParameters {
    /// The story's slug: a new story gets it. Over what the copy says.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "ceasefire-talks")]
    pub(crate) slug: Option<Slug>,
    /// The desk; a new story needs one, another keeps its own. Over what the copy says.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "world")]
    pub(crate) desk: Option<Desk>,
    /// What sort of update it is: `alert`, `update`, `correction`, `clarification`, `refile` or
    /// `advisory`; if absent, `update`, or `alert` for a headline alone. Over what the copy says.
    #[param(value_type = Option<String>, example = "update")]
    pub(crate) kind: Option<Kind>,
    /// The public note. Over what the copy says.
    pub(crate) note: Option<String>,
    /// `true` keeps it on the desk: readers see nothing of it.
    #[param(value_type = Option<bool>)]
    pub(crate) draft: bool,
    /// The revision that the copy was made from. If the story has moved on, the copy is carried over
    /// onto it, or answered with what overlaps.
    #[param(value_type = Option<u64>)]
    pub(crate) base: Option<Revision>,
    /// Keeps it secret until then (RFC 3339), and publishes it then.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) embargo_until: Option<Timestamp>,
    /// Publishes it then (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) publish_at: Option<Timestamp>,
    /// The revision that you saw; 0 for "there is no such story yet". If the story is at another,
    /// nothing is stored.
    #[param(value_type = Option<u64>)]
    pub(crate) expect: Option<Revision>,
    /// `true` says what the push would do, and stores nothing.
    #[param(value_type = Option<bool>)]
    pub(crate) dry_run: bool,
    /// An editor's word on how much it matters: `minor`, `notable` or `substantive`.
    #[param(value_type = Option<String>, example = "notable")]
    pub(crate) label: Option<Level>,
    /// When it happened in the world (RFC 3339); the offset is kept.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) occurred: Option<String>,
    /// Of a correction: what was wrong.
    pub(crate) what: Option<String>,
    /// Of a correction: where it stood, such as `third paragraph`.
    #[param(rename = "where")]
    pub(crate) place: Option<String>,
    /// Of a correction: who approved it (a pseudonym).
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(crate) approver: Option<ActorId>,
    /// Who files it (a pseudonym); `unnamed` if absent.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "ed-7")]
    pub(crate) actor: Option<ActorId>,
}

impl Query for PushParameters {
    const NAMES: &'static [&'static str] = &[
        "slug",
        "desk",
        "kind",
        "note",
        "draft",
        "base",
        "embargo_until",
        "publish_at",
        "expect",
        "dry_run",
        "label",
        "occurred",
        "what",
        "where",
        "approver",
        "actor",
    ];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            slug: from.optional("slug")?,
            desk: from.optional("desk")?,
            kind: from.optional("kind")?,
            note: from.text("note"),
            draft: from.truth("draft")?,
            base: from.number("base", i64::MAX.unsigned_abs())?.map(Revision),
            embargo_until: moment(from, "embargo_until")?,
            publish_at: moment(from, "publish_at")?,
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

impl PushParameters {
    /// Returns whether a correction's notice comes with it.
    fn is_notice(&self) -> bool {
        self.what.is_some() || self.place.is_some()
    }
}

/// Takes a moment, if it was given.
fn moment(from: &mut Parameters, name: &str) -> Result<Option<Timestamp>, Problem> {
    from.text(name).map(|text| instant(name, &text)).transpose()
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
    Pushed(Box<Pushed>),
    /// It was a dry run.
    Previewed(Box<Previewed>),
    /// It waits for a second person.
    Waits(Waiting),
}

impl Gateway {
    /// Files a push of `who`, keeps it for a second person, or says what it would do, if they may. Once
    /// begun, it is carried out even if whoever asked goes away.
    pub(crate) async fn file(&self, mut filing: Filing, who: &Principal) -> Result<Filed, Problem> {
        let actor = self.acting_as(who, filing.query.actor.as_ref()).await?;
        let is_preview = filing.query.dry_run;
        let policy = self.registry().policy();
        if policy.needs_second(Guarded::Correction) && filing.query.is_notice() {
            // Until the second person is known, whose name takes the place.
            filing.query.approver.get_or_insert_with(|| actor.clone());
        }
        let sent = (!is_preview && policy != Policy::default()).then(|| filing.clone());
        let mut asked = self.asked(filing, actor).await.inspect_err(|_| measures::pushed("bad-copy"))?;
        self.may_file(who, &asked).await?;
        if is_preview {
            let Asked { inner, by_header, warnings, .. } = asked;
            let preview = self.inner.desk.preview(inner).await;
            let preview = preview.map_err(|failed| by_precondition(problems::of_push(failed), by_header))?;
            return Ok(Filed::Previewed(Box::new(previewed(preview, warnings).await)));
        }
        if let Some(sent) = sent {
            let by_header = asked.by_header;
            let second = Box::pin(self.second_for_copy(&mut asked, sent, who)).await;
            if let Some(filed) = second.map_err(|problem| by_precondition(problem, by_header))? {
                return Ok(filed);
            }
        }
        let gateway = self.clone();
        self.finish(async move { gateway.push(asked).await.map(|pushed| Filed::Pushed(Box::new(pushed))) })
            .await
    }

    async fn push(&self, asked: Asked) -> Result<Pushed, Problem> {
        let Asked { inner, by_header, warnings, act } = asked;
        if let Some(kind) = act {
            return self.push_and_act(inner, kind, warnings).await;
        }
        let outcome = self.inner.desk.push(inner).await;
        self.told(outcome, warnings).await.map_err(|problem| by_precondition(problem, by_header))
    }

    /// Files an item of a wire that is held or killed: its words, if it is held and has some, for the
    /// desk, and the act.
    async fn push_and_act(
        &self,
        request: PushRequest,
        kind: Kind,
        mut warnings: Vec<String>,
    ) -> Result<Pushed, Problem> {
        let act = if kind == Kind::Withhold && has_words(&request.push) {
            let filed = self.inner.desk.push(PushRequest { command: None, ..request.clone() }).await;
            let story = StoryRef::Id(self.told(filed, Vec::new()).await?.story);
            act_on(story, &request, kind)
        } else {
            self.wire_act(&request, kind, &mut warnings)?
        };
        let outcome = self.inner.desk.act(act).await;
        self.told(outcome, warnings).await
    }

    /// Returns the act that an item of a wire asks for.
    pub(crate) fn wire_act(
        &self,
        request: &PushRequest,
        kind: Kind,
        warnings: &mut Vec<String>,
    ) -> Result<ActRequest, Problem> {
        if has_words(&request.push) {
            warnings.push(format!("the words of the item were not kept: it is a {kind}"));
        }
        let story = self.aimed_at(request).ok_or_else(|| {
            problems::refused(
                "nothing-to-act-on",
                format!("the item is a {kind} of a story that is not here: nothing to do"),
            )
        })?;
        Ok(act_on(story, request, kind))
    }

    /// Returns the story that copy goes to, if it names one: the one that its item has become before,
    /// whatever that is called, else the one that it says.
    pub(crate) fn aimed_at(&self, request: &PushRequest) -> Option<StoryRef> {
        match &request.target {
            Target::Existing(story) => Some(story.clone()),
            Target::BySlug(slug) | Target::New(Some(slug)) => {
                Some(self.sourced(request).unwrap_or_else(|| StoryRef::Slug(slug.clone())))
            }
            Target::New(None) => self.sourced(request),
        }
    }

    fn sourced(&self, request: &PushRequest) -> Option<StoryRef> {
        let source = request.push.copy.fields.get(Field::Source).shown_values().next()?;
        self.inner.desk.find_source(source).map(StoryRef::Id)
    }
}

fn has_words(push: &Push) -> bool {
    push.copy.blocks.as_ref().is_some_and(|blocks| !blocks.is_empty())
}

/// Returns the act of an item of a wire on `story`.
fn act_on(story: StoryRef, request: &PushRequest, kind: Kind) -> ActRequest {
    let deed = match kind {
        Kind::Withhold => Deed::Withhold,
        Kind::Takedown => Deed::Takedown,
        _ => Deed::Kill,
    };
    let act = Act { deed, reason: wire_reason(&request.push, kind), note: Text::default(), approver: None };
    let (actor, key) = (request.actor.clone(), request.command.clone());
    ActRequest { story, command: Command::Act(Box::new(act)), actor, key, expected: None }
}

/// Returns why an item of a wire is held or killed, as far as it says.
fn wire_reason(push: &Push, kind: Kind) -> Text {
    let given = [&push.note, push.copy.fields.get(Field::EdNote)].into_iter().find(|text| !text.is_empty());
    given.cloned().unwrap_or_else(|| Text::uncut(format!("The source sent a {kind} and did not say why.")))
}

/// Turns a conflict into what RFC 9110 calls it if a header stated the revision.
pub(crate) fn by_precondition(problem: Problem, by_header: bool) -> Problem {
    if !by_header || problem.kind() != Some(ProblemKind::Conflict) {
        return problem;
    }
    let changed = Problem::new(ProblemKind::PreconditionFailed, problem.detail);
    Problem { members: problem.members, ..changed }
}

pub(crate) async fn previewed(preview: Preview, warnings: Vec<String>) -> Previewed {
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

pub(crate) fn text_bytes(before: &Article, after: &Article) -> usize {
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
