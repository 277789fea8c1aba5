//! News made up by rule: an article and a live blog, each with a handful of human edits.
//!
//! Deterministic, so that sizes can be promised and times compared.

use std::sync::Arc;

use writethru_story::{Article, BlockKind, CopyBlock, Text, carry_ids};

const WORDS: &[&str] = &[
    "officials",
    "said",
    "talks",
    "would",
    "resume",
    "on",
    "the",
    "border",
    "after",
    "two",
    "days",
    "of",
    "fighting",
    "near",
    "a",
    "crossing",
    "used",
    "by",
    "aid",
    "convoys",
    "and",
    "families",
    "who",
    "had",
    "fled",
    "earlier",
    "this",
    "week",
    "while",
    "mediators",
    "pressed",
    "both",
    "sides",
    "to",
    "accept",
    "terms",
    "drafted",
    "in",
    "spring",
    "ministers",
    "declined",
    "comment",
    "but",
    "diplomats",
    "described",
    "progress",
    "as",
    "slow",
    "hospitals",
    "reported",
    "shortages",
    "fuel",
    "engineers",
    "restored",
    "power",
    "for",
    "several",
    "districts",
    "residents",
    "queued",
    "at",
    "bakeries",
    "before",
    "dawn",
    "markets",
    "reopened",
    "with",
    "guards",
    "posted",
    "along",
    "main",
    "roads",
    "analysts",
    "warned",
    "that",
];

/// Two states of a story: the second as a CMS sends it, without ids.
pub(crate) struct Pair {
    pub(crate) before: Article,
    pub(crate) copy: Vec<CopyBlock>,
}

impl Pair {
    /// Returns the pair with these paragraphs.
    pub(crate) fn of_texts<T: AsRef<str>>(before: &[T], after: &[T]) -> Self {
        let (blocks, _) = carry_ids(&[], &copy(before), 0);
        Self { before: Article { blocks, ..Article::default() }, copy: copy(after) }
    }

    /// Returns the second state, with ids.
    pub(crate) fn carried(&self) -> Article {
        let minted = self.before.blocks.len() as u64;
        let (blocks, _) = carry_ids(&self.before.blocks, &self.copy, minted);
        Article { fields: self.before.fields.clone(), blocks }
    }
}

fn copy<T: AsRef<str>>(texts: &[T]) -> Vec<CopyBlock> {
    let block = |text: &T| CopyBlock {
        id: None,
        kind: BlockKind::Paragraph,
        text: Text::uncut(text.as_ref()),
        marks: Arc::default(),
    };
    texts.iter().map(block).collect()
}

/// Returns `count` paragraphs of about `words` words each.
fn paragraphs(count: usize, words: usize) -> Vec<String> {
    let mut state = 0x2545_f491_u32;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % bound
    };
    let mut sentence = |length: usize| {
        let mut sentence = String::new();
        for place in 0..length {
            let word = if next(24) == 0 {
                (next(900) + 100).to_string()
            } else {
                WORDS[next(WORDS.len())].to_owned()
            };
            match place {
                0 => sentence.push_str(&(word[..1].to_uppercase() + &word[1..])),
                _ => sentence.extend([" ", &word]),
            }
        }
        sentence + "."
    };
    let paragraph = |number: usize| {
        let length = words - 3 + number % 7;
        format!("{} {}", sentence(length / 2), sentence(length - length / 2))
    };
    (0..count).map(paragraph).collect()
}

/// Replaces the `place`th word, which may be the last of a sentence.
fn reword(text: &str, place: usize, word: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    words[place] = word;
    words.join(" ")
}

/// An article of 18 blocks and some 820 words: a spelling, two facts, a new and a moved paragraph.
pub(crate) fn article() -> Pair {
    let before = paragraphs(18, 46);
    let mut after = before.clone();
    after[3] = reword(&after[3], 9, "organised");
    after[1] = reword(&after[1], 5, "seventeen");
    after[8] = reword(&after[8], 20, "denied");
    let moved = after.remove(14);
    after.insert(5, moved);
    after.insert(
        10,
        "The ministry later said that the crossing had been closed until further notice.".to_owned(),
    );
    Pair::of_texts(&before, &after)
}

/// A live blog of 262 blocks and some 10,000 words: three blocks on top, a number, a slip of the
/// pen, a moved paragraph.
pub(crate) fn live_blog() -> Pair {
    let before = paragraphs(262, 38);
    let mut after = before.clone();
    after[40] = reword(&after[40], 7, "214");
    after[120] = reword(&after[120], 11, "ministres");
    let moved = after.remove(200);
    after.insert(90, moved);
    let top = [
        "A second convoy has crossed, the aid agency says.",
        "The first pictures from the crossing are in.",
        "We are pausing our live coverage for the night.",
    ];
    after.splice(0..0, top.map(str::to_owned));
    Pair::of_texts(&before, &after)
}

/// The article with three words in five paragraphs of eight changed, two replaced, two swapped.
pub(crate) fn rewrite() -> Pair {
    let before = paragraphs(18, 46);
    let mut after = before.clone();
    for (place, text) in after.iter_mut().enumerate().filter(|(place, _)| place % 8 < 5) {
        for word in (2 + place % 5..40).step_by(4) {
            *text = reword(text, word, "meanwhile");
        }
    }
    after[7] =
        String::from("Schools in the capital will stay shut until Monday, the mayor told a news conference.");
    after[15] = String::from("None of the claims could be checked independently.");
    after.swap(5, 13);
    Pair::of_texts(&before, &after)
}
