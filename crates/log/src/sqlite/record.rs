//! The bytes of one record in the log's file: encoding, sealing, decoding, redacting.
//!
//! Big-endian, version 1:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | CRC-32C (RFC 3720) of the position as u64, then of every byte after this field |
//! | 4 | 16 | story |
//! | 20 | 8 | revision, from 1 |
//! | 28 | 2 | place of the record in its batch, from 0 |
//! | 30 | 2 | records in the batch, from 1 |
//! | 32 | 1 | bytes of the command, from 1 |
//! | 33 | 4 | bytes of the envelope |
//! | 37 | 4 | bytes of the disclosures |
//! | 41 | | command, envelope, disclosures, then zeros where disclosures were erased |
//!
//! A body keeps its length for ever: erasure fills with zeros, so that the database overwrites the
//! words where they are and leaves no copy in a page it gave up. This file does no IO.

use bytes::Bytes;

use crate::contract::{Command, NewRecord, Position, Record, StoryKey};

const CHECKSUM_BYTES: usize = 4;
const HEADER_BYTES: usize = 41;

/// Why a body is not a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) position: Position,
    pub(super) problem: String,
}

/// What a body's first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) story: StoryKey,
    pub(super) revision: u64,
    pub(super) place: u16,
    pub(super) batch_records: u16,
    command: usize,
    envelope: usize,
    disclosures: usize,
}

/// Where a batch lies: what an index keeps of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Revision of its first record.
    pub(super) revision: u64,
    /// Position of its first record.
    pub(super) first: Position,
    /// Records in it, at least one.
    pub(super) records: u64,
}

impl Extent {
    pub(super) const fn last(self) -> Position {
        Position(self.first.0 + self.records - 1)
    }

    pub(super) const fn last_revision(self) -> u64 {
        self.revision + self.records - 1
    }
}

/// A record's place within its batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) place: u16,
    pub(super) batch_records: u16,
}

/// Returns a body that wants only its position and revision: see [`seal`]. Lengths must be within
/// the limits.
pub(super) fn draft(story: StoryKey, command: &[u8], place: Place, record: &NewRecord) -> Vec<u8> {
    let payload = command.len() + record.envelope.len() + record.disclosures.len();
    let mut body = Vec::with_capacity(HEADER_BYTES + payload);
    body.extend_from_slice(&[0; CHECKSUM_BYTES]);
    body.extend_from_slice(&story.0);
    body.extend_from_slice(&0_u64.to_be_bytes());
    body.extend_from_slice(&place.place.to_be_bytes());
    body.extend_from_slice(&place.batch_records.to_be_bytes());
    body.push(u8::try_from(command.len()).expect("limits::COMMAND_BYTES_MAX fits a byte"));
    for part in [&record.envelope, &record.disclosures] {
        let length = u32::try_from(part.len()).expect("limits::RECORD_BYTES_MAX fits 32 bits");
        body.extend_from_slice(&length.to_be_bytes());
    }
    body.extend_from_slice(command);
    body.extend_from_slice(&record.envelope);
    body.extend_from_slice(&record.disclosures);
    body
}

/// Writes position and revision into a draft and seals it with its checksum.
pub(super) fn seal(body: &mut [u8], position: Position, revision: u64) {
    body[20..28].copy_from_slice(&revision.to_be_bytes());
    let checksum = checksum(position, body);
    body[..CHECKSUM_BYTES].copy_from_slice(&checksum.to_be_bytes());
}

/// Returns what `body` says of itself, once every one of its bytes is proved to be as written.
pub(super) fn verify(position: Position, body: &[u8]) -> Result<Header, Fault> {
    let fault = |problem: &str| Fault { position, problem: problem.to_owned() };
    if body.len() < HEADER_BYTES {
        return Err(fault("record is cut short"));
    }
    if body[..CHECKSUM_BYTES] != checksum(position, body).to_be_bytes() {
        return Err(fault("checksum does not match"));
    }
    let header = Header {
        story: StoryKey(array(body, 4)),
        revision: u64::from_be_bytes(array(body, 20)),
        place: u16::from_be_bytes(array(body, 28)),
        batch_records: u16::from_be_bytes(array(body, 30)),
        command: usize::from(body[32]),
        envelope: length(body, 33),
        disclosures: length(body, 37),
    };
    let payload = header.command.saturating_add(header.envelope).saturating_add(header.disclosures);
    if payload > body.len() - HEADER_BYTES {
        return Err(fault("lengths pass the end of the record"));
    }
    if body[HEADER_BYTES + payload..].iter().any(|&byte| byte != 0) {
        return Err(fault("space after the record is not empty"));
    }
    let place = u64::from(header.place);
    if header.place >= header.batch_records || header.revision <= place || position.0 <= place {
        return Err(fault("place in the batch is impossible"));
    }
    Ok(header)
}

/// Returns the record that `body` is, sharing its bytes.
pub(super) fn decode(position: Position, body: &Bytes) -> Result<Record, Fault> {
    let header = verify(position, body)?;
    let envelope = HEADER_BYTES + header.command;
    let disclosures = envelope + header.envelope;
    Ok(Record {
        position,
        story: header.story,
        revision: header.revision,
        command: Command(body.slice(HEADER_BYTES..envelope)),
        envelope: body.slice(envelope..disclosures),
        disclosures: body.slice(disclosures..disclosures + header.disclosures),
    })
}

/// Returns `body` with `remaining`, of at most `limits::ERASED_BYTES_MAX`, in place of its disclosures;
/// never shorter than it was.
pub(super) fn redact(position: Position, body: &[u8], remaining: &[u8]) -> Result<Vec<u8>, Fault> {
    let header = verify(position, body)?;
    let start = HEADER_BYTES + header.command + header.envelope;
    let mut redacted = body[..start].to_vec();
    redacted.extend_from_slice(remaining);
    redacted.resize(redacted.len().max(body.len()), 0);
    let length = u32::try_from(remaining.len()).expect("limits::ERASED_BYTES_MAX fits 32 bits");
    redacted[37..41].copy_from_slice(&length.to_be_bytes());
    seal(&mut redacted, position, header.revision);
    Ok(redacted)
}

impl Header {
    /// Returns where the batch of this record, which stands at `position`, lies.
    pub(super) fn extent(&self, position: Position) -> Extent {
        let place = u64::from(self.place);
        Extent {
            revision: self.revision - place,
            first: Position(position.0 - place),
            records: u64::from(self.batch_records),
        }
    }

    /// Returns the command's bytes in `body`, which this header was read from.
    pub(super) fn command<'body>(&self, body: &'body [u8]) -> &'body [u8] {
        &body[HEADER_BYTES..HEADER_BYTES + self.command]
    }
}

fn checksum(position: Position, body: &[u8]) -> u32 {
    let seed = crc32c::crc32c(&position.0.to_be_bytes());
    crc32c::crc32c_append(seed, &body[CHECKSUM_BYTES..])
}

fn array<const N: usize>(body: &[u8], at: usize) -> [u8; N] {
    body[at..at + N].try_into().expect("the header is whole")
}

fn length(body: &[u8], at: usize) -> usize {
    usize::try_from(u32::from_be_bytes(array(body, at))).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITION: Position = Position(7);

    fn sealed() -> Vec<u8> {
        let record = NewRecord { envelope: "{\"v\":1}".into(), disclosures: "five dead".into() };
        let place = Place { place: 1, batch_records: 3 };
        let mut body = draft(StoryKey([9; 16]), b"push-1", place, &record);
        seal(&mut body, POSITION, 5);
        body
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let body = Bytes::from(sealed());
        let record = decode(POSITION, &body).expect("whole");
        assert_eq!((record.story, record.revision), (StoryKey([9; 16]), 5));
        assert_eq!(record.command.0, "push-1");
        assert_eq!(
            (record.envelope.as_ref(), record.disclosures.as_ref()),
            (&b"{\"v\":1}"[..], &b"five dead"[..])
        );
        let extent = verify(POSITION, &body).expect("whole").extent(POSITION);
        assert_eq!(extent, Extent { revision: 4, first: Position(6), records: 3 });
    }

    #[test]
    fn the_bytes_of_version_1_do_not_change() {
        let hex: String = sealed().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(
            hex,
            "f97c0e7909090909090909090909090909090909000000000000000500010003060000000700000009\
             707573682d317b2276223a317d666976652064656164"
        );
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let body = sealed();
        for bit in 0..body.len() * 8 {
            let mut damaged = body.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(POSITION, &damaged).is_err(), "bit {bit} flipped unseen");
        }
    }

    #[test]
    fn a_record_moved_to_another_position_is_found() {
        assert!(verify(Position(8), &sealed()).is_err());
    }

    #[test]
    fn a_record_cut_anywhere_is_found() {
        let body = sealed();
        for length in 0..body.len() {
            assert!(verify(POSITION, &body[..length]).is_err(), "cut to {length} bytes unseen");
        }
    }

    #[test]
    fn redaction_keeps_the_envelope_and_leaves_no_word() {
        let body = sealed();
        let redacted = redact(POSITION, &body, b"five").expect("whole");
        assert_eq!(redacted.len(), body.len());
        let record = decode(POSITION, &redacted.into()).expect("whole");
        assert_eq!(
            (record.envelope.as_ref(), record.disclosures.as_ref()),
            (&b"{\"v\":1}"[..], &b"five"[..])
        );
        let salted = redact(POSITION, &body, b"a salt, five dead").expect("whole");
        assert_eq!(salted.len(), body.len() + 8);
        let record = decode(POSITION, &salted.into()).expect("whole");
        assert_eq!(record.disclosures.as_ref(), &b"a salt, five dead"[..]);
    }
}
