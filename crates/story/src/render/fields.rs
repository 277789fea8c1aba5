//! Fields as lines: texts word by word, lists item by item.

use super::{Happened, Line, Place, Span, words};
use crate::alignment::{self, Hunk, Interner, Side};
use crate::article::Article;
use crate::diff::{Diff, Op};
use crate::field::Field;
use crate::text::Text;

/// What stands between two items of a list field.
const BETWEEN_ITEMS: &str = ", ";

/// Returns a line for every field that `diff` sets, the headline first.
pub(super) fn lines(before: &Article, after: &Article, diff: &Diff, language: &str) -> Vec<Line> {
    let mut fields: Vec<Field> = diff
        .ops
        .iter()
        .filter_map(|op| match op {
            Op::Set { field, .. } => Some(*field),
            _ => None,
        })
        .collect();
    fields.sort_by_key(|field| (*field != Field::Headline, *field));
    fields.dedup();
    fields.into_iter().map(|field| line(before, after, field, language)).collect()
}

fn line(before: &Article, after: &Article, field: Field, language: &str) -> Line {
    let (old, new) = (before.fields.get(field), after.fields.get(field));
    let happened = match (old.is_empty(), new.is_empty()) {
        (true, false) => Happened::Added,
        (false, true) => Happened::Removed,
        _ => Happened::Changed,
    };
    let spans =
        if field.is_list() { list(old, new) } else { words::spans(old.as_str(), new.as_str(), language) };
    Line { place: Place::Field(field), happened, spans }
}

/// Returns two lists as their items joined by [`BETWEEN_ITEMS`], each item whole.
fn list(old: &Text, new: &Text) -> Vec<Span> {
    let (old, new) = (pieces(old), pieces(new));
    let mut interner = Interner::<String>::default();
    let mut number = |pieces: &[&str]| pieces.iter().map(|piece| interner.number(*piece)).collect::<Vec<_>>();
    let (old_things, new_things) = (number(&old), number(&new));
    let weights = |pieces: &[&str]| {
        pieces.iter().map(|piece| if *piece == BETWEEN_ITEMS { 1 } else { 3 }).collect::<Vec<_>>()
    };
    let (old_weights, new_weights) = (weights(&old), weights(&new));
    let pairs = alignment::matches(
        Side { things: &old_things, weights: &old_weights },
        Side { things: &new_things, weights: &new_weights },
    );
    let mut spans = Vec::new();
    let mut next = 0;
    for hunk in alignment::hunks(&pairs, &Hunk { old: 0..old.len(), new: 0..new.len() }) {
        words::push(&mut spans, Span::Same(old[next..hunk.old.start].concat()));
        words::push(&mut spans, Span::Old(old[hunk.old.clone()].concat()));
        words::push(&mut spans, Span::New(new[hunk.new].concat()));
        next = hunk.old.end;
    }
    words::push(&mut spans, Span::Same(old[next..].concat()));
    spans
}

fn pieces(list: &Text) -> Vec<&str> {
    let mut pieces = Vec::new();
    for item in list.shown_values() {
        if !pieces.is_empty() {
            pieces.push(BETWEEN_ITEMS);
        }
        pieces.push(item);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_items_change_whole() {
        let list_of = |items: &[&str]| Text::from_values(items.iter().map(|item| Some(*item)));
        let spans = list(&list_of(&["Ann Lee", "Bo Day"]), &list_of(&["Ann Lee", "Bo Dane", "Cy Orr"]));
        assert_eq!(
            spans,
            [Span::Same("Ann Lee, ".into()), Span::Old("Bo Day".into()), Span::New("Bo Dane, Cy Orr".into())]
        );
    }
}
