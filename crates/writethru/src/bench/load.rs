//! The load: writers that update one story each, as fast as they are acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use desk::{Desk, PushRequest, StoryRef, Target};
use story::{
    ActorId, BlockKind, Copy, CopyBuilder, CopyError, Field, GivenBlock, Push, Release, Slug, StoryId, Text,
};

use super::broken;
use super::path::Clock;
use super::timings::{Spread, Timings};
use crate::exit::Exit;
use crate::failure::Failure;

/// Paragraphs of the article: about 1.5 KiB each is what an update re-sends.
const PARAGRAPHS: usize = 10;
/// Sentences in a paragraph.
const SENTENCES: usize = 10;
/// Versions of the article that a writer goes through.
const VERSIONS: usize = 16;

/// What a run of writers came to.
#[derive(Debug)]
pub(super) struct Filed {
    /// Acknowledged updates.
    pub(super) updates: u64,
    /// Time it took.
    pub(super) elapsed: Duration,
    /// From push to acknowledgement.
    pub(super) acknowledged: Spread,
}

/// Lets `writers` push for `duration`; `clock` is told when each push begins.
///
/// # Errors
/// A push is refused.
pub(super) async fn push(
    desk: &Desk,
    writers: usize,
    duration: Duration,
    clock: Option<Arc<Clock>>,
) -> Result<Filed, Failure> {
    let versions = Arc::new(versions().map_err(|error| broken("the load is no copy", &error))?);
    let mut stories = Vec::with_capacity(writers);
    for number in 0..writers {
        let slug: Slug = format!("bench-{number}").parse().map_err(|error| unlikely(&error))?;
        let created = desk.push(request(Target::BySlug(slug), versions[0].clone())?).await;
        stories.push(created.map_err(|error| broken("a push was refused", &error))?.story);
    }
    if let Some(clock) = &clock {
        clock.follow(&stories);
    }
    let began = Instant::now();
    let end = began + duration;
    let mut tasks = tokio::task::JoinSet::new();
    for (number, story) in stories.into_iter().enumerate() {
        let writer = Writer {
            desk: desk.clone(),
            versions: Arc::clone(&versions),
            clock: clock.clone(),
            number,
            story,
        };
        tasks.spawn(writer.run(end));
    }
    let mut timings = Timings::default();
    while let Some(ended) = tasks.join_next().await {
        timings.extend(ended.map_err(|error| unlikely(&error))??);
    }
    let elapsed = began.elapsed();
    let acknowledged = timings.spread();
    Ok(Filed { updates: acknowledged.count as u64, elapsed, acknowledged })
}

struct Writer {
    desk: Desk,
    versions: Arc<Vec<Copy>>,
    clock: Option<Arc<Clock>>,
    number: usize,
    story: StoryId,
}

impl Writer {
    async fn run(self, end: Instant) -> Result<Timings, Failure> {
        let mut timings = Timings::default();
        let mut version = 0;
        while Instant::now() < end {
            version = (version + 1) % VERSIONS;
            let target = Target::Existing(StoryRef::Id(self.story));
            let request = request(target, self.versions[version].clone())?;
            let began = Instant::now();
            if let Some(clock) = &self.clock {
                clock.begin(self.number, began);
            }
            self.desk.push(request).await.map_err(|error| broken("a push was refused", &error))?;
            timings.add(began.elapsed());
        }
        Ok(timings)
    }
}

fn request(target: Target, copy: Copy) -> Result<PushRequest, Failure> {
    let actor: ActorId = "bench".parse().map_err(|error| unlikely(&error))?;
    let push = Push {
        desk: Some("bench".parse().map_err(|error| unlikely(&error))?),
        kind: None,
        copy,
        release: Release::Publish,
        note: Text::default(),
        correction: None,
        label: None,
        occurred: None,
    };
    Ok(PushRequest { target, push, actor, command: None, expected: None })
}

/// Returns the article in its versions: each differs from the one before in one paragraph.
fn versions() -> Result<Vec<Copy>, CopyError> {
    (0..VERSIONS).map(version).collect()
}

fn version(number: usize) -> Result<Copy, CopyError> {
    let mut copy = CopyBuilder::new();
    copy.field(Field::Headline, "Storm reaches the coast as thousands leave their homes")?;
    copy.body();
    for paragraph in 0..PARAGRAPHS {
        // Version n has had paragraph n mod 10 updated, and all before it.
        let updates = number / PARAGRAPHS + usize::from(paragraph <= number % PARAGRAPHS);
        let text: String = (0..SENTENCES).map(|sentence| sentence_of(paragraph, sentence, updates)).collect();
        copy.block(GivenBlock::plain(BlockKind::Paragraph, &text))?;
    }
    Ok(copy.finish().0)
}

fn sentence_of(paragraph: usize, sentence: usize, updates: usize) -> String {
    // Every sentence of an updated paragraph is new: about 1.5 KiB of values a record.
    let count = 1000 + paragraph * 37 + sentence * 11 + updates * 3;
    format!(
        "In district {paragraph}-{sentence} the authorities counted {count} people in shelters on Thursday evening, \
         and asked everyone near the river to leave before the tide of the night comes in. "
    )
}

fn unlikely(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Exit::Failure, "bench", "the load is broken").because(error)
}
