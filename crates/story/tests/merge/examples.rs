//! Bodies that two editors change, one rule a test.

use std::sync::Arc;

use writethru_story::{Block, BlockKind, Clash, Copy, Mark, MarkKind, Overlap, Text, merge};

use crate::newsroom::{anonymous, copy, copy_of, filed, id, rebased, story, words};

const TALKS: &str = "Talks resume in Cairo. Envoys arrived on Monday. Nobody expects a deal.";
const STORM: &str = "The storm made landfall near Rockport. Thousands fled inland.";
const MARKET: &str = "Shares fell sharply in early trading. Oil rose.";

/// Checks what comes of two changed bodies, as a system without ids sends them.
#[track_caller]
fn check(base: &[&str], theirs: &[&str], mine: &[&str], expected: &[&str]) {
    let base = story(base);
    let after = rebased(&base, &filed(&base, copy(theirs)), &copy(mine)).expect("nothing overlaps");
    assert_eq!(words(&after.article), expected);
}

#[track_caller]
fn overlap(base: &[&str], theirs: &[&str], mine: &[&str]) -> Overlap {
    let base = story(base);
    let theirs = filed(&base, copy(theirs));
    *merge(&base.article, &theirs.article, &copy(mine)).expect_err("both changed one thing")
}

/// Checks where the only clash is, and theirs and mine there.
#[track_caller]
fn check_block(overlap: &Overlap, block: u64, expected: [Option<&str>; 2]) {
    let [Clash::Block { block: found, sides }] = overlap.places.as_slice() else {
        panic!("one block clashes, not {:?}", overlap.places)
    };
    let text = |side: &Option<Arc<Block>>| side.as_ref().map(|block| block.text.as_str().to_owned());
    assert_eq!(*found, id(block));
    assert_eq!([text(&sides.theirs), text(&sides.mine)], expected.map(|text| text.map(str::to_owned)));
}

#[test]
fn edits_of_different_blocks_merge() {
    check(
        &[TALKS, STORM, MARKET],
        &[&TALKS.replace("Cairo", "Doha"), STORM, MARKET],
        &[TALKS, STORM, &MARKET.replace("Oil", "Gold")],
        &[&TALKS.replace("Cairo", "Doha"), STORM, &MARKET.replace("Oil", "Gold")],
    );
}

#[test]
fn edits_of_different_sentences_merge() {
    check(
        &[TALKS],
        &["Talks resume in Doha. Envoys arrived on Monday. Nobody expects a deal."],
        &["Talks resume in Cairo. Envoys arrived on Sunday. Nobody expects a deal."],
        &["Talks resume in Doha. Envoys arrived on Sunday. Nobody expects a deal."],
    );
    check(
        &[TALKS],
        &["Talks resume in Doha. Envoys arrived on Monday. Nobody expects a deal."],
        &["Talks resume in Cairo. Nobody expects a deal. Pressure grows."],
        &["Talks resume in Doha. Nobody expects a deal. Pressure grows."],
    );
}

#[test]
fn one_sentence_that_both_changed_clashes_and_mine_stands_in_the_proposal() {
    let theirs = "Talks resume in Doha. Envoys arrived on Monday. Few expect a deal.";
    let mine = "Talks resume in Oman. Envoys arrived on Monday. Nobody expects a deal.";
    let overlap = overlap(&[TALKS, STORM], &[theirs, STORM], &[mine, STORM]);
    check_block(&overlap, 1, [Some(theirs), Some(mine)]);
    let merged = "Talks resume in Oman. Envoys arrived on Monday. Few expect a deal.";
    assert_eq!(words(&overlap.proposal), [merged, STORM]);
}

#[test]
fn the_same_change_on_both_sides_is_one() {
    let both = ["Talks resume in Doha. Envoys arrived on Sunday. Nobody expects a deal.", MARKET];
    check(&[TALKS, STORM, MARKET], &both, &both, &both);
    check(
        &[TALKS],
        &["Talks resume in Doha. Envoys arrived on Monday. Nobody expects a deal."],
        &["Talks resume in Doha. Envoys arrived on Sunday. Nobody expects a deal."],
        &["Talks resume in Doha. Envoys arrived on Sunday. Nobody expects a deal."],
    );
}

#[test]
fn sentences_that_both_append_are_both_there_theirs_first() {
    check(
        &["One came."],
        &["One came. Two went."],
        &["One came. Three fell."],
        &["One came. Two went. Three fell."],
    );
    check(
        &["他走了。"],
        &["他走了。天气很好！"],
        &["他走了。我们也走了。"],
        &["他走了。天气很好！我们也走了。"],
    );
}

#[test]
fn a_sentence_that_both_put_in_is_there_once() {
    check(
        &[TALKS],
        &["Talks resume in Cairo. Rain fell. Envoys arrived on Monday. Nobody expects a deal."],
        &["Talks resume in Cairo. Rain fell. Envoys arrived on Sunday. Nobody expects a deal."],
        &["Talks resume in Cairo. Rain fell. Envoys arrived on Sunday. Nobody expects a deal."],
    );
}

#[test]
fn a_sentence_that_both_append_beside_an_edit_is_there_once() {
    check(
        &["One came. Two went."],
        &["One came. Two went. Rain fell."],
        &["One came. Two ran. Rain fell."],
        &["One came. Two ran. Rain fell."],
    );
}

#[test]
fn sentences_that_either_side_takes_out_go_though_some_are_the_same() {
    check(
        &["One came. Two went. Three fell. Four rose."],
        &["Three fell. Four rose."],
        &["One came. Four rose."],
        &["Four rose."],
    );
}

#[test]
fn a_block_that_one_side_takes_out_goes_and_one_that_the_other_edited_clashes() {
    check(
        &[TALKS, STORM],
        &[TALKS],
        &[&TALKS.replace("Cairo", "Doha"), STORM],
        &[&TALKS.replace("Cairo", "Doha")],
    );
    check(&[TALKS, STORM, MARKET], &[TALKS, MARKET], &[TALKS, MARKET], &[TALKS, MARKET]);
    let edited = STORM.replace("Thousands", "Dozens");
    let mine_out = overlap(&[TALKS, STORM], &[TALKS, &edited], &[TALKS]);
    check_block(&mine_out, 2, [Some(&edited), None]);
    assert_eq!(words(&mine_out.proposal), [TALKS]);
    let theirs_out = overlap(&[TALKS, STORM], &[TALKS], &[TALKS, &edited]);
    check_block(&theirs_out, 2, [None, Some(&edited)]);
    assert_eq!(words(&theirs_out.proposal), [TALKS, &edited]);
}

#[test]
fn what_both_put_in_at_one_place_is_there_theirs_first_and_a_re_sent_text_once() {
    check(
        &[TALKS, STORM],
        &[TALKS, "Rain fell.", STORM],
        &[TALKS, "Shops shut.", STORM],
        &[TALKS, "Rain fell.", "Shops shut.", STORM],
    );
    check(
        &[TALKS],
        &["Rain fell.", TALKS],
        &["Rain fell.", "Shops shut.", TALKS],
        &["Rain fell.", "Shops shut.", TALKS],
    );
    check(
        &[TALKS, STORM],
        &["Rain fell.", TALKS, STORM],
        &[TALKS, STORM, "Rain fell."],
        &["Rain fell.", TALKS, STORM, "Rain fell."],
    );
}

#[test]
fn what_stood_behind_a_block_that_went_stands_behind_the_one_before() {
    check(
        &[TALKS, STORM, MARKET],
        &[TALKS, MARKET],
        &[TALKS, STORM, "Shops shut.", MARKET],
        &[TALKS, "Shops shut.", MARKET],
    );
}

#[test]
fn moves_of_different_blocks_merge_and_take_along_what_was_put_behind_them() {
    let [a, b, c, rain, shops] = [TALKS, STORM, MARKET, "Rain fell overnight.", "Shops shut early today."];
    check(&[a, b, c, rain, shops], &[b, a, c, rain, shops], &[a, b, c, shops, rain], &[b, a, c, shops, rain]);
    check(
        &[a, b, c, rain],
        &[b, c, rain, a],
        &[a, "New words here.", b, c, rain],
        &[b, c, rain, a, "New words here."],
    );
    check(&[a, b, c, rain], &[a, c, rain], &[b, a, c, rain], &[a, c, rain]);
}

#[test]
fn a_block_that_both_moved_to_different_places_clashes_in_order() {
    let [a, b, c, rain] = [TALKS, STORM, MARKET, "Rain fell overnight."];
    check(&[a, b, c, rain], &[b, c, rain, a], &[b, c, rain, a], &[b, c, rain, a]);
    let both = overlap(&[a, b, c, rain], &[b, c, a, rain], &[b, c, rain, a]);
    let [Clash::Order { block, sides }] = both.places.as_slice() else {
        panic!("one place clashes, not {:?}", both.places)
    };
    assert_eq!((block, &sides.base, &sides.theirs, &sides.mine), (&id(1), &None, &Some(id(3)), &Some(id(4))));
    assert_eq!(words(&both.proposal), [b, c, rain, a]);
}

#[test]
fn blocks_that_are_put_behind_each_other_clash_in_order() {
    let [a, b, c, rain, shops] = [TALKS, STORM, MARKET, "Rain fell overnight.", "Shops shut early today."];
    let overlap = overlap(&[a, b, c, rain, shops], &[b, c, rain, a, shops], &[a, rain, b, c, shops]);
    let [Clash::Order { block, .. }] = overlap.places.as_slice() else {
        panic!("one place clashes, not {:?}", overlap.places)
    };
    assert_eq!(*block, id(1));
    assert_eq!(words(&overlap.proposal), [a, rain, b, c, shops], "mine stands");
}

#[test]
fn a_sentence_that_one_side_carried_off_and_the_other_took_out_clashes() {
    let split = ["Talks resume in Cairo. Envoys arrived on Monday.", "Nobody expects a deal.", STORM];
    let shorter = "Talks resume in Cairo. Envoys arrived on Monday.";
    check_block(&overlap(&[TALKS, STORM], &split, &[shorter, STORM]), 1, [Some(split[0]), Some(shorter)]);
    check_block(&overlap(&[TALKS, STORM], &[shorter, STORM], &split), 1, [Some(shorter), Some(split[0])]);
    check(
        &[TALKS, STORM],
        &split,
        &[TALKS, &STORM.replace("fled", "went")],
        &[split[0], split[1], &STORM.replace("fled", "went")],
    );
}

/// Returns the copy with its first block of another kind, or marked from `start` to `end`.
fn dressed(mut copy: Copy, kind: BlockKind, marked: &[(u32, u32)]) -> Copy {
    if let Some(block) = copy.blocks.iter_mut().flatten().next() {
        let mark =
            |(start, end): &(u32, u32)| Mark { start: *start, end: *end, kind: MarkKind::Em, href: None };
        block.kind = kind;
        block.marks = marked.iter().map(mark).collect();
    }
    copy
}

#[test]
fn kind_words_and_marks_merge_and_each_clashes_alone() {
    let base = story(&[TALKS]);
    let plain = || copy_of(&base.article);
    let theirs = filed(&base, dressed(plain(), BlockKind::Quote, &[]));
    let reworded = TALKS.replace("Cairo", "Doha");
    let mine = Copy { blocks: copy(&[&reworded]).blocks, ..plain() };
    let after = rebased(&base, &theirs, &mine).expect("kind and words are two things").article;
    assert_eq!((after.blocks[0].kind, after.blocks[0].text.as_str()), (BlockKind::Quote, reworded.as_str()));
    let heading = dressed(plain(), BlockKind::Heading, &[]);
    assert!(rebased(&base, &theirs, &heading).is_err());
    assert!(rebased(&base, &theirs, &dressed(plain(), BlockKind::Quote, &[])).is_ok());

    let theirs = filed(&base, dressed(plain(), BlockKind::Paragraph, &[(0, 5)]));
    let envoys = dressed(plain(), BlockKind::Paragraph, &[(23, 29)]);
    let after = rebased(&base, &theirs, &envoys).expect("marks of two sentences").article;
    let ranges: Vec<_> = after.blocks[0].marks.iter().map(|mark| (mark.start, mark.end)).collect();
    assert_eq!(ranges, [(0, 5), (23, 29)]);
    let resume = dressed(plain(), BlockKind::Paragraph, &[(6, 12)]);
    assert!(rebased(&base, &theirs, &resume).is_err(), "both marked one sentence");
}

#[test]
fn marks_go_with_their_sentence_and_over_several_stay_one() {
    let base = story(&[TALKS]);
    let theirs = filed(&base, copy(&[&TALKS.replace("in Cairo", "in the capital, Cairo")]));
    let marked = dressed(copy(&[TALKS]), BlockKind::Paragraph, &[(23, 71)]);
    let after = rebased(&base, &theirs, &marked).expect("words and marks of different sentences").article;
    let Mark { start, end, .. } = after.blocks[0].marks[0];
    assert_eq!(&after.blocks[0].text.as_str()[start as usize..end as usize], &TALKS[23..71]);
    assert_eq!(after.blocks[0].marks.len(), 1);
    let over = || dressed(copy(&[TALKS]), BlockKind::Paragraph, &[(0, 5)]);
    assert!(rebased(&base, &theirs, &over()).is_err(), "mine marked a sentence that theirs rewrote");
    let theirs = filed(&base, over());
    let mine = copy(&[&TALKS.replace("in Cairo", "in the capital, Cairo")]);
    assert!(rebased(&base, &theirs, &mine).is_err(), "theirs marked a sentence that mine rewrote");
}

#[test]
fn erased_words_stay_erased_beside_what_both_add() {
    let mut base = story(&["One came. Two went. Three fell."]);
    let text = Text::from_values([Some("One came. "), None, Some("Three fell.")]);
    let shown = text.as_str().to_owned();
    base.article.blocks[0] = Arc::new(Block { text, ..(*base.article.blocks[0]).clone() });
    let theirs = filed(&base, copy(&[&shown.replace("One came", "One ran")]));
    let after = rebased(&base, &theirs, &copy(&[&shown.replace("fell.", "fell. Four rose.")]));
    let after = after.expect("different sentences").article;
    assert_eq!(
        after.blocks[0].text.as_str(),
        shown.replace("came", "ran").replace("fell.", "fell. Four rose.")
    );
    assert_eq!(after.blocks[0].text.values().filter(Option::is_none).count(), 1);
}

#[test]
fn new_blocks_have_no_id_and_never_one_that_was_minted_since() {
    let base = story(&[TALKS]);
    let theirs = filed(&base, copy(&[TALKS, "Rain fell."]));
    let merged = merge(&base.article, &theirs.article, &copy(&["Shops shut.", TALKS])).expect("it merges");
    let ids: Vec<_> = merged.blocks.expect("a body").into_iter().map(|block| block.id).collect();
    assert_eq!(ids, [None, Some(id(1)), Some(id(2))]);
    let clash = overlap(
        &[TALKS],
        &[&TALKS.replace("Cairo", "Doha"), "Rain fell."],
        &["Shops shut.", &TALKS.replace("Cairo", "Oman")],
    );
    let ids: Vec<_> = clash.proposal.blocks.iter().map(|block| block.id.as_str()).collect();
    assert_eq!(ids, ["new-1", "b1", "b2"]);
}

#[test]
fn a_block_that_theirs_put_in_can_be_named_and_clashes_if_it_differs() {
    let base = story(&[TALKS]);
    let theirs = filed(&base, copy(&[TALKS, STORM]));
    assert_eq!(
        rebased(&base, &theirs, &copy_of(&theirs.article)).expect("it is the same").article,
        theirs.article
    );
    let mut mine = copy_of(&theirs.article);
    mine.blocks.as_mut().expect("a body")[1].text = Text::uncut(MARKET);
    let overlap = merge(&base.article, &theirs.article, &mine).expect_err("it was never seen");
    check_block(&overlap, 2, [Some(STORM), Some(MARKET)]);
}

#[test]
fn copy_that_no_push_takes_is_handed_back() {
    let base = story(&[TALKS, STORM]);
    let theirs = filed(&base, copy(&[&TALKS.replace("Cairo", "Doha"), STORM]));
    for ids in [[1, 1], [1, 99]] {
        let mut mine = copy(&[MARKET, STORM]);
        for (block, number) in mine.blocks.iter_mut().flatten().zip(ids) {
            block.id = Some(id(number));
        }
        assert_eq!(merge(&base.article, &theirs.article, &mine), Ok(mine));
    }
    let odd = dressed(copy(&[MARKET]), BlockKind::Paragraph, &[(0, 9_999)]);
    assert_eq!(merge(&base.article, &theirs.article, &odd), Ok(odd));
}

#[test]
fn copy_that_changes_nothing_changes_nothing() {
    let base = story(&[TALKS, STORM]);
    let theirs = filed(&base, copy(&[STORM, MARKET]));
    for same in [copy_of(&base.article), anonymous(copy_of(&base.article)), Copy::default()] {
        assert_eq!(rebased(&base, &theirs, &same).expect("nothing to merge"), theirs);
    }
}

#[test]
fn too_many_marks_over_too_many_sentences_clash_and_cost_little() {
    let long = "One came. ".repeat(20_000);
    let base = story(&[long.trim()]);
    let end = u32::try_from(long.trim().len()).expect("a short text");
    let marks: Vec<(u32, u32)> = (0..2_000).map(|start| (start, end)).collect();
    let theirs = filed(&base, dressed(copy(&[long.trim()]), BlockKind::Paragraph, &marks));
    let mine = copy(&[&format!("{long}Two went.")]);
    assert_eq!(rebased(&base, &theirs, &mine).expect_err("it cannot be told").places.len(), 1);
}

#[test]
fn two_additions_behind_erased_words_keep_their_spaces() {
    let mut base = story(&["One came. Two went."]);
    let text = Text::from_values([Some("One came. "), None]);
    let shown = text.as_str().to_owned();
    base.article.blocks[0] = Arc::new(Block { text, ..(*base.article.blocks[0]).clone() });
    let theirs = filed(&base, copy(&[&format!("{shown} Rain fell.")]));
    let after = rebased(&base, &theirs, &copy(&[&format!("{shown} Shops shut.")])).expect("two additions");
    assert_eq!(words(&after.article), [format!("{shown} Rain fell. Shops shut.")]);
}
