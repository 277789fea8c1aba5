//! Whom to believe (c2sp.org/tlog-policy): which logs, which witnesses, and how many of them.

mod file;

use crate::checkpoint::SignedCheckpoint;
use crate::note::{KeyName, VerifierKey, VerifyError};

pub use file::{PolicyError, PolicyFault};

/// The logs and witnesses that are known, and which witnesses have to agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    /// Where each witness takes checkpoints, in the order of `witnesses`.
    urls: Vec<Option<String>>,
    /// Witnesses and groups in the order in which they were named; a group speaks of earlier ones.
    members: Vec<Member>,
    /// The member that has to agree; none if no witness is asked for.
    quorum: Option<usize>,
}

/// What can be a member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Member {
    /// The witness at this place.
    Witness(usize),
    /// As many of these members as are needed.
    Group { needed: usize, of: Vec<usize> },
}

/// Who vouches for a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endorsement {
    /// The log's key that signed.
    pub log: VerifierKey,
    /// The witnesses that cosigned, in the order of the policy, and when, in seconds since the
    /// epoch, as they say.
    pub witnesses: Vec<(KeyName, u64)>,
}

/// Why a checkpoint is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndorsementError {
    /// The policy knows no log of that name: look at the origin, then at the policy.
    #[error("the policy knows no log `{origin}`")]
    Origin {
        /// The checkpoint's origin.
        origin: String,
    },
    /// The log has not signed it, or not this.
    #[error("the log's signature is not to be believed")]
    Log {
        /// What is wrong.
        source: VerifyError,
    },
    /// A known witness's line is false, so someone changed the note.
    #[error("a witness's cosignature is not to be believed")]
    Witness {
        /// What is wrong.
        source: VerifyError,
    },
    /// Too few of the witnesses have cosigned: wait for them, or ask them.
    #[error("the {cosigned} witnesses that cosigned do not make the quorum")]
    Quorum {
        /// How many known witnesses have cosigned.
        cosigned: usize,
    },
}

impl Policy {
    /// Returns the policy to believe `log` where `needed` of `witnesses` have cosigned.
    ///
    /// # Errors
    /// [`PolicyFault`], as a file that says so would have it.
    pub fn new(log: VerifierKey, witnesses: Vec<VerifierKey>, needed: usize) -> Result<Self, PolicyFault> {
        let mut policy = Self::empty();
        policy.add_log(log)?;
        for witness in witnesses {
            policy.add_witness(witness, None)?;
        }
        if needed > 0 {
            let of = (0..policy.witnesses.len()).collect();
            policy.quorum = Some(policy.add_group(needed, of)?);
        }
        Ok(policy)
    }

    /// Returns the logs' keys.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// Returns the witnesses' keys, and where each takes checkpoints if that is known.
    pub fn witnesses(&self) -> impl Iterator<Item = (&VerifierKey, Option<&str>)> {
        self.witnesses.iter().zip(self.urls.iter().map(Option::as_deref))
    }

    /// Checks that a known log signed the checkpoint, and that the quorum of witnesses did.
    ///
    /// # Errors
    /// [`EndorsementError`], and then the checkpoint is worth nothing.
    pub fn verify(&self, checkpoint: &SignedCheckpoint) -> Result<Endorsement, EndorsementError> {
        let origin = checkpoint.checkpoint().origin();
        let own = self.logs.iter().filter(|key| key.name().as_str() == origin);
        let logs: Vec<VerifierKey> = own.cloned().collect();
        if logs.is_empty() {
            return Err(EndorsementError::Origin { origin: origin.to_owned() });
        }
        let note = checkpoint.note();
        let signed = note.verify(&logs).map_err(|source| EndorsementError::Log { source })?;
        let log = logs[signed[0].key].clone();
        let cosigned = match note.verify(&self.witnesses) {
            Err(VerifyError::Unknown) => Vec::new(),
            verified => verified.map_err(|source| EndorsementError::Witness { source })?,
        };
        let mut agree = vec![false; self.witnesses.len()];
        let mut witnesses = Vec::with_capacity(cosigned.len());
        for verified in &cosigned {
            agree[verified.key] = true;
            let name = self.witnesses[verified.key].name().clone();
            witnesses.push((name, verified.time.expect("a witness's key is of the kind with a time")));
        }
        if !self.is_quorum(&agree) {
            return Err(EndorsementError::Quorum { cosigned: cosigned.len() });
        }
        Ok(Endorsement { log, witnesses })
    }

    /// Returns whether the witnesses that agree make the quorum.
    fn is_quorum(&self, agree: &[bool]) -> bool {
        let mut met = Vec::with_capacity(self.members.len());
        for member in &self.members {
            met.push(match member {
                Member::Witness(witness) => agree[*witness],
                Member::Group { needed, of } => of.iter().filter(|member| met[**member]).count() >= *needed,
            });
        }
        self.quorum.is_none_or(|quorum| met[quorum])
    }
}
