//! Where a story's recalls stand: who got what was called back, and who has said that it is gone.

use log::Position;
use projector::{Recalling, View};
use registry::{Principal, RecallLine, RecallQuery};
use story::{ActorId, Revision};
use utoipa::IntoParams;
use wire::http::{RecallStatus, RecallSubscriber, RecallView, RevisionLine};
use wire::{CloudEvent, Cursor, Problem, ProblemKind, Recall};

use super::page;
use super::problems::of_store;
use super::stories::Audited;
use crate::commands::read::{at_least, limit};
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};
use crate::problems::of_view;

/// Recalls in a page, if the caller does not say.
const RECALLS_PAGE: usize = 10;
/// Most recalls in a page.
const RECALLS_MAX: usize = 50;
/// Subscribers in a page of one recall.
const SUBSCRIBERS_PAGE: usize = 100;
/// Most revisions that one request looks through.
const LOOKED_AT_MAX: usize = 2_000;
/// Revisions read at a time.
const WINDOW: usize = 500;

/// Which recalls to show.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecallsQuery {
    /// `next` of the page before: only recalls older than this revision.
    #[param(value_type = Option<u64>)]
    after: Option<u64>,
    /// At most this many recalls; 10 if absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 50)]
    limit: usize,
    /// `subscribers_next` of a recall: only subscribers behind this one.
    #[param(value_type = Option<String>)]
    subscribers_after: Option<ActorId>,
    /// The cursor of a push or an act: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for RecallsQuery {
    const NAMES: &'static [&'static str] = &["after", "limit", "subscribers_after", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            after: from.number("after", i64::MAX.unsigned_abs())?,
            limit: limit(from, RECALLS_PAGE, RECALLS_MAX)?,
            subscribers_after: from.optional("subscribers_after")?,
            at_least: at_least(from)?,
        })
    }
}

impl Gateway {
    /// Returns how far the newest recalls of `story` have come.
    pub(crate) async fn recalls(
        &self,
        by: &Principal,
        story: &str,
        query: RecallsQuery,
    ) -> Result<RecallStatus, Problem> {
        let found = self.audited(by, story, query.at_least).await?;
        let newest = self.newest(found.story, View::Desk).await?.unwrap_or_default();
        let mut before = query.after.map_or(newest.get() + 1, |after| after.min(newest.get() + 1));
        let (mut recalls, mut looked_at) = (Vec::new(), 0);
        while before > 1 && recalls.len() < query.limit && looked_at < LOOKED_AT_MAX {
            let lines = self.revisions_before(found.story, before, WINDOW, View::Desk).await?;
            looked_at += WINDOW;
            let Some(oldest) = lines.last().map(|line| line.revision.get()) else {
                before = 1;
                break;
            };
            before = oldest;
            for line in lines.iter().filter(|line| line.public && line.kind.recalls()) {
                let recalling = recalling(&found, line);
                recalls.push(self.recall(&recalling, query.subscribers_after.as_ref()).await?);
                if recalls.len() == query.limit {
                    before = line.revision.get();
                    break;
                }
            }
        }
        let next = (before > 1).then(|| before.to_string());
        Ok(RecallStatus { story: found.story, slug: found.slug, recalls, next })
    }

    /// Returns how far one recall has come, with a page of its subscribers.
    pub(crate) async fn recall(
        &self,
        recalling: &Recalling,
        subscribers_after: Option<&ActorId>,
    ) -> Result<RecallView, Problem> {
        let Recalling { story, revision, kind, recorded, position, .. } = *recalling;
        let voids = self.voids(position.0).await?;
        let asked = RecallQuery { story, voided: voids.clone(), recall: revision };
        let status = self.registry().recall_status(asked, subscribers_after, SUBSCRIBERS_PAGE + 1).await;
        let (count, mut lines) = status.map_err(|failed| of_store(&failed))?;
        let subscribers_next = page(&mut lines, SUBSCRIBERS_PAGE, |line| line.subscriber.to_string());
        Ok(RecallView {
            revision,
            kind,
            recorded,
            voids,
            got: count.got,
            acknowledged: count.acknowledged,
            subscribers: lines.into_iter().map(subscriber).collect(),
            subscribers_next,
        })
    }

    /// Returns what the recall at `position` of the log calls back: what its message says.
    async fn voids(&self, position: u64) -> Result<Vec<Revision>, Problem> {
        let behind = Position(position.saturating_sub(1));
        let changes = self.views().outgoing(behind, 1).await.map_err(|failed| of_view(&failed))?;
        let change = changes.into_iter().find(|change| change.position == Position(position));
        let Some(message) = change.and_then(|change| change.recall) else { return Ok(Vec::new()) };
        let recall: CloudEvent<Recall> = serde_json::from_slice(&message).map_err(|error| {
            tracing::error!(%error, position, "A recall in the views cannot be read: rebuild them");
            Problem::new(ProblemKind::Internal, "the views are damaged: they must be built again")
                .with("place", format!("the recall at position {position}"))
        })?;
        Ok(recall.data.voids)
    }
}

fn recalling(found: &Audited, line: &RevisionLine) -> Recalling {
    Recalling {
        story: found.story,
        slug: found.slug.clone(),
        revision: line.revision,
        kind: line.kind,
        recorded: line.recorded,
        position: Position(line.position),
    }
}

fn subscriber(line: RecallLine) -> RecallSubscriber {
    RecallSubscriber { subscriber: line.subscriber, got: line.got, acknowledged: line.acknowledged }
}
