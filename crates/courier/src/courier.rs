//! The courier's task: one round for every endpoint that is enabled.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use log::Position;
use projector::{ChangeFilter, ChangeRow, Leaving, ViewError, Views};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use wire::{CloudEvent, Recall};

use crate::deliveries::{Asked, Delivery, Origin, Replay, Subject};
use crate::endpoints::{EndpointId, EndpointState};
use crate::error::WebhookError;
use crate::limits::{PAGE_CHANGES, REPLAY_MAX, RETRY_PAUSE};
use crate::post::Caller;
use crate::round::{Round, Tools};
use crate::store::Webhooks;

/// What the courier works with.
#[derive(Debug)]
pub struct Joint {
    /// Who wants to be told.
    pub webhooks: Webhooks,
    /// What there is to tell.
    pub views: Views,
}

/// Carries changes to every endpoint that is enabled.
pub struct Courier {
    tools: Tools,
    rounds: JoinSet<EndpointId>,
    known: HashMap<EndpointId, Id>,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").field("rounds", &self.known.len()).finish_non_exhaustive()
    }
}

impl Courier {
    /// Returns a courier that tells `listener` of what leaves of stories that have, or had, an embargo.
    pub fn new(joint: Joint, listener: impl Fn(Leaving) + Send + Sync + 'static) -> Self {
        let Joint { webhooks, views } = joint;
        let tools = Tools { webhooks, views, caller: Caller::new(), listener: Arc::new(listener) };
        Self { tools, rounds: JoinSet::new(), known: HashMap::new() }
    }

    /// Carries until `shutdown`. What is not noted as delivered by then is delivered after the next start.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut told = self.tools.webhooks.follow();
        loop {
            told.borrow_and_update();
            let failed = self.begin_rounds(&shutdown).await.err();
            if let Some(failed) = &failed {
                warn!(error = %failed, "The courier cannot read its webhooks");
            }
            let again = async {
                match failed {
                    Some(_) => tokio::time::sleep(RETRY_PAUSE).await,
                    None => std::future::pending().await,
                }
            };
            // Cancel-safe, each: what has moved or ended is seen now or next time.
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(ended) = self.rounds.join_next_with_id() => self.forget(ended),
                moved = told.changed() => if moved.is_err() { break },
                () = again => {}
            }
        }
        while self.rounds.join_next().await.is_some() {}
    }

    /// Begins a round for every endpoint that is enabled and has none.
    async fn begin_rounds(&mut self, shutdown: &CancellationToken) -> Result<(), WebhookError> {
        for endpoint in self.tools.webhooks.list().await? {
            if endpoint.state == EndpointState::Enabled && !self.known.contains_key(&endpoint.id) {
                let round = Round::new(endpoint.id.clone(), self.tools.clone());
                let (id, shutdown) = (endpoint.id.clone(), shutdown.clone());
                let begun = self.rounds.spawn(async move {
                    round.run(shutdown).await;
                    id
                });
                self.known.insert(endpoint.id, begun.id());
            }
        }
        Ok(())
    }

    /// Forgets a round that has ended: if its endpoint is enabled, another begins.
    fn forget(&mut self, ended: Result<(Id, EndpointId), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, _)) => id,
            Err(fault) => {
                error!(error = %fault, "A webhook's round has broken: it begins again");
                fault.id()
            }
        };
        self.known.retain(|_, known| *known != id);
    }
}

impl Subject {
    /// Returns what a delivery knows of `change`.
    pub(crate) fn of(change: &ChangeRow) -> Self {
        let ChangeRow { story, position, to, kind, .. } = change;
        Self { story: *story, position: *position, revision: *to, kind: *kind }
    }
}

impl Asked {
    /// Returns what becomes of `change` for whoever asks for what passes `filter`; `None` if nothing does.
    pub(crate) fn of(change: &ChangeRow, filter: &ChangeFilter) -> Result<Option<Self>, ViewError> {
        if change.passes(filter) {
            return Ok(Some(Self::Yes(Subject::of(change))));
        }
        let Some(recall) = &change.recall else { return Ok(None) };
        let recall: CloudEvent<Recall> = serde_json::from_slice(recall)
            .map_err(|_| ViewError::Damaged { place: format!("changes.recall at {}", change.position) })?;
        Ok(Some(Self::IfTold(Subject::of(change), recall.data.voids)))
    }
}

/// What a replay has queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// How many deliveries.
    pub count: usize,
    /// The delivery, where one was asked for.
    pub one: Option<Delivery>,
    /// Behind what the next replay goes on, if one is not enough.
    pub next: Option<Position>,
}

impl Webhooks {
    /// Queues again what `replay` says, behind what waits for `id`. The messages have the ids that they
    /// had: a receiver that keeps them knows that they came before.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn replay(
        &self,
        id: &EndpointId,
        replay: Replay,
        views: &Views,
    ) -> Result<Queued, WebhookError> {
        let (mut after, upto) = match replay {
            Replay::One(delivery) => {
                let one = self.again(id, delivery).await?;
                return Ok(Queued { count: 1, one: Some(one), next: None });
            }
            Replay::Range(after, upto) => (after, upto),
        };
        let endpoint = self.show(id).await?;
        if endpoint.state != EndpointState::Enabled {
            return Err(WebhookError::Disabled);
        }
        if endpoint.waiting >= REPLAY_MAX {
            return Err(WebhookError::Full);
        }
        let (filter, mut asked, mut next) = (endpoint.changes(), Vec::new(), None);
        'pages: loop {
            let changes = views.changes(after, PAGE_CHANGES).await?;
            for change in &changes {
                if change.position > upto {
                    break 'pages;
                }
                if change.passes(&filter) {
                    if asked.len() == REPLAY_MAX {
                        next = Some(after);
                        break 'pages;
                    }
                    asked.push(Asked::Yes(Subject::of(change)));
                }
                after = change.position;
            }
            if changes.len() < PAGE_CHANGES {
                break;
            }
        }
        let count = self.queue(id, asked, (Origin::Replay, None)).await?;
        self.wake();
        Ok(Queued { count, one: None, next })
    }
}
