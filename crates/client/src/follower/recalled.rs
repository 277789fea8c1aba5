//! Recalls: told to the owner once they are applied, and acknowledged to the service.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::MessagesError;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{AckKind, Message};
use story::{Revision, StoryId};
use tracing::{debug, warn};
use wire::{Acknowledgement, CloudEvent, Recall, Subject, recall_id};

use super::{Follower, RETRY_DELAY};
use crate::held::Held;
use crate::recalls::Waiting;
use crate::update::{ResetReason, Update};

/// How long telling the last receipts may hold up the end.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(1);

impl Follower {
    /// Opens the way of recalls, if it is not open. Without it the replica follows all the same.
    pub(super) async fn open_recalls(&mut self) {
        let filter = self.settings.scope.recalls();
        if let Err(problem) = Box::pin(self.recalls.open(&self.connection.jetstream, filter)).await {
            warn!(problem, "Recalls cannot be followed for now");
        }
    }

    /// Takes what came from the subscriber's consumer.
    pub(super) fn take_recall(&mut self, message: Option<Result<Message, MessagesError>>) {
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(problem)) => {
                debug!(error = %problem, "Recalls are interrupted");
                return self.recalls.close();
            }
            None => return self.recalls.close(),
        };
        let recall = match serde_json::from_slice::<CloudEvent<Recall>>(&message.payload) {
            Ok(event) => event.data,
            Err(problem) => {
                self.refuse(message.subject.as_str(), &format!("a recall cannot be read: {problem}"));
                self.recalls.sending.spawn(async move {
                    // If NATS is not told, it comes again and is refused again.
                    let _ = message.ack_with(AckKind::Term).await;
                });
                return;
            }
        };
        let (story, revision) = (recall.story, recall.revision);
        let is_known = self.stories.get(&story).is_some_and(|held| held.revision() >= revision);
        if !is_known && self.settings.scope.follows(&recall.desk) {
            // Its change comes behind it; if it does not, it is looked for.
            let since = self.checked.last_sequence + 1;
            self.gaps.expect(story, ResetReason::Hole, revision, since);
        }
        self.recalls.waiting.insert((story, revision), Waiting { recall, message });
    }

    /// Tells of the recalls that are applied by now, and acknowledges them.
    pub(super) fn settle_recalls(&mut self) {
        while self.recalls.sending.try_join_next().is_some() {}
        let (stories, gaps) = (&self.stories, &self.gaps);
        let is_applied = |(story, revision): &(StoryId, Revision)| match stories.get(story) {
            Some(held) => Held::revision(held) >= *revision,
            // Nothing of it is shown, and nothing of it is being looked for.
            None => gaps.get(*story).is_none(),
        };
        let applied: Vec<_> = self.recalls.waiting.keys().copied().filter(is_applied).collect();
        for key in applied {
            let Some(Waiting { recall, message }) = self.recalls.waiting.remove(&key) else { continue };
            self.tell_recall(recall);
            self.acknowledge(key, message);
        }
    }

    /// Tells the owner of a recall, once.
    pub(super) fn tell_recall(&mut self, recall: Recall) {
        if self.recalls.tell(recall.story, recall.revision) {
            self.shared.count(|counts| counts.recalls += 1);
            self.outbox.put(Update::Recalled { recall: Arc::new(recall) });
        }
    }

    /// Says that a recall is applied, and when that is stored, that it need not come again.
    fn acknowledge(&mut self, (story, revision): (StoryId, Revision), recall: Message) {
        let Some(subscriber) = &self.recalls.subscriber else { return };
        let subject = Subject::ack(subscriber).to_string();
        let id = format!("ack:{subscriber}:{}", recall_id(story, revision));
        let payload = Acknowledgement::of_recall(story, revision).to_json().into();
        let message = PublishMessage::build().payload(payload).message_id(id);
        let jetstream = self.connection.jetstream.clone();
        self.recalls.sending.spawn(async move {
            let sent = match jetstream.send_publish(subject, message).await {
                Ok(sent) => sent.await,
                Err(problem) => Err(problem),
            };
            // Whatever NATS is not told of comes again.
            let told = match sent {
                Ok(_) => recall.ack().await,
                Err(problem) => {
                    warn!(story.id = %story, error = %problem, "A recall cannot be acknowledged for now");
                    recall.ack_with(AckKind::Nak(Some(RETRY_DELAY))).await
                }
            };
            if let Err(problem) = told {
                debug!(error = %problem, "NATS was not told of an acknowledgement");
            }
        });
    }

    /// Sends receipts of what was received since the last ones. A lost one costs a receipt, no more.
    pub(super) async fn send_receipts(&mut self) {
        let received = self.recalls.take_receipts();
        let Some(subscriber) = self.recalls.subscriber.as_ref().filter(|_| !received.is_empty()) else {
            return;
        };
        let (subject, receipts) = (Subject::ack(subscriber), Acknowledgement { recall: None, received });
        let sent = self.connection.client.publish(subject.to_string(), receipts.to_json().into()).await;
        if let Err(problem) = sent {
            debug!(error = %problem, "Receipts were not sent");
        }
    }

    /// Tells the service what it was not told of yet, for a bounded time: a recall that comes while this
    /// subscriber is away must find what it got.
    pub(super) async fn take_leave(&mut self) {
        let telling = async {
            while self.recalls.receipts_due().is_some() {
                self.send_receipts().await;
            }
            self.connection.client.flush().await
        };
        match tokio::time::timeout(LEAVE_TIME_MAX, telling).await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => debug!(error = %problem, "The last receipts were not sent"),
            Err(_) => debug!("The last receipts were not sent in time"),
        }
    }
}
