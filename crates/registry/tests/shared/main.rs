//! One registry on several nodes, each with a file of its own, over a real nats-server.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail as the tests do")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::jetstream;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use peers::SharedFile;
use publisher::server::{NatsServer, Search, ServerOptions, Sync, find};
use registry::{
    Act, Decision, Denial, Guarded, KeyError, NewActor, NewKey, NewRequest, NumberedRange, Policy, Principal,
    RecallQuery, Registry, RequestError, RequestFilter, RequestId, RequestState, StoreError, Verdict,
    authorize,
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(90);

struct Nats {
    server: NatsServer,
    folder: TempDir,
}

impl Nats {
    #[expect(clippy::disallowed_methods, reason = "tests are an edge: they read where the program is")]
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools");
        let given = std::env::var("NATS_SERVER_BIN").ok().map(Into::into);
        let search = Search { given, tools: Some(tools), path: std::env::var_os("PATH") };
        let binary = find(&search).await.expect("tests need a nats-server: run scripts/fetch-nats-server");
        let directory = folder.path().to_owned();
        let server = ServerOptions { binary, directory, port: None, sync: Sync::Relaxed };
        Self { server: NatsServer::start(server).await.unwrap(), folder }
    }

    async fn context(&self) -> jetstream::Context {
        jetstream::new(async_nats::connect(self.server.url()).await.unwrap())
    }

    /// Opens the registry of the node `name`.
    async fn node(&self, name: &str) -> Registry {
        let shared = SharedFile::open(&self.context().await, 1, (Registry::schema(), "0")).await.unwrap();
        Registry::open_shared(&self.file(name), shared).await.unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.db"))
    }

    /// Returns how many messages the stream has.
    async fn messages(&self) -> u64 {
        let mut stream = self.context().await.get_stream("WT_REGISTRY_0").await.unwrap();
        stream.info().await.unwrap().state.messages
    }

    /// Returns whether any file of the server has `words`.
    fn keeps(&self, words: &str) -> bool {
        fn look(folder: &Path, words: &[u8]) -> bool {
            std::fs::read_dir(folder).unwrap().any(|entry| {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    return look(&path, words);
                }
                let bytes = std::fs::read(&path).unwrap_or_default();
                bytes.windows(words.len()).any(|window| window == words)
            })
        }
        look(&self.folder.path().join("jetstream"), words.as_bytes())
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            look.tick().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

async fn actor(registry: &Registry, id: &str) -> story::ActorId {
    let grants = vec!["editor@world".parse().unwrap()];
    let new = NewActor {
        id: Some(id.parse().unwrap()),
        name: Some(format!("Name of {id}").parse().unwrap()),
        grants,
    };
    registry.add_actor(new, at(0)).await.unwrap().id
}

fn request(actor: &story::ActorId, payload: &[u8]) -> NewRequest {
    NewRequest {
        actor: actor.clone(),
        act: Act::Kill,
        story: None,
        desk: None,
        command: None,
        seen: None,
        payload: payload.to_vec(),
        expires: at(1_000),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_writes_every_node_has() {
    let nats = Nats::start().await;
    let (one, other) = (nats.node("one").await, nats.node("other").await);
    let ann = actor(&one, "ann").await;
    let (key, secret) = other.add_key(NewKey::of(ann.clone()), at(1)).await.unwrap();
    until("the key is valid", async || one.verify(secret.expose(), at(2)).is_some()).await;
    one.revoke_key(key.id, at(3)).await.unwrap();
    assert!(one.verify(secret.expose(), at(4)).is_none());
    until("it is revoked", async || other.verify(secret.expose(), at(4)).is_none()).await;
    let asked = one.request(request(&ann, b"the words"), at(5)).await.unwrap();
    let bob = actor(&other, "bob").await;
    let decided = other.decide(asked.id, &bob, Verdict::Approve, at(6)).await.unwrap();
    assert!(matches!(decided, Decision::Approved { payload, .. } if payload == b"the words"));
    let again = one.decide(asked.id, &bob, Verdict::Approve, at(7)).await.unwrap_err();
    assert!(matches!(again, RequestError::State { state: RequestState::Approved, .. }), "{again}");
    one.set_policy(Policy::default().with(Guarded::Kill)).await.unwrap();
    until("the policy is there", async || other.policy().needs_second(Guarded::Kill)).await;
    let denied = authorize(&Principal::Public, Act::Kill, None).unwrap_err();
    one.deny(Denial::of(&denied, at(8), None, "http".parse().unwrap()));
    let range = NumberedRange { from: Timestamp::MIN, to: Timestamp::MAX, before: None };
    until("the denial is there", async || other.denials(range, 9).await.unwrap().len() == 1).await;
    assert_eq!(one.denials(range, 9).await.unwrap(), other.denials(range, 9).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_write_at_once_lose_nothing_and_double_nothing() {
    let nats = Nats::start().await;
    let nodes = [nats.node("one").await, nats.node("two").await, nats.node("three").await];
    let ann = actor(&nodes[0], "ann").await;
    let asking = (0..60_u8).map(|number| {
        let (node, ann) = (&nodes[usize::from(number) % 3], ann.clone());
        async move { node.request(request(&ann, &[number]), at(1)).await.unwrap().id.0 }
    });
    let mut numbers = join_all(asking).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
    // Every node says yes to each; the first counts.
    let bob = actor(&nodes[1], "bob").await;
    for number in 1..=10 {
        let deciding = nodes.iter().map(|node| node.decide(RequestId(number), &bob, Verdict::Approve, at(2)));
        let counted = join_all(deciding).await.into_iter().flatten().count();
        assert_eq!(counted, 1, "request {number} was decided {counted} times");
    }
    let command = "c1".parse().unwrap();
    let making = nodes.iter().map(|node| node.add_key_once(NewKey::of(ann.clone()), (&bob, &command), at(3)));
    let made: Vec<_> = join_all(making).await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(made.len(), 1, "one command makes one key");
    for node in &nodes {
        let listed = node.requests(RequestFilter::default(), 100).await.unwrap();
        assert_eq!(listed.len(), 60);
        assert_eq!(listed, nodes[0].requests(RequestFilter::default(), 100).await.unwrap());
        until("the key is valid", async || node.verify(made[0].1.expose(), at(4)).is_some()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_away_or_is_new_has_what_the_others_have() {
    let nats = Nats::start().await;
    let (one, other) = (nats.node("one").await, nats.node("other").await);
    let ann = actor(&one, "ann").await;
    until("ann is known", async || other.actor(&ann).await.unwrap().is_some()).await;
    other.close().await;
    let (key, secret) = one.add_key(NewKey::of(ann.clone()), at(1)).await.unwrap();
    // So many writes that all rows are written anew, and what went before is deleted.
    for number in 0..700_i64 {
        let revision = story::Revision(u64::try_from(number).unwrap());
        one.delivered(&ann, story::StoryId::from_bytes([1; 16]), revision, at(number)).await.unwrap();
    }
    assert!(nats.messages().await < 600, "{} messages are kept", nats.messages().await);
    let (other, new) = (nats.node("other").await, nats.node("new").await);
    for node in [&other, &new] {
        assert!(node.verify(secret.expose(), at(2)).is_some());
        assert_eq!(node.keys(None, None, 9).await.unwrap(), one.keys(None, None, 9).await.unwrap());
        let all = RecallQuery {
            story: story::StoryId::from_bytes([1; 16]),
            voided: vec![story::Revision(699)],
            recall: story::Revision(700),
        };
        assert_eq!(node.recall_status(all, None, 9).await.unwrap().0.got, 1);
    }
    new.revoke_key(key.id, at(3)).await.unwrap();
    until("it is revoked", async || one.verify(secret.expose(), at(4)).is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_node_brings_what_it_has_and_the_next_keeps_its_own_beside() {
    let nats = Nats::start().await;
    let mut secrets = Vec::new();
    for name in ["one", "other"] {
        let alone = Registry::open(&nats.file(name)).await.unwrap();
        let id = actor(&alone, name).await;
        secrets.push(alone.add_key(NewKey::of(id), at(0)).await.unwrap().1);
        alone.close().await;
    }
    let (one, other) = (nats.node("one").await, nats.node("other").await);
    for node in [&one, &other] {
        assert!(node.verify(secrets[0].expose(), at(1)).is_some(), "the first node's keys are everyone's");
        assert!(node.verify(secrets[1].expose(), at(1)).is_none());
    }
    let kept = std::fs::read_dir(nats.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> = kept.filter(|path| path.display().to_string().contains("other.db.before-")).collect();
    let before = Registry::open(&kept[0]).await.unwrap();
    assert!(before.verify(secrets[1].expose(), at(1)).is_some());
    // Each has a key of the owner in a file of its own, and neither takes the other's away.
    let files = ["one", "other"].map(|name| nats.folder.path().join(format!("{name}.key")));
    one.ensure_owner(&files[0], at(2)).await.unwrap();
    other.ensure_owner(&files[1], at(2)).await.unwrap();
    std::fs::remove_file(&files[1]).unwrap();
    other.ensure_owner(&files[1], at(3)).await.unwrap();
    let owners = files.map(|file| std::fs::read_to_string(file).unwrap());
    for secret in owners {
        until("the owner is known", async || {
            one.verify(secret.trim(), at(4)).is_some() && other.verify(secret.trim(), at(4)).is_some()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_leaves_the_files_of_every_node_and_server() {
    let nats = Nats::start().await;
    let (one, other) = (nats.node("one").await, nats.node("other").await);
    let ann = actor(&one, "ann").await;
    let asked = one.request(request(&ann, b"canary-in-a-payload"), at(1)).await.unwrap();
    assert!(nats.keeps("Name of ann"), "or this test would prove nothing");
    one.erase_actor_name(&ann, at(2)).await.unwrap();
    refuse(&other, asked.id).await;
    let hex = "63616E6172792D696E2D612D7061796C6F6164"; // As it stands in a row.
    assert!(nats.keeps(hex), "or this test would prove nothing");
    until("the words are gone", async || !nats.keeps("Name of ann") && !nats.keeps(hex)).await;
    for name in ["one", "other"] {
        let bytes = std::fs::read(nats.file(name)).unwrap();
        let has = |words: &[u8]| bytes.windows(words.len()).any(|window| window == words);
        assert!(!has(b"Name of ann") && !has(b"canary-in-a-payload"), "{name}");
    }
    let new = nats.node("new").await;
    assert_eq!(new.actor(&ann).await.unwrap().unwrap().name, None);
}

/// Refusing a request erases what it would have been done with.
async fn refuse(registry: &Registry, id: RequestId) {
    let bob = actor(registry, "bob").await;
    registry.decide(id, &bob, Verdict::Refuse(None), at(3)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_of_many_messages_arrives_whole() {
    let nats = Nats::start().await;
    let (one, other) = (nats.node("one").await, nats.node("other").await);
    let ann = actor(&one, "ann").await;
    let payload: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let asked = one.request(request(&ann, &payload), at(1)).await.unwrap();
    assert!(nats.messages().await > 5);
    assert_eq!(other.payload(asked.id).await.unwrap(), Some(payload));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_stream_nothing_is_stored_and_all_goes_on_when_it_is_back() {
    let nats = Nats::start().await;
    let one = nats.node("one").await;
    let ann = actor(&one, "ann").await;
    let (_, secret) = one.add_key(NewKey::of(ann.clone()), at(1)).await.unwrap();
    let Nats { server, folder: _folder } = nats;
    server.stop().await;
    let refused = one.add_key(NewKey::of(ann.clone()), at(2)).await.unwrap_err();
    assert!(matches!(refused, KeyError::Store(StoreError::Unavailable { .. })), "{refused:?}");
    assert!(one.verify(secret.expose(), at(3)).is_some(), "for a while what was valid is");
    let later = at(3).saturating_add(SignedDuration::from_secs(1)).unwrap();
    until("no key is valid", async || one.verify(secret.expose(), later).is_none()).await;
}
