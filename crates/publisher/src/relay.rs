//! Sending changes and articles: stories side by side, each story's messages one after the other.
//!
//! Two unacknowledged messages of one story are never in flight, so no loss can change their order.
//! Changes go first: an article is only sent for the newest of those that wait.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use log::{Epoch, Position};
use metrics::{counter, histogram};
use projector::ChangeRow;
use story::{Desk, Kind, Status};
use wire::{CloudEvent, Cursor, Subject, WT_ARTICLES, WT_CHANGES};

use crate::checkpoint::Resume;
use crate::headers;
use crate::leaving::{Listener, Stream};
use crate::message;
use crate::order::{EXPECTED_OF, Last, Order, filter, is_overtaken};
use crate::streams::{Streams, desks_of, forget, trouble};
use crate::trouble::Trouble;
use crate::waiting::{Articles, Shown};

/// Most stories with a message in flight.
const STORIES_IN_FLIGHT_MAX: usize = 64;

/// How often another publisher may be faster with one message.
const OVERTAKEN_MAX: u32 = 8;

/// Sequences of the first and the last of the messages of one change.
#[derive(Debug, Clone, Copy)]
struct Sent {
    first: u64,
    last: u64,
}

/// How far relaying has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Everything up to here is acknowledged in every stream.
    pub(crate) all: Position,
    /// Everything up to here is in the stream of changes.
    pub(crate) changes: Position,
    /// Every recall up to here is in its stream.
    recalls: Position,
    /// Changes beyond both which are acknowledged, with their recalls.
    changed: BTreeSet<Position>,
    /// Last sequences that were acknowledged.
    pub(crate) changes_sequence: u64,
    pub(crate) articles_sequence: u64,
    pub(crate) recalls_sequence: u64,
}

impl Progress {
    pub(crate) fn resume(&mut self, resume: Resume) {
        let Resume { changes, recalls, .. } = resume;
        *self = Self { all: resume.all(), changes, recalls, ..Self::default() };
    }

    /// Takes note that every change up to `position` is done.
    pub(crate) fn reached_changes(&mut self, position: Position) {
        self.changes = self.changes.max(position);
        self.recalls = self.recalls.max(position);
        self.changed = self.changed.split_off(&self.changes.next());
    }

    /// Takes note that everything up to `position` is done.
    pub(crate) fn reached(&mut self, position: Position) {
        self.all = self.all.max(position);
        self.reached_changes(position);
    }

    pub(crate) fn acknowledged_change(&mut self, sequence: u64) {
        self.changes_sequence = self.changes_sequence.max(sequence);
    }

    pub(crate) fn acknowledged_article(&mut self, sequence: u64) {
        self.articles_sequence = self.articles_sequence.max(sequence);
    }

    pub(crate) fn acknowledged_recall(&mut self, sequence: u64) {
        self.recalls_sequence = self.recalls_sequence.max(sequence);
    }

    fn has_recall(&self, position: Position) -> bool {
        position <= self.recalls || self.changed.contains(&position)
    }

    fn has_change(&self, position: Position) -> bool {
        position <= self.changes || self.changed.contains(&position)
    }
}

/// What sends.
#[derive(Debug)]
pub(crate) struct Relay<'a> {
    pub(crate) jetstream: &'a Context,
    pub(crate) streams: &'a Streams,
    pub(crate) progress: &'a Mutex<Progress>,
    pub(crate) epoch: Epoch,
    pub(crate) payload_bytes_max: usize,
    pub(crate) listener: &'a Listener,
    /// What guards the order, where another publisher may be sending.
    pub(crate) order: Option<Order>,
}

impl Relay<'_> {
    /// Sends `rows`, which are in order, and returns once all of them are acknowledged. After a
    /// failure the other stories' messages are still waited for, and the first trouble is returned;
    /// what was acknowledged is in the progress.
    pub(crate) async fn send_changes(&self, rows: &[ChangeRow]) -> Result<(), Trouble> {
        side_by_side(by_story(rows).into_iter().map(|rows| self.send_story(rows).boxed()).collect()).await
    }

    /// Sends the newest article of every story of `articles`, as [`Relay::send_changes`] sends changes.
    pub(crate) async fn send_articles(&self, articles: Articles) -> Result<(), Trouble> {
        side_by_side(articles.into_stories().map(|shown| self.send_article(shown).boxed()).collect()).await
    }

    /// Sends the changes of one story.
    async fn send_story(&self, rows: Vec<&ChangeRow>) -> Result<(), Trouble> {
        for row in rows {
            let key = message::trace_key(row);
            let _step = trace::advance("publish", trace::Kind::Producer, key);
            if row.recall.is_some() && !self.progress().has_recall(row.position) {
                self.send_recall(row).await?;
            }
            // What readers may not see any more has nothing but its recall.
            if !row.event.is_empty() && !self.progress().has_change(row.position) {
                self.send_change(row).await?;
            }
            self.progress().changed.insert(row.position);
            trace::done(key);
        }
        Ok(())
    }

    /// Sends the newest article of one story, and takes it off the desks that the story has left.
    async fn send_article(&self, Shown { newest, left }: Shown) -> Result<(), Trouble> {
        let subject = Subject::article(&newest.desk, newest.story);
        // Without an id for JetStream's window: the same article may have to go to another desk.
        let payload = message::article(&newest, self.payload_bytes_max)?;
        self.listener.tell(Stream::Articles, newest.leaving());
        let sent = self.send(Stream::Articles, &newest, &payload, &[(subject, String::new())]).await?;
        // Another publisher has sent a newer one, and does the rest.
        let Some(sent) = sent else { return Ok(()) };
        self.progress().acknowledged_article(sent.last);
        if newest.status != Status::Usable {
            // Wherever an article of it may still be.
            let filter = Subject::article_of(newest.story);
            return forget((&self.streams.articles, WT_ARTICLES), &filter, sent.last).await;
        }
        for left in left.iter().filter(|left| **left != newest.desk) {
            let left = Subject::article(left, newest.story);
            // Never what came later: the story may be back there.
            let purged = self.streams.articles.purge().filter(left.as_str()).sequence(sent.last).await;
            purged.map_err(|error| trouble(WT_ARTICLES, &error))?;
        }
        Ok(())
    }

    /// Sends one recall, before its change: to its desk, and to every desk whose followers may have
    /// something of the story.
    async fn send_recall(&self, row: &ChangeRow) -> Result<(), Trouble> {
        let Some(payload) = &row.recall else { return Ok(()) };
        self.listener.tell(Stream::Recalls, row.leaving());
        let others = self.other_desks(row).await?;
        let desks = std::iter::once(&row.desk).chain(&others);
        let to: Vec<_> =
            desks.map(|desk| (Subject::recall(desk, row.story), message::recall_id_on(row, desk))).collect();
        if let Some(sent) = self.send(Stream::Recalls, row, payload, &to).await? {
            self.progress().acknowledged_recall(sent.last);
        }
        counter!("writethru_published_recalls_total").increment(1);
        Ok(())
    }

    /// Sends one change: to its desk, and if the story has just left another desk, to that one too,
    /// so that its followers hear of it. One that takes the story or words of it from readers goes to
    /// every desk that had it, and what went before it is taken out of the stream.
    async fn send_change(&self, row: &ChangeRow) -> Result<(), Trouble> {
        let payload = message::change(row, self.payload_bytes_max)?;
        // A redaction that only annotates calls nothing back.
        let is_redaction = row.kind == Kind::Redaction && row.recall.is_some();
        let is_loss = row.status != Status::Usable || is_redaction;
        let others = if is_loss {
            self.other_desks(row).await?
        } else {
            row.desk_before.clone().into_iter().collect()
        };
        self.listener.tell(Stream::Changes, row.leaving());
        let here = std::iter::once((&row.desk, message::change_id(row)));
        let left = others.iter().map(|left| (left, message::leave_id(row, left)));
        let subject = |desk| Subject::change(desk, row.kind, row.level, row.story);
        let to: Vec<_> = here.chain(left).map(|(desk, id)| (subject(desk), id)).collect();
        let sent = self.send(Stream::Changes, row, &payload, &to).await?;
        if let Some(sent) = &sent {
            self.progress().acknowledged_change(sent.last);
        }
        if let Some(sent) = sent.filter(|_| is_loss) {
            // Not noted as sent before this is done, so a crash in between does both again.
            let filter = Subject::changes_of(row.story);
            forget((&self.streams.changes, WT_CHANGES), &filter, sent.first).await?;
        }
        counter!("writethru_published_changes_total").increment(1);
        Ok(())
    }

    /// Sends `payload` about `row` to every subject of `to`, each message with its id, in this order;
    /// returns where they are once all are acknowledged, nothing if another publisher has sent what
    /// comes after them.
    async fn send(
        &self,
        kind: Stream,
        row: &ChangeRow,
        payload: &Bytes,
        to: &[(Subject, String)],
    ) -> Result<Option<Sent>, Trouble> {
        let Some(order) = &self.order else {
            let mut sent = Sent { first: u64::MAX, last: 0 };
            for (subject, id) in to {
                let message = self.message(row, payload.clone(), id);
                let shown = if id.is_empty() { message::change_id(row) } else { id.clone() };
                let sequence = self.publish(subject, &shown, message).await?;
                sent = Sent { first: sent.first.min(sequence), last: sent.last.max(sequence) };
            }
            return Ok(Some(sent));
        };
        let sent = self.send_in_order(order, (kind, row), payload, to).await;
        if sent.is_err() {
            order.forget(kind, row.story);
        }
        sent
    }

    /// As [`Relay::send`], while another publisher may be sending the same.
    async fn send_in_order(
        &self,
        order: &Order,
        (kind, row): (Stream, &ChangeRow),
        payload: &Bytes,
        to: &[(Subject, String)],
    ) -> Result<Option<Sent>, Trouble> {
        let ids: Vec<&str> = to.iter().map(|(_, id)| id.as_str()).collect();
        let filter = filter(kind, row.story);
        let mut last = order.last(self.streams, kind, row.story).await?;
        let mut first = None;
        let mut overtaken = 0;
        loop {
            if last.position > row.position {
                order.note(kind, row.story, last);
                return Ok(None);
            }
            let Some((subject, id)) = to.get(last.sent(row.position, &ids)) else { break };
            let message = self
                .message(row, payload.clone(), id)
                .expected_last_subject_sequence(last.sequence)
                .header(EXPECTED_OF, filter.as_str());
            match self.acknowledged(subject, message).await {
                Ok(acknowledged) if !acknowledged.duplicate => {
                    let sequence = acknowledged.sequence;
                    first = first.or(Some(sequence));
                    last = Last { sequence, position: row.position, id: id.clone() };
                }
                // Sent before, and taken out of the stream since.
                Ok(acknowledged) if overtaken == OVERTAKEN_MAX => {
                    let sequence = acknowledged.sequence;
                    last = Last { sequence, position: row.position, id: id.clone() };
                }
                Ok(_) => {
                    overtaken += 1;
                    last = order.look(self.streams, kind, row.story).await?;
                }
                Err(error) if is_overtaken(&error) && overtaken < OVERTAKEN_MAX => {
                    overtaken += 1;
                    last = order.look(self.streams, kind, row.story).await?;
                }
                Err(error) => return Err(Trouble::of_publish(id, &error)),
            }
        }
        // Some were there before: the first of them is the last of its own subject, or it is gone.
        let first = match to.first() {
            Some((subject, _)) if first.is_none() || to.len() > 1 => {
                let there = order.look_at(self.streams, kind, subject).await?;
                if there.position == row.position { there.sequence } else { first.unwrap_or(last.sequence) }
            }
            _ => first.unwrap_or(last.sequence),
        };
        let sent = Sent { first, last: last.sequence };
        order.note(kind, row.story, last);
        Ok(Some(sent))
    }

    /// Returns the desks beside its own whose followers may have something of the story of `row`.
    async fn other_desks(&self, row: &ChangeRow) -> Result<Vec<Desk>, Trouble> {
        let mut desks = desks_of(&self.streams.changes, row.story).await?;
        desks.retain(|desk| *desk != row.desk);
        desks.extend(row.desk_before.clone().filter(|left| !desks.contains(left)));
        desks.sort();
        Ok(desks)
    }

    /// Returns the message about `row` that goes by `id`, if it has one.
    fn message(&self, row: &ChangeRow, payload: Bytes, id: &str) -> PublishMessage {
        let cursor = |position: Position| Cursor { epoch: self.epoch.0, position: position.0 }.to_string();
        let relayed = self.progress().all;
        let message = PublishMessage::build()
            .payload(payload)
            .header("Content-Type", CloudEvent::MEDIA_TYPE)
            .header(headers::POSITION, cursor(row.position))
            .header(headers::RELAYED, cursor(relayed));
        let message = match trace::of(message::trace_key(row)) {
            Some(context) => message.header(headers::TRACE, context.to_string()),
            None => message,
        };
        if id.is_empty() { message } else { message.message_id(id) }
    }

    /// Sends one message and returns its sequence once it is acknowledged.
    async fn publish(&self, subject: &Subject, id: &str, message: PublishMessage) -> Result<u64, Trouble> {
        let acknowledged = self.acknowledged(subject, message).await;
        acknowledged.map(|ack| ack.sequence).map_err(|error| Trouble::of_publish(id, &error))
    }

    /// Sends one message, and measures how long its acknowledgement takes.
    async fn acknowledged(
        &self,
        subject: &Subject,
        message: PublishMessage,
    ) -> Result<PublishAck, PublishError> {
        let began = Instant::now();
        let acknowledged = self.jetstream.send_publish(subject.to_string(), message).await?.await?;
        histogram!("writethru_publish_ack_duration_seconds").record(began.elapsed());
        Ok(acknowledged)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Awaits all of `sending`, some at once, and returns the first trouble.
async fn side_by_side(sending: Vec<BoxFuture<'_, Result<(), Trouble>>>) -> Result<(), Trouble> {
    let mut sent = stream::iter(sending).buffer_unordered(STORIES_IN_FLIGHT_MAX);
    let mut outcome = Ok(());
    while let Some(one) = sent.next().await {
        outcome = outcome.and(one);
    }
    outcome
}

/// Returns the rows of each story, both in order.
fn by_story(rows: &[ChangeRow]) -> Vec<Vec<&ChangeRow>> {
    let mut places = HashMap::new();
    let mut stories: Vec<Vec<&ChangeRow>> = Vec::new();
    for row in rows {
        let place = *places.entry(row.story).or_insert_with(|| {
            stories.push(Vec::new());
            stories.len() - 1
        });
        stories[place].push(row);
    }
    stories
}
