//! What every page has around it, and how times, kinds and levels are told to readers.

use formats::feed::FeedFormat;
use formats::publication::shown_time;
use jiff::Timestamp;
use story::{Kind, Level, Status};
use wire::{Problem, ProblemKind};

use super::assets::{ICON, SCRIPT, STYLE};
use crate::gateway::Gateway;
use crate::http::reply::Refused;

/// What is around a page.
#[derive(Debug)]
pub(super) struct Frame {
    /// What the page is called.
    pub(super) title: String,
    /// The publisher.
    pub(super) site: String,
    /// What stands before every path: the path of the public address, usually nothing.
    pub(super) root: String,
    pub(super) style: String,
    pub(super) script: String,
    pub(super) icon: String,
    /// The page's own address, whatever it was asked for by.
    pub(super) canonical: Option<String>,
    /// Path of the feeds for the same, without an ending.
    feeds: Option<String>,
    indexed: Indexed,
}

/// Whether search engines should keep a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Indexed {
    Yes,
    No,
}

/// A feed as a page links to it.
#[derive(Debug)]
pub(super) struct FeedLink {
    pub(super) name: &'static str,
    pub(super) media_type: &'static str,
    pub(super) address: String,
}

impl Frame {
    /// Returns the frame of the page `title`.
    pub(super) fn new(gateway: &Gateway, title: &str) -> Self {
        let origin = &gateway.inner.origin;
        let base = origin.root();
        let behind_scheme = base.split_once("://").map_or(base.as_str(), |(_, rest)| rest);
        let root = behind_scheme.find('/').map_or("", |at| &behind_scheme[at..]).to_owned();
        Self {
            title: title.to_owned(),
            site: origin.provider.clone(),
            style: format!("{root}{}", STYLE.path),
            script: format!("{root}{}", SCRIPT.path),
            icon: format!("{root}{}", ICON.path),
            root,
            canonical: None,
            feeds: None,
            indexed: Indexed::Yes,
        }
    }

    /// Returns the frame of a page that is the same at `address`.
    pub(super) fn canonical(self, address: String) -> Self {
        Self { canonical: Some(address), ..self }
    }

    /// Returns the frame of a page whose feeds are at `path`, each with its ending.
    pub(super) fn fed(self, path: String) -> Self {
        Self { feeds: Some(path), ..self }
    }

    /// Returns the frame of a page that search engines should leave.
    pub(super) fn not_indexed(self) -> Self {
        Self { indexed: Indexed::No, ..self }
    }

    /// Returns whether search engines should keep the page.
    pub(super) fn is_indexed(&self) -> bool {
        self.indexed == Indexed::Yes
    }

    /// Returns the feeds for the same.
    pub(super) fn feeds(&self) -> Vec<FeedLink> {
        let link = |path: &String| {
            let root = &self.root;
            FeedFormat::ALL.map(|format| FeedLink {
                name: feed_name(format),
                media_type: format.media_type(),
                address: format!("{root}{path}.{}", format.as_str()),
            })
        };
        self.feeds.iter().flat_map(link).collect()
    }
}

const fn feed_name(format: FeedFormat) -> &'static str {
    match format {
        FeedFormat::Atom => "Atom",
        FeedFormat::Rss => "RSS",
        FeedFormat::Json => "JSON Feed",
    }
}

/// A time, for machines and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) exact: String,
    pub(super) shown: String,
}

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        Self { exact: time.to_string(), shown: shown_time(time) }
    }
}

/// Returns what an update of `kind` is called.
pub(super) const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Alert => "Alert",
        Kind::Update => "Update",
        Kind::Correction => "Correction",
        Kind::Clarification => "Clarification",
        Kind::Refile => "Small fix",
        Kind::Advisory => "Note to editors",
        Kind::Withhold => "Withheld",
        Kind::Release => "Released",
        Kind::Kill => "Killed",
        Kind::Takedown => "Taken down",
        Kind::Unpublish => "Unpublished",
        Kind::Restore => "Restored",
        Kind::Redaction => "Redaction",
        Kind::Embargo => "Embargo lifted",
    }
}

/// Returns how much a change matters, in words.
pub(super) const fn level_name(level: Level) -> &'static str {
    match level {
        Level::Minor => "minor",
        Level::Notable => "notable",
        Level::Substantive => "substantive",
    }
}

/// Returns what readers are told of a story that was taken from them: a title and a sentence.
pub(super) const fn taken(status: Status) -> Option<(&'static str, &'static str)> {
    Some(match status {
        Status::Usable => return None,
        Status::Withheld => (
            "This story is withheld",
            "It is being checked. Do not rely on earlier versions of it until it is released.",
        ),
        Status::Killed => {
            ("This story was killed", "It should not have been published. Do not rely on any version of it.")
        }
        Status::Takendown => ("This story was taken down", "It was removed for legal reasons."),
        Status::Draft | Status::Embargoed | Status::Scheduled => {
            ("This story is not available", "It is not published here now.")
        }
    })
}

/// Returns the direction of a language's script.
pub(super) fn direction(language: &str) -> &'static str {
    let primary = language.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let right_to_left = ["ar", "arc", "ckb", "dv", "fa", "he", "khw", "ks", "ps", "sd", "ug", "ur", "yi"];
    if right_to_left.contains(&primary.as_str()) { "rtl" } else { "ltr" }
}

/// Returns `text` as a part of a path (RFC 3986).
pub(super) fn in_path(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
            path.extend(['%', digit(byte >> 4), digit(byte)]);
        }
    }
    path
}

/// Returns the refusal of a page that is not there, or not public.
pub(super) fn nothing_here() -> Refused {
    Refused(Problem::new(ProblemKind::NotFound, "there is nothing here that is public"))
}

/// Returns the refusal of a page that could not be written.
pub(super) fn not_written(error: &askama::Error) -> Refused {
    tracing::error!(%error, "A page could not be written");
    Refused(Problem::new(ProblemKind::Internal, "a page could not be written"))
}
