//! The core of a bundle: what is proved, and what everything else in it is derived from.

use std::collections::HashMap;

use proof::Commitment;
use proof::audit::{LogReader, files_of_bundles};
use proof::checkpoint::SignedCheckpoint;
use proof::entry::{Entry, SHORT_BYTES_MAX};
use proof::note::VerifierKey;
use story::StoryId;
use wire::{Chain, Disclosures, redaction_of};

use crate::derive::derive;
use crate::disclosure::{Value, disclosures};
use crate::fault::{Fault, words};
use crate::level::Level;
use crate::limits::{BUNDLE_BYTES_MAX, FILES_MAX, REVISIONS_MAX, STORIES_MAX};
use crate::log_files::{LogFiles, places};
use crate::revision::tell;
use crate::select::Selection;
use crate::trust::Trust;
use crate::zip_form;

/// What a bundle is made of.
#[derive(Debug)]
pub struct Source<'a, R> {
    /// How much it tells.
    pub level: Level,
    /// The key that signed `head`.
    pub log: VerifierKey,
    /// Witnesses that may have cosigned it.
    pub witnesses: Vec<VerifierKey>,
    /// The newest signed head.
    pub head: SignedCheckpoint,
    /// The files below it.
    pub files: &'a R,
    /// Each story's records under the head, all of them, from the first.
    pub stories: Vec<(StoryId, Vec<SourceRecord>)>,
}

/// A record of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRecord {
    /// The index of its entry in the transparency log: its position, less one.
    pub index: u64,
    /// Its envelope as it is stored.
    pub envelope: Vec<u8>,
    /// Its disclosures as they are stored.
    pub disclosures: Vec<u8>,
}

/// Why there is no bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Nothing to tell: name stories that have records under the head.
    #[error("story {story} has no record under the signed head")]
    NoRecord {
        /// The story.
        story: StoryId,
    },
    /// Name fewer stories at once.
    #[error("a bundle has at most {limit} {what}, this one would have {count}: export fewer stories at once")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much there would be.
        count: u64,
        /// How much there may be.
        limit: u64,
    },
    /// The log is damaged: `writethru check` says where.
    #[error("the log does not prove what it says: {problem}")]
    Unproved {
        /// What does not fit.
        problem: String,
    },
}

/// What is proved.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) level: Level,
    pub(crate) trust: Trust,
    pub(crate) head: SignedCheckpoint,
    pub(crate) log: LogFiles,
    /// By their ids.
    pub(crate) stories: Vec<StoryCore>,
}

/// A story's part of it.
#[derive(Debug)]
pub(crate) struct StoryCore {
    pub(crate) id: StoryId,
    pub(crate) records: Vec<CoreRecord>,
}

/// One revision's part of that.
#[derive(Debug)]
pub(crate) struct CoreRecord {
    pub(crate) index: u64,
    pub(crate) envelope: Vec<u8>,
    pub(crate) values: Vec<Value>,
}

/// Returns the bundle, a zip file, that `source` makes: always the same bytes for the same source. What
/// it says has been proved again by then.
///
/// # Errors
/// [`ExportError`].
pub fn export<R: LogReader>(source: &Source<'_, R>) -> Result<Vec<u8>, ExportError> {
    let unproved = |problem: String| ExportError::Unproved { problem };
    bounded(source)?;
    let (trust, head) = Trust::narrow(&source.log, &source.witnesses, &source.head).map_err(unproved)?;
    let records = || source.stories.iter().flat_map(|(_, records)| records);
    let size = head.checkpoint().size();
    let paths = files_of_bundles(size, places(size, records().map(|record| record.index)));
    let log = LogFiles::load(source.files, paths).map_err(unproved)?;
    let mut stories = Vec::with_capacity(source.stories.len());
    for (id, records) in &source.stories {
        stories.push(narrowed(source.level, *id, records).map_err(unproved)?);
    }
    stories.sort_by_key(|story| story.id);
    stories.dedup_by_key(|story| story.id);
    let core = Core { level: source.level, trust, head, log, stories };
    let told = core.prove(&mut |_| ()).map_err(|fault| unproved(fault.to_string()))?;
    let files = derive(&core, &told).map_err(|fault| unproved(fault.to_string()))?;
    let bytes: u64 = files.iter().map(|file| file.bytes.len() as u64 + 1_024).sum();
    let too_much = |what, count, limit| ExportError::TooMuch { what, count, limit };
    if files.len() > FILES_MAX {
        return Err(too_much("files", files.len() as u64, FILES_MAX as u64));
    }
    let zip = (bytes <= BUNDLE_BYTES_MAX).then(|| zip_form::write(&files)).flatten();
    zip.ok_or(too_much("bytes", bytes, BUNDLE_BYTES_MAX))
}

fn bounded<R>(source: &Source<'_, R>) -> Result<(), ExportError> {
    if let Some((story, _)) = source.stories.iter().find(|(_, records)| records.is_empty()) {
        return Err(ExportError::NoRecord { story: *story });
    }
    let revisions: usize = source.stories.iter().map(|(_, records)| records.len()).sum();
    for (what, count, limit) in
        [("stories", source.stories.len(), STORIES_MAX), ("revisions", revisions, REVISIONS_MAX)]
    {
        if count > limit {
            return Err(ExportError::TooMuch { what, count: count as u64, limit: limit as u64 });
        }
    }
    Ok(())
}

/// Returns what `level` tells of a story.
fn narrowed(level: Level, id: StoryId, records: &[SourceRecord]) -> Result<StoryCore, String> {
    let parts: Vec<_> = records.iter().map(|one| (&one.envelope[..], &one.disclosures[..])).collect();
    let selection = Selection::of(level, id, &parts)?;
    let mut chain = Chain::new(id);
    let narrow = |record: &SourceRecord| {
        let opened = chain.open(&record.envelope, &record.disclosures).map_err(|error| words(&error))?;
        let known = Disclosures::parse(&record.disclosures).map_err(|error| words(&error))?.opened();
        let values = opened.values.iter().zip(known).map(|(commitment, known)| {
            let opened = known.filter(|_| selection.tells(*commitment));
            Value { commitment: *commitment, opened }
        });
        Ok(CoreRecord { index: record.index, envelope: record.envelope.clone(), values: values.collect() })
    };
    Ok(StoryCore { id, records: records.iter().map(narrow).collect::<Result<_, String>>()? })
}

impl StoryCore {
    /// Returns the folder of the story in the bundle.
    pub(crate) fn folder(&self) -> String {
        format!("data/stories/{}", self.id)
    }

    /// Returns the file with what it tells.
    pub(crate) fn disclosures(&self) -> String {
        format!("{}/disclosures.jsonl", self.folder())
    }

    /// Returns where the envelope of `revision` stands if the log has only its hash.
    pub(crate) fn long_envelope(&self, revision: usize) -> String {
        format!("{}/envelopes/{revision}.json", self.folder())
    }

    /// Returns which revision's redaction hides each value from readers.
    pub(crate) fn hidden_by(&self) -> HashMap<Commitment, u64> {
        let mut hidden = HashMap::new();
        for (revision, record) in (1..).zip(&self.records) {
            let Ok(Some(redaction)) = redaction_of(&record.envelope) else { continue };
            for value in redaction.hidden() {
                hidden.entry(Commitment(value.0)).or_insert(revision);
            }
        }
        hidden
    }
}

impl CoreRecord {
    /// Returns whether the log has only the hash of the envelope.
    pub(crate) fn is_long(&self) -> bool {
        self.envelope.len() > SHORT_BYTES_MAX
    }
}

impl Core {
    /// Proves the stories: that each record is an entry that `entries` were found to be in the log, that
    /// each follows the one before, that every value is the one committed to, that every state is what the
    /// envelope says, and that no word is told which the level leaves out. Returns what they tell.
    pub(crate) fn prove(
        &self,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Vec<Vec<crate::revision::Told>>, Fault> {
        let mut told = Vec::with_capacity(self.stories.len());
        for story in &self.stories {
            let file = story.disclosures();
            let opened: Vec<_> = story
                .records
                .iter()
                .map(|record| (&record.envelope[..], disclosures(&record.values)))
                .collect();
            let parts: Vec<_> = opened.iter().map(|(envelope, words)| (*envelope, &words[..])).collect();
            told.push(tell(story, &parts, progress)?);
            let selection = Selection::of(self.level, story.id, &parts);
            let selection = selection.map_err(|why| Fault::of(&*file, why))?;
            for (revision, record) in (1..).zip(&story.records) {
                let beyond = |value: &&Value| value.opened.is_some() && !selection.tells(value.commitment);
                if record.values.iter().any(|value| beyond(&value)) {
                    let why =
                        format!("revision {revision} tells words that a {} bundle leaves out", self.level);
                    return Err(Fault::of(file, why));
                }
            }
        }
        Ok(told)
    }

    /// Checks that the record is the entry that the log has at its place.
    pub(crate) fn is_entry(record: &CoreRecord, logged: &[u8]) -> bool {
        Entry::from_bytes(logged).is_ok_and(|entry| entry.is_of(&record.envelope))
    }
}
