//! Opening a log: the lock, the files, the index brought up to the log, the threads.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc};

use super::checkpoint::Checkpoints;
use super::files;
use super::follow::Follower;
use super::hot::Hot;
use super::index::{self, Lookup};
use super::reader::{Pool, each_body};
use super::recent::Recent;
use super::record::{self, Fault};
use super::shared::Shared;
use super::writer::Writer;
use super::{Role, Store};
use crate::contract::{OpenError, Position, ReadError, limits};
use crate::event_log::Options;

/// Opens the log at `path`; blocks while it reads what the index lacks.
pub(super) fn open(path: &Path, options: &Options) -> Result<Store, OpenError> {
    if options.read_only { open_reading(path) } else { open_writing(path, options) }
}

fn open_writing(path: &Path, options: &Options) -> Result<Store, OpenError> {
    let refused = |source| files::refused(path, source);
    let lock = files::lock(path)?;
    let (log, epoch) = files::open_writer(path, options)?;
    let head = files::newest(&log).map_err(refused)?;
    let (mut indexed, checkpoint) = index::open_writer(path, epoch, head).map_err(refused)?;
    let recent = Arc::new(Recent::after(checkpoint));
    take_in(&log, checkpoint, head, &recent, |recent| {
        if let Some(stretch) = recent.sealed_if_due() {
            index::write(&mut indexed, &stretch)?;
            recent.forget_sealed();
        }
        Ok(())
    })
    .map_err(|error| unreadable(path, error))?;
    let shared = Arc::new(Shared::new(head, Arc::clone(&recent)));
    let lookup = Lookup::open(path, epoch, &recent).map_err(refused)?;
    let started = |source| files::io(path, source);
    let checkpoints =
        Checkpoints::start(files::open_checkpointer(path).map_err(refused)?).map_err(started)?;
    let (requests, queue) = mpsc::channel(limits::QUEUE_MAX);
    let indexer = std::thread::Builder::new()
        .name("log-index".into())
        .spawn(move || index::run(indexed, &recent))
        .map_err(started)?;
    let writer = Writer {
        log,
        lookup,
        checkpoints,
        indexer: Some(indexer),
        shared: Arc::clone(&shared),
        queue,
        hot: Hot::default(),
        next: Some(head.next()),
        gathered: 0,
        _lock: lock,
    };
    std::thread::Builder::new().name("log-write".into()).spawn(move || writer.run()).map_err(started)?;
    let queue_kib = Arc::new(Semaphore::new(limits::QUEUE_BYTES_MAX / 1024));
    Ok(Store {
        epoch,
        pool: Pool::new(path.to_owned(), epoch, Arc::clone(&shared)),
        shared,
        role: Role::Writes { requests, queue_kib },
    })
}

fn open_reading(path: &Path) -> Result<Store, OpenError> {
    let refused = |source| files::refused(path, source);
    let log = files::open_reader(path).map_err(refused)?;
    let epoch = files::identify(&log, path)?;
    let head = files::newest(&log).map_err(refused)?;
    let indexed = index::open_reader(path, epoch).ok().flatten();
    let checkpoint = indexed.map_or(Position::ZERO, |(_, checkpoint)| checkpoint.min(head));
    let recent = Arc::new(Recent::after(checkpoint));
    take_in(&log, checkpoint, head, &recent, |_| Ok(())).map_err(|error| unreadable(path, error))?;
    let shared = Arc::new(Shared::new(head, recent));
    let follower = Follower::start(log, path, epoch, &shared).map_err(|source| files::io(path, source))?;
    Ok(Store {
        epoch,
        pool: Pool::new(path.to_owned(), epoch, Arc::clone(&shared)),
        shared,
        role: Role::Reads { follower },
    })
}

/// Reads the batches behind `after` up to `head` into `recent`, calling `relieve` after each.
pub(super) fn take_in(
    log: &Connection,
    after: Position,
    head: Position,
    recent: &Recent,
    mut relieve: impl FnMut(&Recent) -> rusqlite::Result<()>,
) -> Result<(), ReadError> {
    let mut failed = None;
    each_body(log, after.next(), head, &mut |position, body| {
        let header = record::verify(position, body)?;
        if header.place + 1 < header.batch_records {
            return Ok(true);
        }
        let extent = header.extent(position);
        if extent.first <= after {
            let problem = "batch began before the place where it may begin".to_owned();
            return Err(Fault { position, problem });
        }
        recent.add([(header.story, header.command(body).into(), extent)]);
        failed = relieve(recent).err();
        Ok(failed.is_none())
    })?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn unreadable(path: &Path, error: ReadError) -> OpenError {
    match error {
        ReadError::Damaged { position, problem } => {
            OpenError::Damaged { path: files::shown(path), position, problem }
        }
        ReadError::Unavailable { source } => OpenError::Io { path: files::shown(path), source },
    }
}
