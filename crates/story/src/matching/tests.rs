//! Tests of which block is which.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::block::BlockKind;
use crate::text::Text;

fn given(text: &str) -> CopyBlock {
    CopyBlock { id: None, kind: BlockKind::Paragraph, text: Text::uncut(text), marks: Arc::default() }
}

fn copy(texts: &[&str]) -> Vec<CopyBlock> {
    texts.iter().copied().map(given).collect()
}

/// Returns blocks `b1`, `b2`, … with `texts`.
fn story(texts: &[&str]) -> Vec<Arc<Block>> {
    carry_ids(&[], &copy(texts), 0).0
}

fn ids(blocks: &[Arc<Block>]) -> Vec<&str> {
    blocks.iter().map(|block| block.id.as_str()).collect()
}

#[track_caller]
fn check(before: &[&str], after: &[&str], expected: &[&str]) {
    let (blocks, _) = carry_ids(&story(before), &copy(after), before.len() as u64);
    assert_eq!(ids(&blocks), expected);
    let texts: Vec<_> = blocks.iter().map(|block| block.text.as_str()).collect();
    assert_eq!(texts, after);
}

const TALKS: &str = "Officials said talks would resume in Cairo on Thursday after a two-day pause.";
const TALKS_EDITED: &str = "Officials said talks would resume in Doha on Friday after a two-day pause.";
const STORM: &str = "The storm made landfall near Rockport shortly before midnight, forecasters reported.";
const MARKET: &str = "Shares fell sharply in early trading as investors weighed the new tariffs.";

#[test]
fn a_first_copy_gets_minted_ids() {
    let (blocks, minted) = carry_ids(&[], &copy(&["A", "B"]), 7);
    assert_eq!((ids(&blocks), minted), (vec!["b8", "b9"], 9));
}

#[test]
fn an_unchanged_block_is_the_same_block() {
    let before = story(&[TALKS, STORM]);
    let (after, minted) = carry_ids(&before, &copy(&[TALKS, STORM]), 2);
    assert!(before.iter().zip(&after).all(|(old, new)| Arc::ptr_eq(old, new)));
    assert_eq!(minted, 2);
}

#[test]
fn unchanged_words_keep_their_cuts_when_marks_or_kind_change() {
    let text = Text::from_values([Some("One. "), Some("Two.")]);
    let old = Block { id: BlockId::minted(1), kind: BlockKind::Paragraph, text, marks: Arc::default() };
    let changed = CopyBlock { kind: BlockKind::Quote, ..given("One. Two.") };
    let (after, _) = carry_ids(&[Arc::new(old)], &[changed], 1);
    assert_eq!(after[0].kind, BlockKind::Quote);
    assert_eq!(after[0].text.value_count(), 2);
    assert_eq!(after[0].id.as_str(), "b1");
}

#[test]
fn an_edited_block_keeps_its_id() {
    check(&[STORM, TALKS, MARKET], &[STORM, TALKS_EDITED, MARKET], &["b1", "b2", "b3"]);
}

#[test]
fn a_moved_block_keeps_its_id() {
    check(&[STORM, TALKS, MARKET], &[MARKET, STORM, TALKS], &["b3", "b1", "b2"]);
}

#[test]
fn a_moved_and_edited_block_keeps_its_id() {
    check(&[TALKS, STORM, MARKET], &[STORM, MARKET, TALKS_EDITED], &["b2", "b3", "b1"]);
}

#[test]
fn a_block_that_is_new_gets_a_new_id() {
    check(&[TALKS, STORM], &[TALKS, MARKET, STORM], &["b1", "b3", "b2"]);
    check(&[TALKS, STORM], &[TALKS, MARKET], &["b1", "b3"]);
}

#[test]
fn an_id_is_never_used_again() {
    let (blocks, minted) = carry_ids(&story(&[TALKS]), &copy(&[MARKET]), 5);
    assert_eq!((ids(&blocks), minted), (vec!["b6"], 6));
}

#[test]
fn repeated_blocks_pair_beside_their_neighbours() {
    check(&["* * *", STORM, "* * *", TALKS], &[MARKET, "* * *", TALKS], &["b5", "b3", "b4"]);
    check(&["* * *", STORM, "* * *", TALKS], &[STORM, "* * *"], &["b2", "b3"]);
    check(&["Yes", "Yes"], &["Yes", "Yes", "Yes"], &["b1", "b2", "b3"]);
    check(&["Yes", "Yes", "Yes"], &["Yes"], &["b1"]);
}

#[test]
fn a_block_rewritten_in_its_place_keeps_its_id() {
    let rewritten = "Talks between both sides will now resume on Friday, one of the officials said.";
    check(&[STORM, TALKS, MARKET], &[STORM, rewritten, MARKET], &["b1", "b2", "b3"]);
    check(&[STORM, TALKS, MARKET], &[rewritten, MARKET, STORM], &["b4", "b3", "b1"]);
}

#[test]
fn a_short_block_is_known_by_its_letters() {
    check(&["Update", TALKS], &["Updates", TALKS], &["b1", "b2"]);
    check(&["Background", TALKS], &["Reaction", TALKS], &["b3", "b2"]);
}

#[test]
fn a_split_keeps_the_id_on_the_larger_part() {
    let whole = format!("{TALKS} {STORM} It was late and the roads were under water.");
    let larger = format!("{STORM} It was late and the roads were under water.");
    check(&[&whole], &[TALKS, &larger], &["b2", "b1"]);
}

#[test]
fn chinese_blocks_match_by_neighbouring_characters() {
    let old = "本周的周报总结了关于闪电网络的一项新提案，并介绍了比特币核心的更新。";
    let new = "本周的周报总结了关于闪电网络的两项新提案，并介绍了比特币核心的更新。";
    check(&["新闻摘要", old], &[new, "新闻摘要"], &["b2", "b1"]);
}

#[test]
fn a_block_that_names_an_id_has_it() {
    let before = story(&[TALKS, STORM]);
    let mut copy = copy(&[STORM, MARKET, TALKS]);
    copy[0].id = Some(BlockId::minted(1));
    copy[1].id = Some("lead".parse().unwrap());
    let (after, minted) = carry_ids(&before, &copy, 2);
    assert_eq!((ids(&after), minted), (vec!["b1", "lead", "b3"], 3));
}

#[test]
fn the_second_block_that_names_an_id_does_not_have_it() {
    let mut copy = copy(&[STORM, STORM]);
    for block in &mut copy {
        block.id = Some(BlockId::minted(1));
    }
    let (after, _) = carry_ids(&story(&[STORM]), &copy, 1);
    assert_eq!(ids(&after), ["b1", "b2"]);
}

#[test]
fn minting_steps_over_ids_that_are_taken() {
    let mut copy = copy(&[STORM, TALKS]);
    copy[0].id = Some(BlockId::minted(1));
    let (after, minted) = carry_ids(&[], &copy, 0);
    assert_eq!((ids(&after), minted), (vec!["b1", "b2"], 2));
}

#[test]
fn a_whole_rewrite_of_a_long_body_is_matched_by_rare_words() {
    let line =
        |number: usize, end: &str| format!("Entry subject{number} was filed from the scene and {end}.");
    let old: Vec<String> = (0..400).map(|number| line(number, "is developing")).collect();
    let new: Vec<String> = (0..400).rev().map(|number| line(number, "was closed")).collect();
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.iter().map(String::as_str).collect(), new.iter().map(String::as_str).collect());
    let before = story(&old);
    let (after, minted) = carry_ids(&before, &copy(&new), 400);
    assert!(before.iter().rev().zip(&after).all(|(old, new)| old.id == new.id));
    assert_eq!(minted, 400);
}

proptest! {
    #[test]
    fn ids_are_unique_and_words_are_kept(
        before in prop::collection::vec("[abc]( [abc]){0,5}", 0..10),
        after in prop::collection::vec(("[abc]( [abc]){0,5}", prop::option::of(1..14_u64)), 0..10),
    ) {
        let before = story(&before.iter().map(String::as_str).collect::<Vec<_>>());
        let copy: Vec<CopyBlock> = after
            .iter()
            .map(|(text, id)| CopyBlock { id: id.map(BlockId::minted), ..given(text) })
            .collect();
        let (blocks, minted) = carry_ids(&before, &copy, before.len() as u64);
        let unique: HashSet<_> = ids(&blocks).into_iter().collect();
        prop_assert_eq!(unique.len(), copy.len());
        prop_assert!(blocks.iter().zip(&copy).all(|(block, given)| block.text == given.text));
        prop_assert!(minted <= before.len() as u64 + copy.len() as u64 + 14);
        prop_assert_eq!(carry_ids(&before, &copy, before.len() as u64), (blocks, minted));
    }
}
