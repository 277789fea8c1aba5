//! Exports: who took text out of the house in a file. The file is made where the data dir is; here is
//! recorded that it was.

use bytes::Bytes;
use jiff::Timestamp;
use registry::{Act, Export, NewExport, Note, NumberedRange, Principal};
use utoipa::IntoParams;
use wire::Problem;
use wire::http::{ExportBody, ExportList, ExportView};

use super::problems::of_store;
use super::{PAGE, PAGE_MAX, bad_body, body, now, page, text};
use crate::commands::read::limit;
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};

/// Most stories in one export.
const STORIES_MAX: usize = 1_000;
/// Hexadecimal digits of a SHA-256.
const DIGITS: usize = 64;

/// Which exports to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportsQuery {
    /// At this time or later (RFC 3339).
    #[param(value_type = Option<String>, example = "2026-11-23T00:00:00Z")]
    from: Option<Timestamp>,
    /// Before this time (RFC 3339).
    #[param(value_type = Option<String>, example = "2026-11-24T00:00:00Z")]
    to: Option<Timestamp>,
    /// `next` of the page before: only older ones.
    #[param(value_type = Option<u64>)]
    after: Option<u64>,
    /// At most this many; 100 if absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500)]
    limit: usize,
}

impl Query for ExportsQuery {
    const NAMES: &'static [&'static str] = &["from", "to", "after", "limit"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            from: from.optional("from")?,
            to: from.optional("to")?,
            after: from.number("after", i64::MAX.unsigned_abs())?,
            limit: limit(from, PAGE, PAGE_MAX)?,
        })
    }
}

impl Gateway {
    /// Records an export before it is handed out: by who audits, and of what was withdrawn by who may read
    /// the record.
    pub(crate) async fn record_export(&self, by: &Principal, given: &Bytes) -> Result<ExportView, Problem> {
        self.allow_house(by, Act::Audit).await?;
        let actor = self.acting_as(by, None).await?;
        let ExportBody { level, stories, sha256, bytes, recipient } = body(given)?;
        match &*level {
            "public" | "redacted" => {}
            "full" => self.allow_house(by, Act::ReadRecord).await?,
            _ => return Err(bad_body("level", "it is one of public, redacted, full")),
        }
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if sha256.len() != DIGITS || !sha256.bytes().all(is_digit) {
            return Err(bad_body("sha256", "it is 64 lower-case hexadecimal digits"));
        }
        if stories.is_empty() || stories.len() > STORIES_MAX {
            return Err(bad_body("stories", "1 to 1,000 ids are expected"));
        }
        let recipient = recipient.map(|recipient| text::<Note>("recipient", &recipient)).transpose()?;
        let (at, told) = (now(), recipient.as_ref().map(ToString::to_string));
        let (by, digest) = (actor.clone(), sha256.clone());
        let new = NewExport { by, recipient, level: level.clone(), stories: stories.clone(), digest, bytes };
        let export = self.registry().record_export(new, at).await.map_err(|failed| of_store(&failed))?;
        Ok(ExportView { export, at, by: actor, recipient: told, level, stories, sha256, bytes })
    }

    /// Returns one page of exports, newest first.
    pub(crate) async fn exports(&self, by: &Principal, query: &ExportsQuery) -> Result<ExportList, Problem> {
        self.allow_house(by, Act::Audit).await?;
        let range = NumberedRange {
            from: query.from.unwrap_or(Timestamp::MIN),
            to: query.to.unwrap_or(Timestamp::MAX),
            before: query.after,
        };
        let found = self.registry().exports(range, query.limit + 1).await;
        let mut found = found.map_err(|failed| of_store(&failed))?;
        let next = page(&mut found, query.limit, |export| export.number.to_string());
        Ok(ExportList { exports: found.into_iter().map(view).collect(), next })
    }
}

fn view(export: Export) -> ExportView {
    let Export { number, at, by, recipient, level, stories, digest, bytes } = export;
    let recipient = recipient.map(|recipient| recipient.to_string());
    ExportView { export: number, at, by, recipient, level, stories, sha256: digest, bytes }
}
