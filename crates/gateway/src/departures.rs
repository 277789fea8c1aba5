//! What leaves by the public doors, noted for the audit of embargoes.
//!
//! Only stories that have, or had, an embargo or a schedule are noted, each once a door and an embargo:
//! the first departure is what an audit asks for. Noting one never waits; it refuses to hold anybody up.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use lru::LruCache;
use metrics::counter;
use projector::Leaving;
use registry::{Departure, Registry};
use story::{Revision, StoryId};

/// Departures that are remembered as noted: the oldest forgotten may be noted again, later, which
/// changes nothing of the first.
const NOTED_MAX: NonZeroUsize = NonZeroUsize::new(16_384).expect("not zero");

/// A way by which readers get something of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublicDoor {
    /// An article over HTTP.
    HttpShow,
    /// A list of stories over HTTP.
    HttpList,
    /// A history over HTTP.
    HttpHistory,
    /// A difference over HTTP.
    HttpDiff,
    /// The changes over HTTP.
    HttpChanges,
    /// A live stream over HTTP.
    HttpEvents,
    /// A search over HTTP.
    HttpSearch,
    /// A page for readers.
    HttpPage,
    /// A feed.
    HttpFeed,
    /// An article, asked for over NATS.
    NatsShow,
    /// A list of stories, asked for over NATS.
    NatsList,
    /// A history, asked for over NATS.
    NatsHistory,
    /// A difference, asked for over NATS.
    NatsDiff,
    /// The stream of changes.
    NatsChanges,
    /// The stream of articles.
    NatsArticles,
    /// The stream of recalls.
    NatsRecalls,
}

impl PublicDoor {
    /// Returns the name by which it stands in the registry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HttpShow => "http-show",
            Self::HttpList => "http-list",
            Self::HttpHistory => "http-history",
            Self::HttpDiff => "http-diff",
            Self::HttpChanges => "http-changes",
            Self::HttpEvents => "http-events",
            Self::HttpSearch => "http-search",
            Self::HttpPage => "http-page",
            Self::HttpFeed => "http-feed",
            Self::NatsShow => "nats-show",
            Self::NatsList => "nats-list",
            Self::NatsHistory => "nats-history",
            Self::NatsDiff => "nats-diff",
            Self::NatsChanges => "nats-changes",
            Self::NatsArticles => "nats-articles",
            Self::NatsRecalls => "nats-recalls",
        }
    }
}

/// Door, story, and the revision that set the embargo.
type First = (PublicDoor, StoryId, Revision);

/// Where departures are noted; clones share it.
#[derive(Clone)]
pub struct Departures {
    registry: Registry,
    noted: Arc<Mutex<LruCache<First, ()>>>,
}

impl fmt::Debug for Departures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Departures").finish_non_exhaustive()
    }
}

impl Departures {
    /// Returns a way to note departures in `registry`.
    pub(crate) fn new(registry: Registry) -> Self {
        Self { registry, noted: Arc::new(Mutex::new(LruCache::new(NOTED_MAX))) }
    }

    /// Notes that something leaves by `door` now, if it is the first of its embargo to do so. Never
    /// waits: what finds no room in the registry is counted there and in the measures, and the next
    /// departure is noted in its place.
    pub fn left(&self, door: PublicDoor, leaving: Leaving) {
        let Leaving { story, revision, embargo } = leaving;
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.put((door, story, embargo), ()).is_some() {
            return;
        }
        let name = door.as_str().parse().expect("letters and hyphens make a door");
        let departure = Departure { revision, door: name, at: Timestamp::now() };
        if self.registry.note_departure(story, departure) {
            counter!("writethru_departures_total", "door" => door.as_str()).increment(1);
        } else {
            noted.pop(&(door, story, embargo));
            counter!("writethru_departures_not_noted_total").increment(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_first_departure_by_a_door_under_an_embargo_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(&folder.path().join("registry.db")).await.unwrap();
        let departures = Departures::new(registry.clone());
        let story = StoryId::from_bytes([1; 16]);
        let leaving =
            |revision, embargo| Leaving { story, revision: Revision(revision), embargo: Revision(embargo) };
        for (door, revision, embargo) in [
            (PublicDoor::HttpShow, 4, 3),
            (PublicDoor::HttpShow, 5, 3),
            (PublicDoor::NatsChanges, 5, 3),
            (PublicDoor::HttpShow, 9, 8),
        ] {
            departures.left(door, leaving(revision, embargo));
        }
        let kept = registry.departures(story, None, 10).await.unwrap();
        let kept: Vec<_> = kept.iter().map(|one| (one.revision.get(), one.door.as_str())).collect();
        assert_eq!(kept, [(4, "http-show"), (5, "nats-changes"), (9, "http-show")]);
        registry.close().await;
    }
}
