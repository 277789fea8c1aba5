//! `verify`: proves a bundle, a receipt or a whole transparency log to whoever does not trust the one who keeps it.
//! Offline, but for fetching a log that is named by its address.

mod bundle;
mod chains;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use proof::audit::{LogReader, audit};
use proof::checkpoint::SignedCheckpoint;
use proof::entry::Entry;
use proof::note::{KeyError, VerifierKey};
use proof::policy::{Endorsement, Policy};
use proof::receipt::Receipt;
use serde_json::json;

use self::chains::Chains;
use self::source::{Folder, Remote};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::output::{Output, progress};
use crate::session::Session;

/// Options of `verify`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru verify http://127.0.0.1:8080/log --key \"$KEY\"     # every entry, every tile, every chain\n  \
    writethru verify ./newsroom/tlog --policy policy.txt\n  \
    writethru verify harvey.zip --key \"$KEY\"   # evidence, as `audit export` writes it\n  \
    writethru verify revision-3.tlog-proof --key \"$KEY\" --envelope envelope.json")]
pub(crate) struct Verify {
    /// A bundle (.zip), a receipt (.tlog-proof), a folder with a log's files, or the address of a log
    #[arg(value_name = "FILE|URL|DIR")]
    what: String,
    /// The log's verifier key, from somewhere else than the log: `writethru notary key show` prints it.
    /// A bundle names one itself
    #[arg(long, value_name = "KEY", conflicts_with = "policy")]
    key: Option<String>,
    /// Whom to believe: a policy file (c2sp.org/tlog-policy) with logs, witnesses and a quorum
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The envelope that the receipt is of, if it is not inside
    #[arg(long, value_name = "FILE")]
    envelope: Option<PathBuf>,
}

/// What was proved.
#[derive(Debug)]
struct Proved {
    what: &'static str,
    checkpoint: SignedCheckpoint,
    endorsed: Endorsement,
    /// Of a receipt, the index of its entry.
    index: Option<u64>,
    /// Of a log, how many stories it has.
    stories: Option<usize>,
}

impl Verify {
    /// Prints what was proved; ends with [`Exit::Differs`] and the first thing that is wrong.
    pub(crate) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let output = session.output;
        let path = Path::new(&self.what);
        if path.is_file() && bundle::is_one(path) {
            return self.bundle(output).await;
        }
        let handle = tokio::runtime::Handle::current();
        let proved = tokio::task::spawn_blocking(move || self.prove(handle)).await;
        let proved = proved.map_err(|error| cut_off(&error))??;
        let head = proved.checkpoint.checkpoint();
        let witnesses: Vec<&str> = proved.endorsed.witnesses.iter().map(|(name, _)| name.as_str()).collect();
        if output.json {
            output.json(&json!({
                "verified": true, "what": proved.what, "origin": head.origin(), "size": head.size(),
                "root": head.root(), "index": proved.index, "stories": proved.stories, "witnesses": witnesses,
            }))?;
            return Ok(Exit::Ok);
        }
        output.line(format_args!("log: {}, {} entries, root {}", head.origin(), head.size(), head.root()))?;
        output.line(format_args!(
            "signed by {}; cosigned by {} witnesses",
            proved.endorsed.log,
            witnesses.len()
        ))?;
        if let Some(index) = proved.index {
            output.line(format_args!("entry {index}: in the log"))?;
        }
        if let Some(stories) = proved.stories {
            output.line(format_args!(
                "every entry and tile is the tree's; {stories} stories, each chain whole"
            ))?;
        }
        output.line("verified")?;
        Ok(Exit::Ok)
    }

    async fn bundle(self, output: Output) -> Result<Exit, Failure> {
        let is_trusted = self.key.is_some() || self.policy.is_some();
        let policy = is_trusted.then(|| self.policy()).transpose()?;
        let proved =
            tokio::task::spawn_blocking(move || bundle::prove(Path::new(&self.what), policy.as_ref())).await;
        let proved = proved.map_err(|error| cut_off(&error))??;
        bundle::tell(&proved, is_trusted, output)
    }

    fn prove(&self, handle: tokio::runtime::Handle) -> Result<Proved, Failure> {
        let policy = self.policy()?;
        if self.what.starts_with("http://") || self.what.starts_with("https://") {
            let remote = Remote::new(&self.what, handle)?;
            let checkpoint = remote.checkpoint().map_err(|error| unread(&self.what, &error))?;
            return whole(&checkpoint, &remote, &policy);
        }
        let path = Path::new(&self.what);
        if path.is_dir() {
            let folder = Folder::new(path);
            let checkpoint = folder.checkpoint().map_err(|error| unread(&self.what, &error))?;
            return whole(&checkpoint, &folder, &policy);
        }
        self.receipt(path, &policy)
    }

    fn policy(&self) -> Result<Policy, Failure> {
        let unusable = |error: &(dyn std::error::Error + 'static)| {
            Failure::new(Exit::Usage, "policy", "it is not said whom to believe")
                .because(error)
                .next("--key takes what `writethru notary key show` prints, --policy a file of c2sp.org/tlog-policy")
        };
        if let Some(file) = &self.policy {
            let text = fs::read(file).map_err(|error| unread(&file.display().to_string(), &error))?;
            return Policy::parse(&text).map_err(|error| unusable(&error));
        }
        let Some(key) = self.key.as_deref() else {
            return Err(Failure::new(Exit::Usage, "policy", "it is not said whom to believe").next(
                "--key takes what `writethru notary key show` prints, --policy a file of c2sp.org/tlog-policy",
            ));
        };
        let key = key.trim();
        let key: Result<VerifierKey, KeyError> = key.parse();
        let key = key.map_err(|error| unusable(&error))?;
        Policy::new(key, Vec::new(), 0).map_err(|error| unusable(&error))
    }

    fn receipt(&self, path: &Path, policy: &Policy) -> Result<Proved, Failure> {
        let bytes = fs::read(path).map_err(|error| unread(&self.what, &error))?;
        let receipt = Receipt::parse(&bytes)
            .map_err(|error| wrong(format!("{} is no receipt", self.what)).why(chain(&error)))?;
        let envelope = match &self.envelope {
            Some(file) => fs::read(file).map_err(|error| unread(&file.display().to_string(), &error))?,
            None if receipt.extra().is_empty() => {
                return Err(Failure::new(
                    Exit::Usage,
                    "envelope",
                    "the receipt does not say of which envelope it is",
                )
                .next(
                    "name the envelope's file with --envelope, or ask for the receipt with ?envelope=true",
                ));
            }
            None => receipt.extra().to_vec(),
        };
        let entry = Entry::of_envelope(&envelope)
            .map_err(|error| wrong("the envelope is none").why(chain(&error)))?;
        let endorsed = receipt.verify(&entry.hash(), policy);
        let endorsed = endorsed.map_err(|error| wrong("the receipt proves nothing").why(chain(&error)))?;
        let (index, checkpoint) = (Some(receipt.index()), receipt.checkpoint().clone());
        Ok(Proved { what: "receipt", checkpoint, endorsed, index, stories: None })
    }
}

/// Proves a whole log.
fn whole<R: LogReader>(checkpoint: &[u8], reader: &R, policy: &Policy) -> Result<Proved, Failure> {
    let checkpoint = SignedCheckpoint::parse(checkpoint)
        .map_err(|error| wrong("the checkpoint cannot be read").why(chain(&error)))?;
    let endorsed = policy.verify(&checkpoint);
    let endorsed =
        endorsed.map_err(|error| wrong("the checkpoint is not to be believed").why(chain(&error)))?;
    let bar = progress(checkpoint.checkpoint().size(), "verifying");
    let (mut chains, mut broken) = (Chains::default(), None);
    let audited = audit(checkpoint.checkpoint(), reader, 0, |index, entry| {
        bar.set_position(index + 1);
        if broken.is_none() {
            broken = chains.follow(index, entry).err();
        }
    });
    bar.finish_and_clear();
    if let Some(broken) = broken {
        return Err(wrong(broken));
    }
    audited.map_err(|fault| wrong("the log is not the one that was signed").why(chain(&fault)))?;
    Ok(Proved { what: "log", checkpoint, endorsed, index: None, stories: Some(chains.stories()) })
}

fn cut_off(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Exit::Failure, "verify", "the verification was cut off").because(error)
}

fn wrong(what: impl Into<String>) -> Failure {
    Failure::new(Exit::Differs, "not-verified", what)
        .next("keep what you have as it is, and compare it with another copy or with a witness")
}

fn unread(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::InputUnreadable, "unreadable", format!("cannot read {what}"))
        .because(error)
        .next("check the name; a log has a checkpoint, a folder of one a file with that name")
}
