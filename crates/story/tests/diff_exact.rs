//! Invariant 5: `apply(before, diff(before, after)) == after`, and what else is promised of every
//! difference.

#[path = "../examples/diff_soak/judge.rs"]
mod judge;
#[path = "../benches/diff/news.rs"]
mod news;
#[path = "../examples/diff_soak/random.rs"]
mod random;

use proptest::prelude::*;
use random::Random;
use writethru_story::diff::{FieldChange, Op, Splice, apply, diff};
use writethru_story::{Article, Field, Text};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_difference_is_exact(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let before = random.article();
        let after = random.edited(&before);
        prop_assert_eq!(judge::judge(&before, &after), Ok(()));
        prop_assert_eq!(judge::judge(&after, &before), Ok(()));
    }

    #[test]
    fn unrelated_articles_differ_exactly(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let (before, after) = (random.article(), random.article());
        prop_assert_eq!(judge::judge(&before, &after), Ok(()));
    }

    #[test]
    fn any_texts_differ_exactly(before in "\\PC{0,40}", after in "\\PC{0,40}") {
        let article = |text: &str| {
            let mut article = Article::default();
            article.fields.set(Field::Headline, Text::uncut(text));
            article
        };
        prop_assert_eq!(judge::judge(&article(&before), &article(&after)), Ok(()));
    }

    #[test]
    fn ops_for_another_article_never_panic(one in any::<u64>(), other in any::<u64>()) {
        let mut random = Random::new(one);
        let before = random.article();
        let after = random.edited(&before);
        let stranger = Random::new(other).article();
        // Whether they fit by chance does not matter: the answer is an article or a refusal.
        let _ = apply(&stranger, &diff(&before, &after).ops);
    }
}

/// Returns how many places an op marks.
fn spans(op: &Op) -> usize {
    match op {
        Op::Edit { splices, .. } | Op::Set { change: FieldChange::Splices(splices), .. } => {
            splices.len().max(1)
        }
        _ => 1,
    }
}

#[track_caller]
fn check(pair: &news::Pair, spans_max: usize, bytes_max: usize) {
    let after = pair.carried();
    let found = diff(&pair.before, &after);
    let marked: usize = found.ops.iter().map(spans).sum();
    let json = serde_json::to_string(&found.ops).expect("ops are JSON");
    assert!(marked <= spans_max, "{marked} spans: {json}");
    assert!(json.len() <= bytes_max, "{} bytes: {json}", json.len());
    let moves = found.ops.iter().filter(|op| matches!(op, Op::Move { .. })).count();
    assert_eq!(moves, 1, "{json}");
    assert_eq!(judge::judge(&pair.before, &after), Ok(()));
}

#[test]
fn five_edits_of_an_article_are_at_most_six_spans() {
    check(&news::article(), 6, 600);
}

#[test]
fn five_edits_of_a_live_blog_take_less_than_600_bytes() {
    check(&news::live_blog(), 6, 600);
}

#[test]
fn a_rewritten_article_differs_exactly() {
    let pair = news::rewrite();
    assert_eq!(judge::judge(&pair.before, &pair.carried()), Ok(()));
}

#[test]
fn splices_are_whole_words() {
    let splices = |old: &str, new: &str| {
        let article = |text: &str| {
            let mut article = Article::default();
            article.fields.set(Field::Summary, Text::uncut(text));
            article
        };
        match diff(&article(old), &article(new)).ops.pop() {
            Some(Op::Set { change: FieldChange::Splices(splices), .. }) => splices,
            other => panic!("{other:?}"),
        }
    };
    let one = |at: usize, old: &str, new: &str| vec![Splice(at, old.to_owned(), new.to_owned())];
    assert_eq!(splices("At least 12 died.", "At least 17 died."), one(9, "12", "17"));
    assert_eq!(splices("It fell 3.5 per cent.", "It fell 3.7 per cent."), one(8, "3.5", "3.7"));
    assert_eq!(splices("He didn't say.", "He did say."), one(3, "didn't", "did"));
    assert_eq!(splices("The red car.", "The big red car."), one(4, "", "big "));
    assert_eq!(splices("A fire. It rained.", "A fire. Two fled. It rained."), one(8, "", "Two fled. "));
    assert_eq!(splices("家族👩\u{200d}👩\u{200d}👧。", "家族👩\u{200d}👩\u{200d}👦。"), {
        one(6, "👩\u{200d}👩\u{200d}👧", "👩\u{200d}👩\u{200d}👦")
    });
    assert_eq!(splices("🇩🇪🇫🇷 talks", "🇩🇪🇫🇮 talks").len(), 1);
    assert_eq!(splices("one two three four", "six two nine four").len(), 1);
}

#[test]
fn a_long_paragraph_without_likeness_is_soon_replaced() {
    let words = |step: usize| {
        (0..40_000).map(|number| (number * step % 9_973).to_string()).collect::<Vec<_>>().join(" ")
    };
    let flags = |count: usize| "🇩".repeat(count);
    for (old, new) in [(words(7), words(11)), (flags(30_001), flags(30_002)), (flags(30_001), words(3))] {
        let mut pair = news::Pair::of_texts(&[&old], &[&new]);
        pair.copy[0].id = Some(pair.before.blocks[0].id.clone());
        assert_eq!(apply(&pair.before, &diff(&pair.before, &pair.carried()).ops), Ok(pair.carried()));
    }
}
