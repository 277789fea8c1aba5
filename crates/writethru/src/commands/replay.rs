//! `replay`: the log played again: only to verify it, into a new data dir, or over NATS as a drill.
//!
//! A drill publishes what readers may see now, in the order and at the pace in which it was published, under a
//! subject that no subscriber takes for news. It goes through no stream and is kept nowhere.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, HeaderMap};
use clap::{ArgGroup, Args};
use jiff::Timestamp;
use publisher::server::Seed;
use serde_json::json;
use story::Desk;
use tokio::sync::watch;
use wire::{Change, CloudEvent, Cursor};

use super::log::moving::Move;
use crate::api::{Api, Query};
use crate::commands::check;
use crate::config::Key;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place::Place;
use crate::session::Session;

/// Changes asked for at a time.
const PAGE_CHANGES: usize = 500;
/// The longest rest between two changes of a drill: nobody waits through a night.
const REST_MAX: Duration = Duration::from_mins(1);
/// How long NATS may take to answer.
const NATS_ANSWER_MAX: Duration = Duration::from_secs(10);
/// Longest subject of a drill, in bytes, so that desk and story fit behind it.
const SUBJECT_BYTES_MAX: usize = 100;
/// The header that every message of a drill has.
const DRILL_HEADER: &str = "Writethru-Drill";

/// Options of `replay`.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").required(true),
    before_help = "Examples:\n  \
    writethru replay --verify-only             # reads all of it, says whether it is whole; writes nothing\n  \
    writethru replay --into ./copy --data ./newsroom   # the same log, verified, in a new data dir\n  \
    writethru replay --drill drill.storm --speed 60 --desk storms --nats nats://10.0.0.9:4222",
    after_help = "A drill needs a running service; its messages are those of wt.v1.change, on SUBJECT.<desk>.<story>, with \
    the header Writethru-Drill. It needs a server that lets it publish there: the one that `up` starts lets nobody. Rests are a minute at most."
)]
pub(crate) struct Replay {
    /// Verify every record, erased ones too, and write nothing
    #[arg(long, group = "what")]
    verify_only: bool,
    /// Copy the log into this new data dir and verify the copy; no service may run on either
    #[arg(long, value_name = "DIR", group = "what")]
    into: Option<PathBuf>,
    /// Publish the public changes again under this subject
    #[arg(long, value_name = "SUBJECT", group = "what")]
    drill: Option<DrillSubject>,
    /// NATS server of the drill.
    #[arg(
        long,
        value_name = "URL",
        requires = "drill",
        help = "NATS server of the drill, in place of the one in run.json [env: WRITETHRU_NATS_URL]"
    )]
    nats: Option<String>,
    /// How many times as fast as it was; 0 never rests
    #[arg(long, value_name = "TIMES", default_value = "1", requires = "drill")]
    speed: Speed,
    /// Only the changes of this desk
    #[arg(long, requires = "drill")]
    desk: Option<Desk>,
}

/// A subject under which nothing else is published.
#[derive(Debug, Clone)]
struct DrillSubject(String);

impl FromStr for DrillSubject {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let is_token = |token: &str| {
            !token.is_empty() && token.chars().all(|one| one.is_ascii_alphanumeric() || "-_".contains(one))
        };
        if written.len() > SUBJECT_BYTES_MAX || !written.split('.').all(is_token) {
            return Err(format!(
                "letters, digits, `-` and `_` between dots, {SUBJECT_BYTES_MAX} bytes at most, such as drill.storm"
            ));
        }
        if matches!(written.split('.').next(), Some("wt" | "_INBOX")) {
            return Err("a drill must not be taken for news: choose a subject outside of wt".to_owned());
        }
        Ok(Self(written.to_owned()))
    }
}

/// How many times as fast as it was.
#[derive(Debug, Clone, Copy)]
struct Speed(f64);

impl FromStr for Speed {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let speed = written.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed >= 0.0);
        speed.map(Self).ok_or_else(|| "a number from 0 on, such as 60 or 0.5".to_owned())
    }
}

impl Speed {
    /// Returns how long to rest between changes that came at these times.
    fn rest(self, before: Option<Timestamp>, now: Timestamp) -> Duration {
        let Some(before) = before.filter(|_| self.0 > 0.0) else { return Duration::ZERO };
        let passed = Duration::try_from(now.duration_since(before)).unwrap_or_default();
        Duration::try_from_secs_f64(passed.as_secs_f64() / self.0).unwrap_or(REST_MAX).min(REST_MAX)
    }
}

impl Replay {
    /// Adds what the options say of the configuration.
    pub(crate) fn add_flags(&self, values: &mut BTreeMap<Key, String>) {
        values.extend(self.nats.clone().map(|nats| (Key::NatsUrl, nats)));
    }

    /// Plays the log again.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        if let Some(into) = &self.into {
            let (from, to) = (Place::Dir(session.settings.data.clone()), Place::Dir(into.clone()));
            return Box::pin(Move::between(from, to).run(session)).await;
        }
        match &self.drill {
            Some(subject) => self.drill(subject, session).await,
            None => verify(session).await,
        }
    }

    async fn drill(&self, subject: &DrillSubject, session: &Session) -> Result<Exit, Failure> {
        let (api, (client, refused)) = (session.api()?, connect(session).await?);
        let mut cursor = None;
        let (mut changes, mut stories, mut before) = (0_u64, HashSet::new(), None);
        loop {
            let (page, next) = self.page(&api, cursor).await?;
            if page.is_empty() && (next.is_none() || next == cursor) {
                break;
            }
            cursor = page.last().map(|event| event.data.cursor).max(next);
            for event in page {
                tokio::time::sleep(self.speed.rest(before, event.time)).await;
                before = Some(event.time);
                stories.insert(event.subject);
                publish(&client, subject, &event).await?;
                changes += 1;
            }
        }
        let flushed = tokio::time::timeout(NATS_ANSWER_MAX, client.flush()).await;
        if !matches!(flushed, Ok(Ok(()))) {
            return Err(silent("the last changes of the drill may not have gone out"));
        }
        if let Some(why) = refused.borrow().clone() {
            return Err(silent("NATS has refused some or all of the drill").why(why));
        }
        let (under, count) = (&subject.0, stories.len());
        if session.output.json {
            session.output.json(&json!({"subject": under, "changes": changes, "stories": count}))?;
        } else {
            session
                .output
                .line(format_args!("{changes} changes of {count} stories published under {under}"))?;
        }
        Ok(Exit::Ok)
    }

    async fn page(
        &self,
        api: &Api,
        after: Option<Cursor>,
    ) -> Result<(Vec<CloudEvent<Change>>, Option<Cursor>), Failure> {
        let after = after.map_or_else(|| "earliest".to_owned(), |cursor| cursor.to_string());
        let mut query: Query = vec![("after", after), ("limit", PAGE_CHANGES.to_string())];
        query.extend(self.desk.as_ref().map(|desk| ("desk", desk.to_string())));
        api.changes(&query, Duration::ZERO).await
    }
}

async fn verify(session: &Session) -> Result<Exit, Failure> {
    let records = check::log_of(session).await?;
    if session.output.json {
        session.output.json(&json!({"records": records, "verified": true}))?;
    } else {
        session
            .output
            .line(format_args!("{records} records, each as it was written; nothing was written"))?;
    }
    Ok(Exit::Ok)
}

/// Returns a connection, and what the server refuses on it: a publication without permission is lost in silence.
async fn connect(session: &Session) -> Result<(Client, watch::Receiver<Option<String>>), Failure> {
    let url = session.nats_url()?.ok_or_else(|| silent("the service has no NATS server"))?;
    let mut options = ConnectOptions::new().name("writethru replay").connection_timeout(NATS_ANSWER_MAX);
    let (refuse, refused) = watch::channel(None);
    options = options.event_callback(move |event| {
        if let Event::ServerError(error) = &event {
            refuse.send_replace(Some(error.to_string()));
        }
        async {}
    });
    let seed =
        session.settings.nats_seed.as_deref().map(Seed::read).transpose().map_err(|error| {
            Failure::new(Exit::Usage, "nats-seed", "cannot sign in at NATS").because(&error)
        })?;
    if let Some(seed) = seed {
        options = options.nkey(seed.as_str().to_owned());
    }
    let addresses: Vec<&str> = url.split(',').map(str::trim).collect();
    let client = options.connect(addresses).await;
    Ok((client.map_err(|error| silent("NATS does not answer").because(&error))?, refused))
}

async fn publish(client: &Client, subject: &DrillSubject, event: &CloudEvent<Change>) -> Result<(), Failure> {
    let under = format!("{}.{}.{}", subject.0, event.data.desk, event.subject);
    let mut headers = HeaderMap::new();
    headers.insert(DRILL_HEADER, "true");
    headers.insert("Nats-Msg-Id", event.id.as_str());
    let payload = serde_json::to_vec(event)
        .map_err(|error| Failure::new(Exit::Failure, "drill", "cannot write a change").because(&error))?;
    let sent = client.publish_with_headers(under, headers, payload.into()).await;
    sent.map_err(|error| silent("the drill was cut off").because(&error))
}

fn silent(what: &str) -> Failure {
    Failure::new(Exit::Unavailable, "nats-unavailable", what)
        .next("name a NATS server that is up and lets you publish there: --nats URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_is_never_taken_for_news() {
        for legal in ["drill", "drill.storm-2", "a.b_c"] {
            assert!(legal.parse::<DrillSubject>().is_ok(), "{legal}");
        }
        let long = "d".repeat(SUBJECT_BYTES_MAX + 1);
        for refused in ["", "wt.v1.change", "wt", "a..b", "a.*", "a.>", "a b", "_INBOX.x", "$JS.API", &long] {
            assert!(refused.parse::<DrillSubject>().is_err(), "{refused}");
        }
    }

    #[test]
    fn rests_are_as_long_as_they_were_by_the_speed_and_bounded() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let rest = |speed: &str, second| speed.parse::<Speed>().unwrap().rest(Some(at(100)), at(second));
        assert_eq!(rest("2", 110), Duration::from_secs(5));
        assert_eq!(rest("0", 110), Duration::ZERO);
        assert_eq!(rest("1", 90), Duration::ZERO, "a clock that went back");
        assert_eq!(rest("0.0000001", 110), REST_MAX);
        assert_eq!("1".parse::<Speed>().unwrap().rest(None, at(5)), Duration::ZERO);
        for refused in ["-1", "NaN", "inf", "fast"] {
            assert!(refused.parse::<Speed>().is_err(), "{refused}");
        }
    }
}
