//! `watch`: changes as they are published, word by word.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use story::{Desk, Kind, Level, Slug};
use wire::Change;

use crate::config::Key;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::feed::{Feed, Seen};
use crate::output::{Output, say};
use crate::session::Session;
use crate::times;
use crate::words::{Words, matters};

/// Options of `watch`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru watch\n  \
    writethru watch --desk world --min-significance substantive\n  \
    writethru watch --kind correction --json | jq .note\n  \
    writethru watch --story ceasefire --count 1 --for 10m      # wait for the next change")]
pub(crate) struct Watch {
    /// Only this desk's
    #[arg(long, value_name = "DESK")]
    desk: Option<Desk>,
    /// Only this kind, such as correction
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// Only what matters at least this much: minor, notable, substantive
    #[arg(long, value_name = "LEVEL")]
    min_significance: Option<Level>,
    /// Only this story, by slug or id
    #[arg(long, value_name = "STORY")]
    story: Option<Slug>,
    /// Stop after so many changes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Stop after this time, such as 10s or 5m
    #[arg(long = "for", value_name = "TIME", value_parser = times::duration)]
    duration: Option<Duration>,
    /// NATS server to subscribe at, in place of the one in run.json [env: WRITETHRU_NATS_URL]
    #[arg(long, value_name = "URL", conflicts_with = "no_nats")]
    nats: Option<String>,
    /// Ask the HTTP API in place of NATS
    #[arg(long)]
    no_nats: bool,
    /// Print every unchanged word of a changed paragraph
    #[arg(long)]
    whole: bool,
}

impl Watch {
    /// Adds what the options say of the configuration.
    pub(crate) fn add_flags(&self, values: &mut BTreeMap<Key, String>) {
        values.extend(self.nats.clone().map(|nats| (Key::NatsUrl, nats)));
        if self.no_nats {
            values.insert(Key::NoNats, "true".to_owned());
        }
    }

    /// Prints changes until it has seen enough, its time is up, or it is stopped.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let mut feed = Feed::open(session, self.desk.as_ref()).await?;
        say(format_args!("watching {}; Ctrl-C ends it", feed.source()));
        let end = async {
            match self.duration {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(end);
        let mut left = self.count.unwrap_or(u64::MAX);
        while left > 0 {
            let seen = tokio::select! {
                () = &mut end => break,
                // Without a handler Ctrl-C ends the process as it does everywhere.
                Ok(()) = tokio::signal::ctrl_c() => break,
                // What is cut off here is not needed any more: the loop ends.
                seen = feed.next() => seen?,
            };
            if self.wants(&seen.change) {
                print(&seen, session.output, self.whole)?;
                left -= 1;
            }
        }
        Ok(Exit::Ok)
    }

    fn wants(&self, change: &Change) -> bool {
        self.desk.as_ref().is_none_or(|desk| *desk == change.desk)
            && self.kind.is_none_or(|kind| kind == change.kind)
            && self.min_significance.is_none_or(|level| change.significance.level >= level)
            && self.story.as_ref().is_none_or(|story| {
                story.as_str() == change.slug || story.as_str() == change.story.to_string()
            })
    }
}

fn print(seen: &Seen, output: Output, whole: bool) -> Result<(), Failure> {
    if output.json {
        return output.json(&seen.change);
    }
    for line in lines(seen, Words { color: output.color(), whole }) {
        output.line(line)?;
    }
    Ok(())
}

/// Returns a change as people read it: what happened, then where and in which words.
pub(crate) fn lines(seen: &Seen, words: Words) -> Vec<String> {
    let change = &seen.change;
    let bold = anstyle::Style::new().bold();
    let name = if words.color { format!("{bold}{}{bold:#}", change.slug) } else { change.slug.clone() };
    let time = change.published.strftime("%H:%M:%S");
    let note = if change.note.is_empty() { String::new() } else { format!(" — {}", change.note) };
    let significance = matters(&change.significance);
    let mut lines = vec![format!(
        "{time} {name}  {} → {}  {} · {significance}{note}",
        change.from, change.to, change.kind
    )];
    if let Some(reset) = &seen.reset {
        lines.push(format!("  (started over at revision {}: {reset})", change.to));
    }
    match &seen.before {
        Some(before) => lines.extend(words.difference(before, &seen.after)),
        None => lines.push(format!("  {}  ({} paragraphs)", seen.after.headline(), seen.after.blocks.len())),
    }
    lines
}
