//! `entry`: one entry of a live blog at a time.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::Value;
use story::{BlockId, CommandKey, Slug};
use uuid::Uuid;

use crate::api::{Ask, Query, Reply};
use crate::commands::outcome::report;
use crate::commands::push::{content_type, read_copy};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::times;

/// Options of `entry`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru entry add final --text \"**Goal!** 1-0 after 12 minutes.\"\n  \
    writethru entry edit final b7 --text \"**Goal!** 1-0 after 13 minutes.\"\n  \
    writethru entry pin final b7               # readers see it before the others\n  \
    writethru entry delete final b7")]
pub(crate) struct Entry {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Put a new entry above or below the others
    Add(Add),
    /// Give an entry other words; it keeps its place
    Edit(Edit),
    /// Put an entry before the others for readers
    Pin(Pin),
    /// Take the pin off
    Unpin(Unpin),
    /// Take an entry out; readers are told that it is gone
    Delete(Delete),
}

/// What every change to an entry may say.
#[derive(Debug, Args)]
struct Said {
    /// Public note: what changed
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// When it happened in the world (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = times::instant)]
    occurred: Option<String>,
    /// Idempotency key: the same key never does it twice
    #[arg(long, value_name = "KEY")]
    key: Option<CommandKey>,
}

/// The words of an entry.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Content {
    /// The words: text, Markdown (.md), or {"text","marks"} (.json); - is stdin
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The words themselves, as Markdown
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru entry add final --text \"Kick-off.\"\n  \
    writethru entry add final entry.md --place bottom --note \"Minute 12\"\n  \
    echo \"Half-time.\" | writethru entry add final - --json")]
struct Add {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
    #[command(flatten)]
    content: Content,
    /// Above or below the others
    #[arg(long, value_name = "PLACE", value_enum, default_value = "top")]
    place: Place,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Place {
    /// Before every other entry: the newest first
    Top,
    /// Behind the whole body
    Bottom,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru entry edit final b7 --text \"**Goal!** 1-0 after 13 minutes.\"\n  \
    writethru entry edit final b7 entry.md --note \"Time corrected\"")]
struct Edit {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
    /// The entry, such as b7: `writethru show STORY --json` names them
    #[arg(value_name = "BLOCK")]
    block: BlockId,
    #[command(flatten)]
    content: Content,
    #[command(flatten)]
    said: Said,
}

/// An entry that is there.
#[derive(Debug, Args)]
struct There {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
    /// The entry, such as b7: `writethru show STORY --json` names them
    #[arg(value_name = "BLOCK")]
    block: BlockId,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  writethru entry pin final b7")]
struct Pin {
    #[command(flatten)]
    there: There,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  writethru entry unpin final b7")]
struct Unpin {
    #[command(flatten)]
    there: There,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  writethru entry delete final b7 --note \"Entered twice\"")]
struct Delete {
    #[command(flatten)]
    there: There,
}

impl Entry {
    /// Changes the entry and prints what became of the story.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        match &self.what {
            What::Add(add) => {
                let place = if add.place == Place::Top { "top" } else { "bottom" };
                let change = Change::new(Method::POST, &add.story, &[], &add.said);
                let query = vec![("place", place.to_owned())];
                Change { query, body: Some(add.content.read()?), ..change }.send(session).await
            }
            What::Edit(edit) => {
                let path = [edit.block.as_str()];
                let change = Change::new(Method::PUT, &edit.story, &path, &edit.said);
                Change { body: Some(edit.content.read()?), ..change }.send(session).await
            }
            What::Pin(Pin { there }) => there.change(Method::PUT, Some("pin"), session).await,
            What::Unpin(Unpin { there }) => there.change(Method::DELETE, Some("pin"), session).await,
            What::Delete(Delete { there }) => there.change(Method::DELETE, None, session).await,
        }
    }
}

impl There {
    async fn change(&self, method: Method, part: Option<&str>, session: &Session) -> Result<Exit, Failure> {
        let path: Vec<&str> = std::iter::once(self.block.as_str()).chain(part).collect();
        Change::new(method, &self.story, &path, &self.said).send(session).await
    }
}

impl Content {
    /// Returns the type of the words and the words.
    fn read(&self) -> Result<(&'static str, Vec<u8>), Failure> {
        if let Some(text) = &self.text {
            return Ok(("text/markdown", text.clone().into_bytes()));
        }
        // Clap has seen to it that there is one of the two.
        let file = self.file.as_deref().unwrap_or(Path::new("-"));
        let content_type = match content_type(file) {
            "application/octet-stream" => "text/plain",
            known => known,
        };
        Ok((content_type, read_copy(file)?))
    }
}

/// A change to the entries of a story, ready to be sent.
struct Change<'a> {
    method: Method,
    path: Vec<&'a str>,
    query: Query,
    body: Option<(&'static str, Vec<u8>)>,
    said: &'a Said,
}

impl<'a> Change<'a> {
    fn new(method: Method, story: &'a Slug, rest: &[&'a str], said: &'a Said) -> Self {
        let mut path = vec!["v1", "stories", story.as_str(), "entries"];
        path.extend(rest);
        Self { method, path, query: Query::new(), body: None, said }
    }

    async fn send(mut self, session: &Session) -> Result<Exit, Failure> {
        let said = self.said;
        self.query.extend(said.note.clone().map(|note| ("note", note)));
        self.query.extend(said.occurred.clone().map(|occurred| ("occurred", occurred)));
        let api = session.api()?;
        let key = said.key.as_ref().map_or_else(|| Uuid::now_v7().to_string(), ToString::to_string);
        let reply: Reply<Value> = api
            .ask(Ask {
                method: self.method,
                path: &self.path,
                query: self.query,
                body: self.body,
                key: Some(key),
            })
            .await?;
        report(&api, reply, session.output).await
    }
}
