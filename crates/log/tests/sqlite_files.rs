//! The files of a SQLite log: who may open them, what damage is found, what erasure leaves.

#[path = "support/file.rs"]
mod file;
mod support;

use std::path::Path;
use std::process::Command as Process;

use bytes::Bytes;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::task::JoinSet;
use writethru_log::{
    AppendError, Batch, CheckError, Checked, Command, Epoch, EraseError, EventLog, NewRecord, OpenError,
    Options, Position,
};

use self::file::open;
use self::support::{batch, read_all, story};

fn directory() -> TempDir {
    TempDir::new().expect("a directory")
}

fn reading() -> Options {
    Options { new_epoch: Epoch(0), create: false, read_only: true }
}

async fn check(log: &EventLog) -> Result<Checked, CheckError> {
    log.check(|_, _| {}).await
}

/// A closed log of three stories with batches of one to three records, 60 records in all.
async fn written(path: &Path) {
    let log = open(path).await;
    for round in 0..10 {
        for number in 0..3 {
            let records = usize::try_from(number).expect("small") + 1;
            let given = batch(&format!("round {round}"), records);
            log.append(story(number), round * records as u64, given).await.expect("stored");
        }
    }
    log.close().await;
}

#[tokio::test]
async fn a_second_writer_is_refused_until_the_first_has_closed() {
    let home = directory();
    let path = home.path().join("log.db");
    let first = open(&path).await;
    let options = Options { new_epoch: Epoch(9), create: true, read_only: false };
    let refused = EventLog::open(&path, options.clone()).await;
    assert!(matches!(refused, Err(OpenError::InUse { .. })), "got {refused:?}");
    first.close().await;
    EventLog::open(&path, options).await.expect("opens").close().await;
}

#[tokio::test]
async fn the_epoch_is_the_one_drawn_at_creation() {
    let home = directory();
    let path = home.path().join("log.db");
    for drawn in [u64::MAX, 1, 2] {
        let options = Options { new_epoch: Epoch(drawn), create: true, read_only: false };
        let log = EventLog::open(&path, options).await.expect("opens");
        assert_eq!(log.epoch(), Epoch(u64::MAX));
        log.close().await;
    }
}

#[tokio::test]
async fn a_log_that_may_not_be_created_is_not() {
    let home = directory();
    let path = home.path().join("log.db");
    for read_only in [false, true] {
        let options = Options { new_epoch: Epoch(1), create: false, read_only };
        let refused = EventLog::open(&path, options).await;
        assert!(matches!(refused, Err(OpenError::Io { .. })), "got {refused:?}");
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn a_file_that_is_no_log_is_refused_and_left_as_it_is() {
    let home = directory();
    let text = home.path().join("text.db");
    std::fs::write(&text, "Not a database, but long enough to have been one: ".repeat(40)).expect("written");
    let other = home.path().join("other.db");
    Connection::open(&other).expect("opens").execute_batch("CREATE TABLE t(x)").expect("created");
    let later = home.path().join("later.db");
    open(&later).await.close().await;
    let database = Connection::open(&later).expect("opens");
    database.execute_batch("UPDATE meta SET value = '2' WHERE name = 'format'").expect("changed");
    drop(database);
    for path in [text, other, later] {
        let before = std::fs::read(&path).expect("readable");
        for read_only in [false, true] {
            let options = Options { new_epoch: Epoch(1), create: true, read_only };
            let refused = EventLog::open(&path, options).await;
            assert!(matches!(refused, Err(OpenError::Foreign { .. })), "{}: {refused:?}", path.display());
        }
        assert_eq!(std::fs::read(&path).expect("readable"), before);
    }
}

#[tokio::test]
async fn a_reading_handle_follows_the_writing_one() {
    let home = directory();
    let path = home.path().join("log.db");
    let writer = open(&path).await;
    writer.append(story(1), 0, batch("before", 2)).await.expect("stored");
    let reader = EventLog::open(&path, reading()).await.expect("opens");
    assert_eq!(reader.epoch(), writer.epoch());
    let refused = reader.append(story(1), 2, batch("refused", 1)).await;
    assert!(matches!(refused, Err(AppendError::Unavailable { .. })), "got {refused:?}");
    let refused = reader.erase(Position(1), Bytes::new()).await;
    assert!(matches!(refused, Err(EraseError::OutcomeUnknown { .. })), "got {refused:?}");
    let mut tail = reader.tail(Position(1));
    let mut seen = tail.next_batch().await.expect("readable");
    for number in 0..20 {
        let given = batch(&number.to_string(), 1);
        writer.append(story(1), 2 + number, given.clone()).await.expect("stored");
        while seen.len() < usize::try_from(number).expect("small") + 3 {
            seen.extend(tail.next_batch().await.expect("readable"));
        }
        let found = reader.find_command(story(1), &given.command).await.expect("looked up");
        assert_eq!(found.map(|found| found.revision), Some(number + 3));
    }
    assert_eq!(seen, read_all(&writer).await);
    assert_eq!(reader.read_story(story(1), 1, 100).await.expect("readable"), seen);
    assert_eq!(check(&reader).await.expect("whole").records, 22);
    reader.close().await;
    assert!(tail.next_batch().await.is_err());
    writer.close().await;
}

#[tokio::test]
async fn an_index_that_is_gone_or_damaged_or_ahead_is_built_again() {
    let home = directory();
    let (path, index) = (home.path().join("log.db"), home.path().join("log.db.index"));
    written(&path).await;
    let spoilt: [&dyn Fn(); 4] = [
        &|| std::fs::remove_file(&index).expect("removed"),
        &|| std::fs::write(&index, "no index").expect("written"),
        &|| std::fs::write(&index, "").expect("written"),
        &|| {
            let database = Connection::open(&index).expect("opens");
            database.execute_batch("UPDATE checkpoint SET position = 1000").expect("changed");
        },
    ];
    for spoil in spoilt {
        spoil();
        let reader = EventLog::open(&path, reading()).await.expect("opens");
        assert_eq!(reader.read_story(story(2), 1, 100).await.expect("readable").len(), 30);
        reader.close().await;
        let log = open(&path).await;
        let whole = Checked { records: 60, batches: 30, stories: 3 };
        assert_eq!(check(&log).await.expect("whole"), whole);
        let repeated = log.append(story(2), 0, batch("round 4", 3)).await.expect("answered");
        assert_eq!((repeated.repeated, repeated.revision), (true, 15));
        log.close().await;
    }
}

#[tokio::test]
async fn a_check_counts_what_it_found_whole() {
    let home = directory();
    let path = home.path().join("log.db");
    written(&path).await;
    let log = open(&path).await;
    // Some batches are in the index's file, one is not yet.
    log.append(story(9), 0, batch("new", 2)).await.expect("stored");
    log.erase(Position(5), Bytes::new()).await.expect("erased");
    let (told, steps) = std::sync::mpsc::sync_channel(100);
    let checked = log.check(move |at, head| told.send((at, head)).expect("received")).await.expect("whole");
    assert_eq!(checked, Checked { records: 62, batches: 31, stories: 4 });
    assert_eq!(steps.iter().last(), Some((Position(62), Position(62))));
    log.close().await;
}

/// Changes the closed log by `sql` and returns what a check then says.
async fn checked_after(sql: &str) -> Result<Checked, CheckError> {
    let home = directory();
    let path = home.path().join("log.db");
    written(&path).await;
    let file = if sql.contains("records WHERE") || sql.contains("UPDATE records") {
        path.clone()
    } else {
        home.path().join("log.db.index")
    };
    let changed = Connection::open(file).expect("opens").execute(sql, []).expect("changes");
    assert_ne!(changed, 0, "{sql} changes something");
    let log = open(&path).await;
    let checked = check(&log).await;
    log.close().await;
    checked
}

#[tokio::test]
async fn a_check_names_the_first_position_that_is_damaged() {
    for (sql, at) in [
        ("DELETE FROM records WHERE position = 17", 17),
        ("UPDATE records SET body = (SELECT body FROM records WHERE position = 2) WHERE position = 31", 31),
        ("UPDATE records SET body = substr(body, 1, length(body) - 1) WHERE position = 44", 44),
        ("UPDATE records SET body = 'text' WHERE position IN (50, 1)", 1),
    ] {
        let checked = checked_after(sql).await;
        let Err(CheckError::Damaged { position, .. }) = checked else {
            panic!("{sql}: expected damage, got {checked:?}")
        };
        assert_eq!(position, Position(at), "{sql}");
    }
}

#[tokio::test]
async fn a_check_finds_an_index_that_disagrees() {
    for sql in [
        "DELETE FROM batches WHERE first = 4",
        "DELETE FROM commands WHERE command = CAST('round 3' AS BLOB)",
        "UPDATE batches SET first = first + 1 WHERE first = 4",
        "INSERT INTO commands VALUES (x'00', x'00', 1)",
        "INSERT INTO batches VALUES (x'00', 1, 1, 1)",
    ] {
        let checked = checked_after(sql).await;
        assert!(matches!(checked, Err(CheckError::Index { .. })), "{sql}: got {checked:?}");
    }
}

#[tokio::test]
async fn a_flipped_bit_in_the_file_is_found_wherever_a_record_lies() {
    let home = directory();
    let path = home.path().join("log.db");
    written(&path).await;
    let whole = std::fs::read(&path).expect("readable");
    let envelope = b"{\"envelope\":\"round 5/1\"}";
    let at = whole.windows(envelope.len()).position(|window| window == envelope).expect("it is there");
    // From the record's header to its last byte.
    for offset in (at - 48..at + 50).step_by(3) {
        let mut damaged = whole.clone();
        damaged[offset] ^= 1 << (offset % 8);
        std::fs::write(&path, damaged).expect("written");
        let log = match EventLog::open(&path, reading()).await {
            Ok(log) => log,
            Err(OpenError::Damaged { .. }) => continue,
            Err(error) => panic!("byte {offset}: {error}"),
        };
        let checked = check(&log).await;
        assert!(matches!(checked, Err(CheckError::Damaged { .. })), "byte {offset}: got {checked:?}");
        log.close().await;
    }
}

#[tokio::test]
async fn reading_a_damaged_record_says_so_and_spares_the_others() {
    let home = directory();
    let path = home.path().join("log.db");
    written(&path).await;
    let database = Connection::open(&path).expect("opens");
    database.execute_batch("UPDATE records SET body = zeroblob(90) WHERE position = 17").expect("changed");
    drop(database);
    let log = open(&path).await;
    let damaged = log.read(Position(10), 20).await;
    let Err(writethru_log::ReadError::Damaged { position, .. }) = damaged else {
        panic!("expected damage, got {damaged:?}")
    };
    assert_eq!(position, Position(17));
    assert_eq!(log.read(Position(10), 7).await.expect("readable").len(), 7);
    assert_eq!(log.read(Position(18), 50).await.expect("readable").len(), 43);
    log.close().await;
}

/// Returns a batch of one record that discloses `text`; its command does not.
fn with_text(number: u64, text: &str) -> Batch {
    let disclosures = Bytes::copy_from_slice(text.as_bytes());
    let record = NewRecord { envelope: Bytes::from_static(b"{}"), disclosures };
    Batch { command: Command(number.to_string().into()), records: vec![record] }
}

/// Returns the files in `home` that hold `words`. Another process looks: closing a file of this
/// one would let go of SQLite's locks on it.
fn files_with(home: &Path, words: &str) -> String {
    let found = Process::new("grep").args(["-rlaF", words]).arg(home).output().expect("grep runs");
    String::from_utf8_lossy(&found.stdout).into_owned()
}

#[tokio::test]
async fn erased_words_are_in_no_file() {
    let home = directory();
    let path = home.path().join("log.db");
    let log = open(&path).await;
    // Short ones share pages with neighbours, long ones fill pages of their own.
    let lengths = [1, 40, 900, 5_000, 16_000, 40_000, 300_000];
    let mut canaries = Vec::new();
    for (number, length) in (0..).zip(lengths) {
        for copy in 0..6 {
            let canary = format!("canary-{number}-{copy};");
            let text = canary.repeat(length / canary.len() + 1);
            let appended = log.append(story(number), copy, with_text(copy, &text)).await.expect("stored");
            canaries.push((appended.first, canary, text));
        }
    }
    for (_, canary, _) in &canaries {
        assert_ne!(files_with(home.path(), canary), "", "{canary} was written");
    }
    for (at, (position, canary, text)) in canaries.iter().enumerate() {
        // Some keep something, some get longer: a page may be given up then.
        let remaining = match at % 3 {
            0 => "k".repeat(text.len() / 2),
            1 => "k".repeat(text.len() * 2 + 600),
            _ => String::new(),
        };
        log.erase(*position, Bytes::from(remaining)).await.expect("erased");
        assert_eq!(files_with(home.path(), canary), "");
    }
    for (_, canary, _) in &canaries {
        assert_eq!(files_with(home.path(), canary), "");
    }
    log.close().await;
    let log = open(&path).await;
    assert_eq!(check(&log).await.expect("whole").records, 42);
    for (_, canary, _) in &canaries {
        assert_eq!(files_with(home.path(), canary), "");
    }
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_erased_while_readers_and_writers_run() {
    let home = directory();
    let log = open(&home.path().join("log.db")).await;
    log.append(story(1), 0, with_text(0, "canary-of-the-first;")).await.expect("stored");
    let mut running = JoinSet::new();
    for number in 2..6 {
        let log = log.clone();
        running.spawn(async move {
            for round in 0..40 {
                log.append(story(number), round, batch(&round.to_string(), 1)).await.expect("stored");
                log.read_story(story(1), 1, 1).await.expect("readable");
                read_all(&log).await;
            }
        });
    }
    log.erase(Position(1), Bytes::new()).await.expect("erased");
    assert_eq!(files_with(home.path(), "canary-of-the-first;"), "");
    running.join_all().await;
    assert_eq!(files_with(home.path(), "canary-of-the-first;"), "");
    log.close().await;
}

#[tokio::test]
async fn an_erasure_that_a_reader_holds_up_is_not_acknowledged_and_can_be_repeated() {
    let home = directory();
    let path = home.path().join("log.db");
    let log = open(&path).await;
    log.append(story(1), 0, with_text(0, "canary-held;")).await.expect("stored");
    let holder = Connection::open(&path).expect("opens");
    holder.execute_batch("BEGIN; SELECT count(*) FROM records;").expect("reads");
    let held = log.erase(Position(1), Bytes::new()).await;
    assert!(matches!(held, Err(EraseError::OutcomeUnknown { .. })), "got {held:?}");
    holder.execute_batch("COMMIT").expect("ends");
    log.erase(Position(1), Bytes::new()).await.expect("erased");
    assert_eq!(files_with(home.path(), "canary-held;"), "");
    log.close().await;
}
