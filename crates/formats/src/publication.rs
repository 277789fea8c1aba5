//! An article as the world's own formats say it: ninjs 3.0, NewsML-G2 2.35, schema.org JSON-LD and
//! plain text.
//!
//! Pure: what an article does not say of itself comes in an [`Edition`]. What is written is valid
//! whatever the article holds; a character that XML forbids becomes U+FFFD. It never decides who
//! may see what: an edition holds what its reader may know.
//!
//! What each standard has a place for:
//!
//! | ours | ninjs 3.0 | NewsML-G2 | JSON-LD |
//! |---|---|---|---|
//! | story | `uri` | `@guid` | `@id` |
//! | revision | `version` | `@version` | `version` |
//! | headline, summary | `headlines`, `descriptions` | `headline`, `description` | `headline`, `description` |
//! | body with mark-up | `bodies` (`text/html`) | `inlineXML` (XHTML) | - |
//! | body as text | `bodies` (`text/plain`) | - | `articleBody` |
//! | bylines | `by`, and one by one `infoSources` (role `author`) | `by`, `creator` | `author` |
//! | dateline | `located` | `dateline` | `dateline` |
//! | slug, tags, urgency | `slugline`, `subjects`, `urgency` | the same | -, `keywords`, - |
//! | links | `objects` (rel `seeAlso`) | `link` (`irel:seeAlso`) | `relatedLink` |
//! | killed, taken down | `pubStatus` canceled | `stat:canceled` | `creativeWorkStatus` |
//! | withheld; not public yet, and until when not known | withheld | `stat:withheld` | `creativeWorkStatus` |
//! | not public yet, and until when known | usable, `embargoedUntil` | `stat:usable`, `embargoed` | - |
//! | kind, public note, what a correction put right, note for editors | `edNote` | `signal`, `edNote` | `correction` |
//! | hash, item at the source | `altIds` | `altId`, `link` (`irel:derivedFrom`) | - |
//! | times of live entries | in the HTML (`time`) | in the XHTML (`time`) | `liveBlogUpdate` |

mod body;
mod difference;
mod jsonld;
mod newsml_g2;
mod ninjs;
mod reader;
mod text;
mod xml;

use std::str::FromStr;

use jiff::Timestamp;
use story::{BlockId, IdentityError, Kind, Revision, Status, StoryId};
use wire::ArticleView;

use crate::lead_in::{self, LeadIn, PubStatus};
use crate::source::Source;

pub use difference::{Aloud, difference_html, reason_words};
pub use jsonld::jsonld;
pub use newsml_g2::newsml_g2;
pub use ninjs::ninjs;
pub use reader::{reader_html, shown_time};
pub use text::text;

/// An article with what a standard says of it beyond its words.
#[derive(Debug, Clone, Copy)]
pub struct Edition<'a> {
    /// The article, as its reader may see it.
    pub article: &'a ArticleView,
    /// When the story began.
    pub created: Timestamp,
    /// When readers first saw the story.
    pub first_published: Option<Timestamp>,
    /// Until when it must not be used, where its reader may know.
    pub embargoed_until: Option<Timestamp>,
    /// The public note of this revision. Empty if none.
    pub note: &'a str,
    /// Corrections and clarifications so far, oldest first.
    pub corrections: &'a [PublicCorrection],
    /// Times of the blocks that are entries of a live blog.
    pub entries: &'a [EntryTimes],
    /// The item that the story came from.
    pub source: Option<&'a Source>,
    /// Who serves it.
    pub origin: &'a Origin,
}

/// A correction or clarification that readers were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicCorrection {
    /// The revision that made it.
    pub revision: Revision,
    /// Which of the two it is.
    pub kind: Kind,
    /// When readers could see it.
    pub published: Timestamp,
    /// The public note.
    pub note: String,
    /// What was wrong. Empty if not stated.
    pub what: String,
    /// Where it stood. Empty if not stated.
    pub place: String,
}

/// When one entry of a live blog was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryTimes {
    /// The entry.
    pub block: BlockId,
    /// When readers first saw it.
    pub published: Timestamp,
    /// When it last changed.
    pub modified: Timestamp,
    /// When it last changed in a way worth a reader's while.
    pub significant: Timestamp,
}

/// Who serves an article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Public address of the service, such as `https://news.example`: the beginning of every
    /// `uri` and `guid`, so it must stay the same for as long as receivers keep items.
    pub base: String,
    /// Name of the publisher.
    pub provider: String,
}

/// A form that an article can be had in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutFormat {
    /// The service's own JSON.
    Json,
    /// Plain text, for a terminal or an e-mail.
    Text,
    /// IPTC ninjs 3.0.
    Ninjs,
    /// IPTC NewsML-G2 2.35.
    NewsmlG2,
    /// schema.org `NewsArticle` or `LiveBlogPosting`.
    Jsonld,
}

impl OutFormat {
    /// Every format, in the order above.
    pub const ALL: [Self; 5] = [Self::Json, Self::Text, Self::Ninjs, Self::NewsmlG2, Self::Jsonld];

    /// Returns the format's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
            Self::Ninjs => "ninjs",
            Self::NewsmlG2 => "newsml-g2",
            Self::Jsonld => "jsonld",
        }
    }

    /// Returns the media type of what [`OutFormat::write`] returns; it is UTF-8 in all of them.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
            Self::Ninjs => "application/vnd.iptc.ninjs+json",
            Self::NewsmlG2 => "application/vnd.iptc.g2.newsitem+xml",
            Self::Jsonld => "application/ld+json",
        }
    }

    /// Returns `edition` in this format.
    pub fn write(self, edition: &Edition<'_>) -> String {
        match self {
            Self::Json => serde_json::to_string(edition.article).expect("an article view is legal JSON"),
            Self::Text => text(edition),
            Self::Ninjs => ninjs(edition),
            Self::NewsmlG2 => newsml_g2(edition),
            Self::Jsonld => jsonld(edition),
        }
    }
}

impl FromStr for OutFormat {
    type Err = IdentityError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.as_str() == given).ok_or_else(|| IdentityError {
            what: "format",
            given: given.chars().take(80).collect(),
            rule: "one of json text ninjs newsml-g2 jsonld",
        })
    }
}

impl Origin {
    /// Returns the address of `story`: the same for all its revisions.
    pub fn address(&self, story: StoryId) -> String {
        format!("{}/v1/stories/{story}", self.root())
    }

    /// Returns the address of the page of `story` for readers, which no change of its slug changes.
    pub fn page(&self, story: StoryId) -> String {
        format!("{}/stories/{story}", self.root())
    }

    /// Returns the beginning of every address, without a slash at its end.
    pub fn root(&self) -> String {
        printable(self.base.trim_end_matches('/'))
    }
}

impl Edition<'_> {
    /// Returns whether the article may be used, as ninjs and NewsML-G2 say it.
    fn pub_status(&self) -> PubStatus {
        match self.article.status {
            Status::Usable => PubStatus::Usable,
            Status::Draft | Status::Embargoed | Status::Scheduled if self.embargoed_until.is_some() => {
                PubStatus::Usable
            }
            Status::Draft | Status::Embargoed | Status::Scheduled | Status::Withheld => PubStatus::Withheld,
            Status::Killed | Status::Takendown => PubStatus::Canceled,
        }
    }

    /// Returns the note for editors, with what the update is at its beginning.
    fn ed_note(&self) -> String {
        let here = |correction: &&PublicCorrection| correction.revision == self.article.revision;
        let correction = self.corrections.iter().find(here);
        lead_in::write(LeadIn {
            kind: self.article.kind,
            note: self.note,
            what: correction.map_or("", |correction| &correction.what),
            place: correction.map_or("", |correction| &correction.place),
            ed_note: self.article.ed_note.as_deref().unwrap_or_default(),
        })
    }

    fn byline(&self) -> Option<String> {
        let bylines = &self.article.bylines;
        (!bylines.is_empty()).then(|| printable(&bylines.join(", ")))
    }
}

impl PublicCorrection {
    /// Returns what it says to readers.
    fn words(&self) -> String {
        let words = if self.note.is_empty() { &self.what } else { &self.note };
        printable(words)
    }

    /// Returns all that it says: the note, and what was wrong and where it stood.
    fn whole(&self) -> String {
        let labelled = [("", &self.note), ("Was wrong: ", &self.what), ("Where: ", &self.place)];
        let said = labelled.into_iter().filter(|(_, text)| !text.is_empty());
        let lines: Vec<String> = said.map(|(label, text)| format!("{label}{text}")).collect();
        printable(&lines.join("\n"))
    }
}

/// Returns `link`, which is an address, a space and a title, as its two parts; `None` if it is no
/// address, as where its words have been erased.
fn link_parts(link: &str) -> Option<(&str, Option<&str>)> {
    let (address, title) =
        link.split_once(' ').map_or((link, None), |(address, title)| (address, Some(title)));
    let is_address = ["http://", "https://"]
        .into_iter()
        .any(|scheme| address.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)));
    is_address.then_some((address, title))
}

/// Returns `text` with the characters that XML 1.0 forbids (section 2.2), and other controls but
/// line breaks, replaced: kept words hold none, a view from elsewhere may.
pub(crate) fn printable(text: &str) -> String {
    let is_legal = |c: char| c == '\n' || !(c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'));
    text.chars().map(|c| if is_legal(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}
