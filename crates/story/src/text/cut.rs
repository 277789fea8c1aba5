//! Cutting a text into values, one a sentence: done once, for words that are new to a story.
//!
//! The values joined are exactly the text. Where a sentence ends is the segmenter's opinion at the
//! time; it is stored with the text and never asked for again.

use std::ops::Range;

use super::Text;

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
pub(crate) fn cut_after(text: &str, old: &Text, language: &str) -> Text {
    let language = primary(language);
    if !old.has_erased() {
        let (head, tail) = kept(text, old);
        let mut values: Vec<&str> = head.iter().map(|value| &text[value.clone()]).collect();
        let begin = head.last().map_or(0, |value| value.end);
        let end = tail.first().map_or(text.len(), |value| value.start);
        sentences(&text[begin..end], &language, &mut values);
        values.extend(tail.into_iter().map(|range| &text[range]));
        return Text::from_values(values.into_iter().map(Some));
    }
    let mut erased = old.values().filter(Option::is_none).count();
    let mut values: Vec<Option<&str>> = Vec::new();
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = (erased > 0).then(|| rest.find(Text::REDACTION_MARK)).flatten() {
        sentences(&rest[..at], &language, &mut pieces);
        values.extend(pieces.drain(..).map(Some));
        values.push(None);
        rest = &rest[at + Text::REDACTION_MARK.len()..];
        erased -= 1;
    }
    sentences(rest, &language, &mut pieces);
    values.extend(pieces.into_iter().map(Some));
    Text::from_values(values)
}

/// Returns where in `text` the first and last values of `old` stand unchanged, without those next to
/// the change: where they end may depend on what is there now.
fn kept(text: &str, old: &Text) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let (new, before) = (text.as_bytes(), old.as_str().as_bytes());
    let shorter = new.len().min(before.len());
    let same_head = new.iter().zip(before).take_while(|(a, b)| a == b).count();
    let ends = new.iter().rev().zip(before.iter().rev());
    let same_tail = ends.take(shorter - same_head).take_while(|(a, b)| a == b).count();
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    let mut start = 0;
    for value in old.shown_values() {
        let end = start + value.len();
        if end <= same_head {
            head.push(start..end);
        } else if start >= before.len() - same_tail {
            // Counted from the end: what changed before it may be longer or shorter now.
            tail.push(new.len() - (before.len() - start)..new.len() - (before.len() - end));
        }
        start = end;
    }
    head.pop();
    if !tail.is_empty() {
        tail.remove(0);
    }
    (head, tail)
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
        let new = cut_after(&format!("One. {}Three. Four.", Text::REDACTION_MARK), &old, "en");
        let values: Vec<_> = new.values().collect();
        assert_eq!(values, [Some("One. "), None, Some("Three. "), Some("Four.")]);
    }

    #[test]
    fn sentences_away_from_a_change_keep_the_cuts_they_have() {
        let old = Text::from_values(["One. Two. ", "Three. ", "Four. ", "Five. ", "Six. Seven."].map(Some));
        let new = cut_after("One. Two. Three. Fourteen. Five. Six. Seven.", &old, "en");
        let values: Vec<_> = new.shown_values().collect();
        assert_eq!(values, ["One. Two. ", "Three. ", "Fourteen. ", "Five. ", "Six. Seven."]);
        assert_eq!(cut_after("", &old, "en").value_count(), 0);
        assert_eq!(cut_after("One. Two.", &Text::default(), "en").value_count(), 2);
    }

    #[test]
    fn a_typed_redaction_mark_is_a_word() {
        let old = Text::from_values([None]);
        let mark = Text::REDACTION_MARK;
        let new = cut_after(&format!("{mark} and {mark}"), &old, "en");
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
                let cut = cut_after(&text, &old_cut, "en");
                prop_assert_eq!(cut.as_str(), &text);
                prop_assert_eq!(cut.shown_values().collect::<String>(), text);
                prop_assert!(cut.shown_values().all(|value| !value.is_empty()));
            }
        }
    }
}
