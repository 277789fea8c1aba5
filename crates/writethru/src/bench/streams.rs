//! Live streams: many readers of one service, which all get every change.
//!
//! The service is a process of its own, so that its memory is told apart from the readers'. The next
//! change is filed when every reader has had the one before, so that what is measured is how fast one
//! change reaches all.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

use super::report::{mib, times};
use super::service::Service;
use super::stage::{Memory, rate};
use super::timings::{Spread, Timings};
use super::{broken, load};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;
use crate::up::files;

/// How long a change may take to reach every reader.
const ARRIVAL_MAX: Duration = Duration::from_mins(1);
/// Readers that connect at once.
const CONNECTING: usize = 64;
/// Changes that are filed before it counts.
const WARM_UP: usize = 3;
/// What a change begins with in a stream of server-sent events; control events begin with their name.
const CHANGE: &[u8] = b"id: ";

/// What was measured. `--json` prints it as it is.
#[derive(Debug, Serialize)]
pub(crate) struct StreamsReport {
    version: &'static str,
    cores: usize,
    seconds_per_measurement: f64,
    runs: Vec<Run>,
}

/// One number of readers.
#[derive(Debug, Serialize)]
struct Run {
    readers: usize,
    /// Changes that every reader got.
    changes: usize,
    /// Bytes of one, as it is sent.
    change_bytes: usize,
    deliveries_per_s: f64,
    /// From a push to each reader.
    push_to_receipt: Spread,
    /// From a push to the last reader.
    push_to_last: Spread,
    /// The service before the readers came.
    memory_before: Option<Memory>,
    /// The service at the end, readers still there.
    memory: Option<Memory>,
}

/// Measures each number of `readers` for `duration`, in a folder under `dir`.
///
/// # Errors
/// The service does not start, or a change does not reach every reader.
pub(crate) async fn measure(
    readers: &[usize],
    duration: Duration,
    dir: &Path,
) -> Result<StreamsReport, Failure> {
    let allowed = files::raise_limit();
    let mut runs = Vec::new();
    for readers in readers.iter().copied() {
        if allowed < readers as u64 + 64 {
            let why = format!("{readers} readers need as many open files, and {allowed} are allowed");
            return Err(Failure::new(Exit::Unavailable, "bench", why).next("raise it: ulimit -n"));
        }
        say(format_args!("{readers} readers"));
        let folder = tempfile::Builder::new().prefix("writethru-bench-").tempdir_in(dir);
        let folder = folder.map_err(|error| broken("the folder cannot be written", &error))?;
        let service = Followed(Service::start(folder.path()).await?);
        runs.push(service.run(readers, duration).await?);
    }
    Ok(StreamsReport {
        version: env!("CARGO_PKG_VERSION"),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        seconds_per_measurement: duration.as_secs_f64(),
        runs,
    })
}

impl StreamsReport {
    /// Returns the report as people read it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for run in &self.runs {
            lines.push(format!("{} readers, {} bytes a change", run.readers, run.change_bytes));
            lines.push(format!(
                "  deliveries       {:>9.0}/s  push→receipt {}; push→last {}",
                run.deliveries_per_s,
                times(&run.push_to_receipt),
                times(&run.push_to_last)
            ));
            if let (Some(before), Some(after)) = (run.memory_before, run.memory) {
                let each =
                    after.resident_bytes.saturating_sub(before.resident_bytes) / (run.readers as u64 * 1024);
                lines.push(format!(
                    "  memory           {} MiB without readers, {} MiB with them: {each} KiB a reader",
                    mib(before.resident_bytes),
                    mib(after.resident_bytes)
                ));
            }
        }
        lines
    }
}

/// A service whose changes are counted at many readers.
struct Followed(Service);

impl Followed {
    /// Lets `readers` follow everything and files changes for `duration`; the service is gone then.
    async fn run(mut self, readers: usize, duration: Duration) -> Result<Run, Failure> {
        self.push(0).await?;
        let memory_before = self.0.memory();
        let round = Arc::new(Round::new(readers));
        let mut following = self.connect(&round).await?;
        let mut last = Timings::default();
        let (mut changes, mut counted) = (0, Instant::now());
        while changes <= WARM_UP || counted.elapsed() < duration {
            if changes == WARM_UP {
                counted = Instant::now();
            }
            changes += 1;
            let began = round.begin();
            self.push(changes).await?;
            let all = tokio::time::timeout(ARRIVAL_MAX, round.all.notified()).await;
            all.map_err(|_| silent("a change has not reached every reader"))?;
            if changes > WARM_UP {
                last.add(began.elapsed());
            }
        }
        let elapsed = counted.elapsed();
        let memory = self.0.memory();
        // Its end is the end of every stream.
        self.0.kill().await?;
        let (mut receipts, mut change_bytes) = (Timings::default(), 0);
        while let Some(ended) = following.join_next().await {
            let reader = ended.map_err(|error| broken("a reader has failed", &error))?;
            receipts.extend(reader.timings);
            change_bytes = reader.bytes / changes;
        }
        let push_to_receipt = receipts.spread();
        Ok(Run {
            readers,
            changes: changes - WARM_UP,
            change_bytes,
            deliveries_per_s: rate(push_to_receipt.count as u64, elapsed.as_secs_f64()),
            push_to_receipt,
            push_to_last: last.spread(),
            memory_before,
            memory,
        })
    }

    async fn push(&self, number: usize) -> Result<(), Failure> {
        self.0.push("bench", load::text(number)).await
    }

    /// Returns readers that follow everything, each as far as there is anything.
    async fn connect(&self, round: &Arc<Round>) -> Result<JoinSet<Reader>, Failure> {
        let (mut connecting, mut following) = (JoinSet::new(), JoinSet::new());
        for started in 0..round.readers {
            if started >= CONNECTING
                && let Some(connected) = connecting.join_next().await
            {
                following.spawn(connected_reader(connected)?.follow(Arc::clone(round)));
            }
            connecting.spawn(Reader::connect(self.0.address.clone()));
        }
        while let Some(connected) = connecting.join_next().await {
            following.spawn(connected_reader(connected)?.follow(Arc::clone(round)));
        }
        Ok(following)
    }
}

fn connected_reader(connected: Result<io::Result<Reader>, JoinError>) -> Result<Reader, Failure> {
    let connected = connected.map_err(|error| broken("a reader has failed", &error))?;
    connected.map_err(|error| broken("a reader cannot connect", &error))
}

/// What readers and the writer share: when each change was pushed, and how often changes have arrived.
struct Round {
    readers: usize,
    began: RwLock<Vec<Instant>>,
    arrived: AtomicUsize,
    all: Notify,
}

impl Round {
    fn new(readers: usize) -> Self {
        Self { readers, began: RwLock::default(), arrived: AtomicUsize::new(0), all: Notify::new() }
    }

    /// Notes that a change is pushed now.
    fn begin(&self) -> Instant {
        let began = Instant::now();
        self.began.write().unwrap_or_else(PoisonError::into_inner).push(began);
        began
    }

    /// Notes that a reader has its change `number`, from 0; returns how long that took.
    fn arrived(&self, number: usize) -> Option<Duration> {
        let began = *self.began.read().unwrap_or_else(PoisonError::into_inner).get(number)?;
        let took = began.elapsed();
        if (self.arrived.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(self.readers) {
            self.all.notify_one();
        }
        Some(took)
    }
}

/// One reader.
struct Reader {
    stream: TcpStream,
    waiting: Vec<u8>,
    /// Bytes of the changes that it has had.
    bytes: usize,
    timings: Timings,
}

impl Reader {
    /// Asks for everything from now on, over HTTP/1.0: what comes then are events and nothing else.
    async fn connect(address: String) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let mut reader = Self { stream, waiting: Vec::new(), bytes: 0, timings: Timings::default() };
        reader.stream.write_all(b"GET /v1/events HTTP/1.0\r\nHost: bench\r\n\r\n").await?;
        // It has begun to follow when it is told that it has everything so far.
        while !reader.frame().await?.starts_with(b"event: up-to-date") {}
        Ok(reader)
    }

    /// Returns what comes up to an empty line.
    async fn frame(&mut self) -> io::Result<Vec<u8>> {
        let mut looked = 0;
        loop {
            let found = self.waiting[looked..].windows(2).position(|window| window == b"\n\n");
            if let Some(end) = found {
                let rest = self.waiting.split_off(looked + end + 2);
                return Ok(std::mem::replace(&mut self.waiting, rest));
            }
            looked = self.waiting.len().saturating_sub(1);
            if self.stream.read_buf(&mut self.waiting).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Takes changes until the service is gone.
    async fn follow(mut self, round: Arc<Round>) -> Self {
        let mut changes = 0;
        while let Ok(frame) = self.frame().await {
            if !frame.starts_with(CHANGE) {
                continue;
            }
            self.bytes += frame.len();
            if let Some(took) = round.arrived(changes)
                && changes >= WARM_UP
            {
                self.timings.add(took);
            }
            changes += 1;
        }
        self
    }
}

fn silent(what: &'static str) -> Failure {
    Failure::new(Exit::Failure, "bench", what)
}
