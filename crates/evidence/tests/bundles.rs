//! Bundles as they are made, told and verified.

mod house;

use evidence::{Fault, Level, Verified, verify};
use proof::policy::Policy;
use proptest::prelude::*;
use story::{Deed, RedactionKind, Release, StoryId};
use writethru_evidence as evidence;

use crate::house::{House, act, copy, log_key, push, story, witness_key};

fn verified(bundle: &[u8]) -> Result<Verified, Fault> {
    verify(bundle, None, |_, _| ())
}

fn holds(bundle: &[u8], words: &str) -> bool {
    bundle.windows(words.len()).any(|window| window == words.as_bytes())
}

/// A house with one small story of three revisions, and something else in its log.
fn small() -> House {
    let mut house = House::default();
    house.files(story(1), Release::Publish, "Dam breaks", &["The dam gave way. Four died."]);
    house.files(story(2), Release::Draft, "Budget", &["It is late."]);
    house.files(story(1), Release::Publish, "Dam breaks", &["The dam gave way. At least five died."]);
    house
}

/// Checks which of `words` a bundle of each level holds, and that each verifies.
#[track_caller]
fn check(house: &House, words: &str, in_levels: &[Level]) {
    for level in Level::ALL {
        let bundle = house.bundle(level, &[story(1)]);
        let proved = verified(&bundle).unwrap_or_else(|fault| panic!("{level}: {fault}"));
        assert_eq!(proved.level, level);
        assert_eq!(holds(&bundle, words), in_levels.contains(&level), "{words:?} in a {level} bundle");
    }
}

#[test]
fn the_same_log_makes_the_same_bytes_and_they_prove_it() {
    let house = small();
    for level in Level::ALL {
        let bundle = house.bundle(level, &[story(1), story(2)]);
        assert_eq!(
            bundle,
            house.bundle(level, &[story(2), story(1), story(2)]),
            "order and repeats do not count"
        );
        let proved = verified(&bundle).expect("verified");
        assert_eq!(proved.stories, [(story(1), 2), (story(2), 1)]);
        assert_eq!(proved.size, 3);
    }
}

#[test]
fn no_byte_of_a_small_bundle_can_be_changed() {
    let mut house = small();
    house.witnesses = vec![witness_key(5)];
    let bundle = house.bundle(Level::Public, &[story(1)]);
    verified(&bundle).expect("verified");
    let mut spoiled = bundle.clone();
    let tail = bundle.len() - 1_200; // The list of files has no other copy: all of what ends it.
    // Every byte takes minutes; each run takes the beginning, the end, and every 13th byte between.
    for at in (0..bundle.len()).filter(|at| *at < 400 || *at > tail || at % 13 == 6) {
        spoiled[at] ^= 1 << (at % 8);
        let fault = verified(&spoiled);
        let fault = fault.expect_err(&format!("byte {at} can be changed"));
        assert!(!fault.problem.is_empty());
        spoiled[at] = bundle[at];
    }
}

/// Whoever changes a byte of the form gives it a new number and keeps the old one readable.
#[test]
fn the_form_of_version_1_is_what_it_was() {
    let digest = proof::envelope_hash(&small().bundle(Level::Public, &[story(1)])).to_string();
    assert_eq!(digest, "sha256:be7a1d20071befed0542610ad859c4d018c0feabaf32e78244813cc36f9f17a9");
}

#[test]
fn nothing_can_be_cut_off_or_added() {
    let bundle = small().bundle(Level::Public, &[story(1)]);
    for length in (0..bundle.len()).step_by(31) {
        assert!(verified(&bundle[..length]).is_err(), "{length} bytes are a bundle");
    }
    for more in [&b"\0"[..], b"PK\x05\x06", b"more"] {
        assert!(verified(&[&bundle, more].concat()).is_err());
        assert!(verified(&[more, &bundle].concat()).is_err());
    }
}

#[test]
fn what_is_wrong_is_named_by_file_and_byte() {
    let bundle = small().bundle(Level::Public, &[story(1)]);
    let spoil = |words: &str| {
        let mut spoiled = bundle.clone();
        let at = bundle.windows(words.len()).position(|window| window == words.as_bytes()).expect(words);
        spoiled[at] ^= 1;
        verified(&spoiled).expect_err("changed")
    };
    let page = spoil("<title>");
    assert!(page.file.ends_with("/replay.html") && page.byte.is_some(), "{page}");
    let word = spoil("\"value\":\"At least five died.");
    assert!(word.file.ends_with("/disclosures.jsonl"), "{word}");
    let stored = spoil("\"actor\":\"ed-1\",\"command\"");
    assert!(stored.to_string().contains("entry 0 is not the one that the tree has"), "{stored}");
    let mut structure = bundle.clone();
    let last = structure.len() - 1;
    structure[last] ^= 1;
    let fault = verified(&structure).expect_err("changed");
    assert_eq!((fault.file.as_str(), fault.byte), ("", Some(last as u64)), "{fault}");
}

#[test]
fn drafts_and_reasons_are_not_for_the_public() {
    let mut house = small();
    house.files(story(1), Release::Draft, "Dam bursts", &["The dam gave way. Nobody knows why."]);
    check(&house, "Nobody knows why.", &[Level::Redacted, Level::Full]);
    house.does(story(1), &act(Deed::Withhold, "The lawyers called.", "We look into it."));
    check(&house, "The lawyers called.", &[Level::Redacted, Level::Full]);
    check(&house, "We look into it.", &Level::ALL);
}

#[test]
fn a_story_that_was_taken_from_readers_is_in_no_public_bundle_until_it_is_back() {
    let mut house = small();
    house.does(story(1), &act(Deed::Withhold, "Doubts.", ""));
    check(&house, "Four died.", &[Level::Redacted, Level::Full]);
    house.does(story(1), &act(Deed::Release, "", ""));
    check(&house, "Four died.", &Level::ALL);
    house.does(story(1), &act(Deed::Kill, "It is wrong.", ""));
    check(&house, "five died", &[Level::Redacted, Level::Full]);
}

#[test]
fn withdrawn_words_are_for_auditors_and_erased_ones_for_nobody() {
    let mut house = small();
    house.files(story(1), Release::Publish, "Dam breaks", &["Hill Quillfeather is held.", "Five died."]);
    check(&house, "Quillfeather", &Level::ALL);
    house.redacts(story(1), RedactionKind::Withdraw, "Quillfeather");
    check(&house, "Quillfeather", &[Level::Full]);
    house.redacts(story(1), RedactionKind::Erase, "five died");
    check(&house, "five died", &[]);
    check(&house, "Five died.", &Level::ALL);
}

#[test]
fn an_annotation_takes_no_word_out() {
    let mut house = small();
    house.redacts(story(1), RedactionKind::Annotate, "Four died.");
    check(&house, "Four died.", &Level::ALL);
}

#[test]
fn a_word_that_the_level_leaves_out_cannot_be_smuggled_in() {
    let mut house = small();
    house.files(story(1), Release::Draft, "Dam bursts", &["Nobody knows why."]);
    let bundle = house.bundle(Level::Redacted, &[story(1)]);
    let level = b"Writethru-Level: redacted";
    let at = bundle.windows(level.len()).position(|window| window == level).expect("the level");
    let mut spoiled = bundle.clone();
    spoiled[at..at + level.len()].copy_from_slice(b"Writethru-Level: public\n\n");
    let fault = verified(&spoiled).expect_err("changed");
    assert!(fault.problem.contains("leaves out"), "{fault}");
}

#[test]
fn a_revision_that_is_left_out_is_missed() {
    let house = small();
    let mut records = house.records(story(1));
    records.pop();
    let bundle = house.bundle_of(Level::Full, vec![(story(1), records)]).expect("a bundle");
    let fault = verified(&bundle).expect_err("one is missing");
    assert!(fault.problem.contains("is left out"), "{fault}");
}

#[test]
fn records_that_are_not_the_logs_are_no_bundle() {
    let house = small();
    let mut records = house.records(story(1));
    records[0].disclosures = records[1].disclosures.clone();
    house.bundle_of(Level::Full, vec![(story(1), records)]).expect_err("another's words");
    let mut records = house.records(story(1));
    records.remove(0);
    house.bundle_of(Level::Full, vec![(story(1), records)]).expect_err("no beginning");
    house.bundle_of(Level::Full, vec![(story(3), Vec::new())]).expect_err("no story");
}

#[test]
fn the_key_that_one_has_from_elsewhere_decides() {
    let bundle = small().bundle(Level::Public, &[story(1)]);
    let policy = |seed| Policy::new(log_key(seed).verifier().clone(), Vec::new(), 0).expect("a policy");
    verify(&bundle, Some(&policy(1)), |_, _| ()).expect("verified");
    let fault = verify(&bundle, Some(&policy(2)), |_, _| ()).expect_err("another key");
    assert_eq!(fault.file, "data/log/checkpoint");
}

#[test]
fn a_long_log_is_there_as_far_as_it_proves_the_story() {
    let mut house = small();
    for number in 10..270 {
        for headline in ["One", "Two", "Three", "Four", "Five"] {
            house.files(story(number), Release::Draft, headline, &["Nothing."]);
        }
    }
    house.files(story(1), Release::Publish, "Dam breaks", &["Six died."]);
    let bundle = house.bundle(Level::Public, &[story(1)]);
    let proved = verified(&bundle).expect("verified");
    assert_eq!((proved.size, &proved.stories[..]), (1_304, &[(story(1), 3)][..]));
    assert!(holds(&bundle, "evidence/data/log/tile/entries/000") && !holds(&bundle, "tile/entries/002"));
}

#[test]
fn an_envelope_that_is_too_long_for_the_log_is_beside_it() {
    let mut house = small();
    let sentences: Vec<String> =
        (0..1_700).map(|number| format!("Sentence number {number} is here.")).collect();
    house.files(story(1), Release::Publish, "Dam breaks", &[&sentences.join(" ")]);
    let bundle = house.bundle(Level::Public, &[story(1)]);
    verified(&bundle).expect("verified");
    let name = format!("evidence/data/stories/{}/envelopes/3.json", story(1));
    let at = bundle.windows(name.len()).position(|window| window == name.as_bytes()).expect(&name);
    let mut spoiled = bundle.clone();
    spoiled[at + 1_000] ^= 1;
    assert!(verified(&spoiled).expect_err("changed").file.ends_with("envelopes/3.json"));
}

#[test]
fn progress_ends_at_the_whole() {
    let mut seen = Vec::new();
    verify(&small().bundle(Level::Public, &[story(1)]), None, |done, total| seen.push((done, total)))
        .expect("verified");
    assert_eq!(seen.last(), Some(&(5, 5)), "three entries and two revisions");
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

const SENTENCES: [&str; 5] =
    ["Rain fell. ", "Four are hurt. ", "“No,” he said. ", "Cafés are <shut> & dark. ", "他走了。"];

/// What becomes of a story, step by step.
fn history() -> impl Strategy<Value = Vec<(u8, Vec<usize>)>> {
    prop::collection::vec((0..8_u8, prop::collection::vec(0..SENTENCES.len(), 1..5)), 1..9)
}

fn told(steps: &[(u8, Vec<usize>)], id: StoryId) -> House {
    let mut house = House::default();
    for (number, (step, picks)) in steps.iter().enumerate() {
        let words: String = picks.iter().map(|pick| SENTENCES[*pick]).collect();
        let release = if *step < 2 { Release::Draft } else { Release::Publish };
        let headline = format!("Headline {number}");
        house.does(id, &push(copy(&headline, &[words.trim_end(), "It goes on."]), release, "A note."));
        match step {
            6 => house.redacts(id, RedactionKind::Erase, SENTENCES[picks[0]].trim_end()),
            7 => house.redacts(id, RedactionKind::Withdraw, SENTENCES[picks[0]].trim_end()),
            _ => {}
        }
    }
    house
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_becomes_of_a_story_every_bundle_of_it_verifies(steps in history()) {
        let house = told(&steps, story(1));
        for level in Level::ALL {
            let bundle = house.bundle(level, &[story(1)]);
            prop_assert!(verified(&bundle).is_ok(), "{level}: {:?}", verified(&bundle));
            prop_assert_eq!(&bundle, &house.bundle(level, &[story(1)]));
        }
    }

    #[test]
    fn no_bytes_make_a_verifier_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(),
    ) {
        prop_assert!(verified(&bytes).is_err());
        bytes.splice(0..0, *b"PK\x03\x04");
        prop_assert!(verified(&bytes).is_err());
        let mut bundle = small().bundle(Level::Full, &[story(1)]);
        let at = at.index(bundle.len());
        bundle.splice(at..at, bytes);
        prop_assert!(verified(&bundle).is_err());
    }
}
