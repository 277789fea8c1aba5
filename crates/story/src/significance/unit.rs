//! One changed text: the reasons its words give.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::change::{self, Pair, Verdict};
use super::comparison::Comparison;
use super::lexeme::{Class, Lexeme, Reading};
use super::{Code, Rules, excerpt};
use crate::alignment::{self, Hunk, Step};
use crate::kind::Level;

/// What a text is, beside its words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    /// Its BCP 47 tag, or nothing.
    pub(super) language: &'a str,
    /// The rules that it can bear.
    pub(super) rules: Rules,
    /// Whose words it holds.
    pub(super) speech: Speech,
}

/// Whose words a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    /// The desk's, but for what stands in quotation marks.
    Running,
    /// Someone else's, all of it.
    Quotation,
}

impl Ground<'_> {
    fn read<'a>(&self, text: &'a str) -> Reading<'a> {
        self.spoken(Reading::new(text, self.language, self.rules))
    }

    fn read_both<'a>(&self, old: &'a str, new: &'a str) -> (Reading<'a>, Reading<'a>) {
        let (old, new) = Reading::of_both(old, new, self.language, self.rules);
        (self.spoken(old), self.spoken(new))
    }

    fn spoken<'a>(&self, mut reading: Reading<'a>) -> Reading<'a> {
        if self.speech == Speech::Quotation {
            for lexeme in &mut reading.lexemes {
                lexeme.quoted = true;
            }
        }
        reading
    }
}

/// One rule that fired in a text, and on what words.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) code: Code,
    pub(super) level: Level,
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
    /// How many bytes went and came by it.
    pub(super) bytes: usize,
}

/// A sentence that came or went as a whole.
#[derive(Debug, Clone)]
pub(super) struct Sentence {
    /// Equal for equal sentences, whatever article part they stand in.
    pub(super) key: String,
    /// Its first words.
    pub(super) excerpt: Option<String>,
    /// Whether it states a quantity or a name, or quotes someone.
    pub(super) has_fact: bool,
    /// Its length.
    pub(super) bytes: usize,
}

/// What happened to one text.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// What changed inside sentences.
    pub(super) findings: Vec<Finding>,
    /// Sentences that came.
    pub(super) added: Vec<Sentence>,
    /// Sentences that went.
    pub(super) removed: Vec<Sentence>,
}

/// Returns what happened between two versions of one text.
///
/// Takes time linear in the two lengths, times a constant bound.
pub(super) fn account(old: &str, new: &str, ground: Ground<'_>) -> Account {
    let (mut before, mut after) = ground.read_both(old, new);
    let capitalised = before.is_capitalised() || after.is_capitalised();
    if ground.rules == Rules::English && !capitalised {
        find_names(&mut before, &mut after);
    }
    let pair = Pair { old: &before, new: &after, english: ground.rules == Rules::English, capitalised };
    let comparison = Comparison::of(pair);
    let whole = Hunk { old: 0..before.lexemes.len(), new: 0..after.lexemes.len() };
    // The text as a whole first: a stop that came or went may cut its sentences otherwise.
    if same_facts(pair) {
        let findings = judge(pair, &comparison.pairs(&whole), &whole);
        if findings.iter().all(|finding| finding.level == Level::Minor) {
            return Account { findings: or_invisible(findings), ..Account::default() };
        }
    }
    let mut account = by_sentence(pair, &comparison);
    let is_small = account.findings.iter().all(|finding| finding.level == Level::Minor);
    if is_small && account.added.is_empty() && account.removed.is_empty() {
        account.findings.push(Finding {
            code: Code::Wording,
            level: Level::Notable,
            old: excerpt(old),
            new: excerpt(new),
            bytes: 0,
        });
    }
    account
}

/// Returns `findings`, or one that says that the change is only in spaces or cannot be seen.
fn or_invisible(mut findings: Vec<Finding>) -> Vec<Finding> {
    if findings.is_empty() {
        let (code, level) = (Code::Typographic, Level::Minor);
        findings.push(Finding { code, level, old: None, new: None, bytes: 0 });
    }
    findings
}

/// Returns the sentences of a text that is new, or gone, as a whole.
pub(super) fn sentences(text: &str, ground: Ground<'_>) -> Vec<Sentence> {
    let mut reading = ground.read(text);
    if ground.rules == Rules::English && !reading.is_capitalised() {
        reading.find_names();
    }
    reading.sentences.iter().filter_map(|range| sentence(&reading, range.clone())).collect()
}

fn find_names(before: &mut Reading<'_>, after: &mut Reading<'_>) {
    before.find_names();
    after.find_names();
    let names = before.lexemes.iter().chain(&after.lexemes).filter(|lexeme| lexeme.class == Class::Name);
    let known: HashSet<&str> = names.map(|lexeme| &*lexeme.key).collect();
    let (old, new) = (before.initial_names(&known), after.initial_names(&known));
    before.name(&old);
    after.name(&new);
}

/// Returns what a sentence is known by; `None` for one of marks only.
fn sentence(reading: &Reading<'_>, range: Range<usize>) -> Option<Sentence> {
    let lexemes = &reading.lexemes[range.clone()];
    let states = |lexeme: &Lexeme<'_>| {
        matches!(lexeme.class, Class::Quantity | Class::Name | Class::QuoteMark) || lexeme.quoted
    };
    let mut key = String::new();
    for lexeme in lexemes.iter().filter(|lexeme| lexeme.class != Class::Mark) {
        key.push_str(&lexeme.key);
        key.push(' ');
    }
    let raw = reading.raw(range);
    let has_fact = lexemes.iter().any(states);
    (!key.is_empty()).then(|| Sentence { key, excerpt: excerpt(raw), bytes: raw.len(), has_fact })
}

/// Returns whether both sides state the same facts in the same order, found without aligning them:
/// the last word before a change is called minor.
fn same_facts(pair: Pair<'_>) -> bool {
    let agree = |is_one: &dyn Fn(&Lexeme<'_>) -> bool| {
        let old = pair.old.lexemes.iter().filter(|lexeme| is_one(lexeme)).map(|lexeme| &lexeme.key);
        old.eq(pair.new.lexemes.iter().filter(|lexeme| is_one(lexeme)).map(|lexeme| &lexeme.key))
    };
    [Class::Quantity, Class::Name, Class::Negation, Class::Modality]
        .into_iter()
        .all(|class| agree(&|lexeme| lexeme.class == class))
        && agree(&|lexeme| lexeme.quoted && lexeme.is_word())
}

/// Returns what changed, sentences aligned first.
fn by_sentence(pair: Pair<'_>, comparison: &Comparison) -> Account {
    let mut account = Account::default();
    for step in comparison.steps(pair) {
        match step {
            Step::Both(left, right) => {
                let within =
                    Hunk { old: pair.old.sentences[left].clone(), new: pair.new.sentences[right].clone() };
                account.findings.extend(judge(pair, &comparison.pairs(&within), &within));
            }
            Step::Old(left) => {
                account.removed.extend(sentence(pair.old, pair.old.sentences[left].clone()));
            }
            Step::New(right) => {
                account.added.extend(sentence(pair.new, pair.new.sentences[right].clone()));
            }
        }
    }
    account
}

/// Returns one finding for every rule that an unexplained change breaks, and one for each rule of form
/// that explains something.
fn judge(pair: Pair<'_>, pairs: &[(usize, usize)], within: &Hunk) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut forms: BTreeMap<u8, Finding> = BTreeMap::new();
    let mut found = |verdict: Verdict, hunk: &Hunk| {
        let (old, new) = (pair.old.raw(hunk.old.clone()), pair.new.raw(hunk.new.clone()));
        let bytes = old.len() + new.len();
        let finding =
            Finding { code: verdict.0, level: verdict.1, old: excerpt(old), new: excerpt(new), bytes };
        if finding.level == Level::Minor {
            forms.entry(finding.code as u8).or_insert(finding);
        } else if findings.last().is_none_or(|last| last.code != Code::Quote || finding.code != Code::Quote) {
            findings.push(finding);
        }
    };
    let mut unexplained: Option<Hunk> = None;
    let settled = |hunk: Option<Hunk>, found: &mut dyn FnMut(Verdict, &Hunk)| {
        if let Some(hunk) = hunk {
            for verdict in change::substance(pair, &hunk) {
                found(verdict, &hunk);
            }
        }
    };
    for hunk in alignment::hunks(pairs, within) {
        if let Some(code) = change::form(pair, &hunk) {
            found((code, Level::Minor), &hunk);
            continue;
        }
        unexplained = match unexplained.take() {
            // One word between two changes belongs to both.
            Some(last) if last.old.end + 1 >= hunk.old.start && last.new.end + 1 >= hunk.new.start => {
                Some(Hunk { old: last.old.start..hunk.old.end, new: last.new.start..hunk.new.end })
            }
            other => {
                settled(other, &mut found);
                Some(hunk)
            }
        };
    }
    settled(unexplained, &mut found);
    for (left, right) in pairs {
        if let Some(verdict) = change::rewritten(pair, *left, *right) {
            found(verdict, &Hunk { old: *left..left + 1, new: *right..right + 1 });
        }
    }
    findings.extend(forms.into_values());
    findings
}
