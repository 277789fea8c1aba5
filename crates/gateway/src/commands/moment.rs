//! The moments that a read may ask for: `as_of`, and the axis that its time is on.

use std::str::FromStr;

use jiff::Timestamp;
use projector::{AsOf, View};
use story::{ActorId, StoryId};
use wire::Problem;

use crate::commands::read::no_revision;
use crate::commands::registry::of_store;
use crate::gateway::Gateway;
use crate::parameters::{Parameters, bad_parameter};

/// What a time is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Axis {
    /// When revisions were recorded.
    Recorded,
    /// When readers could see them.
    Published,
    /// When subscribers said that they had got them: this one, or any of them.
    Delivered(Option<ActorId>),
}

impl FromStr for Axis {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        match given.split_once(':') {
            None if given == "recorded" => Ok(Self::Recorded),
            None if given == "published" => Ok(Self::Published),
            None if given == "delivered" => Ok(Self::Delivered(None)),
            Some(("delivered", name)) => {
                name.parse().map(|name| Self::Delivered(Some(name))).map_err(|error| format!("{error}"))
            }
            _ => Err("use recorded, published, delivered or delivered:SUBSCRIBER".to_owned()),
        }
    }
}

/// Takes `axis`.
pub(crate) fn axis(from: &mut Parameters) -> Result<Option<Axis>, Problem> {
    from.optional("axis")
}

impl Gateway {
    /// Returns the moment that is meant, its time on `axis`; the newest if none was named. `story` is the
    /// one that is read; a list reads none in particular.
    ///
    /// Without an axis a time is compared with when revisions were recorded. Readers are told nothing of
    /// what they cannot see, and can see a revision from when it is recorded: to them `recorded` and
    /// `published` are one, and what subscribers got is not theirs to know. A cursor of another life of the
    /// log is refused, and a size that the log has not reached.
    pub(crate) async fn moment(
        &self,
        story: Option<StoryId>,
        view: View,
        (as_of, axis): (Option<AsOf>, Option<Axis>),
    ) -> Result<AsOf, Problem> {
        let as_of = as_of.unwrap_or(AsOf::Latest);
        match as_of {
            AsOf::Cursor(cursor) => drop(self.position(cursor)?),
            AsOf::Size(size) => self.has_reached(size)?,
            _ => {}
        }
        let (axis, time) = match (axis, as_of) {
            (None, _) => return Ok(as_of),
            (Some(axis), AsOf::Recorded(time) | AsOf::Published(time)) => (axis, time),
            (Some(_), _) => {
                return Err(bad_parameter(
                    "axis",
                    "it says what a time is compared with: give a time (RFC 3339), or leave it out",
                ));
            }
        };
        match axis {
            Axis::Recorded => Ok(AsOf::Recorded(time)),
            Axis::Published => Ok(AsOf::Published(time)),
            Axis::Delivered(_) if view == View::Public => Err(bad_parameter(
                "axis",
                "what subscribers got is the desk's to know: add view=desk, with a key that may read it",
            )),
            Axis::Delivered(subscriber) => {
                let story = story.ok_or_else(|| {
                    bad_parameter("axis", "`delivered` is about one story: read that story")
                })?;
                self.delivered(story, subscriber, time).await
            }
        }
    }

    /// Returns the newest revision that a subscriber, or any, had got at `time`.
    async fn delivered(
        &self,
        story: StoryId,
        subscriber: Option<ActorId>,
        time: Timestamp,
    ) -> Result<AsOf, Problem> {
        let newest = self.registry().newest_delivered(story, subscriber.as_ref(), time).await;
        let newest = newest.map_err(|failed| of_store(&failed))?;
        newest.map(|revision| AsOf::Revision(revision.get())).ok_or_else(|| {
            let whom = subscriber.map_or_else(|| "any subscriber".to_owned(), |name| name.to_string());
            no_revision(&story.to_string(), format_args!("that {whom} is known to have got by then"))
        })
    }

    /// Sees that the log has `size` entries.
    fn has_reached(&self, size: u64) -> Result<(), Problem> {
        let head = self.views().position().0;
        if size <= head {
            return Ok(());
        }
        Err(bad_parameter("as_of", format_args!("the log has {head} entries by now, and not {size}")))
    }
}
