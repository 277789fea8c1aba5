//! Random but legal histories, made of events as the domain writes them.

use std::sync::Arc;

use jiff::Timestamp;
use proof::Seed;
use proptest::prelude::*;
use story::{
    Block, BlockId, BlockKind, CorrectionNotice, Desk, Event, Field, Kind, Level, Mark, MarkKind, Operation,
    Status, Story, StoryId, Text,
};
use uuid::Uuid;
use wire::{Chain, SealedRecord, Stamp};
use writethru_wire as wire;

/// One thing that an event does; what does not fit the story at hand is passed over.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Delete(usize),
    Move(usize, usize),
    Insert(usize, Content),
    Edit(usize, Content),
    /// Changes one sentence of a block and keeps the others.
    Touch(usize, usize, String),
    Set(usize, Vec<String>),
}

#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) kind: BlockKind,
    pub(crate) sentences: Vec<String>,
    pub(crate) marked: bool,
}

/// One event of a plan.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) acts: Vec<Act>,
    pub(crate) public: bool,
    pub(crate) note: Option<String>,
    pub(crate) corrects: bool,
}

/// A record of a history with what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) event: Event,
    pub(crate) record: SealedRecord,
}

pub(crate) fn story_id() -> StoryId {
    StoryId::new(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001))
}

pub(crate) fn stamp(revision: u64) -> Stamp {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&revision.to_be_bytes());
    Stamp {
        event: Uuid::from_u128(0x0192_0000_0000_7000_9000_0000_0000_0000 + u128::from(revision)),
        actor: "ed-1".parse().expect("an actor"),
        command: format!("key\"\\{revision}").parse().expect("a key"),
        seed: Seed(seed),
    }
}

pub(crate) fn time(revision: u64) -> Timestamp {
    let seconds = 1_790_000_000 + i64::try_from(revision).expect("few revisions");
    Timestamp::new(seconds, 123_456_000).expect("a time")
}

fn sentence() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["Rain fell. ", "Four hurt. ", "“No,” he said. ", "\u{2588}\u{2588}\u{2588}"])
            .prop_map(str::to_owned),
        1 => any::<String>().prop_filter("no empty sentence", |text| !text.is_empty()),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    let kinds = prop::sample::select(BlockKind::ALL.to_vec());
    (kinds, prop::collection::vec(sentence(), 1..5), any::<bool>())
        .prop_map(|(kind, sentences, marked)| Content { kind, sentences, marked })
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => (0..9_usize).prop_map(Act::Delete),
        1 => (0..9_usize, 0..9_usize).prop_map(|(block, after)| Act::Move(block, after)),
        3 => (0..9_usize, content()).prop_map(|(after, content)| Act::Insert(after, content)),
        2 => (0..9_usize, content()).prop_map(|(block, content)| Act::Edit(block, content)),
        3 => (0..9_usize, 0..4_usize, sentence()).prop_map(|(block, at, text)| Act::Touch(block, at, text)),
        2 => (0..Field::ALL.len(), prop::collection::vec(sentence(), 0..3))
            .prop_map(|(field, values)| Act::Set(field, values)),
    ]
}

/// Plans of one to six events.
pub(crate) fn plan() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        prop::collection::vec(act(), 0..5),
        any::<bool>(),
        prop::option::of(sentence()),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(acts, public, note, corrects)| Step { acts, public, note, corrects });
    prop::collection::vec(step, 1..6)
}

/// Seals what `plan` comes to behind what `chain` holds.
pub(crate) fn seal_all(chain: &mut Chain, plan: &[Step]) -> Vec<Entry> {
    plan.iter()
        .map(|step| {
            let event = event(chain.story(), step);
            let record = chain.seal(&event, &stamp(event.revision.get())).expect("a legal event");
            Entry { event, record }
        })
        .collect()
}

/// Returns the event that `step` comes to in `story`.
pub(crate) fn event(story: &Story, step: &Step) -> Event {
    let mut draft = Draft::new(story);
    let first = story.revision.get() == 0;
    if first {
        draft.insert(
            0,
            &Content { kind: BlockKind::Paragraph, sentences: vec!["Rain fell. ".to_owned()], marked: false },
        );
    }
    for act in &step.acts {
        draft.act(act);
    }
    for (field, text) in [(Field::Slug, "flood"), (Field::Headline, "Flood")] {
        if first && !draft.sets.iter().any(|(set, _)| *set == field) {
            draft.sets.push((field, Text::uncut(text)));
        }
    }
    let revision = story.revision.next();
    let public = step.public && !draft.order.is_empty();
    let note = step.note.clone().unwrap_or_default();
    let corrects = step.corrects && !note.is_empty() && story.status == Status::Usable;
    Event {
        revision,
        kind: if corrects { Kind::Correction } else { Kind::Update },
        desk: "world".parse::<Desk>().expect("a desk"),
        status: if public { Status::Usable } else { story.status },
        public,
        recorded: time(revision.get()),
        occurred: step.public.then(|| Arc::from("2026-11-22T09:30:00+02:00")),
        note: if note.is_empty() { Text::default() } else { Text::uncut(note) },
        correction: corrects.then(|| CorrectionNotice {
            what: Text::uncut("Five, not four."),
            place: Text::uncut("third paragraph"),
            approver: "chief".parse().expect("an actor"),
        }),
        act: None,
        redaction: None,
        until: None,
        rebased: step.corrects.then_some(story.revision),
        label: step.corrects.then_some(Level::Notable),
        operations: draft.operations(),
    }
}

/// Operations in the making, sorted into their fixed order at the end.
struct Draft<'a> {
    story: &'a Story,
    order: Vec<BlockId>,
    minted: u64,
    deletes: Vec<Operation>,
    places: Vec<Operation>,
    edits: Vec<(BlockId, Operation)>,
    sets: Vec<(Field, Text)>,
}

impl<'a> Draft<'a> {
    fn new(story: &'a Story) -> Self {
        let order = story.article.blocks.iter().map(|block| block.id.clone()).collect();
        let (minted, deletes, places) = (story.minted, Vec::new(), Vec::new());
        Self { story, order, minted, deletes, places, edits: Vec::new(), sets: Vec::new() }
    }

    fn operations(mut self) -> Vec<Operation> {
        self.sets.sort_by_key(|(field, _)| *field);
        let sets = self.sets.into_iter().map(|(field, text)| Operation::Set { field, text });
        let edits = self.edits.into_iter().map(|(_, operation)| operation);
        self.deletes.into_iter().chain(self.places).chain(edits).chain(sets).collect()
    }

    /// Returns the old block number `index`, if it is still there and nothing was done to it.
    fn free(&self, index: usize) -> Option<Arc<Block>> {
        let block = self.story.article.blocks.get(index)?;
        let touched = self.edits.iter().any(|(id, _)| *id == block.id)
            || self.places.iter().any(|place| match place {
                Operation::Move { block: id, after } => *id == block.id || after.as_ref() == Some(&block.id),
                Operation::Insert { after, .. } => after.as_ref() == Some(&block.id),
                _ => false,
            });
        (self.order.contains(&block.id) && !touched).then(|| Arc::clone(block))
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Delete(index) => {
                let Some(block) = self.free(*index) else { return };
                if !self.places.is_empty() || self.order.len() == 1 {
                    return;
                }
                self.order.retain(|id| *id != block.id);
                self.deletes.push(Operation::Delete { block: block.id.clone() });
            }
            Act::Move(index, after) => {
                let Some(block) = self.free(*index) else { return };
                self.order.retain(|id| *id != block.id);
                let (place, after) = self.place(*after);
                self.order.insert(place, block.id.clone());
                self.places.push(Operation::Move { block: block.id.clone(), after });
            }
            Act::Insert(after, content) => self.insert(*after, content),
            Act::Edit(index, content) => {
                let Some(block) = self.free(*index) else { return };
                let (text, marks) = filled(content);
                let id = block.id.clone();
                let edit = Operation::Edit { block: id.clone(), text, kind: content.kind, marks };
                self.edits.push((id, edit));
            }
            Act::Touch(index, at, sentence) => {
                let Some(block) = self.free(*index) else { return };
                let mut values: Vec<Option<&str>> = block.text.values().collect();
                values.insert((*at).min(values.len()), Some(sentence));
                let id = block.id.clone();
                let edit = Operation::Edit {
                    block: id.clone(),
                    text: Text::from_values(values),
                    kind: block.kind,
                    marks: Arc::default(),
                };
                self.edits.push((id, edit));
            }
            Act::Set(field, values) => {
                let field = Field::ALL[*field];
                let required = matches!(field, Field::Slug | Field::Headline);
                if self.sets.iter().any(|(set, _)| *set == field) || (required && values.is_empty()) {
                    return;
                }
                self.sets.push((field, Text::from_values(values.iter().map(|value| Some(value.as_str())))));
            }
        }
    }

    fn insert(&mut self, after: usize, content: &Content) {
        let (place, after) = self.place(after);
        self.minted += 1;
        let id = BlockId::minted(self.minted);
        let (text, marks) = filled(content);
        self.order.insert(place, id.clone());
        let block = Arc::new(Block { id, kind: content.kind, text, marks });
        self.places.push(Operation::Insert { block, after });
    }

    fn place(&self, after: usize) -> (usize, Option<BlockId>) {
        let place = after.min(self.order.len());
        (place, place.checked_sub(1).map(|before| self.order[before].clone()))
    }
}

fn filled(content: &Content) -> (Text, Arc<[Mark]>) {
    let text = Text::from_values(content.sentences.iter().map(|sentence| Some(sentence.as_str())));
    let end = u32::try_from(text.as_str().len()).expect("a short text");
    let first = u32::try_from(content.sentences[0].len()).expect("a short sentence");
    let strong = Mark { start: 0, end: first, kind: MarkKind::Strong, href: None };
    let link = Mark { start: 0, end, kind: MarkKind::A, href: Some("https://example.org/é".to_owned()) };
    let marks = if content.marked { vec![strong, link] } else { Vec::new() };
    let mut marks: Vec<Mark> = marks;
    marks.sort();
    (text, marks.into())
}
