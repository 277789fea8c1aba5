//! A storm over one service: its NATS server is killed, frozen, told to go, filled up and cut off, readers
//! stand still, clocks step and the service itself is killed, while editors file.
//!
//! What was acknowledged is there once, every change is published once and in order, and a replica ends
//! with the service's own hashes. A seed says what happens and when; `WRITETHRU_STORM=100` runs seeds
//! 1 to 100.

mod line;
mod load;

use std::collections::HashMap;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, stream};
use client::Replica;
use futures::StreamExt;
use rustix::process::Signal;
use serde_json::Value;
use story::{Revision, StoryId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use wire::{Change, CloudEvent, WT_CHANGES};
use writethru_tests::clock::WallClock;
use writethru_tests::nats::NatsServer;
use writethru_tests::{Orphans, PATIENCE, Service, answer, json_lines, writethru};

use line::Line;
use load::{Door, Load};

/// Seeds that are run unless the environment asks for more.
const SEEDS: u64 = 1;
/// Things that happen in a storm.
const BLOWS: u64 = 8;
/// Editors who file meanwhile.
const EDITORS: usize = 4;
/// Updates that must get through between two blows.
const BETWEEN: usize = 12;
/// Room for NATS: 256 MiB that `WT_ACKS` has reserved, and little more, so that it is full soon.
const NATS_BYTES: u64 = (256 + 48) * 1024 * 1024;
/// The stream that somebody else fills the server with.
const FILLING: &str = "SOMEBODY";

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// kill -9 of NATS, and a new start.
    NatsKilled,
    /// NATS is stopped for seconds, without a word.
    NatsFrozen,
    /// NATS is told to go (lame duck), goes, and comes again.
    NatsLameDuck,
    /// Somebody fills the server's store; later there is space again.
    NatsFull,
    /// The network between the service and NATS loses everything for seconds.
    LineDead,
    /// Every connection between the two is reset.
    LineCut,
    /// kill -9 of the service, and a new start.
    ServiceKilled,
    /// A subscriber connects, asks for everything, and never reads.
    StuckReader,
    /// The service's clock steps by an hour, forward or back.
    ClockSteps,
}

const ALL: [Blow; 9] = [
    Blow::NatsKilled,
    Blow::NatsFrozen,
    Blow::NatsLameDuck,
    Blow::NatsFull,
    Blow::LineDead,
    Blow::LineCut,
    Blow::ServiceKilled,
    Blow::StuckReader,
    Blow::ClockSteps,
];

/// Where the event log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    /// In the data dir.
    Sqlite,
    /// On the NATS server that the storm is about.
    JetStream,
}

/// Numbers by a seed: `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// Returns the blows of a storm: those that come first are all different.
    fn blows(&mut self) -> Vec<Blow> {
        let mut left = ALL.to_vec();
        let mut draw = || {
            if left.is_empty() {
                left = ALL.to_vec();
            }
            left.swap_remove(usize::try_from(self.below(left.len() as u64)).expect("few"))
        };
        (0..BLOWS).map(|_| draw()).collect()
    }
}

/// A service behind a line to its NATS server.
struct Newsroom {
    nats: Option<NatsServer>,
    line: Line,
    service: Option<Service>,
    door: watch::Sender<Door>,
    clock: WallClock,
    log: Log,
    stuck: Vec<TcpStream>,
    // Last, so that everything that runs in it has ended.
    folder: Orphans,
}

impl Newsroom {
    async fn open(log: Log) -> Self {
        let folder = Orphans(tempfile::tempdir().expect("a temp dir"));
        let path = folder.0.path();
        let config = path.join("nats.conf");
        let text = format!(
            "server_name: storm\nlame_duck_duration: \"30s\"\nlame_duck_grace_period: \"1s\"\n\
             jetstream {{ store_dir: \"{}\", max_file_store: {NATS_BYTES}, sync_interval: always }}\n",
            path.join("nats").display()
        );
        std::fs::write(&config, text).expect("the temp dir is writable");
        let nats = NatsServer::start(&config);
        let line = Line::to(nats.port()).await;
        let clock = WallClock::build(path);
        let (door, _) = watch::channel(None);
        let mut newsroom =
            Self { nats: Some(nats), line, service: None, door, clock, log, stuck: Vec::new(), folder };
        newsroom.serve();
        newsroom
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.0.path().join("data")
    }

    fn nats(&self) -> &NatsServer {
        self.nats.as_ref().expect("it runs")
    }

    fn service(&self) -> &Service {
        self.service.as_ref().expect("it runs")
    }

    /// Starts the service, and tells the editors where it is.
    fn serve(&mut self) {
        let nats = format!("nats://127.0.0.1:{}", self.line.port);
        let on_nats = format!("{nats}/0?replicas=1");
        let mut options = vec!["--nats", &nats];
        if self.log == Log::JetStream {
            options.extend(["--log", &on_nats]);
        }
        let said = std::fs::File::options().create(true).append(true).open(self.data().with_extension("log"));
        let said = Stdio::from(said.expect("the temp dir is writable"));
        let service = Service::start_in(&self.data(), &options, &self.clock.environment(), said);
        self.door.send_replace(Some((service.http.clone(), service.owner_key())));
        self.service = Some(service);
    }

    async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(async_nats::connect(self.nats().url()).await.expect("connected"))
    }

    async fn strike(&mut self, blow: Blow, dice: &mut Dice, load: &Load) {
        let while_it_lasts = Duration::from_millis(500 + dice.below(3_000));
        match blow {
            Blow::NatsKilled => self.nats = self.nats.take().map(NatsServer::restarted),
            Blow::NatsFrozen => {
                self.nats().signal(Signal::STOP);
                tokio::time::sleep(while_it_lasts).await;
                self.nats().signal(Signal::CONT);
            }
            Blow::NatsLameDuck => {
                self.nats().signal(Signal::USR2);
                self.nats.as_mut().expect("it runs").wait();
                self.nats = self.nats.take().map(NatsServer::restarted);
            }
            Blow::NatsFull => self.fill(load).await,
            Blow::LineDead => {
                self.line.die();
                tokio::time::sleep(while_it_lasts).await;
                self.line.open();
            }
            Blow::LineCut => {
                self.line.cut();
                tokio::time::sleep(while_it_lasts).await;
                self.line.open();
            }
            Blow::ServiceKilled => {
                self.door.send_replace(None);
                self.service.take().expect("it runs").kill();
                self.serve();
            }
            Blow::StuckReader => self.stuck.push(stuck_reader(self.nats().port()).await),
            Blow::ClockSteps => {
                self.clock.set([-3600, 0, 3600][usize::try_from(dice.below(3)).expect("few")]);
            }
        }
    }

    /// Fills the server up, lets editors file meanwhile where that needs no NATS, and makes space again.
    async fn fill(&self, load: &Load) {
        let jetstream = self.jetstream().await;
        let config = stream::Config {
            name: FILLING.to_owned(),
            subjects: vec!["somebody".to_owned()],
            ..stream::Config::default()
        };
        jetstream.create_stream(config).await.expect("a stream");
        for size in [1_000_000, 32 * 1024] {
            loop {
                let sent = jetstream.publish("somebody", vec![0; size].into()).await.expect("sent");
                if sent.await.is_err() {
                    break;
                }
            }
        }
        match self.log {
            Log::Sqlite => load.more(BETWEEN).await,
            Log::JetStream => tokio::time::sleep(Duration::from_secs(1)).await,
        }
        jetstream.delete_stream(FILLING).await.expect("deleted");
    }
}

/// Connects a subscriber of everything that reads nothing but the greeting.
async fn stuck_reader(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    let mut greeting = [0; 1_024];
    let count = stream.read(&mut greeting).await.expect("a greeting");
    assert!(count > 0, "NATS greets");
    stream.write_all(b"CONNECT {\"verbose\":false}\r\nSUB wt.> 1\r\nPING\r\n").await.expect("sent");
    stream
}

/// Says it where it is seen also when all is well.
fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Sees that the stream has every revision of every story once, each behind the one before it.
async fn check_published(newsroom: &Newsroom, stories: &HashMap<String, (StoryId, u64)>) {
    let total: u64 = stories.values().map(|(_, last)| last).sum();
    let stream = newsroom.jetstream().await.get_stream(WT_CHANGES).await.expect("the changes");
    let config = pull::Config { ack_policy: AckPolicy::None, ..pull::Config::default() };
    let consumer = stream.create_consumer(config).await.expect("a consumer");
    let mut messages = consumer.messages().await.expect("messages");
    let mut reached: HashMap<StoryId, u64> = HashMap::new();
    for seen in 0.. {
        let wait = if seen < total { PATIENCE } else { Duration::from_secs(1) };
        let Ok(message) = tokio::time::timeout(wait, messages.next()).await else {
            assert!(seen >= total, "{seen} of {total} changes were published");
            break;
        };
        let message = message.expect("it goes on").expect("a message");
        let event: CloudEvent<Change> = serde_json::from_slice(&message.payload).expect("a change");
        let Change { story, from, to, .. } = event.data;
        let before = reached.insert(story, to.get()).unwrap_or_default();
        assert_eq!((from.get(), to.get()), (before, before + 1), "{story}: lost, repeated or out of order");
    }
    for (slug, (story, last)) in stories {
        assert_eq!(reached.get(story), Some(last), "{slug}");
    }
}

/// Sees that the service and `replica` have what was acknowledged, and nothing else.
async fn check_stories(service: &Service, replica: &Replica, stories: &HashMap<String, (StoryId, u64)>) {
    for (slug, (story, last)) in stories {
        let history = json_lines(&service.run(&["log", slug, "--json"]));
        assert_eq!(history.len() as u64, *last, "{slug}: something was stored that nobody was told of");
        let held = tokio::time::timeout(PATIENCE, replica.wait_until(*story, Revision(*last)));
        let Ok(held) = held.await else {
            let has = replica.current(*story).map(|article| article.revision);
            let said = std::fs::read_to_string(service.data.with_extension("log")).unwrap_or_default();
            panic!("{slug}: the replica is at {has:?} of {last}; the service said:\n{said}");
        };
        let held = held.expect("open");
        let shown: Value = serde_json::from_str(&service.run(&["show", slug, "--json"])).expect("JSON");
        assert_eq!(shown["hash"], held.hash.to_string(), "{slug}");
    }
}

async fn weather(seed: u64, log: Log) {
    let mut dice = Dice(seed);
    let mut newsroom = Newsroom::open(log).await;
    let replica = Replica::builder(&newsroom.nats().url()).everything().connect().await.expect("connected");
    let load = Load::begin(EDITORS, &newsroom.door.subscribe());
    load.more(BETWEEN).await;
    let blows = dice.blows();
    for blow in &blows {
        newsroom.strike(*blow, &mut dice, &load).await;
        load.more(BETWEEN).await;
    }
    let stories = load.end().await;
    let count: u64 = stories.values().map(|(_, last)| last).sum();
    report(&format!("storm {seed} over a log on {log:?}: {blows:?}: {count} updates were acknowledged"));
    check_stories(newsroom.service(), &replica, &stories).await;
    check_published(&newsroom, &stories).await;
    replica.close().await;
    newsroom.service.take().expect("it runs").stop();
    if log == Log::Sqlite {
        answer(writethru(&newsroom.data(), &["check"]));
    }
}

#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
fn seeds() -> u64 {
    std::env::var("WRITETHRU_STORM").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_takes_nothing_that_was_acknowledged_from_a_log_in_the_data_dir() {
    for seed in 1..=seeds() {
        Box::pin(weather(seed, Log::Sqlite)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_takes_nothing_that_was_acknowledged_from_a_log_on_nats() {
    for seed in 1..=seeds() {
        Box::pin(weather(seed, Log::JetStream)).await;
    }
}
