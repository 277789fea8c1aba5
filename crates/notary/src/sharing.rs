//! Taking turns: whose it is to sign, and what whoever signs has signed.

use log::EventLog;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::sequencer::{Sequencer, Trouble};
use crate::shared::{Found, SharedHeads};
use crate::status::State;

/// How many records the files may be behind what is signed for this process to be fit to sign.
const BEHIND_MAX: u64 = 10_000;

/// Says when it is a notary's turn to sign.
#[derive(Debug, Clone)]
pub struct Turn(watch::Sender<bool>);

impl Turn {
    /// Has the notary sign until `told`. Of two notaries that do, one at a time comes through.
    pub async fn take(&self, told: CancellationToken) {
        self.0.send_replace(true);
        told.cancelled().await;
        self.0.send_replace(false);
    }
}

/// What processes that sign in turn have in common.
#[derive(Debug)]
pub(crate) struct Sharing {
    place: SharedHeads,
    found: watch::Sender<Option<Found>>,
    turn: watch::Receiver<bool>,
}

impl Sharing {
    pub(crate) fn new(place: SharedHeads) -> (Self, Turn) {
        let (turn, its) = watch::channel(false);
        (Self { place, found: watch::Sender::default(), turn: its }, Turn(turn))
    }

    /// Listens to the place for whoever is listening here. Does not end.
    pub(crate) async fn follow(&self, log: &EventLog) {
        self.place.follow(&self.found, log).await;
    }

    /// Returns the place, and what it says now.
    pub(crate) async fn newest(&self) -> Result<(SharedHeads, Option<Found>), Trouble> {
        let found = self.place.newest().await.map_err(|error| Trouble::Again(error.to_string()))?;
        Ok((self.place.clone(), found))
    }
}

/// One who listens to what changes; alone, nothing does.
#[derive(Debug)]
pub(crate) struct Listening(Option<Ears>);

#[derive(Debug)]
struct Ears {
    place: SharedHeads,
    found: watch::Receiver<Option<Found>>,
    turn: watch::Receiver<bool>,
    /// Whether it is our turn, and we have looked at what was signed before it.
    is_ours: bool,
}

impl Listening {
    pub(crate) fn to(sharing: Option<&Sharing>) -> Self {
        Self(sharing.map(|sharing| {
            let mut turn = sharing.turn.clone();
            turn.mark_changed(); // It may have been our turn for long.
            Ears { place: sharing.place.clone(), found: sharing.found.subscribe(), turn, is_ours: false }
        }))
    }

    /// Returns once there is something to look at. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        let Some(ears) = &mut self.0 else { return std::future::pending().await };
        tokio::select! {
            Ok(()) = ears.turn.changed() => ears.turn.mark_changed(),
            Ok(()) = ears.found.changed() => ears.found.mark_changed(),
            else => std::future::pending().await, // Both senders live as long as the notary.
        }
    }

    /// Looks at what has changed; returns what is to be followed. Where it is our turn from now on, that
    /// is what the place's leader says, so that what is signed next follows on it.
    pub(crate) async fn look(&mut self) -> Result<Option<Found>, Trouble> {
        let Some(ears) = &mut self.0 else { return Ok(None) };
        let turn = *ears.turn.borrow_and_update();
        let known = ears.found.borrow_and_update().clone();
        if !turn || ears.is_ours {
            ears.is_ours = turn;
            return Ok(known);
        }
        let found = ears.place.newest().await.map_err(|error| Trouble::Again(error.to_string()))?;
        ears.is_ours = true;
        Ok(found)
    }

    /// Returns whether this process signs.
    pub(crate) fn signs(&self, sequencer: &Sequencer) -> bool {
        self.0.as_ref().is_none_or(|ears| ears.is_ours && sequencer.unable().is_none())
    }

    /// Returns what the notary is doing.
    pub(crate) fn state(&self, sequencer: &Sequencer) -> State {
        match &self.0 {
            None if sequencer.is_rebuilding() => State::Starting,
            Some(_) if !self.signs(sequencer) => {
                let behind = sequencer.signed_size() - sequencer.size();
                let late = || (behind > BEHIND_MAX).then(|| format!("its files lack {behind} records"));
                State::Following { unable: sequencer.unable().map(str::to_owned).or_else(late) }
            }
            _ => State::Signing,
        }
    }
}
