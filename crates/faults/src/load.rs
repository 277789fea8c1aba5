//! What is done to the log while it fails: appends, repeats, stale appends, reads, erasures.

use bytes::Bytes;
use log::{
    AppendError, Batch, Command, EraseError, EventLog, Pending, Position, ReadError, Record, StoryKey,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::dice::Dice;
use crate::ledger::{Erased, Invariant, Told, Violation, story, words};
use crate::plan::Fault;
use crate::run::{Run, chain};
use crate::verify::no_file_has_erased_words;

/// How much is appended in a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    stories: usize,
    /// Most appends at once.
    width: usize,
    steps: usize,
    bytes_max: usize,
}

impl Load {
    /// Most loads are small; some pass the bounds behind which the log checkpoints or writes its index.
    pub(crate) fn of(seed: u64, dice: &mut Dice) -> Self {
        match seed % 16 {
            3 => Self { stories: 6, width: 4, steps: 30, bytes_max: 300_000 },
            11 => Self { stories: 2_000, width: 400, steps: 30, bytes_max: 20 },
            _ => Self {
                stories: 1 + dice.size(12),
                width: 1 + dice.size(8),
                steps: 10 + dice.size(40),
                bytes_max: [10, 2_000, 30_000][dice.size(3)],
            },
        }
    }
}

/// Ends a reader.
#[derive(Debug)]
pub(crate) struct Stop(watch::Sender<bool>);

impl Stop {
    pub(crate) fn cancel(&self) {
        self.0.send_replace(true);
    }
}

/// Starts a reader behind the first `seen` records; it returns what it was shown until it is stopped.
pub(crate) fn follow(log: &EventLog, seen: usize) -> (JoinHandle<Vec<Record>>, Stop) {
    let mut tail = log.tail(Position(seen as u64 + 1));
    let (stop, mut stopped) = watch::channel(false);
    let reader = tokio::spawn(async move {
        let mut shown = Vec::new();
        loop {
            // Both are cancel-safe: a batch is passed once it was returned.
            tokio::select! {
                biased;
                _ = stopped.changed() => return shown,
                batch = tail.next_batch() => match batch {
                    Ok(batch) => shown.extend(batch),
                    Err(_) => tokio::task::yield_now().await,
                },
            }
        }
    });
    (reader, Stop(stop))
}

impl Run {
    /// Uses the log until the life ends by a fault or the load is done.
    pub(crate) async fn work(&mut self, log: &EventLog) -> Result<(), Violation> {
        if !self.dice.once_in(3) {
            let fault = Fault::ending(&mut self.dice);
            self.disk.plan(fault);
        }
        for _ in 0..self.load.steps {
            if self.dice.once_in(4) {
                let fault = Fault::passing(&mut self.dice);
                self.disk.plan(fault);
            }
            match self.dice.below(16) {
                0 => self.erase(log).await?,
                1 => self.repeat(log).await?,
                2 => self.come_late(log).await?,
                3 => self.read(log).await?,
                4 => self.heal(log).await?,
                _ => self.append(log).await?,
            }
            if self.over() {
                return Ok(());
            }
        }
        self.heal(log).await
    }

    fn over(&self) -> bool {
        self.disk.ended().is_some()
    }

    /// Appends to some stories at once.
    async fn append(&mut self, log: &EventLog) -> Result<(), Violation> {
        let width = 1 + self.dice.size(self.load.width);
        let first = self.dice.size(self.load.stories);
        let stories = (first..first + width.min(self.load.stories)).map(|at| story(at % self.load.stories));
        let stories: Vec<_> = stories.collect();
        self.append_to(log, &stories).await
    }

    async fn append_to(&mut self, log: &EventLog, stories: &[StoryKey]) -> Result<(), Violation> {
        let mut waiting: Vec<(Bytes, Result<Pending, AppendError>)> = Vec::new();
        for &story in stories {
            let (expected, batch) = self.ledger.next(story, self.load.bytes_max, &mut self.dice);
            let name = batch.command.0.clone();
            waiting.push((name, log.submit(story, expected, batch).await));
        }
        for (name, submitted) in waiting {
            let answer = match submitted {
                Ok(pending) => pending.acknowledged().await,
                Err(error) => Err(error),
            };
            let over = self.over();
            self.ledger.answered(&name, &answer, over)?;
        }
        Ok(())
    }

    /// Returns a batch that was acknowledged.
    fn acknowledged(&mut self) -> Option<(Bytes, Position, Position)> {
        if self.ledger.given.is_empty() {
            return None;
        }
        let name = Bytes::from(format!("c{}", self.dice.size(self.ledger.given.len())));
        match self.ledger.given[&name].told {
            Told::Acknowledged { first, last } => Some((name, first, last)),
            _ => None,
        }
    }

    /// Gives again what was acknowledged: it is answered as before.
    async fn repeat(&mut self, log: &EventLog) -> Result<(), Violation> {
        let Some((name, first, last)) = self.acknowledged() else { return Ok(()) };
        let given = &self.ledger.given[&name];
        let batch = Batch { command: Command(name.clone()), records: given.records.clone() };
        match log.append(given.story, given.expected, batch).await {
            Ok(again) if (again.first, again.last, again.repeated) == (first, last, true) => Ok(()),
            Err(AppendError::Unavailable { .. } | AppendError::OutcomeUnknown { .. }) => Ok(()),
            other => {
                let seen = format!("{name:?} was acknowledged at {first}, again it is {other:?}");
                Err(Violation::of(Invariant::NothingIsDoubled, seen))
            }
        }
    }

    /// Gives a batch behind a revision that is not the newest: it is refused.
    async fn come_late(&mut self, log: &EventLog) -> Result<(), Violation> {
        let at = self.dice.size(self.load.stories);
        let Some(&(revision, ref unsettled)) = self.ledger.stories.get(&story(at)) else { return Ok(()) };
        if revision == 0 || unsettled.is_some() {
            return Ok(());
        }
        let record = log::NewRecord { envelope: Bytes::from_static(b"late"), disclosures: Bytes::new() };
        let batch = Batch { command: Command(Bytes::from_static(b"late")), records: vec![record] };
        match log.append(story(at), revision - 1, batch).await {
            Err(AppendError::Conflict { actual, .. }) if actual == revision => Ok(()),
            Err(AppendError::Unavailable { .. } | AppendError::OutcomeUnknown { .. }) => Ok(()),
            other => {
                let seen = format!("a story is at {revision}; behind the one before: {other:?}");
                Err(Violation::of(Invariant::AnswersAreRight, seen))
            }
        }
    }

    /// Reads somewhere: what it shows is what was shown before.
    async fn read(&mut self, log: &EventLog) -> Result<(), Violation> {
        let from = Position(1 + self.dice.below(self.ledger.shown.len() as u64 + 1));
        match log.read(from, 50).await {
            Ok(page) => page
                .iter()
                .take_while(|record| record.position.0 <= self.ledger.shown.len() as u64 + 1)
                .cloned()
                .collect::<Vec<_>>()
                .iter()
                .try_for_each(|record| self.ledger.show(record)),
            Err(ReadError::Unavailable { .. }) => Ok(()),
            Err(error) => Err(Violation::of(Invariant::AnswersAreRight, chain(&error))),
        }
    }

    /// Erases the words of a record that was acknowledged.
    async fn erase(&mut self, log: &EventLog) -> Result<(), Violation> {
        let Some((name, first, last)) = self.acknowledged() else { return Ok(()) };
        let at = self.dice.below(last.0 + 1 - first.0);
        let position = Position(first.0 + at);
        let words =
            words(std::str::from_utf8(&name).expect("a short name"), usize::try_from(at).expect("few"));
        let erased = Erased { words: words.into(), remaining: Bytes::from_static(b"gone"), surely: false };
        self.ledger.erased.entry(position).or_insert(erased);
        match log.erase(position, Bytes::from_static(b"gone")).await {
            Ok(()) if !self.over() => {
                self.ledger.erased.get_mut(&position).expect("it was put in").surely = true;
                no_file_has_erased_words(self.disk.folder(), &self.ledger)
            }
            Ok(()) | Err(EraseError::OutcomeUnknown { .. }) => Ok(()),
            Err(error) => Err(Violation::of(Invariant::AnswersAreRight, chain(&error))),
        }
    }

    /// Ends what is wrong with the disk: everything that waits is acknowledged at once, and read.
    async fn heal(&mut self, log: &EventLog) -> Result<(), Violation> {
        if self.over() {
            return Ok(());
        }
        self.disk.mend();
        let stories: Vec<_> = self.ledger.stories.keys().copied().take(HEALED_MAX).collect();
        let before = self.ledger.acknowledged;
        self.append_to(log, &stories).await?;
        if self.ledger.acknowledged - before != stories.len() as u64 {
            let seen = "the disk works again, and an append was not acknowledged";
            return Err(Violation::of(Invariant::TheLogHeals, seen));
        }
        let read = log.read(Position(1), 10).await;
        read.map(drop).map_err(|error| Violation::of(Invariant::TheLogHeals, chain(&error)))
    }
}

/// Stories that are appended to when the disk works again.
const HEALED_MAX: usize = 20;
