//! What the transparency log costs: appending, auditing all of it, proving, and verifying.
//!
//! Envelopes are 600 bytes, a common length for an update of a few sentences.

#[path = "../tests/shelf/mod.rs"]
mod shelf;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use proof::audit::{audit, audit_list};
use proof::checkpoint::{Checkpoint, SignedCheckpoint};
use proof::entry::Entry;
use proof::policy::Policy;
use proof::receipt::Receipt;
use proof::tile::Edge;
use proof::tree::{Frontier, Plan, entry_hash};
use shelf::{ORIGIN, Shelf, log_key, witness_key, witnesses};
use writethru_proof as proof;

const ENVELOPE_BYTES: usize = 600;

fn entries(from: u64, to: u64) -> Vec<Entry> {
    let envelope = |index: u64| format!("{{{index:0>width$}}}", width = ENVELOPE_BYTES - 2);
    (from..to).map(|index| Entry::of_envelope(envelope(index).as_bytes()).expect("an entry")).collect()
}

fn log_of(size: u64) -> (Edge, Shelf) {
    let (mut edge, mut shelf) = (Edge::new(), Shelf::default());
    while edge.size() < size {
        let to = size.min(edge.size() + 10_000);
        let added = entries(edge.size(), to);
        let grown = edge.grow(&added).expect("grows");
        shelf.files.extend(grown.files.into_iter().map(|file| (file.path, file.bytes)));
        edge = grown.edge;
    }
    (edge, shelf)
}

fn appending(criterion: &mut Criterion) {
    let (edge, _) = log_of(100_000);
    let mut group = criterion.benchmark_group("append");
    for batch in [1, 64, 1_000] {
        let added = entries(100_000, 100_000 + batch);
        group.throughput(Throughput::Elements(batch));
        group.bench_function(format!("{batch} to 100,000, with all files"), |bencher| {
            bencher.iter_batched(|| edge.clone(), |edge| edge.grow(black_box(&added)), BatchSize::SmallInput);
        });
    }
    let leaves: Vec<proof::Hash> = (0..10_000_u64).map(|index| entry_hash(&index.to_be_bytes())).collect();
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("10,000 leaf hashes to a frontier", |bencher| {
        bencher.iter(|| {
            let mut frontier = Frontier::new();
            frontier.extend(black_box(&leaves).iter().copied());
            frontier.root()
        });
    });
    group.finish();
}

fn auditing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("audit");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for size in [100_000, 1_000_000] {
        let (edge, shelf) = log_of(size);
        let checkpoint = Checkpoint::new(ORIGIN, size, edge.root()).expect("a checkpoint");
        group.throughput(Throughput::Elements(size));
        group.bench_function(format!("all of {size}, every tile and entry"), |bencher| {
            bencher.iter(|| audit(&checkpoint, black_box(&shelf), 0, |_, _| ()).expect("right"));
            shelf.asked.borrow_mut().clear();
        });
        if size == 100_000 {
            let list = entries(0, size);
            group.bench_function(format!("a list of {size}"), |bencher| {
                bencher.iter(|| audit_list(&checkpoint, list.iter().map(Entry::as_bytes)).expect("right"));
            });
        }
    }
    group.finish();
}

/// Returns the head of the log, cosigned by that many witnesses.
fn head(edge: &Edge, cosigned: u8) -> SignedCheckpoint {
    let checkpoint = Checkpoint::new(ORIGIN, edge.size(), edge.root()).expect("a checkpoint");
    let mut signed = checkpoint.sign(&log_key());
    for number in 0..cosigned {
        signed.add(witness_key(number).sign(signed.note().text(), 1_790_000_000)).expect("room");
    }
    signed
}

fn proving(criterion: &mut Criterion) {
    let (edge, shelf) = log_of(1_000_000);
    let (signed, leaf) = (head(&edge, 0), entry_hash(entries(654_321, 654_322)[0].as_bytes()));
    let make = || {
        let path = Plan::inclusion(654_321, 1_000_000).expect("a tree").read(&shelf).expect("reads");
        Receipt::new(&leaf, 654_321, path, signed.clone()).expect("a receipt")
    };
    let mut group = criterion.benchmark_group("receipt of 1,000,000");
    group.bench_function("make", |bencher| {
        bencher.iter(make);
        shelf.asked.borrow_mut().clear();
    });
    let text = make().to_text();
    assert!(text.len() < 1_500, "{} bytes", text.len());
    for cosigned in [0, 2] {
        let policy = Policy::new(log_key().verifier().clone(), witnesses(cosigned), cosigned.into());
        let policy = policy.expect("a policy");
        let path = Plan::inclusion(654_321, 1_000_000).expect("a tree").read(&shelf).expect("reads");
        let receipt = Receipt::new(&leaf, 654_321, path, head(&edge, cosigned)).expect("a receipt");
        let text = receipt.to_text();
        let name = format!("read and verify {} bytes with {cosigned} witnesses", text.len());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let receipt = Receipt::parse(black_box(text.as_bytes())).expect("a receipt");
                receipt.verify(&leaf, &policy).expect("proved")
            });
        });
    }
    group.finish();
    let checkpoint = Checkpoint::new(ORIGIN, edge.size(), edge.root()).expect("a checkpoint");
    let key = log_key();
    criterion.bench_function("sign a checkpoint", |bencher| {
        bencher.iter_batched(
            || checkpoint.clone(),
            |checkpoint| checkpoint.sign(&key),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, appending, auditing, proving);
criterion_main!(benches);
