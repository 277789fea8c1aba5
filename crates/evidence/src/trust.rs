//! Whom the bundle itself names as signers: one log, and the witnesses that cosigned its head.
//!
//! A copy of the log's key from somewhere else is worth more: a bundle can name anyone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proof::checkpoint::SignedCheckpoint;
use proof::note::VerifierKey;
use proof::policy::Policy;

use crate::fault::{Fault, words};

/// Where the policy stands in the bundle.
pub(crate) const POLICY: &str = "data/policy.txt";
/// Where the log's key stands for openssl.
pub(crate) const PEM: &str = "data/keys/log.pem";
/// What stands before the 32 bytes of an Ed25519 key in X.509 (RFC 8410 §4).
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The keys whose signatures are under the bundle's checkpoint, and no other.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    log: VerifierKey,
    witnesses: Vec<VerifierKey>,
}

impl Trust {
    /// Returns the log's key and those of `witnesses` that cosigned `checkpoint`, and the checkpoint with
    /// their signatures alone.
    pub(crate) fn narrow(
        log: &VerifierKey,
        witnesses: &[VerifierKey],
        checkpoint: &SignedCheckpoint,
    ) -> Result<(Self, SignedCheckpoint), String> {
        let mut keys = vec![log.clone()];
        keys.extend(witnesses.iter().cloned());
        let verified = checkpoint.note().verify(&keys).map_err(|error| words(&error))?;
        let signed = |key: &VerifierKey| verified.iter().any(|one| keys[one.key] == *key);
        if !signed(log) {
            return Err(format!("it is not signed by {}", log.name()));
        }
        let witnesses: Vec<VerifierKey> = witnesses.iter().filter(|key| signed(key)).cloned().collect();
        let trust = Self { log: log.clone(), witnesses };
        let (text, mut lines) = (checkpoint.checkpoint().to_text(), String::new());
        for key in trust.keys() {
            let own = |one: &&proof::note::Signature| one.name() == key.name() && one.id() == key.id();
            let line = checkpoint.note().signatures().iter().find(own).map(proof::note::Signature::to_line);
            lines.push_str(&line.ok_or_else(|| format!("the signature of {} is not there", key.name()))?);
            if !lines.ends_with('\n') {
                lines.push('\n');
            }
        }
        let narrowed = SignedCheckpoint::parse(format!("{text}\n{lines}").as_bytes());
        Ok((trust, narrowed.map_err(|error| words(&error))?))
    }

    /// Reads a policy that [`Trust::to_text`] would write.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let wrong = |why: String| Fault::of(POLICY, why);
        let policy = Policy::parse(bytes).map_err(|error| wrong(words(&error)))?;
        let [log] = policy.logs() else { return Err(wrong("it does not name one log".to_owned())) };
        let witnesses = policy.witnesses().map(|(key, _)| key.clone()).collect();
        Ok(Self { log: log.clone(), witnesses })
    }

    pub(crate) fn log(&self) -> &VerifierKey {
        &self.log
    }

    fn keys(&self) -> impl Iterator<Item = &VerifierKey> {
        std::iter::once(&self.log).chain(&self.witnesses)
    }

    /// Checks that each key signed `checkpoint`, and nobody else did.
    pub(crate) fn verify(&self, checkpoint: &SignedCheckpoint) -> Result<(), String> {
        let head = checkpoint.checkpoint();
        if head.origin() != self.log.name().as_str() {
            return Err(format!("it is of {}, the policy names {}", head.origin(), self.log.name()));
        }
        let (all, narrowed) = Self::narrow(&self.log, &self.witnesses, checkpoint)?;
        if all.witnesses.len() != self.witnesses.len() {
            return Err("a witness that the policy names did not cosign it".to_owned());
        }
        if narrowed.to_text() != checkpoint.to_text() {
            return Err("it has signatures of others than the policy names, or in another order".to_owned());
        }
        Ok(())
    }

    /// Returns the policy: this log, and all of these witnesses.
    pub(crate) fn to_text(&self) -> String {
        let log = format!("log {}\n", self.log);
        if self.witnesses.is_empty() {
            return log + "quorum none\n";
        }
        let numbered = || (1_usize..).zip(&self.witnesses);
        let lines: Vec<String> =
            numbered().map(|(number, key)| format!("witness w{number} {key}\n")).collect();
        let names: Vec<String> = numbered().map(|(number, _)| format!("w{number}")).collect();
        format!("{log}{}group all-of-them all {}\nquorum all-of-them\n", lines.concat(), names.join(" "))
    }

    /// Returns the log's key as openssl reads it.
    pub(crate) fn to_pem(&self) -> String {
        let der = [&ED25519_PREFIX[..], &self.log.public_bytes()].concat();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }
}
