//! Asking one witness to cosign (c2sp.org/tlog-witness), beside everything else: a witness that is slow or
//! dead delays nothing, and what it signs is verified before it counts.

use std::sync::Arc;
use std::time::Duration;

use proof::note::{NOTE_BYTES_MAX, Note, Signature};
use proof::tree::Plan;
use proof::witness::{AddCheckpoint, Answer};
use reqwest::{Client, Response};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::options::WitnessAt;
use crate::reader::{Head, words};
use crate::status::{State, Status};

/// How long a witness may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Least time between two heads that a witness is asked to cosign.
const ASK_EVERY: Duration = Duration::from_secs(1);
const RETRY_DELAY_MIN: Duration = Duration::from_secs(1);
const RETRY_DELAY_MAX: Duration = Duration::from_mins(5);
/// How often a witness may say in one go that it knows another size.
const SIZES_MAX: u32 = 3;

/// What a witness has said.
#[derive(Debug)]
pub(crate) enum Said {
    /// It cosigned; the signatures are its, over that head.
    Cosigned {
        /// Which head.
        head: Arc<Head>,
        /// Its signatures.
        signatures: Vec<Signature>,
    },
    /// It saw something that our log does not continue.
    Disputed {
        /// What, in words.
        why: String,
    },
}

/// Why a head was not cosigned.
enum Unsigned {
    /// Try again later.
    Later(String),
    /// It saw something else.
    Disputed(String),
}

/// Asks one witness.
#[derive(Debug)]
pub(crate) struct Witness {
    at: WitnessAt,
    client: Client,
    said: mpsc::Sender<Said>,
    /// The size that the witness knows, as far as we do.
    known: u64,
}

/// Returns the client that witnesses are asked with.
pub(crate) fn client() -> Result<Client, reqwest::Error> {
    let client = Client::builder().timeout(ANSWER_TIMEOUT).redirect(reqwest::redirect::Policy::none());
    client.user_agent(concat!("writethru/", env!("CARGO_PKG_VERSION"))).build()
}

impl Witness {
    pub(crate) fn new(at: WitnessAt, client: Client, said: mpsc::Sender<Said>) -> Self {
        Self { at, client, said, known: 0 }
    }

    /// Asks for every newest head to be cosigned, until `shutdown`.
    pub(crate) async fn run(self, status: watch::Receiver<Status>, shutdown: CancellationToken) {
        // May be dropped anywhere: what a witness signed and we do not know, it says again.
        let _ = shutdown.run_until_cancelled(Box::pin(self.ask_on(status))).await;
    }

    async fn ask_on(mut self, mut status: watch::Receiver<Status>) {
        let (mut done, mut delay, mut failing) = (0, RETRY_DELAY_MIN, false);
        loop {
            // Where another process signs, it asks.
            let grown = status
                .wait_for(|status| status.size() > done && !matches!(status.state, State::Following { .. }))
                .await;
            let Ok(Some(head)) = grown.map(|status| status.head.clone()) else { return };
            if done == 0 && head.signed().note().verify(std::slice::from_ref(&self.at.key)).is_ok() {
                // It cosigned before we were started.
                (done, self.known) = (head.size(), head.size());
                continue;
            }
            let told = match self.ask(&head).await {
                Ok(signatures) => {
                    (done, self.known, delay) = (head.size(), head.size(), RETRY_DELAY_MIN);
                    if std::mem::take(&mut failing) {
                        info!(witness = self.at.name, "Witness cosigns again");
                    }
                    self.said.send(Said::Cosigned { head, signatures }).await
                }
                Err(Unsigned::Disputed(why)) => {
                    done = u64::MAX;
                    self.said.send(Said::Disputed { why }).await
                }
                Err(Unsigned::Later(why)) => {
                    if !std::mem::replace(&mut failing, true) {
                        warn!(witness = self.at.name, why, "Witness does not cosign: asked again later");
                    }
                    tokio::time::sleep(delay).await;
                    delay = (delay * 2).min(RETRY_DELAY_MAX);
                    continue;
                }
            };
            if told.is_err() {
                return; // The notary has ended.
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Asks for one head, from the size that the witness knows.
    async fn ask(&mut self, head: &Arc<Head>) -> Result<Vec<Signature>, Unsigned> {
        let later = |why: &str| Err(Unsigned::Later(why.to_owned()));
        let name = &self.at.name;
        for _ in 0..SIZES_MAX {
            match self.post(head).await? {
                Answer::Cosigned(signatures) => return self.verified(head, signatures),
                Answer::Known { size } if size > head.size() => {
                    let why =
                        format!("witness {name} has cosigned {size} records, the log has {}", head.size());
                    return Err(Unsigned::Disputed(why));
                }
                Answer::Known { size } => self.known = size,
                Answer::Inconsistent => {
                    return Err(Unsigned::Disputed(format!(
                        "witness {name} has cosigned another log than this"
                    )));
                }
                Answer::UnknownLog => {
                    return later("it does not know the log: give its operator the verifier key");
                }
                Answer::Untrusted => return later("it knows the log by another key"),
                Answer::Malformed => return later("it cannot read the request"),
                Answer::Unavailable { status } => {
                    return Err(Unsigned::Later(format!("it answers {status}")));
                }
            }
        }
        later("it says another size each time")
    }

    async fn post(&self, head: &Arc<Head>) -> Result<Answer, Unsigned> {
        let failed = |error: &dyn std::fmt::Display| Unsigned::Later(error.to_string());
        let (own, known) = (Arc::clone(head), self.known.min(head.size()));
        let body = tokio::task::spawn_blocking(move || {
            let plan = Plan::consistency(known, own.size()).map_err(words)?;
            let path = plan.read(&*own).map_err(words)?;
            let request = AddCheckpoint::new(known, path, own.signed().clone()).map_err(words)?;
            Ok::<_, String>(request.to_text())
        });
        let body = body.await.map_err(|error| failed(&error))?.map_err(Unsigned::Later)?;
        let url = format!("{}/add-checkpoint", self.at.url.trim_end_matches('/'));
        let answer = self.client.post(url).body(body).send().await;
        let answer = answer.map_err(|error| Unsigned::Later(words(error.without_url())))?;
        let status = answer.status().as_u16();
        let body = read(answer).await.map_err(|error| failed(&error))?;
        Answer::parse(status, &body).map_err(|error| Unsigned::Later(words(error)))
    }

    /// Returns those of `signatures` that are the witness's over `head`.
    fn verified(&self, head: &Head, signatures: Vec<Signature>) -> Result<Vec<Signature>, Unsigned> {
        let text = head.signed().note().text();
        let is_its = |signature: &Signature| {
            let Ok(mut note) = Note::new(text.to_owned()) else { return false };
            note.add(signature.clone()).is_ok() && note.verify(std::slice::from_ref(&self.at.key)).is_ok()
        };
        let own: Vec<Signature> = signatures.into_iter().filter(is_its).collect();
        if own.is_empty() {
            return Err(Unsigned::Later(
                "what it signed is not over the head, or not with its key".to_owned(),
            ));
        }
        Ok(own)
    }
}

/// Reads an answer, up to what one may be long.
async fn read(mut answer: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| words(error.without_url()))? {
        body.extend_from_slice(&chunk);
        if body.len() > NOTE_BYTES_MAX {
            return Err("its answer is too long".to_owned());
        }
    }
    Ok(body)
}
