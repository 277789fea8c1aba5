//! The notary over a real event log: what it serves, what it proves, and when it signs nothing.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail as the tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;
use bytes::Bytes;
use log::{Batch, Command, Epoch, EventLog, NewRecord, Position, StoryKey};
use proof::checkpoint::{Checkpoint, SignedCheckpoint};
use proof::entry::Entry;
use proof::note::{Algorithm, SignerKey, VerifierKey};
use proof::policy::Policy;
use proof::receipt::Receipt;
use proof::witness::AddCheckpoint;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use writethru_notary::{Notary, Options, Reader, State, Status, WitnessAt, check_files};

const PATIENCE: Duration = Duration::from_secs(20);

/// A log and its notary in a folder.
struct House {
    log: EventLog,
    reader: Reader,
    options: Options,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
    folder: TempDir,
}

impl House {
    async fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap(), Vec::new()).await
    }

    async fn on(folder: TempDir, witnesses: Vec<WitnessAt>) -> Self {
        let log_options = log::Options { new_epoch: Epoch(7), create: true, read_only: false };
        let log = EventLog::open(&folder.path().join("log.db"), log_options).await.unwrap();
        let options = options(folder.path(), witnesses);
        let notary = Notary::new(log.clone(), options.clone()).unwrap();
        let (reader, shutdown) = (notary.reader(), CancellationToken::new());
        let running = tokio::spawn(notary.run(shutdown.clone()));
        Self { log, reader, options, shutdown, running, folder }
    }

    async fn append(&self, count: u64) {
        for _ in 0..count {
            let number = self.log.head().0;
            let mut story = [0; 16];
            story[..8].copy_from_slice(&number.to_be_bytes());
            let envelope = envelope(number);
            let record = NewRecord { envelope, disclosures: Bytes::from_static(b"words") };
            let command = Command(Bytes::from(format!("c{number}")));
            self.log.append(StoryKey(story), 0, Batch { command, records: vec![record] }).await.unwrap();
        }
    }

    async fn until(&self, holds: impl FnMut(&Status) -> bool) -> Status {
        let mut status = self.reader.follow();
        let status = tokio::time::timeout(PATIENCE, status.wait_for(holds)).await;
        status.expect("in time").expect("the notary runs").clone()
    }

    async fn signed(&self, size: u64) -> Status {
        self.until(|status| status.size() == size).await
    }

    async fn parked(&self) -> String {
        let status = self.until(|status| matches!(status.state, State::Parked(_))).await;
        let State::Parked(parked) = status.state else { unreachable!("it is parked") };
        parked.to_string()
    }

    async fn stop(self) -> TempDir {
        self.shutdown.cancel();
        self.running.await.unwrap();
        self.log.close().await;
        self.folder
    }
}

fn options(folder: &Path, witnesses: Vec<WitnessAt>) -> Options {
    Options {
        tiles: folder.join("tlog"),
        heads: folder.join("notary.db"),
        key: folder.join("notary.key"),
        name: "news.example".to_owned(),
        witnesses,
    }
}

fn envelope(number: u64) -> Bytes {
    Bytes::from(format!(r#"{{"id":"{number}","filler":"{}"}}"#, "x".repeat((number % 40) as usize)))
}

fn log_key(folder: &Path) -> VerifierKey {
    let text = fs::read_to_string(folder.join("notary.key")).unwrap();
    SignerKey::from_secret_text(text.trim_end()).unwrap().verifier().clone()
}

/// Returns every file below `folder` with its bytes, but those named `checkpoint`.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with("checkpoint") {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[tokio::test]
async fn every_record_gets_a_receipt_that_proves_it() {
    let house = House::new().await;
    house.append(300).await;
    house.signed(300).await;
    let policy = Policy::new(log_key(house.folder.path()), Vec::new(), 0).unwrap();
    for position in [1, 2, 255, 256, 257, 300] {
        let text = house.reader.receipt(Position(position), PATIENCE).await.unwrap();
        let receipt = Receipt::parse(text.as_bytes()).unwrap();
        assert_eq!(receipt.index(), position - 1);
        let own = Entry::of_envelope(&envelope(position - 1)).unwrap().hash();
        receipt.verify(&own, &policy).unwrap();
        let other = Entry::of_envelope(&envelope(position)).unwrap().hash();
        receipt.verify(&other, &policy).unwrap_err();
    }
    let audited = check_files(&house.options, &house.log).await.unwrap().unwrap();
    assert_eq!((audited.size, audited.origin.as_str()), (300, "news.example/log/7"));
    house.stop().await;
}

#[tokio::test]
async fn narrower_files_are_served_as_long_as_the_log_is() {
    let house = House::new().await;
    house.append(5).await;
    house.signed(5).await;
    let five = house.reader.file("tile/0/000.p/5").await.unwrap().unwrap();
    let entries = house.reader.file("tile/entries/000.p/2").await.unwrap().unwrap();
    assert!(house.reader.file("tile/0/000.p/6").await.unwrap().is_none());
    assert!(house.reader.file("tile/0/000").await.unwrap().is_none());
    assert!(house.reader.file("tile/0/../checkpoint").await.unwrap().is_none());
    house.append(300).await;
    house.signed(305).await;
    assert_eq!(house.reader.file("tile/0/000.p/5").await.unwrap().unwrap(), five);
    assert_eq!(house.reader.file("tile/entries/000.p/2").await.unwrap().unwrap(), entries);
    assert_eq!(house.reader.file("tile/0/000").await.unwrap().unwrap().bytes.len(), 8192);
    house.stop().await;
}

#[tokio::test]
async fn deleted_files_are_made_again_byte_for_byte() {
    let house = House::new().await;
    house.append(520).await;
    let before = house.signed(520).await;
    let folder = house.stop().await;
    let tlog = folder.path().join("tlog");
    let kept = files(&tlog);
    fs::remove_dir_all(&tlog).unwrap();
    let house = House::on(folder, Vec::new()).await;
    let after = house.signed(520).await;
    assert_eq!(after.checkpoint(), before.checkpoint());
    assert_eq!(files(&house.options.tiles), kept);
    // And it goes on from there.
    house.append(1).await;
    house.signed(521).await;
    check_files(&house.options, &house.log).await.unwrap();
    house.stop().await;
}

#[tokio::test]
async fn an_older_copy_of_the_log_is_not_signed() {
    let house = House::new().await;
    house.append(10).await;
    house.signed(10).await;
    let folder = house.stop().await;
    let (log, copy) = (folder.path().join("log.db"), folder.path().join("copy.db"));
    fs::copy(&log, &copy).unwrap();
    let house = House::on(folder, Vec::new()).await;
    house.append(10).await;
    let signed = house.signed(20).await;
    let folder = house.stop().await;
    for file in fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("log.db") {
            fs::remove_file(path).unwrap();
        }
    }
    fs::rename(&copy, &log).unwrap();
    let house = House::on(folder, Vec::new()).await;
    let why = house.parked().await;
    assert!(why.contains("signed") && why.contains("restore-backup"), "{why}");
    // Also once it is as long again, with other records.
    house
        .log
        .append(
            StoryKey([9; 16]),
            0,
            Batch {
                command: Command(Bytes::from_static(b"other")),
                records: vec![
                    NewRecord {
                        envelope: Bytes::from_static(b"{\"other\":1}"),
                        disclosures: Bytes::new()
                    };
                    11
                ],
            },
        )
        .await
        .unwrap();
    let folder = house.stop().await;
    let house = House::on(folder, Vec::new()).await;
    let why = house.parked().await;
    assert!(why.contains("position 20"), "{why}");
    assert!(check_files(&house.options, &house.log).await.unwrap_err().contains("position 11"));
    let kept = fs::read_to_string(house.options.tiles.join("checkpoint")).unwrap();
    assert_eq!(Some(kept.as_str()), signed.checkpoint());
    house.stop().await;
}

#[tokio::test]
async fn nothing_is_signed_without_what_was_signed_with() {
    let house = House::new().await;
    house.append(3).await;
    house.signed(3).await;
    let folder = house.stop().await;
    let path = |name: &str| folder.path().join(name);
    fs::rename(path("notary.key"), path("kept")).unwrap();
    let house = House::on(folder, Vec::new()).await;
    assert!(house.parked().await.contains("key"), "the key is gone");
    let folder = house.stop().await;
    let path = |name: &str| folder.path().join(name);
    assert!(!path("notary.key").exists(), "no other key is made");
    fs::rename(path("kept"), path("notary.key")).unwrap();
    for name in ["notary.db", "notary.db-wal", "notary.db-shm"] {
        let _ = fs::remove_file(path(name));
    }
    let house = House::on(folder, Vec::new()).await;
    assert!(house.parked().await.contains("notary.db"), "what was signed is not known");
    house.stop().await;
}

#[tokio::test]
async fn files_that_are_not_those_of_the_head_are_not_signed() {
    let house = House::new().await;
    house.append(9).await;
    house.signed(9).await;
    let folder = house.stop().await;
    let tile = folder.path().join("tlog/tile/0/000.p/9");
    let mut bytes = fs::read(&tile).unwrap();
    bytes[40] ^= 1;
    fs::write(&tile, bytes).unwrap();
    let house = House::on(folder, Vec::new()).await;
    assert!(house.parked().await.contains("not below the signed head"));
    let found = check_files(&house.options, &house.log).await.unwrap_err();
    assert!(found.contains("root"), "{found}");
    house.stop().await;
}

#[tokio::test]
async fn a_write_that_failed_is_made_up_for_from_the_files() {
    let house = House::new().await;
    house.append(3).await;
    house.signed(3).await;
    // A file where a folder has to be: writing fails until it is gone.
    let tile = house.options.tiles.join("tile");
    let aside = house.options.tiles.join("aside");
    fs::rename(&tile, &aside).unwrap();
    fs::write(&tile, "in the way").unwrap();
    house.append(2).await;
    house.until(|status| matches!(status.state, State::Retrying(_) | State::Parked(_))).await;
    assert_eq!(house.reader.status().size(), 3);
    let folder = house.stop().await;
    fs::remove_file(&tile).unwrap();
    fs::rename(&aside, &tile).unwrap();
    let house = House::on(folder, Vec::new()).await;
    house.signed(5).await;
    check_files(&house.options, &house.log).await.unwrap();
    house.stop().await;
}

/// A witness as the protocol has it, over HTTP.
struct Peer {
    at: WitnessAt,
    last: Arc<Mutex<Option<Checkpoint>>>,
    serving: JoinHandle<()>,
}

#[derive(Clone)]
struct Desk {
    key: SignerKey,
    log: VerifierKey,
    last: Arc<Mutex<Option<Checkpoint>>>,
}

async fn cosign(Shared(desk): Shared<Desk>, body: Bytes) -> axum::response::Response {
    let Ok(asked) = AddCheckpoint::parse(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let mut last = desk.last.lock().unwrap();
    match asked.judge(std::slice::from_ref(&desk.log), last.as_ref()) {
        Ok(()) => {
            *last = Some(asked.checkpoint().checkpoint().clone());
            desk.key.sign(asked.checkpoint().note().text(), 1_700_000_000).to_line().into_response()
        }
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap();
            let known = last.as_ref().map_or(0, Checkpoint::size);
            (status, format!("{known}\n")).into_response()
        }
    }
}

impl Peer {
    async fn start(log: VerifierKey) -> Self {
        let key =
            SignerKey::from_seed("w.example/1".parse().unwrap(), Algorithm::Cosignature, &[5; 32]).unwrap();
        let last = Arc::default();
        let desk = Desk { key: key.clone(), log, last: Arc::clone(&last) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/w", listener.local_addr().unwrap());
        let app = Router::new().route("/w/add-checkpoint", post(cosign)).with_state(desk);
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { at: WitnessAt { name: "one".to_owned(), key: key.verifier().clone(), url }, last, serving }
    }
}

#[tokio::test]
async fn a_witness_cosigns_and_a_dead_one_delays_nothing() {
    let house = House::new().await;
    house.append(4).await;
    house.signed(4).await;
    let folder = house.stop().await;
    let log = log_key(folder.path());
    let peer = Peer::start(log.clone()).await;
    let dead =
        SignerKey::from_seed("w.example/2".parse().unwrap(), Algorithm::Cosignature, &[6; 32]).unwrap();
    let dead = WitnessAt {
        name: "dead".to_owned(),
        key: dead.verifier().clone(),
        url: "http://127.0.0.1:9".to_owned(),
    };
    let house = House::on(folder, vec![dead, peer.at.clone()]).await;
    house.until(|status| status.cosigned_size() == 4).await;
    house.append(1).await;
    house.signed(5).await;
    house.until(|status| status.cosigned_size() == 5).await;
    let served = SignedCheckpoint::parse(house.reader.status().checkpoint().unwrap().as_bytes()).unwrap();
    let policy = Policy::new(log, vec![peer.at.key.clone()], 1).unwrap();
    policy.verify(&served).unwrap();
    let receipt = house.reader.receipt(Position(2), PATIENCE).await.unwrap();
    let receipt = Receipt::parse(receipt.as_bytes()).unwrap();
    receipt.verify(&Entry::of_envelope(&envelope(1)).unwrap().hash(), &policy).unwrap();
    // A cosignature outlives a restart.
    let folder = house.stop().await;
    let house = House::on(folder, Vec::new()).await;
    house.signed(5).await;
    let served = SignedCheckpoint::parse(house.reader.status().checkpoint().unwrap().as_bytes()).unwrap();
    policy.verify(&served).unwrap();
    house.stop().await;
    peer.serving.abort();
}

#[tokio::test]
async fn a_witness_that_saw_more_than_we_have_stops_the_signing() {
    let house = House::new().await;
    house.append(4).await;
    house.signed(4).await;
    let folder = house.stop().await;
    let log = log_key(folder.path());
    let peer = Peer::start(log.clone()).await;
    let more = Checkpoint::new(log.name().as_str(), 1000, proof::Hash([1; 32])).unwrap();
    *peer.last.lock().unwrap() = Some(more);
    let house = House::on(folder, vec![peer.at.clone()]).await;
    let why = house.parked().await;
    assert!(why.contains("1000"), "{why}");
    house.append(1).await;
    assert_eq!(house.reader.status().size(), 4);
    house.stop().await;
    peer.serving.abort();
}
