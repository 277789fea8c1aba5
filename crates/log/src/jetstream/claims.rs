//! Which story has which name, where several processes give names at once.
//!
//! The server decides: the first message of a name's subject is stored and no other ever is, so that
//! whoever asks later gets the same answer. A claim is never taken back. One whose story was never
//! written does no harm: whoever wants the name next writes that story.

use async_nats::HeaderMap;
use bytes::Bytes;

use super::core::Core;
use super::link::{Outgoing, Refusal, Unanswered};
use crate::contract::{NameHash, Position, ReadError, StoryKey};

const CHECKSUM_BYTES: usize = 4;

impl Core {
    /// Returns which story has `name`: `story`, if none had it.
    pub(super) async fn claim(&self, name: NameHash, story: StoryKey) -> Result<StoryKey, ReadError> {
        let subject = self.link.names.claim(name);
        let mut patience = self.link.patience();
        loop {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
            let message = Outgoing { subject: subject.clone(), headers, body: encode(story) };
            let cause = match self.link.publish(message).await {
                Ok(_) => return Ok(story),
                // Somebody has it, or a try whose outcome was unknown; or one is on its way.
                Err(Refusal::Conflict) => match self.claimed(name).await? {
                    Some(owner) => return Ok(owner),
                    None => "another claim is being decided".into(),
                },
                Err(Refusal::NotStored(cause) | Refusal::Unknown(cause)) => cause,
            };
            if !patience.allows_another().await {
                return Err(ReadError::Unavailable { source: cause });
            }
        }
    }

    /// Returns which story has `name`, as the leader has it.
    pub(super) async fn claimed(&self, name: NameHash) -> Result<Option<StoryKey>, ReadError> {
        let subject = self.link.names.claim(name);
        let last = self.link.insist(|| self.link.leader_last(&self.link.claims, &subject)).await?;
        let Some(last) = last else { return Ok(None) };
        let damaged = || ReadError::Damaged {
            position: Position::ZERO,
            problem: format!("message {} of {} is no claim", last.sequence, self.link.names.claims),
        };
        decode(&last.body).map(Some).ok_or_else(damaged)
    }
}

impl From<Unanswered> for crate::contract::AppendError {
    fn from(unanswered: Unanswered) -> Self {
        Self::Unavailable { source: Box::new(unanswered) }
    }
}

/// Returns the message of a claim: the CRC-32C of the story's 16 bytes, big-endian, and those bytes.
fn encode(story: StoryKey) -> Bytes {
    [&crc32c::crc32c(&story.0).to_be_bytes()[..], &story.0[..]].concat().into()
}

fn decode(message: &[u8]) -> Option<StoryKey> {
    let (checksum, story) = message.split_at_checked(CHECKSUM_BYTES)?;
    let story = StoryKey(story.try_into().ok()?);
    (checksum == crc32c::crc32c(&story.0).to_be_bytes()).then_some(story)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_reads_back_and_every_flipped_bit_is_found() {
        let claim = encode(StoryKey([7; 16]));
        assert_eq!(decode(&claim), Some(StoryKey([7; 16])));
        for bit in 0..claim.len() * 8 {
            let mut damaged = claim.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&damaged), None, "bit {bit}");
        }
        assert_eq!(decode(&claim[..19]), None);
    }
}
