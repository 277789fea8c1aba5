//! The desk's handle: deciding and appending.

use std::sync::Arc;

use jiff::Timestamp;
use log::{AppendError, Batch, Command as LogCommand, EventLog, NewRecord, Pending, Position, StoryKey};
use story::{ActorId, Command, CommandKey, Event, Field, Revision, Slug, StoryId, Text, decide};
use uuid::Uuid;
use wire::{Chain, Header, Stamp, recordable};

use crate::directory::Directory;
use crate::request::{Answer, OpenError, Preview, PushError, PushRequest, Seed, Step, StoryRef, Target};
use crate::stories::{Held, Stories};

/// How often a push is decided again when another writer came between.
const DECISIONS_MAX: usize = 8;
/// Records read at a time while the directory is completed.
const SCAN_PAGE_RECORDS: usize = 1_024;
/// Longest slug made from a headline, in bytes.
const MADE_SLUG_BYTES_MAX: usize = 48;

/// A handle to the desk; clones share it.
#[derive(Debug, Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    log: EventLog,
    directory: Directory,
    stories: Stories,
}

impl Desk {
    /// Opens the desk on `log`, reading what was appended behind `seed.upto` for its slugs.
    ///
    /// # Errors
    /// [`OpenError::Log`] when the log cannot be read.
    pub async fn open(log: EventLog, seed: Seed) -> Result<Self, OpenError> {
        let directory = Directory::new(seed.slugs);
        let mut from = seed.upto.next();
        while from <= log.head() {
            let records = log.read(from, SCAN_PAGE_RECORDS).await?;
            let Some(last) = records.last() else { break };
            from = last.position.next();
            for record in records.iter().filter(|record| record.revision == 1) {
                let story = StoryId::from_bytes(record.story.0);
                let mut chain = Chain::new(story);
                // A damaged first record has no slug to know of; `check` names it, the desk goes on.
                if chain.open(&record.envelope, &record.disclosures).is_ok()
                    && let Some(slug) = slug_of(&chain)
                {
                    directory.find_or_reserve(&slug, story);
                }
            }
        }
        let stories = Stories::new(log.clone());
        Ok(Self { inner: Arc::new(Inner { log, directory, stories }) })
    }

    /// Returns the id of `story`, if its slug is known (an id is not looked up).
    pub fn find(&self, story: &StoryRef) -> Option<StoryId> {
        match story {
            StoryRef::Id(id) => Some(*id),
            StoryRef::Slug(slug) => self.inner.directory.find(slug),
        }
    }

    /// Files a push; returns once it is durable, or once it is known to change nothing.
    ///
    /// Pushes to one story are decided in the order in which they come; those waiting for the
    /// disk do not hold up the next decision.
    ///
    /// # Errors
    /// [`PushError`] says whether the push may be stored and what to do next.
    pub async fn push(&self, request: PushRequest) -> Result<Answer, PushError> {
        let aim = self.aim(&request)?;
        let PushRequest { target, push, actor, command: key, expected } = request;
        let mut filing = Filing { target, command: Command::Push(Box::new(push)), actor, key, expected };
        let outcome = self.file(&aim, &mut filing).await;
        if aim.reserved && matches!(outcome, Err(PushError::Refused(_) | PushError::Conflict { .. })) {
            self.release(&aim).await;
        }
        outcome
    }

    /// Returns what `request` would do, and does nothing.
    ///
    /// # Errors
    /// The same refusals as [`Desk::push`].
    pub async fn preview(&self, request: PushRequest) -> Result<Preview, PushError> {
        let known = match &request.target {
            Target::Existing(story) => {
                Some(self.find(story).ok_or_else(|| PushError::NotFound { story: story.to_string() })?)
            }
            Target::BySlug(slug) | Target::New(Some(slug)) => self.inner.directory.find(slug),
            Target::New(None) => None,
        };
        let story = match known {
            Some(id) => {
                let held = self.inner.stories.hold(id).await?;
                fits(&request.target, id, chain(&held))?;
                chain(&held).story().clone()
            }
            None => story::Story::default(),
        };
        insist(request.expected, story.revision)?;
        let slug = slug_wanted(&request);
        let mut command = Command::Push(Box::new(request.push));
        name(&mut command, Some(&slug).filter(|_| story.revision == Revision::ZERO));
        let events = decide(&story, &command, now(&story))?;
        let before = story.article.clone();
        let revision = story.revision;
        let kind = events.first().map(|event| event.kind);
        let label = events.first().and_then(|event| event.label);
        let after = events
            .iter()
            .try_fold(story, story::apply)
            .expect("what decide returns, apply accepts: tested as an invariant")
            .article;
        Ok(Preview { story: known, revision, kind, step: Step { before, after, label } })
    }

    /// Returns which story `request` goes to, reserving the slug of a new one.
    fn aim(&self, request: &PushRequest) -> Result<Aim, PushError> {
        let directory = &self.inner.directory;
        let slug = match &request.target {
            Target::Existing(reference) => {
                let story = self
                    .find(reference)
                    .ok_or_else(|| PushError::NotFound { story: reference.to_string() })?;
                return Ok(Aim { story, slug: None, reserved: false });
            }
            Target::BySlug(_) | Target::New(_) => slug_wanted(request),
        };
        let candidate = StoryId::new(Uuid::now_v7());
        let story = directory.find_or_reserve(&slug, candidate);
        let reserved = story == candidate;
        Ok(Aim { story, slug: Some(slug), reserved })
    }

    async fn file(&self, aim: &Aim, filing: &mut Filing) -> Result<Answer, PushError> {
        let command = filing.key.clone().unwrap_or_else(own_command);
        let mut conflict = None;
        for _ in 0..DECISIONS_MAX {
            let mut held = self.inner.stories.hold(aim.story).await?;
            if filing.key.is_some()
                && let Some(answer) = self.answered(aim, &command, chain(&held)).await?
            {
                return Ok(answer);
            }
            fits(&filing.target, aim.story, chain(&held))?;
            insist(filing.expected, chain(&held).story().revision)?;
            let (answer, pending) = match self.submit(&mut held, aim, filing, &command).await {
                Ok((answer, Some(pending))) => (answer, pending),
                Ok((answer, None)) => return Ok(answer),
                Err(error) => {
                    // Sealing has advanced the fold, and the log has not followed.
                    if !matches!(error, PushError::Refused(_)) {
                        *held = None;
                    }
                    return Err(error);
                }
            };
            drop(held); // The next decision builds on this one while the disk works.
            match pending.acknowledged().await {
                Ok(appended) => return Ok(Answer { position: appended.last, ..answer }),
                Err(error) => {
                    self.inner.stories.forget(aim.story).await;
                    conflict = Some(refused_append(error)?);
                }
            }
        }
        Err(conflict.expect("the loop runs at least once, and only a conflict goes round"))
    }

    /// Decides, seals and queues; `None` in place of the pending append when nothing changes.
    async fn submit(
        &self,
        held: &mut Held,
        aim: &Aim,
        filing: &mut Filing,
        command: &CommandKey,
    ) -> Result<(Answer, Option<Pending>), PushError> {
        let chain = held.as_mut().expect("a held story is loaded");
        let revision = chain.story().revision;
        let before = chain.story().article.clone();
        name(&mut filing.command, aim.slug.as_ref().filter(|_| revision == Revision::ZERO));
        let now = now(chain.story());
        let events = decide(chain.story(), &filing.command, now)?;
        let mut records = Vec::with_capacity(events.len());
        for event in &events {
            records.push(seal(chain, event, &filing.actor, command, aim.story)?);
        }
        let answer = Answer {
            story: aim.story,
            slug: slug_of(chain).ok_or_else(|| damaged(aim.story, "it has no slug"))?,
            revision: chain.story().revision,
            changed: !events.is_empty(),
            repeated: false,
            kind: events.last().map_or(story::Kind::Update, |event| event.kind),
            position: Position::ZERO,
            articles: Some(Step {
                before,
                after: chain.story().article.clone(),
                label: events.last().and_then(|event| event.label),
            }),
        };
        if events.is_empty() {
            return Ok((answer, None));
        }
        let batch = Batch { command: log_command(command), records };
        let key = StoryKey(*aim.story.as_bytes());
        match self.inner.log.submit(key, revision.get(), batch).await {
            Ok(pending) => Ok((answer, Some(pending))),
            Err(error) => Err(refused_append(error).unwrap_or_else(|error| error)),
        }
    }

    /// Returns the answer that `command` got before, if it did.
    async fn answered(
        &self,
        aim: &Aim,
        command: &CommandKey,
        chain: &Chain,
    ) -> Result<Option<Answer>, PushError> {
        let log = &self.inner.log;
        let key = StoryKey(*aim.story.as_bytes());
        let unavailable = |error: log::ReadError| PushError::Unavailable { source: error.into() };
        let Some(appended) = log.find_command(key, &log_command(command)).await.map_err(unavailable)? else {
            return Ok(None);
        };
        let records = log.read_story(key, appended.revision, 1).await.map_err(unavailable)?;
        let record =
            records.first().ok_or_else(|| damaged(aim.story, "an answered command has no record"))?;
        let header =
            Header::parse(&record.envelope).map_err(|error| damaged(aim.story, &error.to_string()))?;
        Ok(Some(Answer {
            story: aim.story,
            slug: slug_of(chain).ok_or_else(|| damaged(aim.story, "it has no slug"))?,
            revision: Revision(appended.revision),
            changed: false,
            repeated: true,
            kind: header.kind,
            position: appended.last,
            articles: None,
        }))
    }

    /// Frees the slug of a story whose first push was refused, unless another push has used it.
    async fn release(&self, aim: &Aim) {
        let Some(slug) = &aim.slug else { return };
        if let Ok(held) = self.inner.stories.hold(aim.story).await
            && chain(&held).story().revision == Revision::ZERO
        {
            self.inner.directory.free(slug, aim.story);
        }
    }
}

/// A push at work.
#[derive(Debug)]
struct Filing {
    target: Target,
    command: Command,
    actor: ActorId,
    /// The caller's idempotency key.
    key: Option<CommandKey>,
    expected: Option<Revision>,
}

/// Which story a push goes to.
#[derive(Debug)]
struct Aim {
    story: StoryId,
    /// The slug it gets if it is new; `None` when it must exist.
    slug: Option<Slug>,
    /// Whether this push reserved the slug.
    reserved: bool,
}

fn chain(held: &Held) -> &Chain {
    held.as_ref().expect("a held story is loaded")
}

fn slug_of(chain: &Chain) -> Option<Slug> {
    chain.story().article.fields.get(Field::Slug).as_str().parse().ok()
}

/// Refuses a target that must exist and does not, and one that must be new and is not.
fn fits(target: &Target, story: StoryId, chain: &Chain) -> Result<(), PushError> {
    let is_new = chain.story().revision == Revision::ZERO;
    match (target, slug_of(chain)) {
        (Target::Existing(reference), _) if is_new => {
            Err(PushError::NotFound { story: reference.to_string() })
        }
        (Target::New(_), Some(slug)) if !is_new => Err(PushError::SlugTaken { slug, story }),
        _ => Ok(()),
    }
}

fn insist(expected: Option<Revision>, actual: Revision) -> Result<(), PushError> {
    match expected {
        Some(expected) if expected != actual => Err(PushError::Conflict { expected, actual }),
        _ => Ok(()),
    }
}

/// Returns the time of a decision: now to the microsecond, and never before the story's last.
fn now(story: &story::Story) -> Timestamp {
    let now = recordable(Timestamp::now());
    story.recorded.map_or(now, |last| now.max(last))
}

fn seal(
    chain: &mut Chain,
    event: &Event,
    actor: &ActorId,
    command: &CommandKey,
    story: StoryId,
) -> Result<NewRecord, PushError> {
    // From the thread's generator, which is fit for secrets and seeded by the system: salts must not
    // be guessed by anyone who does not hold the record.
    let seed = rand::random();
    let stamp = Stamp {
        event: Uuid::now_v7(),
        actor: actor.clone(),
        command: command.clone(),
        seed: proof::Seed(seed),
    };
    let sealed = chain.seal(event, &stamp).map_err(|error| damaged(story, &error.to_string()))?;
    Ok(NewRecord { envelope: sealed.envelope, disclosures: sealed.disclosures })
}

fn damaged(story: StoryId, problem: &str) -> PushError {
    PushError::Damaged { story, problem: problem.to_owned() }
}

fn log_command(command: &CommandKey) -> LogCommand {
    LogCommand(bytes::Bytes::copy_from_slice(command.as_str().as_bytes()))
}

fn own_command() -> CommandKey {
    Uuid::now_v7().as_simple().to_string().parse().expect("hexadecimal digits are visible ASCII")
}

/// Returns a conflict, to decide again; any other error ends the push.
fn refused_append(error: AppendError) -> Result<PushError, PushError> {
    match error {
        AppendError::Conflict { expected, actual } => {
            Ok(PushError::Conflict { expected: Revision(expected), actual: Revision(actual) })
        }
        AppendError::TooLarge { actual, limit, .. } => Err(PushError::TooLarge { actual, limit }),
        AppendError::Unavailable { source } => Err(PushError::Unavailable { source }),
        // The desk appends only events that a decision caused, under a key of legal length.
        AppendError::Empty { .. } => Err(PushError::Unavailable { source: Box::new(error) }),
        AppendError::OutcomeUnknown { source } => Err(PushError::OutcomeUnknown { source }),
    }
}

/// Gives `command` the slug that a new story gets; a present story keeps its own.
fn name(command: &mut Command, slug: Option<&Slug>) {
    let Command::Push(push) = command else { return };
    push.copy.given.retain(|field| *field != Field::Slug);
    if let Some(slug) = slug {
        push.copy.given.push(Field::Slug);
        push.copy.fields.set(Field::Slug, Text::uncut(slug.as_str()));
    }
}

fn slug_wanted(request: &PushRequest) -> Slug {
    match &request.target {
        Target::BySlug(slug) | Target::New(Some(slug)) => slug.clone(),
        Target::New(None) | Target::Existing(_) => {
            made_slug(request.push.copy.fields.get(Field::Headline).as_str(), request.command.as_ref())
        }
    }
}

/// Returns a slug made of the headline's first words and, so that it is new, of eight more digits.
/// They come from the idempotency key, if there is one: a repeated filing finds its story.
fn made_slug(headline: &str, command: Option<&CommandKey>) -> Slug {
    let mut slug = String::new();
    for word in headline.split(|character: char| !character.is_ascii_alphanumeric()) {
        if word.is_empty() {
            continue;
        }
        if slug.len() + 1 + word.len() > MADE_SLUG_BYTES_MAX {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_ascii_lowercase());
    }
    let key = command.cloned().unwrap_or_else(own_command);
    let tail = proof::envelope_hash(key.as_str().as_bytes()).to_string();
    let tail = &tail[tail.len() - 8..];
    let slug = if slug.is_empty() { format!("story-{tail}") } else { format!("{slug}-{tail}") };
    slug.parse().expect("letters, digits and hyphens, at most 57 of them")
}
