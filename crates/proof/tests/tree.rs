//! The tree against `ct-merkle`, another implementation of RFC 6962, and against published values.

mod shelf;

use std::ops::RangeInclusive;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proof::Hash;
use proof::tree::{
    Frontier, FrontierError, PATH_MAX, PathError, Plan, PlanError, SIZE_MAX, TileReader as _, empty_root,
    entry_hash, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;
use sha2::Sha256;
use shelf::{Shelf, consistency, envelope, inclusion, log_of, root};
use writethru_proof as proof;

type Oracle = MemoryBackedTree<Sha256, Vec<u8>>;

fn hex(text: &str) -> Hash {
    format!("sha256:{text}").parse().expect("a digest")
}

fn oracle_of(size: u64) -> Oracle {
    let mut oracle = Oracle::new();
    (0..size).for_each(|index| oracle.push(envelope(index)));
    oracle
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.chunks_exact(32).map(|hash| Hash(hash.try_into().expect("32 bytes"))).collect()
}

/// Checks the tree of `oracle`'s size, at some indices and from some older sizes.
#[track_caller]
fn check(oracle: &Oracle, shelf: &Shelf, places: impl Iterator<Item = u64>) {
    let size = oracle.len();
    let expected = Hash(oracle.root().as_bytes()[..].try_into().expect("32 bytes"));
    assert_eq!(root(shelf, size), expected, "the root at {size}");
    for place in places.filter(|place| *place < size) {
        let path = inclusion(shelf, place, size);
        let index = usize::try_from(place).expect("small");
        assert_eq!(path, hashes(oracle.prove_inclusion(index).as_bytes()), "{place} in {size}");
        let leaf = entry_hash(&envelope(place));
        assert_eq!(verify_inclusion(&leaf, place, size, &expected, &path), Ok(()), "{place} in {size}");

        let (old, added) = (place + 1, usize::try_from(size - place - 1).expect("small"));
        let path = consistency(shelf, old, size);
        if added > 0 {
            let theirs = oracle.prove_consistency(added);
            assert_eq!(path, hashes(theirs.as_bytes()), "from {old} to {size}");
        }
        let before = root(shelf, old);
        let checked = verify_consistency((old, &before), (size, &expected), &path);
        assert_eq!(checked, Ok(()), "from {old} to {size}");
    }
}

#[test]
fn every_place_of_small_trees_is_as_the_oracle_has_it() {
    let ((_, shelf), mut oracle) = (log_of(70), Oracle::new());
    for size in 0..=70 {
        check(&oracle, &shelf, 0..size);
        oracle.push(envelope(size));
    }
}

#[test]
fn trees_up_to_600_are_as_the_oracle_has_them() {
    let ((_, shelf), mut oracle) = (log_of(600), oracle_of(70));
    for size in 70..=600 {
        // A stride without a common factor with 256 visits every place over the sizes.
        let places = (size % 149..size).step_by(149).chain([255, 256, size - 1]);
        check(&oracle, &shelf, places);
        oracle.push(envelope(size));
    }
}

fn check_border(sizes: RangeInclusive<u64>) {
    let ((edge, shelf), mut oracle) = (log_of(*sizes.end()), oracle_of(*sizes.start()));
    for size in sizes.clone() {
        let near = [0, 1, 255, 256, 257, 32_767, 32_768, 65_279, 65_280, 65_534, 65_535, 65_536];
        check(&oracle, &shelf, near.into_iter().chain((size % 7919..size).step_by(7919)));
        oracle.push(envelope(size));
    }
    assert_eq!(edge.root(), root(&shelf, *sizes.end()));
}

#[test]
fn trees_at_the_border_of_a_tile_are_as_the_oracle_has_them() {
    check_border(255..=257);
}

#[test]
fn trees_at_the_border_of_a_tile_of_tiles_are_as_the_oracle_has_them() {
    check_border(65_535..=65_537);
}

/// Leaves, roots and paths of the reference tests of Certificate Transparency
/// (github.com/transparency-dev/merkle, testonly).
#[test]
fn the_published_tree_of_eight_leaves_is_ours() {
    let leaves: [&[u8]; 8] = [
        &[],
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    for (leaf, root) in leaves.into_iter().zip(roots) {
        frontier.append(entry_hash(leaf));
        assert_eq!(frontier.root(), hex(root));
    }
    let path = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    let (old, new) = (hex(roots[5]), hex(roots[7]));
    assert_eq!(verify_consistency((6, &old), (8, &new), &path.map(hex)), Ok(()));
}

#[test]
fn a_path_is_right_for_one_index_size_leaf_and_root_only() {
    let (_, shelf) = log_of(300);
    for (index, size) in [(0, 1), (0, 2), (255, 256), (256, 257), (299, 300), (100, 300), (5, 6)] {
        let (path, top) = (inclusion(&shelf, index, size), root(&shelf, size));
        let leaf = entry_hash(&envelope(index));
        let verify = |index, size, path: &[Hash]| verify_inclusion(&leaf, index, size, &top, path);
        assert_eq!(verify(index, size, &path), Ok(()));
        for other in 0..size {
            assert_eq!(verify(other, size, &path).is_ok(), other == index, "{other} for {index} in {size}");
        }
        assert_eq!(verify(size, size, &path), Err(PathError::OutOfRange { index: size, size }));
        assert_eq!(verify(index, size, &[&path[..], &[leaf]].concat()), Err(PathError::Length));
        if let Some((_, short)) = path.split_last() {
            assert_eq!(verify(index, size, short), Err(PathError::Length));
        }
        let other = entry_hash(b"{}");
        assert_eq!(verify_inclusion(&other, index, size, &top, &path), Err(PathError::Root));
        assert_eq!(verify_inclusion(&leaf, index, size, &other, &path), Err(PathError::Root));
    }
}

#[test]
fn growth_is_proved_by_its_own_path_only() {
    let (_, shelf) = log_of(300);
    for (old, new) in [(1, 2), (1, 300), (2, 3), (6, 8), (255, 256), (256, 257), (256, 300), (299, 300)] {
        let (before, after) = (root(&shelf, old), root(&shelf, new));
        let path = consistency(&shelf, old, new);
        let verify = |old, new, path: &[Hash]| verify_consistency((old, &before), (new, &after), path);
        assert_eq!(verify(old, new, &path), Ok(()));
        for other in 1..old {
            assert!(verify(other, new, &path).is_err(), "{other} for {old} to {new}");
        }
        assert_eq!(verify(new + 1, new, &path), Err(PathError::Shrunk { old: new + 1, new }));
        assert_eq!(verify(old, new, &[&path[..], &[before]].concat()), Err(PathError::Length));
        let (_, short) = path.split_last().expect("growth has a path");
        assert_eq!(verify(old, new, short), Err(PathError::Length));
        for (from, to) in [(&after, &before), (&after, &after), (&before, &before)] {
            assert!(verify_consistency((old, from), (new, to), &path).is_err(), "{old} to {new}");
        }
    }
}

#[test]
fn nothing_and_the_same_need_no_path() {
    let (_, shelf) = log_of(9);
    let (nothing, nine, five) = (empty_root(), root(&shelf, 9), root(&shelf, 5));
    assert_eq!(consistency(&shelf, 0, 9), []);
    assert_eq!(consistency(&shelf, 9, 9), []);
    assert_eq!(verify_consistency((0, &nothing), (9, &nine), &[]), Ok(()));
    assert_eq!(verify_consistency((0, &nothing), (0, &nothing), &[]), Ok(()));
    assert_eq!(verify_consistency((9, &nine), (9, &nine), &[]), Ok(()));
    assert_eq!(verify_consistency((0, &five), (9, &nine), &[]), Err(PathError::Root));
    assert_eq!(verify_consistency((0, &nothing), (0, &nine), &[]), Err(PathError::Root));
    assert_eq!(verify_consistency((9, &five), (9, &nine), &[]), Err(PathError::Root));
    assert_eq!(verify_consistency((0, &nothing), (9, &nine), &[five]), Err(PathError::Length));
    assert_eq!(verify_consistency((9, &nine), (9, &nine), &[five]), Err(PathError::Length));
}

#[test]
fn the_largest_tree_has_no_longer_path_than_promised() {
    let longest = Plan::inclusion(SIZE_MAX - 1, SIZE_MAX).expect("a tree");
    assert!(longest.tiles().len() <= 8);
    for old in [1, 3, SIZE_MAX / 2 - 1, SIZE_MAX / 2 + 1, SIZE_MAX - 1] {
        let plan = Plan::consistency(old, SIZE_MAX).expect("a tree");
        let full = vec![vec![7; 8192]; plan.tiles().len()];
        assert!(plan.hashes(&full).expect("tiles").len() <= PATH_MAX);
    }
    assert_eq!(Plan::root(SIZE_MAX + 1), Err(PlanError::Size));
    assert_eq!(Plan::inclusion(0, u64::MAX), Err(PlanError::Size));
    assert_eq!(Plan::consistency(2, 1), Err(PlanError::Shrunk { old: 2, new: 1 }));
    assert_eq!(Plan::inclusion(4, 4), Err(PlanError::OutOfRange { index: 4, size: 4 }));
}

#[test]
fn a_path_of_a_million_entries_is_read_from_a_few_tiles() {
    for index in [0, 12_345, 524_288, 999_999] {
        let plan = Plan::inclusion(index, 1_000_000).expect("a tree");
        assert!(plan.tiles().len() <= 5, "{:?}", plan.tiles());
    }
}

#[test]
fn a_plan_takes_its_tiles_from_anywhere() {
    let (_, shelf) = log_of(1_000);
    let plan = Plan::inclusion(600, 1_000).expect("a tree");
    let read: Vec<Vec<u8>> = plan.tiles().iter().map(|tile| shelf.tile(*tile).expect("a tile")).collect();
    assert_eq!(plan.hashes(&read).expect("tiles"), inclusion(&shelf, 600, 1_000));
    assert!(plan.hashes(&read[1..]).is_err());
    let cut: Vec<Vec<u8>> = read.iter().map(|tile| tile[..tile.len() - 1].to_vec()).collect();
    assert!(plan.hashes(&cut).is_err());
}

#[test]
fn a_frontier_reads_back_and_nothing_else_is_one() {
    let mut frontier = Frontier::new();
    for index in 0..300_u64 {
        let bytes = frontier.to_bytes();
        assert_eq!(bytes.len(), 8 + 32 * index.count_ones() as usize);
        assert_eq!(Frontier::from_bytes(&bytes), Ok(frontier.clone()));
        assert_eq!(Frontier::from_bytes(&[&bytes[..], &[0; 32]].concat()), Err(FrontierError::Length));
        assert!(Frontier::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        frontier.append(entry_hash(&envelope(index)));
    }
    let huge = [&u64::MAX.to_be_bytes()[..], &[0; 64 * 32]].concat();
    assert_eq!(Frontier::from_bytes(&huge), Err(FrontierError::Size));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_path_with_one_bit_flipped_proves_nothing(
        size in 2_u64..400, index in any::<proptest::sample::Index>(), flip in any::<(u8, u8)>(),
    ) {
        let (_, shelf) = log_of(size);
        let index = index.index(usize::try_from(size).expect("small")) as u64;
        let top = root(&shelf, size);
        let mut path = inclusion(&shelf, index, size);
        let hash = usize::from(flip.0) % path.len();
        path[hash].0[usize::from(flip.1) % 32] ^= 1 << (flip.1 >> 5);
        let leaf = entry_hash(&envelope(index));
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &top, &path), Err(PathError::Root));

        let old = index.max(1);
        let mut path = consistency(&shelf, old, size);
        let hash = usize::from(flip.0) % path.len();
        path[hash].0[usize::from(flip.1) % 32] ^= 1 << (flip.1 >> 5);
        let before = root(&shelf, old);
        prop_assert_eq!(verify_consistency((old, &before), (size, &top), &path), Err(PathError::Root));
    }

    #[test]
    fn no_path_whatever_makes_a_verifier_panic(
        index in any::<u64>(), sizes in any::<(u64, u64)>(), path in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        small in any::<bool>(),
    ) {
        let mask = if small { 0x1ff } else { u64::MAX };
        let path: Vec<Hash> = path.into_iter().map(Hash).collect();
        let root = Hash([7; 32]);
        prop_assert!(verify_inclusion(&root, index & mask, sizes.0 & mask, &empty_root(), &path).is_err());
        let old = (sizes.0 & mask, &root);
        let new = (sizes.1 & mask, &empty_root());
        prop_assert!(verify_consistency(old, new, &path).is_err());
    }
}
