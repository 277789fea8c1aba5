//! `restore`: a data dir made from a backup. It goes over nothing.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::manifest::{Entry, FILE, Manifest};
use super::{blocking, sweep};
use crate::commands::check;
use crate::event_log;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::up::data_dir::{DataDir, Paths};

/// The files that a backup may name.
const KNOWN: [&str; 2] = ["log.db", "registry.db"];
/// What a file is called while it is not whole.
const UNFINISHED: &str = ".restoring";

/// Options of `restore`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru restore-backup /backups/2026-11-23 --data ./newsroom   # a data dir that has no log yet\n  \
    writethru up --data ./newsroom                            # builds the views, tells NATS")]
pub(crate) struct Restore {
    /// Folder of the backup
    folder: PathBuf,
}

impl Restore {
    /// Copies the backup into the data dir, verifies it, and gives the log a new life.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let manifest = self.manifest()?;
        let held = DataDir::take(&session.settings.data)?;
        check_free(&held.paths)?;
        for entry in &manifest.files {
            self.bring(entry, &held.paths.root).await?;
        }
        // The registry first: a data dir with a log is complete.
        let mut names: Vec<&str> = manifest.files.iter().map(|entry| entry.name.as_str()).collect();
        names.sort_unstable_by_key(|name| *name == "log.db");
        let unfinished = Unfinished { paths: held.paths.clone() };
        event_log::renew(&unfinished.log()).await?;
        let records = check::log_at(&unfinished.log()).await?;
        if records != manifest.head {
            return Err(unlike(format!(
                "its log has {records} records, the manifest says {}",
                manifest.head
            )));
        }
        for name in names {
            let to = held.paths.root.join(name);
            fs::rename(unfinished.of(name), &to).map_err(|error| unwritten(&to, &error))?;
        }
        sweep(&held.paths.root, |name| name.contains(UNFINISHED))
            .map_err(|error| unwritten(&held.paths.root, &error))?;
        File::open(&held.paths.root)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| unwritten(&held.paths.root, &error))?;
        let data = held.paths.root.display();
        if session.output.json {
            session.output.json(&json!({
                "data": data.to_string(), "head": manifest.head, "backup_created": manifest.created, "verified": true,
            }))?;
        } else {
            session.output.line(format_args!(
                "{data}: {} records as of {}, verified. `writethru up --data {data}` builds the views; cursors \
                 from before are refused",
                manifest.head, manifest.created
            ))?;
        }
        Ok(Exit::Ok)
    }

    fn manifest(&self) -> Result<Manifest, Failure> {
        let manifest = Manifest::read(&self.folder).map_err(|error| {
            let what = format!("{} is no complete backup", self.folder.display());
            Failure::new(Exit::InputUnreadable, "no-backup", what)
                .because(&error)
                .next(format!("name a folder that `writethru backup` has written: it has a {FILE}"))
        })?;
        let stranger = manifest.files.iter().find(|entry| !KNOWN.contains(&entry.name.as_str()));
        if let Some(stranger) = stranger {
            return Err(unlike(format!("it names the file {:?}, which no backup has", stranger.name)));
        }
        if !manifest.files.iter().any(|entry| entry.name == "log.db") {
            return Err(unlike("it has no log".to_owned()));
        }
        Ok(manifest)
    }

    /// Copies one file beside its place, and sees that it is what the manifest says.
    async fn bring(&self, entry: &Entry, root: &Path) -> Result<(), Failure> {
        let (from, to) = (self.folder.join(&entry.name), root.join(format!("{}{UNFINISHED}", entry.name)));
        blocking(from, to.clone(), |from, to| copy_private(&from, &to))
            .await?
            .map_err(|error| unwritten(&to, &error))?;
        let found = Entry::of(&to).await.map_err(|error| unwritten(&to, &error))?;
        if (found.bytes, found.hash) != (entry.bytes, entry.hash) {
            // What is left is refused by no later run: it is written over.
            return Err(unlike(format!("{} is not as it was written", entry.name)));
        }
        Ok(())
    }
}

/// The files that are being restored.
struct Unfinished {
    paths: Paths,
}

impl Unfinished {
    fn of(&self, name: &str) -> PathBuf {
        self.paths.root.join(format!("{name}{UNFINISHED}"))
    }

    fn log(&self) -> PathBuf {
        self.of("log.db")
    }
}

/// Refuses a data dir that has something to lose.
fn check_free(paths: &Paths) -> Result<(), Failure> {
    let taken = [paths.log(), paths.registry()].into_iter().find(|file| file.exists());
    let Some(taken) = taken else { return Ok(()) };
    Err(Failure::new(Exit::Failure, "data-dir-not-empty", format!("{} is there already", taken.display()))
        .why("a restore never goes over anything")
        .next("restore into a new data dir: --data DIR"))
}

fn copy_private(from: &Path, to: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut target = options.open(to)?;
    io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()
}

fn unlike(why: String) -> Failure {
    Failure::new(Exit::Differs, "backup-damaged", "the backup is not what its manifest says")
        .why(why)
        .next("take another backup; nothing was put in place")
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Unavailable, "restore", format!("cannot bring {}", path.display()))
        .because(error)
        .next("see that the backup can be read and the disk has room, then try again")
}
