//! `check`: verifies a data dir without changing it, also while a server runs on it.
//!
//! Four things: the log's structure; every envelope's place in its story's chain and every state hash, by
//! replay; the transparency log, against its signed head and the records; and the views, against ones
//! built anew. The first fault is named.

use std::collections::HashMap;
use std::path::Path;

use clap::Args;
use log::{CheckError, Checked, EventLog, Position, Record};
use serde_json::json;
use story::StoryId;
use uuid::Uuid;
use wire::Chain;
use wire::http::RebuiltTable;

use crate::commands::rebuild::tables;
use crate::event_log;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::progress;
use crate::session::Session;
use crate::up::data_dir::Paths;
use crate::up::notarial;

/// Records read at a time.
const PAGE_RECORDS: usize = 1_024;

/// Options of `check`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru check                            # exit 0: everything verified; 4: the first fault is named\n  \
    writethru check --data ./newsroom --json")]
pub(crate) struct Check {
    /// Leave out the comparison of the views with a rebuild
    #[arg(long)]
    log_only: bool,
}

/// What the replay verified.
#[derive(Debug, Default)]
struct Replayed {
    records: u64,
    stories: u64,
    bytes: u64,
    erased: u64,
}

impl Check {
    /// Prints what was verified, or the first fault.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let data = &session.settings.data;
        let paths = Paths::new(data);
        let log = event_log::open_configured(&session.settings).await?;
        let output = session.output;
        let mut answer = json!({"data": data.display().to_string(), "head": log.head().0});

        let checked = structure(&log).await?;
        let replayed = replay(&log).await?;
        if !output.json {
            output.line(format_args!(
                "log: {} records in {} batches, as they were written, no hole, no command twice",
                checked.records, checked.batches
            ))?;
            output.line(format_args!(
                "envelopes: {} of {} stories, each in its place, every commitment and state hash right ({} bytes)",
                replayed.records, replayed.stories, replayed.bytes
            ))?;
            if replayed.erased > 0 {
                output.line(format_args!(
                    "erased: {} records have had words erased; their hashes hold",
                    replayed.erased
                ))?;
            }
        }
        answer["records"] = json!(replayed.records);
        answer["stories"] = json!(replayed.stories);
        answer["erased_records"] = json!(replayed.erased);
        let notarised = transparency(&log, session, &paths).await?;
        if !output.json {
            output.line(match &notarised {
                Some(head) => format!(
                    "transparency log: {} records under the signed head, every file and entry right",
                    head.size
                ),
                None => "transparency log: nothing was signed yet".to_owned(),
            })?;
        }
        answer["signed_records"] = json!(notarised.map_or(0, |head| head.size));
        if self.log_only || !paths.views().is_file() {
            if !output.json {
                output.line("views: not looked at")?;
            }
        } else {
            let views = views(&log, &paths).await?;
            if !output.json {
                output.line(format_args!("views: equal to a rebuild at position {}", views.0))?;
            }
            answer["views"] = json!({"position": views.0.0, "tables": views.1});
        }
        answer["verified"] = json!(true);
        if output.json {
            output.json(&answer)?;
        } else {
            output.line("verified")?;
        }
        Ok(Exit::Ok)
    }
}

/// Verifies the log of the configuration, structure and hashes, and returns how many records it has.
///
/// # Errors
/// The first fault.
pub(crate) async fn log_of(session: &Session) -> Result<u64, Failure> {
    let log = event_log::open_configured(&session.settings).await?;
    let verified = whole(&log).await;
    log.close().await;
    verified
}

/// Verifies the log at `path`, structure and hashes, and returns how many records it has.
///
/// # Errors
/// The first fault.
pub(crate) async fn log_at(path: &Path) -> Result<u64, Failure> {
    let log = event_log::open_to_read_at(path).await?;
    let verified = whole(&log).await;
    log.close().await;
    verified
}

async fn whole(log: &EventLog) -> Result<u64, Failure> {
    structure(log).await?;
    replay(log).await.map(|replayed| replayed.records)
}

fn fault(what: impl Into<String>) -> Failure {
    Failure::new(Exit::Differs, "not-verified", what)
        .next("keep a copy of the data dir as it is before anything else; restore from a backup to go on")
}

/// Verifies the log's own structure.
pub(crate) async fn structure(log: &EventLog) -> Result<Checked, Failure> {
    let bar = progress(log.head().0, "reading");
    let shown = bar.clone();
    let checked = log.check(move |reached, _| shown.set_position(reached.0)).await;
    bar.finish_and_clear();
    checked.map_err(|error| match &error {
        CheckError::Index { .. } => fault(error.to_string())
            .next("the log is whole: stop the server, delete the files log.db.index* and start it again"),
        CheckError::Damaged { .. } => fault(error.to_string()),
        CheckError::Unavailable { .. } => Failure::new(Exit::Unavailable, "log", "cannot read the event log")
            .because(&error)
            .next("try again"),
    })
}

/// Replays the whole log and verifies every record.
async fn replay(log: &EventLog) -> Result<Replayed, Failure> {
    let head = log.head();
    let bar = progress(head.0, "replaying");
    let mut chains: HashMap<StoryId, Chain> = HashMap::new();
    let mut replayed = Replayed::default();
    let mut position = Position::ZERO;
    while position < head {
        let records = log
            .read(position.next(), PAGE_RECORDS)
            .await
            .map_err(|error| fault("the log cannot be read to its end").because(&error))?;
        for record in &records {
            if record.position != position.next() {
                return Err(fault(format!("position {} is missing", position.next())));
            }
            position = record.position;
            verify(record, &mut chains)?;
            replayed.records += 1;
            replayed.bytes += (record.envelope.len() + record.disclosures.len()) as u64;
        }
        if records.is_empty() {
            return Err(fault(format!("the log ends at position {position}, its head is {head}")));
        }
        bar.set_position(position.0);
    }
    bar.finish_and_clear();
    replayed.stories = chains.len() as u64;
    Ok(replayed)
}

fn verify(record: &Record, chains: &mut HashMap<StoryId, Chain>) -> Result<(), Failure> {
    let story = StoryId::new(Uuid::from_bytes(record.story.0));
    let place = format!("position {} (story {story}, revision {})", record.position, record.revision);
    let folded = chains.entry(story).or_insert_with(|| Chain::new(story));
    self::record(record, folded).map_err(|why| fault(format!("{place} does not verify")).why(why))
}

/// Verifies the record that follows on `chain`: its form, its place, its words and the state it leads to.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn record(record: &Record, chain: &mut Chain) -> Result<(), String> {
    match chain.open(&record.envelope, &record.disclosures) {
        Ok(opened) if opened.event.revision.get() != record.revision => {
            Err(format!("it holds the envelope of revision {}", opened.event.revision))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(crate::failure::chain(&error)),
    }
}

/// Verifies the transparency log: its signed head, every file below it, and every entry against its record.
async fn transparency(
    log: &EventLog,
    session: &Session,
    paths: &Paths,
) -> Result<Option<notary::Audited>, Failure> {
    let options = notarial::options(&session.settings, paths);
    notary::check_files(&options, log).await.map_err(|why| {
        Failure::new(Exit::Differs, "not-verified", "the transparency log does not verify").why(why).next(
            "the files in tlog are made again from the log: stop the service, move the folder tlog away, start it; \
             if it signs nothing then, /readyz says why",
        )
    })
}

/// Compares the views with ones built anew.
async fn views(log: &EventLog, paths: &Paths) -> Result<(Position, Vec<RebuiltTable>), Failure> {
    let bar = progress(log.head().0, "comparing views");
    let shown = bar.clone();
    let report = projector::Progress::new(move |reached, _| shown.set_position(reached.0));
    let compared = projector::compare(log, &paths.views(), report).await;
    bar.finish_and_clear();
    let compared = compared.map_err(|error| match &error {
        projector::RebuildError::Damaged { .. } => {
            Failure::new(Exit::Differs, "views-damaged", error.to_string()).next(
                "the log is sound: stop the service, delete the files views.db* and start it: they are built again",
            )
        }
        _ => fault("the views cannot be compared").because(&error),
    })?;
    if let Some(table) = compared.tables.iter().find(|table| !table.equal) {
        return Err(Failure::new(
            Exit::Differs,
            "views-differ",
            format!("the views are not what the log says: table {} differs", table.table),
        )
        .why(format!("{} rows stand there, {} should", table.live_rows, table.built_rows))
        .next("the log is sound: `writethru rebuild` puts the views right"));
    }
    Ok((compared.position, tables(&compared)))
}
