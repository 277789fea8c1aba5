//! How much a change matters, by rules that can be explained.
//!
//! Every rule yields a reason: its code, its level, the place and the words. A change is minor only when
//! every word in it is explained by a rule of form (`typographic`, `spelling`, `variant`, `markup`) and
//! both sides state the same quantities, names, denials, words of doubt and quotations; whatever no rule
//! explains is at least notable. The rules know words and shapes, not meaning: they judge no truth, and
//! never call a change a correction.

mod assessment;
mod change;
mod comparison;
mod fold;
mod language;
mod lexeme;
mod lexicon;
mod piece;
mod quantity;
mod quoted;
mod shared;
mod spelling;
mod unit;

use serde::{Deserialize, Serialize};

use crate::article::Article;
use crate::block::BlockId;
use crate::diff::Diff;
use crate::field::Field;
use crate::kind::{Kind, Level};

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
    /// The kind of the update says so, whatever was edited.
    Kind,
}

/// Version of the rules and of their tables; raised with every change of either, because the same two
/// articles must get the same answer under the same version.
pub const RULES_VERSION: u32 = 1;

/// Most reasons that one answer carries; the highest levels stay.
pub const REASONS_MAX: usize = 100;

/// Which rules a text can bear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    /// All of them, with the tables of English.
    English,
    /// Those that need no table: digits, quotation marks, links, length.
    LanguageFree,
}

/// Returns how much the change from `before` to `after` matters; `label` is an editor's word and
/// wins over the rules' level (their reasons stay).
///
/// `diff` must be the difference of the two articles: it says where to look. Deterministic under one
/// [`RULES_VERSION`]. Takes time linear in the changed texts, times a constant bound.
pub fn assess(before: &Article, after: &Article, diff: &Diff, label: Option<Level>) -> Significance {
    let mut significance = assessment::by_rules(before, after, diff);
    if let Some(level) = label {
        significance.level = level;
        significance.reasons.push(Reason::without_place(Code::Label, level));
    }
    significance
}

impl Significance {
    /// Returns how much it matters that readers lose a story by an update of `kind`. It says nothing
    /// of the words: they are what was taken away.
    pub fn of_loss(kind: Kind) -> Self {
        let level = kind.least_level().unwrap_or(Level::Minor);
        Self { level, reasons: vec![Reason::without_place(Code::Kind, level)], confidence: None }
    }

    /// Returns the significance where the update is of `kind`: one that mends a fact that readers
    /// have, or takes the story from them, is substantive whatever the rules and the label say.
    #[must_use]
    pub fn of_kind(mut self, kind: Kind) -> Self {
        if let Some(least) = kind.least_level() {
            self.level = self.level.max(least);
            self.reasons.push(Reason::without_place(Code::Kind, least));
        }
        self
    }
}

impl Reason {
    const fn without_place(code: Code, level: Level) -> Self {
        Self { code, level, block: None, field: None, old: None, new: None }
    }
}

impl Kind {
    /// Returns the level that an update of this kind has at least, by what it is.
    const fn least_level(self) -> Option<Level> {
        match self {
            Self::Correction | Self::Withhold | Self::Kill | Self::Takedown => Some(Level::Substantive),
            Self::Redaction => Some(Level::Notable),
            _ => None,
        }
    }
}

/// Returns whether a number begins with `word`: digits, or an English number word.
pub(crate) fn starts_quantity(word: &str) -> bool {
    let key = fold::key(word);
    key.starts_with(|letter: char| letter.is_ascii_digit()) || lexicon::english().numeral(&key).is_some()
}

/// Returns whether `word` behind a number belongs to it: a scale such as `million`, `percent`, or the
/// half of the day. Units of measure are words of their own to a reader.
pub(crate) fn continues_quantity(word: &str) -> bool {
    let key = fold::key(word);
    let is_scale = matches!(lexicon::english().numeral(&key), Some(lexicon::Numeral::Scale(_)));
    is_scale || matches!(&*key, "am" | "pm" | "percent" | "pct")
}

/// Returns the start of `text`, short enough for a reason; `None` if it is empty.
fn excerpt(text: &str) -> Option<String> {
    const CHARACTERS_MAX: usize = 80;
    let text = text.trim();
    match text.char_indices().nth(CHARACTERS_MAX) {
        _ if text.is_empty() => None,
        None => Some(text.to_owned()),
        Some((end, _)) => Some(format!("{}\u{2026}", text[..end].trim_end())),
    }
}
