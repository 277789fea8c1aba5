//! `push`: copy goes to the desk.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use story::{ActorId, CommandKey, Desk, Kind, Level, Slug};
use uuid::Uuid;
use wire::http::Pushed;

use crate::api::{Filing, Query};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, say};
use crate::session::Session;
use crate::words::{Words, matters};

/// Most bytes of copy that are read; the server's own limit is lower and named by it.
const COPY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Options of `push`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru push story.md --slug ceasefire --desk world\n  \
    writethru push story.md --story ceasefire --note \"Adds toll\" --expect 3\n  \
    writethru push story.md --story ceasefire --dry-run       # see the changes, file nothing\n  \
    cat story.json | writethru push - --slug ceasefire --desk world --json")]
pub(crate) struct Push {
    /// The copy: text or Markdown (headline, blank line, paragraphs), copy JSON, ninjs; - is stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The story it goes to, by slug or id: it must exist
    #[arg(long, value_name = "STORY", conflicts_with = "slug")]
    story: Option<Slug>,
    /// The story with this slug; a new one, if there is none
    #[arg(long, value_name = "SLUG")]
    slug: Option<Slug>,
    /// Desk that the story belongs to; a new story needs one
    #[arg(long, value_name = "DESK")]
    desk: Option<Desk>,
    /// What it is: alert, update, correction, clarification, refile, advisory
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// Public note: what changed
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// The revision you saw; if the story has moved on, nothing is filed (exit 3)
    #[arg(long, value_name = "REV")]
    expect: Option<u64>,
    /// Keep it on the desk: readers see nothing of it yet
    #[arg(long)]
    draft: bool,
    /// Show what would change, word by word, and file nothing
    #[arg(long)]
    dry_run: bool,
    /// Your word on how much it matters: minor, notable, substantive
    #[arg(long, value_name = "LEVEL")]
    label: Option<Level>,
    /// When it happened in the world (RFC 3339)
    #[arg(long, value_name = "TIME")]
    occurred: Option<String>,
    /// Of a correction: what was wrong
    #[arg(long, value_name = "TEXT")]
    what: Option<String>,
    /// Of a correction: where it stood, such as "third paragraph"
    #[arg(long = "where", value_name = "PLACE")]
    place: Option<String>,
    /// Of a correction: who approved it
    #[arg(long, value_name = "ACTOR")]
    approver: Option<ActorId>,
    /// Idempotency key: the same key never files twice
    #[arg(long, value_name = "KEY")]
    key: Option<CommandKey>,
}

impl Push {
    /// Files the copy and prints what became of it.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let api = session.api()?;
        let filing = Filing {
            story: self.story.as_ref().map(ToString::to_string),
            query: self.query(),
            content_type: content_type(&self.file),
            key: self.key.as_ref().map_or_else(|| Uuid::now_v7().to_string(), ToString::to_string),
            copy: read_copy(&self.file)?,
        };
        if self.dry_run {
            preview(&api.file(&filing).await?, session.output)?;
        } else {
            report(&api.file(&filing).await?, session.output)?;
        }
        Ok(Exit::Ok)
    }

    fn query(&self) -> Query {
        let mut query = Query::new();
        let mut add = |name, value: Option<String>| query.extend(value.map(|value| (name, value)));
        add("slug", self.slug.as_ref().map(ToString::to_string));
        add("desk", self.desk.as_ref().map(ToString::to_string));
        add("kind", self.kind.map(|kind| kind.to_string()));
        add("note", self.note.clone());
        add("expect", self.expect.map(|revision| revision.to_string()));
        add("draft", self.draft.then(|| "true".to_owned()));
        add("dry_run", self.dry_run.then(|| "true".to_owned()));
        add("label", self.label.map(|level| level.to_string()));
        add("occurred", self.occurred.clone());
        add("what", self.what.clone());
        add("where", self.place.clone());
        add("approver", self.approver.as_ref().map(ToString::to_string));
        query
    }
}

/// Returns what the copy is, as far as its name tells; the server looks into the rest.
fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("md" | "markdown") => "text/markdown",
        Some("txt") => "text/plain",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

fn read_copy(file: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: io::Error| {
        Failure::new(Exit::InputUnreadable, "input-unreadable", format!("cannot read {}", file.display()))
            .because(&error)
            .next("check the name and the permissions; - reads stdin")
    };
    let mut copy = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(COPY_BYTES_MAX).read_to_end(&mut copy)
    } else {
        fs::File::open(file).and_then(|file| file.take(COPY_BYTES_MAX).read_to_end(&mut copy))
    };
    read.map_err(unreadable)?;
    if copy.len() as u64 == COPY_BYTES_MAX {
        return Err(Failure::new(Exit::BadData, "too-large", format!("{} is no copy", file.display()))
            .why(format!("it has {COPY_BYTES_MAX} bytes or more"))
            .next("push one story at a time"));
    }
    Ok(copy)
}

/// Prints what a filing would change.
fn preview(preview: &serde_json::Value, output: Output) -> Result<(), Failure> {
    let _ = Words { color: output.color(), whole: false };
    output.json(preview)
}

/// Prints the answer to a filing.
fn report(pushed: &Pushed, output: Output) -> Result<(), Failure> {
    for warning in &pushed.warnings {
        say(format_args!("note: {warning}"));
    }
    if output.json {
        return output.json(pushed);
    }
    let what = match (pushed.changed, pushed.repeated, &pushed.significance) {
        (_, true, _) => "filed before under this key; nothing was added".to_owned(),
        (false, ..) => "nothing has changed".to_owned(),
        (true, _, Some(significance)) => format!("{} · {}", pushed.kind, matters(significance)),
        (true, _, None) => format!("{} · not public", pushed.kind),
    };
    output.line(format_args!("{}  revision {}  {what}", pushed.slug, pushed.revision))
}
