//! Endpoints: who is told what, where, and signed with which secrets.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use log::Position;
use projector::ChangeFilter;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use wire::http::WebhookFilter;

use crate::address::Target;
use crate::error::{StoreError, WebhookError};
use crate::limits::{DESCRIPTION_CHARS_MAX, ENDPOINTS_MAX, SECRET_OVERLAP, SECRETS_MAX};
use crate::signature::Secret;
use crate::store::{Durability, Webhooks};

/// What every name begins with.
const PREFIX: &str = "wh_";
const DIGITS: usize = 16;

/// The name of an endpoint: `wh_` and 16 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(String);

impl EndpointId {
    fn random() -> Self {
        Self(format!("{PREFIX}{:016x}", rand::random::<u64>()))
    }

    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EndpointId {
    type Err = WebhookError;

    fn from_str(given: &str) -> Result<Self, WebhookError> {
        let digits = given.strip_prefix(PREFIX).filter(|digits| digits.len() == DIGITS);
        let is_legal =
            digits.is_some_and(|digits| digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        if is_legal {
            return Ok(Self(given.to_owned()));
        }
        Err(WebhookError::Unknown(given.chars().take(80).collect()))
    }
}

/// How much of a change is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// As it goes out over NATS, byte for byte.
    Full,
    /// Without the words, and with the address of the article.
    Thin,
}

/// Whether an endpoint is told anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointState {
    /// It is.
    Enabled,
    /// It is not; what comes meanwhile waits in the log.
    Disabled,
    /// It has answered 410: it is not, until somebody enables it again.
    Gone,
    /// A delivery was given up after its last attempt: it is not, until somebody enables it again.
    Failed,
}

impl Payload {
    /// Returns its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Thin => "thin",
        }
    }
}

impl EndpointState {
    /// Returns its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Gone => "gone",
            Self::Failed => "failed",
        }
    }
}

/// An endpoint to be added.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Its address: see [`Target`].
    pub url: String,
    /// What it is, for people; the first 200 characters are kept.
    pub description: String,
    /// Which changes it is told of.
    pub filter: WebhookFilter,
    /// How much of each.
    pub payload: Payload,
    /// It is told of what comes behind this.
    pub after: Position,
}

/// What is to be another about an endpoint; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Its address.
    pub url: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Which changes it is told of, from now on.
    pub filter: Option<WebhookFilter>,
    /// How much of each, from now on.
    pub payload: Option<Payload>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
    /// Where it goes on; what waits is not touched.
    pub after: Option<Position>,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name.
    pub id: EndpointId,
    /// Its address.
    pub url: String,
    /// What it is.
    pub description: String,
    /// Which changes it is told of.
    pub filter: WebhookFilter,
    /// How much of each.
    pub payload: Payload,
    /// Everything up to here was queued, or is not asked for.
    pub cursor: Position,
    /// Whether it is told anything.
    pub state: EndpointState,
    /// When it was added.
    pub added: Timestamp,
    /// When it was last changed.
    pub changed: Timestamp,
    /// Why the courier has disabled it, if it has.
    pub reason: Option<String>,
    /// Deliveries that wait.
    pub waiting: usize,
}

impl Endpoint {
    /// Returns the filter as the views' changes know it.
    pub(crate) fn changes(&self) -> ChangeFilter {
        let WebhookFilter { desk, tag, kinds, min_significance, headline_only, story } = self.filter.clone();
        ChangeFilter { desk, tag, kinds, least: min_significance, headline_only, story }
    }
}

impl Webhooks {
    /// Adds an endpoint; returns it and its secret, which is shown only now.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn add(&self, new: NewEndpoint) -> Result<(Endpoint, Secret), WebhookError> {
        let url = Target::parse(&new.url, self.0.reach)?.as_str().to_owned();
        let (now, secret) = (self.0.clock.now(), Secret::random());
        let endpoint = Endpoint {
            id: EndpointId::random(),
            url,
            description: cut(&new.description),
            filter: new.filter,
            payload: new.payload,
            cursor: new.after,
            state: EndpointState::Enabled,
            added: now,
            changed: now,
            reason: None,
            waiting: 0,
        };
        let (added, kept) = (endpoint.clone(), secret.clone());
        let work = move |db: &rusqlite::Transaction<'_>| {
            let count: usize = db.query_row("SELECT count(*) FROM endpoints", [], |row| row.get(0))?;
            if count >= ENDPOINTS_MAX {
                return Err(WebhookError::TooMany { limit: ENDPOINTS_MAX });
            }
            put(db, &added)?;
            insert_secret(db, &added.id, &kept)?;
            Ok(())
        };
        self.write(Durability::Now, work).await?;
        self.wake();
        Ok((endpoint, secret))
    }

    /// Returns every endpoint, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.read(|db| {
            let mut every = db.prepare_cached(&format!("{SELECT} ORDER BY id"))?;
            let every = every.query_map([], endpoint)?;
            Ok(every.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Returns the endpoint `id`.
    ///
    /// # Errors
    /// [`WebhookError`]: there is none.
    pub async fn show(&self, id: &EndpointId) -> Result<Endpoint, WebhookError> {
        let id = id.clone();
        self.read(move |db| find(db, &id)).await
    }

    /// Changes the endpoint `id`; returns it as it is then.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn change(&self, id: &EndpointId, change: Change) -> Result<Endpoint, WebhookError> {
        let (id, now) = (id.clone(), self.0.clock.now());
        let url = change.url.as_deref().map(|url| Target::parse(url, self.0.reach)).transpose()?;
        let changed = self.write(Durability::Now, move |db| {
            let mut known = find(db, &id)?;
            let Change { description, filter, payload, enabled, after, .. } = change;
            known.url = url.map_or(known.url, |url| url.as_str().to_owned());
            known.description = description.map_or(known.description, |text| cut(&text));
            known.filter = filter.unwrap_or(known.filter);
            known.payload = payload.unwrap_or(known.payload);
            known.cursor = after.unwrap_or(known.cursor);
            known.state = match enabled {
                Some(true) => EndpointState::Enabled,
                Some(false) => EndpointState::Disabled,
                None => known.state,
            };
            if enabled.is_some() {
                known.reason = None;
            }
            known.changed = now;
            put(db, &known)?;
            Ok::<_, WebhookError>(known)
        });
        let changed = changed.await?;
        self.wake();
        Ok(changed)
    }

    /// Removes the endpoint `id` with its secrets, its log and what waits for it.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn remove(&self, id: &EndpointId) -> Result<(), WebhookError> {
        let id = id.clone();
        let work = move |db: &rusqlite::Transaction<'_>| {
            find(db, &id)?;
            for table in ["secrets", "deliveries", "told"] {
                db.execute(&format!("DELETE FROM {table} WHERE endpoint = ?1"), [id.as_str()])?;
            }
            db.execute("DELETE FROM endpoints WHERE id = ?1", [id.as_str()])?;
            Ok::<_, WebhookError>(())
        };
        self.write(Durability::Now, work).await?;
        self.wake();
        Ok(())
    }

    /// Gives the endpoint `id` another secret; returns it, and until when the one before signs too.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn rotate(&self, id: &EndpointId) -> Result<(Secret, Timestamp), WebhookError> {
        let (id, now, secret) = (id.clone(), self.0.clock.now(), Secret::random());
        let until = now.checked_add(SECRET_OVERLAP).unwrap_or(Timestamp::MAX);
        let new = secret.clone();
        let work = move |db: &rusqlite::Transaction<'_>| {
            find(db, &id)?;
            forget_ended(db, &id, now)?;
            let end = "UPDATE secrets SET until = ?2 WHERE endpoint = ?1 AND until IS NULL";
            db.execute(end, params![id.as_str(), until.as_microsecond()])?;
            insert_secret(db, &id, &new)?;
            db.execute(
                "DELETE FROM secrets WHERE endpoint = ?1 AND number NOT IN
                 (SELECT number FROM secrets WHERE endpoint = ?1 ORDER BY number DESC LIMIT ?2)",
                params![id.as_str(), SECRETS_MAX],
            )?;
            Ok::<_, WebhookError>(())
        };
        self.write(Durability::Now, work).await?;
        self.wake();
        Ok((secret, until))
    }

    /// Returns the secrets that sign for `id` at `now`, newest first.
    pub(crate) async fn secrets(&self, id: &EndpointId, now: Timestamp) -> Result<Vec<Secret>, StoreError> {
        let id = id.clone();
        self.read(move |db| {
            let mut secrets = db.prepare_cached(
                "SELECT secret FROM secrets WHERE endpoint = ?1 AND (until IS NULL OR until > ?2)
                 ORDER BY number DESC",
            )?;
            let secrets = secrets
                .query_map(params![id.as_str(), now.as_microsecond()], |row| Ok(Secret(row.get(0)?)))?;
            Ok(secrets.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Takes note that the endpoint is told nothing any more, and why.
    pub(crate) async fn disable(
        &self,
        id: &EndpointId,
        (state, reason): (EndpointState, String),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = id.clone();
        self.write(Durability::Now, move |db| {
            db.execute(
                "UPDATE endpoints SET state = ?3, reason = ?4, changed = ?2 WHERE id = ?1 AND state = 'enabled'",
                params![id.as_str(), now.as_microsecond(), state.as_str(), reason],
            )?;
            Ok(())
        })
        .await
    }
}

/// Forgets the secrets of `id` that sign no more.
pub(crate) fn forget_ended(db: &Connection, id: &EndpointId, now: Timestamp) -> rusqlite::Result<usize> {
    db.prepare_cached("DELETE FROM secrets WHERE endpoint = ?1 AND until <= ?2")?
        .execute(params![id.as_str(), now.as_microsecond()])
}

fn insert_secret(db: &Connection, id: &EndpointId, secret: &Secret) -> rusqlite::Result<usize> {
    db.execute("INSERT INTO secrets(endpoint, secret) VALUES (?1, ?2)", params![id.as_str(), secret.0])
}

fn cut(description: &str) -> String {
    description.chars().take(DESCRIPTION_CHARS_MAX).collect()
}

const SELECT: &str = "SELECT *, (SELECT count(*) FROM deliveries WHERE endpoint = endpoints.id AND state = 0)
 AS waiting FROM endpoints";

pub(crate) fn find(db: &Connection, id: &EndpointId) -> Result<Endpoint, WebhookError> {
    let mut found = db.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    found.query_row([id.as_str()], endpoint).optional()?.ok_or_else(|| WebhookError::Unknown(id.0.clone()))
}

fn put(db: &Connection, endpoint: &Endpoint) -> rusqlite::Result<usize> {
    let filter = serde_json::to_string(&endpoint.filter).expect("a filter is texts and lists");
    db.prepare_cached("INSERT OR REPLACE INTO endpoints VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
        .execute(params![
            endpoint.id.as_str(),
            endpoint.url,
            endpoint.description,
            filter,
            endpoint.payload.as_str(),
            endpoint.cursor.0,
            endpoint.state.as_str(),
            endpoint.added.as_microsecond(),
            endpoint.changed.as_microsecond(),
            endpoint.reason,
        ])
}

fn endpoint(row: &Row<'_>) -> rusqlite::Result<Endpoint> {
    let filter = serde_json::from_str(&row.get::<_, String>("filter")?).map_err(unreadable)?;
    Ok(Endpoint {
        id: EndpointId(row.get("id")?),
        url: row.get("url")?,
        description: row.get("description")?,
        filter,
        payload: match row.get_ref("payload")?.as_str()? {
            "thin" => Payload::Thin,
            _ => Payload::Full,
        },
        cursor: Position(row.get("cursor")?),
        state: match row.get_ref("state")?.as_str()? {
            "enabled" => EndpointState::Enabled,
            "gone" => EndpointState::Gone,
            "failed" => EndpointState::Failed,
            _ => EndpointState::Disabled,
        },
        added: time(row, "added")?,
        changed: time(row, "changed")?,
        reason: row.get("reason")?,
        waiting: row.get("waiting")?,
    })
}

/// Returns the time in a column.
pub(crate) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(unreadable)
}

/// Returns the error for what is stored and means nothing.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}
