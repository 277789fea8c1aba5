//! Feeds: stories, and what happens to one, as Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1.
//!
//! Pure. A feed's entries are told from [`Edition`]s, so they hold what their reader may know. `updated`
//! moves with changes that are worth a reader's while, and with no other. What was taken from readers
//! stays as an entry that says so, without a word of what it said.

mod atom;
mod entries;
mod json;
mod rss;

use std::str::FromStr;

use jiff::Timestamp;
use story::{IdentityError, Status};

pub use entries::News;

use crate::publication::Origin;

/// Most bytes of HTML in one entry; of more, the summary is given, and the link leads to the rest.
pub const ENTRY_HTML_BYTES_MAX: usize = 64 * 1024;

/// A feed before it is written.
#[derive(Debug, Clone)]
pub struct Feed<'a> {
    /// What it is about.
    pub title: String,
    /// Path of the page for the same, from the root.
    pub page: String,
    /// Path of the feed without its ending, such as `/desks/world/feed`.
    pub path: String,
    /// BCP 47 language tag, if all entries are in one.
    pub language: Option<String>,
    /// The hub that tells subscribers of news (`WebSub`), if there is one.
    pub hub: Option<&'a str>,
    /// Who serves it.
    pub origin: &'a Origin,
    /// Newest first.
    pub entries: Vec<FeedEntry>,
}

/// One entry of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// An IRI that is never another's, and stays the same however the entry changes.
    pub id: String,
    /// A headline, with what must be known first.
    pub title: String,
    /// Where it can be read.
    pub address: String,
    /// When readers first saw it.
    pub published: Timestamp,
    /// When it last changed in a way worth a reader's while.
    pub updated: Timestamp,
    /// It in short, as text. Empty if there is nothing shorter.
    pub summary: String,
    /// It as HTML.
    pub html: String,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Subject tags.
    pub tags: Vec<String>,
    /// BCP 47 language tag.
    pub language: Option<String>,
    /// Where its story stands.
    pub status: Status,
}

/// A form of feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedFormat {
    /// Atom.
    Atom,
    /// RSS 2.0.
    Rss,
    /// JSON Feed 1.1.
    Json,
}

impl FeedFormat {
    /// Every format, in the order above.
    pub const ALL: [Self; 3] = [Self::Atom, Self::Rss, Self::Json];

    /// Returns the format's name, which ends the address of a feed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Atom => "atom",
            Self::Rss => "rss",
            Self::Json => "json",
        }
    }

    /// Returns the media type of what [`FeedFormat::write`] returns; it is UTF-8 in all of them.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml",
            Self::Rss => "application/rss+xml",
            Self::Json => "application/feed+json",
        }
    }

    /// Returns `feed` in this format.
    pub fn write(self, feed: &Feed<'_>) -> String {
        match self {
            Self::Atom => atom::write(feed),
            Self::Rss => rss::write(feed),
            Self::Json => json::write(feed),
        }
    }
}

impl FromStr for FeedFormat {
    type Err = IdentityError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.as_str() == given).ok_or_else(|| IdentityError {
            what: "feed",
            given: given.chars().take(80).collect(),
            rule: "one of atom rss json",
        })
    }
}

impl Feed<'_> {
    /// Returns the address of the feed in `format`.
    pub fn address(&self, format: FeedFormat) -> String {
        format!("{}{}.{}", self.origin.root(), self.path, format.as_str())
    }

    /// Returns the address of the page for the same.
    pub fn page_address(&self) -> String {
        format!("{}{}", self.origin.root(), self.page)
    }

    /// Returns when an entry last changed in a way worth a reader's while; of a feed without entries the
    /// beginning of Unix time, so that it does not seem to change.
    pub fn updated(&self) -> Timestamp {
        self.entries.iter().map(|entry| entry.updated).max().unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn name(&self) -> String {
        format!("{} \u{b7} {}", self.title, self.origin.provider)
    }
}
