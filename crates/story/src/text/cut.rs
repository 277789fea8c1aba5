//! Cutting a text into values, one a sentence: done once, for words that are new to a story.
//!
//! The values joined are exactly the text. Where a sentence ends is the segmenter's opinion at the
//! time; it is stored with the text and never asked for again.

use std::sync::Arc;

use super::{Cut, Text};
use crate::diff::splice::{common_prefix, common_suffix};

/// Longest piece that the segmenter sees at once: its time grows with the square of some inputs
/// (rows of opening quotation marks), so a longer text is cut window by window.
const WINDOW_BYTES: usize = 4 * 1024;

/// The segmenter's language when an article names none or one that it does not know.
const LANGUAGE_DEFAULT: &str = "en";

/// Returns `text` cut into sentences by the habits of `language`, a BCP 47 tag.
///
/// Cost is linear in the text's length. A run of more than 4 KiB without an end of sentence is
/// cut behind a space.
pub(crate) fn cut(text: &str, language: &str) -> Text {
    let mut values = Vec::new();
    sentences(text, &primary(language), &mut values);
    Text::from_values(values.into_iter().map(Some))
}

/// As [`cut`], for the text that follows `old`: sentences away from what changed keep the cuts they
/// have, and a redaction mark stays an erased value, as often as `old` has one.
///
/// The words of the result are the allocation of `text`.
pub(crate) fn cut_after(text: &Text, old: &Text, language: &str) -> Text {
    let language = primary(language);
    let joined = text.as_str();
    let mut cuts = Cuts::default();
    if old.has_erased() {
        let mut erased = old.values().filter(Option::is_none).count();
        let mut rest = joined;
        while let Some(at) = (erased > 0).then(|| rest.find(Text::REDACTION_MARK)).flatten() {
            cuts.add_sentences(&rest[..at], &language);
            cuts.add(Text::REDACTION_MARK, true);
            rest = &rest[at + Text::REDACTION_MARK.len()..];
            erased -= 1;
        }
        cuts.add_sentences(rest, &language);
    } else {
        let (head, tail) = kept(joined, old);
        let end_now = |cut: &Cut| joined.len() - (old.joined.len() - cut.end as usize);
        let begin = head.last().map_or(0, |cut| cut.end as usize);
        let end = tail.split_first().map_or(joined.len(), |(before, _)| end_now(before));
        cuts.0.extend_from_slice(head);
        cuts.add_sentences(&joined[begin..end], &language);
        for value in tail.windows(2) {
            cuts.add(&joined[end_now(&value[0])..end_now(&value[1])], false);
        }
    }
    Text { joined: Arc::clone(&text.joined), cuts: cuts.0.into() }
}

/// The cuts of a text as far as they are made.
#[derive(Default)]
struct Cuts(Vec<Cut>);

impl Cuts {
    fn add(&mut self, value: &str, erased: bool) {
        let start = self.0.last().map_or(0, |cut| cut.end);
        let length = u32::try_from(value.len()).expect("a value is part of a text, which is below 4 GiB");
        self.0.push(Cut { end: start + length, erased });
    }

    fn add_sentences(&mut self, text: &str, language: &str) {
        let mut values = Vec::new();
        sentences(text, language, &mut values);
        for value in values {
            self.add(value, false);
        }
    }
}

/// Returns the cuts of `old` that hold in `text`: those of the first values that stand there
/// unchanged, and those of the last ones, with the cut before them in front. The values next to the
/// change are in neither: where they end may depend on what is there now.
fn kept<'a>(text: &str, old: &'a Text) -> (&'a [Cut], &'a [Cut]) {
    let (new, before) = (text.as_bytes(), old.as_str().as_bytes());
    let same_head = common_prefix(new, before);
    let same_tail = common_suffix(new, before, new.len().min(before.len()) - same_head);
    let tail_begin = before.len() - same_tail;
    let in_head = old.cuts.partition_point(|cut| cut.end as usize <= same_head);
    // The first value that begins in the tail, hence behind a cut there, or at the very beginning.
    let first =
        if tail_begin == 0 { 0 } else { old.cuts.partition_point(|cut| (cut.end as usize) < tail_begin) + 1 };
    let first = first.max(in_head);
    (&old.cuts[..in_head.saturating_sub(1)], old.cuts.get(first..).unwrap_or_default())
}

/// Returns the language of a tag without script and region, as the segmenter names it.
fn primary(language: &str) -> String {
    match language.split('-').next() {
        None | Some("") => LANGUAGE_DEFAULT.to_owned(),
        Some(primary) => primary.to_ascii_lowercase(),
    }
}

fn sentences<'a>(text: &'a str, language: &str, values: &mut Vec<&'a str>) {
    let mut rest = text;
    while rest.len() > WINDOW_BYTES {
        let window = &rest[..rest.floor_char_boundary(WINDOW_BYTES)];
        let known = values.len();
        segment(window, language, values);
        // The last sentence may go on behind the window: the next window begins with it.
        let taken = if values.len() > known + 1 {
            values.pop().map_or(window.len(), |last| window.len() - last.len())
        } else {
            values.truncate(known);
            let taken = window.rfind(' ').map_or(window.len(), |space| space + 1);
            values.push(&window[..taken]);
            taken
        };
        rest = &rest[taken..];
    }
    segment(rest, language, values);
}

/// Adds the sentences of `text`, or all of it as one where the segmenter loses a word.
fn segment<'a>(text: &'a str, language: &str, values: &mut Vec<&'a str>) {
    if text.is_empty() {
        return;
    }
    if is_one_sentence(text) {
        values.push(text);
        return;
    }
    let known = values.len();
    let mut end = 0;
    for sentence in sentencex::segment(language, text) {
        if sentence.is_empty() {
            continue;
        }
        if !text[end..].starts_with(sentence) {
            break;
        }
        values.push(&text[end..end + sentence.len()]);
        end += sentence.len();
    }
    if end != text.len() {
        values.truncate(known);
        values.push(text);
    }
}

/// Returns whether no sentence can end inside `text`; most headlines pass this cheap test.
fn is_one_sentence(text: &str) -> bool {
    let inner = text.trim_end_matches(['.', '!', '?']);
    inner.bytes().all(|byte| byte.is_ascii() && !matches!(byte, b'.' | b'!' | b'?' | b'\n'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, language: &str, values: &[&str]) {
        let cut = cut(text, language);
        assert_eq!(cut.shown_values().collect::<Vec<_>>(), values);
        assert_eq!(cut.as_str(), text);
    }

    fn follow(text: &str, old: &Text) -> Text {
        cut_after(&Text::uncut(text), old, "en")
    }

    #[test]
    fn a_text_is_cut_behind_its_sentences() {
        check("Mr. Hill left. He fell.", "en-GB", &["Mr. Hill left. ", "He fell."]);
        check("Talks resume in Cairo", "", &["Talks resume in Cairo"]);
        check("他走了。天气很好！", "zh-Hans", &["他走了。", "天气很好！"]);
        check("", "en", &[]);
        check("One. Two.", "xx-unknown", &["One. ", "Two."]);
    }

    #[test]
    fn a_region_does_not_change_the_language() {
        let text = "Das war am 3. Oktober. Es regnete.";
        assert_eq!(cut(text, "DE-at").value_count(), cut(text, "de").value_count());
        assert_eq!(cut(text, "de").value_count(), 2, "{:?}", cut(text, "de"));
    }

    #[test]
    fn a_long_run_without_sentences_is_cut_behind_spaces() {
        let text = "word ".repeat(20_000);
        let cut = cut(text.trim(), "en");
        assert_eq!(cut.as_str(), text.trim());
        assert!(cut.shown_values().all(|value| value.len() <= WINDOW_BYTES));
        assert!(cut.shown_values().take(3).all(|value| value.ends_with(' ')));
    }

    #[test]
    fn a_sentence_over_a_window_border_stays_whole() {
        let text = "The committee met again on Monday to hear the case. ".repeat(400);
        let cut = cut(text.trim(), "en");
        assert_eq!(cut.value_count(), 400);
    }

    #[test]
    fn an_erased_value_stays_erased_in_the_text_that_follows() {
        let old = Text::from_values([Some("One. "), None, Some("Three.")]);
        let new = follow(&format!("One. {}Three. Four.", Text::REDACTION_MARK), &old);
        let values: Vec<_> = new.values().collect();
        assert_eq!(values, [Some("One. "), None, Some("Three. "), Some("Four.")]);
    }

    #[test]
    fn sentences_away_from_a_change_keep_the_cuts_they_have() {
        let old = Text::from_values(["One. Two. ", "Three. ", "Four. ", "Five. ", "Six. Seven."].map(Some));
        let new = follow("One. Two. Three. Fourteen. Five. Six. Seven.", &old);
        let values: Vec<_> = new.shown_values().collect();
        assert_eq!(values, ["One. Two. ", "Three. ", "Fourteen. ", "Five. ", "Six. Seven."]);
        assert_eq!(follow("", &old).value_count(), 0);
        assert_eq!(follow("One. Two.", &Text::default()).value_count(), 2);
    }

    #[test]
    fn a_typed_redaction_mark_is_a_word() {
        let old = Text::from_values([None]);
        let mark = Text::REDACTION_MARK;
        let new = follow(&format!("{mark} and {mark}"), &old);
        assert_eq!(new.values().filter(Option::is_none).count(), 1);
        assert!(!cut(mark, "en").has_erased());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn values_joined_are_the_text(
            parts in proptest::collection::vec("(\\PC{0,12}|[.!?\"“(] ?|[a-z]{1,900} )", 0..30),
            language in "(en|de|zh|ja|ar|hi|my|xx|[a-z]{2,3}(-[A-Z]{2})?)",
        ) {
            let text = parts.concat();
            let cut = cut(&text, &language);
            prop_assert_eq!(cut.as_str(), &text);
            prop_assert_eq!(cut.shown_values().collect::<String>(), text);
            prop_assert!(cut.shown_values().all(|value| !value.is_empty()));
        }

        #[test]
        fn values_joined_are_the_text_that_follows_another(
            old in "([a-zé.] ?){0,40}", new in "([a-zé.] ?){0,40}", keep in 0_usize..60,
        ) {
            let old_cut = cut(&old, "en");
            let kept = &old[..old.floor_char_boundary(keep)];
            for text in [format!("{kept}{new}"), format!("{new}{kept}"), format!("{kept}{new}{old}"), new] {
                let cut = follow(&text, &old_cut);
                prop_assert_eq!(cut.as_str(), &text);
                prop_assert_eq!(cut.shown_values().collect::<String>(), text);
                prop_assert!(cut.shown_values().all(|value| !value.is_empty()));
            }
        }
    }
}
