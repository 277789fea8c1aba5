//! A block's text as values that can be put together anew: words, what stands behind them, and
//! the mark-up on them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::block::{Block, Mark};
use crate::limits::MARKS_MAX;
use crate::text::Text;

/// Most pieces that a block's marks are cut into, so that marks over a whole long text, many times
/// over, cost little.
const PIECES_MAX: usize = 4 * MARKS_MAX;

/// One value of a block's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value<'a> {
    /// Its words as they show, without the white space behind them.
    pub(super) words: &'a str,
    /// Whether the words have been erased.
    pub(super) erased: bool,
    /// The white space behind the words; `None` for a text's last value.
    pub(super) behind: Option<&'a str>,
    /// The white space behind the value before; `None` for a text's first value.
    pub(super) before: Option<&'a str>,
    /// Mark-up on the words, counted from their beginning, sorted.
    pub(super) marks: Vec<Mark>,
}

impl Value<'_> {
    /// Returns what makes two values the same sentence.
    pub(super) fn key(&self) -> (bool, &str) {
        (self.erased, self.words)
    }
}

/// Returns the values of `block`; a mark over several is one on each. `None` if that would be more
/// than [`PIECES_MAX`].
pub(super) fn values(block: &Block) -> Option<Vec<Value<'_>>> {
    let mut values = Vec::with_capacity(block.text.value_count());
    let mut starts = Vec::with_capacity(block.text.value_count());
    let (mut start, mut before) = (0, None);
    for (shown, value) in block.text.shown_values().zip(block.text.values()) {
        let words = shown.trim_end();
        let behind = &shown[words.len()..];
        values.push(Value {
            words,
            erased: value.is_none(),
            behind: Some(behind),
            before,
            marks: Vec::new(),
        });
        starts.push(start);
        start += shown.len();
        before = Some(behind);
    }
    if let Some(last) = values.last_mut() {
        last.behind = None;
    }
    let mut pieces = 0;
    for mark in block.marks.iter() {
        let (from, to) = (mark.start as usize, mark.end as usize);
        let first = starts.partition_point(|start| *start <= from).saturating_sub(1);
        for (value, start) in values.iter_mut().zip(&starts).skip(first).take_while(|(_, start)| **start < to)
        {
            let end = to.saturating_sub(*start).min(value.words.len());
            if let Some(mark) = clipped(mark, from.saturating_sub(*start), end) {
                value.marks.push(mark);
            }
            pieces += 1;
            if pieces > PIECES_MAX {
                return None;
            }
        }
    }
    for value in &mut values {
        value.marks.sort_unstable();
    }
    Some(values)
}

fn clipped(mark: &Mark, start: usize, end: usize) -> Option<Mark> {
    let [start, end] = [u32::try_from(start).ok()?, u32::try_from(end).ok()?];
    (start < end).then(|| Mark { start, end, ..mark.clone() })
}

/// Returns a number for each sentence of the three texts, the same for the same sentence.
pub(super) fn numbered(texts: [&[Value<'_>]; 3]) -> [Vec<u32>; 3] {
    let mut numbers = HashMap::new();
    texts.map(|values| {
        let number = |value| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(value).or_insert(next)
        };
        values.iter().map(Value::key).map(number).collect()
    })
}

/// Returns the text that `values` make, and its mark-up: two marks that meet where one value ends
/// and the next begins are one, if they do the same.
pub(super) fn joined(values: &[Value<'_>]) -> (Text, Arc<[Mark]>) {
    let mut texts: Vec<Option<String>> = Vec::with_capacity(values.len());
    let mut marks: Vec<Mark> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    for (index, value) in values.iter().enumerate() {
        let behind = values.get(index + 1).map_or("", |next| match (value.behind, next.before) {
            (Some(behind), _) => behind,
            (None, Some(before)) => before,
            (None, None) => " ",
        });
        let behind = if value.erased { "" } else { behind };
        let ends: Vec<usize> = std::mem::take(&mut open);
        for mark in &value.marks {
            let same = |other: &&usize| marks[**other].kind == mark.kind && marks[**other].href == mark.href;
            let continued = ends.iter().find(same).copied().filter(|_| mark.start == 0);
            let place = continued.unwrap_or(marks.len());
            if continued.is_none() {
                marks.push(Mark { start: at + mark.start, ..mark.clone() });
            }
            marks[place].end = at + mark.end;
            if mark.end as usize == value.words.len() {
                open.push(place);
            }
        }
        at = at.saturating_add(u32::try_from(value.words.len() + behind.len()).unwrap_or(u32::MAX));
        texts.push((!value.erased).then(|| format!("{}{behind}", value.words)));
    }
    marks.sort_unstable();
    marks.dedup();
    (Text::from_values(texts.iter().map(Option::as_deref)), marks.into())
}
