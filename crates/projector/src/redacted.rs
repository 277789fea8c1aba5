//! What a redaction does to the views: the whole story is projected again, its words hidden.
//!
//! The rows of a story are then what a fold of the log makes that has never seen those words, whether
//! they have left the log already or will in a moment. So the views never hold what a redaction has
//! hidden, and a rebuild, which finds the words gone, comes to the same rows.

use log::Record;
use story::StoryId;
use tracing::warn;
use wire::{Chain, Masks, redaction_of};

use crate::fold::{Advance, Fold, FoldError, Folded, advance};
use crate::projector::{AdvanceError, Work};
use crate::step::{Carried, Step};
use crate::views::{ChangeRow, ParkedStory, Rows};

/// Returns how many of `records`, from the first on, are projected in one transaction, `most` at most:
/// a record that hides words of its story goes alone.
pub(crate) fn together(records: &[Record], most: usize) -> usize {
    let most = records.len().min(most);
    match records[..most].iter().position(hides) {
        None => most,
        Some(0) => 1,
        Some(before) => before,
    }
}

/// Returns whether `record` hides words of its story.
pub(crate) fn hides(record: &Record) -> bool {
    redaction_of(&record.envelope).is_ok_and(|said| said.is_some_and(|said| said.kind.hides()))
}

/// A story with everything that is known of it, hidden words left out.
#[derive(Debug)]
pub(crate) struct Again {
    folded: Folded,
    advance: Advance,
}

impl Again {
    /// Folds the story of `record`, which hides words of it, from its beginning.
    pub(crate) async fn of(fold: &Fold, record: &Record) -> Result<Self, FoldError> {
        let mut records = fold.all_before(record).await?;
        records.push(record.clone());
        let masks = Masks::of(records.iter().map(|record| &record.envelope[..]))
            .map_err(|error| FoldError::Illegal { problem: error.to_string() })?;
        let mut folded = Folded::from(Chain::masked(StoryId::from_bytes(record.story.0), masks));
        let records: Vec<&Record> = records.iter().collect();
        let advance = advance(&mut folded, &records, Carried::default(), fold.epoch());
        Ok(Self { folded, advance })
    }
}

/// Writes the story of `record` anew, in one transaction with the checkpoint; returns what readers are
/// told of the redaction itself.
pub(crate) fn write(work: &mut Work, record: &Record, again: Again) -> Result<Vec<ChangeRow>, AdvanceError> {
    let Again { folded, advance } = again;
    let mut told = Vec::new();
    let Work { fold, writer } = work;
    writer.commit(record.position, |rows| {
        let story = StoryId::from_bytes(record.story.0);
        if rows.is_parked(story)? {
            return Ok(());
        }
        rows.forget(story)?;
        write_all(rows, &advance)?;
        told.extend(advance.steps.last().and_then(|step| step.row(&advance.article)));
        fold.put(folded);
        Ok::<_, AdvanceError>(())
    })?;
    if !writer.empty_journal()? {
        warn!(
            log.position = record.position.0,
            "A reader holds an old state of the views: the words of a redaction leave their journal with the next one"
        );
    }
    Ok(told)
}

fn write_all(rows: &Rows<'_>, advance: &Advance) -> rusqlite::Result<()> {
    if let Some(ParkedStory { story, position, problem }) = &advance.parked {
        warn!(story.id = %story, log.position = position.0, problem, "Parked story {story}: its history does not fit");
        rows.park(&ParkedStory { story: *story, position: *position, problem: problem.clone() })?;
    }
    for step in &advance.steps {
        rows.write(step)?;
    }
    let Some(newest) = advance.steps.last() else { return Ok(()) };
    let told: Option<&Step> = advance.steps.iter().rev().find(|step| step.change.is_some());
    rows.write_story(newest, told.map(|step| (step, &advance.article[..])))
}
