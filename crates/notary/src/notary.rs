//! The task that keeps the transparency log up with the event log.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use log::{EventLog, Position};
use metrics::{counter, gauge, histogram};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::gathering::Gathering;
use crate::options::{NameError, Options, WitnessAt, origin_of};
use crate::reader::{Reader, last_entry, words};
use crate::sequencer::{Sequencer, Trouble, park};
use crate::shared::SharedHeads;
use crate::sharing::{Listening, Sharing, Turn};
use crate::status::{Parked, State, Status};
use crate::witness::{Said, Witness};

/// Least time between two heads while much comes: whoever reads them need not read more.
const HEAD_EVERY: Duration = Duration::from_millis(20);
/// What witnesses have said and was not looked at yet.
const SAID_MAX: usize = 16;
const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(5);

/// Keeps the transparency log; see the crate's page for what it promises.
#[derive(Debug)]
pub struct Notary {
    log: EventLog,
    options: Arc<Options>,
    status: watch::Sender<Status>,
    client: reqwest::Client,
    /// With whom it takes turns, if with anybody.
    sharing: Option<Sharing>,
}

/// What a notary cannot be set up with.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The client for witnesses cannot be made.
    #[error("cannot ask witnesses")]
    Client(#[from] reqwest::Error),
}

/// How a stretch of work ended.
enum Ended {
    Told,
    Trouble(Trouble),
}

impl From<Trouble> for Ended {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl Notary {
    /// Returns the task; nothing happens before [`Notary::run`].
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(log: EventLog, options: Options) -> Result<Self, SetupError> {
        origin_of(&options.name, log.epoch())?;
        let client = crate::witness::client()?;
        let status = watch::Sender::default();
        Ok(Self { log, options: Arc::new(options), status, client, sharing: None })
    }

    /// Returns the task for one of several processes that share the log, each with files of its own, and
    /// the heads in `place`; and what says when it is its turn to sign. If two believe that it is theirs,
    /// one is refused by the place.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn sharing(log: EventLog, options: Options, place: SharedHeads) -> Result<(Self, Turn), SetupError> {
        let (sharing, turn) = Sharing::new(place);
        Ok((Self { sharing: Some(sharing), ..Self::new(log, options)? }, turn))
    }

    /// Returns a handle that reads what is kept.
    pub fn reader(&self) -> Reader {
        Reader::new(self.status.subscribe())
    }

    /// Keeps the log until `shutdown`. Trouble is tried again, with growing delays and from the files;
    /// what a person has to look at parks the notary. Neither ends the task.
    pub async fn run(self, shutdown: CancellationToken) {
        let keeping = self.keep(&shutdown);
        match &self.sharing {
            None => keeping.await,
            Some(sharing) => tokio::select! {
                () = keeping => {}
                () = sharing.follow(&self.log) => {} // Never ends by itself.
            },
        }
    }

    async fn keep(&self, shutdown: &CancellationToken) {
        let (said, mut saying) = mpsc::channel(SAID_MAX);
        let witnesses = TaskTracker::new();
        for at in &self.options.witnesses {
            let witness = Witness::new(at.clone(), self.client.clone(), said.clone());
            witnesses.spawn(witness.run(self.status.subscribe(), shutdown.clone()));
        }
        witnesses.close();
        let mut delay = RETRY_DELAY_MIN;
        loop {
            let before = self.status.borrow().size();
            match Box::pin(self.session(&mut saying, shutdown)).await {
                Ended::Told => break,
                Ended::Trouble(Trouble::Park(parked)) => {
                    self.park(parked);
                    shutdown.cancelled().await;
                    break;
                }
                Ended::Trouble(Trouble::Again(why)) => {
                    if self.status.borrow().size() > before {
                        delay = RETRY_DELAY_MIN;
                    }
                    warn!(error = why, retry_ms = delay.as_millis(), "The notary reads its files again");
                    self.status.send_modify(|status| status.state = State::Retrying(why));
                }
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(delay)).await.is_none() {
                break;
            }
            delay = (delay * 2).min(RETRY_DELAY_MAX);
        }
        // Witnesses that wait to say something find nobody, and end.
        drop(saying);
        witnesses.wait().await;
    }

    fn park(&self, parked: Parked) {
        error!(why = parked.why, next = parked.next, "The notary signs nothing more");
        gauge!("writethru_notary_parked").set(1.0);
        self.status.send_modify(|status| status.state = State::Parked(parked));
    }

    /// Opens the files and keeps them until there is trouble or `shutdown`.
    async fn session(&self, saying: &mut mpsc::Receiver<Said>, shutdown: &CancellationToken) -> Ended {
        let mut listening = Listening::to(self.sharing.as_ref());
        let mut sequencer = match self.open(&listening).await {
            Ok(sequencer) => sequencer,
            Err(trouble) => return trouble.into(),
        };
        gauge!("writethru_notary_parked").set(0.0);
        let mut gathering = Gathering::new(self.log.tail(Position(sequencer.size() + 1)));
        let mut next_head = Instant::now();
        loop {
            let upto = if listening.signs(&sequencer) { u64::MAX } else { sequencer.signed_size() };
            let work = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ended::Told,
                // Cancel-safe: what has changed is looked at after, not taken.
                () = listening.changed() => self.look(sequencer, &mut listening).await,
                // Cancel-safe: one message is taken whole or stays in the channel.
                Some(said) = saying.recv() => self.heard(sequencer, said, &listening).await,
                // Cancel-safe: what it has read it keeps.
                gathered = gathering.next(&self.log, next_head, upto) => {
                    next_head = Instant::now() + HEAD_EVERY;
                    match gathered {
                        Ok(envelopes) => self.append(sequencer, envelopes, &listening).await,
                        Err(error) => Err(Trouble::Again(words(error))),
                    }
                }
            };
            sequencer = match work {
                Ok(sequencer) => sequencer,
                Err(trouble) => return trouble.into(),
            };
        }
    }

    async fn open(&self, listening: &Listening) -> Result<Sequencer, Trouble> {
        let (options, epoch, head) = (Arc::clone(&self.options), self.log.epoch(), self.log.head().0);
        let sequencer = match &self.sharing {
            None => blocking(move || Sequencer::open(&options, epoch, head)).await?,
            Some(sharing) => {
                let place = sharing.newest().await?;
                blocking(move || Sequencer::open_shared(&options, (epoch, head), place)).await?
            }
        };
        let Some(head) = sequencer.head().cloned() else {
            self.show(&sequencer, listening);
            return Ok(sequencer);
        };
        // A log that went another way differs in everything behind the fork, so also in the last entry.
        let (size, own) = (head.size(), Arc::clone(&head));
        let last = blocking(move || Ok(last_entry(&own)?)).await?;
        let records = self.log.read(Position(size), 1).await.map_err(|error| Trouble::Again(words(error)))?;
        let is_same = last.zip(records.first()).is_some_and(|(last, record)| last.is_of(&record.envelope));
        if !is_same {
            let why = format!("position {size} of the log is not the record that was signed");
            let next = "the log went another way than what was signed: put the right log.db back, or give this \
                        one a life of its own with `writethru backup` and `writethru restore-backup`";
            return Err(park(why, next));
        }
        info!(notary.size = size, "The notary goes on from its files");
        self.show(&sequencer, listening);
        Ok(sequencer)
    }

    /// Follows what somebody else has signed, and whose turn it is.
    async fn look(&self, sequencer: Sequencer, listening: &mut Listening) -> Result<Sequencer, Trouble> {
        let found = listening.look().await?;
        let sequencer = match found {
            Some(found) => blocking(move || sequencer.adopt(&found)).await?,
            None => sequencer,
        };
        self.show(&sequencer, listening);
        Ok(sequencer)
    }

    async fn append(
        &self,
        sequencer: Sequencer,
        envelopes: Vec<Bytes>,
        listening: &Listening,
    ) -> Result<Sequencer, Trouble> {
        let began = Instant::now();
        let sequencer = blocking(move || sequencer.append(&envelopes)).await?;
        histogram!("writethru_notary_checkpoint_duration_seconds").record(began.elapsed());
        counter!("writethru_notary_checkpoints_total").increment(1);
        self.show(&sequencer, listening);
        Ok(sequencer)
    }

    /// Shows the newest head to everybody.
    fn show(&self, sequencer: &Sequencer, listening: &Listening) {
        let state = listening.state(sequencer);
        self.status.send_modify(|status| {
            status.state = state;
            let Some(head) = sequencer.head() else { return };
            status.head = Some(Arc::clone(head));
            // Those that another process got are known from the shared head only.
            let is_of =
                |witness: &WitnessAt| head.signed().note().verify(std::slice::from_ref(&witness.key)).is_ok();
            if head.size() > status.cosigned_size() && self.options.witnesses.iter().any(is_of) {
                status.cosigned = Some(Arc::clone(head));
            }
        });
    }

    /// Deals with what a witness said.
    async fn heard(
        &self,
        mut sequencer: Sequencer,
        said: Said,
        listening: &Listening,
    ) -> Result<Sequencer, Trouble> {
        let (of, by) = match said {
            Said::Cosigned { head, signatures } => (head, signatures),
            Said::Disputed { why } => {
                let next = "stop the service and look: the log was put back to an earlier state, or someone \
                            else signs with its key";
                return Err(park(why, next));
            }
        };
        if !listening.signs(&sequencer) {
            return Ok(sequencer); // Whoever signs now asks again.
        }
        let (head, signatures) = (Arc::clone(&of), by.clone());
        let (sequencer, newest) = blocking(move || {
            let newest = sequencer.cosign(&head, &signatures)?;
            Ok((sequencer, newest))
        })
        .await?;
        counter!("writethru_notary_cosignatures_total").increment(by.len() as u64);
        self.status.send_modify(|status| {
            if let Some(newest) = newest {
                status.head = Some(Arc::clone(&newest));
                status.cosigned = Some(newest);
                return;
            }
            // The log has grown since: this is still the newest head with a witness, or one of two.
            let same = status.cosigned.take_if(|held| (held.size(), held.root()) == (of.size(), of.root()));
            if same.is_none() && status.cosigned_size() > of.size() {
                return;
            }
            let of = same.unwrap_or(of);
            let mut signed = of.signed().clone();
            // A checkpoint has room for more witnesses than a configuration.
            let _ = by.into_iter().try_for_each(|signature| signed.add(signature));
            status.cosigned = Some(Arc::new(of.with(signed)));
        });
        Ok(sequencer)
    }
}

/// Runs `work`, which blocks, where that disturbs nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panicked| Err(Trouble::Again(words(panicked))))
}
