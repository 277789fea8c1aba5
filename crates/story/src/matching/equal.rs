//! Pairs blocks whose kind and words are the same.

use std::sync::Arc;

use super::{Pairing, Side};
use crate::block::{Block, BlockKind};
use crate::copy::CopyBlock;

/// Most blocks of one hash that a block is compared with, so that made-up collisions cost little.
const COMPARED_MAX: usize = 8;

/// Pairs free blocks of equal kind and text: the common beginning and end first, then those that
/// occur once on each side, then repeated ones beside a pair, then the rest in order.
pub(super) fn pair(before: &[Arc<Block>], copy: &[CopyBlock], pairing: &mut Pairing) {
    let shorter = before.len().min(copy.len());
    let head = (0..shorter).take_while(|place| pair_if_same(before, copy, pairing, (*place, *place))).count();
    for back in 1..=shorter - head {
        if !pair_if_same(before, copy, pairing, (before.len() - back, copy.len() - back)) {
            break;
        }
    }

    let old: Vec<_> =
        hashed(Pairing::free(&pairing.new_of).map(|old| (old, before[old].kind, before[old].text.as_str())));
    if old.is_empty() {
        return;
    }
    let new: Vec<_> =
        hashed(Pairing::free(&pairing.old_of).map(|new| (new, copy[new].kind, copy[new].text.as_str())));
    let groups = groups(&old, &new);
    for (old, new) in groups.iter().filter(|(old, new)| old.len() == 1 && new.len() == 1) {
        pair_if_same(before, copy, pairing, (old[0].1, new[0].1));
    }
    if groups.iter().any(|(old, new)| old.len() > 1 || new.len() > 1) {
        spread(before, copy, pairing);
        for (old, new) in groups {
            pair_in_order(before, copy, pairing, (old, new));
        }
    }
}

/// Pairs the two blocks at `places` if both are free and the same; returns whether they are one
/// block now, or were before.
fn pair_if_same(
    before: &[Arc<Block>],
    copy: &[CopyBlock],
    pairing: &mut Pairing,
    (old, new): (usize, usize),
) -> bool {
    if !pairing.both_free(old, new) {
        return pairing.new_of.get(old) == Some(&Side::Paired(new));
    }
    let same = before[old].kind == copy[new].kind && before[old].text == copy[new].text;
    if same {
        pairing.pair(old, new);
    }
    same
}

/// Pairs equal blocks that stand beside a pair, forwards and then backwards.
fn spread(before: &[Arc<Block>], copy: &[CopyBlock], pairing: &mut Pairing) {
    for old in 0..before.len() {
        if let Side::Paired(new) = pairing.new_of[old]
            && pairing.both_free(old + 1, new + 1)
        {
            pair_if_same(before, copy, pairing, (old + 1, new + 1));
        }
    }
    for old in (1..before.len()).rev() {
        if let Side::Paired(new) = pairing.new_of[old]
            && new > 0
            && pairing.both_free(old - 1, new - 1)
        {
            pair_if_same(before, copy, pairing, (old - 1, new - 1));
        }
    }
}

/// A content hash and the place of the block it is of.
type Hashed = (u64, usize);

fn hashed<'a>(blocks: impl Iterator<Item = (usize, BlockKind, &'a str)>) -> Vec<Hashed> {
    let mut hashes: Vec<Hashed> =
        blocks.map(|(place, kind, text)| (content_hash(kind, text), place)).collect();
    hashes.sort_unstable();
    hashes
}

/// Returns the runs of equal hashes that occur on both sides.
fn groups<'a>(old: &'a [Hashed], new: &'a [Hashed]) -> Vec<(&'a [Hashed], &'a [Hashed])> {
    let mut groups = Vec::new();
    let mut news = new;
    for olds in old.chunk_by(|one, other| one.0 == other.0) {
        let hash = olds[0].0;
        news = &news[news.partition_point(|(other, _)| *other < hash)..];
        let count = news.iter().take_while(|(other, _)| *other == hash).count();
        if count > 0 {
            groups.push((olds, &news[..count]));
        }
    }
    groups
}

fn pair_in_order(
    before: &[Arc<Block>],
    copy: &[CopyBlock],
    pairing: &mut Pairing,
    (old, new): (&[Hashed], &[Hashed]),
) {
    let mut first = 0;
    for (_, new) in new {
        while first < old.len() && pairing.new_of[old[first].1] != Side::Free {
            first += 1;
        }
        for (_, old) in old[first..].iter().take(COMPARED_MAX) {
            if pairing.both_free(*old, *new) && pair_if_same(before, copy, pairing, (*old, *new)) {
                break;
            }
        }
    }
}

/// Returns a hash that tells contents apart fast. Equal hashes are always compared.
fn content_hash(kind: BlockKind, text: &str) -> u64 {
    const LANES: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
    let mut lanes = [kind as u64 ^ LANES[1], text.len() as u64 ^ LANES[0]];
    let mut chunks = text.as_bytes().chunks_exact(16);
    for chunk in &mut chunks {
        for (lane, half) in chunk.chunks_exact(8).enumerate() {
            lanes[lane] = mixed(lanes[lane] ^ word(half), LANES[lane]);
        }
    }
    for (lane, half) in chunks.remainder().chunks(8).enumerate() {
        lanes[lane] = mixed(lanes[lane] ^ word(half), LANES[lane]);
    }
    mixed(lanes[0] ^ LANES[1], lanes[1] ^ LANES[0])
}

/// Returns up to eight bytes as a number.
fn word(bytes: &[u8]) -> u64 {
    let mut padded = [0; 8];
    padded[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(padded)
}

/// Returns both halves of the product, folded into one.
#[expect(clippy::cast_possible_truncation, reason = "the two halves are taken on purpose")]
const fn mixed(one: u64, other: u64) -> u64 {
    let product = one as u128 * other as u128;
    (product as u64) ^ ((product >> 64) as u64)
}
