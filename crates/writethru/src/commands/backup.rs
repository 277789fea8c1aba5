//! `backup` and `restore`: a copy of a data dir that can be taken while a server runs on it, and a data
//! dir made from one.
//!
//! What is copied is what cannot be made again: the log and the registry. The views, NATS' streams and
//! the indexes follow from the log.

mod manifest;
mod restore;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use log::{EventLog, Options};
use serde_json::json;

use self::manifest::{Entry, FILE, Manifest};
use crate::commands::check;
use crate::commands::log::transfer::Transfer;
use crate::config::LogChoice;
use crate::event_log;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::progress;
use crate::session::Session;
use crate::up::data_dir::Paths;

pub(crate) use restore::Restore;

/// Options of `backup`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru backup /backups/2026-11-23       # also while a server runs; the folder must be new or empty\n  \
    writethru backup /backups/latest --json | jq .head\n  \
    writethru restore-backup /backups/2026-11-23 --data ./newsroom")]
pub(crate) struct Backup {
    /// Folder to write to: it must be empty, or not exist yet
    folder: PathBuf,
    /// Leave out the verification of the copy
    #[arg(long)]
    no_check: bool,
}

impl Backup {
    /// Copies the log and the registry, verifies the copy, and writes down what it holds.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let data = &session.settings.data;
        let (from, to) = (Paths::new(data), Paths::new(&self.folder));
        let copied = match session.settings.event_log {
            LogChoice::File => {
                event_log::must_exist(data)?;
                make_empty(&self.folder)?;
                copy_log(from.log(), to.log()).await?
            }
            LogChoice::Stream { .. } => {
                let log = event_log::open_configured(&session.settings).await?;
                make_empty(&self.folder)?;
                let copied = copy_shared_log(&log, &to.log()).await;
                log.close().await;
                copied?
            }
        };
        let mut files = vec![to.log()];
        if from.registry().is_file() {
            blocking(from.registry(), to.registry(), |from, to| registry::copy(&from, &to))
                .await?
                .map_err(|error| uncopied(&error))?;
            files.push(to.registry());
        }
        let checked = if self.no_check { None } else { Some(check::log_at(&to.log()).await?) };
        sweep(&self.folder, |name| !files.iter().any(|file| file.ends_with(name)))
            .map_err(|error| uncopied(&error))?;
        let mut entries = Vec::new();
        for file in &files {
            entries.push(Entry::of(file).await.map_err(|error| uncopied(&error))?);
        }
        let manifest = Manifest {
            format: manifest::FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created: Timestamp::now(),
            epoch: copied.epoch.0,
            head: copied.head.0,
            files: entries,
        };
        manifest.write(&self.folder).map_err(|error| uncopied(&error))?;
        self.tell(session, &manifest, checked)
    }

    fn tell(&self, session: &Session, manifest: &Manifest, checked: Option<u64>) -> Result<Exit, Failure> {
        let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
        if session.output.json {
            session.output.json(&json!({
                "folder": self.folder.display().to_string(),
                "head": manifest.head,
                "files": manifest.files,
                "bytes": bytes,
                "verified": checked.is_some(),
            }))?;
        } else {
            let verified = if checked.is_some() { "verified" } else { "not verified" };
            let folder = self.folder.display();
            session.output.line(format_args!(
                "{folder}: {} records, {bytes} bytes, {verified}; it holds text that was never published: keep it \
                 as safe as the data dir",
                manifest.head
            ))?;
        }
        Ok(Exit::Ok)
    }
}

/// Copies the log, with a progress bar.
async fn copy_log(from: PathBuf, to: PathBuf) -> Result<log::Copied, Failure> {
    let bar = progress(0, "copying");
    let shown = bar.clone();
    let copied = blocking(from, to, move |from, to| {
        log::copy(&from, &to, |copied, pages| {
            shown.set_length(pages);
            shown.set_position(copied);
        })
    })
    .await?;
    bar.finish_and_clear();
    copied.map_err(|error| uncopied(&error))
}

/// Copies a log that is on NATS into a file, up to the head that it has when this begins, and compares
/// the two.
async fn copy_shared_log(from: &EventLog, to: &Path) -> Result<log::Copied, Failure> {
    let options = Options { new_epoch: from.epoch(), create: true, read_only: false };
    let copy = EventLog::open(to, options).await.map_err(|error| uncopied(&error))?;
    let transfer = Transfer { from, to: &copy };
    let copied = async {
        transfer.copy().await?;
        transfer.verify().await
    };
    let copied = copied.await;
    copy.close().await;
    let copied = copied?;
    let (epoch, path) = (copied.epoch, to.to_owned());
    let settled = tokio::task::spawn_blocking(move || log::renew(&path, epoch)).await;
    settled.map_err(|error| uncopied(&error))?.map_err(|error| uncopied(&error))?;
    Ok(log::Copied { epoch, head: copied.head })
}

/// Runs `work`, which blocks, where that disturbs nobody.
async fn blocking<T: Send + 'static>(
    from: PathBuf,
    to: PathBuf,
    work: impl FnOnce(PathBuf, PathBuf) -> T + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(move || work(from, to)).await;
    done.map_err(|error| uncopied(&error))
}

/// Makes `folder`, closed to others, unless it is there and empty.
fn make_empty(folder: &Path) -> Result<(), Failure> {
    let unusable = |error: &std::io::Error| {
        Failure::new(Exit::Unavailable, "backup", format!("cannot use the folder {}", folder.display()))
            .because(error)
            .next("choose another folder")
    };
    crate::up::data_dir::make(folder).map_err(|error| unusable(&error))?;
    let is_empty = fs::read_dir(folder).map_err(|error| unusable(&error))?.next().is_none();
    if is_empty {
        return Ok(());
    }
    Err(Failure::new(Exit::Failure, "not-empty", format!("{} is not empty", folder.display()))
        .why("a backup never goes over anything")
        .next(format!("choose a new folder; a backup is complete if it has {FILE}")))
}

/// Deletes the files of `folder` that `is_left` knows by name: what SQLite leaves beside a file that was
/// only read.
fn sweep(folder: &Path, is_left: impl Fn(&str) -> bool) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&is_left) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn uncopied(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Exit::Failure, "backup", "the backup is not complete")
        .because(error)
        .next("delete the folder and try again, with enough room on its disk")
}
