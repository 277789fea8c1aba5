//! Random articles and random changes on both sides.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use writethru_story::{
    Article, BlockId, BlockKind, Clash, Copy, CopyBlock, Field, Mark, MarkKind, Story, Text, merge,
};

use crate::newsroom::{anonymous, copy, copy_of, filed, rebased, story, words};

/// Returns a sentence like no other: its words tell it apart.
pub(crate) fn sentence(number: usize) -> String {
    const SYLLABLES: [&str; 12] = ["ba", "ke", "di", "fo", "gu", "ha", "le", "mi", "no", "ru", "sa", "te"];
    let mut seed = number.wrapping_mul(2_654_435_761) % 4_294_967_296;
    let mut word = || {
        let mut word = String::new();
        for _ in 0..4 {
            word.push_str(SYLLABLES[seed % 12]);
            seed = (seed / 12).wrapping_mul(48_271).wrapping_add(number + 11);
        }
        word
    };
    format!("The {} {} {} n{number} here.", word(), word(), word())
}

/// A body as an editor's screen has it.
pub(crate) type Body = Vec<(Option<BlockId>, Vec<String>)>;

pub(crate) fn body(article: &Article) -> Body {
    let sentences = |text: &Text| text.shown_values().map(|value| value.trim().to_owned()).collect();
    article.blocks.iter().map(|block| (Some(block.id.clone()), sentences(&block.text))).collect()
}

pub(crate) fn copy_from(body: &Body) -> Copy {
    let block = |(id, sentences): &(Option<BlockId>, Vec<String>)| CopyBlock {
        id: id.clone(),
        kind: BlockKind::Paragraph,
        text: Text::uncut(sentences.join(" ")),
        marks: std::sync::Arc::default(),
    };
    let blocks = body.iter().filter(|(_, sentences)| !sentences.is_empty()).map(block).collect();
    Copy { blocks: Some(blocks), ..Copy::default() }
}

/// How often each sentence is there.
pub(crate) fn tally(body: &Body) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for sentence in body.iter().flat_map(|(_, sentences)| sentences) {
        *tally.entry(sentence.clone()).or_default() += 1;
    }
    tally
}

/// One change that an editor makes: what, which block, where in it, and a number for new words.
pub(crate) type Change = (u8, Index, Index, usize);

pub(crate) const REWORD: u8 = 0;
pub(crate) const DELETE: u8 = 4;

pub(crate) fn change() -> impl Strategy<Value = Change> {
    (0_u8..8, any::<Index>(), any::<Index>(), 0_usize..40)
}

/// Makes the change; `fresh` is added to the number of new words.
pub(crate) fn make(body: &mut Body, (what, block, place, number): &Change, fresh: usize) {
    let new = sentence(fresh + number);
    if body.is_empty() {
        return body.push((None, vec![new]));
    }
    let at = block.index(body.len());
    if body[at].1.is_empty() {
        return;
    }
    let within = place.index(body[at].1.len());
    match *what {
        REWORD => body[at].1[within] = new,
        1 => body[at].1.insert(within, new),
        2 => body[at].1.push(new),
        3 => drop(body[at].1.remove(within)),
        DELETE => drop(body.remove(at)),
        5 => body.insert(at + 1, (None, vec![new])),
        6 => {
            let moved = body.remove(at);
            body.insert(place.index(body.len() + 1), moved);
        }
        _ => {
            let rest = body[at].1.split_off(within);
            body.insert(at + 1, (None, rest));
        }
    }
    body.retain(|(_, sentences)| !sentences.is_empty());
}

fn base() -> impl Strategy<Value = Story> {
    proptest::collection::vec(1_usize..5, 1..7).prop_map(|lengths| {
        let mut number = 0;
        let mut paragraph = |length| {
            number += length;
            (number - length..number).map(sentence).collect::<Vec<_>>().join(" ")
        };
        let paragraphs: Vec<String> = lengths.into_iter().map(&mut paragraph).collect();
        story(&paragraphs.iter().map(String::as_str).collect::<Vec<_>>())
    })
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    proptest::collection::vec(change(), 0..6)
}

/// Returns what an editor makes of `story`. Numbers from 0 to 9 are words that both may find.
fn changed(story: &Story, changes: &[Change], fresh: usize) -> Body {
    let mut body = body(&story.article);
    for change in changes {
        make(&mut body, change, if change.3 < 10 { 9_000 } else { fresh });
    }
    body
}

/// Returns the copy, with ids or without.
fn sent(body: &Body, ids: bool) -> Copy {
    if ids { copy_from(body) } else { anonymous(copy_from(body)) }
}

/// Returns every sentence of a clash's versions.
fn versions(clash: &Clash) -> (String, String) {
    match clash {
        Clash::Block { sides, .. } => {
            let text = |side: &Option<std::sync::Arc<writethru_story::Block>>| {
                side.as_ref().map_or_else(String::new, |block| block.text.as_str().to_owned())
            };
            (text(&sides.theirs), text(&sides.mine))
        }
        Clash::Field { .. } | Clash::Order { .. } => Default::default(),
    }
}

/// Checks that each sentence is in `merged` as often as both sides made it.
#[track_caller]
fn check_tally(base: &Body, theirs: &Body, mine: &Body, merged: &Article) {
    let [base, theirs, mine, merged] = [base, theirs, mine, &body(merged)].map(tally);
    let of = |tally: &BTreeMap<String, usize>, sentence| tally.get(sentence).copied().unwrap_or(0);
    for sentence in base.keys().chain(theirs.keys()).chain(mine.keys()).chain(merged.keys()) {
        let [b, t, m, found] = [&base, &theirs, &mine, &merged].map(|tally| of(tally, sentence));
        let fits = match (b, t, m) {
            (0, 0, only) | (0, only, 0) => found == only,
            (0, t, m) => (t.max(m)..=t + m).contains(&found),
            (_, 0, _) | (_, _, 0) => found == 0,
            _ => found >= 1,
        };
        assert!(fits, "{sentence} is there {found} times: base {b}, theirs {t}, mine {m}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn on_the_base_itself_it_is_a_push(base in base(), mine in changes(), ids in any::<bool>()) {
        let mine = sent(&changed(&base, &mine, 2_000), ids);
        let merged = rebased(&base, &base, &mine).expect("no one else wrote");
        prop_assert_eq!(merged.article, filed(&base, mine).article);
    }

    #[test]
    fn a_copy_of_the_base_changes_nothing(base in base(), theirs in changes(), ids in any::<bool>()) {
        let theirs = filed(&base, sent(&changed(&base, &theirs, 1_000), ids));
        let same = copy_of(&base.article);
        let same = if ids { same } else { anonymous(same) };
        prop_assert_eq!(rebased(&base, &theirs, &same).expect("nothing is new"), theirs);
    }

    #[test]
    fn each_sentence_is_there_as_often_as_both_sides_made_it_or_is_in_the_overlap(
        base in base(), theirs in changes(), mine in changes(), ids in any::<[bool; 2]>(),
    ) {
        let (their_body, my_body) = (changed(&base, &theirs, 1_000), changed(&base, &mine, 2_000));
        let theirs = filed(&base, sent(&their_body, ids[0]));
        let copy = sent(&my_body, ids[1]);
        prop_assert_eq!(
            merge(&base.article, &theirs.article, &copy),
            merge(&base.article, &theirs.article, &copy),
            "the same input gives the same answer"
        );
        let base_body = body(&base.article);
        match rebased(&base, &theirs, &copy) {
            Ok(after) => check_tally(&base_body, &their_body, &my_body, &after.article),
            Err(overlap) => {
                let proposal = words(&overlap.proposal).join(" ");
                let places: Vec<(String, String)> = overlap.places.iter().map(versions).collect();
                let known = tally(&base_body);
                for sentence in tally(&their_body).keys() {
                    let kept = proposal.contains(sentence) || places.iter().any(|(t, _)| t.contains(sentence));
                    prop_assert!(kept || known.contains_key(sentence), "theirs lost {}", sentence);
                }
                for sentence in tally(&my_body).keys().filter(|sentence| !known.contains_key(*sentence)) {
                    prop_assert!(proposal.contains(sentence), "mine lost {}", sentence);
                }
            }
        }
    }

    #[test]
    fn changes_of_different_blocks_merge_either_way_round(
        base in base(), one in changes(), other in changes(), moves in any::<bool>(),
    ) {
        let owned = |index: usize, side: usize| index % 2 == side;
        let side = |changes: &[Change], side: usize| {
            let mut all = body(&base.article);
            let mine: Vec<Option<BlockId>> =
                all.iter().enumerate().filter(|(at, _)| owned(*at, side)).map(|(_, block)| block.0.clone()).collect();
            for (what, block, place, number) in changes.iter().filter(|_| !mine.is_empty()) {
                let id = &mine[block.index(mine.len())];
                let Some(at) = all.iter().position(|(other, _)| other == id) else { continue };
                let what = if *what == 6 && !(moves && side == 0) { REWORD } else { *what };
                if what == 6 {
                    let moved = all.remove(at);
                    all.insert(place.index(all.len() + 1), moved);
                } else {
                    let mut alone = vec![all.remove(at)];
                    make(&mut alone, &(what, *block, *place, *number), 1_000 * (side + 1));
                    all.splice(at..at, alone);
                }
            }
            copy_from(&all)
        };
        let (one, other) = (side(&one, 0), side(&other, 1));
        let merged = |theirs: &Copy, mine: &Copy| {
            let theirs = filed(&base, theirs.clone()).article;
            let copy = merge(&base.article, &theirs, mine).expect("different blocks");
            copy.blocks.expect("a body")
        };
        let (first, second) = (merged(&one, &other), merged(&other, &one));
        let sorted = |blocks: &[CopyBlock]| {
            let mut words: Vec<String> = blocks.iter().map(|block| block.text.as_str().to_owned()).collect();
            words.sort();
            words
        };
        prop_assert_eq!(sorted(&first), sorted(&second));
        let known = |blocks: &[CopyBlock]| -> Vec<BlockId> {
            let ids = blocks.iter().filter_map(|block| block.id.clone());
            ids.filter(|id| base.article.block(id).is_some()).collect()
        };
        prop_assert_eq!(known(&first), known(&second));
    }

    #[test]
    fn one_sentence_that_both_reword_always_clashes(
        base in base(), place in any::<[Index; 2]>(), others in any::<[Index; 4]>(), ids in any::<bool>(),
    ) {
        let blocks = body(&base.article);
        let at = place[0].index(blocks.len());
        let within = place[1].index(blocks[at].1.len());
        let side = |number: usize, others: &[Index]| {
            let mut body = blocks.clone();
            body[at].1[within] = sentence(number);
            for (index, other) in others.iter().enumerate() {
                let other = other.index(body.len());
                if other != at {
                    body[other].1[0] = sentence(number + 1 + index);
                }
            }
            body
        };
        let theirs = filed(&base, copy_from(&side(1_000, &others[..2])));
        let mine = sent(&side(2_000, &others[2..]), ids);
        let copy = copy_from(&side(2_000, &others[2..]));
        let overlap = merge(&base.article, &theirs.article, &copy).expect_err("both reworded it");
        let names = |clash: &Clash| matches!(clash, Clash::Block { block, .. } if Some(block) == blocks[at].0.as_ref());
        prop_assert!(overlap.places.iter().any(names), "{:?}", overlap.places);
        // Without ids a block of one sentence, reworded, is another block: then theirs clashes with its end.
        prop_assert!(merge(&base.article, &theirs.article, &mine).is_err());
    }

    #[test]
    fn no_copy_makes_it_panic(
        base in base(), theirs in changes(),
        given in proptest::collection::vec((0_u64..9, 0_usize..30, any::<[u8; 4]>(), 0_usize..6), 0..8),
        headlines in any::<[bool; 2]>(),
    ) {
        let mut theirs = copy_from(&changed(&base, &theirs, 1_000));
        let mut mine = copy(&[]);
        mine.blocks = Some(given.iter().map(|(id, number, [start, end, dressed, kind], more)| CopyBlock {
            id: (*id > 0).then(|| BlockId::minted(*id)),
            kind: BlockKind::ALL[usize::from(*kind) % 6],
            text: Text::uncut((*number..number + more).map(sentence).collect::<Vec<_>>().join(" ")),
            marks: (dressed % 2 == 0)
                .then(|| Mark { start: (*start).into(), end: (*end).into(), kind: MarkKind::Em, href: None })
                .into_iter()
                .collect(),
        }).collect());
        for (copy, headline) in [&mut theirs, &mut mine].into_iter().zip(headlines) {
            if headline {
                copy.given.push(Field::Headline);
            }
        }
        let theirs = filed(&base, theirs);
        drop(merge(&base.article, &theirs.article, &mine));
        drop(merge(&theirs.article, &base.article, &mine));
        drop(merge(&Article::default(), &theirs.article, &mine));
        drop(merge(&base.article, &Article::default(), &mine));
    }
}
