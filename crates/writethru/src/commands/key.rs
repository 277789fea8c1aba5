//! `key`: what people and machines prove with who they are. A secret is shown once, when it is made.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use registry::{Desks, Scopes};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use story::ActorId;

use crate::api::{Ask, Query, typed};
use crate::commands::list::table;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;
use crate::session::Session;
use crate::times;

/// Options of `key`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    (umask 077; writethru key add --actor ed-7 > ed-7.key)\n  \
    writethru key add --actor feed-1 --scopes file --desks world --expires 2027-01-01T00:00:00Z\n  \
    writethru key list\n  \
    writethru key rotate 0a1b2c3d4e5f6071 --overlap 24h > new.key\n  \
    writethru key revoke 0a1b2c3d4e5f6071")]
pub(crate) struct Key {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a key; it is printed once, alone on stdout
    Add(Add),
    /// List the keys, without their secrets
    List(List),
    /// Give a key a new secret, printed once; the old one stays valid for a while
    Rotate(Rotate),
    /// Revoke a key, at once and for ever
    Revoke(Revoke),
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    (umask 077; writethru key add --actor ed-7 > ed-7.key)\n  \
    writethru key add --actor feed-1 --scopes \"file correct\" --desks world --note \"Wire feed\"")]
struct Add {
    /// Whose it is: `writethru actor list` names them
    #[arg(long, value_name = "ACTOR")]
    actor: ActorId,
    /// What it is for, such as "file correct" or read; all its actor may do, without
    #[arg(long, value_name = "SCOPES")]
    scopes: Option<Scopes>,
    /// Desks it is for; all its actor's, without
    #[arg(long, value_name = "DESKS")]
    desks: Option<Desks>,
    /// When it ends (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = times::instant)]
    expires: Option<String>,
    /// A line about it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru key list\n  \
    writethru key list --actor ed-7 --json | jq -r .id")]
struct List {
    /// Only this actor's
    #[arg(long, value_name = "ACTOR")]
    actor: Option<ActorId>,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    (umask 077; writethru key rotate 0a1b2c3d4e5f6071 --overlap 24h > new.key)\n  \
    writethru key rotate 0a1b2c3d4e5f6071      # the old secret ends now")]
struct Rotate {
    /// The key: the part of it between wt_ and the next _
    #[arg(value_name = "KEY", value_parser = key_id)]
    key: String,
    /// How long the old secret stays valid, such as 24h; not at all, without
    #[arg(long, value_name = "DURATION", value_parser = times::duration)]
    overlap: Option<std::time::Duration>,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  writethru key revoke 0a1b2c3d4e5f6071")]
struct Revoke {
    /// The key: the part of it between wt_ and the next _
    #[arg(value_name = "KEY", value_parser = key_id)]
    key: String,
}

/// A key, as far as a person is shown it.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    actor: String,
    scopes: String,
    desks: String,
    #[serde(default)]
    expires: Option<Timestamp>,
    #[serde(default)]
    old_secret_until: Option<Timestamp>,
    #[serde(default)]
    last_used: Option<Timestamp>,
    #[serde(default)]
    revoked: Option<Timestamp>,
    #[serde(default)]
    note: Option<String>,
}

/// A new secret, and the key it is of. It is never logged: there is no `Debug`.
#[derive(Deserialize)]
struct Issued {
    secret: String,
    key: Line,
}

impl Key {
    /// Does it, and prints the key: its secret where it has a new one.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        match &self.what {
            What::Add(add) => {
                let path = ["v1", "keys"];
                secret(session, Ask::new(Method::POST, &path).json(&add.body()), "key").await
            }
            What::List(List { actor }) => list(session, actor.as_ref()).await,
            What::Rotate(Rotate { key, overlap }) => {
                let path = ["v1", "keys", key, "rotate"];
                let seconds = overlap.map_or(0, |overlap| overlap.as_secs());
                let ask = Ask::new(Method::POST, &path).json(&json!({"overlap_seconds": seconds}));
                secret(session, ask, "new secret of key").await
            }
            What::Revoke(Revoke { key }) => {
                let path = ["v1", "keys", key];
                let answer: Value = session.api()?.ask(Ask::new(Method::DELETE, &path)).await?.done()?;
                if session.output.json {
                    session.output.json(&answer)?;
                } else {
                    session.output.line(format_args!("{key}  revoked"))?;
                }
                Ok(Exit::Ok)
            }
        }
    }
}

impl Add {
    fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("actor".into(), json!(self.actor));
        for (name, value) in [
            ("scopes", self.scopes.as_ref().map(ToString::to_string)),
            ("desks", self.desks.as_ref().map(ToString::to_string)),
            ("expires", self.expires.clone()),
            ("note", self.note.clone()),
        ] {
            body.extend(value.map(|value| (name.to_owned(), json!(value))));
        }
        Value::Object(body)
    }
}

/// Reads a key id, and refuses a whole key without repeating it: it would be in the shell's history
/// already, and need not be in a log as well.
fn key_id(given: &str) -> Result<String, String> {
    if given.starts_with("wt_") {
        return Err(
            "this is a whole key: name the part between wt_ and the next _, and revoke this key".to_owned()
        );
    }
    Ok(given.to_owned())
}

/// Sends a command that makes a secret, and prints the secret: alone on stdout.
async fn secret(session: &Session, ask: Ask<'_>, what: &str) -> Result<Exit, Failure> {
    let answer: Value = session.api()?.ask(ask).await?.done()?;
    if session.output.json {
        session.output.json(&answer)?;
        return Ok(Exit::Ok);
    }
    let Issued { secret, key: line } = typed(&answer)?;
    say(format_args!("{what} {} of {}: {} on desks {}", line.id, line.actor, line.scopes, line.desks));
    say("it is shown once; keep it in a file that only you can read, and name that with --key-file");
    session.output.line(secret)?;
    Ok(Exit::Ok)
}

async fn list(session: &Session, actor: Option<&ActorId>) -> Result<Exit, Failure> {
    let api = session.api()?;
    let mut table = table(&["key", "actor", "scopes", "desks", "last used", "state", "note"]);
    let query: Query = actor.map(|actor| ("actor", actor.to_string())).into_iter().collect();
    api.each(&["v1", "keys"], &query, "keys", |key| {
        if session.output.json {
            return session.output.json(key);
        }
        table.add_row(row(typed(key)?));
        Ok(())
    })
    .await?;
    if !session.output.json {
        session.output.line(table.trim_fmt())?;
    }
    Ok(Exit::Ok)
}

fn row(line: Line) -> Vec<String> {
    let now = times::now();
    let state = match (line.revoked, line.expires, line.old_secret_until) {
        (Some(_), ..) => "revoked".to_owned(),
        (None, Some(expires), _) if expires <= now => "expired".to_owned(),
        (None, _, Some(until)) if until > now => format!("old secret until {}", times::shown(until)),
        (None, Some(expires), _) => format!("until {}", times::shown(expires)),
        (None, None, _) => "valid".to_owned(),
    };
    let used = line.last_used.map_or_else(|| "never".to_owned(), |used| times::ago(used, now));
    vec![line.id, line.actor, line.scopes, line.desks, used, state, line.note.unwrap_or_default()]
}
