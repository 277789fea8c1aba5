//! `serve`: parts of the service in a process of their own, any number of them on one event log.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::commands::up::insecure;
use crate::config::{Key, LogChoice};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::up;
use crate::up::roles::Role;

/// Options of `serve`.
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  \
    writethru serve desk gateway projector publisher scheduler --config /etc/writethru/node-1.toml\n  \
    writethru serve gateway --data ./edge --http 127.0.0.1:8081 --nats nats://10.0.0.5:4222 --log nats://10.0.0.5:4222/0\n  \
    writethru serve publisher scheduler --config /etc/writethru/standby.toml   # ready to take over",
    after_help = "Every process follows the log and keeps views of its own. Of all that have the role, one publishes and one \
    keeps the schedule at a time; another goes on when it ends. Give the role of notary to one process only. The event \
    log must be on NATS."
)]
pub(crate) struct Serve {
    /// What this process does
    #[arg(value_name = "ROLE", value_enum, required = true, num_args = 1..)]
    roles: Vec<Role>,
    /// Where the gateway listens.
    #[arg(
        long,
        value_name = "ADDR",
        help = "Where the gateway listens; port 0 takes any free port [env: WRITETHRU_HTTP] [default: 127.0.0.1:8080]"
    )]
    http: Option<String>,
    /// The address that readers know.
    #[arg(
        long,
        value_name = "URL",
        help = "Address that readers know, and items are called by: the same for every process [env: WRITETHRU_PUBLIC_URL]"
    )]
    public_url: Option<String>,
    /// NATS servers.
    #[arg(long, value_name = "URL", help = "NATS servers to publish to [env: WRITETHRU_NATS_URL]")]
    nats: Option<String>,
    /// What to sign in with there.
    #[arg(
        long,
        value_name = "FILE",
        help = "File with the seed to sign in with there [env: WRITETHRU_NATS_SEED]"
    )]
    nats_seed: Option<PathBuf>,
    /// Where the event log is.
    #[arg(
        long,
        value_name = "URL",
        help = "Where the event log is: nats://HOST:PORT,…/NAME?replicas=3 [env: WRITETHRU_LOG_URL]"
    )]
    log: Option<String>,
    /// Listen beyond this machine although keys and copy travel unencrypted
    #[arg(long)]
    insecure_http: bool,
}

impl Serve {
    /// Adds what the options say of the configuration.
    pub(crate) fn add_flags(&self, values: &mut BTreeMap<Key, String>) {
        values.extend(self.http.clone().map(|http| (Key::Http, http)));
        values.extend(self.public_url.clone().map(|url| (Key::PublicUrl, url)));
        values.extend(self.nats.clone().map(|nats| (Key::NatsUrl, nats)));
        values.extend(self.nats_seed.as_ref().map(|seed| (Key::NatsSeed, seed.display().to_string())));
        values.extend(self.log.clone().map(|log| (Key::LogUrl, log)));
    }

    /// Runs these parts until a signal ends them.
    pub(crate) async fn run(self, session: Session) -> Result<Exit, Failure> {
        if session.settings.event_log == LogChoice::File {
            return Err(Failure::new(Exit::Usage, "log-in-a-file", "several processes cannot share a log in a file")
                .why("the event log is log.db of the data dir, which one process writes")
                .next("run `writethru up`, which does everything; or move the log to NATS: `writethru log move`, then --log URL"));
        }
        if self.roles.contains(&Role::Gateway) && !self.insecure_http {
            insecure(session.settings.http)?;
        }
        up::run(session, self.roles.into_iter().collect(), None).await
    }
}
