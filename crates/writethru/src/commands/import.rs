//! `import`: whole histories, one full state a line, one file a story.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use formats::{History, State};
use futures::stream::{self, StreamExt};
use indicatif::ProgressBar;
use serde_json::json;
use story::{Desk, Slug, StoryId};
use wire::http::Pushed;

use crate::api::{Api, Filing};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::history::{filing, next_line};
use crate::output::{Output, progress, say};
use crate::session::Session;

/// How often a filing is sent again when the service cannot answer.
const TRIES_MAX: u32 = 8;
/// Pause before the second try; it doubles.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// Options of `import`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru import stories/*.jsonl --desk world\n  \
    writethru import harvey.jsonl --desk weather --json | tail -1")]
pub(crate) struct Import {
    /// One file a story, one full state a line; the file's name is the slug
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Desk for stories that are new
    #[arg(long, value_name = "DESK")]
    desk: Option<Desk>,
    /// Files read at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
}

/// What one file came to.
#[derive(Debug, Default)]
struct Tally {
    states: u64,
    added: u64,
    unchanged: u64,
    repeated: u64,
    failure: Option<Failure>,
}

/// What became of one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    /// A revision.
    Added,
    /// Nothing: the story says so already.
    Unchanged,
    /// Nothing: this line was imported before.
    Repeated,
}

impl Tally {
    fn count(&mut self, became: Became) {
        self.states += 1;
        match became {
            Became::Added => self.added += 1,
            Became::Unchanged => self.unchanged += 1,
            Became::Repeated => self.repeated += 1,
        }
    }
}

/// The state filed last: what a following line is compared with.
struct Last {
    copy: story::Copy,
    story: StoryId,
    revision: u64,
}

impl Import {
    /// Files every line of every file; a bad line stops its file, the others go on.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let stories = self.stories()?;
        let api = session.api()?;
        let bytes = self.files.iter().filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum();
        let bar = progress(bytes, "importing");
        let work = stories.into_iter().map(|(file, slug)| {
            let importer = Importer {
                api: api.clone(),
                output: session.output,
                bar: bar.clone(),
                desk: self.desk.clone(),
                file,
                slug,
            };
            importer.run()
        });
        let tallies: Vec<Tally> = stream::iter(work).buffer_unordered(usize::from(self.jobs)).collect().await;
        bar.finish_and_clear();
        Ok(summary(&tallies, session.output))
    }

    /// Returns each file with the slug that its name is.
    fn stories(&self) -> Result<Vec<(PathBuf, Slug)>, Failure> {
        let mut stories: Vec<(PathBuf, Slug)> = Vec::new();
        for file in &self.files {
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let slug: Slug = stem.parse().map_err(|error: story::IdentityError| {
                Failure::new(Exit::BadData, "bad-slug", format!("{} names no story", file.display()))
                    .because(&error)
                    .next("rename the file: its name without .jsonl is the slug")
            })?;
            if let Some((other, _)) = stories.iter().find(|(_, taken)| *taken == slug) {
                let what = format!("{} and {} are the same story", other.display(), file.display());
                return Err(
                    Failure::new(Exit::Usage, "same-slug", what).next("import them one after the other")
                );
            }
            stories.push((file.clone(), slug));
        }
        Ok(stories)
    }
}

/// One file on its way.
struct Importer {
    api: Api,
    output: Output,
    bar: ProgressBar,
    desk: Option<Desk>,
    file: PathBuf,
    slug: Slug,
}

impl Importer {
    async fn run(self) -> Tally {
        let mut tally = Tally::default();
        if let Err(failure) = self.file_lines(&mut tally).await {
            // Said at once: the other files may take long.
            self.bar.suspend(|| failure.report(self.output.json));
            tally.failure = Some(failure);
        }
        tally
    }

    async fn file_lines(&self, tally: &mut Tally) -> Result<(), Failure> {
        let mut input =
            BufReader::new(File::open(&self.file).map_err(|error| unreadable(&self.file, &error))?);
        let mut history = History::new();
        let mut last: Option<Last> = None;
        let mut number = 0_u64;
        while let Some(line) = next_line(&mut input).map_err(|error| unreadable(&self.file, &error))? {
            number += 1;
            let state = history.read(&line).map_err(|error| self.bad_line(&error))?;
            if let Some(state) = state {
                let filed = self.file_state(&state, &line, last.as_ref()).await;
                let (filed, became) =
                    filed.map_err(|failure| failure.at(format!("{}:{number}", self.file.display())))?;
                tally.count(became);
                self.report(number, &filed, became)?;
                last = Some(filed);
            }
            self.bar.inc(line.len() as u64 + 1);
        }
        if number == 0 {
            return Err(Failure::new(Exit::BadData, "empty", format!("{} is empty", self.file.display()))
                .next("a history has one state a line, as JSON"));
        }
        Ok(())
    }

    async fn file_state(
        &self,
        state: &State,
        line: &[u8],
        last: Option<&Last>,
    ) -> Result<(Last, Became), Failure> {
        let copy = state.intake.copy.clone();
        if let Some(last) = last.filter(|last| last.copy == copy) {
            return Ok((Last { copy, ..*last }, Became::Unchanged));
        }
        let pushed = send(&self.api, &filing(&self.slug, self.desk.as_ref(), state, line)).await?;
        let became = match (pushed.repeated, pushed.changed) {
            (true, _) => Became::Repeated,
            (false, true) => Became::Added,
            (false, false) => Became::Unchanged,
        };
        Ok((Last { copy, story: pushed.story, revision: pushed.revision.get() }, became))
    }

    fn report(&self, line: u64, filed: &Last, became: Became) -> Result<(), Failure> {
        if !self.output.json {
            return Ok(());
        }
        self.output.json(&json!({
            "file": self.file.display().to_string(),
            "line": line,
            "story": filed.story,
            "revision": filed.revision,
            "changed": became == Became::Added,
        }))
    }

    fn bad_line(&self, error: &formats::IntakeError) -> Failure {
        let (place, reason) = match error {
            formats::IntakeError::Line { number, source } => {
                (format!("{}:{number}", self.file.display()), chain(&**source))
            }
            other => (self.file.display().to_string(), chain(other)),
        };
        Failure::new(Exit::BadData, "bad-line", "this line is no state of a story")
            .at(place)
            .why(reason)
            .next("mend the line and import the file again: lines that are in already are not added twice")
    }
}

/// Sends a filing, again if the service cannot answer: its key makes that harmless.
///
/// # Errors
/// The service refuses it, or cannot answer for long.
pub(crate) async fn send(api: &Api, filing: &Filing) -> Result<Pushed, Failure> {
    let mut pause = PAUSE_MIN;
    for _ in 1..TRIES_MAX {
        match api.file(filing).await {
            Err(failure) if failure.exit() == Exit::Unavailable => tokio::time::sleep(pause).await,
            answer => return answer?.done(),
        }
        pause *= 2;
    }
    api.file(filing).await?.done()
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::InputUnreadable, "input-unreadable", format!("cannot read {}", file.display()))
        .because(error)
        .next("check the name and the permissions")
}

fn summary(tallies: &[Tally], output: Output) -> Exit {
    let sum = |count: fn(&Tally) -> u64| tallies.iter().map(count).sum::<u64>();
    let failed: Vec<Exit> =
        tallies.iter().filter_map(|tally| tally.failure.as_ref()).map(Failure::exit).collect();
    if !output.json {
        say(format_args!(
            "{} stories, {} states: {} revisions added, {} unchanged, {} in already{}",
            tallies.len() - failed.len(),
            sum(|tally| tally.states),
            sum(|tally| tally.added),
            sum(|tally| tally.unchanged),
            sum(|tally| tally.repeated),
            if failed.is_empty() { String::new() } else { format!("; {} files stopped", failed.len()) }
        ));
    }
    // Bad data is what a person must mend; say that first.
    let first = failed.iter().find(|exit| **exit == Exit::BadData).or(failed.first());
    first.copied().unwrap_or(Exit::Ok)
}
