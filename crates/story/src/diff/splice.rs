//! Differences inside one text: splices by whole words.
//!
//! A splice begins and ends between two grapheme clusters (UAX #29) of the old text, and what it
//! puts there begins and ends so in the new one: no reader can cut a character in two.

use std::collections::HashMap;

use super::Splice;
use super::align;
use super::words::{may_cut, token_end};

/// Bytes that a splice takes in JSON beside its offset and its words: `[,"",""]` and a comma behind.
const SPLICE_BYTES: usize = 9;

/// Returns the splices that take `old` to `new`: ascending, disjoint, none if the texts are equal.
///
/// They are cut at words; where they would take more JSON than one splice over all that changed,
/// it is that one. Costs O(length) and a bounded number of comparisons per word.
pub(crate) fn splices(old: &str, new: &str) -> Vec<Splice> {
    if old == new {
        return Vec::new();
    }
    let (start, tail) = frame(old, new);
    let (old_words, new_words) = (&old[start..old.len() - tail], &new[start..new.len() - tail]);
    if old_words.is_empty() || new_words.is_empty() {
        return vec![splice(start, old_words, new_words)];
    }
    let found = between(old_words, new_words);
    let cost = |splices: &[(usize, &str, &str)]| {
        splices.iter().map(|(at, old, new)| json_cost(start + at, old, new)).sum::<usize>()
    };
    if found.len() > 1 && cost(&found) >= json_cost(start, old_words, new_words) {
        return vec![splice(start, old_words, new_words)];
    }
    found.into_iter().map(|(at, old, new)| splice(start + at, old, new)).collect()
}

/// Returns `old` with `splices` applied.
///
/// # Errors
/// Says what does not fit, without quoting the text.
pub(crate) fn spliced(old: &str, splices: &[Splice]) -> Result<String, String> {
    let mut made = String::with_capacity(old.len());
    let mut from = 0;
    for Splice(at, gone, come) in splices {
        let kept = old.get(from..*at).ok_or_else(|| {
            format!("a splice at byte {at} is out of order, off a character's edge, or past the end")
        })?;
        if !old[*at..].starts_with(gone.as_str()) {
            return Err(format!("the text at byte {at} is not the one that the splice replaces"));
        }
        made.push_str(kept);
        made.push_str(come);
        from = at + gone.len();
    }
    made.push_str(&old[from..]);
    Ok(made)
}

fn splice(at: usize, old: &str, new: &str) -> Splice {
    Splice(at, old.to_owned(), new.to_owned())
}

/// Returns how many bytes both texts share at the beginning and at the end, cut between words.
fn frame(old: &str, new: &str) -> (usize, usize) {
    let mut head = common_prefix(old.as_bytes(), new.as_bytes());
    while !(may_cut(old, head) && may_cut(new, head)) {
        head -= 1;
    }
    let most = old.len().min(new.len()) - head;
    let mut tail = common_suffix(old.as_bytes(), new.as_bytes(), most);
    while !(may_cut(old, old.len() - tail) && may_cut(new, new.len() - tail)) {
        tail -= 1;
    }
    (head, tail)
}

/// Returns how many bytes both texts share at the beginning.
pub(crate) fn common_prefix(old: &[u8], new: &[u8]) -> usize {
    const STEP: usize = 32;
    let steps =
        old.chunks_exact(STEP).zip(new.chunks_exact(STEP)).take_while(|(old, new)| old == new).count();
    let from = steps * STEP;
    from + old[from..].iter().zip(&new[from..]).take_while(|(old, new)| old == new).count()
}

/// Returns how many bytes both texts share at the end, at most `most`, which neither is shorter than.
pub(crate) fn common_suffix(old: &[u8], new: &[u8], most: usize) -> usize {
    const STEP: usize = 32;
    let (old, new) = (&old[old.len() - most..], &new[new.len() - most..]);
    let steps =
        old.rchunks_exact(STEP).zip(new.rchunks_exact(STEP)).take_while(|(old, new)| old == new).count();
    let rest = most - steps * STEP;
    let last =
        old[..rest].iter().rev().zip(new[..rest].iter().rev()).take_while(|(old, new)| old == new).count();
    steps * STEP + last
}

/// Returns what changed between two stretches, offsets in the old one, with changes joined where
/// what lies between them costs less twice than a splice more.
fn between<'a>(old: &'a str, new: &'a str) -> Vec<(usize, &'a str, &'a str)> {
    let mut names = HashMap::with_capacity((old.len() + new.len()) / 8);
    let (old_edges, old_tokens) = tokens(old, &mut names);
    let (new_edges, new_tokens) = tokens(new, &mut names);
    let mut ranges: Vec<[usize; 4]> = Vec::new();
    for change in align::changes(&old_tokens, &new_tokens) {
        let next = [
            old_edges[change.old.start],
            old_edges[change.old.end],
            new_edges[change.new.start],
            new_edges[change.new.end],
        ];
        match ranges.last_mut() {
            Some(last) if 2 * json_len(&old[last[1]..next[0]]) <= SPLICE_BYTES + digits(next[0]) => {
                (last[1], last[3]) = (next[1], next[3]);
            }
            _ => ranges.push(next),
        }
    }
    ranges
        .into_iter()
        .map(|[from, to, new_from, new_to]| (from, &old[from..to], &new[new_from..new_to]))
        .collect()
}

/// Returns where each token begins, and the text's end, and a number for each token: the same for
/// the same words.
fn tokens<'a>(text: &'a str, names: &mut HashMap<&'a str, u32>) -> (Vec<usize>, Vec<u32>) {
    let mut edges = vec![0];
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = token_end(text, at);
        // Texts are far below 4 GiB, so the count of their tokens fits.
        let next = u32::try_from(names.len()).unwrap_or(u32::MAX);
        tokens.push(*names.entry(&text[at..end]).or_insert(next));
        edges.push(end);
        at = end;
    }
    (edges, tokens)
}

fn json_cost(at: usize, old: &str, new: &str) -> usize {
    SPLICE_BYTES + digits(at) + json_len(old) + json_len(new)
}

/// Returns how many bytes `text` takes inside a JSON string.
fn json_len(text: &str) -> usize {
    let escapes: usize = text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 1,
            0..0x20 => 5,
            _ => 0,
        })
        .sum();
    text.len() + escapes
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}
