//! Promises of `render::lines`: nothing is lost, and what belongs together is shown together.

mod newsroom;

use std::fmt::Write;

use newsroom::article;
use proptest::prelude::*;
use writethru_story::diff::diff;
use writethru_story::render::{Happened, Line, Place, Span, lines, segments, to_plain};
use writethru_story::{Article, Field, Text};

fn shown(before: &Article, after: &Article) -> Vec<Line> {
    lines(before, after, &diff(before, after))
}

/// Checks what one paragraph's change looks like.
#[track_caller]
fn check(old: &str, new: &str, expected: &str) {
    let plain = to_plain(&shown(&article("Talks", &[("a", old)]), &article("Talks", &[("a", new)])));
    assert_eq!(plain, format!("\u{b6}1: {expected}\n"));
}

fn side(line: &Line, is_old: bool) -> String {
    let mut text = String::new();
    for span in &line.spans {
        match span {
            Span::Same(words) => text.push_str(words),
            Span::Old(words) if is_old => text.push_str(words),
            Span::New(words) if !is_old => text.push_str(words),
            _ => {}
        }
    }
    text
}

#[test]
fn only_the_words_that_changed_are_marked() {
    check(
        "Police found multiple bodies.",
        "Police found four bodies.",
        "Police found [-multiple-]{+four+} bodies.",
    );
    check(
        "The vote is today. The count follows.",
        "The vote is today. The long count follows.",
        "The vote is today. The {+long +}count follows.",
    );
}

#[test]
fn quantities_and_quotation_marks_stay_whole() {
    check(
        "It will all begin at 8 p.m. in the old hall.",
        "It will all begin at 9 p.m. in the old hall.",
        "It will all begin at [-8 p.m.-]{+9 p.m.+} in the old hall.",
    );
    check(
        "It may well cost 3.5 million dollars in all.",
        "It may well cost 4.5 million dollars in all.",
        "It may well cost [-3.5 million-]{+4.5 million+} dollars in all.",
    );
    check(
        "He told them “never again” and then he left.",
        "He told them “not again” and then he left.",
        "He told them [-“never-]{+“not+} again” and then he left.",
    );
}

#[test]
fn small_changes_side_by_side_are_one() {
    check(
        "The old grey wooden bridge across the wide river was shut on the day.",
        "The new dark steel bridge across the wide river was shut on the day.",
        "The [-old grey wooden-]{+new dark steel+} bridge across the wide river was shut on the day.",
    );
    check(
        "After months of talks with farmers of valleys, the council has put the old plan aside.",
        "After months of talks with owners of forests, the council has put the old plan aside.",
        "After months of talks with [-farmers of valleys-]{+owners of forests+}, \
         the council has put the old plan aside.",
    );
    check(
        "The council has put the plan that farmers wanted aside for a year or so.",
        "The council has put the idea that owners wanted aside for a year or so.",
        "The council has put the [-plan-]{+idea+} that [-farmers-]{+owners+} wanted aside for a year or so.",
    );
}

#[test]
fn a_sentence_that_is_mostly_new_is_replaced() {
    check(
        "The mood was calm. The plan met strong words from all sides there.",
        "The mood was calm. The plan drew no protest at all from them there.",
        "The mood was calm. [-The plan met strong words from all sides there.-]\
         {+The plan drew no protest at all from them there.+}",
    );
}

#[test]
fn a_sentence_that_stays_is_not_marked_when_others_come() {
    check(
        "The mood was calm.",
        "The mood was calm. Then it was not. A window broke and people ran into the street.",
        "The mood was calm.{+ Then it was not. A window broke and people ran into the street.+}",
    );
}

#[test]
fn blocks_are_shown_where_they_stand() {
    let before =
        article("Talks", &[("a", "One."), ("b", "Two."), ("c", "Three."), ("d", "Four."), ("e", "Five.")]);
    let mut after = article(
        "Talks end",
        &[("a", "One."), ("n", "New."), ("c", "Three."), ("e", "Five."), ("d", "Four.")],
    );
    after.fields.set(Field::Bylines, Text::from_values([Some("Ann Lee"), Some("Bo Day")]));
    let plain = to_plain(&shown(&before, &after));
    let moved = plain.lines().last().expect("a line");
    assert!(
        moved == "\u{b6}4 moved from \u{b6}5: Five." || moved == "\u{b6}5 moved from \u{b6}4: Four.",
        "{plain}"
    );
    assert!(
        plain.starts_with(
            "headline: Talks{+ end+}\nbylines added: {+Ann Lee, Bo Day+}\n\
             \u{b6}2 removed: [-Two.-]\n\u{b6}2 added: {+New.+}\n"
        ),
        "{plain}"
    );
}

#[test]
fn a_place_where_nothing_happened_has_no_line() {
    let same = article("Talks", &[("a", "One."), ("b", "Two.")]);
    assert_eq!(shown(&same, &same), []);
    assert_eq!(to_plain(&[]), "");
}

#[test]
fn the_largest_paragraph_is_shown_without_delay() {
    let mut old = String::new();
    for number in 0..20_000 {
        write!(old, "w{number} x{} ", number % 7).expect("a string takes all");
    }
    let new = old.replace("w9 ", "v9 ").replace("w19999 ", "v ");
    let found = shown(&article("Long", &[("a", &old)]), &article("Long", &[("a", &new)]));
    assert_eq!((side(&found[0], true), side(&found[0], false)), (old, new));
    assert!(found[0].spans.len() >= 5, "two words of one long sentence: {}", found[0].spans.len());
}

fn paragraphs() -> impl Strategy<Value = Vec<(String, String)>> {
    let word = prop_oneof![
        "[a-z]{1,6}",
        Just("“no".to_owned()),
        Just("way”".to_owned()),
        Just("8 p.m.".to_owned()),
        Just("e\u{301}t".to_owned()),
        Just("👩‍👩‍👧".to_owned()),
        Just("中文".to_owned()),
        Just("שלום".to_owned()),
        Just("3.5".to_owned()),
        Just("million".to_owned()),
        Just("end.".to_owned()),
        Just("Mr.".to_owned()),
        Just("$5".to_owned()),
        Just("ninety-five".to_owned()),
        Just("\u{1b}".to_owned()),
    ];
    let text = proptest::collection::vec(word, 0..24).prop_map(|words| words.join(" "));
    proptest::collection::btree_map("[a-h]", text, 0..7)
        .prop_map(|map| map.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

fn built(headline: &str, rows: &[(String, String)]) -> Article {
    let rows: Vec<(&str, &str)> = rows.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    article(headline, &rows)
}

proptest! {
    #[test]
    fn joined_spans_are_exactly_both_texts(
        old in paragraphs(), new in paragraphs(), headlines in ("[a-z ]{0,20}", "[a-z ]{0,20}"),
    ) {
        let (before, after) = (built(&headlines.0, &old), built(&headlines.1, &new));
        for line in shown(&before, &after) {
            let (old, new) = match &line.place {
                Place::Field(field) => (
                    before.fields.get(*field).as_str().to_owned(),
                    after.fields.get(*field).as_str().to_owned(),
                ),
                Place::Block(id, _, _) => {
                    let text = |article: &Article| {
                        article.block(id).map(|(_, block)| block.text.as_str().to_owned()).unwrap_or_default()
                    };
                    (text(&before), text(&after))
                }
            };
            prop_assert_eq!(side(&line, true), old);
            prop_assert_eq!(side(&line, false), new);
            let is_ordered = line.spans.windows(2).all(|two| {
                !matches!((&two[0], &two[1]), (Span::Same(_), Span::Same(_)) | (Span::New(_), Span::Old(_)))
            });
            prop_assert!(is_ordered, "{:?}", line);
        }
    }

    #[test]
    fn every_block_that_changed_has_one_line(old in paragraphs(), new in paragraphs()) {
        let (before, after) = (built("", &old), built("", &new));
        let found = shown(&before, &after);
        let mut places: Vec<_> = found.iter().map(|line| format!("{:?}", line.place)).collect();
        places.sort();
        places.dedup();
        prop_assert_eq!(places.len(), found.len());
        let came = after.blocks.iter().filter(|block| before.block(&block.id).is_none()).count();
        let went = before.blocks.iter().filter(|block| after.block(&block.id).is_none()).count();
        let count = |wanted| found.iter().filter(|line| line.happened == wanted).count();
        prop_assert_eq!((count(Happened::Added), count(Happened::Removed)), (came, went));
    }

    #[test]
    fn segments_are_the_plain_text_and_hold_no_control_characters(old in paragraphs(), new in paragraphs()) {
        let found = shown(&built("a", &old), &built("b", &new));
        let joined: String = segments(&found).map(|(_, text)| text).collect();
        prop_assert!(!joined.chars().any(|letter| letter.is_control() && letter != '\n'));
        prop_assert_eq!(joined.lines().count(), found.len());
        prop_assert_eq!(joined, to_plain(&found));
    }
}
