//! Redactions over NATS: what is asked over HTTP, in one message.

use registry::{Act, Principal};
use serde_json::Value;
use story::CommandKey;
use wire::http::RedactBody;
use wire::{Problem, ProblemKind};

use super::{Reply, json};
use crate::commands::{RedactOutcome, RedactQuery, Redacting};
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query, bad_parameter};

/// Answers `redact`: what is to go is in `body`, as over HTTP.
pub(super) async fn redact(
    gateway: &Gateway,
    who: &Principal,
    (story, query, body): (String, Parameters, Option<Value>),
    key: Option<CommandKey>,
) -> Result<Reply, Problem> {
    gateway.may_do(who, Act::Redact, &story).await?;
    let RedactQuery { dry_run } = Query::read(query)?;
    let body = body.ok_or_else(|| bad_parameter("body", "it is missing: say what is to be redacted"))?;
    let body: RedactBody = serde_json::from_value(body).map_err(|error| {
        Problem::new(ProblemKind::BadRequest, format!("body: {error}")).with("place", "body")
    })?;
    let redacting = Redacting { story, body, if_match: None, key };
    if dry_run {
        return Ok(json(&gateway.would_redact(redacting, who).await?));
    }
    Ok(match gateway.redact(redacting, who).await? {
        RedactOutcome::Redacted(redacted) => json(&redacted),
        RedactOutcome::Waits(waiting) => json(&waiting),
    })
}
