//! nats-servers as child processes, which end with the test process however that ends.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use writethru_log::{Epoch, EventLog, JetStreamOptions, LogName, Options, Replicas};

/// Longest wait for a server to say its port.
const READY_TIMEOUT: Duration = Duration::from_mins(1);
/// Starts a server, and ends it when the pipe from us is closed: by us, or because we are gone.
const KEEPER: &str = r#""$@" & read -r _; kill -9 $! 2>&-; wait"#;

#[expect(clippy::disallowed_methods, reason = "tests are an edge: they read where the program is")]
fn program() -> PathBuf {
    if let Ok(given) = std::env::var("NATS_SERVER_BIN") {
        return given.into();
    }
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/nats-server");
    if tools.is_file() { tools } else { "nats-server".into() }
}

/// A running server. Dropping it kills the process and waits for its end.
#[derive(Debug)]
pub(crate) struct Server {
    directory: PathBuf,
    keeper: Child,
    /// Open as long as the server is to live.
    leash: Option<ChildStdin>,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.leash.take());
        self.keeper.wait().expect("the keeper ends when its pipe is closed");
    }
}

impl Server {
    /// Starts a server that keeps everything in `directory`; `more` is added to its configuration.
    pub(crate) fn start(directory: &Path, port: Option<u16>, more: &str) -> Self {
        let ports = directory.join("ports");
        if ports.exists() {
            std::fs::remove_dir_all(&ports).expect("the old ports file goes");
        }
        std::fs::create_dir_all(&ports).expect("a folder");
        let shown = directory.display();
        let port = port.map_or(-1, i32::from);
        let text = format!(
            "host: \"127.0.0.1\"\nport: {port}\nports_file_dir: \"{shown}/ports\"\npid_file: \"{shown}/pid\"\n\
             log_file: \"{shown}/log\"\n{more}\n"
        );
        let config = directory.join("nats-server.conf");
        std::fs::write(&config, text).expect("written");
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(program())
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let leash = keeper.stdin.take();
        let mut server = Self { directory: directory.to_owned(), keeper, leash, port: 0 };
        server.port = server.said_port();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Waits until the server has said which port it got.
    fn said_port(&self) -> u16 {
        let until = Instant::now() + READY_TIMEOUT;
        loop {
            let files = std::fs::read_dir(self.directory.join("ports")).expect("the folder is there");
            let said = files.filter_map(|file| std::fs::read(file.ok()?.path()).ok());
            let port = said.filter_map(|said| {
                let said: serde_json::Value = serde_json::from_slice(&said).ok()?;
                said["nats"][0].as_str()?.rsplit(':').next()?.parse().ok()
            });
            if let Some(port) = { port }.next() {
                return port;
            }
            if Instant::now() > until {
                let log = std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                panic!("tests need a nats-server (run scripts/fetch-nats-server); it said: {log}");
            }
            std::thread::yield_now();
        }
    }
}

/// A server alone, with everything it keeps.
#[derive(Debug)]
pub(crate) struct Alone {
    pub(crate) server: Server,
    // Dropped after the server has ended.
    pub(crate) directory: TempDir,
}

impl Alone {
    pub(crate) fn start() -> Self {
        let directory = TempDir::new().expect("a folder");
        let server = Server::start(directory.path(), None, &jetstream(directory.path(), ""));
        Self { server, directory }
    }
}

/// Three servers, each a replica of every stream, that sync before they acknowledge.
#[derive(Debug)]
pub(crate) struct Cluster {
    nodes: Vec<Node>,
    // Dropped after the servers have ended.
    _directory: TempDir,
}

#[derive(Debug)]
struct Node {
    name: String,
    path: PathBuf,
    config: String,
    server: Option<Server>,
    port: u16,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let directory = TempDir::new().expect("a folder");
        let ports = route_ports();
        let nodes = (0..3).map(|node| {
            let name = format!("n{node}");
            let path = directory.path().join(&name);
            std::fs::create_dir_all(&path).expect("a folder");
            let routes = ports.map(|port| format!("\"nats://127.0.0.1:{port}\"")).join(", ");
            let config = format!(
                "server_name: {name}\n{}\ncluster {{\n name: newsroom\n listen: \"127.0.0.1:{}\"\n \
                 routes: [{routes}]\n}}",
                jetstream(&path, "sync_interval: always"),
                ports[node]
            );
            let server = Server::start(&path, None, &config);
            Node { name, path, config, port: server.port, server: Some(server) }
        });
        Self { nodes: nodes.collect(), _directory: directory }
    }

    /// The addresses of all servers.
    pub(crate) fn urls(&self) -> String {
        let urls = self.nodes.iter().map(|node| format!("nats://127.0.0.1:{}", node.port));
        urls.collect::<Vec<_>>().join(",")
    }

    /// Kills the server that is called `name` and waits for its end.
    pub(crate) fn kill(&mut self, name: &str) {
        self.node(name).server = None;
    }

    /// Starts a killed server again, with all it had, where it was.
    pub(crate) fn start_again(&mut self, name: &str) {
        let node = self.node(name);
        node.server = Some(Server::start(&node.path, Some(node.port), &node.config));
    }

    fn node(&mut self, name: &str) -> &mut Node {
        self.nodes.iter_mut().find(|node| node.name == name).expect("a server of the cluster")
    }
}

/// Returns ports for routes, which each server must know of the others before any of them runs.
///
/// A port that the system gave and that is free for a moment may be taken by any connection
/// going out, so these are from where the system takes none.
fn route_ports() -> [u16; 3] {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let mut ports = std::iter::repeat_with(|| {
        let number = TAKEN.fetch_add(1, Ordering::Relaxed);
        let scattered = std::process::id().wrapping_mul(7_919).wrapping_add(number);
        u16::try_from(10_000 + scattered % 20_000).expect("below 30,000")
    })
    .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    [(); 3].map(|()| ports.next().expect("there is always a next"))
}

/// Returns the part of a configuration that turns JetStream on.
pub(crate) fn jetstream(directory: &Path, more: &str) -> String {
    let shown = directory.display();
    format!(
        "jetstream {{\n store_dir: \"{shown}/store\"\n max_file_store: 4GB\n max_memory_store: 64MB\n {more}\n}}"
    )
}

/// Returns how a test opens the log `name` at `servers`.
pub(crate) fn options(servers: String, name: &str, replicas: Replicas) -> JetStreamOptions {
    JetStreamOptions {
        servers,
        connection: async_nats::ConnectOptions::new(),
        name: LogName::try_from(name).expect("a name"),
        replicas,
        patience: JetStreamOptions::PATIENCE,
        stage: writethru_log::Stage::Whole,
        options: Options { new_epoch: Epoch(7), create: true, read_only: false },
    }
}

/// Opens the log `name` at `servers`, for writing.
pub(crate) async fn connect(servers: String, name: &str, replicas: Replicas) -> EventLog {
    EventLog::connect(options(servers, name, replicas)).await.expect("opens")
}
