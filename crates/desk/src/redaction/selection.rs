//! Finding what is to be redacted: values of a story, in any of its revisions.
//!
//! A value is one sentence, or one item of a list, for as long as it stands unchanged: it is found once
//! and goes from every revision that has it. The history is read as it is, what earlier redactions only
//! hide included.

use std::collections::{HashMap, HashSet};

use log::{EventLog, Record};
use proof::Commitment;
use story::{BlockId, Field, Mark, Operation, Place, Revision, StoryId, Text};
use wire::{Chain, Disclosures, Opened};

use super::RedactError;
use crate::request::PushError;
use crate::stories::{Pages, damaged};

/// Fields by which a story is found or shown: they cannot be redacted.
const FIXED: [Field; 5] = [Field::Slug, Field::Source, Field::Language, Field::Urgency, Field::Pinned];

/// Which words are meant. What is not said restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only of this block or field.
    pub place: Option<Place>,
    /// Only its sentence of this number, from 0.
    pub sentence: Option<usize>,
    /// Only sentences that hold these words, in just this spelling. Without a place, also notes, and the
    /// addresses of links.
    pub words: Option<String>,
    /// Only as they stand in these revisions, first and last. A sentence that also stands in another
    /// revision is then refused.
    pub revisions: Option<(Revision, Revision)>,
}

/// One value that a selection names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// What names it for ever.
    pub commitment: Commitment,
    /// Its words.
    pub text: String,
    /// Where it stood when it was found; `None` for a note or mark-up.
    pub place: Option<Place>,
    /// The revision in which it was found first.
    pub since: Revision,
}

/// What a selection names in a story.
#[derive(Debug)]
pub(super) struct Found {
    /// Where the story was when it was looked at.
    pub(super) revision: Revision,
    /// Every value, once, in the order in which they were found.
    pub(super) picked: Vec<Picked>,
    /// Those that stand in the article of now: where, and their words.
    pub(super) standing: Vec<(Place, usize, String)>,
}

/// Returns what `selection` names in `story`; never nothing.
pub(super) async fn find(
    log: &EventLog,
    story: StoryId,
    selection: &Selection,
) -> Result<Found, RedactError> {
    let mut search = Search { selection, picked: Vec::new(), known: HashSet::new(), fixed: HashMap::new() };
    let (mut chain, mut pages) = (Chain::new(story), Pages::of(log, story));
    while let Some(records) = pages.next().await? {
        for record in &records {
            let opened = open(&mut chain, record, story)?;
            search.look(&chain, &opened, record, story)?;
        }
    }
    let Search { picked, known, fixed, .. } = search;
    if picked.is_empty() {
        return Err(RedactError::NothingFound);
    }
    if let Some(field) = known.iter().find_map(|value| fixed.get(value)) {
        return Err(RedactError::Fixed { field: *field });
    }
    if let Some(range) = selection.revisions {
        stands_nowhere_else(log, story, &known, range).await?;
    }
    let standing = places(&chain)
        .filter(|(_, _, commitment, _)| known.contains(commitment))
        .map(|(place, index, _, value)| (place, index, value.to_owned()))
        .collect();
    Ok(Found { revision: chain.story().revision, picked, standing })
}

fn open(chain: &mut Chain, record: &Record, story: StoryId) -> Result<Opened, PushError> {
    chain.open(&record.envelope, &record.disclosures).map_err(|error| damaged(story, &error))
}

/// A search on its way through a history.
struct Search<'a> {
    selection: &'a Selection,
    picked: Vec<Picked>,
    known: HashSet<Commitment>,
    /// Values that ever stood in a field that cannot be redacted.
    fixed: HashMap<Commitment, Field>,
}

impl Search<'_> {
    /// Picks what the record that has just been opened brings, and what stands when a range begins.
    fn look(
        &mut self,
        chain: &Chain,
        opened: &Opened,
        record: &Record,
        story: StoryId,
    ) -> Result<(), PushError> {
        let revision = opened.event.revision;
        for operation in &opened.event.operations {
            if let Operation::Set { field, .. } = operation
                && FIXED.contains(field)
            {
                self.fixed.extend(chain.field_commitments(*field).iter().map(|value| (*value, *field)));
            }
        }
        let Selection { place, words, revisions, .. } = self.selection;
        if let (None, Some(words), None) = (place, words, revisions) {
            let disclosures =
                Disclosures::parse(&record.disclosures).map_err(|error| damaged(story, &error))?;
            for (index, commitment) in opened.values.iter().enumerate() {
                if let Some(value) = disclosures.value(index).filter(|value| value.contains(words)) {
                    self.pick(*commitment, value, None, revision);
                }
            }
        }
        let begins = revisions.map_or(1, |(first, _)| first.get()) == revision.get();
        if revisions.is_some_and(|(first, last)| revision < first || revision > last) {
            return Ok(());
        }
        let touched: HashSet<Place> = opened.event.operations.iter().filter_map(touched).collect();
        if begins || !touched.is_empty() {
            for (place, index, commitment, value) in places(chain) {
                if (begins || touched.contains(&place)) && self.is_meant(&place, index, value) {
                    self.pick(commitment, value, Some(place.clone()), revision);
                    self.pick_marks(chain, (&place, index), revision);
                }
            }
        }
        Ok(())
    }

    fn is_meant(&self, place: &Place, index: usize, value: &str) -> bool {
        let Selection { place: wanted, sentence, words, .. } = self.selection;
        wanted.as_ref().is_none_or(|wanted| wanted == place)
            && sentence.is_none_or(|sentence| sentence == index)
            && words.as_ref().is_none_or(|words| value.contains(words))
    }

    /// Picks the mark-up of the block where a value is picked, if it links that value: an address may be
    /// as telling as a name.
    fn pick_marks(&mut self, chain: &Chain, (place, index): (&Place, usize), revision: Revision) {
        let Place::Block(id) = place else { return };
        let Some(commitment) = chain.marks_commitment(id) else { return };
        let Some(block) = chain.story().article.blocks.iter().find(|block| block.id == *id) else { return };
        let lengths: Vec<usize> = block.text.shown_values().map(str::len).collect();
        let start: usize = lengths[..index].iter().sum();
        let end = start + lengths[index];
        let over = |mark: &&Mark| (mark.start as usize) < end && start < mark.end as usize;
        let addresses: Vec<&str> =
            block.marks.iter().filter(over).filter_map(|mark| mark.href.as_deref()).collect();
        if !addresses.is_empty() {
            self.pick(commitment, &addresses.join(" "), None, revision);
        }
    }

    fn pick(&mut self, commitment: Commitment, value: &str, place: Option<Place>, since: Revision) {
        if self.known.insert(commitment) {
            self.picked.push(Picked { commitment, text: value.to_owned(), place, since });
        } else if let (Some(place), Some(picked)) =
            (place, self.picked.iter_mut().find(|picked| picked.commitment == commitment))
        {
            picked.place.get_or_insert(place);
        }
    }
}

/// Returns every value of the article whose words are there: place, index, commitment and words.
fn places(chain: &Chain) -> impl Iterator<Item = (Place, usize, Commitment, &str)> {
    let article = &chain.story().article;
    let fields = Field::ALL.into_iter().filter(|field| !FIXED.contains(field)).flat_map(move |field| {
        values(article.fields.get(field), chain.field_commitments(field))
            .map(move |(index, commitment, value)| (Place::Field(field), index, commitment, value))
    });
    let blocks = article.blocks.iter().flat_map(move |block| {
        values(&block.text, chain.block_commitments(&block.id))
            .map(move |(index, commitment, value)| (Place::Block(block.id.clone()), index, commitment, value))
    });
    fields.chain(blocks)
}

fn values<'a>(
    text: &'a Text,
    commitments: &'a [Commitment],
) -> impl Iterator<Item = (usize, Commitment, &'a str)> {
    let known = text.values().zip(commitments).enumerate();
    known.filter_map(|(index, (value, commitment))| Some((index, *commitment, value?)))
}

/// Returns the place to which an operation gives words.
fn touched(operation: &Operation) -> Option<Place> {
    let block = |id: &BlockId| Some(Place::Block(id.clone()));
    match operation {
        Operation::Insert { block: inserted, .. } => block(&inserted.id),
        Operation::Edit { block: edited, .. } => block(edited),
        Operation::Set { field, .. } => Some(Place::Field(*field)),
        Operation::Delete { .. } | Operation::Move { .. } => None,
    }
}

/// Refuses values that also stand in a revision outside of `first..=last`.
async fn stands_nowhere_else(
    log: &EventLog,
    story: StoryId,
    selected: &HashSet<Commitment>,
    (first, last): (Revision, Revision),
) -> Result<(), RedactError> {
    let (mut chain, mut pages) = (Chain::new(story), Pages::of(log, story));
    while let Some(records) = pages.next().await? {
        for record in &records {
            open(&mut chain, record, story)?;
            let revision = chain.story().revision;
            let is_outside = revision < first || revision > last;
            if is_outside && places(&chain).any(|(_, _, commitment, _)| selected.contains(&commitment)) {
                return Err(RedactError::StandsElsewhere { revision });
            }
        }
    }
    Ok(())
}
