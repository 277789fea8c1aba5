//! `push`: copy goes to the desk.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use story::{ActorId, Article, CommandKey, Desk, Kind, Level, Revision, Slug, StoryId};
use uuid::Uuid;
use wire::ArticleView;
use wire::http::Previewed;

use crate::api::{Api, Filing, Query};
use crate::commands::conflict::Conflict;
use crate::commands::outcome::report;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, say};
use crate::session::Session;
use crate::times;
use crate::words::{Words, matters};

/// Most bytes of copy that are read; the server's own limit is lower and named by it.
const COPY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Options of `push`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru push story.md --slug ceasefire --desk world\n  \
    writethru push story.md --story ceasefire --note \"Adds toll\" --base 3\n  \
    writethru push story.md --story ceasefire --base 3 --merged merged.json   # if both changed the same words\n  \
    writethru push budget.md --slug budget --desk world --embargo-until 2026-11-24T12:30:00Z\n  \
    writethru push story.md --story ceasefire --dry-run       # see the changes, file nothing\n  \
    cat story.json | writethru push - --slug ceasefire --desk world --json")]
pub(crate) struct Push {
    /// The copy: text or Markdown (headline, blank line, paragraphs), copy JSON, ninjs, NewsML-G2 (.xml); - is stdin
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
    /// The revision your copy was made from: what came since is kept, or shown if it clashes (exit 3)
    #[arg(long, value_name = "REV", conflicts_with = "expect")]
    base: Option<u64>,
    /// If it clashes: write the merged copy here, to edit and push
    #[arg(long, value_name = "FILE", requires = "base")]
    merged: Option<PathBuf>,
    /// Keep it on the desk: readers see nothing of it yet
    #[arg(long, conflicts_with_all = ["embargo_until", "publish_at"])]
    draft: bool,
    /// Nobody outside the desk sees it before (RFC 3339); then it goes out
    #[arg(long, value_name = "TIME", value_parser = times::instant, conflicts_with = "publish_at")]
    embargo_until: Option<String>,
    /// It goes out then (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = times::instant)]
    publish_at: Option<String>,
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
        if let Some(merged) = self.merged.as_deref().filter(|merged| merged.exists()) {
            return Err(Failure::new(
                Exit::Usage,
                "merged",
                format!("{} is there already", merged.display()),
            )
            .next("name a file that is not there: --merged writes a new one"));
        }
        let api = session.api()?;
        let filing = Filing {
            story: self.story.as_ref().map(ToString::to_string),
            query: self.query(),
            content_type: content_type(&self.file),
            key: self.key.as_ref().map_or_else(|| Uuid::now_v7().to_string(), ToString::to_string),
            copy: read_copy(&self.file)?,
        };
        if self.dry_run {
            let previewed =
                api.file(&filing).await.map_err(|failure| self.refused(failure, session.output))?;
            preview(&api, &previewed.done()?, session.output).await?;
            return Ok(Exit::Ok);
        }
        let reply = api.file(&filing).await.map_err(|failure| self.refused(failure, session.output))?;
        report(&api, reply, session.output).await
    }

    /// Returns the failure with what this command knows of it, after showing what clashes.
    fn refused(&self, failure: Failure, output: Output) -> Failure {
        if failure.exit() == Exit::BadData {
            return failure.at(self.file.display());
        }
        let Some(conflict) = Conflict::of(&failure) else { return failure };
        if !output.json {
            conflict.show();
        }
        let name = self.story.as_ref().or(self.slug.as_ref());
        let story = name.map_or(String::new(), |story| format!(" --story {story}"));
        let actual = conflict.actual;
        let Some(merged) = &self.merged else {
            return failure.next(format!(
                "choose at each place and push again with --base {actual}; --merged FILE gives the merged copy to start from"
            ));
        };
        match conflict.write_merged(merged) {
            Ok(()) => failure.next(format!(
                "the merged copy is in {0}: edit it, then: writethru push {0}{story} --base {actual}",
                merged.display()
            )),
            Err(unwritten) => {
                failure.beside(format!("{}: {}", unwritten.what(), unwritten.to_json()["detail"]))
            }
        }
    }

    fn query(&self) -> Query {
        let mut query = Query::new();
        let mut add = |name, value: Option<String>| query.extend(value.map(|value| (name, value)));
        add("slug", self.slug.as_ref().map(ToString::to_string));
        add("desk", self.desk.as_ref().map(ToString::to_string));
        add("kind", self.kind.map(|kind| kind.to_string()));
        add("note", self.note.clone());
        add("expect", self.expect.map(|revision| revision.to_string()));
        add("base", self.base.map(|revision| revision.to_string()));
        add("embargo_until", self.embargo_until.clone());
        add("publish_at", self.publish_at.clone());
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
pub(crate) fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("md" | "markdown") => "text/markdown",
        Some("txt") => "text/plain",
        Some("json") => "application/json",
        Some("xml") => "application/vnd.iptc.g2.newsitem+xml",
        _ => "application/octet-stream",
    }
}

/// Returns the copy in a file, or on stdin for `-`.
///
/// # Errors
/// It cannot be read, or is far too large.
pub(crate) fn read_copy(file: &Path) -> Result<Vec<u8>, Failure> {
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
