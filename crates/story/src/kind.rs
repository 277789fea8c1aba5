//! Kinds of update, statuses of a story, and levels of significance.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::identity::IdentityError;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the word for it in every format.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = IdentityError;

            fn from_str(given: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|one| one.as_str() == given)
                    .ok_or_else(|| IdentityError::new($what, given, concat!("one of" $(, " ", $word)+)))
            }
        }
    };
}

pub(crate) use words;

words!(
    /// What an update is, in the words of the news agencies.
    Kind, "kind", {
        /// First word of news: may be a headline alone.
        Alert = "alert",
        /// The story goes on.
        Update = "update",
        /// A fact was wrong: says what, where, and who approved.
        Correction = "correction",
        /// A fact was right but could be misread.
        Clarification = "clarification",
        /// Fixes form, not fact.
        Refile = "refile",
        /// A word to editors about the story.
        Advisory = "advisory",
        /// Hold: do not use until released.
        Withhold = "withhold",
        /// A held story may be used.
        Release = "release",
        /// Do not use, ever.
        Kill = "kill",
        /// Removed for legal reasons.
        Takedown = "takedown",
        /// Removed quietly.
        Unpublish = "unpublish",
        /// A killed, taken-down or unpublished story comes back.
        Restore = "restore",
        /// Words were taken out of the record, or something was said about them.
        Redaction = "redaction",
        /// An embargo was set, changed or lifted.
        Embargo = "embargo",
    }
);

impl Kind {
    /// Returns whether copy is filed as this kind; the others are acts on the story.
    pub const fn is_for_copy(self) -> bool {
        matches!(
            self,
            Self::Alert
                | Self::Update
                | Self::Correction
                | Self::Clarification
                | Self::Refile
                | Self::Advisory
        )
    }

    /// Returns whether an update of this kind calls back what readers have: it names every revision
    /// that must not be used any more, and goes to everyone who got one.
    pub const fn recalls(self) -> bool {
        matches!(self, Self::Withhold | Self::Kill | Self::Takedown | Self::Correction | Self::Redaction)
    }

    /// Returns whether an update of this kind speaks of text that readers have: it fixes it, so
    /// there must be some.
    pub const fn amends(self) -> bool {
        matches!(self, Self::Correction | Self::Clarification | Self::Refile)
    }
}

words!(
    /// Where a story stands.
    Status, "status", {
        /// Nothing of it is public yet.
        Draft = "draft",
        /// Ready, and public at a stated time; secret until then.
        Embargoed = "embargoed",
        /// To be released at a stated time.
        Scheduled = "scheduled",
        /// Public.
        Usable = "usable",
        /// Held.
        Withheld = "withheld",
        /// Killed: an end, left only by a restore.
        Killed = "killed",
        /// Taken down for legal reasons: an end, left only by a restore.
        Takendown = "takendown",
    }
);

words!(
    /// How much a change matters to a reader.
    Level, "significance level", {
        /// No change of meaning can be seen.
        Minor = "minor",
        /// Worth knowing.
        Notable = "notable",
        /// Facts changed.
        Substantive = "substantive",
    }
);
