//! Reading history: any revision of a story that has thousands, and who wrote what in a long one.
//!
//! The service is a process of its own and is asked over HTTP, one question after the other, each answer
//! read to its last byte. The revisions are asked for in no order, so that neighbours help nobody. The
//! peer is the same connection with a question that reads nothing.

use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use super::report::times;
use super::service::Service;
use super::timings::{Spread, Timings};
use super::{broken, load};
use crate::failure::Failure;
use crate::output::say;

/// Questions of each kind.
const QUESTIONS: usize = 500;
/// A prime: steps of it go through revisions in no order.
const STEP: usize = 7_919;
/// Paragraphs of the long story: more than 10,000 words.
const LONG_PARAGRAPHS: usize = 40;
/// Edits of the long story.
const LONG_EDITS: usize = 100;

/// What was measured. `--json` prints it as it is.
#[derive(Debug, Serialize)]
pub(crate) struct HistoryReport {
    version: &'static str,
    cores: usize,
    /// Revisions of the story whose history is read.
    revisions: usize,
    /// Bytes of one of them, as it is answered.
    revision_bytes: usize,
    /// A question that reads nothing, over the same connection.
    nothing: Spread,
    /// The newest revision.
    newest: Spread,
    /// Any revision.
    any: Spread,
    /// Any revision and what it changed.
    diff: Spread,
    /// Words of the long story.
    words: usize,
    /// Its edits.
    edits: usize,
    /// Bytes of the answer that says who wrote what in it.
    blame_bytes: usize,
    /// Who wrote what in it.
    blame: Spread,
}

/// Measures a story of `revisions`, in a folder under `dir`.
///
/// # Errors
/// The service does not start, or does not answer.
pub(crate) async fn measure(revisions: usize, dir: &Path) -> Result<HistoryReport, Failure> {
    let folder = tempfile::Builder::new().prefix("writethru-bench-").tempdir_in(dir);
    let folder = folder.map_err(|error| broken("the folder cannot be written", &error))?;
    let mut service = Service::start(folder.path()).await?;
    say(format_args!("filing {revisions} revisions"));
    for number in 0..revisions {
        service.push("bench", load::text(number)).await?;
    }
    for number in 0..=LONG_EDITS {
        service.push("long", load::text_of(LONG_PARAGRAPHS, number)).await?;
    }
    say("reading them");
    let any = |turn: usize| turn * STEP % revisions + 1;
    let (nothing, _) = read(&service, |_| "/livez".to_owned()).await?;
    let (newest, _) = read(&service, |_| "/v1/stories/bench".to_owned()).await?;
    let revision = |turn| format!("/v1/stories/bench?as_of=rev:{}", any(turn));
    let (any_revision, revision_bytes) = read(&service, revision).await?;
    let two = |turn| format!("/v1/stories/bench/diff?from={}&to={}", any(turn), any(turn + 1));
    let (diff, _) = read(&service, two).await?;
    let (blame, blame_bytes) = read(&service, |_| "/v1/stories/long/blame".to_owned()).await?;
    service.kill().await?;
    Ok(HistoryReport {
        version: env!("CARGO_PKG_VERSION"),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        revisions,
        revision_bytes,
        nothing,
        newest,
        any: any_revision,
        diff,
        words: load::text_of(LONG_PARAGRAPHS, LONG_EDITS).split_whitespace().count(),
        edits: LONG_EDITS,
        blame_bytes,
        blame,
    })
}

/// Asks [`QUESTIONS`] times; returns how long answers took, and the bytes of the last.
async fn read(service: &Service, path: impl Fn(usize) -> String) -> Result<(Spread, usize), Failure> {
    let (mut timings, mut bytes) = (Timings::default(), 0);
    for turn in 0..QUESTIONS {
        let path = path(turn);
        let began = Instant::now();
        bytes = service.read(&path).await?;
        timings.add(began.elapsed());
    }
    Ok((timings.spread(), bytes))
}

impl HistoryReport {
    /// Returns the report as people read it.
    pub(crate) fn lines(&self) -> Vec<String> {
        vec![
            format!("a story of {} revisions, {} bytes each", self.revisions, self.revision_bytes),
            format!("  nothing (/livez)       {}", times(&self.nothing)),
            format!("  newest revision        {}", times(&self.newest)),
            format!("  any revision           {}", times(&self.any)),
            format!("  any two, and their difference {}", times(&self.diff)),
            format!("a story of {} words after {} edits", self.words, self.edits),
            format!("  blame, {} bytes     {}", self.blame_bytes, times(&self.blame)),
        ]
    }
}
