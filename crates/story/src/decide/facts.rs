//! What a refile and a clarification may not touch: facts that readers have.

use crate::aggregate::Story;
use crate::article::Article;
use crate::decide::Refusal;
use crate::diff::diff;
use crate::kind::Kind;
use crate::significance::{Code, Reason, assess};

/// Refuses a refile that changes a number, name, quotation or negation, and a clarification that
/// changes or takes out one that readers have.
pub(super) fn check_facts(story: &Story, kind: Kind, after: &Article) -> Result<(), Refusal> {
    if !matches!(kind, Kind::Refile | Kind::Clarification) {
        return Ok(());
    }
    let Some(published) = &story.published else { return Ok(()) };
    let (before, after) = (&published.article, after.public());
    let significance = assess(before, &after, &diff(before, &after), None);
    let changed = significance.reasons.iter().find(|reason| touches(kind, reason, before, &after));
    changed.map_or(Ok(()), |reason| Err(Refusal::FactChanged { kind, reason: Box::new(reason.clone()) }))
}

fn touches(kind: Kind, reason: &Reason, before: &Article, after: &Article) -> bool {
    let is_new = reason.old.is_none();
    match reason.code {
        Code::Number | Code::Name | Code::Quote | Code::Negation => kind == Kind::Refile || !is_new,
        // A sentence that came or went is form where its words stand elsewhere: split, joined, moved.
        Code::Added => {
            kind == Kind::Refile && reason.new.as_deref().is_some_and(|words| states(words, before))
        }
        Code::Removed => reason.old.as_deref().is_some_and(|words| states(words, after)),
        _ => false,
    }
}

/// Returns whether `words`, which `other` does not say, hold a number or a quotation.
fn states(words: &str, other: &Article) -> bool {
    let marked =
        words.chars().any(|c| c.is_numeric() || matches!(c, '"' | '\u{201C}' | '\u{201D}' | '\u{AB}'));
    marked && !other.blocks.iter().any(|block| block.text.as_str().contains(words))
}
