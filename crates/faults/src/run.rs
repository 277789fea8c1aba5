//! One run: several lives of one log on one disk, all of it told by a seed.

use std::sync::Arc;

use log::{Epoch, EventLog, OpenError, Options};
use tempfile::TempDir;

use crate::dice::Dice;
use crate::disk::{Counts, Disk, End};
use crate::ledger::{Invariant, Ledger, Violation};
use crate::load::{Load, follow};
use crate::plan::Fault;
use crate::verify::{no_file_has_erased_words, verify};

/// What a run did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Appends that were acknowledged, and looked for after every failure.
    pub acknowledged: u64,
    /// How often everything was compared.
    pub verified: u64,
    /// Kills.
    pub kills: u64,
    /// Power cuts.
    pub power_cuts: u64,
    /// Faults met, by operation and effect.
    pub faults: Counts,
    /// What was broken; the run ends there.
    pub violation: Option<Violation>,
}

/// The lives of one log.
pub(crate) struct Run {
    pub(crate) dice: Dice,
    pub(crate) disk: Arc<Disk>,
    pub(crate) ledger: Ledger,
    pub(crate) load: Load,
    outcome: Outcome,
}

/// Runs what `seed` says in a folder of its own.
///
/// # Panics
/// If the real disk fails.
pub async fn run(seed: u64) -> Outcome {
    let home = TempDir::new().expect("a folder for the log");
    let mut dice = Dice::new(seed);
    let load = Load::of(seed, &mut dice);
    let disk = Disk::under(home.path()).expect("the folder is there");
    let mut run = Run { dice, disk, ledger: Ledger::default(), load, outcome: Outcome::default() };
    let mut lived = Ok(());
    for _ in 0..2 + run.dice.size(4) {
        lived = Box::pin(run.live()).await;
        if lived.is_err() {
            break;
        }
    }
    if lived.is_ok() {
        lived = Box::pin(run.last_look()).await;
    }
    run.outcome.violation = lived.err();
    run.outcome.acknowledged = run.ledger.acknowledged;
    run.outcome.faults = run.disk.counts();
    run.outcome
}

impl Run {
    /// Opens the log, looks whether it is as it must be, uses it under faults, and ends somehow.
    async fn live(&mut self) -> Result<(), Violation> {
        let log = self.open().await?;
        let (tail, stop) = follow(&log, self.ledger.shown.len());
        let used = Box::pin(self.used(&log)).await;
        let end = self.end();
        stop.cancel();
        let shown = tail.await.expect("a reader does not panic");
        log.close().await;
        drop(log);
        used?;
        for pair in shown.windows(2) {
            if pair[1].position != pair[0].position.next() {
                let seen = format!("a reader was shown {} behind {}", pair[1].position, pair[0].position);
                let more = pair[1].position > pair[0].position;
                return Err(Violation::of(
                    if more { Invariant::NoHole } else { Invariant::OrderIsKept },
                    seen,
                ));
            }
        }
        for record in &shown {
            self.ledger.show(record)?;
        }
        if end == End::Closed && self.dice.once_in(3) {
            self.disk.end(End::PowerCut);
        }
        self.restart()?;
        no_file_has_erased_words(self.disk.folder(), &self.ledger)
    }

    async fn used(&mut self, log: &EventLog) -> Result<(), Violation> {
        if self.disk.ended().is_some() {
            return Ok(());
        }
        self.disk.mend();
        self.outcome.verified += 1;
        verify(log, &mut self.ledger).await?;
        if self.dice.once_in(6) {
            // What was just shown must be as durable as what was acknowledged.
            return Ok(());
        }
        self.work(log).await
    }

    /// Ends this life, if no fault did.
    fn end(&mut self) -> End {
        let end = [End::Closed, End::Killed, End::PowerCut][self.dice.size(3)];
        if end != End::Closed {
            self.disk.end(end);
        }
        self.disk.ended().unwrap_or(End::Closed)
    }

    fn restart(&mut self) -> Result<(), Violation> {
        match self.disk.ended() {
            Some(End::Killed) => self.outcome.kills += 1,
            Some(End::PowerCut) => self.outcome.power_cuts += 1,
            _ => {}
        }
        let restarted = self.disk.restart(&mut self.dice);
        restarted.map_err(|error| Violation::of(Invariant::TheLogOpens, error.to_string()))
    }

    /// Opens the log, sometimes under faults; without any it must open.
    async fn open(&mut self) -> Result<EventLog, Violation> {
        if self.dice.once_in(3) {
            let fault = Fault::passing(&mut self.dice);
            self.disk.plan(fault);
        }
        if self.dice.once_in(4) {
            let fault = Fault::ending(&mut self.dice);
            self.disk.plan(fault);
        }
        loop {
            let met = self.disk.counts();
            let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
            let error = match EventLog::open(&self.disk.folder().join("log.db"), options).await {
                Ok(log) => return Ok(log),
                Err(error) => error,
            };
            let disturbed = self.disk.counts() != met;
            if !disturbed || !matches!(error, OpenError::Io { .. }) {
                let why = chain(&error);
                return Err(Violation::of(Invariant::TheLogOpens, why));
            }
            self.disk.mend();
            self.restart()?;
        }
    }

    /// Looks at what is left at the very end, on a disk that works, twice: opening changes nothing.
    async fn last_look(&mut self) -> Result<(), Violation> {
        for _ in 0..2 {
            self.disk.mend();
            let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
            let log = EventLog::open(&self.disk.folder().join("log.db"), options).await;
            let log = log.map_err(|error| Violation::of(Invariant::TheLogOpens, chain(&error)))?;
            self.outcome.verified += 1;
            let looked = verify(&log, &mut self.ledger).await;
            log.close().await;
            looked?;
        }
        no_file_has_erased_words(self.disk.folder(), &self.ledger)
    }
}

/// Returns an error with what caused it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = told + ": " + &error.to_string();
        cause = error.source();
    }
    told
}
