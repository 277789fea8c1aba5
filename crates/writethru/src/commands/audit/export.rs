//! `audit export`: stories with what proves them, in one file for whoever does not trust us. Works on the data
//! dir, with a service running or not, and records who took what before the file is there.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use evidence::{ExportError, Level, Source, SourceRecord};
use jiff::Timestamp;
use log::{EventLog, StoryKey};
use projector::{View, Views};
use registry::{NewExport, Note, OWNER, OpenError};
use reqwest::Method;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use story::{Slug, StoryId};
use wire::http::{ExportBody, ExportView};

use crate::api::{Ask, Reply};
use crate::event_log::{self, OnNats};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::up::data_dir::Paths;
use crate::up::{notarial, people};

/// Records of a story read at a time.
const PAGE_RECORDS: usize = 512;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru audit export harvey --level public --to harvey.zip     # what readers saw, for anybody\n  \
    writethru audit export budget fire --level full --to case.zip --recipient \"Court of Appeal\"\n  \
    writethru verify harvey.zip                # whoever has the file; exit 4 if a byte was changed")]
pub(super) struct Export {
    /// The stories: slugs or ids
    #[arg(value_name = "STORY", required = true)]
    stories: Vec<Slug>,
    /// How much it tells: what readers saw and may still see; all but what redactions hide; all that exists
    #[arg(long, value_name = "LEVEL", value_enum)]
    level: Told,
    /// The file to write; never one that is there
    #[arg(long, value_name = "FILE.zip")]
    to: PathBuf,
    /// Who gets it, for the record
    #[arg(long, value_name = "NAME")]
    recipient: Option<Note>,
}

/// How much a bundle tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Told {
    /// What readers saw and may still see.
    Public,
    /// Everything but what redactions hide.
    Redacted,
    /// Everything that exists.
    Full,
}

impl From<Told> for Level {
    fn from(told: Told) -> Self {
        match told {
            Told::Public => Self::Public,
            Told::Redacted => Self::Redacted,
            Told::Full => Self::Full,
        }
    }
}

impl Export {
    /// Writes the bundle and prints what it is.
    pub(super) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        if self.to.exists() {
            return Err(taken(&self.to));
        }
        let paths = Paths::new(&session.settings.data);
        let log = event_log::open_configured(&session.settings).await?;
        let made = self.make(session, &paths, &log).await;
        log.close().await;
        let Made { bundle, stories, revisions } = made?;
        let digest = Sha256::digest(&bundle).iter().fold(String::new(), |digits, byte| digits + &hex(*byte));
        let recorded = ExportBody {
            level: Level::from(self.level).to_string(),
            stories: stories.clone(),
            sha256: digest.clone(),
            bytes: bundle.len() as u64,
            recipient: self.recipient.as_ref().map(ToString::to_string),
        };
        let number = self.record(session, &paths, recorded).await?;
        let to = self.to.clone();
        let bytes = bundle.len();
        let written = tokio::task::spawn_blocking(move || write(&to, &bundle)).await;
        written.map_err(|error| failed("the file was not written").because(&error))?.map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return taken(&self.to);
            }
            failed("the file was not written").because(&error).next("choose another place, with room for it")
        })?;
        self.tell(session, (bytes, &digest), (&stories, revisions), number)
    }

    fn tell(
        &self,
        session: &Session,
        (bytes, digest): (usize, &str),
        (stories, revisions): (&[StoryId], usize),
        number: u64,
    ) -> Result<Exit, Failure> {
        let (file, level) = (self.to.display(), Level::from(self.level));
        if session.output.json {
            session.output.json(&json!({
                "file": file.to_string(), "level": level.as_str(), "bytes": bytes, "sha256": digest,
                "stories": stories, "revisions": revisions, "export": number,
            }))?;
            return Ok(Exit::Ok);
        }
        session.output.line(format_args!(
            "{file}: {level}, {} stories, {revisions} revisions, {bytes} bytes",
            stories.len()
        ))?;
        session.output.line(format_args!("sha256 {digest}"))?;
        session.output.line(format_args!("recorded as export {number}"))?;
        Ok(Exit::Ok)
    }

    /// Records the export and returns its number: in the registry of the data dir, or through the service
    /// that has it. Without that there is no export.
    async fn record(&self, session: &Session, paths: &Paths, body: ExportBody) -> Result<u64, Failure> {
        let unrecorded = |error: &(dyn std::error::Error + 'static)| {
            failed("it could not be recorded who takes text, so nothing was written").because(error)
        };
        let on_nats = OnNats::of(&session.settings, None)?;
        let registry = match people::open_file(&paths.registry(), on_nats.as_ref()).await? {
            Ok(registry) => registry,
            Err(OpenError::InUse { .. }) => {
                let ask = Ask::new(Method::POST, &["v1", "audit", "exports"]).json(&json!(body));
                let reply: Reply<ExportView> = session.api()?.ask(ask).await?;
                return reply.done().map(|recorded| recorded.export);
            }
            Err(error) => return Err(unrecorded(&error)),
        };
        let new = NewExport {
            by: OWNER.parse().map_err(|_| failed("who holds the data dir has no id"))?,
            recipient: self.recipient.clone(),
            level: body.level,
            stories: body.stories,
            digest: body.sha256,
            bytes: body.bytes,
        };
        let recorded = registry.record_export(new, Timestamp::now()).await;
        registry.close().await;
        recorded.map_err(|error| unrecorded(&error))
    }

    async fn make(&self, session: &Session, paths: &Paths, log: &EventLog) -> Result<Made, Failure> {
        let (options, epoch) = (notarial::options(&session.settings, paths), log.epoch());
        let read = tokio::task::spawn_blocking(move || {
            let key = notary::verifier_key(&options, epoch)?;
            Ok::<_, String>((key, notary::snapshot(&options, epoch)?, options.witnesses))
        });
        let read = read.await.map_err(|error| failed("it was cut off").because(&error))?;
        let unsigned = |why: String| {
            Failure::new(Exit::Unavailable, "not-signed", "there is no signed head to prove anything with")
                .why(why)
                .next("start the service once: it signs what is in the log")
        };
        let (key, snapshot, witnesses) = read.map_err(unsigned)?;
        let snapshot = snapshot.ok_or_else(|| unsigned("nothing was ever signed".to_owned()))?;
        let size = snapshot.head().checkpoint().size();
        let mut stories = Vec::with_capacity(self.stories.len());
        for name in &self.stories {
            let id = named(paths, name).await?;
            if stories.iter().all(|(known, _)| *known != id) {
                stories.push((id, records(log, id, size).await?));
            }
        }
        let witnesses = witnesses.into_iter().map(|witness| witness.key).collect();
        let (ids, revisions) =
            (stories.iter().map(|(id, _)| *id).collect(), stories.iter().map(|(_, all)| all.len()).sum());
        let level = self.level.into();
        let bundle = tokio::task::spawn_blocking(move || {
            let head = snapshot.head().clone();
            evidence::export(&Source { level, log: key, witnesses, head, files: &snapshot, stories })
        });
        let bundle = bundle.await.map_err(|error| failed("it was cut off").because(&error))?;
        Ok(Made { bundle: bundle.map_err(|error| unmade(&error))?, stories: ids, revisions })
    }
}

/// A bundle that is not written yet.
struct Made {
    bundle: Vec<u8>,
    stories: Vec<StoryId>,
    revisions: usize,
}

/// Returns the story that `name` names.
async fn named(paths: &Paths, name: &Slug) -> Result<StoryId, Failure> {
    if let Ok(id) = name.as_str().parse() {
        return Ok(id);
    }
    let unread = |error: &(dyn std::error::Error + 'static)| {
        Failure::new(Exit::Unavailable, "views", format!("cannot look up the slug {name}"))
            .because(error)
            .next("name the story by its id, or make the views again: writethru rebuild")
    };
    let views = Views::open_read_only(&paths.views()).map_err(|error| unread(&error))?;
    let found = views.resolve(name.as_str(), View::Desk).await.map_err(|error| unread(&error))?;
    found.ok_or_else(|| {
        Failure::new(Exit::Failure, "not-found", format!("there is no story {name}"))
            .next("list them: writethru list")
    })
}

/// Returns the records of a story that are under a head over `size` entries.
async fn records(log: &EventLog, story: StoryId, size: u64) -> Result<Vec<SourceRecord>, Failure> {
    let mut records: Vec<SourceRecord> = Vec::new();
    loop {
        let from = records.len() as u64 + 1;
        let page = log.read_story(StoryKey(*story.as_bytes()), from, PAGE_RECORDS).await;
        let page = page.map_err(|error| {
            Failure::new(Exit::Unavailable, "log", "cannot read the event log")
                .because(&error)
                .next("try again")
        })?;
        let under = page.iter().take_while(|record| record.position.0 <= size);
        let before = records.len();
        records.extend(under.map(|record| SourceRecord {
            index: record.position.0.saturating_sub(1),
            envelope: record.envelope.to_vec(),
            disclosures: record.disclosures.to_vec(),
        }));
        if records.len() == before || records.len() - before < page.len() {
            return Ok(records);
        }
    }
}

/// Writes a new file that only its owner may read, whole; returns once it is synced.
fn write(to: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(to)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.inspect_err(|_| drop(std::fs::remove_file(to)))
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}")
}

fn failed(what: &str) -> Failure {
    Failure::new(Exit::Failure, "export", what)
}

fn taken(to: &Path) -> Failure {
    Failure::new(Exit::Failure, "exists", format!("{} is there already", to.display()))
        .next("choose another name: nothing is written over")
}

fn unmade(error: &ExportError) -> Failure {
    let (exit, next) = match error {
        ExportError::NoRecord { .. } => {
            (Exit::Failure, "check the name; what was filed a moment ago is signed in a moment")
        }
        ExportError::TooMuch { .. } => (Exit::BadData, "export fewer stories at once"),
        ExportError::Unproved { .. } => (Exit::Differs, "`writethru check` says what is damaged"),
    };
    Failure::new(exit, "export", "there is no bundle").because(error).next(next)
}
