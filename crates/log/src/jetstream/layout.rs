//! The bytes of the messages of both streams: encoding, sealing, decoding. This file does no IO.
//!
//! Everything is big-endian, and begins with the CRC-32C (RFC 3720) of every byte after it. A
//! message of the stream of **records**, version 1; its position is its sequence:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | checksum |
//! | 4 | 16 | story |
//! | 20 | 8 | revision, from 1 |
//! | 28 | 2 | place of the record in its batch, from 0 |
//! | 30 | 2 | records in the batch, from 1 |
//! | 32 | 1 | bytes of the command, from 1 |
//! | 33 | 4 | bytes of the envelope |
//! | 37 | 4 | bytes of the disclosures, as they were appended |
//! | 41 | 2 | parts of the envelope; 0: it stands in this message |
//! | 43 | 2 | parts of the disclosures |
//! | 45 | 8 each | sequences of the parts in the other stream, the envelope's first |
//! | | | command, then the envelope if it has no parts |
//!
//! A **part** and an **erasure**, in the other stream:
//!
//! | offset | bytes | of a part | | offset | bytes | of an erasure |
//! |---|---|---|---|---|---|---|
//! | 0 | 4 | checksum | | 0 | 4 | checksum |
//! | 4 | 16 | story | | 4 | 16 | story |
//! | 20 | 8 | revision it was written for | | 20 | 8 | revision |
//! | 28 | 1 | 1: envelope, 2: disclosures | | 28 | 8 | position |
//! | 29 | 2 | which part, from 0 | | 36 | 1 | 1: the old parts are gone, 0: perhaps not |
//! | 31 | 2 | of how many | | 37 | 4 | bytes of the disclosures that are left |
//! | 33 | | the bytes | | 41 | 2 | parts of them |
//! | | | | | 43 | 8 each | sequences of those parts |
//!
//! No checksum of disclosures is in any message that stays when they are erased: it would let
//! a guess at the words be proved.

use bytes::{Bytes, BytesMut};

use crate::contract::{CheckError, Position, ReadError, StoryKey};

/// Most bytes of a part: with its headers it fits a server's default `max_payload`.
pub(super) const PART_BYTES_MAX: usize = 512 * 1024;
/// Most bytes of an envelope in a record's own message.
pub(super) const ENVELOPE_HERE_BYTES_MAX: usize = 256 * 1024;

const CHECKSUM_BYTES: usize = 4;
const ENTRY_HEADER_BYTES: usize = 45;
const PART_HEADER_BYTES: usize = 33;
const ERASURE_HEADER_BYTES: usize = 43;

/// Why a message is not what should stand there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (position {position})")]
pub(super) struct Fault {
    pub(super) position: Position,
    pub(super) problem: String,
}

impl Fault {
    pub(super) fn at(position: Position, problem: impl Into<String>) -> Self {
        Self { position, problem: problem.into() }
    }
}

impl From<Fault> for ReadError {
    fn from(Fault { position, problem }: Fault) -> Self {
        Self::Damaged { position, problem }
    }
}

impl From<Fault> for CheckError {
    fn from(Fault { position, problem }: Fault) -> Self {
        Self::Damaged { position, problem }
    }
}

/// Bytes that stand in parts of the other stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Beside {
    /// How many there are.
    pub(super) bytes: u32,
    /// Sequences of the parts, in order.
    pub(super) parts: Vec<u64>,
}

/// Where an envelope is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Envelope {
    /// In the record's message.
    Here(Bytes),
    /// In parts of the other stream: it is large.
    Beside(Beside),
}

/// A record as the stream of records has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) story: StoryKey,
    pub(super) revision: u64,
    /// Place in its batch.
    pub(super) place: u16,
    pub(super) batch_records: u16,
    pub(super) command: Bytes,
    pub(super) envelope: Envelope,
    /// The disclosures as they were appended.
    pub(super) disclosures: Beside,
}

/// Where a batch lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) first: Position,
    pub(super) records: u64,
    /// Revision of its first record.
    pub(super) revision: u64,
}

impl Extent {
    pub(super) const fn last(self) -> Position {
        Position(self.first.0 + self.records - 1)
    }

    pub(super) const fn last_revision(self) -> u64 {
        self.revision + self.records - 1
    }
}

impl Envelope {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Here(bytes) => bytes.len(),
            Self::Beside(beside) => beside.bytes as usize,
        }
    }
}

impl Entry {
    /// Returns the message of this entry.
    pub(super) fn encode(&self) -> Bytes {
        let (envelope_parts, here) = match &self.envelope {
            Envelope::Here(bytes) => (&[][..], &bytes[..]),
            Envelope::Beside(beside) => (&beside.parts[..], &[][..]),
        };
        let mut message = new(ENTRY_HEADER_BYTES + 8 * 64 + self.command.len() + here.len());
        message.extend_from_slice(&self.story.0);
        message.extend_from_slice(&self.revision.to_be_bytes());
        message.extend_from_slice(&self.place.to_be_bytes());
        message.extend_from_slice(&self.batch_records.to_be_bytes());
        message.push(u8::try_from(self.command.len()).expect("limits::COMMAND_BYTES_MAX fits a byte"));
        let envelope = u32::try_from(self.envelope.bytes()).expect("limits::RECORD_BYTES_MAX fits 32 bits");
        message.extend_from_slice(&envelope.to_be_bytes());
        message.extend_from_slice(&self.disclosures.bytes.to_be_bytes());
        message.extend_from_slice(&count(envelope_parts));
        message.extend_from_slice(&count(&self.disclosures.parts));
        for sequence in envelope_parts.iter().chain(&self.disclosures.parts) {
            message.extend_from_slice(&sequence.to_be_bytes());
        }
        message.extend_from_slice(&self.command);
        message.extend_from_slice(here);
        sealed(message)
    }

    /// Returns what the message at `position` says, once every one of its bytes is proved to be as
    /// written.
    pub(super) fn decode(position: Position, message: &Bytes) -> Result<Self, Fault> {
        let fault = |problem: &str| Fault::at(position, problem);
        let mut fields = Fields::open(position, message, ENTRY_HEADER_BYTES)?;
        let story = StoryKey(fields.array());
        let revision = u64::from_be_bytes(fields.array());
        let (place, batch_records) = (fields.short(), fields.short());
        let [command] = fields.array();
        let (envelope, disclosures) = (fields.long(), fields.long());
        let (envelope_parts, disclosure_parts) = (fields.short(), fields.short());
        let envelope_parts = fields.sequences(envelope_parts)?;
        let parts = fields.sequences(disclosure_parts)?;
        let command = fields.take(usize::from(command))?;
        let envelope = if envelope_parts.is_empty() {
            Envelope::Here(fields.take(envelope as usize)?)
        } else {
            Envelope::Beside(Beside { bytes: envelope, parts: envelope_parts })
        };
        if !fields.rest.is_empty() {
            return Err(fault("bytes follow the end of the record"));
        }
        if place >= batch_records || revision <= u64::from(place) || position.0 <= u64::from(place) {
            return Err(fault("place in the batch is impossible"));
        }
        let disclosures = Beside { bytes: disclosures, parts };
        Ok(Self { story, revision, place, batch_records, command, envelope, disclosures })
    }

    /// Returns where the batch of this entry, which stands at `position`, lies.
    pub(super) fn extent(&self, position: Position) -> Extent {
        let place = u64::from(self.place);
        Extent {
            first: Position(position.0 - place),
            records: u64::from(self.batch_records),
            revision: self.revision - place,
        }
    }

    /// Returns how many bytes the record had when it was appended.
    pub(super) fn bytes(&self) -> usize {
        self.envelope.bytes() + self.disclosures.bytes as usize
    }
}

/// What a part is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    Envelope = 1,
    Disclosures = 2,
}

/// A part of an envelope or of disclosures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) story: StoryKey,
    /// The revision it was written for: of a lost race, that of another record.
    pub(super) revision: u64,
    pub(super) whole: Whole,
    pub(super) number: u16,
    pub(super) parts: u16,
    pub(super) bytes: Bytes,
}

impl Part {
    /// Returns the message of this part.
    pub(super) fn encode(&self) -> Bytes {
        let mut message = new(PART_HEADER_BYTES + self.bytes.len());
        message.extend_from_slice(&self.story.0);
        message.extend_from_slice(&self.revision.to_be_bytes());
        message.push(self.whole as u8);
        message.extend_from_slice(&self.number.to_be_bytes());
        message.extend_from_slice(&self.parts.to_be_bytes());
        message.extend_from_slice(&self.bytes);
        sealed(message)
    }

    /// Returns the part that `message`, wanted for the record at `position`, is.
    pub(super) fn decode(position: Position, message: &Bytes) -> Result<Self, Fault> {
        let mut fields = Fields::open(position, message, PART_HEADER_BYTES)?;
        let story = StoryKey(fields.array());
        let revision = u64::from_be_bytes(fields.array());
        let whole = match fields.array() {
            [1] => Whole::Envelope,
            [2] => Whole::Disclosures,
            [other] => return Err(Fault::at(position, format!("a part is of kind {other}"))),
        };
        let (number, parts) = (fields.short(), fields.short());
        Ok(Self { story, revision, whole, number, parts, bytes: fields.rest })
    }
}

/// What is left of a record's disclosures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Erasure {
    pub(super) story: StoryKey,
    pub(super) revision: u64,
    pub(super) position: Position,
    /// Whether what was erased is known to be gone.
    pub(super) finished: bool,
    pub(super) left: Beside,
}

impl Erasure {
    /// Returns the message of this erasure.
    pub(super) fn encode(&self) -> Bytes {
        let mut message = new(ERASURE_HEADER_BYTES + 8 * self.left.parts.len());
        message.extend_from_slice(&self.story.0);
        message.extend_from_slice(&self.revision.to_be_bytes());
        message.extend_from_slice(&self.position.0.to_be_bytes());
        message.push(u8::from(self.finished));
        message.extend_from_slice(&self.left.bytes.to_be_bytes());
        message.extend_from_slice(&count(&self.left.parts));
        for sequence in &self.left.parts {
            message.extend_from_slice(&sequence.to_be_bytes());
        }
        sealed(message)
    }

    /// Returns the erasure that `message` is; `wanted` is the position it should be of, if that is
    /// known.
    pub(super) fn decode(wanted: Option<Position>, message: &Bytes) -> Result<Self, Fault> {
        let at = wanted.unwrap_or_default();
        let mut fields = Fields::open(at, message, ERASURE_HEADER_BYTES)?;
        let story = StoryKey(fields.array());
        let revision = u64::from_be_bytes(fields.array());
        let position = Position(u64::from_be_bytes(fields.array()));
        let [finished] = fields.array();
        let (bytes, parts) = (fields.long(), fields.short());
        let parts = fields.sequences(parts)?;
        if wanted.is_some_and(|wanted| wanted != position) || finished > 1 || !fields.rest.is_empty() {
            return Err(Fault::at(at, "an erasure is not of this position"));
        }
        Ok(Self { story, revision, position, finished: finished == 1, left: Beside { bytes, parts } })
    }
}

/// A message that is being read from its front.
struct Fields {
    position: Position,
    rest: Bytes,
}

impl Fields {
    /// Proves the checksum; at least `header` bytes are there to be read.
    fn open(position: Position, message: &Bytes, header: usize) -> Result<Self, Fault> {
        if message.len() < header {
            return Err(Fault::at(position, "a message is cut short"));
        }
        if message[..CHECKSUM_BYTES] != crc32c::crc32c(&message[CHECKSUM_BYTES..]).to_be_bytes() {
            return Err(Fault::at(position, "checksum does not match"));
        }
        Ok(Self { position, rest: message.slice(CHECKSUM_BYTES..) })
    }

    /// Returns the next bytes of the header.
    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.rest.split_to(N)[..].try_into().expect("the header is whole")
    }

    fn short(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    fn long(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    fn take(&mut self, bytes: usize) -> Result<Bytes, Fault> {
        if bytes > self.rest.len() {
            return Err(Fault::at(self.position, "lengths pass the end of the message"));
        }
        Ok(self.rest.split_to(bytes))
    }

    fn sequences(&mut self, count: u16) -> Result<Vec<u64>, Fault> {
        let bytes = self.take(usize::from(count) * 8)?;
        let sequence = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().expect("8 bytes"));
        Ok(bytes.chunks_exact(8).map(sequence).collect())
    }
}

fn new(capacity: usize) -> Vec<u8> {
    let mut message = Vec::with_capacity(capacity);
    message.extend_from_slice(&[0; CHECKSUM_BYTES]);
    message
}

fn sealed(mut message: Vec<u8>) -> Bytes {
    let checksum = crc32c::crc32c(&message[CHECKSUM_BYTES..]);
    message[..CHECKSUM_BYTES].copy_from_slice(&checksum.to_be_bytes());
    message.into()
}

fn count(parts: &[u64]) -> [u8; 2] {
    u16::try_from(parts.len()).expect("a record within its limit has few parts").to_be_bytes()
}

/// Returns the bytes of `parts` as one.
pub(super) fn joined(mut parts: Vec<Bytes>) -> Bytes {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    for part in parts {
        whole.extend_from_slice(&part);
    }
    whole.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITION: Position = Position(7);

    fn entry() -> Entry {
        Entry {
            story: StoryKey([9; 16]),
            revision: 5,
            place: 1,
            batch_records: 3,
            command: "push-1".into(),
            envelope: Envelope::Here("{\"v\":1}".into()),
            disclosures: Beside { bytes: 9, parts: vec![4] },
        }
    }

    fn large() -> Entry {
        let envelope = Envelope::Beside(Beside { bytes: 600_000, parts: vec![1, 2] });
        Entry { envelope, disclosures: Beside::default(), ..entry() }
    }

    fn part() -> Part {
        let bytes = "five dead".into();
        let (story, whole) = (StoryKey([9; 16]), Whole::Disclosures);
        Part { story, revision: 5, whole, number: 0, parts: 1, bytes }
    }

    fn erasure() -> Erasure {
        let left = Beside { bytes: 4, parts: vec![11, 12] };
        Erasure { story: StoryKey([9; 16]), revision: 5, position: POSITION, finished: true, left }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }

    #[test]
    fn what_is_written_reads_back() {
        for written in [entry(), large()] {
            assert_eq!(Entry::decode(POSITION, &written.encode()), Ok(written));
        }
        assert_eq!(Part::decode(POSITION, &part().encode()), Ok(part()));
        assert_eq!(Erasure::decode(Some(POSITION), &erasure().encode()), Ok(erasure()));
        assert_eq!(Erasure::decode(None, &erasure().encode()), Ok(erasure()));
        let extent = Extent { first: Position(6), records: 3, revision: 4 };
        assert_eq!(entry().extent(POSITION), extent);
    }

    #[test]
    fn the_bytes_of_version_1_do_not_change() {
        assert_eq!(
            hex(&entry().encode()),
            "8e7742cd0909090909090909090909090909090900000000000000050001000306000000070000000900\
             0000010000000000000004707573682d317b2276223a317d"
        );
        assert_eq!(
            hex(&large().encode()),
            "6471e2a50909090909090909090909090909090900000000000000050001000306000927c00000000000\
             02000000000000000000010000000000000002707573682d31"
        );
        assert_eq!(
            hex(&part().encode()),
            "da7cbd0e0909090909090909090909090909090900000000000000050200000001666976652064656164"
        );
        assert_eq!(
            hex(&erasure().encode()),
            "0d4f58d10909090909090909090909090909090900000000000000050000000000000007010000000400\
             02000000000000000b000000000000000c"
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        for message in [entry().encode(), large().encode(), part().encode(), erasure().encode()] {
            let wrong = |message: Vec<u8>, what: &str| {
                let message = Bytes::from(message);
                assert!(Entry::decode(POSITION, &message).is_err(), "{what}");
                assert!(Part::decode(POSITION, &message).is_err(), "{what}");
                assert!(Erasure::decode(None, &message).is_err(), "{what}");
            };
            for bit in 0..message.len() * 8 {
                let mut damaged = message.to_vec();
                damaged[bit / 8] ^= 1 << (bit % 8);
                wrong(damaged, "a flipped bit");
            }
            for length in 0..message.len() {
                wrong(message[..length].to_vec(), "a cut");
            }
        }
    }

    #[test]
    fn lengths_that_pass_the_end_are_refused_though_the_checksum_is_right() {
        // Of the command, of the envelope, of the parts of both.
        for at in [32, 33, 36, 41, 42, 43, 44] {
            let mut message = entry().encode().to_vec();
            message[at] = 0xff;
            assert!(Entry::decode(POSITION, &sealed(message)).is_err(), "byte {at}");
        }
    }

    #[test]
    fn an_erasure_of_another_position_is_refused() {
        assert!(Erasure::decode(Some(Position(8)), &erasure().encode()).is_err());
    }
}
