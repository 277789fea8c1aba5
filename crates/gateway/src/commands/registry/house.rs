//! What concerns the house as a whole: what was refused to whom, and what needs a second person.

use bytes::Bytes;
use jiff::Timestamp;
use registry::{Act, Guarded, KeptDenial, NumberedRange, Policy, Principal};
use utoipa::IntoParams;
use wire::Problem;
use wire::http::{DenialList, DenialView, PolicyBody};

use super::problems::of_store;
use super::{PAGE, PAGE_MAX, body, page, text};
use crate::commands::read::limit;
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};

/// Which denials to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DenialsQuery {
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

impl Query for DenialsQuery {
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
    /// Returns one page of denials, newest first.
    pub(crate) async fn denials(&self, by: &Principal, query: &DenialsQuery) -> Result<DenialList, Problem> {
        self.allow_house(by, Act::Audit).await?;
        let range = NumberedRange {
            from: query.from.unwrap_or(Timestamp::MIN),
            to: query.to.unwrap_or(Timestamp::MAX),
            before: query.after,
        };
        let found = self.registry().denials(range, query.limit + 1).await;
        let mut denials = found.map_err(|failed| of_store(&failed))?;
        let not_kept = self.registry().denials_not_kept().await.map_err(|failed| of_store(&failed))?;
        let next = page(&mut denials, query.limit, |kept| kept.number.to_string());
        Ok(DenialList { denials: denials.into_iter().map(view).collect(), not_kept, next })
    }

    /// Returns what needs a second person.
    pub(crate) async fn policy(&self, by: &Principal) -> Result<PolicyBody, Problem> {
        self.allow_house(by, Act::Audit).await?;
        Ok(policy(self.registry().policy()))
    }

    /// Sets what needs a second person.
    pub(crate) async fn set_policy(&self, by: &Principal, given: &Bytes) -> Result<PolicyBody, Problem> {
        self.allow_house(by, Act::Operate).await?;
        let PolicyBody { second_person } = body(given)?;
        let acts = second_person.iter().enumerate();
        let acts = acts.map(|(index, act)| text::<Guarded>(format!("second_person[{index}]"), act));
        let wanted = Policy::from(acts.collect::<Result<Vec<_>, _>>()?);
        self.registry().set_policy(wanted).await.map_err(|failed| of_store(&failed))?;
        Ok(policy(wanted))
    }
}

fn policy(policy: Policy) -> PolicyBody {
    PolicyBody { second_person: policy.acts().map(|act| act.as_str().to_owned()).collect() }
}

fn view(kept: KeptDenial) -> DenialView {
    let KeptDenial { number, denial } = kept;
    DenialView {
        number,
        at: denial.at,
        actor: denial.actor,
        key: denial.key.map(|key| key.to_string()),
        act: denial.act.to_string(),
        desk: denial.desk,
        story: denial.story,
        door: denial.door.to_string(),
        reason: denial.reason,
    }
}
