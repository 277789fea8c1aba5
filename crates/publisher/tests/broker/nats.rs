//! A nats-server of its own for each test. A missing program is a failure, not a pass.

use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::publisher::server::{
    Binary, EDITOR_INBOX, NatsServer, SERVICE_INBOX, Search, Seed, ServerOptions, Sync, Users, find,
};

/// Refusals that wait to be read.
const REFUSALS_WAITING: usize = 1024;

#[expect(clippy::disallowed_methods, reason = "tests are an edge: they read where the program is")]
fn given() -> Option<std::path::PathBuf> {
    std::env::var("NATS_SERVER_BIN").ok().map(Into::into)
}

pub(crate) async fn binary() -> Binary {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools");
    let search = Search { given: given(), tools: Some(tools), path: std::env::var_os("PATH") };
    find(&search).await.expect("tests need a nats-server: run scripts/fetch-nats-server")
}

/// Starts a server that keeps everything in `directory`.
pub(crate) async fn start(directory: &Path, port: Option<u16>) -> NatsServer {
    let options =
        ServerOptions { binary: binary().await, directory: directory.to_owned(), port, sync: Sync::Relaxed };
    NatsServer::start(options).await.expect("nats-server starts")
}

/// Returns a client that tries for ever.
pub(crate) async fn client(url: &str) -> async_nats::Client {
    async_nats::ConnectOptions::new()
        .retry_on_initial_connect()
        .reconnect_delay_callback(|_| Duration::from_millis(20))
        .connect(url)
        .await
        .expect("options that work")
}

/// A user of a server with users.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// What it signs in with; without one it is the public.
    pub(crate) seed: Option<Seed>,
    /// Where it is answered.
    pub(crate) inbox: String,
}

impl User {
    /// Returns a client that is connected as this user.
    pub(crate) async fn connect(&self, url: &str) -> async_nats::Client {
        self.options().connect(url).await.expect("the user is let in")
    }

    /// Returns such a client, and what the server refuses it, in the server's words.
    pub(crate) async fn connect_and_hear(&self, url: &str) -> (async_nats::Client, mpsc::Receiver<String>) {
        let (heard, refusals) = mpsc::channel(REFUSALS_WAITING);
        let options = self.options().event_callback(move |event| {
            let heard = heard.clone();
            async move {
                if let async_nats::Event::ServerError(refusal) = event {
                    // An error means that the test is over.
                    let _ = heard.send(refusal.to_string()).await;
                }
            }
        });
        (options.connect(url).await.expect("the user is let in"), refusals)
    }

    fn options(&self) -> async_nats::ConnectOptions {
        let options = async_nats::ConnectOptions::new().custom_inbox_prefix(&self.inbox);
        match &self.seed {
            Some(seed) => options.nkey(seed.as_str().to_owned()),
            None => options,
        }
    }
}

/// A server with users: the service, an editor, the subscribers bob and eve, and the public.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) server: NatsServer,
    pub(crate) service: User,
    pub(crate) editor: User,
    pub(crate) bob: User,
    pub(crate) eve: User,
    pub(crate) public: User,
}

impl Guarded {
    /// Starts one that keeps everything in `directory`.
    pub(crate) async fn start(directory: &Path) -> Self {
        let user = |inbox: &str| User { seed: Some(Seed::new()), inbox: inbox.to_owned() };
        let key = |user: &User| user.seed.as_ref().expect("a seed").key().clone();
        let (service, editor) = (user(SERVICE_INBOX), user(EDITOR_INBOX));
        let (bob, eve) = (user("_INBOX_bob"), user("_INBOX_eve"));
        let users = Users::new(key(&service), key(&editor))
            .subscriber("bob".parse().expect("a name"), key(&bob))
            .subscriber("eve".parse().expect("a name"), key(&eve));
        let options = ServerOptions {
            binary: binary().await,
            directory: directory.to_owned(),
            port: None,
            sync: Sync::Relaxed,
        };
        let server = NatsServer::start_for(options, users).await.expect("nats-server starts");
        let public = User { seed: None, inbox: "_INBOX".to_owned() };
        Self { server, service, editor, bob, eve, public }
    }
}
