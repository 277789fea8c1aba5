//! `nats`: what an operator needs to run a NATS server for the service.
//!
//! It writes files and starts nothing. A seed that is there is kept: somebody uses it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use publisher::server::{Seed, SeedFileError, SubscriberName, Users, write_private};
use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Options of `nats`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru nats config                      # nats.conf and seeds, in ./nats\n  \
    writethru nats config --subscriber wire-7 --subscriber archive --out /etc/writethru/nats\n  \
    writethru nats config --subscriber desk-b --out ./nats --force   # one more; seeds stay")]
pub(crate) struct Nats {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a nats-server configuration with users, and what they sign in with
    #[command(before_help = "Examples:\n  \
        writethru nats config                      # nats.conf and seeds, in ./nats\n  \
        writethru nats config --subscriber wire-7 --listen 10.0.0.5:4222")]
    Config {
        /// A subscriber with a name of its own; may be given again
        #[arg(long = "subscriber", value_name = "NAME")]
        subscribers: Vec<SubscriberName>,
        /// Folder to write into
        #[arg(long, value_name = "DIR", default_value = "nats")]
        out: PathBuf,
        /// Where the server will listen; beyond this machine, nobody comes in without a seed
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4222")]
        listen: SocketAddr,
        /// Replace a nats.conf that is there; seeds that are there stay
        #[arg(long)]
        force: bool,
    },
}

impl Nats {
    /// Writes the files and says what to do next.
    pub(crate) fn run(&self, output: Output) -> Result<Exit, Failure> {
        let What::Config { subscribers, out, listen, force } = &self.what;
        let conf = out.join("nats.conf");
        if !force && conf.exists() {
            return Err(Failure::new(Exit::Usage, "file-exists", format!("{} is there", conf.display()))
                .next("say --force to replace it (the seeds stay), or choose another folder: --out DIR"));
        }
        std::fs::create_dir_all(out).map_err(|error| unwritable(out, &error))?;
        let seed = |name: &str| -> Result<(PathBuf, Seed), Failure> {
            let path = out.join(format!("nats-{name}.nkey"));
            let seed = Seed::read_or_make(&path).map_err(|error| no_seed(&error))?;
            Ok((path, seed))
        };
        let ((service, service_seed), (editor, editor_seed)) = (seed("service")?, seed("editor")?);
        let mut users = Users::new(service_seed.key().clone(), editor_seed.key().clone());
        if !listen.ip().is_loopback() {
            users = users.without_public();
        }
        let mut files = Vec::new();
        for name in subscribers {
            let (path, seed) = seed(&format!("subscriber-{name}"))?;
            users = users.subscriber(name.clone(), seed.key().clone());
            files.push((name, path));
        }
        let store = std::path::absolute(out.join("jetstream")).map_err(|error| unwritable(out, &error))?;
        let text = configuration(*listen, &store, &users);
        write_private(&conf, &text).map_err(|error| unwritable(&conf, &error))?;
        let url = format!("nats://{listen}");
        if output.json {
            let named: serde_json::Map<_, _> =
                files.iter().map(|(name, path)| (name.to_string(), json!(path))).collect();
            output.json(&json!({
                "config": conf, "url": url, "service": service, "editor": editor, "subscribers": named,
                "public": listen.ip().is_loopback(),
            }))?;
            return Ok(Exit::Ok);
        }
        output.line(format_args!("{}", conf.display()))?;
        output.line(format_args!("  start it:    nats-server -c {}", conf.display()))?;
        output.line(format_args!(
            "  then:        writethru up --nats {url} --nats-seed {}",
            service.display()
        ))?;
        output.line(format_args!("  editors:     {} (inbox _INBOX_editor)", editor.display()))?;
        for (name, path) in files {
            output.line(format_args!("  subscriber:  {} (inbox {})", path.display(), name.inbox_prefix()))?;
        }
        if !listen.ip().is_loopback() {
            output.line("  beyond this machine: add a tls block, or the seeds' traffic can be read")?;
        }
        Ok(Exit::Ok)
    }
}

fn configuration(listen: SocketAddr, store: &Path, users: &Users) -> String {
    // JSON's way to quote is understood.
    let store = json!(store.display().to_string());
    format!(
        "# Written by `writethru nats config`; it names no secret of the service, editors or subscribers.\n\
         listen: \"{listen}\"\nmax_payload: {}\njetstream {{\n  store_dir: {store}\n}}\n{}",
        publisher::MAX_PAYLOAD_BYTES,
        users.config()
    )
}

fn no_seed(error: &SeedFileError) -> Failure {
    Failure::new(Exit::Unavailable, "nats-seed", "cannot use a seed").because(error)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Unavailable, "output-file", format!("cannot write {}", path.display()))
        .because(error)
        .next("check its permissions, or choose another folder: --out DIR")
}
