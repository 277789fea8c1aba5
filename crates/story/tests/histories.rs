//! Random histories: what `decide` returns `apply` accepts, and no event makes `apply` panic.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use writethru_story::{
    Block, BlockId, BlockKind, Command, Copy, CopyBuilder, CorrectionNotice, Event, Field, GivenBlock, Kind,
    Mark, MarkKind, Operation, Push, Release, Revision, Status, Story, Text, apply, decide, normalise,
};

const SENTENCES: [&str; 12] = [
    "Talks resume.",
    "Talks resumed.",
    "At least four people died.",
    "At least  five people died.",
    "“It is over,” she said.",
    "Cafe\u{301}s are shut.",
    "他走了。",
    "\u{FEFF}Dr. Hill spoke.",
    "\u{2764}\u{FE0F}",
    "\u{2588}\u{2588}\u{2588}",
    " ",
    "",
];

/// One block of random copy: which of the story's ids it claims, if any; kind; words; mark.
type GivenRandom = (Option<prop::sample::Index>, u8, Vec<usize>, bool);

fn block() -> impl Strategy<Value = GivenRandom> {
    let words = proptest::collection::vec(0..SENTENCES.len(), 0..4);
    (proptest::option::weighted(0.2, any::<prop::sample::Index>()), 0_u8..8, words, any::<bool>())
}

#[derive(Debug, Clone)]
struct Filing {
    blocks: Option<Vec<GivenRandom>>,
    headline: Option<usize>,
    tags: Option<Vec<usize>>,
    kind: Option<usize>,
    release: bool,
    desk: bool,
    note: usize,
    notice: bool,
}

fn filing() -> impl Strategy<Value = Filing> {
    let sentence = 0..SENTENCES.len();
    (
        proptest::option::weighted(0.8, proptest::collection::vec(block(), 0..7)),
        proptest::option::of(sentence.clone()),
        proptest::option::weighted(0.2, proptest::collection::vec(sentence.clone(), 0..3)),
        proptest::option::weighted(0.3, 0..Kind::ALL.len()),
        (proptest::bool::weighted(0.8), proptest::bool::weighted(0.1)),
        (sentence, proptest::bool::weighted(0.1)),
    )
        .prop_map(|(blocks, headline, tags, kind, (release, desk), (note, notice))| Filing {
            blocks,
            headline,
            tags,
            kind,
            release,
            desk,
            note,
            notice,
        })
}

/// Returns the copy, and the normalised words of each block that it has.
fn copy_of(filing: &Filing, story: &Story) -> (Copy, Option<Vec<String>>) {
    let mut copy = CopyBuilder::new();
    if story.revision == Revision::ZERO {
        copy.field(Field::Slug, "talks").expect("a slug");
    }
    if let Some(headline) = filing.headline {
        copy.field(Field::Headline, SENTENCES[headline]).expect("a headline");
    }
    if let Some(tags) = &filing.tags {
        copy.list(Field::Tags, tags.iter().map(|tag| SENTENCES[*tag])).expect("tags");
    }
    let mut words = Vec::new();
    for (id, kind, sentences, marked) in filing.blocks.iter().flatten() {
        let text = sentences.iter().map(|sentence| SENTENCES[*sentence]).collect::<Vec<_>>().join(" ");
        let blocks = &story.article.blocks;
        let id = id.filter(|_| !blocks.is_empty()).map(|index| index.get(blocks).id.clone());
        let end = u32::try_from(text.len()).expect("a short text");
        let mark = Mark { start: 0, end, kind: MarkKind::Em, href: None };
        let marks = if *marked && end > 0 { vec![mark] } else { vec![] };
        let kind = *BlockKind::ALL.get(usize::from(*kind)).unwrap_or(&BlockKind::Paragraph);
        let id = id.as_ref().map(BlockId::as_str);
        copy.block(GivenBlock { id, kind, text: &text, marks: &marks }).expect("a block");
        words.push(normalise(&text).0);
    }
    if filing.blocks.is_some() {
        copy.body();
    }
    words.retain(|words| !words.is_empty());
    (copy.finish().0, filing.blocks.is_some().then_some(words))
}

fn command_of(filing: &Filing, copy: Copy, story: &Story) -> Command {
    let text = |index: usize| Text::uncut(normalise(SENTENCES[index]).0);
    let desk = if filing.desk { "sport" } else { "world" };
    let approver = "editor-7".parse().expect("an actor");
    let notice = CorrectionNotice { what: text(2), place: text(0), approver };
    let kind = filing.kind.map(|kind| Kind::ALL[kind]);
    Command::Push(Box::new(Push {
        desk: (filing.desk || story.desk.is_none()).then(|| desk.parse().expect("a desk")),
        kind,
        copy,
        release: if filing.release { Release::Publish } else { Release::Draft },
        note: text(filing.note),
        correction: (kind == Some(Kind::Correction) || filing.notice).then_some(notice),
        label: None,
        occurred: None,
        rebased: None,
    }))
}

fn at(index: usize) -> Timestamp {
    let second = i64::try_from(index).expect("a short history");
    Timestamp::from_second(1_790_000_000 + second).expect("a time")
}

#[track_caller]
fn check_step(before: &Story, after: &Story, event: &Event, words: Option<&Vec<String>>) {
    assert_eq!(after.revision, before.revision.next());
    assert!(after.minted >= before.minted);
    let old: HashSet<&BlockId> = before.article.blocks.iter().map(|block| &block.id).collect();
    let ids: HashSet<&BlockId> = after.article.blocks.iter().map(|block| &block.id).collect();
    assert_eq!(ids.len(), after.article.blocks.len(), "ids are unique");
    for id in ids.difference(&old) {
        let number: u64 = id.as_str()[1..].parse().expect("a minted id");
        assert!(number > before.minted && number <= after.minted, "{id} was used before");
    }
    if let Some(words) = words {
        let texts: Vec<&str> = after.article.blocks.iter().map(|block| block.text.as_str()).collect();
        assert_eq!(texts, *words, "the article is the copy");
    }
    let edited = |id: &BlockId| {
        let named = |operation: &Operation| matches!(operation, Operation::Edit { block, .. } if block == id);
        event.operations.iter().any(named)
    };
    for block in &after.article.blocks {
        if let Some((_, old)) = before.article.block(&block.id).filter(|_| !edited(&block.id)) {
            assert!(Arc::ptr_eq(old, block), "{} was not edited", block.id);
        }
        assert_eq!(block.text.shown_values().collect::<String>(), block.text.as_str());
    }
    match &after.published {
        Some(published) if event.public => assert_eq!(published.article, after.article.public()),
        _ => assert_eq!(after.published, before.published),
    }
}

/// Returns `event` with something wrong or odd about it.
fn mutated(mut event: Event, story: &Story, (how, index): (u8, prop::sample::Index)) -> Event {
    let known = story.article.blocks.iter().map(|block| block.id.clone());
    let ids: Vec<BlockId> =
        known.chain(["b0", "b1", "b7", "b9007199254740993", "b18446744073709551616", "x"].map(id)).collect();
    let id = index.get(&ids).clone();
    let other = ids[index.index(ids.len()) / 2].clone();
    let text = Text::uncut(SENTENCES[index.index(SENTENCES.len())]);
    let end = u32::try_from(index.index(20)).expect("a short mark");
    let marks: Arc<[Mark]> = [Mark { start: 1, end, kind: MarkKind::Em, href: None }].into();
    let block =
        Block { id: id.clone(), kind: BlockKind::Quote, text: text.clone(), marks: Arc::clone(&marks) };
    let place = index.index(event.operations.len() + 1);
    let operations = &mut event.operations;
    match how {
        0 => operations.insert(place, Operation::Delete { block: id }),
        1 => operations.insert(place, Operation::Move { block: id, after: Some(other) }),
        2 => operations.insert(place, Operation::Insert { block: Arc::new(block), after: Some(other) }),
        3 => operations.insert(place, Operation::Edit { block: id, text, kind: BlockKind::List, marks }),
        4 => operations
            .insert(place, Operation::Set { field: Field::ALL[index.index(Field::ALL.len())], text }),
        5 => operations.reverse(),
        6 => operations.truncate(place),
        7 => event.revision = Revision(u64::MAX),
        8 => event.status = Status::ALL[index.index(Status::ALL.len())],
        9 => event.kind = Kind::ALL[index.index(Kind::ALL.len())],
        10 => event.public = !event.public,
        _ => operations.extend_from_within(..),
    }
    event
}

fn id(given: &str) -> BlockId {
    given.parse().expect("a legal id")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_decide_returns_apply_accepts(filings in proptest::collection::vec(filing(), 1..14)) {
        let mut story = Story::default();
        for (index, filing) in filings.iter().enumerate() {
            let (copy, words) = copy_of(filing, &story);
            let command = command_of(filing, copy, &story);
            let Ok(events) = decide(&story, &command, at(index)) else { continue };
            prop_assert!(events.len() <= 1);
            for event in events {
                let after = apply(story.clone(), &event).expect("decide writes legal events");
                check_step(&story, &after, &event, words.as_ref());
                let again = decide(&after, &command, at(index)).map(|events| events.len());
                let speaks = matches!(event.kind, Kind::Correction | Kind::Clarification | Kind::Advisory);
                prop_assert!(speaks || again.is_err() || again == Ok(0), "filing again changes nothing");
                story = after;
            }
        }
    }

    #[test]
    fn no_event_makes_apply_panic(
        filings in proptest::collection::vec(filing(), 1..8),
        mutations in proptest::collection::vec((0_u8..12, any::<prop::sample::Index>()), 1..6),
    ) {
        let mut story = Story::default();
        for (index, filing) in filings.iter().enumerate() {
            let (copy, _) = copy_of(filing, &story);
            let Ok(events) = decide(&story, &command_of(filing, copy, &story), at(index)) else { continue };
            for event in events {
                let mut odd = event.clone();
                for mutation in &mutations {
                    odd = mutated(odd, &story, *mutation);
                    if let Ok(after) = apply(story.clone(), &odd) {
                        let ids: HashSet<_> = after.article.blocks.iter().map(|block| &block.id).collect();
                        prop_assert_eq!(ids.len(), after.article.blocks.len());
                        prop_assert!(after.article.blocks.iter().all(|block| !block.text.is_empty()));
                    }
                }
                story = apply(story, &event).expect("decide writes legal events");
            }
        }
    }
}
