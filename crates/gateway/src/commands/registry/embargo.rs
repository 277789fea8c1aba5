//! Whether a story's embargoes were kept: what the log says of them, held against what is known of
//! the service's doors.

use std::collections::BTreeMap;

use jiff::Timestamp;
use projector::View;
use registry::{Departure, Principal};
use story::{Revision, Status, StoryId};
use utoipa::IntoParams;
use wire::http::{DepartureView, EmbargoAudit, EmbargoView, RevisionLine};
use wire::{Cursor, Problem};

use super::actors::CLOCK;
use super::problems::of_store;
use crate::commands::read::at_least;
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};
use crate::problems::of_view;

/// Most revisions, and most departures, that an audit looks at.
const LOOKED_AT_MAX: usize = 20_000;
/// Lines read at a time.
const WINDOW: usize = 1_000;
/// Most embargoes, and most breaches, in one answer.
const SHOWN_MAX: usize = 100;

/// Of when an audit is to be.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// The cursor of a push or an act: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for AuditQuery {
    const NAMES: &'static [&'static str] = &["at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { at_least: at_least(from)? })
    }
}

impl Gateway {
    /// Returns whether the embargoes of `story` were kept.
    pub(crate) async fn embargo_audit(
        &self,
        by: &Principal,
        story: &str,
        query: &AuditQuery,
    ) -> Result<EmbargoAudit, Problem> {
        let found = self.audited(by, story, query.at_least).await?;
        self.embargoes_of(found.story, found.slug).await
    }

    /// Returns whether the embargoes of a story, of which this is the slug, were kept.
    pub(crate) async fn embargoes_of(&self, story: StoryId, slug: String) -> Result<EmbargoAudit, Problem> {
        let mut embargoes = Embargoes::default();
        let mut complete = self.read_embargoes(story, &mut embargoes).await?;
        let mut doors = Doors::default();
        if !embargoes.all.is_empty() {
            complete &= self.read_departures(story, &embargoes.all, &mut doors).await?;
        }
        complete &= !embargoes.is_cut;
        let not_noted = self.registry().departures_not_kept().await.map_err(|failed| of_store(&failed))?;
        Ok(EmbargoAudit {
            story,
            slug,
            embargoes: embargoes.all,
            released: embargoes.released,
            first_departures: doors.first.into_values().collect(),
            breach: !doors.breaches.is_empty(),
            breaches: doors.breaches,
            complete,
            not_noted,
        })
    }

    /// Reads the embargoes of `story`, and returns whether all of it was read.
    async fn read_embargoes(&self, story: StoryId, into: &mut Embargoes) -> Result<bool, Problem> {
        let (mut after, mut looked_at) = (Revision::ZERO, 0);
        while looked_at < LOOKED_AT_MAX {
            let lines = self.views().history(story, after, WINDOW, View::Desk).await;
            let lines = lines.map_err(|failed| of_view(&failed))?;
            let Some(last) = lines.last() else { return Ok(true) };
            after = last.revision;
            looked_at += lines.len();
            for line in &lines {
                into.take(line);
            }
        }
        Ok(false)
    }

    /// Reads what left, and returns whether all of it was read.
    async fn read_departures(
        &self,
        story: StoryId,
        embargoes: &[EmbargoView],
        into: &mut Doors,
    ) -> Result<bool, Problem> {
        let (mut after, mut looked_at) = (None, 0);
        while looked_at < LOOKED_AT_MAX {
            let departures = self.registry().departures(story, after, WINDOW).await;
            let departures = departures.map_err(|failed| of_store(&failed))?;
            let Some(last) = departures.last() else { return Ok(true) };
            after = Some((last.revision, last.door.clone()));
            looked_at += departures.len();
            for departure in &departures {
                into.take(departure, embargoes);
            }
        }
        Ok(false)
    }
}

/// The embargoes of a story, as its revisions are read in order.
#[derive(Debug, Default)]
struct Embargoes {
    all: Vec<EmbargoView>,
    released: Option<Timestamp>,
    /// Whether there were more than are shown.
    is_cut: bool,
    /// Whether the newest one that was read is in force.
    in_force: Option<Timestamp>,
}

impl Embargoes {
    fn take(&mut self, line: &RevisionLine) {
        let until = match line.status {
            // A held story keeps the end of its embargo.
            Some(Status::Embargoed | Status::Withheld) => line.until,
            _ => None,
        };
        if until != self.in_force {
            if self.in_force.is_some() {
                self.end(line);
            }
            if let Some(until) = until {
                self.begin(line, until);
            }
            self.in_force = until;
        }
        if !self.all.is_empty() && self.in_force.is_none() && line.public && self.released.is_none() {
            self.released = Some(line.recorded);
        }
    }

    fn begin(&mut self, line: &RevisionLine, until: Timestamp) {
        self.released = None;
        if self.all.len() == SHOWN_MAX {
            self.is_cut = true;
            return;
        }
        self.all.push(EmbargoView {
            revision: line.revision,
            set: line.recorded,
            until,
            actor: line.actor.clone(),
            ended: None,
            ended_by: None,
            status_after: None,
        });
    }

    fn end(&mut self, line: &RevisionLine) {
        if self.is_cut {
            return; // The one that ends is not shown.
        }
        let Some(last) = self.all.last_mut() else { return };
        last.ended = Some(line.recorded);
        last.ended_by = Some(line.actor.clone());
        last.status_after = line.status;
    }
}

/// What left by which door, as departures are read.
#[derive(Debug, Default)]
struct Doors {
    first: BTreeMap<String, DepartureView>,
    breaches: Vec<DepartureView>,
}

impl Doors {
    fn take(&mut self, departure: &Departure, embargoes: &[EmbargoView]) {
        if embargoes.first().is_none_or(|first| departure.revision < first.revision) {
            return; // It was public before there was an embargo.
        }
        let view = DepartureView {
            door: departure.door.to_string(),
            revision: departure.revision,
            at: departure.at,
        };
        if self.breaches.len() < SHOWN_MAX && embargoes.iter().any(|embargo| breaks(embargo, departure)) {
            self.breaches.push(view.clone());
        }
        let first = self.first.entry(view.door.clone()).or_insert_with(|| view.clone());
        if view.at < first.at {
            *first = view;
        }
    }
}

/// Returns whether what left did so under `embargo`: the clock ends one at the end that was set and
/// not before, whatever the log says; a person, when they did.
fn breaks(embargo: &EmbargoView, departure: &Departure) -> bool {
    let by_hand = embargo.ended_by.as_ref().is_some_and(|actor| actor.as_str() != CLOCK);
    let end = embargo.ended.filter(|_| by_hand).map_or(embargo.until, |ended| ended.min(embargo.until));
    departure.revision >= embargo.revision && departure.at >= embargo.set && departure.at < end
}
