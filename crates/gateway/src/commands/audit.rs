//! An auditor's questions about the whole house, or about a desk.
//!
//! Each asks the views, and the registry where it is about who got what. Whoever may audit a desk may ask
//! about it; the house takes a grant on every desk.

use jiff::Timestamp;
use log::Position;
use projector::{Found, Period, StretchPlace};
use registry::{Act, Principal};
use story::{Desk, Revision, StoryId};
use utoipa::IntoParams;
use wire::http::{
    CorrectionPage, EmbargoAudit, EmbargoPage, PublicPage, RecallFinding, RecallPage, SilentPage,
};
use wire::{Cursor, Problem};

use crate::commands::read::{at_least, limit};
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query, bad_parameter};
use crate::problems::of_view;

/// Findings in a page, if the caller does not say.
const PAGE: usize = 100;
/// Most findings in a page.
const PAGE_MAX: usize = 500;
/// Most findings in a page where each is counted or read apart.
const COUNTED_MAX: usize = 50;
/// Stories whose embargoes one page reads.
const EMBARGOED_STORIES: usize = 50;

/// What is asked about, and which part of the answer.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct QuestionQuery {
    /// At this time or later (RFC 3339).
    #[param(value_type = Option<String>, example = "2026-11-23T00:00:00Z")]
    from: Option<Timestamp>,
    /// Before this time (RFC 3339).
    #[param(value_type = Option<String>, example = "2026-11-24T00:00:00Z")]
    to: Option<Timestamp>,
    /// Only this desk's.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "world")]
    desk: Option<Desk>,
    /// `next` of the page before.
    after: Option<String>,
    /// At most this many; 100 if absent. Recalls and embargoes are given at most 50 at a time.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500)]
    limit: usize,
    /// The cursor of a push or an act: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for QuestionQuery {
    const NAMES: &'static [&'static str] = &["from", "to", "desk", "after", "limit", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            from: from.optional("from")?,
            to: from.optional("to")?,
            desk: from.optional("desk")?,
            after: from.text("after"),
            limit: limit(from, PAGE, PAGE_MAX)?,
            at_least: at_least(from)?,
        })
    }
}

impl QuestionQuery {
    fn period(&self) -> Period {
        Period {
            from: self.from.unwrap_or(Timestamp::MIN),
            to: self.to.unwrap_or(Timestamp::MAX),
            desk: self.desk.clone(),
        }
    }

    fn position(&self) -> Result<Position, Problem> {
        let given =
            self.after.as_deref().map(|after| after.parse().map(Position).map_err(|_| no_page(after)));
        Ok(given.transpose()?.unwrap_or(Position::ZERO))
    }

    fn story(&self) -> Result<Option<StoryId>, Problem> {
        self.after.as_deref().map(|after| after.parse().map_err(|_| no_page(after))).transpose()
    }

    fn stretch(&self) -> Result<Option<StretchPlace>, Problem> {
        let Some(after) = self.after.as_deref() else { return Ok(None) };
        let place = after
            .split_once('.')
            .and_then(|(story, revision)| Some((story.parse().ok()?, Revision(revision.parse().ok()?))));
        place.map(Some).ok_or_else(|| no_page(after))
    }
}

fn no_page(given: &str) -> Problem {
    let given = crate::parameters::shown(given);
    bad_parameter("after", format_args!("{given:?} is not where a page ended"))
}

impl Gateway {
    /// Returns changes that readers were told nothing of.
    pub(crate) async fn silent_changes(
        &self,
        by: &Principal,
        query: &QuestionQuery,
    ) -> Result<SilentPage, Problem> {
        self.may_question(by, query).await?;
        let found = self.views().silent_changes(query.period(), query.position()?, query.limit).await;
        let Found { found: findings, next } = found.map_err(|failed| of_view(&failed))?;
        Ok(SilentPage { findings, next: next.map(|position| position.to_string()) })
    }

    /// Returns corrections that lack something.
    pub(crate) async fn lacking_corrections(
        &self,
        by: &Principal,
        query: &QuestionQuery,
    ) -> Result<CorrectionPage, Problem> {
        self.may_question(by, query).await?;
        let found = self.views().lacking_corrections(query.period(), query.position()?, query.limit).await;
        let Found { found: findings, next } = found.map_err(|failed| of_view(&failed))?;
        Ok(CorrectionPage { findings, next: next.map(|position| position.to_string()) })
    }

    /// Returns recalls of the house, and how far each has come.
    pub(crate) async fn house_recalls(
        &self,
        by: &Principal,
        query: &QuestionQuery,
    ) -> Result<RecallPage, Problem> {
        self.may_question(by, query).await?;
        let limit = query.limit.min(COUNTED_MAX);
        let found = self.views().recalling(query.period(), query.position()?, limit).await;
        let Found { found, next } = found.map_err(|failed| of_view(&failed))?;
        let mut findings = Vec::with_capacity(found.len());
        for recalling in found {
            let recall = self.recall(&recalling, None).await?;
            findings.push(RecallFinding { story: recalling.story, slug: recalling.slug, recall });
        }
        Ok(RecallPage { findings, next: next.map(|position| position.to_string()) })
    }

    /// Returns the embargoes of stories that were in force at any time of a period.
    pub(crate) async fn house_embargoes(
        &self,
        by: &Principal,
        query: &QuestionQuery,
    ) -> Result<EmbargoPage, Problem> {
        self.may_question(by, query).await?;
        let (limit, period) = (query.limit.min(COUNTED_MAX), query.period());
        let stories =
            self.views().embargoed(period.desk.clone(), query.story()?, EMBARGOED_STORIES + 1).await;
        let stories = stories.map_err(|failed| of_view(&failed))?;
        let more = stories.len() > EMBARGOED_STORIES;
        let (mut findings, mut next) = (Vec::new(), None);
        let mut stories = stories.into_iter().take(EMBARGOED_STORIES).peekable();
        while let Some(embargoed) = stories.next() {
            let story = embargoed.story;
            let audit = self.embargoes_of(story, embargoed.slug).await?;
            findings.extend(Some(audit).filter(|audit| is_in(audit, &period)));
            if stories.peek().is_none() && more || findings.len() == limit && stories.peek().is_some() {
                next = Some(story.to_string());
                break;
            }
        }
        Ok(EmbargoPage { findings, next })
    }

    /// Returns what readers had between two times.
    pub(crate) async fn public_between(
        &self,
        by: &Principal,
        query: &QuestionQuery,
    ) -> Result<PublicPage, Problem> {
        self.may_question(by, query).await?;
        let found = self.views().public_between(query.period(), query.stretch()?, query.limit).await;
        let Found { found, next } = found.map_err(|failed| of_view(&failed))?;
        Ok(PublicPage { findings: found, next: next.map(|(story, revision)| format!("{story}.{revision}")) })
    }

    async fn may_question(&self, by: &Principal, query: &QuestionQuery) -> Result<(), Problem> {
        self.allow(by, Act::Audit, query.desk.as_ref(), None).await?;
        if let (Some(from), Some(to)) = (query.from, query.to)
            && from >= to
        {
            return Err(bad_parameter("to", "it is a time behind `from`"));
        }
        self.catch_up(query.at_least).await
    }
}

/// Returns whether an embargo of the story was in force at any time of the period.
fn is_in(audit: &EmbargoAudit, period: &Period) -> bool {
    let mut embargoes = audit.embargoes.iter();
    embargoes.any(|embargo| {
        let over = embargo.ended.unwrap_or(embargo.until);
        embargo.set < period.to && over >= period.from
    })
}
