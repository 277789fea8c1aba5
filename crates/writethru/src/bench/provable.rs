//! How long a record takes to stand under a signed head.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use log::{Batch, Command, EventLog, NewRecord, Position, StoryKey};
use notary::{Notary, Options};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::broken;
use super::report::times;
use super::stage::rate;
use super::timings::{Spread, Timings};
use crate::event_log;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::up::data_dir::Paths;

/// Bytes of an envelope: an update of a few sentences.
const ENVELOPE_BYTES: usize = 600;
/// Records whose head was not waited for yet.
const WAITING_MAX: usize = 1 << 16;
/// How long the last heads may take.
const CATCH_UP_MAX: Duration = Duration::from_mins(1);

/// What a run came to.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Provable {
    writers: usize,
    /// Records appended in a second while the notary signed.
    per_s: f64,
    /// From the append to the signed head over it, as a reader sees it.
    after: Spread,
}

impl Provable {
    /// Returns it as people read it.
    pub(super) fn line(&self) -> String {
        format!("append→signed head {:>9.0}/s, {} writers  {}", self.per_s, self.writers, times(&self.after))
    }
}

/// Lets `writers` append records for `duration`, with `pause` between two of one writer.
///
/// # Errors
/// The folder cannot be written, or the notary signs nothing.
pub(super) async fn measure(
    folder: &Path,
    writers: usize,
    (duration, pause): (Duration, Duration),
) -> Result<Provable, Failure> {
    std::fs::create_dir_all(folder).map_err(|error| broken("cannot make a folder", &error))?;
    let paths = Paths::new(folder);
    let log = event_log::open_or_create(&paths).await?;
    let options = Options {
        tiles: paths.tlog(),
        heads: paths.notary(),
        key: paths.notary_key(),
        name: "bench.invalid".to_owned(),
        witnesses: Vec::new(),
    };
    let notary = Notary::new(log.clone(), options).map_err(|error| broken("no notary", &error))?;
    let (mut heads, shutdown) = (notary.reader().follow(), CancellationToken::new());
    let signing = tokio::spawn(notary.run(shutdown.clone()));
    let (begun, mut waiting) = mpsc::channel::<(Position, Instant)>(WAITING_MAX);
    let timing = tokio::spawn(async move {
        let (mut timings, mut count) = (Timings::default(), 0_u64);
        while let Some((position, at)) = waiting.recv().await {
            if heads.wait_for(|head| head.size() >= position.0).await.is_err() {
                break;
            }
            timings.add(at.elapsed());
            count += 1;
        }
        (timings.spread(), count)
    });
    let began = Instant::now();
    let writing: Vec<_> = (0..writers)
        .map(|writer| tokio::spawn(write(log.clone(), writer, (duration, pause), begun.clone())))
        .collect();
    drop(begun);
    for writer in writing {
        writer.await.map_err(|error| broken("a writer was cut off", &error))??;
    }
    let elapsed = began.elapsed().as_secs_f64();
    let late = || Failure::new(Exit::Failure, "bench", "not every record was signed");
    let timed = tokio::time::timeout(CATCH_UP_MAX, timing).await.map_err(|_| late())?;
    let (after, count) = timed.map_err(|error| late().because(&error))?;
    shutdown.cancel();
    signing.await.map_err(|error| broken("the notary was cut off", &error))?;
    log.close().await;
    Ok(Provable { writers, per_s: rate(count, elapsed), after })
}

async fn write(
    log: EventLog,
    writer: usize,
    (duration, pause): (Duration, Duration),
    begun: mpsc::Sender<(Position, Instant)>,
) -> Result<(), Failure> {
    let (end, mut revision) = (Instant::now() + duration, 0);
    let mut story = [0; 16];
    story[..8].copy_from_slice(&(writer as u64).to_be_bytes());
    while Instant::now() < end {
        let filler = "x".repeat(ENVELOPE_BYTES);
        let envelope = Bytes::from(format!(r#"{{"w":{writer},"r":{revision},"f":"{filler}"}}"#));
        let record = NewRecord { envelope, disclosures: Bytes::new() };
        let command = Command(Bytes::from(revision.to_string()));
        let at = Instant::now();
        let batch = Batch { command, records: vec![record] };
        let appended = log.append(StoryKey(story), revision, batch).await;
        let appended = appended.map_err(|error| broken("an append failed", &error))?;
        // Nobody takes it any more once the notary has failed: that is said at the end.
        let _ = begun.send((appended.last, at)).await;
        revision += 1;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}
