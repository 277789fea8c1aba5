//! The task that keeps the views up with the log.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use log::{EventLog, Position, Record, Tail};
use story::StoryId;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::fold::{Advance, Fold, FoldError};
use crate::rebuild::{Progress, RebuildError, Rebuilt, build_beside, compared, put_in_place};
use crate::redacted::{self, Again, together};
use crate::spread::{self, Waiting};
use crate::step::Step;
use crate::traced::Traced;
use crate::views::{ChangeRow, OpenViewsError, ParkedStory, Pool, Recent, Rows, Views, Writer};

/// Most records in one transaction of the views.
const COMMIT_RECORDS_MAX: usize = 256;
/// How long the projector waits after the disk or the log has failed it.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Why the projector could not start.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    /// The views cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenViewsError),
    /// The views cannot be read.
    #[error("cannot read the views' checkpoint")]
    Checkpoint(#[from] rusqlite::Error),
}

/// A handle that asks a running projector to build its views again.
#[derive(Debug, Clone)]
pub struct Control {
    orders: mpsc::Sender<Order>,
}

#[derive(Debug)]
struct Order {
    progress: Progress,
    answer: oneshot::Sender<Result<Rebuilt, RebuildError>>,
}

impl Control {
    /// Builds the views again from the log, beside the live ones, compares both and puts the new
    /// ones in place. Reads go on meanwhile; new changes wait for the exchange.
    ///
    /// # Errors
    /// [`RebuildError`]; the live views are as they were.
    pub async fn rebuild(&self, progress: Progress) -> Result<Rebuilt, RebuildError> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(Order { progress, answer }).await.map_err(|_| RebuildError::Stopped)?;
        answered.await.map_err(|_| RebuildError::Stopped)?
    }
}

/// Follows the log and writes the views; its [`Projector::run`] is the only writer.
#[derive(Debug)]
pub struct Projector {
    log: EventLog,
    /// `None` only while a rebuild has failed to open the views again.
    work: Option<Work>,
    pool: Arc<Pool>,
    recent: Arc<Recent>,
    position: watch::Sender<Position>,
    orders: mpsc::Receiver<Order>,
}

impl Projector {
    /// Opens the views at `path`, making them if they are missing, and returns the task, a reader
    /// and a control. Views of another log or format are deleted first: the log has everything.
    ///
    /// # Errors
    /// [`ProjectorError`].
    pub fn open(log: EventLog, path: &Path) -> Result<(Self, Views, Control), ProjectorError> {
        let writer = match Writer::open(path, log.epoch()) {
            Err(OpenViewsError::OtherLog { .. }) => {
                warn!(views.path = %path.display(), "Views belong to another log or format: building them again");
                remove(path);
                Writer::open(path, log.epoch())?
            }
            other => other?,
        };
        let mut writer = writer;
        let mut reached = writer.position()?;
        if reached > log.head() {
            // The log was put back to an earlier state: what the views say beyond it never was.
            warn!(
                log.head = log.head().0,
                views.position = reached.0,
                "Views are ahead of the log: building them again"
            );
            drop(writer);
            remove(path);
            writer = Writer::open(path, log.epoch())?;
            reached = Position::ZERO;
        }
        let pool = Arc::new(Pool::new(path.to_owned()));
        let (position, follow) = watch::channel(reached);
        let (sender, orders) = mpsc::channel(1);
        let recent = Arc::new(Recent::new(reached));
        let views = Views::new(Arc::clone(&pool), follow, Arc::clone(&recent));
        let work = Some(Work { fold: Fold::new(log.clone()), writer });
        let projector = Self { log, work, pool, recent, position, orders };
        Ok((projector, views, Control { orders: sender }))
    }

    /// Follows the log until `shutdown`; every failure is tried again, none is passed over.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut tail = self.log.tail(self.position.borrow().next());
        loop {
            let failed = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                // Cancel-safe: an order is taken whole or stays in the channel.
                Some(order) = self.orders.recv() => { self.rebuild(order).await; false }
                // Cancel-safe: the tail passes a record only when it has returned it.
                batch = tail.next_batch() => self.follow(batch, &mut tail).await,
            };
            if failed {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(RETRY_PAUSE) => {}
                }
            }
        }
    }

    /// Projects `batch`; returns whether it must be tried again after a pause.
    async fn follow(&mut self, batch: Result<Vec<Record>, log::ReadError>, tail: &mut Tail) -> bool {
        let records = match batch {
            Ok(records) => records,
            Err(problem) => {
                error!(error = %problem, "Cannot read the event log: the views stand still");
                return true;
            }
        };
        let mut rest = records;
        while !rest.is_empty() {
            let later = rest.split_off(together(&rest, COMMIT_RECORDS_MAX));
            let part = std::mem::replace(&mut rest, later);
            if let Err(problem) = self.advance(part).await {
                error!(error = %problem, "Cannot write the views: they stand still");
                *tail = self.log.tail(self.position.borrow().next());
                return true;
            }
        }
        false
    }

    /// Commits what `records` make, and then tells those who follow.
    async fn advance(&mut self, records: Vec<Record>) -> Result<(), AdvanceError> {
        let Some(last) = records.last().map(|record| record.position) else { return Ok(()) };
        let count = records.len() as u64;
        let work = self.work.take().ok_or(AdvanceError::NoWriter)?;
        let traced = Traced::begin(&records);
        let (work, outcome) = work.project(records).await;
        self.work = Some(work);
        let changes = outcome?;
        traced.projected(&changes);
        self.recent.add(changes);
        self.position.send_replace(last);
        metrics::counter!("writethru_projector_records_total").increment(count);
        Ok(())
    }

    async fn rebuild(&mut self, order: Order) {
        let Order { mut progress, answer } = order;
        let path = self.pool.path().to_owned();
        let upto = *self.position.borrow();
        let built = build_beside(&self.log, &path, upto, &mut progress).await;
        let outcome = built.and_then(|beside| self.exchange(&path, beside));
        if let Ok(rebuilt) = &outcome {
            info!(views.position = upto.0, views.equal = rebuilt.is_equal(), "Built the views again");
        }
        // No one waits for the answer any more: the views are built all the same.
        let _ = answer.send(outcome);
    }

    /// Compares the views at `path` with those built `beside`, and puts the latter in place.
    fn exchange(&mut self, path: &Path, beside: (PathBuf, Writer)) -> Result<Rebuilt, RebuildError> {
        let Work { fold, writer: live } = self.work.take().ok_or(RebuildError::Stopped)?;
        let position = *self.position.borrow();
        let rebuilt = match compared(live.connection(), beside.1.connection(), position) {
            Ok(rebuilt) => rebuilt,
            Err(problem) => {
                self.work = Some(Work { fold, writer: live });
                return Err(problem.into());
            }
        };
        let epoch = self.log.epoch();
        let (put, writer) = self.pool.exchanged(|| put_in_place(path, epoch, beside, live));
        self.work = writer.map(|writer| Work { fold, writer });
        put.map(|()| rebuilt)
    }
}

/// Why a batch was not projected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdvanceError {
    #[error("cannot write the views")]
    Write(#[from] rusqlite::Error),
    #[error("cannot read the event log")]
    Log(#[from] log::ReadError),
    #[error("the views are closed")]
    NoWriter,
}

/// The stories as folded so far, and the views they are written to.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) fold: Fold,
    pub(crate) writer: Writer,
}

impl Work {
    /// Writes what `records` make, in one transaction with the checkpoint, on a thread that may
    /// block.
    ///
    /// A record that hides words comes alone: see [`together`].
    ///
    /// Returns the public changes among them. A record that does not fit its story parks the story;
    /// the others go on. After an error the
    /// views are as they were, and what memory held of the stories concerned is forgotten.
    pub(crate) async fn project(
        mut self,
        records: Vec<Record>,
    ) -> (Self, Result<Vec<ChangeRow>, AdvanceError>) {
        let (illegal, again) = match self.prepare(&records).await {
            Ok(prepared) => prepared,
            Err(problem) => return (self, Err(problem)),
        };
        let work = move || {
            let outcome = match again {
                Some(again) => redacted::write(&mut self, &records[0], *again),
                None => write(&mut self, &records, &illegal),
            };
            if outcome.is_err() {
                for record in &records {
                    self.fold.forget(StoryId::from_bytes(record.story.0));
                }
            }
            (self, outcome)
        };
        // Where the runtime has other threads, this one may block: going to one that sleeps takes a
        // good part of the time that a small batch does.
        if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
            return tokio::task::block_in_place(work);
        }
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(problem) => std::panic::resume_unwind(problem.into_panic()),
        }
    }

    /// Brings every story of `records` to just before its first record there; returns those whose
    /// history does not fit. A story whose words are hidden is folded anew.
    async fn prepare(&mut self, records: &[Record]) -> Result<Prepared, AdvanceError> {
        let (mut seen, mut illegal) = (HashSet::new(), Vec::new());
        if let [record] = records
            && redacted::hides(record)
        {
            return match Again::of(&self.fold, record).await {
                Ok(again) => Ok((illegal, Some(Box::new(again)))),
                Err(FoldError::Illegal { problem }) => Ok((vec![parked(record, problem)], None)),
                Err(FoldError::Log(problem)) => Err(problem.into()),
            };
        }
        for record in records.iter().filter(|record| seen.insert(record.story)) {
            match self.fold.prepare(record).await {
                Ok(()) => {}
                Err(FoldError::Illegal { problem }) => illegal.push(parked(record, problem)),
                Err(FoldError::Log(problem)) => return Err(problem.into()),
            }
        }
        Ok((illegal, None))
    }
}

/// Stories whose history does not fit, and the one that is written anew, if one is.
type Prepared = (Vec<ParkedStory>, Option<Box<Again>>);

fn write(
    work: &mut Work,
    records: &[Record],
    illegal: &[ParkedStory],
) -> Result<Vec<ChangeRow>, AdvanceError> {
    let Some(last) = records.last() else { return Ok(Vec::new()) };
    let Work { fold, writer } = work;
    let mut changes = Vec::new();
    writer.commit(last.position, |rows| {
        for parked in illegal {
            rows.park(parked)?;
        }
        let mut advances = Vec::new();
        for (folded, advance) in spread::advance_all(stories(fold, rows, records)?, fold.epoch()) {
            fold.put(folded);
            if let Some(parked) = &advance.parked {
                park(rows, parked)?;
            }
            advances.push(advance);
        }
        let mut steps: Vec<(&Step, &Advance)> = advances
            .iter()
            .flat_map(|advance| advance.steps.iter().map(move |step| (step, advance)))
            .collect();
        steps.sort_unstable_by_key(|(step, _)| step.position);
        for (step, advance) in steps {
            rows.write(step)?;
            changes.extend(step.row(&advance.article));
        }
        for advance in &advances {
            // The line in the list is written once, however often the story changed.
            let Some(newest) = advance.steps.last() else { continue };
            let told = advance.steps.iter().rev().find(|step| step.change.is_some());
            rows.write_story(newest, told.map(|step| (step, &advance.article[..])))?;
        }
        Ok::<_, AdvanceError>(())
    })?;
    Ok(changes)
}

/// Takes the stories of `records` out of the fold, each with its records in order; leaves those that
/// are parked.
fn stories<'a>(
    fold: &mut Fold,
    rows: &Rows<'_>,
    records: &'a [Record],
) -> Result<Vec<Waiting<'a>>, AdvanceError> {
    let mut places = HashMap::new();
    let mut stories: Vec<Vec<&Record>> = Vec::new();
    for record in records {
        let place = *places.entry(record.story).or_insert(stories.len());
        if place == stories.len() {
            stories.push(Vec::new());
        }
        stories[place].push(record);
    }
    let mut waiting = Vec::with_capacity(stories.len());
    for records in stories {
        let story = StoryId::from_bytes(records[0].story.0);
        if rows.is_parked(story)? {
            continue;
        }
        match fold.take(records[0]) {
            Ok(folded) => waiting.push(Waiting { folded, records, carried: rows.carried(story)? }),
            Err(problem) => park(rows, &parked(records[0], problem.to_string()))?,
        }
    }
    Ok(waiting)
}

fn park(rows: &Rows<'_>, parked: &ParkedStory) -> rusqlite::Result<()> {
    let ParkedStory { story, position, problem } = parked;
    warn!(story.id = %story, log.position = position.0, problem,
        "Parked story {story}: its record at position {position} does not fit");
    rows.park(parked)
}

fn parked(record: &Record, problem: String) -> ParkedStory {
    ParkedStory { story: StoryId::from_bytes(record.story.0), position: record.position, problem }
}

/// Deletes the views at `path`.
pub(crate) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // A file that was not there is as good as one that is gone; any other failure shows when
        // the file is opened next.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}
