//! A kill reaches who was away, is acknowledged, and leaves no voided word at any public door.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use client::{Replica, Update};
use futures::StreamExt;
use serde_json::{Value, json};
use story::{Kind, Revision, Status, StoryId};
use wire::Recall;
use writethru_tests::api::Api;
use writethru_tests::nats::NatsServer;
use writethru_tests::{PATIENCE, Service, answer, writethru};

use crate::stranger::Stranger;

const HERE: &str = "desk-b";
const AWAY: &str = "wire-7";
/// In the words of every revision, and nowhere else.
const CANARY: &str = "cinnabar";

/// A subscriber's line: its name, the newest voided revision that it got, and whether it acknowledged.
type Line = (String, Option<u64>, bool);

/// A service at an operator's NATS server, with two subscribers that have names.
struct Agency {
    nats: NatsServer,
    service: Service,
    owner: Api,
    /// What `nats config` said that it has written.
    written: Value,
    folder: tempfile::TempDir,
}

impl Agency {
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temp dir");
        let out = folder.path().join("nats");
        let mut config = writethru(folder.path(), &["nats", "config", "--json"]);
        config.arg("--out").arg(&out).args(["--subscriber", HERE, "--subscriber", AWAY]);
        let written: Value = serde_json::from_str(&answer(config)).expect("JSON");
        let nats = NatsServer::start(Path::new(written["config"].as_str().expect("a path")));
        let service = Self::serve(folder.path(), &nats, &written);
        let owner = Api::public(&service.http).with(Some(&service.owner_key()));
        Self { nats, service, owner, written, folder }
    }

    fn serve(folder: &Path, nats: &NatsServer, written: &Value) -> Service {
        let seed = written["service"].as_str().expect("a path");
        let options = ["--nats", &nats.url(), "--nats-seed", seed];
        Service::start_with(&folder.join("data"), &options, Stdio::null())
    }

    /// Kills NATS and the service, and starts both again.
    fn restarted(mut self) -> Self {
        self.service.kill();
        let nats = self.nats.restarted();
        let service = Self::serve(self.folder.path(), &nats, &self.written);
        let owner = Api::public(&service.http).with(Some(&service.owner_key()));
        Self { nats, service, owner, ..self }
    }

    async fn subscriber(&self, name: &str) -> Replica {
        let seed = self.written["subscribers"][name].as_str().expect("a path");
        let builder = Replica::builder(&self.nats.url())
            .subscriber(name.parse().expect("a name"))
            .seed(seed)
            .inbox_prefix(&format!("_INBOX_{name}"));
        let replica = builder.connect().await.expect("connected");
        tokio::time::timeout(PATIENCE, replica.live()).await.expect("in time").expect("it follows");
        replica
    }

    async fn push(&self, words: &str, query: &str) -> (StoryId, Revision) {
        let copy = json!({"headline": format!("{CANARY} {words}"), "blocks": [{"text": format!("A {CANARY} mine {words}.")}]});
        let path = format!("/v1/stories?slug=mine&desk=world{query}");
        let pushed = self.owner.post(&path, &copy).await.done();
        let revision = Revision(pushed["revision"].as_u64().expect("a number"));
        (pushed["story"].as_str().expect("an id").parse().expect("an id"), revision)
    }

    /// Returns what `recall status` says of the newest recall: its kind and what it voids, then who got
    /// what, and who has acknowledged.
    fn status(&self) -> (String, Vec<u64>, Vec<Line>) {
        let status: Value =
            serde_json::from_str(&self.service.run(&["recall", "status", "mine", "--json"])).expect("JSON");
        let recall = &status["recalls"][0];
        let voids = recall["voids"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        let subscribers = recall["subscribers"].as_array().into_iter().flatten().map(|line| {
            let name = line["subscriber"].as_str().expect("a name").to_owned();
            (name, line["got"].as_u64(), line["acknowledged"].is_string())
        });
        let subscribers: Vec<_> = subscribers.collect();
        let count = |wanted: fn(&&Line) -> bool| subscribers.iter().filter(wanted).count() as u64;
        if recall.is_object() {
            assert_eq!(recall["got"], count(|one| one.1.is_some()), "{status}");
            assert_eq!(recall["acknowledged"], count(|one| one.1.is_some() && one.2), "{status}");
        }
        (recall["kind"].as_str().unwrap_or_default().to_owned(), voids, subscribers)
    }

    /// Returns once `recall status` says `wanted` of its subscribers. Receipts come when they come: it is
    /// asked again until then.
    async fn until_status(&self, kind: &str, voids: &[u64], wanted: &[(&str, Option<u64>, bool)]) {
        let wanted: Vec<_> =
            wanted.iter().map(|(name, got, acked)| ((*name).to_owned(), *got, *acked)).collect();
        let wanted = (kind.to_owned(), voids.to_vec(), wanted);
        let mut last = self.status();
        let asking = async {
            while last != wanted {
                tokio::task::yield_now().await;
                last = self.status();
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(30), asking).await;
        assert!(in_time.is_ok(), "recall status is {last:?}, and not {wanted:?}");
    }
}

async fn reaches(replica: &Replica, (story, revision): (StoryId, Revision)) {
    let waiting = replica.wait_until(story, revision);
    tokio::time::timeout(PATIENCE, waiting).await.expect("in time").expect("open");
}

/// Returns the next recall of `kind` that the replica's owner is told of.
async fn told(replica: &mut Replica, kind: Kind) -> Recall {
    let waiting = async {
        loop {
            match replica.next().await.expect("open") {
                Update::Recalled { recall } if recall.kind == kind => return (*recall).clone(),
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it is told in time")
}

const CORRECTION: &str =
    "&kind=correction&what=The%20ore.&where=headline&note=It%20was%20another%20ore.&approver=chief";

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_reaches_who_was_away_and_leaves_no_word_behind() {
    let agency = Agency::open();
    let (mut here, away) = (agency.subscriber(HERE).await, agency.subscriber(AWAY).await);
    agency.push("opens", "").await;
    let second = agency.push("opens again", "").await;
    for replica in [&here, &away] {
        reaches(replica, second).await;
    }
    let corrected = agency.push("closes", CORRECTION).await;
    told(&mut here, Kind::Correction).await;
    reaches(&away, corrected).await;
    agency.until_status("correction", &[1, 2], &[(HERE, Some(2), true), (AWAY, Some(2), true)]).await;

    let story = corrected.0;
    let last = agency.push("is flooded", "").await;
    for replica in [&here, &away] {
        reaches(replica, last).await;
    }
    // Gone at once, with the last revision in hand.
    away.close().await;
    let killed = agency.service.run(&["kill", "mine", "--reason", "It was forged.", "--json"]);
    let killed: Value = serde_json::from_str(&killed).expect("JSON");
    assert_eq!((&killed["status"], &killed["voids"]), (&json!("killed"), &json!([3, 4])));
    let recall = told(&mut here, Kind::Kill).await;
    assert_eq!((recall.voids.as_slice(), recall.status), (&[Revision(3), Revision(4)][..], Status::Killed));
    agency.until_status("kill", &[3, 4], &[(HERE, Some(4), true), (AWAY, Some(4), false)]).await;
    here.close().await;

    let agency = agency.restarted();
    let mut away = agency.subscriber(AWAY).await;
    let recall = told(&mut away, Kind::Kill).await;
    assert_eq!((recall.voids.as_slice(), recall.revision), (&[Revision(3), Revision(4)][..], Revision(5)));
    let left = away.current(story).expect("a tombstone");
    assert_eq!((left.status, left.headline.as_str(), left.blocks.len()), (Status::Killed, "", 0));
    agency.until_status("kill", &[3, 4], &[(HERE, Some(4), true), (AWAY, Some(4), true)]).await;
    away.close().await;

    assert_no_word(&agency, story).await;
    agency.service.stop();
}

/// Asserts that nobody without a key finds a word of `story` any more, whatever they ask for.
async fn assert_no_word(agency: &Agency, story: StoryId) {
    let mut stranger = Stranger::arrive(&agency.service).await;
    let mut seen = stranger.look().await;
    assert!(seen.values().any(|shown| shown.contains("killed")), "the kill itself is public");
    for name in ["mine", &story.to_string()] {
        seen.extend(stranger.ask_about(name).await);
        for revision in 1..=5 {
            for rest in ["", "&format=text", "&format=ninjs", "&format=newsml-g2", "&format=jsonld"] {
                let path = format!("/v1/stories/{name}?as_of=rev:{revision}{rest}");
                seen.insert(path.clone(), stranger.keyed(None).get(&path).await.text());
            }
            for (from, to) in [(0, revision), (revision, 5), (revision, revision + 1)] {
                let path = format!("/v1/stories/{name}/diff?from={from}&to={to}");
                seen.insert(path.clone(), stranger.keyed(None).get(&path).await.text());
            }
        }
    }
    for (door, shown) in &seen {
        assert!(!shown.to_lowercase().contains(CANARY), "{door} still shows it: {shown}");
    }
    // Who may read the desk's side still can: nothing was destroyed.
    let path = "/v1/stories/mine?view=desk&as_of=rev:4";
    assert!(agency.owner.get(path).await.text().contains(CANARY), "the desk keeps what it needs");
}
