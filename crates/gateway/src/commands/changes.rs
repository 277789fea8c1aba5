//! The public changes, in the order of the log: for readers without NATS.

use std::str::FromStr;
use std::time::Duration;

use log::Position;
use projector::ChangeRow;
use story::{Desk, Kind, Level};
use tokio::time::Instant;
use utoipa::IntoParams;
use wire::{Cursor, Problem};

use crate::commands::read::limit;
use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::limits::{
    CHANGES_BYTES_MAX, CHANGES_MAX, CHANGES_PAGE, CHANGES_SCAN_MAX, CHANGES_WAIT_SECONDS_MAX,
};
use crate::parameters::{Parameters, Query};
use crate::problems::of_view;

/// Which changes to read.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChangesQuery {
    /// Only changes behind this: a cursor that an earlier answer gave, `earliest` (the default) or
    /// `now`.
    #[param(value_type = Option<String>, example = "earliest")]
    after: After,
    /// At most this many; 100 if absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500)]
    limit: usize,
    /// Only of stories on this desk, or that have left it with this change.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "world")]
    desk: Option<Desk>,
    /// Only of this kind.
    #[param(value_type = Option<String>, example = "correction")]
    kind: Option<Kind>,
    /// Only those that matter at least this much: `minor`, `notable` or `substantive`.
    #[param(value_type = Option<String>, example = "notable")]
    min_significance: Option<Level>,
    /// How many seconds to wait for a change if there is none yet.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 60)]
    wait: u64,
}

impl Query for ChangesQuery {
    const NAMES: &'static [&'static str] = &["after", "limit", "desk", "kind", "min_significance", "wait"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            after: from.optional("after")?.unwrap_or(After::Earliest),
            limit: limit(from, CHANGES_PAGE, CHANGES_MAX)?,
            desk: from.optional("desk")?,
            kind: from.optional("kind")?,
            min_significance: from.optional("min_significance")?,
            wait: from.number("wait", CHANGES_WAIT_SECONDS_MAX)?.unwrap_or(0),
        })
    }
}

/// Where a reader of changes begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum After {
    Earliest,
    Now,
    Cursor(Cursor),
}

impl FromStr for After {
    type Err = &'static str;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        match given {
            "earliest" => Ok(Self::Earliest),
            "now" => Ok(Self::Now),
            cursor => cursor
                .parse()
                .map(Self::Cursor)
                .map_err(|_| "it is none of: a cursor that an earlier answer gave, earliest, now"),
        }
    }
}

/// Some changes.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The changes, oldest first.
    pub(crate) rows: Vec<ChangeRow>,
    /// From where to go on: also past changes that the filter left out.
    pub(crate) cursor: Cursor,
}

impl ChangesQuery {
    fn passes(&self, row: &ChangeRow) -> bool {
        let on_desk = |wanted: &Desk| row.desk == *wanted || row.desk_before.as_ref() == Some(wanted);
        self.desk.as_ref().is_none_or(on_desk)
            && self.kind.is_none_or(|wanted| row.kind == wanted)
            && self.min_significance.is_none_or(|least| row.level >= least)
    }
}

impl Gateway {
    /// Returns the next changes, waiting for the first if that is asked for.
    ///
    /// Cancel-safe: it only reads.
    pub(crate) async fn changes(&self, query: &ChangesQuery) -> Result<Changes, Problem> {
        let mut follow = self.views().follow();
        let mut after = match query.after {
            After::Earliest => Position::ZERO,
            After::Now => self.views().position(),
            After::Cursor(cursor) => self.position(cursor)?,
        };
        let deadline = Instant::now() + Duration::from_secs(query.wait);
        loop {
            // Read before the rows: a move in between wakes the wait at once.
            let viewed = *follow.borrow_and_update();
            let (rows, reached) = self.scan(query, after).await?;
            after = reached.max(after);
            // Where nothing was found short of what is viewed, the time to look was up.
            if !rows.is_empty() || after < viewed {
                rows.iter()
                    .filter_map(ChangeRow::leaving)
                    .for_each(|leaving| self.departures().left(PublicDoor::HttpChanges, leaving));
                return Ok(Changes { rows, cursor: self.cursor(after) });
            }
            let (closing, changed) = (self.inner.closing.cancelled(), follow.changed());
            // Cancel-safe, each: waiting takes nothing.
            let is_over = tokio::select! {
                biased;
                () = tokio::time::sleep_until(deadline) => true,
                () = closing => true,
                moved = changed => moved.is_err(),
            };
            if is_over {
                return Ok(Changes { rows, cursor: self.cursor(after) });
            }
        }
    }

    /// Returns the first changes behind `after` that pass, and how far it has looked.
    async fn scan(
        &self,
        query: &ChangesQuery,
        after: Position,
    ) -> Result<(Vec<ChangeRow>, Position), Problem> {
        let began = Instant::now();
        let (mut found, mut bytes, mut reached) = (Vec::new(), 0, after);
        loop {
            let viewed = self.views().position();
            let rows =
                self.views().changes(reached, CHANGES_PAGE).await.map_err(|failed| of_view(&failed))?;
            let is_last = rows.len() < CHANGES_PAGE;
            for row in rows {
                if query.passes(&row) {
                    bytes += row.event.len();
                    if found.len() == query.limit || (bytes > CHANGES_BYTES_MAX && !found.is_empty()) {
                        return Ok((found, reached));
                    }
                    reached = row.position;
                    found.push(row);
                } else {
                    reached = row.position;
                }
            }
            if is_last {
                // Behind the last change there are only records that changed nothing for readers.
                return Ok((found, reached.max(viewed)));
            }
            if began.elapsed() > CHANGES_SCAN_MAX {
                return Ok((found, reached));
            }
        }
    }
}
