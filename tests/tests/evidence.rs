//! Bundles of evidence as strangers open them: with sha256sum, openssl, git, Python, the Library of Congress's
//! bagit, a browser, and `verify`. A judge that is not here is named aloud.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use writethru_tests::api::Api;
use writethru_tests::{Service, answer, harvey, json_lines, writethru};

/// In a sentence that is to go, and nowhere else.
const CANARY: &str = "Quillfeather";

/// A data dir with something in its log, and no service on it.
struct House {
    folder: TempDir,
    key: String,
}

impl House {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Exports `stories` and returns the file and what was said of it.
    #[track_caller]
    fn export(&self, stories: &[&str], level: &str) -> (PathBuf, Value) {
        let file = self.folder.path().join(format!("{}-{level}.zip", stories.join("-")));
        let to = file.to_str().expect("UTF-8");
        let arguments = [&["audit", "export"], stories, &["--level", level, "--to", to, "--json"]].concat();
        let said = answer(writethru(&self.data(), &arguments));
        (file, serde_json::from_str(&said).expect("JSON"))
    }

    fn verify(&self, file: &Path) -> (Option<i32>, String) {
        let arguments = ["verify", file.to_str().expect("UTF-8"), "--key", &self.key];
        said(&mut writethru(&self.data(), &arguments))
    }
}

/// Unpacks a bundle and returns the bag.
#[track_caller]
fn unpacked(file: &Path) -> PathBuf {
    let to = file.with_extension("unpacked");
    let script = "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
    done(Command::new("python3").args(["-c", script]).arg(file).arg(&to));
    to.join("evidence")
}

fn said(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().expect("it runs");
    (status.code(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
}

#[track_caller]
fn done(command: &mut Command) -> String {
    let (code, said) = said(command);
    assert_eq!(code, Some(0), "{command:?}: {said}");
    said
}

fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

async fn push(owner: &Api, slug: &str, paragraphs: &[&str], draft: bool) {
    let blocks: Vec<Value> = paragraphs.iter().map(|text| json!({"text": text})).collect();
    let copy = json!({"headline": format!("{slug}: what we know"), "blocks": blocks, "note": "As it came."});
    owner.post(&format!("/v1/stories?slug={slug}&desk=world&draft={draft}"), &copy).await.done();
}

/// A house with the hurricane, a story of which words were erased and others withdrawn, and a killed one.
async fn house() -> House {
    let folder = tempfile::tempdir().expect("a temp dir");
    let service = Service::start_with(&folder.path().join("data"), &["--no-nats"], Stdio::null());
    let owner = Api::public(&service.http).with(Some(&service.owner_key()));
    service.run(&["import", "--desk", "storms", harvey().to_str().expect("UTF-8")]);
    let canary =
        format!("Police hold a man. {CANARY}, 34, denies it. A neighbour saw smoke. The fire is out.");
    push(&owner, "fire", &["One is hurt.", &canary], false).await;
    push(&owner, "fire", &["Two are hurt.", &canary], false).await;
    push(&owner, "fire", &["Two are hurt.", &canary, "Unconfirmed: it was arson."], true).await;
    push(&owner, "rumour", &["A bank is closing."], false).await;
    owner.act("rumour", "kill", &json!({"reason": "It is wrong."})).await.done();
    service.run(&["actor", "add", "chief", "--grant", "editor@world"]);
    for (words, kind) in [(CANARY, "erase"), ("neighbour", "withdraw")] {
        service.run(&[
            "redact",
            "fire",
            "--match",
            words,
            "--kind",
            kind,
            "--basis",
            "GDPR-Art.17",
            "--reason",
            "It was asked for.",
            "--note",
            "A sentence was removed.",
            "--approver",
            "chief",
        ]);
    }
    let key = service.run(&["notary", "key", "show"]).trim().to_owned();
    service.stop();
    House { folder, key }
}

fn holds(file: &Path, words: &str) -> bool {
    let bytes = fs::read(file).expect("read");
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Checks what git makes of a story's history against its revisions.
#[track_caller]
fn check_git(bag: &Path, story: &str, scratch: &Path) {
    let folder = bag.join("data/stories").join(story);
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").arg("-C").arg(scratch);
        git.args(arguments);
        git
    };
    fs::create_dir_all(scratch).expect("a folder");
    done(&mut git(&["init", "--quiet"]));
    let stream = File::open(folder.join("history.fi")).expect("a stream");
    let imported = git(&["fast-import", "--quiet"]).stdin(stream).status().expect("git runs");
    assert!(imported.success());
    done(&mut git(&["fsck", "--strict"]));
    let log = done(&mut git(&["log", "--reverse", "--format=%H %an %at %s", "main"]));
    let revisions = json_lines(&fs::read_to_string(folder.join("revisions.jsonl")).expect("revisions"));
    assert_eq!(log.lines().count(), revisions.len());
    for (line, revision) in log.lines().zip(&revisions) {
        let mut words = line.splitn(4, ' ');
        let (commit, author) = (words.next().expect("a commit"), words.next().expect("an author"));
        assert_eq!(author, revision["actor"]);
        let at: i64 = words.next().expect("a time").parse().expect("a number");
        let recorded: jiff::Timestamp =
            revision["recorded"].as_str().expect("a time").parse().expect("a time");
        assert_eq!(at, recorded.as_second());
        let subject = words.next().expect("a subject");
        assert!(subject.starts_with(&format!("Revision {}: ", revision["revision"])), "{subject}");
        let json = done(&mut git(&["show", &format!("{commit}:article.json")]));
        assert_eq!(serde_json::from_str::<Value>(&json).expect("JSON"), revision["article"]);
        let text = done(&mut git(&["show", &format!("{commit}:article.txt")]));
        for block in revision["article"]["blocks"].as_array().expect("blocks") {
            assert!(text.contains(block["text"].as_str().expect("text")), "{text}");
        }
    }
}

fn check_openssl(bag: &Path) {
    let checkpoint = fs::read_to_string(bag.join("data/log/checkpoint")).expect("a checkpoint");
    let (text, signatures) = checkpoint.split_once("\n\n").expect("signatures");
    fs::write(bag.join("../head.txt"), format!("{text}\n")).expect("written");
    let encoded = signatures.lines().next().and_then(|line| line.split(' ').nth(2)).expect("a signature");
    fs::write(bag.join("../head.b64"), encoded).expect("written");
    let script = "base64 -d head.b64 | tail -c 64 > head.sig && openssl pkeyutl -verify -pubin \
                  -inkey evidence/data/keys/log.pem -rawin -in head.txt -sigfile head.sig";
    let said = done(Command::new("sh").args(["-c", script]).current_dir(bag.parent().expect("a folder")));
    assert!(said.contains("Verified Successfully"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_tools_find_the_bundle_sound() {
    let house = house().await;
    let (file, told) = house.export(&["nhc-harvey-2017", "fire", "rumour"], "public");
    let (code, said) = house.verify(&file);
    assert_eq!(code, Some(0), "{said}");
    let bag = unpacked(&file);
    for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        done(Command::new("sha256sum").args(["--check", "--strict", "--quiet", manifest]).current_dir(&bag));
    }
    done(Command::new("python3").arg(bag.join("data/verify.py")).args(["--key", &house.key]));
    done(Command::new("python3").arg(bag.join("data/verify.py")).arg(&file));
    if is_there("openssl") {
        check_openssl(&bag);
    } else {
        eprintln!("NOT RUN: openssl has judged no bundle, because it is not here");
    }
    if is_there("git") {
        for story in told["stories"].as_array().expect("stories") {
            let story = story.as_str().expect("an id");
            check_git(&bag, story, &house.folder.path().join(story));
        }
    } else {
        eprintln!("NOT RUN: git has read no history, because it is not here");
    }
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let has = Command::new(&python).args(["-c", "import bagit"]).stderr(Stdio::null()).status();
    if has.is_ok_and(|status| status.success()) {
        let script = "import bagit, sys; bagit.Bag(sys.argv[1]).validate()";
        done(Command::new(&python).args(["-c", script]).arg(&bag));
    } else {
        eprintln!("NOT RUN: bagit has judged no bundle, because {} has none", python.display());
    }
    let metadata = fs::read(bag.join("data/ro-crate-metadata.json")).expect("read");
    let metadata: Value = serde_json::from_slice(&metadata).expect("JSON");
    let parts = metadata["@graph"][1]["hasPart"].as_array().expect("parts");
    for part in parts {
        let file = bag.join("data").join(part["@id"].as_str().expect("a path"));
        assert!(file.is_file(), "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_redactions_bundles_hold_what_their_level_may_and_verify() {
    let house = house().await;
    for (level, hidden, draft, killed) in
        [("public", false, false, false), ("redacted", false, true, true), ("full", true, true, true)]
    {
        let (file, told) = house.export(&["fire", "rumour"], level);
        assert!(!holds(&file, CANARY), "{level}: the canary was erased");
        assert_eq!(holds(&file, "A neighbour saw smoke."), hidden, "{level}: withdrawn words");
        assert_eq!(holds(&file, "Unconfirmed"), draft, "{level}: a draft");
        assert_eq!(holds(&file, "A bank is closing."), killed, "{level}: a killed story");
        assert!(holds(&file, "The fire is out."), "{level}");
        let (code, said) = house.verify(&file);
        assert_eq!(code, Some(0), "{level}: {said}");
        let bag = unpacked(&file);
        done(Command::new("python3").arg(bag.join("data/verify.py")).args(["--key", &house.key]));
        assert!(told["export"].is_u64(), "{told}");
    }
    // The same log makes the same bytes.
    let (first, _) = house.export(&["rumour", "fire"], "public");
    assert_eq!(
        fs::read(first).expect("read"),
        fs::read(house.folder.path().join("fire-rumour-public.zip")).expect("read")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_in_a_bundle_is_named_and_ends_with_4() {
    let house = house().await;
    let (file, _) = house.export(&["fire"], "public");
    let bytes = fs::read(&file).expect("read");
    let spoiled = house.folder.path().join("spoiled.zip");
    let at = |words: &str| {
        bytes.windows(words.len()).position(|window| window == words.as_bytes()).expect("there")
    };
    let places = [
        (0, "byte 0 of the archive"),
        (at("Two are hurt."), "stories/"),
        (at("noscript"), "replay.html, byte "),
        (at("Bagging-Date"), "bag-info.txt, byte 0"),
        (at("PK\x01\x02"), "of the archive"),
        (bytes.len() - 1, "of the archive"),
    ];
    for (place, named) in places {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        fs::write(&spoiled, &changed).expect("written");
        let (code, said) = house.verify(&spoiled);
        assert_eq!(code, Some(4), "byte {place}: {said}");
        assert!(said.contains(named), "byte {place}: {said}");
    }
    let other = house.key.replace(|digit: char| digit.is_ascii_digit(), "1");
    let (code, said) =
        said(&mut writethru(&house.data(), &["verify", file.to_str().expect("UTF-8"), "--key", &other]));
    assert!(matches!(code, Some(2 | 4)), "{said}");
    let bag = unpacked(&file);
    let disclosures =
        fs::read_dir(bag.join("data/stories")).expect("stories").next().expect("one").expect("one").path();
    for name in ["disclosures.jsonl", "revisions.jsonl", "receipts/2.tlog-proof"] {
        let path = disclosures.join(name);
        let right = fs::read(&path).expect("read");
        let mut changed = right.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(&path, &changed).expect("written");
        let (code, said) = self::said(Command::new("python3").arg(bag.join("data/verify.py")));
        assert!(code == Some(4) && said.contains(name), "{name}: {said}");
        fs::write(&path, &right).expect("written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_goes_over_nothing_and_says_what_is_missing() {
    let house = house().await;
    let (file, _) = house.export(&["fire"], "public");
    let export = |story: &str, to: &Path| {
        let to = to.to_str().expect("UTF-8");
        said(&mut writethru(&house.data(), &["audit", "export", story, "--level", "full", "--to", to]))
    };
    let (code, said) = export("fire", &file);
    assert!(code == Some(1) && said.contains("is there already"), "{said}");
    let new = house.folder.path().join("new.zip");
    let (code, said) = export("nobody", &new);
    assert!(code == Some(1) && said.contains("there is no story nobody"), "{said}");
    let (code, said) = export("01930000-0000-7000-8000-000000000000", &new);
    assert!(code == Some(1) && said.contains("has no record"), "{said}");
    assert!(!new.exists());
    // Beside a service the registry is the service's, which records it and tells who audits.
    let service = Service::start_with(&house.data(), &["--no-nats"], Stdio::null());
    let (code, said) = export("fire", &new);
    assert!(code == Some(0) && new.is_file(), "{said}");
    let listed = json_lines(&service.run(&["audit", "exports", "--json"]));
    service.stop();
    let told: Vec<_> = listed.iter().map(|one| (one["export"].as_u64(), one["level"].as_str())).collect();
    assert_eq!(told, [(Some(2), Some("full")), (Some(1), Some("public"))], "{listed:?}");
    assert_eq!(listed[0]["bytes"].as_u64(), fs::metadata(&new).ok().map(|file| file.len()));
    let unsigned = house.folder.path().join("unsigned");
    let (code, said) = self::said(&mut writethru(
        &unsigned,
        &[
            "audit",
            "export",
            "fire",
            "--level",
            "public",
            "--to",
            house.folder.path().join("x.zip").to_str().expect("UTF-8"),
        ],
    ));
    assert!(code == Some(66), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_replays_the_story_without_any_network() {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let Some(chromium) = names.into_iter().find(|name| is_there(name)) else {
        eprintln!("NOT RUN: no browser has replayed a story, because none is here");
        return;
    };
    let house = house().await;
    let (file, told) = house.export(&["fire"], "public");
    let bag = unpacked(&file);
    let page = bag.join("data/stories").join(told["stories"][0].as_str().expect("an id")).join("replay.html");
    let source = fs::read_to_string(&page).expect("read");
    assert!(!source.contains("http://") && !source.contains("https://"), "it names no address");
    let profile = house.folder.path().join("profile");
    let dom = done(
        Command::new(chromium)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(format!("file://{}#2", page.display())),
    );
    assert!(dom.contains("<del>One is</del>") || dom.contains("<del>One</del>"), "{dom}");
    assert!(dom.contains("<ins>Two"), "{dom}");
    assert!(dom.contains("Revision 2 of"), "{dom}");
}
