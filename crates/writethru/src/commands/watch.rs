//! `watch`: changes as they are published, word by word.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use story::{Article, Desk, Kind, Level, Revision, Slug};

use crate::config::Key;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::feed::{Feed, News};
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
    /// NATS server to subscribe at, in place of the one in run.json.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "no_nats",
        help = "NATS server to subscribe at, in place of the one in run.json [env: WRITETHRU_NATS_URL]"
    )]
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
            let news = tokio::select! {
                () = &mut end => break,
                // Without a handler Ctrl-C ends the process as it does everywhere.
                Ok(()) = tokio::signal::ctrl_c() => break,
                // What is cut off here is not needed any more: the loop ends.
                news = feed.next() => news?,
            };
            if self.wants(&news) {
                print(&news, session.output, self.whole)?;
                left -= u64::from(!matches!(news, News::Trouble(_)));
            }
        }
        Ok(Exit::Ok)
    }

    fn wants(&self, news: &News) -> bool {
        let (desk, slug, story) = match news {
            News::Trouble(_) => return true,
            News::Changed(seen) => (&seen.change.desk, &seen.change.slug, seen.change.story),
            News::Reset(started) => (&started.now.desk, &started.now.slug, started.now.story),
        };
        let story = story.to_string();
        let place = self.desk.as_ref().is_none_or(|wanted| wanted == desk)
            && self.story.as_ref().is_none_or(|wanted| wanted.as_str() == slug || wanted.as_str() == story);
        // What kind of changes a reset skips is not known: it passes, or they would be lost.
        let News::Changed(seen) = news else { return place };
        place
            && self.kind.is_none_or(|kind| kind == seen.change.kind)
            && self.min_significance.is_none_or(|level| seen.change.significance.level >= level)
    }
}

fn print(news: &News, output: Output, whole: bool) -> Result<(), Failure> {
    if output.json {
        return match news {
            News::Changed(seen) => output.json(&seen.change),
            News::Reset(started) => output.json(&json!({"reset": started.reason, "article": started.now})),
            News::Trouble(trouble) => {
                say(format_args!("note: {trouble}"));
                Ok(())
            }
        };
    }
    for line in lines(news, Words { color: output.color(), whole }) {
        output.line(line)?;
    }
    Ok(())
}

/// Returns news as people read it: what happened, then where and in which words.
pub(crate) fn lines(news: &News, words: Words) -> Vec<String> {
    match news {
        News::Trouble(trouble) => vec![format!("note: {trouble}")],
        News::Changed(seen) => {
            let change = &seen.change;
            let note = if change.note.is_empty() { String::new() } else { format!(" — {}", change.note) };
            let what = format!("{} · {}{note}", change.kind, matters(&change.significance));
            let head = (change.published, change.slug.as_str(), change.from, change.to);
            described(head, &what, (seen.before.as_ref(), &seen.after), words)
        }
        News::Reset(started) => {
            let now = &started.now;
            let head = (now.published.unwrap_or(now.recorded), now.slug.as_str(), now.revision, now.revision);
            let what = format!("taken as a whole: {}", started.reason);
            described(head, &what, (started.before.as_ref(), &started.after), words)
        }
    }
}

fn described(
    (time, slug, from, to): (Timestamp, &str, Revision, Revision),
    what: &str,
    (before, after): (Option<&Article>, &Article),
    words: Words,
) -> Vec<String> {
    let bold = anstyle::Style::new().bold();
    let slug = if words.color { format!("{bold}{slug}{bold:#}") } else { slug.to_owned() };
    let time = time.strftime("%H:%M:%S");
    let mut lines = vec![format!("{time} {slug}  {from} → {to}  {what}")];
    if let Some(before) = before {
        lines.extend(words.difference(before, after));
    } else {
        let blocks = after.blocks.len();
        let plural = if blocks == 1 { "" } else { "s" };
        lines.push(format!("  {}  ({blocks} paragraph{plural})", after.headline()));
    }
    lines
}
