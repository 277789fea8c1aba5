//! What one filing costs the domain: `cargo bench -p writethru-story --bench filing`.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use writethru_story::{
    BlockKind, Command, Copy, CopyBuilder, Field, GivenBlock, Push, Release, Story, Text, apply, decide,
    normalise,
};

/// About 400 bytes in four sentences, like a paragraph of agency copy.
const PARAGRAPH: &str = "At least four people were killed in the U.S. state of Georgia on Tuesday, officials said. \
    The governor, Mr. Hill, called it “a dark day” and asked people to stay at home until the storm had passed. \
    More than 14.5 percent of households had no power at 6 p.m., the company said in a statement on its website. \
    Schools will open again on Monday, if the roads are clear.";

fn copy(paragraphs: usize, changed: &str) -> Copy {
    let mut copy = CopyBuilder::new();
    copy.field(Field::Slug, "storm").expect("a slug");
    copy.field(Field::Headline, "Storm kills four in Georgia").expect("a headline");
    for number in 0..paragraphs {
        let more = if number == paragraphs / 2 { changed } else { "" };
        let text = format!("Part {number}. {PARAGRAPH}{more}");
        copy.block(GivenBlock::plain(BlockKind::Paragraph, &text)).expect("a paragraph");
    }
    copy.finish().0
}

fn command(copy: Copy) -> Command {
    Command::Push(Box::new(Push {
        desk: Some("world".parse().expect("a desk")),
        kind: None,
        copy,
        release: Release::Publish,
        note: Text::default(),
        correction: None,
        label: None,
        occurred: None,
        rebased: None,
    }))
}

fn filings(criterion: &mut Criterion) {
    let now = Timestamp::UNIX_EPOCH;
    for paragraphs in [10, 1_000] {
        let first = command(copy(paragraphs, ""));
        let event = &decide(&Story::default(), &first, now).expect("it is legal")[0];
        let story = apply(Story::default(), event).expect("it is legal");
        let second = command(copy(paragraphs, " A fifth person is missing."));
        let edit = &decide(&story, &second, now).expect("it is legal")[0];
        let mut group = criterion.benchmark_group(format!("{paragraphs} paragraphs"));
        group.bench_function("decide: one changed", |bencher| {
            bencher.iter(|| decide(black_box(&story), black_box(&second), now));
        });
        group.bench_function("apply: one changed", |bencher| {
            bencher.iter_batched(
                || story.clone(),
                |story| apply(story, black_box(edit)),
                BatchSize::SmallInput,
            );
        });
        group.bench_function("decide: nothing changed", |bencher| {
            bencher.iter(|| decide(black_box(&story), black_box(&first), now));
        });
        group.bench_function("build the copy", |bencher| bencher.iter(|| copy(black_box(paragraphs), "")));
        group.finish();
    }
    // About 1.5 KiB: most of the time goes into finding its sentences.
    let long = PARAGRAPH.repeat(4);
    criterion.bench_function("decide: a first paragraph of 1.5 KiB", |bencher| {
        let mut copy = CopyBuilder::new();
        copy.field(Field::Slug, "storm").expect("a slug");
        copy.field(Field::Headline, "Storm").expect("a headline");
        copy.block(GivenBlock::plain(BlockKind::Paragraph, &long)).expect("a paragraph");
        let filing = command(copy.finish().0);
        bencher.iter(|| decide(&Story::default(), black_box(&filing), now));
    });
    criterion.bench_function("normalise 1.5 KiB with curly quotes", |bencher| {
        bencher.iter(|| normalise(black_box(&long)));
    });
}

criterion_group!(benches, filings);
criterion_main!(benches);
