//! What a second person asks over NATS: what waits, and the word on it.

use registry::Principal;
use wire::{DeskVerb, Problem};

use super::{Reply, json};
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query, bad_parameter};

/// Answers `requests`, `approve` and `refuse`.
pub(super) async fn decided(
    gateway: &Gateway,
    verb: DeskVerb,
    who: &Principal,
    query: Parameters,
) -> Result<Reply, Problem> {
    match verb {
        DeskVerb::Approve => {
            let Deciding { request } = Query::read(query)?;
            Ok(json(&gateway.approve_request(who, &request).await?))
        }
        DeskVerb::Refuse => {
            let Refusing { request, reason } = Query::read(query)?;
            let body = serde_json::json!({"reason": reason}).to_string();
            Ok(json(&gateway.refuse_request(who, &request, &body.into()).await?))
        }
        _ => Ok(json(&gateway.requests(who, &Query::read(query)?).await?)),
    }
}

/// Which request is approved.
struct Deciding {
    request: String,
}

impl Query for Deciding {
    const NAMES: &'static [&'static str] = &["request"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        let request = from.text("request");
        let request = request.ok_or_else(|| bad_parameter("request", "it is missing: name a request"))?;
        Ok(Self { request })
    }
}

/// Which request is refused, and why.
struct Refusing {
    request: String,
    reason: Option<String>,
}

impl Query for Refusing {
    const NAMES: &'static [&'static str] = &["request", "reason"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        let Deciding { request } = Deciding::take(from)?;
        Ok(Self { request, reason: from.text("reason") })
    }
}
