//! One stream: what its connection pulls, piece by piece.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use log::Position;
use projector::{AsOf, Leaving, View, ViewError};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use tracing::debug;
use wire::Cursor;

use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::limits::{
    STREAM_HEARTBEAT, STREAM_LIFE, STREAM_PAGE, STREAM_PIECE_BYTES, STREAM_RETRY_MS_MAX, STREAM_RETRY_MS_MIN,
};
use crate::measures;
use crate::stream::frame::Control;
use crate::stream::hub::Follow;
use crate::stream::query::EventsQuery;
use crate::stream::window::{Form, Part};
use crate::stream::{Framing, Outlet};

/// How long a stream waits after the views could not be read.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Reads that fail one after the other before a stream gives up: its reader comes again.
const FAILURES_MAX: u32 = 20;

/// Where a stream begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// With the story's article as it stands.
    Snapshot,
    /// With what comes behind a position.
    Behind(Position),
}

/// What a stream sends next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its first line.
    Beginning,
    /// The article.
    Snapshot,
    /// Changes that its reader has missed.
    CatchingUp,
    /// Changes as they come.
    Live,
    /// Nothing: it has said so.
    Over,
}

/// Some changes, as they are sent.
#[derive(Debug, Default)]
struct Piece {
    frames: Vec<Bytes>,
    bytes: usize,
    leaving: Vec<Leaving>,
    /// Everything up to here is in it or is not asked for.
    reached: Position,
    /// The last change in it.
    last: Position,
    /// Whether there is nothing behind it yet.
    is_last: bool,
}

/// What came of looking for changes.
enum Found {
    Piece(Bytes),
    /// None up to here, and there are more to look at.
    More,
    /// None, and there are no more.
    Nothing,
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Reader {
    gateway: Gateway,
    follow: Follow,
    query: EventsQuery,
    form: Form,
    outlet: Option<Outlet>,
    stage: Stage,
    /// Whether it begins with the article.
    has_snapshot: bool,
    /// Everything up to here has been sent, or is not asked for.
    after: Position,
    /// Up to where its reader knows that.
    told: Position,
    /// Whether it reads what the hub keeps: `false` while it catches up by itself.
    is_joined: bool,
    rebuilds: u64,
    failures: u32,
    /// [`projector::Views::withdrawals`] when what is handed over now was read.
    withdrawals: u64,
    ends: Instant,
    /// When it says that it is alive.
    next_sign: Pin<Box<Sleep>>,
    _open: measures::OpenStream,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// Returns the stream of what `query` asks for, of the story that `follow` is about or of all.
    pub(crate) fn new(
        gateway: Gateway,
        (follow, place): (Follow, OwnedSemaphorePermit),
        (query, framing): (EventsQuery, Framing),
        start: Start,
        outlet: Option<Outlet>,
    ) -> Self {
        let form = Form { framing, shape: query.shape(), epoch: gateway.inner.log.epoch().0 };
        let after = match start {
            Start::Snapshot => Position::ZERO,
            Start::Behind(position) => position,
        };
        let now = Instant::now();
        Self {
            rebuilds: follow.hub.rebuilds(),
            follow,
            query,
            form,
            outlet,
            stage: Stage::Beginning,
            has_snapshot: matches!(start, Start::Snapshot),
            after,
            told: after,
            is_joined: false,
            failures: 0,
            withdrawals: gateway.views().withdrawals(),
            gateway,
            ends: now + life(),
            next_sign: Box::pin(tokio::time::sleep_until(now + STREAM_HEARTBEAT)),
            _open: measures::OpenStream::begin(framing.name()),
            _place: place,
        }
    }

    /// Returns the body of the answer.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        futures::stream::unfold(self, |mut reader| async move {
            let piece = reader.next().await?;
            if let Some(outlet) = &reader.outlet {
                outlet.hand_over(reader.withdrawals);
            }
            let next = reader.next_sign();
            reader.next_sign.as_mut().reset(next);
            Some((Ok(piece), reader))
        })
    }

    /// Returns what is to be sent next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(outlet) = &self.outlet {
            outlet.emptied().await;
        }
        loop {
            if self.stage == Stage::Over {
                return None;
            }
            if self.gateway.inner.closing.is_cancelled() {
                return Some(self.closing("shutdown"));
            }
            if Instant::now() >= self.ends {
                return Some(self.closing("planned"));
            }
            let rebuilds = self.follow.hub.rebuilds();
            if rebuilds != std::mem::replace(&mut self.rebuilds, rebuilds)
                && let Some(refetch) = self.must_refetch()
            {
                return Some(refetch);
            }
            if self.stage == Stage::Beginning {
                self.stage = if self.has_snapshot { Stage::Snapshot } else { Stage::CatchingUp };
                if let Some(beginning) = self.form.framing.beginning(retry_ms()) {
                    return Some(beginning);
                }
            }
            match Box::pin(self.found()).await {
                Ok(Found::Piece(piece)) => {
                    self.failures = 0;
                    return Some(piece);
                }
                Ok(Found::More) => {
                    if Instant::now() >= self.next_sign.deadline() {
                        return Some(self.form.framing.heartbeat());
                    }
                }
                Ok(Found::Nothing) if self.stage == Stage::CatchingUp => {
                    self.stage = Stage::Live;
                    return Some(self.up_to_date());
                }
                Ok(Found::Nothing) => {
                    if let Some(sign) = self.moved().await {
                        return Some(sign);
                    }
                }
                Err(failed) => self.failed(&failed).await,
            }
        }
    }

    /// Returns the article or the next changes, if there are any.
    async fn found(&mut self) -> Result<Found, ViewError> {
        loop {
            self.follow.moved.borrow_and_update();
            let withdrawals = self.gateway.views().withdrawals();
            let piece = if self.stage == Stage::Snapshot {
                self.snapshot().await?
            } else {
                match self.kept(withdrawals).await {
                    Some(part) => self.live(part).await?,
                    None => self.missed().await?,
                }
            };
            // What was read may have been taken from readers since: then it is read again.
            if self.gateway.views().withdrawals() == withdrawals {
                self.withdrawals = withdrawals;
                return Ok(self.take(piece));
            }
        }
    }

    /// Returns what the hub keeps behind what has been sent, once nothing is in it that the first
    /// `withdrawals` took from readers; `None` if some may be older.
    async fn kept(&self, withdrawals: u64) -> Option<Part> {
        let hub = &self.follow.hub;
        if hub.settled(withdrawals).await { hub.behind(self.after, self.follow.story) } else { None }
    }

    /// Returns the story's article as it stands; nothing, and the end, if there is none any more.
    async fn snapshot(&mut self) -> Result<Piece, ViewError> {
        let mut piece = Piece { reached: self.after, ..Piece::default() };
        let Some(story) = self.follow.story else { return Ok(piece) };
        let views = self.gateway.views();
        // The article is at least as new: no change of the story lies between.
        let viewed = views.position();
        let Some((article, leaving)) = views.shown(story, AsOf::Latest, View::Public).await? else {
            self.stage = Stage::Over;
            return Ok(piece);
        };
        let at = Position(article.cursor.position);
        let article = serde_json::to_vec(&article).expect("an article is texts, numbers and lists");
        let frame = self.form.framing.control(Control::Snapshot, Some(self.form.cursor(at)), &article);
        piece.push(frame, at, leaving);
        piece.reached = viewed.max(at);
        Ok(piece)
    }

    /// Returns what is asked for of `part`, in the form that all share.
    async fn live(&mut self, part: Part) -> Result<Piece, ViewError> {
        self.is_joined = true;
        let mut piece = Piece { reached: self.after, ..Piece::default() };
        for live in part.lives {
            let change = &live.change;
            if self.query.passes(change)
                && let Some(frame) = live.framed(self.form, self.gateway.views()).await?
            {
                piece.push(frame, change.position, change.leaving());
            }
            piece.reached = change.position;
            if piece.bytes >= STREAM_PIECE_BYTES {
                return Ok(piece);
            }
        }
        (piece.reached, piece.is_last) = (part.reached, part.is_last);
        Ok(piece)
    }

    /// Returns what is asked for of what is older than the window, from the views.
    async fn missed(&mut self) -> Result<Piece, ViewError> {
        let views = self.gateway.views();
        let viewed = views.position();
        let mut piece = Piece { reached: self.after, ..Piece::default() };
        let changes = {
            let _place = self.follow.hub.catch_ups.acquire().await;
            match self.follow.story {
                Some(story) => views.changes_of(story, self.after, STREAM_PAGE).await?,
                None => views.changes(self.after, STREAM_PAGE).await?,
            }
        };
        if std::mem::take(&mut self.is_joined) && !changes.is_empty() {
            measures::stream_fell_behind();
        }
        for change in &changes {
            if self.query.passes(change)
                && let Some(frame) = self.form.of(change, views).await?
            {
                piece.push(frame, change.position, change.leaving());
            }
            piece.reached = change.position;
            if piece.bytes >= STREAM_PIECE_BYTES {
                return Ok(piece);
            }
        }
        if changes.len() < STREAM_PAGE {
            // Behind the last change there are only records that changed nothing for readers.
            piece.reached = piece.reached.max(viewed);
        }
        Ok(piece)
    }

    /// Goes on behind `piece`, which leaves now.
    fn take(&mut self, piece: Piece) -> Found {
        self.after = piece.reached.max(self.after);
        if piece.frames.is_empty() {
            return if piece.is_last { Found::Nothing } else { Found::More };
        }
        for leaving in piece.leaving {
            self.gateway.departures().left(PublicDoor::HttpEvents, leaving);
        }
        if self.stage == Stage::Snapshot {
            self.stage = Stage::CatchingUp;
        } else {
            measures::stream_sent(piece.frames.len());
        }
        self.told = piece.last;
        let only = piece.frames.first().filter(|_| piece.frames.len() == 1);
        // One change is everybody's, and is not copied; several are few bytes.
        Found::Piece(only.cloned().unwrap_or_else(|| {
            let mut joined = BytesMut::with_capacity(piece.bytes);
            piece.frames.iter().for_each(|frame| joined.extend_from_slice(frame));
            joined.freeze()
        }))
    }

    /// Returns once there may be something new; with a sign of life if there was nothing for long.
    async fn moved(&mut self) -> Option<Bytes> {
        // Cancel-safe, each: they only wait.
        tokio::select! {
            biased;
            () = self.gateway.inner.closing.cancelled() => return None,
            _ = self.follow.moved.changed() => return None,
            () = self.next_sign.as_mut() => {}
        }
        if Instant::now() >= self.ends {
            return None;
        }
        let part = self.follow.hub.behind(self.after, self.follow.story)?;
        if !part.lives.is_empty() {
            return None;
        }
        self.after = part.reached;
        let has_moved = self.after > self.told;
        // No words are in it.
        self.withdrawals = self.gateway.views().withdrawals();
        Some(if has_moved { self.up_to_date() } else { self.form.framing.heartbeat() })
    }

    fn up_to_date(&mut self) -> Bytes {
        self.told = self.after;
        let at = self.form.cursor(self.after);
        self.control(Control::UpToDate, Some(at), &json!({"cursor": at.to_string()}))
    }

    fn closing(&mut self, reason: &str) -> Bytes {
        self.stage = Stage::Over;
        self.withdrawals = self.gateway.views().withdrawals();
        self.control(Control::Closing, None, &json!({"reason": reason, "reconnect_ms": retry_ms()}))
    }

    /// Begins a story again from its article; a stream of all says that it must be begun again.
    fn must_refetch(&mut self) -> Option<Bytes> {
        if self.follow.story.is_some() {
            self.stage = Stage::Snapshot;
            return None;
        }
        self.stage = Stage::Over;
        let data = json!({"reason": "cursor-gone", "snapshot": super::STORIES, "cursor": null});
        Some(self.control(Control::MustRefetch, None, &data))
    }

    fn control(&self, control: Control, at: Option<Cursor>, data: &Value) -> Bytes {
        self.form.framing.control(control, at, data.to_string().as_bytes())
    }

    /// Waits after a read has failed; ends the stream if none succeeds.
    async fn failed(&mut self, failed: &ViewError) {
        debug!(error = %failed, "A stream cannot read the views");
        self.failures += 1;
        if self.failures > FAILURES_MAX {
            self.stage = Stage::Over;
            return;
        }
        // Cancel-safe, both: they only wait.
        tokio::select! {
            () = self.gateway.inner.closing.cancelled() => {}
            () = tokio::time::sleep(RETRY_PAUSE) => {}
        }
    }

    /// Returns when the stream says next that it is alive, or ends.
    fn next_sign(&self) -> Instant {
        self.ends.min(Instant::now() + STREAM_HEARTBEAT)
    }
}

impl Piece {
    fn push(&mut self, frame: Bytes, at: Position, leaving: Option<Leaving>) {
        self.bytes += frame.len();
        self.frames.push(frame);
        self.last = at;
        self.leaving.extend(leaving);
    }
}

/// Returns after how long a reader comes again: not all at once.
fn retry_ms() -> u64 {
    rand::random_range(STREAM_RETRY_MS_MIN..=STREAM_RETRY_MS_MAX)
}

/// Returns how long a stream lives: not all end at once.
fn life() -> Duration {
    STREAM_LIFE.mul_f64(rand::random_range(0.9..=1.1))
}
