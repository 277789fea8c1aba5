//! What it costs to find the difference between two states of a story, ours beside others:
//! `cargo bench -p writethru-story --bench diff`.
//!
//! Ours starts from the texts of the second state without ids: it matches the blocks, then makes
//! the ops. The others get both states as one text each, and the time to cut it into words is
//! theirs. With `WRITETHRU_STORIES=<folder of JSON Lines>` (each line a state with `body`, a list of
//! paragraphs) ours is measured on those stories too, all neighbouring states in turn.

#![expect(clippy::print_stderr, reason = "sizes are told beside the times")]

#[path = "diff/news.rs"]
mod news;
#[path = "diff/wikidiff2.rs"]
mod wikidiff2;

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use imara_diff::InternedInput;
use writethru_story::diff::{apply, diff};

use news::Pair;

fn made_up(criterion: &mut Criterion) {
    for (name, pair) in
        [("article", news::article()), ("live", news::live_blog()), ("rewrite", news::rewrite())]
    {
        let ops = diff(&pair.before, &pair.carried()).ops;
        let json = serde_json::to_string(&ops).expect("ops are JSON");
        eprintln!("{name}: {} ops, {} bytes of JSON", ops.len(), json.len());

        let mut group = criterion.benchmark_group(name);
        group.bench_function("ours: ids and diff", |bencher| {
            bencher.iter(|| diff(&pair.before, &pair.carried()));
        });
        let after = pair.carried();
        group.bench_function("ours: diff, ids known", |bencher| bencher.iter(|| diff(&pair.before, &after)));
        group.bench_function("ours: apply", |bencher| bencher.iter(|| apply(&pair.before, black_box(&ops))));
        others(&mut group, &whole(&pair.before), &whole(&after));
        group.finish();
        let told = wikidiff2::measure(&whole(&pair.before), &whole(&after)).map_or_else(
            || "not installed (PHP with wikidiff2)".to_owned(),
            |(micros, bytes)| format!("{micros} µs (median), {bytes} bytes of JSON"),
        );
        eprintln!("{name}/wikidiff2: {told}");
    }
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn whole(article: &writethru_story::Article) -> String {
    article.blocks.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n\n")
}

fn others(group: &mut Group<'_>, old: &str, new: &str) {
    group.bench_function("similar: words, Myers", |bencher| {
        bencher.iter(|| similar::TextDiff::from_words(old, new).ops().len());
    });
    group.bench_function("similar: words, Histogram", |bencher| {
        let mut config = similar::TextDiff::configure();
        config.algorithm(similar::Algorithm::Histogram);
        bencher.iter(|| config.diff_words(old, new).ops().len());
    });
    group.bench_function("imara-diff: words, Histogram", |bencher| {
        bencher.iter(|| {
            let mut input = InternedInput::default();
            input.update_before(old.split_inclusive(' '));
            input.update_after(new.split_inclusive(' '));
            imara_diff::Diff::compute(imara_diff::Algorithm::Histogram, &input).hunks().count()
        });
    });
    group.bench_function("diff-match-patch-rs", |bencher| {
        let matcher = diff_match_patch_rs::DiffMatchPatch::new();
        bencher.iter(|| matcher.diff_main::<diff_match_patch_rs::Compat>(old, new).map(|diffs| diffs.len()));
    });
    group.bench_function("dissimilar", |bencher| bencher.iter(|| dissimilar::diff(old, new).len()));
}

fn real(criterion: &mut Criterion) {
    let Some(folder) = std::env::var_os("WRITETHRU_STORIES") else { return };
    let files = std::fs::read_dir(folder).expect("WRITETHRU_STORIES is a folder");
    for file in files.map(|file| file.expect("a readable folder").path()) {
        let pairs = pairs(&file);
        let name = file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        criterion.bench_function(&format!("real: {name}, {} updates", pairs.len()), |bencher| {
            bencher.iter(|| {
                pairs.iter().map(|pair| diff(&pair.before, &pair.carried()).ops.len()).sum::<usize>()
            });
        });
    }
}

fn pairs(file: &Path) -> Vec<Pair> {
    let states: Vec<Vec<String>> = std::fs::read_to_string(file)
        .expect("a readable file")
        .lines()
        .map(|line| {
            let state: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            serde_json::from_value(state["body"].clone()).expect("a body of paragraphs")
        })
        .collect();
    states.windows(2).map(|two| Pair::of_texts(&two[0], &two[1])).collect()
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20);
    targets = made_up, real
}
criterion_main!(benches);
