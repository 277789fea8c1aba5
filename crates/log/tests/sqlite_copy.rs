//! Copies of a SQLite log: taken while it is written, whole, and with a life of their own.

#[path = "support/file.rs"]
mod file;
mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;
use writethru_log::{Copied, Epoch, EventLog, OpenError, Options, Position, copy, renew};

use self::file::open;
use self::support::{batch, read_all, story};

fn directory() -> TempDir {
    TempDir::new().expect("a directory")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_taken_while_the_log_is_written_is_one_moment_of_it() {
    let home = directory();
    let (path, to) = (home.path().join("log.db"), home.path().join("copy.db"));
    let log = open(&path).await;
    // More than one step's worth, so that appends come between two steps.
    for number in 0..400 {
        let mut large = batch(&format!("large {number}"), 1);
        large.records[0].disclosures = vec![b'x'; 16 * 1024].into();
        log.append(story(number), 0, large).await.expect("stored");
    }
    let before = log.head();
    let done = std::sync::Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (log, done) = (log.clone(), std::sync::Arc::clone(&done));
        async move {
            let mut revision = 0;
            while !done.load(Ordering::Relaxed) {
                let given = batch(&format!("meanwhile {revision}"), 1);
                log.append(story(9_999), revision, given).await.expect("stored");
                revision += 1;
            }
        }
    });
    let (from, into) = (path.clone(), to.clone());
    let copied = tokio::task::spawn_blocking(move || {
        let mut told = Vec::new();
        let copied = copy(&from, &into, |copied, all| told.push((copied, all)));
        (copied.expect("a copy"), told)
    });
    let (copied, told) = copied.await.expect("no panic");
    done.store(true, Ordering::Relaxed);
    writer.await.expect("no panic");
    assert_eq!(copied.epoch, Epoch(7));
    assert!(copied.head >= before && copied.head <= log.head());
    assert!(told.len() > 1 && told.last().is_some_and(|(copied, all)| copied == all), "{told:?}");

    let taken = open(&to).await;
    taken.check(|_, _| {}).await.expect("a whole log");
    let wanted: Vec<_> =
        read_all(&log).await.into_iter().take_while(|record| record.position <= copied.head).collect();
    assert_eq!(read_all(&taken).await, wanted);
    taken.close().await;
    log.close().await;
}

#[tokio::test]
async fn a_copy_is_one_closed_file_and_goes_over_nothing() {
    let home = directory();
    let (path, to) = (home.path().join("log.db"), home.path().join("copy.db"));
    let log = open(&path).await;
    log.append(story(1), 0, batch("one", 3)).await.expect("stored");
    assert_eq!(copy(&path, &to, |_, _| {}).expect("a copy"), Copied { epoch: Epoch(7), head: Position(3) });
    for beside in ["copy.db-wal", "copy.db-shm"] {
        assert!(!home.path().join(beside).exists(), "{beside} is left");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&to).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "others can read it");
    }
    let kept = std::fs::read(&to).expect("readable");
    log.append(story(1), 3, batch("two", 1)).await.expect("stored");
    let refused = copy(&path, &to, |_, _| {});
    assert!(matches!(refused, Err(OpenError::Io { .. })), "got {refused:?}");
    assert_eq!(std::fs::read(&to).expect("readable"), kept);
    log.close().await;
}

#[tokio::test]
async fn a_renewed_log_has_another_epoch_and_every_record() {
    let home = directory();
    let path = home.path().join("log.db");
    let log = open(&path).await;
    log.append(story(1), 0, batch("one", 2)).await.expect("stored");
    let refused = renew(&path, Epoch(8));
    assert!(matches!(refused, Err(OpenError::InUse { .. })), "got {refused:?}");
    let records = read_all(&log).await;
    log.close().await;
    renew(&path, Epoch(8)).expect("renewed");
    let options = Options { new_epoch: Epoch(0), create: false, read_only: false };
    let log = EventLog::open(&path, options).await.expect("opens");
    assert_eq!((log.epoch(), read_all(&log).await), (Epoch(8), records));
    let repeated = log.append(story(1), 0, batch("one", 2)).await.expect("answered");
    assert!(repeated.repeated, "commands are known in every life");
    log.close().await;
}
