//! A real history: the advisories on Hurricane Harvey, with a second editor who is one behind.

use writethru_story::{Clash, Copy, Field, Story, Text, merge};

use crate::newsroom::{copy, copy_of, filed, rebased, story, words};

/// NHC advisories in the public domain; ATTRIBUTION.md beside them says from where.
const ADVISORIES: &str = include_str!("../../../writethru/fixtures/nhc-harvey-2017.jsonl");
/// Every so many advisories are looked at.
const STRIDE: usize = 4;

/// Returns each advisory as copy.
fn advisories() -> Vec<Copy> {
    let read = |line: &str| {
        let state: serde_json::Value = serde_json::from_str(line).expect("a state");
        let paragraphs = state["body"].as_array().expect("a body").iter();
        let paragraphs: Vec<&str> = paragraphs.map(|text| text.as_str().expect("a paragraph")).collect();
        let mut advisory = copy(&paragraphs);
        advisory.given.push(Field::Headline);
        advisory.fields.set(Field::Headline, Text::uncut(state["headline"].as_str().expect("a headline")));
        advisory
    };
    ADVISORIES.lines().map(read).collect()
}

/// Returns pairs of an advisory and the one that follows it.
fn steps() -> impl Iterator<Item = (Story, Story)> {
    let advisories = advisories();
    let begun = story(&[]);
    (0..advisories.len() - 1).step_by(STRIDE).map(move |at| {
        let base = filed(&begun, advisories[at].clone());
        let next = filed(&base, advisories[at + 1].clone());
        (base, next)
    })
}

#[test]
fn an_advisory_that_two_editors_bring_up_to_date_is_the_advisory() {
    for (base, next) in steps() {
        let half = |side: usize| {
            let mut copy = copy_of(&base.article);
            for (at, block) in copy.blocks.iter_mut().flatten().enumerate().filter(|(at, _)| at % 2 == side) {
                if let Some((_, new)) = next.article.block(&base.article.blocks[at].id) {
                    block.text = Text::uncut(new.text.as_str());
                }
            }
            copy
        };
        let merged = rebased(&base, &filed(&base, half(0)), &half(1)).expect("different paragraphs");
        let expected =
            base.article.blocks.iter().map(|old| {
                next.article.block(&old.id).map_or(old.text.as_str(), |(_, new)| new.text.as_str())
            });
        assert_eq!(words(&merged.article), expected.collect::<Vec<_>>());
    }
}

#[test]
fn a_late_paragraph_is_added_to_the_next_advisory() {
    for (base, next) in steps() {
        let mut mine = copy_of(&base.article);
        let late = copy(&["Officials opened the convention centre as a shelter."]);
        mine.blocks.iter_mut().for_each(|blocks| blocks.extend(late.blocks.clone().unwrap_or_default()));
        let after = rebased(&base, &next, &mine).expect("no one else wrote that").article;
        let kept: Vec<&str> =
            words(&after).into_iter().filter(|words| !words.contains("convention centre")).collect();
        assert_eq!(kept, words(&next.article));
        assert_eq!(after.blocks.len(), next.article.blocks.len() + 1);
    }
}

#[test]
fn a_late_change_of_what_the_next_advisory_changed_is_answered_with_both() {
    let mut answered = 0;
    for (base, next) in steps() {
        for (at, old) in base.article.blocks.iter().enumerate() {
            let Some((_, new)) = next.article.block(&old.id).filter(|(_, new)| new.text != old.text) else {
                continue;
            };
            let mut mine = copy_of(&base.article);
            let blocks = mine.blocks.as_mut().expect("a body");
            blocks[at].text = Text::uncut("Nothing of this is known any more.");
            let overlap = merge(&base.article, &next.article, &mine).expect_err("both changed it");
            let theirs = overlap.places.iter().find_map(|clash| match clash {
                Clash::Block { block, sides } if *block == old.id => sides.theirs.as_ref(),
                _ => None,
            });
            assert_eq!(theirs, Some(new));
            let proposal = words(&overlap.proposal).join(" ");
            assert!(proposal.contains("Nothing of this is known any more."));
            answered += 1;
        }
    }
    assert!(answered > 50, "the advisories change");
}
