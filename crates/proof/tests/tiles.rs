//! Tiles, bundles and their paths, and which of them appending writes.

mod shelf;

use std::collections::BTreeMap;

use proof::Hash;
use proof::entry::{ENVELOPE_BYTES_MAX, Entry, EntryError, Form, SHORT_BYTES_MAX};
use proof::tile::{
    BUNDLE_BYTES_MAX, Bundle, BundleError, Edge, FilePath, ResumeError, Tile, TileHashes, bundle_entries,
};
use proof::tree::{Frontier, SIZE_MAX, entry_hash};
use proof::{envelope_hash, tree};
use proptest::prelude::*;
use shelf::{Shelf, entries, envelope, grow, log_of, root};
use writethru_proof as proof;

#[track_caller]
fn check_path(file: FilePath, path: &str) {
    assert_eq!(file.to_string(), path);
    assert_eq!(path.parse(), Ok(file));
}

fn tile(level: u8, index: u64, width: u16) -> FilePath {
    FilePath::Tile(Tile::new(level, index, width).expect("a tile"))
}

fn bundle(index: u64, width: u16) -> FilePath {
    FilePath::Entries(Bundle::new(index, width).expect("a bundle"))
}

/// The index is the example of c2sp.org/tlog-tiles.
#[test]
fn paths_are_as_the_specification_has_them() {
    check_path(tile(0, 1_234_067, 256), "tile/0/x001/x234/067");
    check_path(tile(0, 0, 1), "tile/0/000.p/1");
    check_path(tile(1, 999, 255), "tile/1/999.p/255");
    check_path(tile(2, 1_000, 256), "tile/2/x001/000");
    check_path(bundle(273, 112), "tile/entries/273.p/112");
    check_path(bundle(1_234_067, 256), "tile/entries/x001/x234/067");
    check_path(tile(7, 0, 64), "tile/7/000.p/64");
}

#[test]
fn a_path_in_another_form_is_none() {
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/00/001",
        "tile/+1/001",
        "tile/8/000",
        "tile/63/000",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/001.p/",
        "tile/0/001.p/1/",
        "/tile/0/001",
        "tile/0/001 ",
        "tile/0/-01",
        "tile/0/xx1/000",
        "tile/entries/1",
        "tile/data/001",
        "tile/7/001",
        "tile/7/000.p/65",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/٠٠١",
        "tile/Entries/001",
        "tile/0/001.p/1.p/1",
    ] {
        assert!(path.parse::<FilePath>().is_err(), "{path}");
    }
}

/// The example of c2sp.org/tlog-tiles, section "Partial Tiles".
#[test]
fn a_tree_of_70_000_has_the_tiles_that_the_specification_counts() {
    let (_, shelf) = log_of(70_000);
    let mut count = BTreeMap::<(u8, u16), usize>::new();
    for path in shelf.files.keys() {
        if let FilePath::Tile(tile) = path {
            *count.entry((tile.level(), tile.width())).or_default() += 1;
        }
    }
    let expected = [((0, 256), 273), ((0, 112), 1), ((1, 256), 1), ((1, 17), 1), ((2, 1), 1)];
    assert_eq!(count, BTreeMap::from(expected));
    assert_eq!(shelf.files.len(), 277 + 274);
}

#[test]
fn a_tree_of_256_has_a_full_tile_and_one_hash_above_it() {
    let (_, shelf) = log_of(256);
    let paths: Vec<String> = shelf.files.keys().map(ToString::to_string).collect();
    assert_eq!(paths, ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
    let above = &shelf.files[&tile(1, 0, 1)];
    assert_eq!(above[..], root(&shelf, 256).0);
}

#[test]
fn only_tiles_that_a_tree_can_have_can_be_named() {
    assert_eq!(Tile::new(0, 0, 0), None);
    assert_eq!(Tile::new(0, 0, 257), None);
    assert_eq!(Tile::new(8, 0, 1), None);
    assert_eq!(Tile::new(255, u64::MAX, 256), None);
    assert_eq!(Tile::new(0, u64::MAX, 256), None);
    assert_eq!(Tile::new(0, SIZE_MAX / 256, 1), None);
    assert!(Tile::new(0, SIZE_MAX / 256 - 1, 256).is_some());
    assert_eq!(Tile::in_tree(0, 1, 256), None);
    assert_eq!(Tile::in_tree(9, 0, SIZE_MAX), None);
    assert_eq!(Tile::in_tree(0, u64::MAX, SIZE_MAX), None);
    assert_eq!(Tile::partial(255, SIZE_MAX), None);
    assert_eq!(Tile::in_tree(7, 0, u64::MAX).map(Tile::width), None);
}

#[test]
fn an_append_writes_what_is_new_and_nothing_else() {
    let mut shelf = Shelf::default();
    let edge = grow(Edge::new(), 300, &mut shelf);
    let grown = edge.grow(&entries(300, 301)).expect("grows");
    let paths: Vec<String> = grown.files.iter().map(|file| file.path.to_string()).collect();
    assert_eq!(paths, ["tile/0/001.p/45", "tile/entries/001.p/45"]);
    let same = grown.edge.grow(&[]).expect("grows");
    assert_eq!(same.files, []);
    let filled = same.edge.grow(&entries(301, 513)).expect("grows");
    let paths: Vec<String> = filled.files.iter().map(|file| file.path.to_string()).collect();
    let expected =
        ["tile/entries/001", "tile/0/001", "tile/0/002.p/1", "tile/entries/002.p/1", "tile/1/000.p/2"];
    assert_eq!(paths, expected);
}

fn resume(shelf: &Shelf, size: u64, root: &Hash) -> Result<Edge, ResumeError> {
    let files: Vec<Vec<u8>> = Edge::files(size).iter().map(|path| shelf.files[path].clone()).collect();
    Edge::resume(size, root, &files)
}

#[test]
fn an_edge_resumes_from_its_files_and_grows_on_alike() {
    let mut shelf = Shelf::default();
    let mut edge = Edge::new();
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_537] {
        edge = grow(edge, size, &mut shelf);
        assert_eq!(resume(&shelf, size, &edge.root()), Ok(edge.clone()), "{size}");
    }
    let (whole, at_once) = log_of(65_537);
    assert_eq!(edge, whole);
    for (path, bytes) in &at_once.files {
        assert_eq!(shelf.files.get(path), Some(bytes), "{path}");
    }
}

#[test]
fn an_edge_of_other_files_is_refused() {
    let (edge, shelf) = log_of(530);
    let root = edge.root();
    assert_eq!(resume(&shelf, 530, &tree::empty_root()), Err(ResumeError::Root));
    assert!(matches!(Edge::resume(530, &root, &[]), Err(ResumeError::Tile { level: 0, .. })));
    assert_eq!(Edge::resume(SIZE_MAX + 1, &root, &[]), Err(ResumeError::Size));
    let paths = Edge::files(530);
    let files: Vec<Vec<u8>> = paths.iter().map(|path| shelf.files[path].clone()).collect();
    for (changed, path) in paths.iter().enumerate() {
        let mut spoiled = files.clone();
        shelf::spoil(&files[changed], |place, bytes| {
            bytes.clone_into(&mut spoiled[changed]);
            assert!(Edge::resume(530, &root, &spoiled).is_err(), "{path} at {place}");
        });
    }
}

#[test]
fn the_frontier_of_an_edge_is_that_of_its_entries() {
    let mut frontier = Frontier::new();
    let mut edge = Edge::new();
    for index in 0..520 {
        assert_eq!(edge.frontier(), frontier);
        frontier.extend([entry_hash(&envelope(index))]);
        edge = edge.grow(&entries(index, index + 1)).expect("grows").edge;
    }
    assert_eq!(edge.root(), frontier.root());
}

#[test]
fn a_tile_is_a_whole_number_of_hashes_and_no_more_than_it_holds() {
    let partial = Tile::new(0, 0, 3).expect("a tile");
    for bytes in [0, 31, 32, 64, 95, 97, 8_193, 8_224] {
        assert!(TileHashes::from_bytes(partial, &vec![1; bytes]).is_err(), "{bytes}");
    }
    for bytes in [96, 128, 8_192] {
        let read = TileHashes::from_bytes(partial, &vec![1; bytes]).expect("a tile");
        assert_eq!(read.to_bytes(), [1; 96]);
    }
    assert_eq!(TileHashes::new(Vec::new()), None);
    assert_eq!(TileHashes::new(vec![Hash([0; 32]); 257]), None);
}

#[test]
fn a_bundle_is_exactly_its_entries() {
    let three = Bundle::new(0, 3).expect("a bundle");
    let bytes = b"\x00\x01{\x00\x00\x00\x02{}";
    assert_eq!(bundle_entries(three, bytes), Ok(vec![&b"{"[..], b"", b"{}"]));
    assert_eq!(bundle_entries(three, &bytes[..8]), Err(BundleError::Short { entry: 2 }));
    assert_eq!(bundle_entries(three, &bytes[..4]), Err(BundleError::Short { entry: 1 }));
    assert_eq!(bundle_entries(three, &[&bytes[..], b"x"].concat()), Err(BundleError::Long { bytes: 1 }));
    assert_eq!(bundle_entries(three, b"\xff\xff{"), Err(BundleError::Short { entry: 0 }));
}

#[test]
fn the_longest_bundle_is_as_long_as_promised() {
    let longest = Entry::of_envelope(&vec![b'{'; SHORT_BYTES_MAX]).expect("an entry");
    let grown = Edge::new().grow(&vec![longest; 256]).expect("grows");
    assert_eq!(grown.files[0].bytes.len(), BUNDLE_BYTES_MAX);
}

fn envelope_of(bytes: usize) -> Vec<u8> {
    let mut envelope = vec![b'x'; bytes];
    envelope[0] = b'{';
    envelope
}

#[test]
fn an_envelope_is_its_own_entry_up_to_65_535_bytes() {
    let short = envelope_of(65_535);
    let entry = Entry::of_envelope(&short).expect("an entry");
    assert_eq!(entry.form(), Form::Short(&short));
    let long = envelope_of(65_536);
    let entry = Entry::of_envelope(&long).expect("an entry");
    assert_eq!(entry.form(), Form::Long { hash: envelope_hash(&long), bytes: 65_536 });
    let expected =
        [&b"writethru/long-entry/v1"[..], &envelope_hash(&long).0, &65_536_u64.to_be_bytes()].concat();
    assert_eq!(entry.as_bytes(), expected);
    assert!(entry.is_of(&long) && !entry.is_of(&short) && !entry.is_of(&expected));
}

#[test]
fn no_entry_can_be_read_in_both_forms() {
    // What a long entry is, is no envelope; and no long entry speaks of an envelope that is short.
    let long = Entry::of_envelope(&envelope_of(70_000)).expect("an entry");
    assert_eq!(Entry::of_envelope(long.as_bytes()), Err(EntryError::Form));
    let mut claims = long.as_bytes().to_vec();
    for bytes in [0, 1, SHORT_BYTES_MAX as u64, ENVELOPE_BYTES_MAX + 1, u64::MAX] {
        claims[55..].copy_from_slice(&bytes.to_be_bytes());
        assert_eq!(Entry::from_bytes(&claims), Err(EntryError::Form), "{bytes}");
    }
    claims[55..].copy_from_slice(&70_000_u64.to_be_bytes());
    assert_eq!(Entry::from_bytes(&claims), Ok(long.clone()));
    assert_eq!(Entry::from_bytes(&claims[..62]), Err(EntryError::Form));
    assert_eq!(Entry::from_bytes(&[&claims[..], b"x"].concat()), Err(EntryError::Form));
    assert_eq!(Entry::from_bytes(&envelope_of(65_536)), Err(EntryError::Form));
    assert_eq!(Entry::from_bytes(b""), Err(EntryError::Form));
    assert_eq!(Entry::of_envelope(b""), Err(EntryError::Form));
    assert_eq!(Entry::of_envelope(b"[]"), Err(EntryError::Form));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn different_envelopes_have_different_entries(
        one in (65_400_usize..65_700, any::<u8>()), other in (65_400_usize..65_700, any::<u8>()),
    ) {
        let make = |(bytes, last): (usize, u8)| {
            let mut envelope = envelope_of(bytes);
            envelope[bytes - 1] = last;
            envelope
        };
        let (one, other) = (make(one), make(other));
        let entry = Entry::of_envelope(&one).expect("an entry");
        prop_assert!(entry.is_of(&one));
        prop_assert_eq!(entry.is_of(&other), one == other);
        prop_assert_eq!(Entry::of_envelope(&other).expect("an entry") == entry, one == other);
        prop_assert_eq!(Entry::from_bytes(entry.as_bytes()), Ok(entry.clone()));
    }

    #[test]
    fn a_log_is_the_same_in_whatever_steps_it_grows(steps in prop::collection::vec(0_u64..300, 0..8)) {
        let (mut shelf, mut edge) = (Shelf::default(), Edge::new());
        for step in steps {
            let size = edge.size() + step;
            edge = grow(edge, size, &mut shelf);
        }
        let (whole, at_once) = log_of(edge.size());
        prop_assert_eq!(&edge, &whole);
        for (path, bytes) in &at_once.files {
            prop_assert_eq!(shelf.files.get(path), Some(bytes));
        }
    }
}
