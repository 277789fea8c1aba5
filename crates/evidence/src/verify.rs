//! Verifying a bundle: its core is proved, the bundle is derived again, and every byte compared.

use std::collections::{BTreeSet, HashMap};

use proof::Hash;
use proof::audit::{self, audit_bundles, files_of_bundles};
use proof::checkpoint::SignedCheckpoint;
use proof::entry::{Entry, Form};
use proof::note::VerifierKey;
use proof::policy::{Endorsement, Policy};
use proof::tile::FilePath;
use story::StoryId;
use wire::Header;

use crate::bag::{BASE, File, INFO, level};
use crate::core::{Core, CoreRecord, StoryCore};
use crate::derive::derive;
use crate::disclosure::{self, Line};
use crate::fault::{Fault, words};
use crate::level::Level;
use crate::log_files::{LOG, LogFiles, Missing, places};
use crate::trust::{POLICY, Trust};
use crate::zip_form;

/// Where the signed head stands.
const CHECKPOINT: &str = "data/log/checkpoint";

/// What a bundle proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How much it tells.
    pub level: Level,
    /// The origin of the log.
    pub origin: String,
    /// How many entries the signed head is over.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The key that the bundle itself names: compare it with one from somewhere else.
    pub key: VerifierKey,
    /// Who vouches for the head, by the policy that was given or else by the bundle's own.
    pub endorsed: Endorsement,
    /// Each story, and how many revisions of it there are.
    pub stories: Vec<(StoryId, u64)>,
    /// How many values are told.
    pub told: u64,
    /// How many are not, whether they were erased, are hidden, or are left out at this level.
    pub left_out: u64,
}

/// Verifies the bundle `zip`, and that `policy`, if it is given, accepts the head in it; without one, the
/// head is believed if it is signed with the key that the bundle names. `progress` is told how much is
/// done, and of how much.
///
/// # Errors
/// [`Fault`]: the first thing that is wrong, and where. No bytes make it panic.
pub fn verify(
    zip: &[u8],
    policy: Option<&Policy>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Verified, Fault> {
    let files = zip_form::read(zip)?;
    let content = Content::new(&files);
    let (trust, head) = content.head()?;
    let own = || Policy::parse(trust.to_text().as_bytes()).map_err(|error| Fault::of(POLICY, words(&error)));
    let endorsed = match policy {
        Some(policy) => policy.verify(&head),
        None => own()?.verify(&head),
    };
    let endorsed = endorsed.map_err(|error| Fault::of(CHECKPOINT, words(&error)))?;
    let level = level(content.file(INFO)?).map_err(|why| Fault::of(INFO, why))?;
    let (log, lines) = (content.log()?, content.lines()?);
    let total = log.0.keys().map(|path| entries(*path)).sum::<u64>() + lines.revisions();
    let mut done = 0;
    let mut step = |more: u64| {
        done += more;
        progress(done, total);
    };
    let found = lines.find(&log, &head, &mut step)?;
    let stories = lines.stories(&content, &found)?;
    let core = Core { level, trust, head, log, stories };
    let told = core.prove(&mut step)?;
    let derived = derive(&core, &told)?;
    compare(&files, &derived)?;
    compare_archive(zip, &files, &derived)?;
    Ok(verified(&core, endorsed))
}

fn verified(core: &Core, endorsed: Endorsement) -> Verified {
    let values = || core.stories.iter().flat_map(|story| &story.records).flat_map(|record| &record.values);
    let told = values().filter(|value| value.opened.is_some()).count() as u64;
    let left_out = values().count() as u64 - told;
    let head = core.head.checkpoint();
    Verified {
        level: core.level,
        origin: head.origin().to_owned(),
        size: head.size(),
        root: *head.root(),
        key: core.trust.log().clone(),
        endorsed,
        stories: core.stories.iter().map(|story| (story.id, story.records.len() as u64)).collect(),
        told,
        left_out,
    }
}

fn entries(path: FilePath) -> u64 {
    match path {
        FilePath::Entries(bundle) => u64::from(bundle.width()),
        FilePath::Tile(_) => 0,
    }
}

/// The files of a bundle by their names.
struct Content<'a>(HashMap<&'a str, &'a [u8]>);

impl<'a> Content<'a> {
    fn new(files: &'a [File]) -> Self {
        Self(files.iter().map(|file| (&*file.name, &*file.bytes)).collect())
    }

    fn file(&self, name: &str) -> Result<&'a [u8], Fault> {
        self.0.get(name).copied().ok_or_else(|| Fault::of(name, "it is missing"))
    }

    fn head(&self) -> Result<(Trust, SignedCheckpoint), Fault> {
        let trust = Trust::parse(self.file(POLICY)?)?;
        let wrong = |why: String| Fault::of(CHECKPOINT, why);
        let head = SignedCheckpoint::parse(self.file(CHECKPOINT)?).map_err(|error| wrong(words(&error)))?;
        trust.verify(&head).map_err(wrong)?;
        Ok((trust, head))
    }

    fn log(&self) -> Result<LogFiles, Fault> {
        let mut log = LogFiles::default();
        for (name, bytes) in &self.0 {
            let Some(path) = name.strip_prefix(LOG).filter(|_| *name != CHECKPOINT) else { continue };
            let path: FilePath = path.parse().map_err(|error| Fault::of(*name, words(&error)))?;
            log.0.insert(path, bytes.to_vec());
        }
        Ok(log)
    }

    fn lines(&self) -> Result<Lines, Fault> {
        let mut stories = Vec::new();
        for (name, bytes) in &self.0 {
            let id =
                name.strip_prefix("data/stories/").and_then(|rest| rest.strip_suffix("/disclosures.jsonl"));
            let Some(id) = id else { continue };
            let id: StoryId = id.parse().map_err(|_| Fault::of(*name, "the folder is no story's id"))?;
            stories.push((id, disclosure::read(name, bytes)?));
        }
        stories.sort_by_key(|(id, _)| *id);
        if stories.is_empty() {
            return Err(Fault::of("data/stories", "there is no story"));
        }
        Ok(Lines(stories))
    }
}

/// The disclosures of each story, by their ids.
struct Lines(Vec<(StoryId, Vec<Line>)>);

impl Lines {
    fn revisions(&self) -> u64 {
        self.0.iter().map(|(_, lines)| lines.len() as u64).sum()
    }

    /// Returns the entries of the stories, by their index, once it is proved that they stand in the log
    /// under `head`, that the log's files are all there, and that none of these stories' is left out.
    fn find(
        &self,
        log: &LogFiles,
        head: &SignedCheckpoint,
        step: &mut impl FnMut(u64),
    ) -> Result<HashMap<u64, Vec<u8>>, Fault> {
        let head = head.checkpoint();
        let indexes = self.0.iter().flat_map(|(_, lines)| lines).map(|line| line.index);
        let wanted: BTreeSet<u64> = indexes.clone().collect();
        let places = places(head.size(), indexes);
        let needed = files_of_bundles(head.size(), places.iter().copied());
        let file = |path: &FilePath| format!("{LOG}{path}");
        if let Some(path) = needed.iter().find(|path| !log.0.contains_key(path)) {
            return Err(Fault::of(file(path), "it is missing"));
        }
        if let Some(path) = log.0.keys().find(|path| !needed.contains(path)) {
            return Err(Fault::of(file(path), "it does not belong to what the bundle proves"));
        }
        let (mut found, mut left_out) = (HashMap::new(), None);
        let audited = audit_bundles(head, log, places, |index, entry| {
            step(1);
            if wanted.contains(&index) {
                found.insert(index, entry.to_vec());
            } else if left_out.is_none() {
                left_out = self.story_of(entry).map(|story| (index, story));
            }
        });
        audited.map_err(|fault| unproved(&fault))?;
        if let Some((index, story)) = left_out {
            let why = format!("entry {index} of the log is of this story, and is left out");
            return Err(Fault::of(format!("data/stories/{story}/disclosures.jsonl"), why));
        }
        Ok(found)
    }

    /// Returns which of the stories an entry is of.
    fn story_of(&self, entry: &[u8]) -> Option<StoryId> {
        let entry = Entry::from_bytes(entry).ok()?;
        let Form::Short(envelope) = entry.form() else { return None };
        let story = Header::parse(envelope).ok()?.story;
        self.0.iter().any(|(id, _)| *id == story).then_some(story)
    }

    /// Returns the stories' cores, made of the entries that were found.
    fn stories(self, content: &Content<'_>, found: &HashMap<u64, Vec<u8>>) -> Result<Vec<StoryCore>, Fault> {
        let mut stories = Vec::with_capacity(self.0.len());
        for (id, lines) in self.0 {
            let mut story = StoryCore { id, records: Vec::with_capacity(lines.len()) };
            for (number, line) in (1..).zip(lines) {
                let wrong = |why: &str| Fault::of(story.disclosures(), format!("line {number}: {why}"));
                let logged = found.get(&line.index).ok_or_else(|| wrong("the log has no such entry"))?;
                let is_long =
                    Entry::from_bytes(logged).is_ok_and(|one| matches!(one.form(), Form::Long { .. }));
                let envelope = if is_long { content.file(&story.long_envelope(number))? } else { logged };
                let record =
                    CoreRecord { index: line.index, envelope: envelope.to_vec(), values: line.values };
                if !Core::is_entry(&record, logged) {
                    return Err(Fault::of(story.long_envelope(number), "it is not the one that was logged"));
                }
                story.records.push(record);
            }
            stories.push(story);
        }
        Ok(stories)
    }
}

/// Returns what is wrong with the log's files, by the file.
fn unproved(fault: &audit::Fault<Missing>) -> Fault {
    let path = match fault {
        audit::Fault::Reader { path, .. } => Some(*path),
        audit::Fault::Tile { tile, .. } | audit::Fault::Changed { tile } => Some(FilePath::Tile(*tile)),
        audit::Fault::Bundle { bundle, .. } => Some(FilePath::Entries(*bundle)),
        audit::Fault::Root | audit::Fault::Entry { .. } => None,
    };
    let file = path.map_or_else(|| format!("{LOG}tile"), |path| format!("{LOG}{path}"));
    Fault::of(file, words(fault))
}

/// Compares each file with the one that follows from the core.
fn compare(files: &[File], derived: &[File]) -> Result<(), Fault> {
    let expected: HashMap<&str, &File> = derived.iter().map(|file| (&*file.name, file)).collect();
    for file in files {
        let Some(right) = expected.get(&*file.name) else {
            return Err(Fault::of(&*file.name, "it does not belong in this bundle"));
        };
        if let Some(at) = zip_form::difference(&file.bytes, &right.bytes) {
            return Err(Fault::of(&*file.name, "it is not what follows from the log").at(at));
        }
    }
    let present: BTreeSet<&str> = files.iter().map(|file| &*file.name).collect();
    match derived.iter().find(|file| !present.contains(&*file.name)) {
        Some(file) => Err(Fault::of(&*file.name, "it is missing")),
        None => Ok(()),
    }
}

/// Compares the archive itself with how it is written.
fn compare_archive(zip: &[u8], files: &[File], derived: &[File]) -> Result<(), Fault> {
    let written = zip_form::write(derived).ok_or_else(|| Fault::of("", "no bundle is so large"))?;
    let Some(at) = zip_form::difference(zip, &written) else { return Ok(()) };
    let before = files.iter().take_while(|file| file.at <= at).count();
    let near = match files.get(before) {
        Some(file) => format!("in the header of {BASE}/{}", file.name),
        None => "in the list of files at the end".to_owned(),
    };
    Err(Fault::archive(at, format!("it is not what the archive of a bundle has here, {near}")))
}
