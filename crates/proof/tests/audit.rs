//! The audit of a whole log: what is right passes, and what is wrong is named.

mod shelf;

use proof::audit::{Fault, ListFault, audit, audit_bundles, audit_list, files_of_bundles};
use proof::checkpoint::Checkpoint;
use proof::tile::{Bundle, FilePath, Tile};
use proof::tree::Plan;
use shelf::{Absent, ORIGIN, Shelf, envelope, log_of};
use writethru_proof as proof;

fn head(shelf: &Shelf, size: u64) -> Checkpoint {
    Checkpoint::new(ORIGIN, size, shelf::root(shelf, size)).expect("a checkpoint")
}

fn run(shelf: &Shelf, checkpoint: &Checkpoint, from: u64) -> Result<Vec<u64>, Fault<Absent>> {
    let mut seen = Vec::new();
    let result = audit(checkpoint, shelf, from, |index, entry| {
        assert_eq!(entry, envelope(index));
        seen.push(index);
    });
    result.map(|()| seen)
}

fn tile(level: u8, index: u64, width: u16) -> FilePath {
    FilePath::Tile(Tile::new(level, index, width).expect("a tile"))
}

fn bundle(index: u64, width: u16) -> FilePath {
    FilePath::Entries(Bundle::new(index, width).expect("a bundle"))
}

#[test]
fn a_log_that_is_right_passes_and_shows_every_entry() {
    for size in [0, 1, 255, 256, 257, 512, 700] {
        let (_, shelf) = log_of(size);
        let seen = run(&shelf, &head(&shelf, size), 0).expect("right");
        assert_eq!(seen, (0..size).collect::<Vec<_>>());
    }
}

#[test]
fn an_audit_goes_on_from_where_it_was() {
    let (_, shelf) = log_of(700);
    for from in [0, 1, 255, 256, 300, 699, 700, 9_999, u64::MAX] {
        let seen = run(&shelf, &head(&shelf, 700), from).expect("right");
        assert_eq!(seen, (from..700).collect::<Vec<_>>(), "{from}");
    }
}

#[test]
fn every_file_is_read_once() {
    let (_, shelf) = log_of(66_000);
    shelf.asked.borrow_mut().clear();
    let checkpoint = head(&shelf, 66_000);
    shelf.asked.borrow_mut().clear();
    run(&shelf, &checkpoint, 0).expect("right");
    let mut asked = shelf.asked.take();
    asked.sort_unstable();
    let all: Vec<FilePath> = shelf.files.keys().copied().collect();
    assert_eq!(asked, all);
}

/// Changes one byte of a file and returns the fault that the audit names.
#[track_caller]
fn spoiled(shelf: &Shelf, path: FilePath, place: usize) -> Fault<Absent> {
    let mut spoiled = shelf.clone();
    let checkpoint = head(shelf, 70_000);
    spoiled.files.get_mut(&path).expect("a file of the log")[place] ^= 1;
    audit(&checkpoint, &spoiled, 0, |_, _| ()).expect_err("a fault")
}

#[test]
fn the_first_fault_is_named_by_its_place() {
    let (_, shelf) = log_of(70_000);
    // The first byte of an entry, after its length.
    assert!(matches!(spoiled(&shelf, bundle(0, 256), 2), Fault::Entry { index: 0 }));
    assert!(matches!(spoiled(&shelf, bundle(270, 256), 2), Fault::Entry { index: 69_120 }));
    assert!(matches!(spoiled(&shelf, bundle(273, 112), 2), Fault::Entry { index: 69_888 }));
    assert!(matches!(spoiled(&shelf, bundle(0, 256), 0), Fault::Bundle { .. } | Fault::Entry { .. }));
    let Fault::Changed { tile: named } = spoiled(&shelf, tile(0, 9, 256), 700) else { panic!("a tile") };
    assert_eq!((named.level(), named.index()), (0, 9));
    let Fault::Changed { tile: named } = spoiled(&shelf, tile(1, 0, 256), 8_191) else { panic!("a tile") };
    assert_eq!((named.level(), named.index()), (1, 0));
    for partial in [tile(0, 273, 112), tile(1, 1, 17), tile(2, 0, 1)] {
        assert!(matches!(spoiled(&shelf, partial, 5), Fault::Root));
    }
}

#[test]
fn a_file_that_is_missing_or_cut_is_named() {
    let (_, shelf) = log_of(70_000);
    let checkpoint = head(&shelf, 70_000);
    for gone in [bundle(3, 256), tile(0, 3, 256), tile(1, 0, 256), tile(2, 0, 1)] {
        let mut spoiled = shelf.clone();
        spoiled.files.remove(&gone);
        let Err(Fault::Reader { path, .. }) = audit(&checkpoint, &spoiled, 0, |_, _| ()) else {
            panic!("{gone} is gone");
        };
        assert_eq!(path, gone);
        let mut spoiled = shelf.clone();
        spoiled.files.get_mut(&gone).expect("a file of the log").pop();
        let fault = audit(&checkpoint, &spoiled, 0, |_, _| ()).expect_err("cut");
        assert!(matches!(fault, Fault::Tile { .. } | Fault::Bundle { .. }), "{fault}");
    }
}

#[test]
fn no_byte_of_a_small_log_can_be_changed() {
    let (_, mut shelf) = log_of(260);
    let checkpoint = head(&shelf, 260);
    for (path, bytes) in shelf.files.clone() {
        let ends = 200.min(bytes.len());
        shelf::spoil(&bytes[..ends], |place, spoiled| {
            let whole = [spoiled, &bytes[ends..]].concat();
            shelf.files.insert(path, whole);
            assert!(run_quietly(&shelf, &checkpoint).is_err(), "{path} at {place}");
        });
        shelf.files.insert(path, bytes);
    }
    assert!(run_quietly(&shelf, &checkpoint).is_ok());
}

fn run_quietly(shelf: &Shelf, checkpoint: &Checkpoint) -> Result<(), Fault<Absent>> {
    shelf.asked.borrow_mut().clear();
    audit(checkpoint, shelf, 0, |_, _| ())
}

#[test]
fn a_log_of_another_checkpoint_does_not_pass() {
    let (_, shelf) = log_of(300);
    let other = Checkpoint::new(ORIGIN, 300, proof::Hash([3; 32])).expect("a checkpoint");
    assert!(matches!(run(&shelf, &other, 0), Err(Fault::Root)));
    let longer = Checkpoint::new(ORIGIN, 301, shelf::root(&shelf, 300)).expect("a checkpoint");
    assert!(run(&shelf, &longer, 0).is_err());
}

#[test]
fn a_list_of_entries_is_held_against_a_checkpoint() {
    let (_, shelf) = log_of(300);
    let checkpoint = head(&shelf, 300);
    let mut list: Vec<Vec<u8>> = (0..300).map(envelope).collect();
    let check = |list: &[Vec<u8>]| audit_list(&checkpoint, list.iter().map(Vec::as_slice));
    assert_eq!(check(&list), Ok(()));
    assert_eq!(check(&list[1..]), Err(ListFault::Size { listed: 299, size: 300 }));
    list.swap(7, 8);
    assert_eq!(check(&list), Err(ListFault::Root));
    list.swap(7, 8);
    list.extend([envelope(300), envelope(301)]);
    assert_eq!(check(&list), Err(ListFault::Size { listed: 301, size: 300 }));
}

#[test]
fn some_bundles_are_proved_by_their_own_files_and_no_other() {
    for size in [1, 255, 256, 257, 600, 66_000] {
        let (_, shelf) = log_of(size);
        let checkpoint = head(&shelf, size);
        let last = (size - 1) / 256;
        for places in [vec![0], vec![last], vec![0, last / 2, last]] {
            let mut places = places;
            places.dedup();
            let files = files_of_bundles(size, places.iter().copied());
            shelf.asked.borrow_mut().clear();
            let mut seen = Vec::new();
            audit_bundles(&checkpoint, &shelf, places.iter().copied(), |index, _| seen.push(index))
                .expect("right");
            let expected = places.iter().flat_map(|place| 256 * place..(256 * place + 256).min(size));
            assert_eq!(seen, expected.collect::<Vec<_>>());
            let asked: std::collections::BTreeSet<FilePath> = shelf.asked.take().into_iter().collect();
            assert_eq!(asked, files, "{size}: {places:?}");
            let kept = shelf.files.iter().filter(|(path, _)| files.contains(path));
            let few = Shelf {
                files: kept.map(|(path, bytes)| (*path, bytes.clone())).collect(),
                ..Shelf::default()
            };
            for index in seen {
                Plan::inclusion(index, size)
                    .expect("an entry")
                    .read(&few)
                    .expect("every path is in these files");
            }
        }
    }
}
