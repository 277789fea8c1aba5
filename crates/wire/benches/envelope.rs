//! What sealing and opening a one-paragraph change costs: ten blocks of some 1.5 KiB and ten
//! sentences each, one sentence of one block changed; and the same in an article of 1,000 blocks.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use proof::Seed;
use story::{
    Block, BlockId, BlockKind, Desk, Event, Field, Kind, Operation, Revision, Status, StoryId, Text,
};
use uuid::Uuid;
use wire::{ArticleHashes, Chain, Stamp, article_hash};
use writethru_wire as wire;

fn stamp(number: u8) -> Stamp {
    Stamp {
        event: Uuid::from_u128(u128::from(number)),
        actor: "ed-1".parse().expect("an actor"),
        command: "key-1".parse().expect("a key"),
        seed: Seed([number; 32]),
    }
}

fn paragraph(number: u64, changed: &str) -> Text {
    let sentences: Vec<String> = (0..10)
        .map(|sentence| {
            let word = if sentence == 4 { changed } else { "steady" };
            format!("Sentence {sentence} of paragraph {number} tells in {word} words what the river did to the town on the night the dam gave way, as officials said at the scene. ")
        })
        .collect();
    Text::from_values(sentences.iter().map(|sentence| Some(sentence.as_str())))
}

fn event(revision: u64, operations: Vec<Operation>) -> Event {
    Event {
        revision: Revision(revision),
        kind: Kind::Update,
        desk: "world".parse::<Desk>().expect("a desk"),
        status: Status::Usable,
        public: true,
        recorded: Timestamp::new(1_790_000_000, 0).expect("a time"),
        occurred: None,
        note: Text::default(),
        correction: None,
        act: None,
        redaction: None,
        until: None,
        rebased: None,
        label: None,
        operations,
    }
}

fn first(blocks: u64) -> Event {
    let mut operations: Vec<Operation> = (1..=blocks)
        .map(|number| Operation::Insert {
            block: Arc::new(Block {
                id: BlockId::minted(number),
                kind: BlockKind::Paragraph,
                text: paragraph(number, "plain"),
                marks: Arc::default(),
            }),
            after: (number > 1).then(|| BlockId::minted(number - 1)),
        })
        .collect();
    for (field, text) in [(Field::Slug, "flood"), (Field::Headline, "Dam gives way above the town")] {
        operations.push(Operation::Set { field, text: Text::uncut(text) });
    }
    event(1, operations)
}

fn update() -> Event {
    let (block, text) = (BlockId::minted(5), paragraph(5, "clearer"));
    let edit = Operation::Edit { block, text, kind: BlockKind::Paragraph, marks: Arc::default() };
    event(2, vec![edit])
}

fn envelopes(criterion: &mut Criterion) {
    for blocks in [10, 1_000] {
        let mut chain = Chain::new(StoryId::new(Uuid::from_u128(1)));
        chain.seal(&first(blocks), &stamp(1)).expect("seals");
        let (update, stamp) = (update(), stamp(2));
        let record = chain.clone().seal(&update, &stamp).expect("seals");
        criterion.bench_function(&format!("seal one paragraph of {blocks}"), |bencher| {
            let seal = |chain: &mut Chain| chain.seal(black_box(&update), &stamp).expect("seals");
            bencher.iter_batched_ref(|| chain.clone(), seal, BatchSize::LargeInput);
        });
        criterion.bench_function(&format!("open one paragraph of {blocks}"), |bencher| {
            let (envelope, disclosures) = (&record.envelope, &record.disclosures);
            let open = |chain: &mut Chain| chain.open(black_box(envelope), disclosures).expect("opens");
            bencher.iter_batched_ref(|| chain.clone(), open, BatchSize::LargeInput);
        });
        let before = chain.story().article.clone();
        chain.seal(&update, &stamp).expect("seals");
        let after = &chain.story().article;
        criterion.bench_function(&format!("hash an article of {blocks}, all of it"), |bencher| {
            bencher.iter(|| article_hash(black_box(after)));
        });
        let mut hashes = ArticleHashes::default();
        hashes.hash(&before);
        criterion.bench_function(&format!("hash an article of {blocks}, what changed"), |bencher| {
            bencher.iter_batched_ref(|| hashes.clone(), |hashes| hashes.hash(after), BatchSize::LargeInput);
        });
    }
}

criterion_group!(benches, envelopes);
criterion_main!(benches);
