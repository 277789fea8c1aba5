//! Damage to a whole data dir at rest: `check` finds each flipped bit of the log, the views and the files of
//! the transparency log, or the bit is one that changes nothing; and it finds nothing where nothing is damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use writethru_tests::{Service, answer, harvey, writethru};

/// Bits flipped in each kind of file; `WRITETHRU_FLIPS=500` for a longer run.
const FLIPS: u64 = 12;
/// The exit code of a fault that `check` names.
const DIFFERS: i32 = 4;

#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
fn flips() -> u64 {
    std::env::var("WRITETHRU_FLIPS").ok().and_then(|flips| flips.parse().ok()).unwrap_or(FLIPS)
}

/// Returns the number that follows `seed`, which it moves on: the same on every machine.
fn roll(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed ^ (*seed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20
}

/// Returns the files in and below `folder`, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

/// Runs `check` with the bit `bit` of `file` flipped, and puts the file back.
fn checked(data: &Path, file: &Path, bit: usize) -> Output {
    let whole = fs::read(file).expect("read");
    let mut spoiled = whole.clone();
    spoiled[bit / 8] ^= 1 << (bit % 8);
    fs::write(file, spoiled).expect("written");
    let output = writethru(data, &["check"]).output().expect("the binary runs");
    fs::write(file, whole).expect("written");
    for suffix in ["-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        // Whether it is there or not: no service has the file open.
        let _ = fs::remove_file(PathBuf::from(name));
    }
    output
}

/// Returns a data dir with a real history, that no service has open.
fn data_dir(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    let service = Service::start_with(&data, &["--no-nats"], std::process::Stdio::null());
    service.run(&["import", "--desk", "storms", harvey().to_str().expect("UTF-8")]);
    service.stop();
    data
}

/// Flips bits all over the files, and returns the bits that `check` found nothing of, each with its file.
#[track_caller]
fn passed_over(data: &Path, files: &[PathBuf], mut seed: u64) -> Vec<(PathBuf, usize)> {
    let mut passed = Vec::new();
    for _ in 0..flips() {
        let file = &files[usize::try_from(roll(&mut seed)).expect("64 bits") % files.len()];
        let bits = usize::try_from(fs::metadata(file).expect("it is there").len()).expect("small") * 8;
        let bit = usize::try_from(roll(&mut seed)).expect("64 bits") % bits;
        let Output { status, stderr, .. } = checked(data, file, bit);
        let said = String::from_utf8_lossy(&stderr);
        match status.code() {
            Some(0) => passed.push((file.clone(), bit)),
            Some(DIFFERS) => {}
            _ => panic!("bit {bit} of {}: check ended with {status}: {said}", file.display()),
        }
    }
    answer(writethru(data, &["check"]));
    passed
}

/// Returns what the service shows of the history.
fn readings(data: &Path) -> String {
    let service = Service::start_with(data, &["--no-nats"], std::process::Stdio::null());
    let slug = "nhc-harvey-2017";
    let asked: [&[&str]; 3] = [&["list", "--json"], &["show", slug, "--json"], &["history", slug, "--json"]];
    // Its address is another each time.
    let said = asked.map(|of| service.run(of)).join("\n").replace(&service.http, "");
    service.stop();
    said
}

#[test]
fn a_flipped_bit_of_log_or_views_is_found_or_changes_nothing() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let data = data_dir(folder.path());
    let before = readings(&data);
    let passed = passed_over(&data, &[data.join("log.db"), data.join("views.db")], 2);
    println!("{} of {} bits changed nothing", passed.len(), flips());
    // All of them at once.
    for (file, bit) in passed {
        let mut bytes = fs::read(&file).expect("read");
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&file, bytes).expect("written");
    }
    assert!(readings(&data) == before, "check passed them, and the history reads otherwise");
}

#[test]
fn every_flipped_bit_of_the_transparency_log_is_found() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let data = data_dir(folder.path());
    let tlog = files(&data.join("tlog"));
    assert_eq!(passed_over(&data, &tlog, 1), []);
}
