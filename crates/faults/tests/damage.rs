//! Damage to the files of a log that nobody has open: `check` finds each flipped bit, or it changed nothing
//! that anybody reads; and it finds nothing where nothing was damaged.

use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use log::{
    Batch, CheckError, Command, Epoch, EventLog, NewRecord, OpenError, Options, Position, Record, StoryKey,
};
use tempfile::TempDir;
use writethru_faults::Dice;

/// Bits that are flipped, one by one; more by `WRITETHRU_FAULT_FLIPS=20000`.
const FLIPS: u64 = 300;
const STORIES: u64 = 12;
const BATCHES: u64 = 12;
const INDEX: &str = "log.db.index";
const LOG: &str = "log.db";

#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
fn flips() -> u64 {
    std::env::var("WRITETHRU_FAULT_FLIPS").ok().and_then(|flips| flips.parse().ok()).unwrap_or(FLIPS)
}

/// A closed log and what it holds.
struct Whole {
    home: TempDir,
    records: Vec<Record>,
    log: Vec<u8>,
    index: Vec<u8>,
}

/// What came of a flipped bit.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// It was named, at this position if one was told.
    Found(Option<Position>),
    /// Everything reads as before.
    Harmless,
}

impl Whole {
    /// Returns a log of several pages, with records of every size and one whose words are erased. Closing it
    /// writes its index.
    async fn made() -> Self {
        let home = TempDir::new().expect("a folder");
        let log = open(home.path()).await.expect("opens");
        let mut dice = Dice::new(1);
        for batch in 0..BATCHES {
            for story in 0..STORIES {
                log.append(key(story), batch, one(story, batch, &mut dice)).await.expect("stored");
            }
        }
        log.erase(Position(7), Bytes::from_static(b"gone")).await.expect("erased");
        let records = read_all(&log).await.expect("readable");
        log.check(|_, _| {}).await.expect("nothing was damaged");
        log.close().await;
        drop(log);
        assert!(!home.path().join("log.db-wal").exists(), "a closed log is one file");
        // The index's last reader leaves its write-ahead log beside it: what is in it comes into the file.
        let index = rusqlite::Connection::open(home.path().join(INDEX)).expect("opens");
        index.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("moved");
        drop(index);
        let bytes = |name: &str| std::fs::read(home.path().join(name)).expect("it is there");
        let (log, index) = (bytes(LOG), bytes(INDEX));
        assert!(index.windows(5).any(|bytes| bytes == b"11/11"), "the index holds the last command");
        Self { home, records, log, index }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Puts the files back, but for `bit` of the file `name`.
    fn flip(&self, name: &str, bit: usize) {
        for suffix in ["log.db-wal", "log.db-shm", "log.db.index-wal", "log.db.index-shm"] {
            // Whether it was there or not.
            let _ = std::fs::remove_file(self.path(suffix));
        }
        for (file, bytes) in [(LOG, &self.log), (INDEX, &self.index)] {
            let mut bytes = bytes.clone();
            if file == name {
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            std::fs::write(self.path(file), bytes).expect("room");
        }
    }

    /// Opens the log as `check` does, and says what it finds.
    async fn looked_at(&self) -> Result<Came, String> {
        let options = Options { new_epoch: Epoch(1), create: false, read_only: true };
        let log = match EventLog::open(&self.path(LOG), options).await {
            Ok(log) => log,
            Err(OpenError::Damaged { position, .. }) => return Ok(Came::Found(Some(position))),
            Err(_) => return Ok(Came::Found(None)),
        };
        let checked = log.check(|_, _| {}).await;
        let read = read_all(&log).await;
        let stories = self.stories_read_alike(&log).await;
        log.close().await;
        match checked {
            Err(CheckError::Damaged { position, .. } | CheckError::Index { position, .. }) => {
                Ok(Came::Found(Some(position)))
            }
            Err(CheckError::Unavailable { .. }) => Ok(Came::Found(None)),
            Ok(_) if read.as_ref().is_ok_and(|read| *read == self.records) && stories => Ok(Came::Harmless),
            Ok(_) if !stories => Err("check passes, and a story reads otherwise".to_owned()),
            Ok(_) => Err("check passes, and the log reads otherwise".to_owned()),
        }
    }

    async fn stories_read_alike(&self, log: &EventLog) -> bool {
        for story in 0..STORIES {
            let wanted = self.records.iter().filter(|record| record.story == key(story));
            let Ok(read) = log.read_story(key(story), 1, usize::MAX).await else { return false };
            if !read.iter().eq(wanted) {
                return false;
            }
        }
        true
    }

    /// Returns where the envelopes of some records lie in the file, each whole in one place.
    fn envelopes(&self) -> Vec<(Position, Range<usize>)> {
        let places = self.records.iter().filter_map(|record| {
            let first = self.log.windows(record.envelope.len()).position(|bytes| bytes == record.envelope)?;
            Some((record.position, first..first + record.envelope.len()))
        });
        places.collect()
    }
}

async fn open(folder: &Path) -> Result<EventLog, OpenError> {
    let options = Options { new_epoch: Epoch(1), create: true, read_only: false };
    EventLog::open(&folder.join(LOG), options).await
}

fn key(story: u64) -> StoryKey {
    let mut key = [9; 16];
    key[8..].copy_from_slice(&story.to_be_bytes());
    StoryKey(key)
}

fn one(story: u64, batch: u64, dice: &mut Dice) -> Batch {
    let mut envelope = format!("{{\"story\":{story},\"batch\":{batch}}}").into_bytes();
    // Most fit a page; some need pages of their own.
    let most = if dice.once_in(12) { 40_000 } else { 400 };
    envelope.resize(envelope.len() + dice.size(most), b'e');
    let disclosures = format!("the words of {story}/{batch}").into();
    let record = NewRecord { envelope: envelope.into(), disclosures };
    Batch { command: Command(format!("{story}/{batch}").into()), records: vec![record] }
}

async fn read_all(log: &EventLog) -> Result<Vec<Record>, log::ReadError> {
    let mut all: Vec<Record> = Vec::new();
    loop {
        let page = log.read(Position(all.len() as u64 + 1), usize::MAX).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

#[tokio::test]
async fn a_flipped_bit_of_a_log_is_found_or_changes_nothing() {
    let whole = Whole::made().await;
    let envelopes = whole.envelopes();
    assert!(envelopes.len() > 50, "most envelopes lie whole in the file: {}", envelopes.len());
    let mut dice = Dice::new(2);
    let (mut found, mut harmless, mut named) = (0, 0, 0);
    for flip in 0..flips() {
        let bit = dice.size(whole.log.len() * 8);
        whole.flip(LOG, bit);
        let came = Box::pin(whole.looked_at()).await;
        let came = came.unwrap_or_else(|why| panic!("flip {flip}, bit {bit} of the log: {why}"));
        if let Some((position, _)) = envelopes.iter().find(|(_, place)| place.contains(&(bit / 8))) {
            assert_eq!(came, Came::Found(Some(*position)), "bit {bit} is in that record");
            named += 1;
        }
        match came {
            Came::Found(_) => found += 1,
            Came::Harmless => harmless += 1,
        }
    }
    println!("{found} found, {named} of them in an envelope and named by it; {harmless} harmless");
    assert!(found > harmless && named > 0, "{found} found, {named} named, {harmless} harmless");
    whole.flip("", 0);
    assert_eq!(Box::pin(whole.looked_at()).await, Ok(Came::Harmless), "nothing is flipped");
}

#[tokio::test]
async fn a_flipped_bit_of_the_index_is_found_or_changes_nothing() {
    let whole = Whole::made().await;
    let mut dice = Dice::new(3);
    let (mut found, mut harmless) = (0, 0);
    for flip in 0..flips() {
        let bit = dice.size(whole.index.len() * 8);
        whole.flip(INDEX, bit);
        let came = Box::pin(whole.looked_at()).await;
        match came.unwrap_or_else(|why| panic!("flip {flip}, bit {bit} of the index: {why}")) {
            Came::Found(_) => found += 1,
            Came::Harmless => harmless += 1,
        }
    }
    println!("{found} found; {harmless} harmless");
    assert!(found > 0 && harmless > 0, "{found} found, {harmless} harmless");
}

#[tokio::test]
async fn a_torn_last_page_of_a_log_is_found() {
    const PAGE: usize = 16 * 1024;
    let whole = Whole::made().await;
    let mut dice = Dice::new(4);
    for _ in 0..20 {
        whole.flip("", 0);
        let last = whole.log.len() - PAGE;
        let kept = last + dice.size(PAGE / 512) * 512;
        // Either the file ends within its last page, or that page ends in zeros.
        let mut torn = whole.log[..kept].to_vec();
        if dice.once_in(2) {
            torn.resize(whole.log.len(), 0);
        }
        if torn == whole.log {
            continue;
        }
        std::fs::write(whole.path(LOG), torn).expect("room");
        let came = Box::pin(whole.looked_at()).await.unwrap_or_else(|why| panic!("cut at {kept}: {why}"));
        assert!(matches!(came, Came::Found(_)), "cut at {kept} of {}", whole.log.len());
    }
}
