//! Comparing what the log holds with what its callers were told.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use log::{CheckError, EventLog, Position, Record, StoryKey};

use crate::ledger::{Given, Invariant, Ledger, Told, Violation};

/// Proves every invariant on a log that works, and takes note of what it showed.
pub(crate) async fn verify(log: &EventLog, ledger: &mut Ledger) -> Result<(), Violation> {
    let all = read_all(log).await?;
    let shown = ledger.shown.len();
    if all.len() < shown {
        let seen = format!("{shown} records were shown, {} are there", all.len());
        return Err(lost(ledger, &all).unwrap_or(Violation::of(Invariant::NothingShownIsLost, seen)));
    }
    if let Some(lost) = lost(ledger, &all) {
        return Err(lost);
    }
    for record in &all {
        ledger.show(record)?;
    }
    in_order(&all)?;
    let found = batches(&all);
    for (name, given) in &ledger.given {
        settled(name, given, found.get(name).map_or(&[], Vec::as_slice))?;
    }
    whole(ledger, &all)?;
    check(log, all.len()).await?;
    stories(log, ledger, &all).await
}

/// Returns the whole log.
async fn read_all(log: &EventLog) -> Result<Vec<Record>, Violation> {
    let mut all: Vec<Record> = Vec::new();
    loop {
        let next = Position(all.len() as u64 + 1);
        let page = log.read(next, usize::MAX).await;
        let page = page.map_err(|error| Violation::of(Invariant::NoHole, format!("{next}: {error}")))?;
        if page.is_empty() {
            break;
        }
        for (at, record) in (next.0..).zip(&page) {
            if record.position != Position(at) {
                let seen = format!("{} stands where {at} should", record.position);
                return Err(Violation::of(Invariant::NoHole, seen));
            }
        }
        all.extend(page);
    }
    if log.head() != Position(all.len() as u64) {
        let seen = format!("the head is {}, {} records are there", log.head(), all.len());
        return Err(Violation::of(Invariant::NoHole, seen));
    }
    Ok(all)
}

/// Returns the loss of something that was acknowledged.
fn lost(ledger: &Ledger, all: &[Record]) -> Option<Violation> {
    let head = all.len() as u64;
    ledger.given.iter().find_map(|(name, given)| match given.told {
        Told::Acknowledged { first, last }
            if last.0 > head
                || all[place(first)].command.0 != *name
                || all[place(last)].command.0 != *name =>
        {
            let seen = format!("{name:?} was acknowledged at {first} to {last}; {head} records are there");
            Some(Violation::of(Invariant::NothingAcknowledgedIsLost, seen))
        }
        _ => None,
    })
}

fn place(position: Position) -> usize {
    usize::try_from(position.0 - 1).expect("small")
}

/// Each story's revisions rise by one with the positions.
fn in_order(all: &[Record]) -> Result<(), Violation> {
    let mut revisions: HashMap<StoryKey, u64> = HashMap::new();
    for record in all {
        let revision = revisions.entry(record.story).or_default();
        *revision += 1;
        if record.revision != *revision {
            let seen =
                format!("position {} has revision {}, not {revision}", record.position, record.revision);
            return Err(Violation::of(Invariant::OrderIsKept, seen));
        }
    }
    Ok(())
}

/// Returns the positions of each command's records.
fn batches(all: &[Record]) -> BTreeMap<Bytes, Vec<Position>> {
    let mut found: BTreeMap<Bytes, Vec<Position>> = BTreeMap::new();
    for record in all {
        found.entry(record.command.0.clone()).or_default().push(record.position);
    }
    found
}

/// A batch is there once and whole, or not at all, as its caller was told.
fn settled(name: &Bytes, given: &Given, found: &[Position]) -> Result<(), Violation> {
    let broken = |invariant, seen: &str| Err(Violation::of(invariant, format!("{name:?} {seen}: {found:?}")));
    let records = given.records.len();
    match given.told {
        Told::Refused if !found.is_empty() => {
            broken(Invariant::NothingRefusedIsStored, "was answered as not stored")
        }
        _ if found.len() > records => broken(Invariant::NothingIsDoubled, "is there more than once"),
        Told::Acknowledged { first, .. } if found.first() != Some(&first) || found.len() != records => {
            broken(Invariant::NothingAcknowledgedIsLost, "is not where it was acknowledged")
        }
        Told::Acknowledged { first, .. } if first <= given.behind => {
            broken(Invariant::OrderIsKept, "stands before what was acknowledged before it was given")
        }
        Told::Unknown if !found.is_empty() && found.len() != records => {
            broken(Invariant::NoHole, "is there in part")
        }
        _ => Ok(()),
    }
}

/// Every record holds what was given, but for what was erased; nothing is there that nobody gave.
fn whole(ledger: &Ledger, all: &[Record]) -> Result<(), Violation> {
    let mut at_of: HashMap<&Bytes, usize> = HashMap::new();
    for record in all {
        let position = record.position;
        let Some(given) = ledger.given.get(&record.command.0) else {
            let seen = format!("nobody gave what is at {position}");
            return Err(Violation::of(Invariant::NothingRefusedIsStored, seen));
        };
        let at = at_of.entry(&record.command.0).or_default();
        let wanted = &given.records[*at];
        *at += 1;
        if record.story != given.story || record.envelope != wanted.envelope {
            let seen = format!("{position} is not what was given");
            return Err(Violation::of(Invariant::NothingAcknowledgedIsLost, seen));
        }
        let is_wanted = record.disclosures == wanted.disclosures;
        match ledger.erased.get(&position) {
            Some(erased) if record.disclosures == erased.remaining => {}
            Some(erased) if erased.surely => {
                let seen = format!("what was erased at {position} is there again");
                return Err(Violation::of(Invariant::ErasedWordsAreGone, seen));
            }
            _ if is_wanted => {}
            _ => {
                let seen = format!("the words at {position} are not those that were given");
                return Err(Violation::of(Invariant::NothingAcknowledgedIsLost, seen));
            }
        }
    }
    Ok(())
}

async fn check(log: &EventLog, records: usize) -> Result<(), Violation> {
    match log.check(|_, _| {}).await {
        Ok(checked) if checked.records == records as u64 => Ok(()),
        Ok(checked) => {
            let seen = format!("{} of {records} records were checked", checked.records);
            Err(Violation::of(Invariant::CheckPasses, seen))
        }
        Err(error @ CheckError::Index { .. }) => {
            Err(Violation::of(Invariant::TheIndexAgrees, error.to_string()))
        }
        Err(error) => Err(Violation::of(Invariant::CheckPasses, error.to_string())),
    }
}

/// Each story reads alike by itself and in the log, and every command is found.
async fn stories(log: &EventLog, ledger: &Ledger, all: &[Record]) -> Result<(), Violation> {
    let mut by_story: BTreeMap<StoryKey, Vec<&Record>> = BTreeMap::new();
    for record in all {
        by_story.entry(record.story).or_default().push(record);
    }
    // Those that changed least recently are in the index file, the others in memory: a few of both.
    let some = by_story.len().div_ceil(SAMPLE).max(1);
    for (&story, records) in by_story.iter().step_by(some) {
        let page = log.read_story(story, 1, usize::MAX).await;
        let page = page.map_err(|error| Violation::of(Invariant::TheIndexAgrees, error.to_string()))?;
        if page.is_empty() || !page.iter().zip(records).all(|(one, other)| one == *other) {
            let seen = format!("a story reads otherwise from {}", records[0].position);
            return Err(Violation::of(Invariant::TheIndexAgrees, seen));
        }
    }
    let some = ledger.given.len().div_ceil(SAMPLE).max(1);
    for (name, given) in ledger.given.iter().step_by(some) {
        let Told::Acknowledged { first, last } = given.told else { continue };
        let found = log.find_command(given.story, &log::Command(name.clone())).await;
        let found = found.map_err(|error| Violation::of(Invariant::TheIndexAgrees, error.to_string()))?;
        if found.map(|found| (found.first, found.last)) != Some((first, last)) {
            let seen = format!("{name:?} was acknowledged at {first}, found is {found:?}");
            return Err(Violation::of(Invariant::TheIndexAgrees, seen));
        }
    }
    Ok(())
}

/// Stories and commands that are asked for one by one.
const SAMPLE: usize = 50;

/// Looks for what was surely erased in every file of `folder`.
pub(crate) fn no_file_has_erased_words(folder: &Path, ledger: &Ledger) -> Result<(), Violation> {
    let surely: Vec<_> = ledger.erased.iter().filter(|(_, erased)| erased.surely).collect();
    if surely.is_empty() {
        return Ok(());
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    // SQLite may copy memory that it has not cleared into its shared memory: `docs/RELIABILITY.md` says when.
    let is_memory = |path: &PathBuf| path.as_os_str().as_encoded_bytes().ends_with(b"-shm");
    for path in entries.map(|entry| entry.path()).filter(|path| !is_memory(path)) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        for (position, erased) in &surely {
            if holds(&bytes, &erased.words) {
                let seen = format!("the words erased at {position} are in {}", path.display());
                return Err(Violation::of(Invariant::ErasedWordsAreGone, seen));
            }
        }
    }
    Ok(())
}

fn holds(bytes: &[u8], words: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == words[0]) {
        rest = &rest[at..];
        if rest.starts_with(words) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}
