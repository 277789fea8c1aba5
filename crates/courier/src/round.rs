//! The round of one endpoint: takes what it asks for from the views, queues it, and carries it, each story
//! in order. It shares nothing with the rounds of others but the file.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use log::Position;
use metrics::{counter, gauge};
use projector::{Leaving, Views};
use story::StoryId;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::address::Target;
use crate::deliveries::{Asked, Attempted, Delivery, DeliveryId, DeliveryState, Origin};
use crate::endpoints::{Endpoint, EndpointId, EndpointState};
use crate::error::WebhookError;
use crate::limits::{
    AT_WORK_MAX, ATTEMPT_TIME_MAX, BACKLOG_MAX, CURSOR_EVERY, DRAIN_TIME_MAX, PAGE_CHANGES, RETRY_PAUSE,
};
use crate::message::Message;
use crate::post::{Caller, Headers};
use crate::schedule::{Answer, Verdict, verdict};
use crate::signature::sign;
use crate::store::Webhooks;

/// Told of what leaves, for the audit of embargoes.
pub(crate) type Listener = Arc<dyn Fn(Leaving) + Send + Sync>;

/// What a round works with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) webhooks: Webhooks,
    pub(crate) views: Views,
    pub(crate) caller: Caller,
    pub(crate) listener: Listener,
}

/// Whose turn a story's is: deliveries without a story are tests, and take turns too.
type Turn = Option<StoryId>;

/// What came of calling the endpoint.
enum Called {
    /// It was called, or could not be.
    Answered(Answer, Option<String>),
    /// Readers may not see the change any more.
    Withdrawn,
    /// The views or the file gave no answer: it is tried again soon, and does not count.
    Not(String),
}

/// The round of one endpoint.
pub(crate) struct Round {
    id: EndpointId,
    tools: Tools,
    /// Moves when a door has changed something.
    told: watch::Receiver<u64>,
    follow: watch::Receiver<Position>,
    /// Everything up to here was queued, or is not asked for.
    after: Position,
    /// What of that is written down.
    written: Option<Position>,
    at_work: JoinSet<(Turn, bool)>,
    turns: HashSet<Turn>,
}

impl Round {
    pub(crate) fn new(id: EndpointId, tools: Tools) -> Self {
        let (told, follow) = (tools.webhooks.follow(), tools.views.follow());
        Self {
            id,
            tools,
            told,
            follow,
            after: Position::ZERO,
            written: None,
            at_work: JoinSet::new(),
            turns: HashSet::new(),
        }
    }

    /// Carries until `shutdown`, or until its endpoint is removed or disabled.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        loop {
            self.told.borrow_and_update();
            self.follow.borrow_and_update();
            let next = match self.step().await {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(failed) => {
                    warn!(webhook = %self.id, error = %failed, "A webhook's round stands still");
                    // Cancel-safe: it only waits.
                    if shutdown.run_until_cancelled(tokio::time::sleep(RETRY_PAUSE)).await.is_none() {
                        break;
                    }
                    continue;
                }
            };
            let clock = self.tools.webhooks.0.clock.clone();
            // Cancel-safe, each: what has moved or ended is seen now or next time.
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                ended = self.at_work.join_next(), if !self.at_work.is_empty() => {
                    if !self.ended(ended.and_then(Result::ok)) {
                        break;
                    }
                }
                moved = self.told.changed() => if moved.is_err() { break },
                moved = self.follow.changed() => if moved.is_err() { shutdown.cancelled().await },
                () = clock.until(next) => {}
            }
        }
        // What is cut off is sent again.
        if timeout(DRAIN_TIME_MAX, async { while self.at_work.join_next().await.is_some() {} }).await.is_err()
        {
            info!(webhook = %self.id, "Cut off attempts that did not end in time: they are made again");
        }
    }

    /// Gives back the turn of an attempt that has ended; returns whether the round goes on.
    fn ended(&mut self, ended: Option<(Turn, bool)>) -> bool {
        match ended {
            Some((turn, goes_on)) => {
                self.turns.remove(&turn);
                goes_on
            }
            // A fault of ours has ended an attempt: whose turn it was is not known, so the round begins anew.
            None => false,
        }
    }

    /// Queues what is new and begins what is due; returns when the next is due, or `None` if nothing is to
    /// be told to the endpoint any more.
    async fn step(&mut self) -> Result<Option<Option<Timestamp>>, WebhookError> {
        let endpoint = match self.tools.webhooks.show(&self.id).await {
            Ok(endpoint) if endpoint.state == EndpointState::Enabled => endpoint,
            Ok(_) | Err(WebhookError::Unknown(_)) => return Ok(None),
            Err(failed) => return Err(failed),
        };
        if self.written != Some(endpoint.cursor) {
            self.after = endpoint.cursor;
            self.written = Some(endpoint.cursor);
        }
        self.fill(&endpoint).await?;
        let (waiting, heads) = self.tools.webhooks.heads(&self.id).await?;
        self.measure(waiting);
        let now = self.tools.webhooks.0.clock.now();
        let mut next = None;
        for head in heads {
            let turn = head.change.map(|change| change.story);
            if self.turns.contains(&turn) {
                continue;
            }
            if head.due > now {
                next = Some(next.map_or(head.due, |next: Timestamp| next.min(head.due)));
            } else if self.at_work.len() < AT_WORK_MAX {
                self.turns.insert(turn);
                let attempt = attempt(self.tools.clone(), endpoint.clone(), head);
                self.at_work.spawn(async move { (turn, attempt.await) });
            }
        }
        Ok(Some(next))
    }

    /// Queues what the endpoint asks for of what is new, as long as there is room.
    async fn fill(&mut self, endpoint: &Endpoint) -> Result<(), WebhookError> {
        let filter = endpoint.changes();
        let mut waiting = endpoint.waiting;
        while waiting < BACKLOG_MAX {
            let viewed = self.tools.views.position();
            if viewed <= self.after {
                return Ok(());
            }
            let changes = self.tools.views.changes(self.after, PAGE_CHANGES).await?;
            let is_last = changes.len() < PAGE_CHANGES;
            let last = changes.last().map_or(viewed, |change| change.position);
            let reached = if is_last { last.max(viewed) } else { last };
            let asked = changes.iter().filter_map(|change| Asked::of(change, &filter).transpose());
            let asked: Vec<_> = asked.collect::<Result<_, _>>()?;
            waiting += asked.len();
            let written = self.written.unwrap_or(Position::ZERO);
            if !asked.is_empty() || reached.0 - written.0.min(reached.0) >= CURSOR_EVERY {
                self.tools.webhooks.queue(&self.id, asked, (Origin::Change, Some(reached))).await?;
                self.written = Some(reached);
            }
            self.after = reached;
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other number")]
    fn measure(&self, waiting: usize) {
        let id = self.id.as_str().to_owned();
        let lag = self.tools.views.position().0.saturating_sub(self.after.0);
        gauge!("writethru_webhook_waiting_deliveries", "webhook" => id.clone()).set(waiting as f64);
        gauge!("writethru_webhook_lag_events", "webhook" => id).set(lag as f64);
    }
}

/// Makes one attempt and takes note of it; returns whether the endpoint wants any more.
async fn attempt(tools: Tools, endpoint: Endpoint, delivery: Delivery) -> bool {
    let called = timeout(ATTEMPT_TIME_MAX, Box::pin(call(&tools, &endpoint, &delivery))).await;
    let called = called.unwrap_or_else(|_| {
        let late = format!("no answer within {} s", ATTEMPT_TIME_MAX.as_secs());
        Called::Answered(Answer { status: None, retry_after: None }, Some(late))
    });
    let now = tools.webhooks.0.clock.now();
    let (attempted, is_gone) = judged(&delivery, called, now);
    let outcome = match attempted.state {
        DeliveryState::Waiting => "failed",
        state => state.as_str(),
    };
    counter!("writethru_webhook_attempts_total", "outcome" => outcome).increment(1);
    let (state, reason) = match (is_gone, attempted.state) {
        (true, _) => (EndpointState::Gone, "it has answered 410".to_owned()),
        (false, DeliveryState::GivenUp) => (EndpointState::Failed, given_up(&delivery, &attempted)),
        (false, _) => {
            note(&tools.webhooks, delivery.id, attempted, now).await;
            return true;
        }
    };
    warn!(webhook = %endpoint.id, delivery = delivery.id.0, %reason, "Disabled a webhook: enable it when its receiver is well");
    // Before the delivery: if the service ends between, the last attempt is made again.
    if let Err(failed) = tools.webhooks.disable(&endpoint.id, (state, reason), now).await {
        warn!(webhook = %endpoint.id, error = %failed, "Cannot write down that a webhook is disabled");
    }
    note(&tools.webhooks, delivery.id, attempted, now).await;
    false
}

/// Returns why an endpoint is disabled after its last attempt.
fn given_up(delivery: &Delivery, attempted: &Attempted) -> String {
    let attempts = delivery.attempts.saturating_add(1);
    let last = attempted.error.as_deref().unwrap_or("no answer");
    format!("delivery {} was given up after {attempts} attempts; the last: {last}", delivery.id.0)
}

/// Takes note of an attempt, until it succeeds: else the endpoint would be called again at once.
async fn note(webhooks: &Webhooks, id: DeliveryId, attempted: Attempted, now: Timestamp) {
    while let Err(failed) = webhooks.attempted(id, attempted.clone(), now).await {
        warn!(delivery = id.0, error = %failed, "Cannot write down what came of a delivery");
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Returns what follows from a call, and whether the endpoint is gone.
fn judged(delivery: &Delivery, called: Called, now: Timestamp) -> (Attempted, bool) {
    let over = |state, status| Attempted { state, due: now, status, error: None, counts: true };
    let (answer, error) = match called {
        Called::Answered(answer, error) => (answer, error),
        Called::Withdrawn => {
            return (Attempted { counts: false, ..over(DeliveryState::Withdrawn, None) }, false);
        }
        Called::Not(why) => {
            let soon = now.checked_add(RETRY_PAUSE).unwrap_or(now);
            let again = Attempted {
                due: soon,
                error: Some(why),
                counts: false,
                ..over(DeliveryState::Waiting, None)
            };
            return (again, false);
        }
    };
    let begun = delivery.begun.unwrap_or(now);
    let status = answer.status;
    match verdict(answer, delivery.attempts.saturating_add(1), (begun, now), rand::random()) {
        Verdict::Delivered => (over(DeliveryState::Delivered, status), false),
        Verdict::Again(due) => (Attempted { due, error, ..over(DeliveryState::Waiting, status) }, false),
        Verdict::GivenUp => (Attempted { error, ..over(DeliveryState::GivenUp, status) }, false),
        // It waits, and goes out first if the endpoint is enabled again.
        Verdict::Gone => (over(DeliveryState::Waiting, status), true),
    }
}

/// Calls the endpoint. The body is read once the connection stands, and leaves only if nothing was taken
/// from readers since.
async fn call(tools: &Tools, endpoint: &Endpoint, delivery: &Delivery) -> Called {
    let no_answer = |error: String| Called::Answered(Answer { status: None, retry_after: None }, Some(error));
    let inner = &tools.webhooks.0;
    let target = match Target::parse(&endpoint.url, inner.reach) {
        Ok(target) => target,
        Err(refused) => return no_answer(refused.to_string()),
    };
    let line = match tools.caller.connect(target).await {
        Ok(line) => line,
        Err(failed) => return no_answer(failed.to_string()),
    };
    let now = inner.clock.now();
    let secrets = match tools.webhooks.secrets(&endpoint.id, now).await {
        Ok(secrets) => secrets,
        Err(failed) => return Called::Not(failed.to_string()),
    };
    let message = loop {
        match Message::read(delivery, endpoint.payload, &tools.views).await {
            Ok(Some(message)) if message.may_leave(&tools.views) => break message,
            Ok(Some(_)) => {}
            Ok(None) => return Called::Withdrawn,
            Err(failed) => return Called::Not(failed.to_string()),
        }
    };
    let signature = sign(&secrets, &delivery.message, now, &message.body);
    let headers = Headers { id: delivery.message.clone(), at: now, signature };
    if let Some(leaving) = message.leaving {
        (tools.listener)(leaving);
    }
    match line.post(headers, message.body).await {
        Ok(answer) => {
            let status = answer.status.unwrap_or_default();
            let error = (!(200..300).contains(&status)).then(|| format!("the endpoint answered {status}"));
            Called::Answered(answer, error)
        }
        Err(failed) => no_answer(failed.to_string()),
    }
}
