//! `doctor`: looks for common faults and says what to do about each.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use publisher::server::{self, Version};
use serde::Serialize;
use wire::http::Info;

use crate::api::{Api, Query};
use crate::config::NatsChoice;
use crate::discovery::Run;
use crate::disk;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::session::Session;
use crate::up::data_dir::{Paths, is_held};
use crate::up::nats;

/// How many synced writes the disk is asked for.
const SYNCS: usize = 20;
/// A synced write slower than this makes editors wait.
const SYNC_SLOW: Duration = Duration::from_millis(20);
/// Free space below which the doctor warns.
const FREE_BYTES_MIN: u64 = 1024 * 1024 * 1024;
/// A clock off by more than this is wrong.
const CLOCK_OFF_MAX_SECONDS: i64 = 5;

/// Options of `doctor`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru doctor                           # exit 1 if something needs a person\n  \
    writethru doctor --data ./newsroom --json")]
pub(crate) struct Doctor {}

/// How a finding is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Note,
    Fault,
}

/// One thing looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Finding {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Ok, found: found.into(), next: None }
    }

    fn note(what: &'static str, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Note, found: found.into(), next: Some(next.into()) }
    }

    fn fault(what: &'static str, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Fault, found: found.into(), next: Some(next.into()) }
    }
}

impl Doctor {
    /// Prints every finding; exits with a failure if one needs a person.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let data = &session.settings.data;
        let mut findings = vec![Finding::ok("version", env!("CARGO_PKG_VERSION"))];
        findings.push(data_dir(data));
        findings.extend(disk(data));
        findings.push(nats_program(session).await);
        findings.extend(server(session).await);
        for finding in &findings {
            if session.output.json {
                session.output.json(finding)?;
            } else {
                session.output.line(line(finding))?;
            }
        }
        let sick = findings.iter().any(|finding| finding.verdict == Verdict::Fault);
        Ok(if sick { Exit::Failure } else { Exit::Ok })
    }
}

fn line(finding: &Finding) -> String {
    use anstyle::AnsiColor::{Green, Red, Yellow};
    let (word, color) = match finding.verdict {
        Verdict::Ok => ("ok   ", Green),
        Verdict::Note => ("note ", Yellow),
        Verdict::Fault => ("fault", Red),
    };
    let style = color.on_default();
    let next = finding.next.as_ref().map(|next| format!("\n       next: {next}")).unwrap_or_default();
    format!("{style}{word}{style:#}  {:<11} {}{next}", finding.what, finding.found)
}

fn data_dir(data: &Path) -> Finding {
    const WHAT: &str = "data dir";
    let paths = Paths::new(data);
    if !data.is_dir() {
        let found = format!("{} does not exist yet", data.display());
        return Finding::note(WHAT, found, format!("writethru up --data {}", data.display()));
    }
    match is_held(&paths) {
        Ok(true) => Finding::ok(WHAT, format!("{} is in use by a server", data.display())),
        Ok(false) if Run::read(data).is_ok_and(|run| run.is_some()) => Finding::note(
            WHAT,
            format!("{} has a run.json, but no server runs: it was killed", data.display()),
            "start it again: writethru up removes the file",
        ),
        Ok(false) => Finding::ok(WHAT, format!("{} is there, no server runs on it", data.display())),
        Err(error) => Finding::fault(
            WHAT,
            format!("cannot look into {}: {error}", data.display()),
            "check its permissions",
        ),
    }
}

/// Returns how fast and how full the disk of the data dir is.
fn disk(data: &Path) -> Vec<Finding> {
    let folder = if data.is_dir() { data } else { Path::new(".") };
    let mut findings = Vec::new();
    findings.push(match sync_times(folder) {
        Ok(times) => {
            let median = times[times.len() / 2];
            let found =
                format!("fdatasync takes {:.2} ms (median of {SYNCS})", median.as_secs_f64() * 1_000.0);
            if median > SYNC_SLOW {
                Finding::note(
                    "disk speed",
                    found,
                    "every push waits for one: put the data dir on a faster disk",
                )
            } else {
                Finding::ok("disk speed", found)
            }
        }
        Err(error) => Finding::fault(
            "disk speed",
            format!("cannot write in {}: {error}", folder.display()),
            "check permissions and free space",
        ),
    });
    findings.push(match disk::available_bytes(folder) {
        Ok(free) if free < FREE_BYTES_MIN => Finding::fault(
            "disk space",
            format!("{} MiB are free", free / (1024 * 1024)),
            "make room: a full disk stops every push",
        ),
        Ok(free) => Finding::ok("disk space", format!("{} GiB are free", free / FREE_BYTES_MIN)),
        Err(error) => Finding::note("disk space", error.to_string(), "look with df"),
    });
    findings
}

fn sync_times(folder: &Path) -> std::io::Result<Vec<Duration>> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&[0_u8; 4096])?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times)
}

async fn nats_program(session: &Session) -> Finding {
    const WHAT: &str = "nats-server";
    match &session.settings.nats {
        NatsChoice::Off => {
            return Finding::note(WHAT, "NATS is turned off", "take no_nats out of the configuration");
        }
        NatsChoice::Url(url) => return reachable(url).await,
        NatsChoice::Child => {}
    }
    match server::find(&nats::search(&session.settings)).await {
        Ok(binary) => Finding::ok(WHAT, format!("{} at {}", binary.version, binary.path.display())),
        Err(error) => Finding::note(
            WHAT,
            chain(&error),
            format!(
                "`make up` fetches one; {} or later; changes wait in the log until then",
                Version::OLDEST
            ),
        ),
    }
}

async fn reachable(url: &str) -> Finding {
    const WHAT: &str = "nats-server";
    let connected =
        async_nats::ConnectOptions::new().connection_timeout(Duration::from_secs(3)).connect(url).await;
    match connected {
        Ok(client) => Finding::ok(WHAT, format!("{} answers at {url}", client.server_info().version)),
        Err(error) => {
            Finding::fault(WHAT, format!("{url}: {}", chain(&error)), "start it, or take the URL out")
        }
    }
}

/// Returns whether a server could listen where the configuration says.
fn port(session: &Session) -> Finding {
    let address = session.settings.http;
    match std::net::TcpListener::bind(address) {
        Ok(_) => Finding::ok("port", format!("{address} is free")),
        Err(error) => Finding::note(
            "port",
            format!("cannot listen on {address}: {error}"),
            "choose another: writethru up --http 127.0.0.1:0 takes any free one",
        ),
    }
}

/// Returns what the server says of itself, if one runs.
async fn server(session: &Session) -> Vec<Finding> {
    const WHAT: &str = "server";
    let api: Api = match session.api() {
        Ok(api) => api,
        Err(_) => return vec![Finding::note(WHAT, "none is running", "writethru up"), port(session)],
    };
    let info: Info = match api.get(&["v1", "info"], &Query::new()).await {
        Ok(info) => info,
        Err(failure) => return vec![Finding::fault(WHAT, failure.what(), "writethru up")],
    };
    let mut findings = vec![Finding::ok(WHAT, format!("{} at {}", info.version, api.base()))];
    if info.version != env!("CARGO_PKG_VERSION") {
        findings.push(Finding::note(
            "release",
            "server and command line are of different releases",
            "install the same",
        ));
    }
    if info.viewed < info.head {
        findings.push(Finding::note(
            "views",
            format!("{} records behind the log", info.head - info.viewed),
            "they catch up by themselves; if not, see the server's log",
        ));
    }
    if let Some(published) = info.published.filter(|published| *published < info.viewed) {
        findings.push(Finding::note(
            "publisher",
            format!("NATS is {} records behind", info.viewed - published),
            "it catches up by itself once NATS answers",
        ));
    }
    findings.extend(clock(&api).await);
    findings
}

/// Compares our clock with the server's.
async fn clock(api: &Api) -> Option<Finding> {
    let off = api.clock_difference_seconds().await?;
    Some(if off.abs() > CLOCK_OFF_MAX_SECONDS {
        Finding::fault("clock", format!("{off} s away from the server's"), "set both by NTP")
    } else {
        Finding::ok("clock", "agrees with the server's")
    })
}
