//! The desk's handle: what editors ask of it.

use std::sync::Arc;

use log::{EventLog, NameHash, Position, StoryKey};
use story::{Command, Field, Revision, Slug, Status, StoryId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::{Chain, Header};

use crate::blame::Blames;
use crate::directory::Directory;
use crate::due::Due;
use crate::filing::{Aim, Filing, chain, slug_of};
use crate::follow;
use crate::request::{
    ActRequest, Answer, OpenError, PushError, PushRequest, Seed, Standing, StoryRef, Target,
};
use crate::scheduler;
use crate::slug::slug_wanted;
use crate::stories::Stories;

/// Records read at a time while the directory is completed.
const SCAN_PAGE_RECORDS: usize = 1_024;

/// A handle to the desk; clones share it.
#[derive(Debug, Clone)]
pub struct Desk {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) log: EventLog,
    pub(crate) directory: Directory,
    pub(crate) stories: Stories,
    pub(crate) due: Due,
    /// Where the log stood when the desk was opened.
    pub(crate) opened_at: Position,
    pub(crate) blames: Blames,
    /// Held by the one that erases: two that rewrite one record would undo each other.
    pub(crate) erasing: tokio::sync::Mutex<()>,
}

impl Desk {
    /// Opens the desk on `log`, reading what was appended behind `seed.upto` for its slugs, its
    /// sources, and what is to go out by itself.
    ///
    /// # Errors
    /// [`OpenError::Log`] when the log cannot be read.
    pub async fn open(log: EventLog, seed: Seed) -> Result<Self, OpenError> {
        let directory = Directory::new(seed.slugs, seed.sources);
        let due = Due::new(seed.due);
        let mut from = seed.upto.next();
        while from <= log.head() {
            let records = log.read(from, SCAN_PAGE_RECORDS).await?;
            let Some(last) = records.last() else { break };
            from = last.position.next();
            for record in &records {
                scan(&directory, &due, record);
            }
        }
        let stories = Stories::new(log.clone());
        let opened_at = Position(from.0 - 1);
        let (erasing, blames) = (tokio::sync::Mutex::default(), Blames::default());
        let inner = Inner { log, directory, stories, due, opened_at, blames, erasing };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the id of `story`, if its slug is known (an id is not looked up).
    pub fn find(&self, story: &StoryRef) -> Option<StoryId> {
        match story {
            StoryRef::Id(id) => Some(*id),
            StoryRef::Slug(slug) => self.inner.directory.find(slug),
        }
    }

    /// Returns the story whose copy came from the item `source`, if one did.
    pub fn find_source(&self, source: &str) -> Option<StoryId> {
        self.inner.directory.find_source(source)
    }

    /// Returns where a story stands now, as the log has it; `None` if there is none.
    ///
    /// # Errors
    /// [`PushError::Unavailable`] or [`PushError::Damaged`], as for a push.
    pub async fn standing(&self, story: &StoryRef) -> Result<Option<Standing>, PushError> {
        let Some(id) = self.find_claimed(story).await? else { return Ok(None) };
        let held = self.inner.stories.hold(id).await?;
        let known = chain(&held).story();
        Ok(known.desk.clone().map(|desk| Standing { story: id, desk, status: known.status }))
    }

    /// Files a push; returns once it is durable, or once it is known to change nothing.
    ///
    /// Pushes to one story are decided in the order in which they come; those waiting for the
    /// disk do not hold up the next decision. Copy that was made from an earlier revision is
    /// carried over onto the present one, where the two do not overlap.
    ///
    /// # Errors
    /// [`PushError`] says whether the push may be stored and what to do next.
    pub async fn push(&self, request: PushRequest) -> Result<Answer, PushError> {
        let aim = self.aim(&request).await?;
        let source = request.source().map(str::to_owned);
        let mut filing = request.into_filing();
        if aim.slug.is_none() {
            // Its item has become a story before: that one, whatever it is called.
            filing.target = Target::Existing(StoryRef::Id(aim.story));
        }
        let outcome = self.inner.file(&aim, &mut filing).await;
        match &outcome {
            Ok(answer) => {
                if let Some(source) = source {
                    self.inner.directory.came_from(source, answer.story);
                }
            }
            Err(error) if aim.reserved && error.stored_nothing() => self.release(&aim).await,
            Err(_) => {}
        }
        outcome
    }

    /// Carries out an act on a story that exists, or a change to one of its entries; returns once it
    /// is durable, or once it is known to change nothing.
    ///
    /// # Errors
    /// [`PushError`] says whether the act may be stored and what to do next.
    pub async fn act(&self, request: ActRequest) -> Result<Answer, PushError> {
        let (aim, mut filing) = self.aimed(request).await?;
        self.inner.file(&aim, &mut filing).await
    }

    /// Returns which story an act goes to, and the act.
    pub(crate) async fn aimed(&self, request: ActRequest) -> Result<(Aim, Filing), PushError> {
        let ActRequest { story, command, actor, key, expected } = request;
        let target = Target::Existing(story.clone());
        let found = self.find_claimed(&story).await?;
        let story = found.ok_or_else(|| PushError::NotFound { story: story.to_string() })?;
        let aim = Aim { story, slug: None, reserved: false };
        Ok((aim, Filing { target, command, actor, key, expected, base: None }))
    }

    /// Publishes what is due, until `shutdown`: embargoes that have ended, and schedules.
    ///
    /// Each story goes out once: the command is idempotent in the log, whoever sends it. What could
    /// not be stored is tried again.
    pub async fn run_schedule(&self, shutdown: CancellationToken) {
        scheduler::run(self, shutdown).await;
    }

    /// Follows a log that other processes write too, until `shutdown`: what they file is found by its
    /// slug here, goes out at its time, and is decided upon as it is.
    pub async fn run_following(&self, shutdown: CancellationToken) {
        follow::run(self, shutdown).await;
    }

    pub(crate) fn source_of(&self, request: &PushRequest) -> Option<StoryId> {
        request.source().and_then(|source| self.find_source(source))
    }

    /// Returns which story `request` goes to, reserving the slug of a new one.
    async fn aim(&self, request: &PushRequest) -> Result<Aim, PushError> {
        if let Target::Existing(reference) = &request.target {
            let found = self.find_claimed(reference).await?;
            let story = found.ok_or_else(|| PushError::NotFound { story: reference.to_string() })?;
            return Ok(Aim { story, slug: None, reserved: false });
        }
        if let Some(story) = self.source_of(request) {
            return Ok(Aim { story, slug: None, reserved: false });
        }
        let slug = slug_wanted(request);
        let candidate = StoryId::new(Uuid::now_v7());
        if self.inner.log.is_shared() {
            let story = self.claim(&slug, candidate).await?;
            return Ok(Aim { story, slug: Some(slug), reserved: false });
        }
        let story = self.inner.directory.find_or_reserve(&slug, candidate);
        let reserved = story == candidate;
        Ok(Aim { story, slug: Some(slug), reserved })
    }

    /// Returns the story that has `slug`, in a log that other desks write too: `candidate` if none had
    /// it. A claim stands, also if the first push is refused: whoever wants the slug next writes that
    /// story.
    async fn claim(&self, slug: &Slug, candidate: StoryId) -> Result<StoryId, PushError> {
        if let Some(known) = self.inner.directory.find(slug) {
            return Ok(known);
        }
        let owner = self.inner.log.claim(name_hash(slug), StoryKey(*candidate.as_bytes())).await;
        let owner = owner.map_err(|error| PushError::Unavailable { source: error.into() })?;
        Ok(self.inner.directory.find_or_reserve(slug, StoryId::from_bytes(owner.0)))
    }

    /// Returns the id of `story`, also if another desk on the same log has just given it its slug.
    pub(crate) async fn find_claimed(&self, story: &StoryRef) -> Result<Option<StoryId>, PushError> {
        match (self.find(story), story) {
            (None, StoryRef::Slug(slug)) => {
                let owner = self.inner.log.claimed(name_hash(slug)).await;
                let owner = owner.map_err(|error| PushError::Unavailable { source: error.into() })?;
                Ok(owner.map(|owner| StoryId::from_bytes(owner.0)))
            }
            (found, _) => Ok(found),
        }
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

/// Returns what the log knows a slug by.
fn name_hash(slug: &Slug) -> NameHash {
    NameHash(proof::envelope_hash(format!("slug/{slug}").as_bytes()).0)
}

/// Takes from a record what the desk looks up. A damaged record says nothing: `check` names it, the
/// desk goes on.
pub(crate) fn scan(directory: &Directory, due: &Due, record: &log::Record) {
    let story = StoryId::from_bytes(record.story.0);
    if let Ok(header) = Header::parse(&record.envelope) {
        let goes_out = matches!(header.status, Status::Embargoed | Status::Scheduled);
        due.set(story, header.revision, header.until.filter(|_| goes_out));
    }
    if record.revision != 1 {
        return;
    }
    let mut chain = Chain::new(story);
    if chain.open(&record.envelope, &record.disclosures).is_ok()
        && let Some(slug) = slug_of(&chain)
    {
        directory.find_or_reserve(&slug, story);
        if let Some(source) = chain.story().article.fields.get(Field::Source).shown_values().next() {
            directory.came_from(source.to_owned(), story);
        }
    }
}

impl PushRequest {
    /// Returns the identity of the item that the copy came from, if it names one.
    fn source(&self) -> Option<&str> {
        self.push.copy.fields.get(Field::Source).shown_values().next()
    }

    pub(crate) fn into_filing(self) -> Filing {
        let Self { target, push, actor, command: key, expected, base } = self;
        Filing { target, command: Command::Push(Box::new(push)), actor, key, expected, base }
    }
}
