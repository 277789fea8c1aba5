//! The rules over a whole article: fields, blocks, mark-up, order, and how much changed at all.

use std::collections::HashMap;
use std::sync::Arc;

use super::unit::{self, Account, Finding, Ground, Sentence, Speech};
use super::{Code, Confidence, REASONS_MAX, Reason, Rules, Significance, excerpt, language};
use crate::article::Article;
use crate::block::{Block, BlockId, BlockKind, Mark, MarkKind};
use crate::diff::{Diff, Observation, Op};
use crate::field::Field;
use crate::kind::Level;

/// How many blocks stand at the top, where order says what matters most.
const TOP_BLOCKS: usize = 3;
/// How many blocks a fact must stand in to make a sentence that came or went substantive.
const LEAD_BLOCKS: usize = 5;
/// Fewest changed bytes that can be a large change, whatever their share.
const LARGE_BYTES_MIN: usize = 200;

/// Returns the answer of the rules alone.
pub(super) fn by_rules(before: &Article, after: &Article, diff: &Diff) -> Significance {
    if is_empty(before) && !is_empty(after) {
        let first = Reason {
            code: Code::First,
            level: Level::Substantive,
            block: None,
            field: None,
            old: None,
            new: excerpt(after.headline()),
        };
        return Significance { level: first.level, reasons: vec![first], confidence: None };
    }
    let (language, rules) = language::rules_for(before, after);
    let mut assessment = Assessment::new(before, after, Ground { language, rules, speech: Speech::Running });
    for op in &diff.ops {
        assessment.take(op);
    }
    assessment.settle_sentences(&diff.observations);
    assessment.weigh();
    let is_reduced = rules == Rules::LanguageFree && !diff.ops.is_empty();
    assessment.answer(is_reduced.then_some(Confidence::Reduced))
}

fn is_empty(article: &Article) -> bool {
    article.blocks.is_empty() && Field::ALL.into_iter().all(|field| article.fields.get(field).is_empty())
}

/// Where a reason is, and its place in the order of the article.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    Field(Field),
    Block(usize, BlockId),
    Whole,
}

/// A sentence that came or went, and where.
struct Stray {
    spot: Spot,
    sentence: Sentence,
}

struct Assessment<'a> {
    before: &'a Article,
    after: &'a Article,
    old_places: HashMap<&'a BlockId, usize>,
    new_places: HashMap<&'a BlockId, usize>,
    ground: Ground<'a>,
    reasons: Vec<(Spot, Reason)>,
    added: Vec<Stray>,
    removed: Vec<Stray>,
    changed_bytes: usize,
}

impl<'a> Assessment<'a> {
    fn new(before: &'a Article, after: &'a Article, ground: Ground<'a>) -> Self {
        let places = |article: &'a Article| {
            article.blocks.iter().enumerate().map(|(place, block)| (&block.id, place)).collect()
        };
        Self {
            before,
            after,
            old_places: places(before),
            new_places: places(after),
            ground,
            reasons: Vec::new(),
            added: Vec::new(),
            removed: Vec::new(),
            changed_bytes: 0,
        }
    }

    fn old_block(&self, id: &BlockId) -> Option<(usize, &'a Arc<Block>)> {
        self.old_places.get(id).map(|place| (*place, &self.before.blocks[*place]))
    }

    fn new_block(&self, id: &BlockId) -> Option<(usize, &'a Arc<Block>)> {
        self.new_places.get(id).map(|place| (*place, &self.after.blocks[*place]))
    }

    fn take(&mut self, op: &Op) {
        match op {
            Op::Delete { block } => {
                if let Some((place, block)) = self.old_block(block) {
                    let gone = self.sentences_of(place, block);
                    self.removed.extend(gone);
                }
            }
            Op::Insert { block, .. } => {
                if let Some((place, block)) = self.new_block(block) {
                    let come = self.sentences_of(place, block);
                    self.added.extend(come);
                }
            }
            Op::Move { block, .. } => {
                if let (Some((old, _)), Some((new, _))) = (self.old_block(block), self.new_block(block)) {
                    let is_top = old < TOP_BLOCKS || new < TOP_BLOCKS;
                    let level = if is_top { Level::Notable } else { Level::Minor };
                    self.push(&Spot::Block(new, block.clone()), Code::Move, level, (None, None));
                }
            }
            Op::Edit { block, .. } => {
                if let (Some((_, old)), Some((place, new))) = (self.old_block(block), self.new_block(block)) {
                    self.edited(&Spot::Block(place, block.clone()), old, new);
                }
            }
            Op::Set { field, .. } => self.set(*field),
        }
    }

    fn push(&mut self, spot: &Spot, code: Code, level: Level, words: (Option<String>, Option<String>)) {
        let (block, field) = match spot {
            Spot::Field(field) => (None, Some(*field)),
            Spot::Block(_, id) => (Some(id.clone()), None),
            Spot::Whole => (None, None),
        };
        self.reasons.push((spot.clone(), Reason { code, level, block, field, old: words.0, new: words.1 }));
    }

    fn sentences_of(&self, place: usize, block: &Block) -> Vec<Stray> {
        let ground = Ground { speech: speech(block), ..self.ground };
        let spot = Spot::Block(place, block.id.clone());
        let mut sentences = unit::sentences(block.text.as_str(), ground);
        if sentences.is_empty() {
            // A block without words (a picture, say) still comes and goes.
            let key = format!("\u{0}{}", block.id);
            sentences.push(Sentence { key, excerpt: None, has_fact: false, bytes: 0 });
        }
        sentences.into_iter().map(|sentence| Stray { spot: spot.clone(), sentence }).collect()
    }

    /// Takes in what changed between two versions of a text at `spot`.
    fn text(&mut self, spot: &Spot, account: Account) {
        for Finding { code, level, old, new, bytes } in account.findings {
            self.changed_bytes += if level == Level::Minor { 0 } else { bytes };
            self.push(spot, code, level, (old, new));
        }
        let stray = |sentence| Stray { spot: spot.clone(), sentence };
        self.added.extend(account.added.into_iter().map(stray));
        let stray = |sentence| Stray { spot: spot.clone(), sentence };
        self.removed.extend(account.removed.into_iter().map(stray));
    }

    fn edited(&mut self, spot: &Spot, old: &Block, new: &Block) {
        if old.kind != new.kind {
            let is_quote = old.kind == BlockKind::Quote || new.kind == BlockKind::Quote;
            let (code, level) =
                if is_quote { (Code::Quote, Level::Substantive) } else { (Code::Markup, Level::Minor) };
            let name = |block: &Block| Some(block.kind.as_str().to_owned());
            self.push(spot, code, level, (name(old), name(new)));
        }
        if old.text != new.text {
            let ground = Ground { speech: speech(new), ..self.ground };
            self.text(spot, unit::account(old.text.as_str(), new.text.as_str(), ground));
        }
        self.marks(spot, old, new);
    }

    fn marks(&mut self, spot: &Spot, old: &Block, new: &Block) {
        if old.marks == new.marks && old.text == new.text {
            return;
        }
        let (old_links, new_links) = (links(old), links(new));
        if old_links != new_links {
            let differing = |mine: &[&str], theirs: &[&str]| {
                mine.iter().find(|link| !theirs.contains(link)).and_then(|link| excerpt(link))
            };
            let words = (differing(&old_links, &new_links), differing(&new_links, &old_links));
            self.push(spot, Code::Link, Level::Notable, words);
        }
        let raised =
            |block: &Block| covered(block, |mark| matches!(mark.kind, MarkKind::Sub | MarkKind::Sup));
        let has_digit =
            |covers: &[(MarkKind, String)]| covers.iter().any(|cover| cover.1.contains(char::is_numeric));
        let (old_raised, new_raised) = (raised(old), raised(new));
        if old_raised != new_raised && (has_digit(&old_raised) || has_digit(&new_raised)) {
            // `10` and a raised `2` are not `102`.
            self.push(spot, Code::Number, Level::Substantive, (None, None));
        } else if old_links == new_links && covered(old, |_| true) != covered(new, |_| true) {
            self.push(spot, Code::Markup, Level::Minor, (None, None));
        }
    }

    fn set(&mut self, field: Field) {
        let spot = Spot::Field(field);
        let (old, new) = (self.before.fields.get(field).as_str(), self.after.fields.get(field).as_str());
        let words = (excerpt(old), excerpt(new));
        match field {
            Field::Headline => {
                let account = unit::account(old, new, self.ground);
                let typographic = account.findings.iter().all(|finding| finding.code == Code::Typographic)
                    && account.added.is_empty()
                    && account.removed.is_empty();
                if !typographic {
                    self.push(&spot, Code::Headline, Level::Notable, words);
                }
                self.text(&spot, account);
            }
            Field::Summary => self.text(&spot, unit::account(old, new, self.ground)),
            Field::Bylines | Field::Dateline => {
                let looks_alike = super::fold::look_alike(old, new);
                let level = if looks_alike { Level::Minor } else { Level::Substantive };
                self.push(&spot, Code::Meta, level, words);
            }
            Field::Links => self.push(&spot, Code::Link, Level::Notable, words),
            Field::Language | Field::Urgency => self.push(&spot, Code::Meta, Level::Notable, words),
            Field::Slug | Field::Tags | Field::EdNote | Field::Pinned | Field::Source => {
                self.push(&spot, Code::Meta, Level::Minor, words);
            }
        }
    }

    /// Gives reasons for the sentences that came and went; one that went here and came there moved.
    fn settle_sentences(&mut self, observations: &[Observation]) {
        let mut gone: HashMap<String, Vec<usize>> = HashMap::new();
        let removed = std::mem::take(&mut self.removed);
        for (place, stray) in removed.iter().enumerate().rev() {
            gone.entry(stray.sentence.key.clone()).or_default().push(place);
        }
        let mut is_settled = vec![false; removed.len()];
        let mut come = Vec::new();
        for stray in std::mem::take(&mut self.added) {
            let Some(place) = gone.get_mut(&stray.sentence.key).and_then(Vec::pop) else {
                come.push(stray);
                continue;
            };
            is_settled[place] = true;
            let level = if keeps_order(&removed[place].spot, &stray.spot, observations) {
                Level::Minor
            } else {
                Level::Notable
            };
            let words = (None, stray.sentence.excerpt.clone());
            self.push_once(&stray.spot, Code::Move, level, words);
        }
        for stray in come {
            let words = (None, stray.sentence.excerpt.clone());
            self.changed_bytes += stray.sentence.bytes;
            self.push_once(&stray.spot, Code::Added, level_of(&stray), words);
        }
        let left = removed.into_iter().zip(is_settled).filter(|(_, is_settled)| !is_settled);
        for (stray, _) in left {
            let words = (stray.sentence.excerpt.clone(), None);
            self.changed_bytes += stray.sentence.bytes;
            self.push_once(&stray.spot, Code::Removed, level_of(&stray), words);
        }
    }

    /// Pushes a reason, or raises the level of the last one if that says the same of the same spot.
    fn push_once(&mut self, spot: &Spot, code: Code, level: Level, words: (Option<String>, Option<String>)) {
        match self.reasons.last_mut() {
            Some((last, reason)) if last == spot && reason.code == code => {
                if level > reason.level {
                    (reason.level, reason.old, reason.new) = (level, words.0, words.1);
                }
            }
            _ => self.push(spot, code, level, words),
        }
    }

    fn weigh(&mut self) {
        let bytes = |article: &Article| {
            let blocks: usize = article.blocks.iter().map(|block| block.text.as_str().len()).sum();
            blocks + article.headline().len() + article.fields.get(Field::Summary).as_str().len()
        };
        let total = bytes(self.before) + bytes(self.after);
        if self.changed_bytes >= LARGE_BYTES_MIN && self.changed_bytes * 4 > total {
            self.push(&Spot::Whole, Code::Large, Level::Substantive, (None, None));
        }
    }

    fn answer(mut self, confidence: Option<Confidence>) -> Significance {
        self.reasons.sort_by(|left, right| left.0.cmp(&right.0));
        let level = self.reasons.iter().map(|(_, reason)| reason.level).max().unwrap_or(Level::Minor);
        if self.reasons.len() > REASONS_MAX {
            let mut ranked: Vec<_> = self.reasons.into_iter().enumerate().collect();
            ranked.sort_by_key(|(_, (_, reason))| std::cmp::Reverse(reason.level));
            ranked.truncate(REASONS_MAX);
            ranked.sort_by_key(|(place, _)| *place);
            self.reasons = ranked.into_iter().map(|(_, reason)| reason).collect();
        }
        let reasons = self.reasons.into_iter().map(|(_, reason)| reason).collect();
        Significance { level, reasons, confidence }
    }
}

fn speech(block: &Block) -> Speech {
    if block.kind == BlockKind::Quote { Speech::Quotation } else { Speech::Running }
}

fn level_of(stray: &Stray) -> Level {
    let is_lead = match &stray.spot {
        Spot::Block(place, _) => *place < LEAD_BLOCKS,
        Spot::Field(_) | Spot::Whole => true,
    };
    if is_lead && stray.sentence.has_fact { Level::Substantive } else { Level::Notable }
}

/// Returns whether a sentence only found itself in another block because one was split or two merged.
fn keeps_order(old: &Spot, new: &Spot, observations: &[Observation]) -> bool {
    let (Spot::Block(_, old), Spot::Block(_, new)) = (old, new) else { return false };
    old != new
        && observations.iter().any(|observation| match observation {
            Observation::Split { from, into } => from == old && into.contains(new),
            Observation::Merge { from, into } => from.contains(old) && into == new,
        })
}

fn links(block: &Block) -> Vec<&str> {
    let links = block.marks.iter().filter(|mark| mark.kind == MarkKind::A);
    links.map(|mark| mark.href.as_deref().unwrap_or_default()).collect()
}

/// Returns the words under each mark that `wanted` wants.
fn covered(block: &Block, wanted: impl Fn(&Mark) -> bool) -> Vec<(MarkKind, String)> {
    let text = block.text.as_str();
    let words = |mark: &Mark| text.get(mark.start as usize..mark.end as usize).unwrap_or_default().to_owned();
    block.marks.iter().filter(|mark| wanted(mark)).map(|mark| (mark.kind, words(mark))).collect()
}
