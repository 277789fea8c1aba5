//! What runs under a failing disk have found, each as the shortest way to it.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use log::{Appended, Batch, Command, Epoch, EventLog, NewRecord, OpenError, Options, Position, StoryKey};
use tempfile::TempDir;
use writethru_faults::{Dice, Disk, Effect, End, Fault, Operation};

const STORY: StoryKey = StoryKey([3; 16]);
/// Ways in which a power cut may leave the unsynced bytes.
const CUTS: u64 = 8;

async fn try_open(disk: &Disk) -> Result<EventLog, OpenError> {
    let options = Options { new_epoch: Epoch(1), create: true, read_only: false };
    EventLog::open(&disk.folder().join("log.db"), options).await
}

async fn open(disk: &Disk) -> EventLog {
    try_open(disk).await.expect("opens")
}

fn disk() -> (TempDir, Arc<Disk>) {
    let home = TempDir::new().expect("a folder");
    let disk = Disk::under(home.path()).expect("it is there");
    (home, disk)
}

fn batch(name: &str) -> Batch {
    let disclosures = Bytes::from(format!("the words of {name}"));
    let record = NewRecord { envelope: Bytes::from_static(b"{}"), disclosures };
    Batch { command: Command(name.to_owned().into()), records: vec![record] }
}

async fn append(log: &EventLog, expected: u64, name: &str) -> Appended {
    log.append(STORY, expected, batch(name)).await.expect("stored")
}

/// Ends the process or the power, and gives the next life what is left.
async fn end(disk: &Disk, log: EventLog, end: End, way: u64) {
    disk.end(end);
    log.close().await;
    drop(log);
    disk.restart(&mut Dice::new(way)).expect("the real disk works");
}

/// SQLite answers with another journal mode, and no error, when it cannot write a new database as it was
/// asked to; in that mode a power cut may undo the newest commit.
#[tokio::test]
async fn a_log_whose_making_was_disturbed_keeps_what_it_acknowledges() {
    for (effect, after) in
        [Effect::Fail, Effect::Forget].into_iter().flat_map(|e| (0..6).map(move |n| (e, n)))
    {
        for way in 0..CUTS {
            let (_home, disk) = disk();
            disk.plan(Fault { operation: Operation::Sync, after, effect, times: 1 });
            let log = match try_open(&disk).await {
                Ok(log) => log,
                Err(_) => open(&disk).await,
            };
            disk.mend();
            append(&log, 0, "push").await;
            end(&disk, log, End::PowerCut, way).await;
            let log = open(&disk).await;
            assert_eq!(log.head(), Position(1), "{effect:?} after {after} syncs, cut {way}");
            log.close().await;
        }
    }
}

/// The next process finds the commit in the page cache; the disk may not have it.
#[tokio::test]
async fn what_is_shown_after_a_kill_is_there_after_a_power_cut() {
    for way in 0..CUTS {
        let (_home, disk) = disk();
        let log = open(&disk).await;
        append(&log, 0, "first").await;
        disk.plan(Fault { operation: Operation::Sync, after: 0, effect: Effect::Kill, times: 1 });
        log.append(STORY, 1, batch("second")).await.expect_err("killed");
        end(&disk, log, End::Killed, way).await;
        let log = open(&disk).await;
        let again = append(&log, 1, "second").await;
        assert!(again.repeated, "a commit that was written before the kill is found");
        end(&disk, log, End::PowerCut, way).await;
        let log = open(&disk).await;
        assert_eq!(log.head(), again.last, "cut {way}");
        log.close().await;
    }
}

#[tokio::test]
async fn erased_words_come_back_by_no_power_cut() {
    for way in 0..CUTS {
        let (home, disk) = disk();
        let log = open(&disk).await;
        let appended = append(&log, 0, "push").await;
        log.erase(appended.first, Bytes::new()).await.expect("erased");
        end(&disk, log, End::PowerCut, way).await;
        assert_eq!(files_with(home.path(), b"the words of push"), Vec::<String>::new(), "cut {way}");
    }
}

fn files_with(folder: &Path, words: &[u8]) -> Vec<String> {
    let mut with = Vec::new();
    for entry in std::fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it is there").path();
        let bytes = std::fs::read(&path).expect("readable");
        if bytes.windows(words.len()).any(|window| window == words) {
            with.push(path.display().to_string());
        }
    }
    with
}
