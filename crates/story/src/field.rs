//! Fields: everything of an article that is not its body.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::identity::IdentityError;
use crate::text::Text;

/// A part of an article beside its body. The order is the order of hashing and of `set` ops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The working name of the story.
    Slug,
    /// The headline: required for publication.
    Headline,
    /// The standfirst or abstract.
    Summary,
    /// Who wrote it, one value a name.
    Bylines,
    /// Where and when it was filed from, such as `CAIRO, 19 Nov`.
    Dateline,
    /// BCP 47 language tag.
    Language,
    /// Subject tags, one value each.
    Tags,
    /// Related links, one value each: a URL, a space, a title.
    Links,
    /// IPTC urgency, `1` (flash) to `9`.
    Urgency,
    /// A note for editors, not for readers (ninjs `edNote`).
    EdNote,
    /// The ids of pinned live-blog entries, one each, the last pinned first.
    Pinned,
    /// Where the copy came from, not for readers: the item's identity at its source, its version
    /// there and when that version was made, as far as they are known (`-` where not).
    Source,
}

impl Field {
    /// Every field, in order.
    pub const ALL: [Self; 12] = [
        Self::Slug,
        Self::Headline,
        Self::Summary,
        Self::Bylines,
        Self::Dateline,
        Self::Language,
        Self::Tags,
        Self::Links,
        Self::Urgency,
        Self::EdNote,
        Self::Pinned,
        Self::Source,
    ];

    /// Returns the field's name in every format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slug => "slug",
            Self::Headline => "headline",
            Self::Summary => "summary",
            Self::Bylines => "bylines",
            Self::Dateline => "dateline",
            Self::Language => "language",
            Self::Tags => "tags",
            Self::Links => "links",
            Self::Urgency => "urgency",
            Self::EdNote => "ed_note",
            Self::Pinned => "pinned",
            Self::Source => "source",
        }
    }

    /// Returns whether the field is a list, each value of its text one item.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::Bylines | Self::Tags | Self::Links | Self::Pinned | Self::Source)
    }

    /// Returns whether readers may see the field: every one but the editor's note and the source.
    pub const fn is_public(self) -> bool {
        !matches!(self, Self::EdNote | Self::Source)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Field {
    type Err = IdentityError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|field| field.as_str() == given).ok_or_else(|| {
            IdentityError::new("field", given, "one of the article's fields, such as headline")
        })
    }
}

/// The text of every field; an absent field is an empty text.
///
/// Two lists with the same words but other item borders differ, unlike two [`Text`]s.
/// Cloning costs one reference count.
#[derive(Debug, Clone, Default)]
pub struct Fields(Arc<[Text; Field::ALL.len()]>);

impl Fields {
    /// Returns the text of `field`, empty if it is absent.
    pub fn get(&self, field: Field) -> &Text {
        &self.0[field as usize]
    }

    /// Puts `text` in place of what `field` held.
    pub fn set(&mut self, field: Field, text: Text) {
        Arc::make_mut(&mut self.0)[field as usize] = text;
    }

    /// Returns whether `field` holds the same in both, item borders of lists included.
    pub fn same(&self, other: &Self, field: Field) -> bool {
        let (mine, theirs) = (self.get(field), other.get(field));
        mine == theirs && (!field.is_list() || mine.shown_values().eq(theirs.shown_values()))
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        Field::ALL.into_iter().all(|field| self.same(other, field))
    }
}

impl Eq for Fields {}
