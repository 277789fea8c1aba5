//! Carrying one command out: decided against the story as the log has it, sealed, appended.

use std::borrow::Cow;
use std::time::Instant;

use jiff::Timestamp;
use log::{AppendError, Batch, Command as LogCommand, NewRecord, Position, StoryKey};
use story::{
    ActorId, Article, Command, CommandKey, Event, Field, Push, Revision, Slug, Status, Story, StoryId,
    decide, merge,
};
use trace::{Kind, Span};
use uuid::Uuid;
use wire::{Chain, Disclosures, Header, Stamp, recordable};

use crate::request::{Answer, Overlapping, PushError, Step, Target};
use crate::service::Inner;
use crate::slug::name;
use crate::stories::{Held, load};
use crate::traced::{Appending, Traced};

/// How often a command is decided again when another writer came between.
const DECISIONS_MAX: usize = 8;

/// A command at work.
#[derive(Debug, Clone)]
pub(crate) struct Filing {
    pub(crate) target: Target,
    pub(crate) command: Command,
    pub(crate) actor: ActorId,
    /// The caller's idempotency key.
    pub(crate) key: Option<CommandKey>,
    /// The revision that the caller insists on.
    pub(crate) expected: Option<Revision>,
    /// The revision that the copy was made from.
    pub(crate) base: Option<Revision>,
}

/// Which story a command goes to.
#[derive(Debug)]
pub(crate) struct Aim {
    pub(crate) story: StoryId,
    /// The slug it gets if it is new; `None` when it must exist.
    pub(crate) slug: Option<Slug>,
    /// Whether this push reserved the slug.
    pub(crate) reserved: bool,
}

/// How a story is looked at before a command is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// As it is in memory: others may have written it since.
    Remembered,
    /// As it is in the log now.
    Newest,
}

impl Inner {
    /// Returns how a story is looked at first: where nobody else writes, what is in memory is so.
    const fn first_sight(&self) -> Sight {
        if self.log.is_shared() { Sight::Remembered } else { Sight::Newest }
    }

    /// Carries `filing` out; returns once it is durable, or once it is known to change nothing.
    pub(crate) async fn file(&self, aim: &Aim, filing: &mut Filing) -> Result<Answer, PushError> {
        let command = filing.key.clone().unwrap_or_else(own_command);
        let mut conflict = None;
        // What others have written is asked for only before an answer that stores nothing: one that
        // stores something is the log's to accept.
        let mut sight = self.first_sight();
        for _ in 0..DECISIONS_MAX {
            let decided = {
                let _span = Span::child("decide", Kind::Internal, trace::current());
                Box::pin(self.decide_once(aim, filing, &command, sight)).await
            };
            let (held, answer, appending) = match decided {
                Ok((held, answer, Some(appending))) => (held, answer, appending),
                Ok((_, answer, None)) if sight == Sight::Newest || answer.repeated => return Ok(answer),
                Err(error) if sight == Sight::Newest || !error.is_of_the_story() => return Err(error),
                Ok(_) | Err(_) => {
                    sight = Sight::Newest;
                    continue;
                }
            };
            drop(held); // The next decision builds on this one while the disk works.
            match appending.acknowledged().await {
                Ok(appended) => {
                    self.due.set(aim.story, answer.revision, answer.goes_out());
                    return Ok(Answer { position: appended.last, ..answer });
                }
                Err(error) => {
                    self.stories.forget(aim.story).await;
                    conflict = Some(refused_append(error)?);
                    sight = self.first_sight();
                }
            }
        }
        Err(conflict.expect("the loop runs more than once, and but for once only a conflict goes round"))
    }

    /// Decides the command on the story as it is in memory, or as it is now, as `sight`
    /// says, and submits what follows; nothing is pending when nothing is to be stored.
    async fn decide_once(
        &self,
        aim: &Aim,
        filing: &mut Filing,
        command: &CommandKey,
        sight: Sight,
    ) -> Result<(Held, Answer, Option<Appending>), PushError> {
        let stories = &self.stories;
        let mut held = match sight {
            Sight::Newest => Box::pin(stories.hold_newest(aim.story)).await?,
            Sight::Remembered => stories.hold(aim.story).await?,
        };
        if filing.key.is_some()
            && let Some(answer) = self.answered(aim, filing, command, chain(&held)).await?
        {
            return Ok((held, answer, None));
        }
        fits(&filing.target, aim.story, chain(&held))?;
        insist(filing.expected, chain(&held).story().revision)?;
        match self.submit(&mut held, aim, filing, command).await {
            Ok((answer, appending)) => {
                if appending.is_some() && matches!(filing.command, Command::Redact(_)) {
                    // Whoever comes next must not see what is hidden from now on.
                    *held = None;
                }
                Ok((held, answer, appending))
            }
            Err(error) => {
                // Sealing has advanced the fold, and the log has not followed.
                if !matches!(
                    error,
                    PushError::Refused(_) | PushError::Overlap(_) | PushError::KeyReused { .. }
                ) {
                    *held = None;
                }
                Err(error)
            }
        }
    }

    /// Decides, seals and queues; `None` in place of the pending append when nothing changes.
    async fn submit(
        &self,
        held: &mut Held,
        aim: &Aim,
        filing: &mut Filing,
        command: &CommandKey,
    ) -> Result<(Answer, Option<Appending>), PushError> {
        let chain = held.as_mut().expect("a held story is loaded");
        let revision = chain.story().revision;
        name(&mut filing.command, aim.slug.as_ref().filter(|_| revision == Revision::ZERO));
        let asked = self.rebased(aim.story, chain.story(), filing).await?;
        let events = decide(chain.story(), &asked, now())?;
        let before = chain.story().clone();
        let mut records = Vec::with_capacity(events.len());
        for event in &events {
            records.push(seal(chain, event, &filing.actor, command, aim.story)?);
        }
        let answer = answer(aim.story, &before, chain, &events)?;
        if events.is_empty() {
            return Ok((answer, None));
        }
        let batch = Batch { command: log_command(command), records };
        let key = StoryKey(*aim.story.as_bytes());
        // Before the log has it: whoever follows the log may be faster than the answer.
        let (began, traced) = (Instant::now(), Traced::begin(aim.story, revision, events.len()));
        match self.log.submit(key, revision.get(), batch).await {
            Ok(pending) => Ok((answer, Some(Appending::new(pending, began, traced)))),
            Err(error) => {
                traced.refused();
                Err(refused_append(error).unwrap_or_else(|error| error))
            }
        }
    }

    /// Returns the command with its copy carried over onto `story`, if it was made from an earlier
    /// revision.
    pub(crate) async fn rebased<'a>(
        &self,
        id: StoryId,
        story: &Story,
        filing: &'a Filing,
    ) -> Result<Cow<'a, Command>, PushError> {
        let (Some(base), Command::Push(push)) = (filing.base, &filing.command) else {
            return Ok(Cow::Borrowed(&filing.command));
        };
        if base == story.revision {
            return Ok(Cow::Borrowed(&filing.command));
        }
        if base > story.revision {
            return Err(PushError::Conflict { expected: base, actual: story.revision });
        }
        let based = self.article_at(id, base).await?;
        let copy = merge(&based, &story.article, &push.copy).map_err(|overlap| {
            PushError::Overlap(Box::new(Overlapping {
                story: id,
                base: (base, based.clone()),
                theirs: (story.revision, story.article.clone()),
                mine: push.copy.clone(),
                overlap: *overlap,
            }))
        })?;
        Ok(Cow::Owned(Command::Push(Box::new(Push { copy, rebased: Some(base), ..(**push).clone() }))))
    }

    /// Returns the desk's article at `revision`. Cost: the story's records up to there.
    async fn article_at(&self, story: StoryId, revision: Revision) -> Result<Article, PushError> {
        let chain = load(&self.log, story, revision).await?;
        Ok(chain.story().article.clone())
    }

    /// Returns the answer that `command` got before, if it did.
    pub(crate) async fn answered(
        &self,
        aim: &Aim,
        filing: &Filing,
        command: &CommandKey,
        chain: &Chain,
    ) -> Result<Option<Answer>, PushError> {
        let Some((answer, record)) = self.stored_answer(aim.story, command, chain).await? else {
            return Ok(None);
        };
        self.check_repeat(aim, filing, &record).await?;
        Ok(Some(answer))
    }

    /// Returns the answer that `command` got before, if it did, and the record it made, whatever it was.
    pub(crate) async fn stored_answer(
        &self,
        story: StoryId,
        command: &CommandKey,
        chain: &Chain,
    ) -> Result<Option<(Answer, log::Record)>, PushError> {
        let log = &self.log;
        let key = StoryKey(*story.as_bytes());
        let unavailable = |error: log::ReadError| PushError::Unavailable { source: error.into() };
        let Some(appended) = log.find_command(key, &log_command(command)).await.map_err(unavailable)? else {
            return Ok(None);
        };
        let mut records = log.read_story(key, appended.revision, 1).await.map_err(unavailable)?;
        let record = records.pop().ok_or_else(|| damaged(story, "an answered command has no record"))?;
        let header = Header::parse(&record.envelope).map_err(|error| damaged(story, &error.to_string()))?;
        let answer = Answer {
            story,
            slug: slug_of(chain).ok_or_else(|| damaged(story, "it has no slug"))?,
            desk: header.desk,
            revision: Revision(appended.revision),
            changed: false,
            repeated: true,
            kind: header.kind,
            status: header.status,
            public: header.public,
            until: header.until,
            rebased: header.rebased,
            position: appended.last,
            articles: None,
        };
        Ok(Some((answer, record)))
    }
}

impl Inner {
    /// Refuses a key that comes again with something else. What was asked first is not kept, but
    /// what it made is: asked again of the story as it was then, the same makes the same.
    async fn check_repeat(&self, aim: &Aim, filing: &Filing, record: &log::Record) -> Result<(), PushError> {
        let before = Revision(record.revision.saturating_sub(1));
        let mut chain = load(&self.log, aim.story, before).await?;
        let mut command = filing.command.clone();
        name(&mut command, aim.slug.as_ref().filter(|_| before == Revision::ZERO));
        let asked = Filing { command, ..filing.clone() };
        if !chain.masks().is_empty() {
            return Ok(()); // What it made is not all there any more.
        }
        let Ok(asked) = self.rebased(aim.story, chain.story(), &asked).await else { return Ok(()) };
        let when = Header::parse(&record.envelope).map_or_else(|_| now(), |header| header.recorded);
        // What was legal then and is refused now tells nothing: time has passed.
        let Ok(again) = decide(chain.story(), &asked, when) else { return Ok(()) };
        let opened = chain.open(&record.envelope, &record.disclosures);
        let opened = opened.map_err(|error| damaged(aim.story, &error.to_string()))?;
        let is_same = again.last().is_some_and(|event| {
            let same_words = event.operations == opened.event.operations && event.note == opened.event.note;
            same_words && event.kind == opened.event.kind && event.status == opened.event.status
        });
        let is_whole = Disclosures::parse(&record.disclosures)
            .is_ok_and(|disclosed| disclosed.commitments().iter().all(Option::is_some));
        if is_same || !is_whole {
            return Ok(());
        }
        Err(PushError::KeyReused { story: aim.story, revision: Revision(record.revision) })
    }
}

pub(crate) fn answer(
    story: StoryId,
    before: &Story,
    chain: &Chain,
    events: &[Event],
) -> Result<Answer, PushError> {
    let after = chain.story();
    let event = events.last();
    let public = event.is_some_and(|event| event.public);
    let seen = |story: &Story| {
        story.published.as_ref().map_or_else(Article::default, |published| published.article.clone())
    };
    let articles =
        if public { (seen(before), seen(after)) } else { (before.article.clone(), after.article.clone()) };
    Ok(Answer {
        story,
        slug: slug_of(chain).ok_or_else(|| damaged(story, "it has no slug"))?,
        desk: after.desk.clone().ok_or_else(|| damaged(story, "it has no desk"))?,
        revision: after.revision,
        changed: event.is_some(),
        repeated: false,
        kind: event.map_or(story::Kind::Update, |event| event.kind),
        status: after.status,
        public,
        until: after.until,
        rebased: event.and_then(|event| event.rebased),
        position: Position::ZERO,
        articles: Some(Step {
            before: articles.0,
            after: articles.1,
            label: event.and_then(|event| event.label),
        }),
    })
}

impl Answer {
    /// Returns when the story goes out by itself, if it does.
    fn goes_out(&self) -> Option<Timestamp> {
        self.until.filter(|_| matches!(self.status, Status::Embargoed | Status::Scheduled))
    }
}

pub(crate) fn chain(held: &Held) -> &Chain {
    held.as_ref().expect("a held story is loaded")
}

pub(crate) fn slug_of(chain: &Chain) -> Option<Slug> {
    chain.story().article.fields.get(Field::Slug).as_str().parse().ok()
}

/// Refuses a target that must exist and does not, and one that must be new and is not.
pub(crate) fn fits(target: &Target, story: StoryId, chain: &Chain) -> Result<(), PushError> {
    let is_new = chain.story().revision == Revision::ZERO;
    match (target, slug_of(chain)) {
        (Target::Existing(reference), _) if is_new => {
            Err(PushError::NotFound { story: reference.to_string() })
        }
        (Target::New(_), Some(slug)) if !is_new => Err(PushError::SlugTaken { slug, story }),
        _ => Ok(()),
    }
}

pub(crate) fn insist(expected: Option<Revision>, actual: Revision) -> Result<(), PushError> {
    match expected {
        Some(expected) if expected != actual => Err(PushError::Conflict { expected, actual }),
        _ => Ok(()),
    }
}

/// Returns the time of a decision, to the microsecond, by the clock on the wall: an embargo ends
/// by that one, whatever the story's last event was stamped with.
pub(crate) fn now() -> Timestamp {
    recordable(Timestamp::now())
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

pub(crate) fn own_command() -> CommandKey {
    Uuid::now_v7().as_simple().to_string().parse().expect("hexadecimal digits are visible ASCII")
}

/// Returns a conflict, to decide again; any other error ends the command.
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
