//! `backup` and `restore-backup` of the real binary.

use std::fs;
use std::path::Path;

use crate::harness::{Service, run, writethru};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A service with two stories and a backup of it, taken while it runs.
fn backed_up(folder: &Path) -> Service {
    let service = Service::start_with(&["--no-nats"]);
    service.push("storm", "Storm nears coast\n\nThree ships are overdue.");
    service.push("flood", "Flood\n\nThe river is over its banks.");
    let said = service.run(&["backup", folder.to_str().unwrap(), "--json"]).exits(0).json();
    assert_eq!((&said["head"], &said["verified"]), (&2.into(), &true.into()));
    service
}

#[test]
fn a_backup_taken_while_the_service_runs_is_restored_word_for_word_under_a_new_epoch() {
    let home = tempfile::tempdir().unwrap();
    let (folder, data) = (home.path().join("backup"), home.path().join("restored"));
    let mut service = backed_up(&folder);
    service.run(&["key", "add", "--actor", "owner", "--note", "later"]);
    let shown = service.run(&["show", "storm", "--json"]).exits(0).json();
    // What comes after the backup is not in it.
    service.push("storm", "Storm nears coast\n\nFour ships are overdue.");
    service.stop();
    assert_eq!(names(&folder), ["backup.json", "log.db", "registry.db"]);

    let said = run(writethru().arg("restore-backup").arg(&folder).args(["--data", data.to_str().unwrap()]));
    said.exits(0);
    assert!(names(&data).iter().all(|name| !name.contains("restoring")), "{:?}", names(&data));
    run(writethru().args(["check", "--data", data.to_str().unwrap()])).exits(0);
    let restored = Service::start_on(&data, &["--no-nats"]);
    let again = restored.run(&["show", "storm", "--json"]).exits(0).json();
    for member in ["story", "revision", "hash", "blocks"] {
        assert_eq!(again[member], shown[member], "{member}");
    }
    assert_ne!(again["cursor"], shown["cursor"], "cursors from before must be noticed");
    restored.push("storm", "Storm nears coast\n\nFive ships are overdue.");
}

#[test]
fn neither_a_backup_nor_a_restore_goes_over_anything() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("backup");
    let service = backed_up(&folder);
    let kept = fs::read(folder.join("log.db")).unwrap();
    let refused = service.run(&["backup", folder.to_str().unwrap(), "--json"]).exits(1).problem();
    assert!(refused["type"].as_str().unwrap().ends_with("not-empty"), "{refused}");
    assert_eq!(fs::read(folder.join("log.db")).unwrap(), kept);
    let data = home.path().join("other");
    let mut other = Service::start_on(&data, &["--no-nats"]);
    other.push("mine", "Mine\n\nNot to be lost.");
    other.stop();
    let refused = run(writethru().arg("restore-backup").arg(&folder).arg("--data").arg(&data)).exits(1);
    assert!(refused.stderr.contains("never goes over anything"), "{}", refused.stderr);
    let other = Service::start_on(&data, &["--no-nats"]);
    other.run(&["show", "mine"]).exits(0);
}

#[test]
fn a_backup_with_another_byte_or_without_its_manifest_is_refused_and_nothing_is_put_in_place() {
    let home = tempfile::tempdir().unwrap();
    let (folder, data) = (home.path().join("backup"), home.path().join("restored"));
    drop(backed_up(&folder));
    let restore = || run(writethru().arg("restore-backup").arg(&folder).arg("--data").arg(&data));
    let log = folder.join("log.db");
    let whole = fs::read(&log).unwrap();
    let mut other = whole.clone();
    let at = other.len() - 1;
    other[at] ^= 1;
    fs::write(&log, other).unwrap();
    let said = restore().exits(4);
    assert!(said.stderr.contains("log.db is not as it was written"), "{}", said.stderr);
    assert!(!data.join("log.db").exists() && !data.join("registry.db").exists());
    fs::write(&log, whole).unwrap();
    let manifest = fs::read(folder.join("backup.json")).unwrap();
    fs::remove_file(folder.join("backup.json")).unwrap();
    restore().exits(66);
    fs::write(folder.join("backup.json"), manifest).unwrap();
    restore().exits(0);
}
