//! Filings, as the desk handles them: decided by the domain, sealed, erased in part, read again.

use jiff::Timestamp;
use proof::Seed;
use proptest::prelude::*;
use proptest::sample::Index;
use story::{
    Act, BlockKind, Command, CopyBuilder, Deed, Field, GivenBlock, Mark, MarkKind, Push, Release, Restored,
    Status, StoryId, Takedowns, Text,
};
use uuid::Uuid;
use wire::{Chain, Disclosures, SealedRecord, Stamp, article_hash};
use writethru_wire as wire;

const SENTENCES: [&str; 9] = [
    "The dam gave way on Sunday.",
    "The dam gave way on Saturday.",
    "At least four people died.",
    "“It is over,” she said.",
    "Cafés are shut.",
    "他走了。",
    "Dr. Hill spoke of the U.S. reply.",
    "\u{2588}\u{2588}\u{2588}",
    "No trains ran.",
];

/// One filing: headline and blocks by sentence, which blocks begin with strong words.
#[derive(Debug, Clone)]
struct Filing {
    headline: usize,
    blocks: Vec<(Vec<usize>, bool)>,
    tags: Vec<usize>,
    draft: bool,
}

fn filing() -> impl Strategy<Value = Filing> {
    let sentence = 0..SENTENCES.len();
    let block = (prop::collection::vec(sentence.clone(), 1..5), any::<bool>());
    let blocks = prop::collection::vec(block, 1..6);
    (sentence.clone(), blocks, prop::collection::vec(sentence, 0..3), prop::bool::weighted(0.2))
        .prop_map(|(headline, blocks, tags, draft)| Filing { headline, blocks, tags, draft })
}

fn push(filing: &Filing) -> Command {
    let mut copy = CopyBuilder::new();
    copy.field(Field::Slug, "dam-breach").expect("a slug");
    copy.field(Field::Headline, SENTENCES[filing.headline]).expect("a headline");
    copy.list(Field::Tags, filing.tags.iter().map(|tag| SENTENCES[*tag])).expect("tags");
    for (sentences, strong) in &filing.blocks {
        let words: Vec<&str> = sentences.iter().map(|sentence| SENTENCES[*sentence]).collect();
        let end = u32::try_from(words[0].len()).expect("a short sentence");
        let mark = [Mark { start: 0, end, kind: MarkKind::Strong, href: None }];
        let text = words.join(" ");
        let marks: &[Mark] = if *strong { &mark } else { &[] };
        copy.block(GivenBlock { id: None, kind: BlockKind::Paragraph, text: &text, marks }).expect("a block");
    }
    command(copy, filing.draft)
}

fn command(copy: CopyBuilder, draft: bool) -> Command {
    Command::Push(Box::new(Push {
        desk: Some("world".parse().expect("a desk")),
        kind: None,
        copy: copy.finish().0,
        release: if draft { Release::Draft } else { Release::Publish },
        note: Text::default(),
        correction: None,
        label: None,
        occurred: None,
        rebased: None,
    }))
}

/// Returns the command that files again exactly what the desk sees.
fn push_again(chain: &Chain) -> Command {
    let article = &chain.story().article;
    let mut copy = CopyBuilder::new();
    for field in Field::ALL {
        let text = article.fields.get(field);
        if field.is_list() {
            copy.list(field, text.shown_values()).expect("a list");
        } else {
            copy.field(field, text.as_str()).expect("a field");
        }
    }
    for block in &article.blocks {
        let id = Some(block.id.as_str());
        let given = GivenBlock { id, kind: block.kind, text: block.text.as_str(), marks: &block.marks };
        copy.block(given).expect("a block");
    }
    let public = chain.story().published.as_ref().map(|published| published.revision);
    command(copy, public != Some(chain.story().revision))
}

fn story_id() -> StoryId {
    StoryId::new(Uuid::from_u128(0x0193_8a5e_7c00_7000_8000_0000_0000_0001))
}

fn file(chain: &mut Chain, command: &Command, records: &mut Vec<SealedRecord>) {
    let number = u8::try_from(records.len()).expect("few records");
    let now = Timestamp::new(1_790_000_000 + i64::from(number), 0).expect("a time");
    for event in story::decide(chain.story(), command, now).expect("no refusal") {
        let stamp = Stamp {
            event: Uuid::from_u128(u128::from(number)),
            actor: "ed-1".parse().expect("an actor"),
            command: "key-1".parse().expect("a key"),
            seed: Seed([number; 32]),
        };
        records.push(chain.seal(&event, &stamp).expect("what was decided can be sealed"));
    }
}

fn read(records: &[SealedRecord]) -> Chain {
    let mut chain = Chain::new(story_id());
    for record in records {
        chain.open(&record.envelope, &record.disclosures).expect("opens");
    }
    chain
}

fn seen(chain: &Chain) -> String {
    format!("{:?} {:?} {}", chain.story(), chain.prev(), chain.state())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn filings_read_back_and_go_on_after_an_erasure(
        first in prop::collection::vec(filing(), 1..4),
        erased in prop::collection::vec((any::<Index>(), any::<Index>()), 0..4),
        second in prop::collection::vec(filing(), 1..4),
    ) {
        let (mut desk, mut records) = (Chain::new(story_id()), Vec::new());
        for filing in &first {
            file(&mut desk, &push(filing), &mut records);
        }
        prop_assert_eq!(seen(&desk), seen(&read(&records)));
        for (record, value) in erased {
            let place = record.index(records.len());
            let disclosures = Disclosures::parse(&records[place].disclosures).expect("parses");
            if disclosures.count() > 0 {
                let left = disclosures.erase(&[value.index(disclosures.count())]).expect("is there");
                records[place].disclosures = left.to_bytes().into();
            }
        }
        let mut desk = read(&records);
        for filing in &second {
            file(&mut desk, &push(filing), &mut records);
            let again = read(&records);
            prop_assert_eq!(seen(&desk), seen(&again));
            prop_assert_eq!(article_hash(&desk.story().article), article_hash(&again.story().article));
        }
    }

    #[test]
    fn filing_what_is_shown_changes_nothing_even_where_words_are_erased(
        filings in prop::collection::vec(filing(), 1..4),
        erased in prop::collection::vec((any::<Index>(), any::<Index>()), 0..4),
    ) {
        let (mut desk, mut records) = (Chain::new(story_id()), Vec::new());
        for filing in &filings {
            file(&mut desk, &push(filing), &mut records);
        }
        for (record, value) in erased {
            let place = record.index(records.len());
            let disclosures = Disclosures::parse(&records[place].disclosures).expect("parses");
            let slug = "dam-breach";
            if disclosures.count() > 0 {
                let index = value.index(disclosures.count());
                // An erased slug is no slug to file under.
                if disclosures.value(index) != Some(slug) {
                    records[place].disclosures = disclosures.erase(&[index]).expect("is there").to_bytes().into();
                }
            }
        }
        let mut desk = read(&records);
        let before = records.len();
        let again = push_again(&desk);
        file(&mut desk, &again, &mut records);
        prop_assert_eq!(records.len(), before);
    }
}

#[test]
fn an_act_says_why_by_commitment_and_opens_as_it_was_decided() {
    let later = Timestamp::new(1_790_009_000, 0).expect("a time");
    let deeds = [
        Deed::Embargo(later),
        Deed::Withhold,
        Deed::Release,
        Deed::LiftEmbargo,
        Deed::Kill,
        Deed::Restore { to: Restored::Usable, takedowns: Takedowns::Stay },
        Deed::Unpublish,
        Deed::ReleaseAt(later),
    ];
    let mut chain = Chain::new(story_id());
    let mut records = Vec::new();
    let first = Filing { headline: 0, blocks: vec![(vec![1, 2], true)], tags: vec![], draft: true };
    file(&mut chain, &push(&first), &mut records);
    for (index, deed) in deeds.into_iter().enumerate() {
        let act = Act {
            deed,
            reason: Text::uncut("Counsel asked for it."),
            note: Text::default(),
            approver: (index % 2 == 0).then(|| "chief".parse().expect("an actor")),
        };
        file(&mut chain, &Command::Act(Box::new(act)), &mut records);
    }
    assert_eq!(records.len(), 9, "every act was legal");
    let mut reader = Chain::new(story_id());
    for record in &records {
        let value: serde_json::Value = serde_json::from_slice(&record.envelope).expect("JSON");
        let canonical = serde_json_canonicalizer::to_vec(&value).expect("canonical");
        assert_eq!(canonical, &record.envelope[..]);
        assert!(!record.envelope.windows(7).any(|window| window == b"Counsel"), "no words in an envelope");
        let opened = reader.open(&record.envelope, &record.disclosures).expect("opens");
        let reason = opened.event.act.as_ref().map(|act| act.reason.as_str());
        assert_eq!(reason.unwrap_or("Counsel asked for it."), "Counsel asked for it.");
        assert_eq!(opened.header.until, opened.event.until);
    }
    assert_eq!(format!("{:?}", reader.story()), format!("{:?}", chain.story()));
    assert_eq!((reader.story().status, reader.story().until), (Status::Scheduled, Some(later)));
}
