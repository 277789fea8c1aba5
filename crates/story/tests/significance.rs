//! Promises of `significance::assess` over whole articles, and over sentences made at random.

mod newsroom;

use std::fmt::Write;
use std::sync::Arc;

use newsroom::{article, paragraph};
use proptest::prelude::*;
use writethru_story::diff::{Observation, diff};
use writethru_story::significance::{Code, Confidence, REASONS_MAX, Significance, assess};
use writethru_story::{Article, Block, BlockKind, Field, Level, Mark, MarkKind, Text};

const BODY: [(&str, &str); 5] = [
    ("a", "The council met in the old town hall and talked about the new bridge."),
    ("b", "The mood was calm and the room was full for most of the evening."),
    ("c", "A group of farmers waited outside with their dogs and their tractors."),
    ("d", "The plan has been on the table for a long time and few people like it."),
    ("e", "The next step is a hearing in the capital, where the money comes from."),
];

fn changed(before: &Article, after: &Article) -> Significance {
    assess(before, after, &diff(before, after), None)
}

fn codes(found: &Significance) -> Vec<(Code, Level)> {
    found.reasons.iter().map(|reason| (reason.code, reason.level)).collect()
}

/// Returns the standard article with `change` made to it.
fn edited(change: impl FnOnce(&mut Article)) -> (Article, Article) {
    let before = article("Council meets", &BODY);
    let mut after = before.clone();
    change(&mut after);
    (before, after)
}

#[track_caller]
fn check(change: impl FnOnce(&mut Article), level: Level, expected: &[(Code, Level)]) {
    let (before, after) = edited(change);
    let found = changed(&before, &after);
    assert_eq!(codes(&found), expected);
    assert_eq!(found.level, level);
}

fn mark(range: std::ops::Range<u32>, kind: MarkKind, href: Option<&str>) -> Mark {
    Mark { start: range.start, end: range.end, kind, href: href.map(str::to_owned) }
}

fn marked(text: &str, marks: &[Mark]) -> Arc<Block> {
    let plain = paragraph("a", text);
    Arc::new(Block { marks: marks.into(), ..(*plain).clone() })
}

#[test]
fn no_change_is_minor_and_gives_no_reason() {
    check(|_| (), Level::Minor, &[]);
}

#[test]
fn the_first_publication_is_substantive() {
    let found = changed(&Article::default(), &article("Council meets", &BODY));
    assert_eq!(codes(&found), [(Code::First, Level::Substantive)]);
}

#[test]
fn an_editors_label_wins_and_the_reasons_stay() {
    let (before, after) = edited(|article| article.blocks[1] = paragraph("b", "Ten people were hurt."));
    for label in [Level::Minor, Level::Substantive] {
        let found = assess(&before, &after, &diff(&before, &after), Some(label));
        assert_eq!(found.level, label);
        assert_eq!(found.reasons.last().map(|reason| reason.code), Some(Code::Label));
        assert!(found.reasons.iter().any(|reason| reason.level == Level::Substantive));
    }
}

#[test]
fn every_change_of_a_headline_but_its_quotes_is_notable() {
    let headline = |text: &'static str| {
        move |article: &mut Article| article.fields.set(Field::Headline, Text::uncut(text))
    };
    check(
        headline("Council meet"),
        Level::Notable,
        &[(Code::Headline, Level::Notable), (Code::Wording, Level::Notable)],
    );
    check(
        headline("Council meets Smith"),
        Level::Substantive,
        &[(Code::Headline, Level::Notable), (Code::Name, Level::Substantive)],
    );
    let before = article("Council's day", &BODY);
    let after = article("Council’s day", &BODY);
    assert_eq!(changed(&before, &after).level, Level::Minor);
    let (before, after) = (article("The comittee met", &BODY), article("The committee met", &BODY));
    assert_eq!(changed(&before, &after).level, Level::Notable);
}

#[test]
fn who_wrote_it_and_where_are_substantive_and_tags_are_minor() {
    let set =
        |field, text: &'static str| move |article: &mut Article| article.fields.set(field, Text::uncut(text));
    check(set(Field::Bylines, "Ann Lee"), Level::Substantive, &[(Code::Meta, Level::Substantive)]);
    check(set(Field::Dateline, "CAIRO"), Level::Substantive, &[(Code::Meta, Level::Substantive)]);
    check(set(Field::Links, "https://a.example/ More"), Level::Notable, &[(Code::Link, Level::Notable)]);
    check(set(Field::Tags, "bridges"), Level::Minor, &[(Code::Meta, Level::Minor)]);
    check(set(Field::Urgency, "1"), Level::Notable, &[(Code::Meta, Level::Notable)]);
}

#[test]
fn a_move_matters_at_the_top() {
    check(|article| article.blocks.swap(3, 4), Level::Minor, &[(Code::Move, Level::Minor)]);
    check(
        |article| {
            let last = article.blocks.remove(4);
            article.blocks.insert(0, last);
        },
        Level::Notable,
        &[(Code::Move, Level::Notable)],
    );
}

#[test]
fn a_new_fact_matters_where_people_read() {
    let long: Vec<(String, String)> = (0..20)
        .map(|n| (format!("p{n}"), format!("Line {n} says little but goes on for a while.")))
        .collect();
    let rows: Vec<(&str, &str)> = long.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    let before = article("Council meets", &rows);
    for (place, text, level) in [
        (0, "Four people were hurt.", Level::Substantive),
        (0, "People were hurt.", Level::Notable),
        (12, "Four people were hurt.", Level::Notable),
    ] {
        let mut after = before.clone();
        after.blocks.insert(place, paragraph("n", text));
        assert_eq!(codes(&changed(&before, &after)), [(Code::Added, level)], "{text} at {place}");
        assert_eq!(codes(&changed(&after, &before)), [(Code::Removed, level)], "{text} at {place}");
    }
}

#[test]
fn a_picture_without_words_still_comes_and_goes() {
    let picture = |article: &mut Article| {
        let block = Block { kind: BlockKind::Media, ..(*paragraph("m", "")).clone() };
        article.blocks.push(Arc::new(block));
    };
    check(picture, Level::Notable, &[(Code::Added, Level::Notable)]);
}

#[test]
fn a_split_paragraph_loses_and_gains_nothing() {
    let before = article("Split", &[("a", "It rained in Cairo. Ten roads were shut."), ("b", "The end.")]);
    let after =
        article("Split", &[("a", "It rained in Cairo."), ("n", "Ten roads were shut."), ("b", "The end.")]);
    let mut split = diff(&before, &after);
    assert!(matches!(&split.observations[..], [Observation::Split { .. }]), "{:?}", split.observations);
    let found = assess(&before, &after, &split, None);
    assert_eq!(codes(&found), [(Code::Move, Level::Minor)]);
    // Unobserved, the sentence may have changed its speaker.
    split.observations.clear();
    assert_eq!(assess(&before, &after, &split, None).level, Level::Notable);
}

#[test]
fn a_changed_link_is_never_mark_up() {
    let text = "See the report.";
    let link = |href| marked(text, &[mark(8..14, MarkKind::A, Some(href))]);
    let before = edited(|article| article.blocks[0] = link("https://a.example/1")).1;
    let after = edited(|article| article.blocks[0] = link("https://a.example/2")).1;
    let found = changed(&before, &after);
    assert_eq!(codes(&found), [(Code::Link, Level::Notable)]);
    assert_eq!(found.reasons[0].old.as_deref(), Some("https://a.example/1"));
    let strong = edited(|article| article.blocks[0] = marked(text, &[mark(8..14, MarkKind::Strong, None)])).1;
    let plain = edited(|article| article.blocks[0] = marked(text, &[])).1;
    assert_eq!(codes(&changed(&plain, &strong)), [(Code::Markup, Level::Minor)]);
    assert_eq!(codes(&changed(&plain, &before)), [(Code::Link, Level::Notable)]);
}

#[test]
fn a_raised_digit_is_a_number() {
    let text = "It grew by 102 cells.";
    let raised = edited(|article| article.blocks[0] = marked(text, &[mark(13..14, MarkKind::Sup, None)])).1;
    let plain = edited(|article| article.blocks[0] = marked(text, &[])).1;
    assert_eq!(codes(&changed(&raised, &plain)), [(Code::Number, Level::Substantive)]);
}

#[test]
fn words_of_a_quote_block_are_quoted() {
    let quote = |text| {
        edited(move |article| {
            article.blocks[0] = Arc::new(Block { kind: BlockKind::Quote, ..(*paragraph("a", text)).clone() });
        })
        .1
    };
    let found = changed(&quote("The bridge is safe."), &quote("The bridge is sound."));
    assert_eq!(codes(&found), [(Code::Quote, Level::Substantive)]);
}

#[test]
fn another_language_gets_the_rules_that_need_no_table() {
    let spanish = |text| {
        let mut article = article("El puente", &[("a", text)]);
        article.fields.set(Field::Language, Text::uncut("es"));
        article
    };
    for (old, new, code, level) in [
        ("Murieron 4 personas.", "Murieron 5 personas.", Code::Number, Level::Substantive),
        ("El puente es seguro.", "El puente es segura.", Code::Wording, Level::Notable),
        ("Dijo \"vamos\" y salió.", "Dijo «vamos» y salió.", Code::Typographic, Level::Minor),
        ("Dijo «vamos» y salió.", "Dijo «venimos» y salió.", Code::Quote, Level::Substantive),
    ] {
        let found = changed(&spanish(old), &spanish(new));
        assert_eq!(codes(&found), [(code, level)], "{new}");
        assert_eq!(found.confidence, Some(Confidence::Reduced));
    }
}

#[test]
fn chinese_numerals_and_wide_digits_are_numbers() {
    let chinese = |text| article("地震", &[("a", text)]);
    let found = changed(&chinese("四人死亡。"), &chinese("五人死亡。"));
    assert_eq!(codes(&found), [(Code::Number, Level::Substantive)]);
    assert_eq!(changed(&chinese("死亡４人。"), &chinese("死亡4人。")).level, Level::Minor);
    assert_eq!(changed(&chinese("死亡４人。"), &chinese("死亡5人。")).level, Level::Substantive);
}

#[test]
fn a_rewrite_is_large() {
    let (before, after) = edited(|article| {
        article.blocks[1] =
            paragraph("b", "Nobody came, the lights went out and the meeting was put off for good.");
        article.blocks[2] =
            paragraph("c", "Tractors blocked the road while the dogs slept under a wide warm tree.");
    });
    assert!(codes(&changed(&before, &after)).contains(&(Code::Large, Level::Substantive)));
}

#[test]
fn reasons_are_bounded_and_the_gravest_stay() {
    let rows: Vec<(String, String)> =
        (0..300).map(|n| (format!("p{n}"), "It said \"no\".".to_owned())).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    let before = article("Many", &rows);
    let mut after = before.clone();
    for (place, block) in after.blocks.iter_mut().enumerate() {
        let text = if place == 299 { "It said \"yes\"." } else { "It said “no”." };
        *block = paragraph(block.id.as_str(), text);
    }
    let found = changed(&before, &after);
    assert_eq!(found.reasons.len(), REASONS_MAX);
    assert_eq!(found.level, Level::Substantive);
    assert!(found.reasons.iter().any(|reason| reason.code == Code::Quote));
}

#[test]
fn the_largest_paragraph_is_judged_without_delay() {
    let words = |step: usize| {
        let mut text = String::new();
        let mut number = 1_usize;
        while text.len() < 250_000 {
            number = (number * 1_103_515_245 + 12_345 + step) % 2_147_483_648;
            write!(text, "w{} ", number % 5000).expect("a string takes all");
        }
        text
    };
    let (old, new) = (words(0), words(1));
    let found = changed(&article("Long", &[("a", &old)]), &article("Long", &[("a", &new)]));
    assert_eq!(found.level, Level::Substantive);
    let quotes = "\u{201c}a. ".repeat(40_000);
    let more = format!("{quotes}ten");
    let found = changed(&article("Long", &[("a", &quotes)]), &article("Long", &[("a", &more)]));
    assert_eq!(found.level, Level::Substantive);
}

const PLAIN: [&str; 16] = [
    "bridge",
    "council",
    "river",
    "market",
    "people",
    "road",
    "garden",
    "winter",
    "school",
    "village",
    "window",
    "letter",
    "morning",
    "harvest",
    "committee",
    "address",
];
const NUMBERS: [&str; 10] = ["4", "5", "14", "1,200", "12,000", "four", "forty", "twelve", "Monday", "third"];
const NAMES: [&str; 8] = ["Smith", "Smyth", "Iraq", "Iran", "Cairo", "Lima", "Austria", "Australia"];
const DENIALS: [&str; 6] = ["not", "never", "no", "without", "denied", "cannot"];

fn sentence(words: &[String]) -> String {
    format!("The {}.", words.join(" "))
}

fn level_of(old: &str, new: &str) -> Level {
    changed(&article("Talks", &[("a", old)]), &article("Talks", &[("a", new)])).level
}

fn words() -> impl Strategy<Value = Vec<String>> {
    let word = prop_oneof![
        8 => proptest::sample::select(&PLAIN[..]),
        1 => proptest::sample::select(&NUMBERS[..]),
        1 => proptest::sample::select(&NAMES[..]),
        1 => proptest::sample::select(&DENIALS[..]),
        1 => Just("\"no way\""),
        1 => Just("isn’t"),
    ];
    proptest::collection::vec(word.prop_map(str::to_owned), 3..24)
}

proptest! {
    #[test]
    fn a_changed_fact_is_never_minor(
        words in words(),
        place in any::<proptest::sample::Index>(),
        kind in 0..3_usize,
        choice in (any::<proptest::sample::Index>(), 1..5_usize),
        also_form in any::<bool>(),
    ) {
        let table: &[&str] = [&NUMBERS[..], &NAMES[..], &DENIALS[..]][kind];
        let first = choice.0.index(table.len());
        let second = (first + choice.1) % table.len();
        let place = place.index(words.len());
        let (mut old, mut new, mut without) = (words.clone(), words.clone(), words);
        old[place] = table[first].to_owned();
        new[place] = table[second].to_owned();
        without.remove(place);
        if also_form {
            for word in &mut new {
                *word = word.replace('"', "”").replace("committee", "comittee");
            }
        }
        prop_assert!(level_of(&sentence(&old), &sentence(&new)) > Level::Minor);
        prop_assert!(level_of(&sentence(&old), &sentence(&without)) > Level::Minor);
        prop_assert!(level_of(&sentence(&without), &sentence(&new)) > Level::Minor);
    }

    #[test]
    fn a_changed_form_is_always_minor(mut words in words(), place in any::<proptest::sample::Index>()) {
        let place = place.index(words.len() + 1);
        words.insert(place, "committee".to_owned());
        let old = sentence(&words);
        words[place] = "comittee".to_owned();
        let new = sentence(&words).replace('’', "'");
        prop_assert_eq!(level_of(&old, &new), Level::Minor);
        let curly = old.replace(" \"", " “").replace("\" ", "” ");
        prop_assert_eq!(level_of(&old, &curly), Level::Minor);
    }

    #[test]
    fn any_two_texts_get_an_answer(old in "\\PC{0,60}", new in "\\PC{0,60}", language in "(en|de|zh|ar)?") {
        let with = |text: &str| {
            let mut article = article("Talks", &[("a", text)]);
            article.fields.set(Field::Language, Text::uncut(language.as_str()));
            article
        };
        let (before, after) = (with(&old), with(&new));
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<Vec<_>>();
        let found = changed(&before, &after);
        prop_assert_eq!(found.reasons.iter().map(|reason| reason.level).max().unwrap_or(Level::Minor), found.level);
        prop_assert_eq!(found.reasons.is_empty(), old == new);
        if digits(&old) != digits(&new) {
            prop_assert!(found.level > Level::Minor);
        }
    }
}
