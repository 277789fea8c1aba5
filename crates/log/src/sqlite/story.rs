//! A page of a story, whose records lie apart in the log's file.
//!
//! Where the system's cache has them, one reader reads them in order. Where the disk must be asked,
//! each costs its whole latency, so several readers ask at once. Which of the two it is shows in the
//! time that the first records take; it changes nothing but the speed.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::try_join_all;
use rusqlite::OptionalExtension;

use super::files::integer;
use super::reader::{Pool, READERS_MAX, Reader, missing};
use super::record;
use crate::contract::{Position, ReadError, Record, StoryKey, limits};

/// Records of a story that are read before it is judged whether the system's cache has them.
const PROBED_RECORDS: usize = 2;
/// What takes longer than this to read those was read from the disk.
const SLOW_PROBE: Duration = Duration::from_micros(80);
/// Records of a story that several readers fetch in one go.
const AHEAD_MAX: usize = 8 * READERS_MAX;

/// Where a record of a story stands, as the index has it.
#[derive(Debug, Clone, Copy)]
struct StoryPlace {
    position: Position,
    story: StoryKey,
    revision: u64,
}

impl Reader {
    /// Returns where up to `records_max` records of `story` from `revision` on stand, none behind
    /// `head`.
    fn story_places(
        &self,
        story: StoryKey,
        revision: u64,
        head: Position,
        records_max: usize,
    ) -> Result<Vec<StoryPlace>, ReadError> {
        let mut places = Vec::new();
        for extent in self.lookup().extents(story, revision, records_max)? {
            let skipped = revision.saturating_sub(extent.revision);
            for at in skipped..extent.records {
                let position = Position(extent.first.0 + at);
                if position > head || places.len() == records_max {
                    return Ok(places);
                }
                places.push(StoryPlace { position, story, revision: extent.revision + at });
            }
        }
        Ok(places)
    }

    /// Reads the records at the first of `places`, in order, until they fill a page or `enough` says
    /// so of how many there are.
    fn records_at(
        &self,
        places: &[StoryPlace],
        enough: impl Fn(usize) -> bool,
    ) -> Result<Vec<Record>, ReadError> {
        let mut select = self.log().prepare_cached("SELECT body FROM records WHERE position = ?1")?;
        let mut records = Vec::with_capacity(places.len());
        let mut bytes = 0;
        for &StoryPlace { position, story, revision } in places {
            let body: Option<Vec<u8>> =
                select.query_row([integer(position.0)], |row| row.get(0)).optional()?;
            let record = record::decode(position, &Bytes::from(body.ok_or_else(|| missing(position))?))?;
            if record.story != story || record.revision != revision {
                let problem = "the index names another record here: delete the index".to_owned();
                return Err(ReadError::Damaged { position, problem });
            }
            bytes += body_bytes(&record);
            records.push(record);
            if bytes >= limits::PAGE_BYTES || enough(records.len()) {
                break;
            }
        }
        Ok(records)
    }
}

impl Pool {
    /// Returns a page of up to `records_max` records of `story` from `revision` on, none behind
    /// `head`.
    ///
    /// The records of a story lie apart. Where the system's cache has them one reader is enough;
    /// where the disk must be asked, several ask it at once.
    pub(super) async fn story_page(
        &self,
        story: StoryKey,
        revision: u64,
        head: Position,
        records_max: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let (page, places) = self
            .run(move |reader| {
                let places = reader.story_places(story, revision, head, records_max)?;
                let began = Instant::now();
                let page = reader
                    .records_at(&places, |read| read == PROBED_RECORDS && began.elapsed() > SLOW_PROBE)?;
                Ok((page, places))
            })
            .await?;
        self.read_ahead(page, &places).await
    }

    /// Adds to `page`, which has the records at the first of `places`, those at the others until it
    /// is full, read by several readers at once. They hold up to [`limits::PAGE_BYTES`] and a record each.
    async fn read_ahead(
        &self,
        mut page: Vec<Record>,
        places: &[StoryPlace],
    ) -> Result<Vec<Record>, ReadError> {
        while page.len() < places.len() && !fills(&page) {
            let ahead = &places[page.len()..places.len().min(page.len() + AHEAD_MAX)];
            let share = ahead.len().div_ceil(READERS_MAX);
            let shares = ahead.chunks(share).map(|places| {
                let places = places.to_vec();
                self.run(move |reader| reader.records_at(&places, |_| false))
            });
            // A share that was cut short fills the page by itself: what follows it is cut off below.
            page.extend(try_join_all(shares).await?.into_iter().flatten());
        }
        page.truncate(full_after(&page));
        Ok(page)
    }
}

/// Returns how many of `records` a page of a story has: those up to the one that fills it.
fn full_after(records: &[Record]) -> usize {
    let mut bytes = 0;
    let fills = records.iter().position(|record| {
        bytes += body_bytes(record);
        bytes >= limits::PAGE_BYTES
    });
    fills.map_or(records.len(), |at| at + 1)
}

fn fills(records: &[Record]) -> bool {
    records.iter().map(body_bytes).sum::<usize>() >= limits::PAGE_BYTES
}

fn body_bytes(record: &Record) -> usize {
    record.command.0.len() + record.envelope.len() + record.disclosures.len()
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;
    use crate::contract::{Batch, Command, Epoch, NewRecord};
    use crate::event_log::Options;

    const STORY: StoryKey = StoryKey([7; 16]);

    /// A log in which every other record is one of [`STORY`], of `bytes` each.
    async fn log(directory: &std::path::Path, records: u64, bytes: usize) -> Store {
        let options = Options { new_epoch: Epoch(1), create: true, read_only: false };
        let store = Store::open(&directory.join("log.db"), options).await.expect("a new log");
        for revision in 0..records {
            for story in [StoryKey([1; 16]), STORY] {
                let command = Command(format!("push-{revision}").into());
                let record = NewRecord { envelope: vec![b'e'; bytes].into(), disclosures: "".into() };
                let batch = Batch { command, records: vec![record] };
                let pending = store.submit(story, revision, batch).await.expect("room");
                pending.acknowledged().await.expect("stored");
            }
        }
        store
    }

    async fn ahead(store: &Store, read: usize) -> (Vec<u64>, Vec<StoryPlace>) {
        let head = store.head();
        let (page, places) = store
            .pool
            .run(move |reader| {
                let places = reader.story_places(STORY, 1, head, limits::PAGE_RECORDS_MAX)?;
                Ok((reader.records_at(&places, |records| records == read)?, places))
            })
            .await
            .expect("readable");
        assert_eq!(page.len(), read);
        let page = store.pool.read_ahead(page, &places).await.expect("readable");
        assert!(page.iter().all(|record| record.story == STORY));
        (page.iter().map(|record| record.revision).collect(), places)
    }

    #[tokio::test]
    async fn several_readers_return_the_same_page_as_one() {
        const RECORDS: u64 = 150;
        let directory = tempfile::tempdir().expect("a directory");
        let store = log(directory.path(), RECORDS, 20).await;
        for read in [1, 2, 21, 149, 150] {
            let (revisions, _) = ahead(&store, read).await;
            assert_eq!(revisions, (1..=RECORDS).collect::<Vec<_>>(), "after {read}");
        }
        store.close().await;
    }

    #[tokio::test]
    async fn several_readers_stop_where_the_page_is_full() {
        let directory = tempfile::tempdir().expect("a directory");
        let bytes = limits::PAGE_BYTES / 10;
        let store = log(directory.path(), 30, bytes).await;
        let (revisions, places) = ahead(&store, 2).await;
        assert_eq!(places.len(), 30);
        assert_eq!(revisions, (1..=10).collect::<Vec<_>>());
        store.close().await;
    }
}
