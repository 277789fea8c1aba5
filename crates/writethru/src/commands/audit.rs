//! `audit`: what can be shown to someone who asks whether the rules were kept.

mod denied;
mod export;
mod exports;
mod redactions;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use story::Slug;

use denied::Denied;
use export::Export;
use exports::Exports;
use redactions::Redactions;

use crate::api::{Query, typed};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, say};
use crate::session::Session;
use crate::times;

/// Options of `audit`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru audit embargo budget             # exit 4 if anything left before its time\n  \
    writethru audit denied --from 2026-11-23T00:00:00Z\n  \
    writethru audit redactions                 # words taken out of the record\n  \
    writethru audit export harvey --level public --to harvey.zip")]
pub(crate) struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say when a story was under embargo, and whether it left too early
    Embargo(Embargo),
    /// List what was refused to whom, newest first
    Denied(Denied),
    /// List what was redacted, by whom and by what right, newest first
    Redactions(Redactions),
    /// Write stories and what proves them into one file, for whoever does not trust us
    Export(Export),
    /// List who took text out of the house in a file, newest first
    Exports(Exports),
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru audit embargo budget\n  \
    writethru audit embargo budget --json")]
struct Embargo {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
}

/// What the server says of a story's embargoes.
#[derive(Debug, Deserialize)]
struct Audited {
    slug: String,
    #[serde(default)]
    embargoes: Vec<Embargoed>,
    #[serde(default)]
    released: Option<Timestamp>,
    #[serde(default)]
    first_departures: Vec<Left>,
    breach: bool,
    #[serde(default)]
    breaches: Vec<Left>,
    #[serde(default = "whole")]
    complete: bool,
    #[serde(default)]
    not_noted: u64,
}

#[derive(Debug, Deserialize)]
struct Embargoed {
    set: Timestamp,
    until: Timestamp,
    actor: String,
}

#[derive(Debug, Deserialize)]
struct Left {
    door: String,
    #[serde(default)]
    revision: Option<u64>,
    at: Timestamp,
}

const fn whole() -> bool {
    true
}

impl Audit {
    /// Prints what happened; ends with [`Exit::Differs`] if an embargo was broken.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        match &self.what {
            What::Embargo(embargo) => embargo.run(session).await,
            What::Redactions(redactions) => redactions.run(session).await,
            What::Denied(denied) => denied.run(session).await,
            What::Exports(exports) => exports.run(session).await,
            What::Export(export) => Box::pin(export.run(session)).await,
        }
    }
}

impl Embargo {
    async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let story = &self.story;
        let path = ["v1", "stories", story.as_str(), "embargo"];
        let answer: Value = session.api()?.get(&path, &Query::new()).await?;
        let audited: Audited = typed(&answer)?;
        if session.output.json {
            session.output.json(&answer)?;
        } else {
            print(&audited, session.output)?;
        }
        Ok(if audited.breach { Exit::Differs } else { Exit::Ok })
    }
}

fn print(audited: &Audited, output: Output) -> Result<(), Failure> {
    let slug = &audited.slug;
    if audited.embargoes.is_empty() {
        return output.line(format_args!("{slug}  was never under embargo"));
    }
    for Embargoed { set, until, actor } in &audited.embargoes {
        let (set, until) = (times::shown(*set), times::shown(*until));
        output.line(format_args!("{set}  embargoed until {until} by {actor}"))?;
    }
    if let Some(released) = audited.released {
        output.line(format_args!("{}  released", times::shown(released)))?;
    }
    for Left { door, at, .. } in &audited.first_departures {
        output.line(format_args!("{}  first left by {door}", times::shown(*at)))?;
    }
    for Left { door, revision, at } in &audited.breaches {
        let revision = revision.map_or(String::new(), |revision| format!("revision {revision} "));
        output.line(format_args!("{}  {revision}left by {door} TOO EARLY", times::shown(*at)))?;
    }
    if !audited.complete {
        say("the story is longer than was looked at: there may be more");
    }
    if audited.not_noted > 0 {
        say(format_args!(
            "{} departures, of any story, came too fast to be noted: one of {slug} may be among them",
            audited.not_noted
        ));
    }
    output.line(if audited.breach {
        format!("BREACH: {slug} left before it was released")
    } else {
        format!("kept: nothing of {slug} left before it was released")
    })
}
