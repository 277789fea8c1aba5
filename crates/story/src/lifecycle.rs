//! Where a story may go from where it stands.
//!
//! Two views of one table: what a command makes of a story's standing, for
//! [`decide`](crate::decide), and what an event in the log may have made of it, for
//! [`apply`](crate::apply). They are written apart, and random histories hold one against the other.

use jiff::Timestamp;

use crate::aggregate::Story;
use crate::command::{Deed, Release, Restored, Takedowns};
use crate::decide::Refusal;
use crate::event::Event;
use crate::kind::{Kind, Status};

/// What an update makes of a story's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) status: Status,
    /// Whether what readers see is the article as of this update, or the tombstone where the
    /// status is not usable.
    pub(crate) public: bool,
    pub(crate) until: Option<Timestamp>,
}

impl Standing {
    fn told(status: Status) -> Self {
        Self { status, public: true, until: None }
    }

    fn silent(status: Status, until: Option<Timestamp>) -> Self {
        Self { status, public: false, until }
    }
}

/// Returns how copy of `kind` leaves `story` at `now`.
pub(crate) fn after_copy(
    story: &Story,
    kind: Kind,
    release: Release,
    now: Timestamp,
) -> Result<Standing, Refusal> {
    let status = story.status;
    if matches!(status, Status::Killed | Status::Takendown) {
        return Err(forbids(status, kind, "restore it first"));
    }
    if kind.amends() && status != Status::Usable {
        return Err(forbids(status, kind, "readers have nothing that it could mend: file it as an update"));
    }
    let later = match release {
        Release::Publish | Release::Draft => None,
        Release::Embargo(until) => Some((Status::Embargoed, until)),
        Release::Schedule(until) => Some((Status::Scheduled, until)),
    };
    match (status, later) {
        (_, Some((_, until))) if until <= now => Err(Refusal::TimePast { until }),
        (Status::Draft | Status::Scheduled, Some((to, until))) => Ok(Standing::silent(to, Some(until))),
        (Status::Embargoed, Some((Status::Embargoed, until))) => {
            Ok(Standing::silent(Status::Embargoed, Some(until)))
        }
        (Status::Embargoed, Some(_)) => {
            Err(forbids(status, kind, "an embargo has its own end: move that, or lift the embargo"))
        }
        (Status::Usable, Some(_)) => {
            Err(forbids(status, kind, "readers have it already: keep the next state as a draft"))
        }
        (Status::Withheld, Some(_)) => {
            Err(forbids(status, kind, "it is held: file it as a draft, then release the story at that time"))
        }
        (Status::Embargoed | Status::Scheduled, None) => Ok(Standing::silent(status, story.until)),
        (Status::Withheld, None) if release == Release::Publish => {
            Err(forbids(status, kind, "it is held: file it as a draft, then release the story"))
        }
        (_, None) if release == Release::Draft => Ok(Standing::silent(status, story.until)),
        (_, None | Some(_)) => Ok(Standing::told(Status::Usable)),
    }
}

/// Returns how `deed` leaves `story` at `now`.
pub(crate) fn after_deed(story: &Story, deed: Deed, now: Timestamp) -> Result<Standing, Refusal> {
    let (status, had) = (story.status, story.published.is_some());
    let refuse = |next: &'static str| Err(forbids(status, deed.kind(), next));
    let ended = matches!(status, Status::Killed | Status::Takendown);
    let taken = |to: Status, until| Ok(Standing { status: to, public: had, until });
    match deed {
        Deed::ReleaseAt(at) | Deed::Embargo(at) if at <= now => Err(Refusal::TimePast { until: at }),
        Deed::Restore { to, takedowns } => restored(story, to, takedowns),
        Deed::Takedown if status != Status::Takendown => taken(Status::Takendown, None),
        Deed::Takedown => refuse("it is down already"),
        _ if story.desk.is_none() => refuse("there is nothing of it yet: push it first"),
        _ if ended => refuse("restore it first"),
        Deed::Kill => taken(Status::Killed, None),
        Deed::Withhold if status == Status::Withheld => refuse("it is held already"),
        // A held story keeps its embargo: releasing it must not beat the clock.
        Deed::Withhold => taken(Status::Withheld, story.until.filter(|_| status == Status::Embargoed)),
        Deed::Unpublish if status == Status::Usable => taken(Status::Draft, None),
        Deed::Unpublish => refuse("readers do not see it"),
        Deed::Release | Deed::ReleaseAt(_) | Deed::Lapse => released(story, deed, now),
        Deed::Embargo(_) if status == Status::Usable => refuse("readers have it already"),
        Deed::Embargo(until) if status == Status::Withheld => {
            Ok(Standing::silent(Status::Withheld, Some(until)))
        }
        Deed::Embargo(until) => Ok(Standing::silent(Status::Embargoed, Some(until))),
        Deed::LiftEmbargo if status == Status::Embargoed => Ok(Standing::told(Status::Usable)),
        Deed::LiftEmbargo if status == Status::Withheld && story.until.is_some() => {
            Ok(Standing::silent(Status::Withheld, None))
        }
        Deed::LiftEmbargo => refuse("it is under no embargo"),
    }
}

fn released(story: &Story, deed: Deed, now: Timestamp) -> Result<Standing, Refusal> {
    let status = story.status;
    let refuse = |next: &'static str| Err(forbids(status, Kind::Release, next));
    let due = story.until.is_some_and(|until| until <= now);
    match (deed, status) {
        (Deed::Lapse, Status::Embargoed | Status::Scheduled) if due => Ok(Standing::told(Status::Usable)),
        (Deed::Lapse, _) => refuse("nothing of it is due"),
        (_, Status::Usable) => refuse("readers see it already"),
        (_, Status::Embargoed) => refuse("it is under an embargo: lift the embargo, or wait for its end"),
        (Deed::ReleaseAt(at), Status::Withheld) if story.until.is_some_and(|until| at < until) => {
            refuse("its embargo ends later than that: lift the embargo first")
        }
        (Deed::ReleaseAt(at), _) => Ok(Standing::silent(Status::Scheduled, Some(at))),
        (_, Status::Withheld) if story.until.is_some() && !due => {
            Ok(Standing::silent(Status::Embargoed, story.until))
        }
        _ => Ok(Standing::told(Status::Usable)),
    }
}

fn restored(story: &Story, to: Restored, takedowns: Takedowns) -> Result<Standing, Refusal> {
    let status = story.status;
    let refuse = |next: &'static str| Err(forbids(status, Kind::Restore, next));
    match status {
        Status::Takendown if takedowns == Takedowns::Stay => {
            refuse("it was taken down for legal reasons: the legal desk lifts that")
        }
        Status::Killed | Status::Takendown if story.published.is_none() => {
            Ok(Standing::silent(Status::Draft, None))
        }
        Status::Killed | Status::Takendown if to == Restored::Draft => {
            Ok(Standing::silent(Status::Draft, None))
        }
        Status::Draft if story.published.is_some() && to == Restored::Draft => {
            refuse("it is a draft already")
        }
        Status::Killed | Status::Takendown => Ok(Standing::told(Status::Usable)),
        Status::Draft if story.published.is_some() => Ok(Standing::told(Status::Usable)),
        _ => refuse("it was not taken from readers for good"),
    }
}

fn forbids(status: Status, kind: Kind, next: &'static str) -> Refusal {
    Refusal::StatusForbids { status, kind, next }
}

/// Returns what keeps `event` from having happened to `story`.
pub(crate) fn problem(story: &Story, event: &Event) -> Option<String> {
    let (from, to, kind) = (story.status, event.status, event.kind);
    let had = story.published.is_some();
    if event.until.is_some() != matches!(to, Status::Embargoed | Status::Scheduled)
        && !(to == Status::Withheld && event.until.is_some())
    {
        return Some(format!("a story that is {to} goes out by itself, or does not and should"));
    }
    let fits = match kind {
        _ if kind.is_for_copy() => copy_fits(story, event),
        Kind::Withhold | Kind::Kill | Kind::Takedown => {
            let end = matches!(from, Status::Killed | Status::Takendown);
            let goes = match kind {
                Kind::Withhold => to == Status::Withheld && from != Status::Withheld && !end,
                Kind::Kill => to == Status::Killed && !end,
                _ => to == Status::Takendown && from != Status::Takendown,
            };
            goes && event.public == had
        }
        Kind::Unpublish => (from, to, event.public) == (Status::Usable, Status::Draft, true),
        Kind::Release => release_fits(story, event),
        Kind::Restore => {
            let back = matches!(from, Status::Killed | Status::Takendown);
            match (to, event.public) {
                (Status::Usable, true) => had && (back || from == Status::Draft),
                (Status::Draft, false) => back,
                _ => false,
            }
        }
        Kind::Redaction => {
            let shown = had && from == Status::Usable;
            story.desk.is_some() && to == from && event.until == story.until && event.public == shown
        }
        Kind::Embargo => match (from, to) {
            (Status::Draft | Status::Scheduled | Status::Embargoed, Status::Embargoed)
            | (Status::Withheld, Status::Withheld) => !event.public,
            (Status::Embargoed, Status::Usable) => event.public,
            _ => false,
        },
        _ => false,
    };
    if fits {
        return None;
    }
    let visibility = if event.public { "public" } else { "working" };
    Some(format!("a {visibility} {kind} cannot take a story from {from} to {to}"))
}

fn copy_fits(story: &Story, event: &Event) -> bool {
    let (from, to) = (story.status, event.status);
    if event.kind.amends() && from != Status::Usable {
        return false;
    }
    match from {
        Status::Draft if event.public => to == Status::Usable,
        Status::Draft | Status::Scheduled => {
            !event.public && (to == from || matches!(to, Status::Embargoed | Status::Scheduled))
        }
        Status::Embargoed | Status::Withheld => !event.public && to == from,
        Status::Usable => to == Status::Usable,
        Status::Killed | Status::Takendown => false,
    }
}

fn release_fits(story: &Story, event: &Event) -> bool {
    let due = story.until.is_some_and(|until| until <= event.recorded);
    match (story.status, event.status) {
        (Status::Draft | Status::Scheduled, Status::Usable) => event.public,
        (Status::Withheld, Status::Usable) => event.public && (due || story.until.is_none()),
        (Status::Embargoed, Status::Usable) => event.public && due,
        (Status::Withheld, Status::Embargoed) => !event.public && event.until == story.until,
        (Status::Draft | Status::Scheduled | Status::Withheld, Status::Scheduled) => !event.public,
        _ => false,
    }
}
