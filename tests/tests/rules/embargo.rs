//! What is under an embargo leaves by no door before its time, and by every door at its time, once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use client::Replica;
use jiff::Timestamp;
use serde_json::{Value, json};
use story::{Revision, StoryId};
use tempfile::TempDir;
use writethru_tests::api::Api;
use writethru_tests::people::People;
use writethru_tests::{Orphans, PATIENCE, Service, writethru};

use crate::stranger::{Heard, Seen, Stranger, ask_api};

/// Words that are in the copy alone: headline, body, summary, note for editors, note with the push.
const CANARIES: [&str; 5] = ["xylographer", "zugzwang", "quokkapox", "floccinauci", "brachylogy"];
/// What is in every secret slug alone.
const SLUG_CANARY: &str = "ouroboros";
const NEVER: &str = "2099-01-01T00:00:00Z";
/// How long an end lies ahead that is moved before it comes.
const AHEAD: Duration = Duration::from_secs(4);

fn secret_copy() -> Value {
    json!({
        "headline": "Xylographer to lead central bank",
        "summary": "Quokkapox delays the vote",
        "ed_note": "Floccinauci: hold for the minister",
        "blocks": [{"text": "The zugzwang ends at noon."}, {"text": "Nothing else is known."}],
    })
}

/// A service with its log in a file, and a public story, so that every door has something to show.
struct Room {
    service: Service,
    owner: Api,
    stranger: Stranger,
    log: PathBuf,
    _folder: TempDir,
}

impl Room {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temp dir");
        let log = folder.path().join("service.log");
        let service = Service::start_logging(&folder.path().join("data"), &log);
        let owner = Api::public(&service.http).with(Some(&service.owner_key()));
        let decoy = json!({"headline": "Decoy", "blocks": [{"text": "Decoy words."}]});
        let filed = owner.post("/v1/stories?slug=decoy&desk=world", &decoy).await.done();
        let decoy = filed["story"].as_str().expect("an id").parse().expect("an id");
        let replica = Replica::builder(&service.nats).connect().await.expect("connected");
        arrived(&replica, decoy, 1).await;
        replica.close().await;
        let stranger = Stranger::arrive(&service).await;
        Self { service, owner, stranger, log, _folder: folder }
    }

    /// Files the secret under `slug`, to go out as `release` says; returns its id.
    async fn file(&self, slug: &str, release: &str) -> String {
        let path = format!("/v1/stories?slug={slug}&desk=world&note=Brachylogy&{release}");
        let filed = self.owner.post(&path, &secret_copy()).await.done();
        filed["story"].as_str().expect("an id").to_owned()
    }

    async fn act(&self, slug: &str, act: &str, body: Value) {
        self.owner.act(slug, act, &body).await.done();
    }

    /// Asserts that nothing of the stories `names` (slugs and ids) can be found: the doors show what they
    /// showed `before`, and of those names what they say of names that were never given.
    async fn assert_secret(&mut self, before: &Seen, names: &[String]) {
        let now = self.stranger.look().await;
        for (door, shown) in &now {
            assert_free(door, shown, names);
            if !door.starts_with('~') {
                assert_eq!(Some(shown), before.get(door), "{door} has changed");
            }
        }
        assert_eq!(now.len(), before.len(), "there are more messages in a stream");
        for name in names {
            let (told, untold) =
                (self.stranger.ask_about(name).await, self.stranger.ask_about(&never_given(name)).await);
            assert_same(name, &told, &untold);
        }
        for heard in self.stranger.heard() {
            let door = format!("{} of {}", heard.subject, heard.by);
            // Those who ask without a key share an inbox: what was asked there is repeated there.
            let names = if heard.by == "_INBOX.>" { &[] } else { names };
            assert_free(&door, &heard.payload, names);
            assert_free(&door, &heard.subject, names);
        }
        for file in [self.log.clone(), self.service.data.join("run.json")] {
            let text = std::fs::read_to_string(&file).expect("it is there");
            assert_free(&file.display().to_string(), &text, names);
        }
    }
}

/// Returns a name of the same length that no story has.
fn never_given(name: &str) -> String {
    if name.parse::<StoryId>().is_ok() {
        let mut other = name.to_owned();
        let last = other.pop().expect("an id has characters");
        other.push(if last == '0' { '1' } else { '0' });
        return other;
    }
    name.replace(SLUG_CANARY, "hippogrif")
}

#[track_caller]
fn assert_free(door: &str, shown: &str, names: &[String]) {
    let shown = shown.to_lowercase();
    for word in CANARIES.iter().copied().chain(names.iter().map(String::as_str)) {
        assert!(!shown.contains(word), "{door} gives away {word}: {shown}");
    }
}

#[track_caller]
fn assert_same(name: &str, told: &Seen, untold: &Seen) {
    assert_eq!(told.len(), untold.len());
    for (door, told) in told {
        assert_eq!(Some(told), untold.get(door), "{door} tells that there is a story {name}");
    }
}

fn from_now(ahead: Duration) -> Timestamp {
    Timestamp::from_microsecond((Timestamp::now() + ahead).as_microsecond()).expect("a time")
}

async fn arrived(replica: &Replica, story: StoryId, revision: u64) {
    let waiting = replica.wait_until(story, Revision(revision));
    tokio::time::timeout(PATIENCE, waiting).await.expect("in time").expect("open");
}

/// Returns when each door first showed the story, asking as fast as it answers.
async fn first_seen(api: &Api, service: &Service, story: &str) -> BTreeMap<&'static str, Timestamp> {
    let show = async {
        while api.get(&format!("/v1/stories/{story}")).await.status != 200 {}
        Timestamp::now()
    };
    let page = async {
        while api.get(&format!("/stories/{story}")).await.status != 200 {}
        Timestamp::now()
    };
    let feed = async {
        while !api.get("/feed.atom").await.text().contains(story) {}
        Timestamp::now()
    };
    let changes = async {
        let mut page = api.get("/v1/changes").await;
        while !page.text().contains(story) {
            page = api.get(&format!("/v1/changes?wait=60&after={}", page.header("writethru-cursor"))).await;
        }
        Timestamp::now()
    };
    let by_nats = async {
        let client = async_nats::connect(&service.nats).await.expect("connected");
        let body = json!({"query": {"story": story}}).to_string();
        loop {
            let asked = client.request("wt.v1.desk.show", body.clone().into()).await.expect("an answer");
            if asked.headers.as_ref().is_none_or(|headers| headers.get("Nats-Service-Error").is_none()) {
                return Timestamp::now();
            }
        }
    };
    let replica = async {
        let replica = Replica::builder(&service.nats).everything().connect().await.expect("connected");
        arrived(&replica, story.parse().expect("an id"), 1).await;
        let at = Timestamp::now();
        replica.close().await;
        at
    };
    let seen = async { tokio::join!(show, page, feed, changes, by_nats, replica) };
    let (show, page, feed, changes, by_nats, replica) =
        Box::pin(tokio::time::timeout(PATIENCE, seen)).await.expect("it goes out at every door");
    BTreeMap::from([
        ("show", show),
        ("page", page),
        ("feed", feed),
        ("changes", changes),
        ("nats", by_nats),
        ("replica", replica),
    ])
}

/// Returns the changes of `story` that a subscriber heard.
fn changes_heard(heard: &[Heard], story: &str) -> Vec<(Timestamp, Value)> {
    let of_story = |heard: &&Heard| heard.by == "wt.v1.change.>" && heard.subject.ends_with(story);
    let change = |heard: &Heard| (heard.at, serde_json::from_str(&heard.payload).expect("a CloudEvent"));
    heard.iter().filter(of_story).map(change).collect()
}

fn time(value: &Value) -> Timestamp {
    value.as_str().expect("a time").parse().expect("a time")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embargo_is_kept_by_every_door_until_its_end_and_not_after() {
    let mut room = Room::open().await;
    let nothing = room.stranger.look().await;
    assert!(nothing.values().any(|shown| shown.contains("Decoy words")), "the doors show what is public");
    let mut names = Vec::new();
    let slug = |name: &str| format!("{name}-{SLUG_CANARY}");
    for (name, release) in [
        ("ends", "embargo_until"),
        ("due", "publish_at"),
        ("later", "embargo_until"),
        ("killed", "embargo_until"),
        ("held", "embargo_until"),
        ("lifted", "embargo_until"),
    ] {
        let id = room.file(&slug(name), &format!("{release}={NEVER}")).await;
        names.extend([slug(name), id]);
    }
    room.assert_secret(&nothing, &names).await;
    assert_no_stranger_learns(&room, &names).await;

    // Three that were to go out before the others do not.
    let early = from_now(AHEAD);
    for name in ["later", "killed", "held"] {
        room.act(&slug(name), "embargo", json!({"at": early})).await;
    }
    room.act(&slug("later"), "embargo", json!({"at": NEVER})).await;
    room.act(&slug("killed"), "kill", json!({"reason": "It was forged."})).await;
    room.act(&slug("held"), "withhold", json!({"reason": "It is disputed."})).await;
    assert!(Timestamp::now() < early, "this machine is too slow for this test");
    let until = early + Duration::from_millis(300);
    room.act(&slug("ends"), "embargo", json!({"at": until})).await;
    room.act(&slug("due"), "release", json!({"at": until})).await;
    let public = room.stranger.keyed(None);
    let (ends, due) = (names[1].clone(), names[3].clone());
    let (first, second) =
        tokio::join!(first_seen(&public, &room.service, &ends), first_seen(&public, &room.service, &due));
    for (door, at) in first.iter().chain(&second) {
        assert!(*at >= until, "{door} showed it at {at}, before {until}");
    }

    room.act(&slug("lifted"), "lift", json!({"note": "Released early."})).await;
    let lifted = names[11].clone();
    first_seen_once(&room, &lifted).await;
    for (story, until) in [(&ends, until), (&due, until), (&lifted, Timestamp::MIN)] {
        assert_out_once(&mut room, story, until).await;
    }
    // What was to go out earlier than these is as secret as it was.
    let still: Vec<String> = names[4..10].to_vec();
    for name in &still {
        let told = room.stranger.ask_about(name).await;
        assert_same(name, &told, &room.stranger.ask_about(&never_given(name)).await);
    }
    let audit = room.owner.get(&format!("/v1/stories/{ends}/embargo")).await.done();
    assert_eq!((&audit["breach"], audit["embargoes"].as_array().map(Vec::len)), (&json!(false), Some(2)));
    room.act(&slug("held"), "release", json!({})).await;
    assert_eq!(public.get(&format!("/v1/stories/{}", slug("held"))).await.status, 200, "its time has passed");
    room.service.stop();
}

/// Waits until `story` has reached a subscriber.
async fn first_seen_once(room: &Room, story: &str) {
    let replica = Replica::builder(&room.service.nats).everything().connect().await.expect("connected");
    arrived(&replica, story.parse().expect("an id"), 1).await;
    replica.close().await;
}

/// Asserts that a key that is of no use for the desk is of no use to learn what is there.
async fn assert_no_stranger_learns(room: &Room, names: &[String]) {
    let grants = ["subscriber@world", "editor@sports"].map(str::to_owned);
    let people = People::hire(&room.owner, &grants).await;
    for who in &grants {
        let api = room.stranger.keyed(people.key(who));
        for name in names {
            let (told, untold) = (ask_api(&api, name).await, ask_api(&api, &never_given(name)).await);
            assert_same(&format!("{name} to {who}"), &told, &untold);
        }
    }
    let api = room.stranger.keyed(people.key("editor@sports"));
    let answer = api.post(&format!("/v1/stories?slug={}&desk=sports", names[0]), &secret_copy()).await;
    assert_eq!((answer.status, &answer.json()["reason"]), (422, &json!("slug-taken")), "{}", answer.text());
    assert_free("a slug that is taken", &answer.text(), &names[1..2]);
}

/// Asserts that `story` is out at every door, once, as its last state, and left no earlier than `until`.
async fn assert_out_once(room: &mut Room, story: &str, until: Timestamp) {
    let public = room.stranger.keyed(None);
    let feed = public.get("/v1/changes?limit=500").await.json();
    let of_story = |event: &&Value| event["subject"] == story;
    let events: Vec<&Value> = feed.as_array().expect("a list").iter().filter(of_story).collect();
    assert_eq!(events.len(), 1, "{events:?}");
    let change = &events[0]["data"];
    assert!(change["kind"] == "release" || change["kind"] == "embargo", "{change}");
    for name in ["published", "recorded"] {
        assert!(time(&change[name]) >= until, "{change} is {name} before {until}");
    }
    let heard = changes_heard(&room.stranger.heard(), story);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].0 >= until && heard[0].1 == *events[0], "{heard:?}");
    let history = public.get(&format!("/v1/stories/{story}/history")).await.done();
    assert_eq!(history["revisions"].as_array().map(Vec::len), Some(1), "{history}");
    assert_eq!(
        public.get(&format!("/v1/stories/{story}?as_of=rev:1")).await.status,
        404,
        "it was secret then"
    );
    let shown = public.get(&format!("/v1/stories/{story}")).await;
    assert!(shown.text().contains("zugzwang") && !shown.text().contains("loccinauci"), "{}", shown.text());
    for (stream, subject, count) in [
        ("WT_CHANGES", format!("wt.v1.change.*.*.*.{story}"), 1),
        ("WT_ARTICLES", format!("wt.v1.article.*.{story}"), 1),
        ("WT_RECALLS", format!("wt.v1.recall.*.{story}"), 0),
    ] {
        let asked = json!({"subjects_filter": subject});
        let info = room.stranger.ask(&format!("$JS.API.STREAM.INFO.{stream}"), &asked).await.expect("it may");
        let info: Value = serde_json::from_str(info.trim()).expect("JSON");
        let subjects = info["state"]["subjects"].as_object().map(serde_json::Map::len).unwrap_or_default();
        assert_eq!(subjects, count, "{stream}: {info}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_comes_once_and_not_early_though_the_service_is_killed_around_it() {
    const STORIES: u32 = 12;
    let folder = Orphans(tempfile::tempdir().expect("a temp dir"));
    let data = folder.0.path().join("data");
    let mut service = Service::start(&data);
    let owner = Api::public(&service.http).with(Some(&service.owner_key()));
    let mut ends = BTreeMap::new();
    for number in 0..STORIES {
        let until = from_now(Duration::from_millis(700) + number * Duration::from_millis(60));
        let release = if number % 2 == 0 { "embargo_until" } else { "publish_at" };
        let path = format!("/v1/stories?slug=secret-{number}&desk=world&{release}={until}");
        let filed = owner.post(&path, &secret_copy()).await.done();
        ends.insert(filed["story"].as_str().expect("an id").to_owned(), until);
    }
    // Killed before the first end or soon after, and again between two of them, as it comes.
    service.kill();
    for wanted in [STORIES / 3, STORIES] {
        service = Service::start(&data);
        let public = Api::public(&service.http);
        let released = released(&public, wanted as usize);
        tokio::time::timeout(PATIENCE, released).await.expect("they go out");
        if wanted < STORIES {
            service.kill();
        }
    }
    let public = Api::public(&service.http);
    let feed = public.get("/v1/changes?limit=500").await.json();
    let changes = feed.as_array().expect("a list");
    assert_eq!(changes.len(), ends.len(), "each once");
    let owner = public.with(Some(&service.owner_key()));
    let replica = Replica::builder(&service.nats).everything().connect().await.expect("connected");
    for (story, until) in &ends {
        let change = changes.iter().find(|event| event["subject"] == *story).expect("it is out");
        let published = time(&change["data"]["published"]);
        assert!(published >= *until, "{published} is before {until}");
        let history = owner.get(&format!("/v1/stories/{story}/history?view=desk")).await.done();
        let revisions = history["revisions"].as_array().expect("a list");
        let kinds: Vec<_> = revisions.iter().map(|line| (&line["kind"], &line["actor"])).collect();
        assert_eq!(kinds, [(&json!("release"), &json!("scheduler")), (&json!("update"), &json!("owner"))]);
        arrived(&replica, story.parse().expect("an id"), 2).await;
    }
    replica.close().await;
    let jetstream = async_nats::jetstream::new(async_nats::connect(&service.nats).await.expect("connected"));
    let stream = jetstream.get_stream("WT_CHANGES").await.expect("the public may");
    assert_eq!(stream.cached_info().state.messages, u64::from(STORIES), "no change went out twice");
    service.stop();
    writethru_tests::answer(writethru(&data, &["check"]));
}

/// Returns once `wanted` stories are out.
async fn released(public: &Api, wanted: usize) {
    let mut after = "earliest".to_owned();
    let mut count = 0;
    while count < wanted {
        let page = public.get(&format!("/v1/changes?wait=60&after={after}")).await;
        page.header("writethru-cursor").clone_into(&mut after);
        count += page.json().as_array().expect("a list").len();
    }
}
