//! Erasing what redactions name: each record that holds some of it is written anew without it.

use std::collections::HashSet;

use bytes::Bytes;
use log::{EraseError, EventLog, Record};
use proof::Commitment;
use story::StoryId;
use wire::{Chain, Disclosures, redaction_of};

use crate::request::PushError;
use crate::stories::{Pages, damaged};

/// Why something may not have been erased.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unerased {
    /// The story's history cannot be read.
    #[error(transparent)]
    Read(#[from] PushError),
    /// The log may still hold the words.
    #[error(transparent)]
    Erase(#[from] EraseError),
}

/// Erases every value that a redaction of `story` says is to be erased; returns how many records held
/// some. Done again, it does nothing.
pub(super) async fn erase(log: &EventLog, story: StoryId) -> Result<usize, Unerased> {
    let gone = to_be_erased(log, story).await?;
    if gone.is_empty() {
        return Ok(0);
    }
    let (mut chain, mut pages, mut rewritten) = (Chain::new(story), Pages::of(log, story), 0);
    while let Some(records) = pages.next().await? {
        for record in &records {
            let opened =
                chain.open(&record.envelope, &record.disclosures).map_err(|error| damaged(story, &error))?;
            if let Some(left) = without(&gone, &opened.values, record, story)? {
                log.erase(record.position, left).await?;
                rewritten += 1;
            }
        }
    }
    Ok(rewritten)
}

/// Returns every value that a redaction of `story` says is to be erased.
async fn to_be_erased(log: &EventLog, story: StoryId) -> Result<HashSet<Commitment>, PushError> {
    let (mut gone, mut pages) = (HashSet::new(), Pages::of(log, story));
    while let Some(records) = pages.next().await? {
        for record in &records {
            let redaction = redaction_of(&record.envelope).map_err(|error| damaged(story, &error))?;
            let erasing = redaction.filter(|redaction| redaction.kind.erases());
            gone.extend(
                erasing.iter().flat_map(|redaction| &*redaction.values).map(|value| Commitment(value.0)),
            );
        }
    }
    Ok(gone)
}

/// Returns the disclosures of `record`, whose new values are `values`, without those that are to be
/// `gone`; `None` if it holds none of them.
fn without(
    gone: &HashSet<Commitment>,
    values: &[Commitment],
    record: &Record,
    story: StoryId,
) -> Result<Option<Bytes>, PushError> {
    if !values.iter().any(|value| gone.contains(value)) {
        return Ok(None);
    }
    let disclosures = Disclosures::parse(&record.disclosures).map_err(|error| damaged(story, &error))?;
    let held = |(index, value): (usize, &Commitment)| {
        (gone.contains(value) && disclosures.value(index).is_some()).then_some(index)
    };
    let indexes: Vec<usize> = values.iter().enumerate().filter_map(held).collect();
    if indexes.is_empty() {
        return Ok(None);
    }
    let left = disclosures.erase(&indexes).map_err(|error| damaged(story, &error))?;
    Ok(Some(left.to_bytes().into()))
}
