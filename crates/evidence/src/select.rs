//! Which words a level tells. Secrecy is decided here and nowhere else.
//!
//! A value is named by its commitment, so a sentence that readers have seen may be told wherever it
//! stands, and one that they have not seen nowhere.

use std::collections::{BTreeMap, HashSet};

use proof::Commitment;
use story::{Effect, Event, Field, Kind, Reach, Revision, Status, StoryId};
use wire::{Chain, Masks, Opened};

use crate::fault::words;
use crate::level::Level;

/// An envelope and its disclosures, as the log has them or as the bundle does.
pub(crate) type Parts<'a> = (&'a [u8], &'a [u8]);

/// Which values of a story may be told.
#[derive(Debug)]
pub(crate) enum Selection {
    /// Those that no redaction hides.
    Unmasked(Masks),
    /// These, and none that a redaction hides.
    Only(HashSet<Commitment>, Masks),
    /// All that there are.
    All,
}

impl Selection {
    /// Returns what `level` tells of the story that `records` are, all of them, from the first.
    pub(crate) fn of(level: Level, story: StoryId, records: &[Parts<'_>]) -> Result<Self, String> {
        if level == Level::Full {
            return Ok(Self::All);
        }
        let masks =
            Masks::of(records.iter().map(|(envelope, _)| *envelope)).map_err(|error| words(&error))?;
        if level == Level::Redacted {
            return Ok(Self::Unmasked(masks));
        }
        let mut readers = Readers::default();
        let mut chain = Chain::masked(story, masks.clone());
        for (envelope, disclosures) in records {
            let opened = chain.open(envelope, disclosures).map_err(|error| words(&error))?;
            readers.follow(&chain, &opened);
        }
        Ok(Self::Only(readers.may_see(), masks))
    }

    /// Returns whether the value behind `commitment` may be told.
    pub(crate) fn tells(&self, commitment: Commitment) -> bool {
        match self {
            Self::All => true,
            Self::Unmasked(masks) => !masks.hide(commitment),
            Self::Only(values, masks) => values.contains(&commitment) && !masks.hide(commitment),
        }
    }
}

/// What readers were shown, revision by revision, and what of it they can reach.
#[derive(Debug, Default)]
struct Readers {
    reach: Reach,
    shown: BTreeMap<Revision, Shown>,
}

#[derive(Debug)]
struct Shown {
    values: Vec<Commitment>,
    hidden_by: Option<Revision>,
}

impl Readers {
    fn follow(&mut self, chain: &Chain, opened: &Opened) {
        let event = &opened.event;
        let (reach, effect) = self.reach.after(event);
        self.reach = reach;
        if event.public {
            let mut values = notices(opened);
            values.extend(article(chain, event));
            self.shown.insert(event.revision, Shown { values, hidden_by: None });
        }
        let earlier = self.shown.range_mut(..event.revision).map(|(_, shown)| shown);
        match effect {
            Effect::None => {}
            Effect::Hides(by) => {
                earlier
                    .filter(|shown| shown.hidden_by.is_none())
                    .for_each(|shown| shown.hidden_by = Some(by));
            }
            Effect::BringsBack(by) => {
                earlier.filter(|shown| shown.hidden_by == Some(by)).for_each(|shown| shown.hidden_by = None);
            }
        }
    }

    fn may_see(self) -> HashSet<Commitment> {
        let reachable = self.shown.into_values().filter(|shown| shown.hidden_by.is_none());
        reachable.flat_map(|shown| shown.values).collect()
    }
}

/// Returns the values that a public revision tells beside the article: its note, and what a correction put
/// right. Why an act was done is not for readers.
fn notices(opened: &Opened) -> Vec<Commitment> {
    let (event, values) = (&opened.event, &opened.values);
    let reason = event.act.as_ref().map_or(0, |act| act.reason.value_count());
    let corrected =
        event.correction.as_ref().map_or(0, |told| told.what.value_count() + told.place.value_count());
    // They are the last that an event brings in, in this order: note, correction, reason.
    let end = values.len().saturating_sub(reason);
    let begin = end.saturating_sub(corrected + event.note.value_count());
    values[begin..end].to_vec()
}

/// Returns the values of the article that readers see from the event on, which `chain` has just taken.
fn article(chain: &Chain, event: &Event) -> Vec<Commitment> {
    let story = chain.story();
    let Some(published) = &story.published else { return Vec::new() };
    if event.status != Status::Usable {
        return chain.field_commitments(Field::Slug).to_vec(); // A tombstone has a name and nothing else.
    }
    // A redaction publishes nothing of what the desk works on: what readers keep, they saw before.
    if event.kind == Kind::Redaction && published.article != story.article.public() {
        return Vec::new();
    }
    let mut values = Vec::new();
    for field in Field::ALL.into_iter().filter(|field| field.is_public()) {
        values.extend_from_slice(chain.field_commitments(field));
    }
    for block in &story.article.blocks {
        values.extend_from_slice(chain.block_commitments(&block.id));
        values.extend(chain.marks_commitment(&block.id));
    }
    values
}
