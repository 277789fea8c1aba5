//! A newsroom in memory: stories as the desk decides and seals them, and the log over them as a notary keeps it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;

use evidence::{ExportError, Level, Source, SourceRecord, export};
use jiff::Timestamp;
use proof::Seed;
use proof::audit::LogReader;
use proof::checkpoint::Checkpoint;
use proof::entry::Entry;
use proof::note::{Algorithm, SignerKey};
use proof::tile::{Bundle, Edge, FilePath, Tile};
use proof::tree::TileReader;
use story::{
    Act, BlockKind, Command, CopyBuilder, Deed, Field, GivenBlock, Mark, MarkKind, Push, Redact, Redaction,
    RedactionKind, Release, StoryId, Text, ValueId,
};
use uuid::Uuid;
use wire::{Chain, Disclosures, Masks, Opened, Stamp};
use writethru_evidence as evidence;

pub(crate) const ORIGIN: &str = "news.example/log/7";

pub(crate) fn log_key(seed: u8) -> SignerKey {
    SignerKey::from_seed(ORIGIN.parse().expect("a name"), Algorithm::Ed25519, &[seed; 32]).expect("a key")
}

pub(crate) fn witness_key(seed: u8) -> SignerKey {
    let name = format!("witness{seed}.example").parse().expect("a name");
    SignerKey::from_seed(name, Algorithm::Cosignature, &[seed; 32]).expect("a key")
}

/// One record as the log has it.
#[derive(Debug, Clone)]
struct Row {
    story: StoryId,
    envelope: Vec<u8>,
    disclosures: Vec<u8>,
}

/// The house.
#[derive(Debug, Default)]
pub(crate) struct House {
    rows: Vec<Row>,
    pub(crate) witnesses: Vec<SignerKey>,
}

pub(crate) fn story(number: u128) -> StoryId {
    StoryId::new(Uuid::from_u128(0x0193_8a5e_7c00_7000_8000_0000_0000_0000 + number))
}

/// Copy of a headline and paragraphs, the first words of each strong.
pub(crate) fn copy(headline: &str, paragraphs: &[&str]) -> CopyBuilder {
    let mut copy = CopyBuilder::new();
    copy.field(Field::Slug, "dam-breach").expect("a slug");
    copy.field(Field::Headline, headline).expect("a headline");
    for text in paragraphs {
        let end = u32::try_from(text.find(' ').unwrap_or(text.len())).expect("short");
        let marks = [Mark { start: 0, end, kind: MarkKind::Strong, href: None }];
        copy.block(GivenBlock { id: None, kind: BlockKind::Paragraph, text, marks: &marks })
            .expect("a block");
    }
    copy
}

pub(crate) fn push(copy: CopyBuilder, release: Release, note: &str) -> Command {
    Command::Push(Box::new(Push {
        desk: Some("world".parse().expect("a desk")),
        kind: None,
        copy: copy.finish().0,
        release,
        note: Text::uncut(note),
        correction: None,
        label: None,
        occurred: None,
        rebased: None,
    }))
}

pub(crate) fn act(deed: Deed, reason: &str, note: &str) -> Command {
    let (reason, note) = (Text::uncut(reason), Text::uncut(note));
    Command::Act(Box::new(Act { deed, reason, note, approver: Some("chief-1".parse().expect("an actor")) }))
}

impl House {
    /// Returns the story folded, and what each record of it said.
    fn folded(&self, story: StoryId) -> (Chain, Vec<(usize, Opened)>) {
        let rows = || self.rows.iter().enumerate().filter(|(_, row)| row.story == story);
        let masks = Masks::of(rows().map(|(_, row)| &row.envelope[..])).expect("envelopes");
        let mut chain = Chain::masked(story, masks);
        let opened = rows()
            .map(|(place, row)| (place, chain.open(&row.envelope, &row.disclosures).expect("a record")))
            .collect();
        (chain, opened)
    }

    /// Does what is asked of `story`.
    pub(crate) fn does(&mut self, story: StoryId, command: &Command) {
        let (mut chain, _) = self.folded(story);
        let number = u8::try_from(self.rows.len() % 251).expect("below 251");
        let now = Timestamp::new(1_790_000_000 + i64::from(number), 123_000).expect("a time");
        for event in story::decide(chain.story(), command, now).expect("no refusal") {
            let stamp = Stamp {
                event: Uuid::from_u128(self.rows.len() as u128),
                actor: "ed-1".parse().expect("an actor"),
                command: "key-1".parse().expect("a key"),
                seed: Seed([number; 32]),
            };
            let sealed = chain.seal(&event, &stamp).expect("what was decided can be sealed");
            let (envelope, disclosures) = (sealed.envelope.to_vec(), sealed.disclosures.to_vec());
            self.rows.push(Row { story, envelope, disclosures });
        }
    }

    pub(crate) fn files(&mut self, story: StoryId, release: Release, headline: &str, paragraphs: &[&str]) {
        self.does(story, &push(copy(headline, paragraphs), release, ""));
    }

    /// Redacts every value of the story that holds `words`, and erases them if the kind does.
    pub(crate) fn redacts(&mut self, story: StoryId, kind: RedactionKind, words: &str) {
        let (_, opened) = self.folded(story);
        let mut values = Vec::new();
        let mut erased: Vec<(usize, Vec<usize>)> = Vec::new();
        for (place, opened) in &opened {
            let known = Disclosures::parse(&self.rows[*place].disclosures).expect("disclosures");
            let holds = |index: &usize| known.value(*index).is_some_and(|value| value.contains(words));
            let indexes: Vec<usize> = (0..known.count()).filter(holds).collect();
            values.extend(indexes.iter().map(|index| ValueId(opened.values[*index].0)));
            erased.push((*place, indexes));
        }
        let redaction =
            Redaction { kind, basis: "GDPR-Art.17".parse().expect("a basis"), values: values.into() };
        let command = Redact {
            redaction,
            replacements: Vec::new(),
            reason: Text::uncut("The conviction is spent."),
            note: Text::uncut("A name was removed."),
            approver: "chief-1".parse().expect("an actor"),
        };
        self.does(story, &Command::Redact(Box::new(command)));
        for (place, indexes) in erased.into_iter().filter(|_| kind == RedactionKind::Erase) {
            let known = Disclosures::parse(&self.rows[place].disclosures).expect("disclosures");
            self.rows[place].disclosures = known.erase(&indexes).expect("they are there").to_bytes();
        }
    }

    /// Returns the records of `story` as the log has them.
    pub(crate) fn records(&self, story: StoryId) -> Vec<SourceRecord> {
        let rows = (0..).zip(&self.rows).filter(|(_, row)| row.story == story);
        rows.map(|(index, row)| {
            let (envelope, disclosures) = (row.envelope.clone(), row.disclosures.clone());
            SourceRecord { index, envelope, disclosures }
        })
        .collect()
    }

    pub(crate) fn bundle(&self, level: Level, stories: &[StoryId]) -> Vec<u8> {
        let stories = stories.iter().map(|story| (*story, self.records(*story))).collect();
        self.bundle_of(level, stories).expect("a bundle")
    }

    pub(crate) fn bundle_of(
        &self,
        level: Level,
        stories: Vec<(StoryId, Vec<SourceRecord>)>,
    ) -> Result<Vec<u8>, ExportError> {
        let entries: Vec<Entry> =
            self.rows.iter().map(|row| Entry::of_envelope(&row.envelope).expect("an envelope")).collect();
        let grown = Edge::new().grow(&entries).expect("grows");
        let files = Shelf(grown.files.into_iter().map(|file| (file.path, file.bytes)).collect());
        let head = Checkpoint::new(ORIGIN, entries.len() as u64, grown.edge.root()).expect("a head");
        let text = head.to_text();
        let mut head = head.sign(&log_key(1));
        for witness in &self.witnesses {
            head.add(witness.sign(&text, 1_790_000_000)).expect("there is room");
        }
        let witnesses = self.witnesses.iter().map(|witness| witness.verifier().clone()).collect();
        export(&Source { level, log: log_key(1).verifier().clone(), witnesses, head, files: &files, stories })
    }
}

/// The files of a log by their paths.
#[derive(Debug)]
struct Shelf(BTreeMap<FilePath, Vec<u8>>);

#[derive(Debug, thiserror::Error)]
#[error("it is not on the shelf")]
struct Absent;

impl TileReader for Shelf {
    type Error = Absent;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, Absent> {
        self.0.get(&FilePath::Tile(tile)).cloned().ok_or(Absent)
    }
}

impl LogReader for Shelf {
    fn bundle(&self, bundle: Bundle) -> Result<Vec<u8>, Absent> {
        self.0.get(&FilePath::Entries(bundle)).cloned().ok_or(Absent)
    }
}
