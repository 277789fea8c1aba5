//! `up`: the whole service in one process.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use clap::Args;

use crate::config::Key;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::up;
use crate::up::roles::Roles;

/// Options of `up`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru up --demo                        # on an empty data dir: play a real storm\n  \
    writethru up --data ./newsroom --http 127.0.0.1:8080\n  \
    writethru up --http 127.0.0.1:0            # any free port; run.json says which\n  \
    writethru up --nats nats://127.0.0.1:4222  # a NATS server that runs already\n  \
    writethru up --nats nats://127.0.0.1:4222 --log nats://127.0.0.1:4222/0?replicas=1   # the log there too\n  \
    writethru up --nats nats://127.0.0.1:4222 --nats-seed nats/nats-service.nkey")]
pub(crate) struct Up {
    /// Where to listen.
    #[arg(
        long,
        value_name = "ADDR",
        help = "Where to listen; port 0 takes any free port [env: WRITETHRU_HTTP] [default: 127.0.0.1:8080]"
    )]
    http: Option<String>,
    /// The address that readers know.
    #[arg(
        long,
        value_name = "URL",
        help = "Address that readers know, and items are called by; otherwise where it listens [env: WRITETHRU_PUBLIC_URL]"
    )]
    public_url: Option<String>,
    /// What the publisher is called.
    #[arg(
        long,
        value_name = "NAME",
        help = "Name of the publisher, as items say it; otherwise the host of that address [env: WRITETHRU_PROVIDER]"
    )]
    provider: Option<String>,
    /// NATS server that runs already.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "no_nats",
        help = "NATS server that runs already; otherwise one is started [env: WRITETHRU_NATS_URL]"
    )]
    nats: Option<String>,
    /// What to sign in with there.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "no_nats",
        help = "File with the seed to sign in with there: `writethru nats config` makes one [env: WRITETHRU_NATS_SEED]"
    )]
    nats_seed: Option<std::path::PathBuf>,
    /// Where the event log is.
    #[arg(
        long,
        value_name = "URL",
        help = "Keep the event log on NATS, at nats://HOST:PORT,…/NAME?replicas=3, in place of the data dir [env: WRITETHRU_LOG_URL]"
    )]
    log: Option<String>,
    /// Run without NATS: changes wait in the log
    #[arg(long)]
    no_nats: bool,
    /// Listen beyond this machine although keys and copy travel unencrypted
    #[arg(long)]
    insecure_http: bool,
    /// On an empty data dir, play the advisories on Hurricane Harvey (2017) as they came
    #[arg(long)]
    demo: bool,
    /// How fast the demo goes: 2 is twice as fast
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed, requires = "demo")]
    demo_speed: f64,
}

impl Up {
    /// Adds what the options say of the configuration.
    pub(crate) fn add_flags(&self, values: &mut BTreeMap<Key, String>) {
        values.extend(self.http.clone().map(|http| (Key::Http, http)));
        values.extend(self.public_url.clone().map(|url| (Key::PublicUrl, url)));
        values.extend(self.provider.clone().map(|name| (Key::Provider, name)));
        values.extend(self.nats.clone().map(|nats| (Key::NatsUrl, nats)));
        values.extend(self.nats_seed.as_ref().map(|seed| (Key::NatsSeed, seed.display().to_string())));
        values.extend(self.log.clone().map(|log| (Key::LogUrl, log)));
        if self.no_nats {
            values.insert(Key::NoNats, "true".to_owned());
        } else if self.nats.is_some() {
            values.insert(Key::NoNats, "false".to_owned());
        }
    }

    /// Runs the service until a signal ends it.
    pub(crate) async fn run(self, session: Session) -> Result<Exit, Failure> {
        if !self.insecure_http {
            insecure(session.settings.http)?;
        }
        let demo = self.demo.then_some(self.demo_speed);
        up::run(session, Roles::all(), demo).await
    }
}

/// Refuses to listen on `address` if others could read what passes.
///
/// # Errors
/// It is not of this machine alone.
pub(crate) fn insecure(address: SocketAddr) -> Result<(), Failure> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, "insecure", format!("will not listen on {address}"))
        .why("HTTP is not encrypted: whoever is on the way could read keys and drafts")
        .next(
            "listen on 127.0.0.1 behind a proxy that speaks TLS, or say --insecure-http if the network is yours",
        ))
}

/// Reads a speed.
fn speed(given: &str) -> Result<f64, String> {
    match given.parse::<f64>() {
        Ok(speed) if (0.1..=1000.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.1 to 1000 is expected".to_owned()),
    }
}
