//! Passages: what stood at a place of a story from a revision on, folded so that a phrase is found in it.
//!
//! A passage is the whole text of a block, or the headline or the summary: a phrase may go over the end of
//! a sentence, and never from one block into the next. What stood ends where the next passage of its place
//! begins; an empty one is the end of the place. Nothing here normalises what is kept as copy: a folded
//! text is looked at and never shown.

use story::{Event, Field, Operation, Text};

/// The fields that are looked through.
const FIELDS: [Field; 2] = [Field::Headline, Field::Summary];
/// What the name of a field begins with, so that it is no id of a block.
const FIELD: char = ':';

/// What stands at a place from a revision on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Where: the id of a block, or a colon and the name of a field.
    pub(crate) place: String,
    /// The folded text; empty where nothing stands any more.
    pub(crate) text: String,
}

impl Passage {
    fn of(place: &impl ToString, text: &Text) -> Self {
        Self { place: place.to_string(), text: folded(text.as_str()) }
    }
}

/// Returns the places to which `event` gives other words, in its order.
pub(crate) fn passages(event: &Event) -> Vec<Passage> {
    let given = event.operations.iter().filter_map(|operation| match operation {
        Operation::Insert { block, .. } => Some(Passage::of(&block.id, &block.text)),
        Operation::Edit { block, text, .. } => Some(Passage::of(block, text)),
        Operation::Delete { block } => Some(Passage::of(block, &Text::default())),
        Operation::Set { field, text } if FIELDS.contains(field) => {
            Some(Passage::of(&format_args!("{FIELD}{field}"), text))
        }
        Operation::Set { .. } | Operation::Move { .. } => None,
    });
    given.collect()
}

/// Returns the name by which readers know a place.
pub(crate) fn place_name(place: &str) -> &str {
    place.strip_prefix(FIELD).unwrap_or(place)
}

/// Returns `text`, which is normalised, without what a phrase may differ in: case, and the shape of
/// quotation marks.
pub(crate) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            'a'..='z' | ' ' => folded.push(letter),
            '\u{2018}' | '\u{2019}' => folded.push('\''),
            '\u{201c}' | '\u{201d}' => folded.push('"'),
            // The form at the end of a word: a phrase may end where a word does not.
            '\u{3c2}' => folded.push('\u{3c3}'),
            _ => folded.extend(letter.to_lowercase()),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_the_shape_of_quotation_marks_do_not_count() {
        for (one, other) in [
            ("Élan VITAL", "élan vital"),
            ("don\u{2019}t", "Don't"),
            ("\u{201c}No\u{201d}", "\"no\""),
            ("ΟΔΟΣ", "οδος"),
            ("東京", "東京"),
        ] {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("elan"), folded("élan"));
    }
}
