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

/// Paragraphs of the article, about 1.7 KiB each.
const PARAGRAPHS: usize = 10;
/// Sentences in a paragraph.
const SENTENCES: usize = 10;
/// Sentences of a paragraph that an update changes: a record is then about 1.5 KiB.
const UPDATED_SENTENCES: usize = 2;
/// Versions of the article that a writer goes through, up and down again.
const VERSIONS: usize = 16;

/// How hard writers push.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drive {
    /// How many there are, each with a story of its own.
    pub(super) writers: usize,
    /// For how long.
    pub(super) duration: Duration,
    /// How long each rests after an acknowledgement.
    pub(super) pause: Duration,
}

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

/// Lets writers push; `clock` is told when each push begins.
///
/// # Errors
/// A push is refused.
pub(super) async fn push(desk: &Desk, drive: Drive, clock: Option<Arc<Clock>>) -> Result<Filed, Failure> {
    let writers = drive.writers;
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
    let end = began + drive.duration;
    let mut tasks = tokio::task::JoinSet::new();
    for (number, story) in stories.into_iter().enumerate() {
        let (desk, versions, clock) = (desk.clone(), Arc::clone(&versions), clock.clone());
        let writer = Writer { desk, versions, clock, number, story, pause: drive.pause };
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
    pause: Duration,
}

impl Writer {
    async fn run(self, end: Instant) -> Result<Timings, Failure> {
        let mut timings = Timings::default();
        // Up and down: each version differs from the one before in one paragraph.
        let walk = (1..VERSIONS).chain((0..VERSIONS - 1).rev()).cycle();
        for version in walk {
            if Instant::now() >= end {
                break;
            }
            let target = Target::Existing(StoryRef::Id(self.story));
            let request = request(target, self.versions[version].clone())?;
            let began = Instant::now();
            if let Some(clock) = &self.clock {
                clock.begin(self.number, began);
            }
            self.desk.push(request).await.map_err(|error| broken("a push was refused", &error))?;
            timings.add(began.elapsed());
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
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
        rebased: None,
    };
    Ok(PushRequest { target, push, actor, command: None, expected: None, base: None })
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
        // Version n has had n updates, one paragraph after the other.
        let updates = number / PARAGRAPHS + usize::from(paragraph < number % PARAGRAPHS);
        let sentence = |sentence: usize| {
            let updates = if sentence < UPDATED_SENTENCES { updates } else { 0 };
            sentence_of(paragraph, sentence, updates)
        };
        let text: String = (0..SENTENCES).map(sentence).collect();
        copy.block(GivenBlock::plain(BlockKind::Paragraph, &text))?;
    }
    Ok(copy.finish().0)
}

/// Returns a version of the article as plain text, any number: each differs from the one before in one
/// paragraph.
pub(super) fn text(number: usize) -> String {
    text_of(PARAGRAPHS, number)
}

/// Returns such a version of an article of so many `paragraphs`, of about 270 words each.
pub(super) fn text_of(paragraphs: usize, number: usize) -> String {
    let paragraph = |paragraph: usize| -> String {
        let updates = number / paragraphs + usize::from(paragraph < number % paragraphs);
        let updated = |sentence: usize| if sentence < UPDATED_SENTENCES { updates } else { 0 };
        (0..SENTENCES).map(|sentence| sentence_of(paragraph, sentence, updated(sentence))).collect()
    };
    let body: Vec<String> = (0..paragraphs).map(paragraph).collect();
    format!("Storm reaches the coast as thousands leave their homes\n\n{}", body.join("\n\n"))
}

fn sentence_of(paragraph: usize, sentence: usize, updates: usize) -> String {
    let count = 1000 + paragraph * 37 + sentence * 11 + updates * 3;
    format!(
        "In district {paragraph}-{sentence} the authorities counted {count} people in shelters on Thursday evening, \
         and asked everyone near the river to leave before the tide of the night comes in. "
    )
}

fn unlikely(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Exit::Failure, "bench", "the load is broken").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_differs_from_its_neighbour_in_one_paragraph() {
        let versions = versions().expect("the load is legal copy");
        for pair in versions.windows(2) {
            let blocks = |copy: &Copy| copy.blocks.clone().unwrap_or_default();
            let differing = blocks(&pair[0])
                .iter()
                .zip(&blocks(&pair[1]))
                .filter(|(one, other)| one.text != other.text)
                .count();
            assert_eq!(differing, 1);
        }
    }
}
