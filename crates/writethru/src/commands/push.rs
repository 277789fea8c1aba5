//! `push`: copy goes to the desk.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use story::{ActorId, Article, CommandKey, Desk, Kind, Level, Revision, Slug, StoryId};
use uuid::Uuid;
use wire::ArticleView;
use wire::http::{Previewed, Pushed};

use crate::api::{Api, Filing, Query};
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
    /// Who files it (a pseudonym)
    #[arg(long, value_name = "ACTOR")]
    actor: Option<ActorId>,
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
        let place = |failure: Failure| match failure.exit() {
            Exit::BadData => failure.at(self.file.display()),
            _ => failure,
        };
        if self.dry_run {
            preview(&api, &api.file(&filing).await.map_err(place)?, session.output).await?;
        } else {
            report(&api.file(&filing).await.map_err(place)?, session.output)?;
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
        add("actor", self.actor.as_ref().map(ToString::to_string));
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

/// Prints what a filing would change, word by word.
async fn preview(api: &Api, preview: &Previewed, output: Output) -> Result<(), Failure> {
    for warning in &preview.warnings {
        say(format_args!("note: {warning}"));
    }
    if output.json {
        return output.json(preview);
    }
    let Some(kind) = preview.kind.filter(|_| preview.changed) else {
        return output.line("nothing would change");
    };
    let matters = matters(&preview.significance);
    output.line(format_args!("would make revision {}  {kind} · {matters}  (dry run)", preview.to))?;
    let before = match preview.story {
        Some(story) if preview.from > Revision::ZERO => article(api, story, preview.from).await?,
        _ => Article::default(),
    };
    let after = story::diff::apply(&before, &preview.ops).map_err(|error| {
        Failure::new(Exit::Failure, "answer-unreadable", "the dry run's changes do not fit the story")
            .because(&error)
            .next("the story may have moved on: try again")
    })?;
    for line in (Words { color: output.color(), whole: false }).difference(&before, &after) {
        output.line(line)?;
    }
    Ok(())
}

async fn article(api: &Api, story: StoryId, revision: Revision) -> Result<Article, Failure> {
    let query = vec![("view", "desk".to_owned()), ("as_of", format!("rev:{revision}"))];
    let view: ArticleView = api.get(&["v1", "stories", &story.to_string()], &query).await?;
    let article = view.to_article().map_err(|error| {
        Failure::new(Exit::Failure, "answer-unreadable", "the server sent an article that is none")
            .because(&error)
    })?;
    Ok(article.public())
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
