//! Random articles and random edits of them, of the sort that breaks diffs.
//!
//! The same seed always gives the same articles.

use std::sync::Arc;

use writethru_story::{Article, Block, BlockId, BlockKind, Field, Fields, Mark, MarkKind, Text};

/// Pieces that texts are made of: characters that belong together, that look alike, that are
/// escaped in JSON, or that are seen nowhere.
const PIECES: &[&str] = &[
    " ",
    " ",
    " ",
    " ",
    ". ",
    ", ",
    "the",
    "a",
    "killed",
    "not",
    "said",
    "3.5",
    "1,200",
    "10:30",
    "don't",
    "don\u{2019}t",
    "$",
    "%",
    "-",
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\u{0}",
    "\u{1f}",
    "/",
    "~",
    "_",
    "\u{e9}",
    "e\u{301}",
    "\u{301}",
    "\u{308}\u{304}",
    "👩\u{200d}👩\u{200d}👧\u{200d}👦",
    "👩",
    "\u{200d}",
    "👍🏽",
    "👍",
    "🏽",
    "🇩🇪",
    "🇫",
    "🇷",
    "🇯🇵🇫",
    "❤\u{fe0f}",
    "\u{fe0f}",
    "한국",
    "ᄒ",
    "ᅡ",
    "ᆫ",
    "क्",
    "ष",
    "हिन्दी",
    "\u{94d}",
    "ি",
    "க்ஷ",
    "ไทย",
    "ำ",
    "周",
    "报",
    "、",
    "日本",
    "カ\u{3099}",
    "שלום",
    "\u{5b8}",
    "سلام",
    "\u{202e}",
    "\u{2066}",
    "\u{600}",
    "\u{70f}",
    "\u{feff}",
    "\u{200b}",
    "\u{a0}",
    "\u{2028}",
    "𝒜",
    "\u{1d165}",
    "\u{e0100}",
    "ß",
    "İ",
    "ﬁ",
    "\u{10ffff}",
];

/// A source of random choices: `SplitMix64`.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`, which is at least 1.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("it is below a usize")
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn text(&mut self) -> String {
        let pieces = if self.one_in(20) { 0 } else { self.below(24) };
        // Few sorts of pieces make texts that are alike, many make texts that are wild.
        let sorts = if self.one_in(2) { 6 + self.below(6) } else { PIECES.len() };
        (0..pieces).map(|_| PIECES[self.below(sorts)]).collect()
    }

    /// Returns an article of a few blocks, some of them the same.
    pub(crate) fn article(&mut self) -> Article {
        let mut article = Article::default();
        for number in 1..=self.below(9) as u64 {
            let text = match article.blocks.last() {
                Some(last) if self.one_in(8) => last.text.as_str().to_owned(),
                _ => self.text(),
            };
            let block = self.block(BlockId::minted(number), text);
            article.blocks.push(block);
        }
        for field in Field::ALL {
            if self.one_in(3) {
                self.set(&mut article.fields, field);
            }
        }
        article
    }

    fn block(&mut self, id: BlockId, text: String) -> Arc<Block> {
        let kind = if self.one_in(6) { *self.pick(&BlockKind::ALL) } else { BlockKind::Paragraph };
        let marks = self.marks(&text);
        Arc::new(Block { id, kind, text: Text::uncut(text), marks })
    }

    fn marks(&mut self, text: &str) -> Arc<[Mark]> {
        if text.is_empty() || !self.one_in(6) {
            return Arc::default();
        }
        let start = self.edge(text);
        let end = text.len() - self.edge(&text[start..]).min(text.len() - start);
        let end = (end..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
        let number = |at: usize| u32::try_from(at).expect("a short text");
        let (kind, href) = (MarkKind::A, Some("https://example.org/".to_owned()));
        let mark = Mark { start: number(start.min(end)), end: number(end), kind, href };
        Arc::from([mark])
    }

    /// Returns a place between two characters of `text`, anywhere in a grapheme cluster.
    fn edge(&mut self, text: &str) -> usize {
        let edges: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        *self.pick(&edges)
    }

    fn set(&mut self, fields: &mut Fields, field: Field) {
        let values: Vec<String> = if field.is_list() {
            (0..self.below(4)).map(|_| self.text()).collect()
        } else {
            vec![self.text()]
        };
        let values = values.iter().map(|value| Some(value.as_str()));
        fields.set(field, Text::from_values(values));
    }

    /// Returns `before` after some edits: blocks gone, come, moved, split, joined, changed.
    pub(crate) fn edited(&mut self, before: &Article) -> Article {
        let mut article = before.clone();
        let mut minted = 100;
        for _ in 0..=self.below(6) {
            self.edit(&mut article, &mut minted);
        }
        article
    }

    fn edit(&mut self, article: &mut Article, minted: &mut u64) {
        *minted += 1;
        let id = BlockId::minted(*minted);
        let count = article.blocks.len();
        if count == 0 || self.one_in(8) {
            let (at, text) = (self.below(count + 1), self.text());
            let block = self.block(id, text);
            return article.blocks.insert(at, block);
        }
        let at = self.below(count);
        match self.below(10) {
            0 => drop(article.blocks.remove(at)),
            1 | 2 => {
                let block = article.blocks.remove(at);
                let to = self.below(count);
                article.blocks.insert(to, block);
            }
            3 => {
                let text = article.blocks[at].text.as_str().to_owned();
                let edge = self.edge(&text);
                article.blocks[at] = self.block(article.blocks[at].id.clone(), text[..edge].to_owned());
                let rest = self.block(id, text[edge..].to_owned());
                article.blocks.insert(at + 1, rest);
            }
            4 if at + 1 < count => {
                let next = article.blocks.remove(at + 1);
                let text = format!("{} {}", article.blocks[at].text.as_str(), next.text.as_str());
                article.blocks[at] = self.block(article.blocks[at].id.clone(), text);
            }
            5 => {
                let text = self.text();
                article.blocks[at] = self.block(article.blocks[at].id.clone(), text);
            }
            6 => {
                let field = *self.pick(&Field::ALL);
                self.set(&mut article.fields, field);
            }
            7 => {
                let copy = Block { id, ..Block::clone(&article.blocks[at]) };
                let to = self.below(count + 1);
                article.blocks.insert(to, Arc::new(copy));
            }
            _ => {
                let text = self.respliced(article.blocks[at].text.as_str());
                article.blocks[at] = self.block(article.blocks[at].id.clone(), text);
            }
        }
    }

    /// Returns `text` with a few stretches taken out or put in, grapheme clusters cut or not.
    fn respliced(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..=self.below(3) {
            let from = self.edge(&text);
            let width = self.edge(&text[from..]).min(12);
            let to = (from + width..=text.len()).find(|to| text.is_char_boundary(*to)).unwrap_or(from);
            let come = if self.one_in(3) { "" } else { *self.pick(PIECES) };
            text.replace_range(from..to, come);
        }
        text
    }
}
