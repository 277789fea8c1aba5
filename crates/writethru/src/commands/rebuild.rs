//! `rebuild`: the views, built anew from the log.

use std::time::Duration;

use clap::Args;
use wire::http::{RebuiltTable, RebuiltViews};

use crate::config::LogChoice;
use crate::discovery::Run;
use crate::event_log;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::progress;
use crate::session::Session;
use crate::up::data_dir::{DataDir, Paths, is_held};

/// How long a running server may take to rebuild.
const REBUILD_MAX: Duration = Duration::from_hours(24);

/// Options of `rebuild`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru rebuild                          # through the server if one runs, else directly\n  \
    writethru rebuild --json | jq .equal")]
pub(crate) struct Rebuild {}

impl Rebuild {
    /// Builds the views anew and says whether the old ones were what the log says.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let data = &session.settings.data;
        let held = is_held(&Paths::new(data)).unwrap_or(false);
        let answer = if session.settings.url.is_some() || (held && Run::read(data)?.is_some()) {
            session.api()?.command::<RebuiltViews>(&["v1", "admin", "rebuild"], REBUILD_MAX).await?
        } else {
            directly(session).await?
        };
        if session.output.json {
            session.output.json(&answer)?;
        } else {
            let verdict = if answer.equal { "the old ones were equal" } else { "the old ones DIFFERED" };
            let position = answer.position;
            session.output.line(format_args!("views rebuilt up to position {position}; {verdict}"))?;
        }
        Ok(if answer.equal { Exit::Ok } else { Exit::Differs })
    }
}

/// Rebuilds the views of a data dir on which nothing runs.
async fn directly(session: &Session) -> Result<RebuiltViews, Failure> {
    let settings = &session.settings;
    if settings.event_log == LogChoice::File {
        event_log::must_exist(&settings.data)?;
    }
    let held = DataDir::take(&settings.data)?;
    let log = match settings.event_log {
        LogChoice::File => event_log::open_existing(&held.paths).await?,
        LogChoice::Stream { .. } => event_log::open_configured(settings).await?,
    };
    let bar = progress(log.head().0, "rebuilding");
    let shown = bar.clone();
    let report = projector::Progress::new(move |reached, _| shown.set_position(reached.0));
    let rebuilt = projector::rebuild(&log, &held.paths.views(), report).await;
    bar.finish_and_clear();
    log.close().await;
    let rebuilt = rebuilt.map_err(|error| {
        Failure::new(Exit::Failure, "rebuild", "the views were not rebuilt; the old ones are as they were")
            .because(&error)
            .next("look at what is named here, then run `writethru doctor`")
    })?;
    Ok(RebuiltViews { position: rebuilt.position.0, equal: rebuilt.is_equal(), tables: tables(&rebuilt) })
}

/// Returns how each table fared, in the words of the API.
pub(crate) fn tables(rebuilt: &projector::Rebuilt) -> Vec<RebuiltTable> {
    let table = |table: &projector::Comparison| RebuiltTable {
        table: table.table.to_owned(),
        rows: table.live_rows,
        rebuilt_rows: table.built_rows,
        equal: table.equal,
    };
    rebuilt.tables.iter().map(table).collect()
}
