//! What is not as it was written is found, by reading it and by checking, and by its position.

use async_nats::jetstream::{Context, stream::StorageType};
use bytes::Bytes;
use writethru_log::{AppendError, CheckError, Checked, EventLog, Position, ReadError, Replicas};

use crate::nats::{Alone, connect};
use crate::support::{batch, story};

/// A log of two stories and five records, and the server's own interface.
struct Stage {
    log: EventLog,
    streams: Context,
    server: Alone,
}

async fn five_records() -> Stage {
    let server = Alone::start();
    let log = connect(server.server.url(), "0", Replicas::One).await;
    log.append(story(1), 0, batch("first", 2)).await.expect("stored");
    log.append(story(2), 0, batch("first", 1)).await.expect("stored");
    log.append(story(1), 2, batch("second", 2)).await.expect("stored");
    let client = async_nats::connect(server.server.url()).await.expect("connects");
    Stage { log, streams: async_nats::jetstream::new(client), server }
}

impl Stage {
    /// Stores `body` behind the newest record, as if a writer of ours had done so.
    async fn store(&self, story: u64, body: Vec<u8>) {
        let subject = format!("wt.log.0.5a5a5a5a5a5a5a5a{story:016x}");
        self.streams.publish(subject, body.into()).await.expect("sent").await.expect("stored");
    }

    async fn body(&self, stream: &str, sequence: u64) -> Vec<u8> {
        let stream = self.streams.get_stream(stream).await.expect("there");
        stream.get_raw_message(sequence).await.expect("there").payload.to_vec()
    }

    /// Asks until the head has moved there by itself.
    async fn reaches(&self, head: u64) {
        self.log.tail(Position(head)).next_batch().await.err();
        assert_eq!(self.log.head(), Position(head));
    }

    #[track_caller]
    fn damaged(found: Result<Checked, CheckError>, at: u64, what: &str) {
        let Err(CheckError::Damaged { position, problem }) = found else { panic!("{found:?}") };
        assert_eq!((position, &*problem), (Position(at), what));
    }
}

/// Returns `body` with another command than `name`.
fn renamed(mut body: Vec<u8>, name: &[u8]) -> Vec<u8> {
    let at = body.windows(name.len()).position(|at| at == name).expect("the command is there");
    body[at] = b'#';
    body
}

fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    let checksum = crc32c::crc32c(&body[4..]).to_be_bytes();
    body[..4].copy_from_slice(&checksum);
    body
}

#[tokio::test]
async fn a_whole_log_is_counted() {
    let Stage { log, server: _server, .. } = five_records().await;
    log.erase(Position(2), Bytes::from_static(b"left")).await.expect("erased");
    let checked = log.check(|_, _| {}).await.expect("whole");
    assert_eq!(checked, Checked { records: 5, batches: 3, stories: 2 });
}

#[tokio::test]
async fn a_flipped_bit_of_a_record_is_found() {
    let stage = five_records().await;
    let mut body = stage.body("WT_LOG_0", 3).await;
    body[50] ^= 1;
    stage.store(2, body).await;
    stage.reaches(6).await;
    Stage::damaged(stage.log.check(|_, _| {}).await, 6, "checksum does not match");
    let read = stage.log.read(Position(6), 1).await;
    assert!(matches!(read, Err(ReadError::Damaged { position: Position(6), .. })), "{read:?}");
    let read = stage.log.read_story(story(2), 1, 9).await;
    assert!(matches!(read, Err(ReadError::Damaged { position: Position(6), .. })), "{read:?}");
}

#[tokio::test]
async fn a_revision_that_comes_twice_is_found() {
    let stage = five_records().await;
    stage.store(2, stage.body("WT_LOG_0", 3).await).await;
    stage.reaches(6).await;
    Stage::damaged(stage.log.check(|_, _| {}).await, 6, "revision 1 follows revision 1");
    let read = stage.log.read_story(story(2), 1, 9).await;
    assert!(matches!(read, Err(ReadError::Damaged { position: Position(6), .. })), "{read:?}");
}

#[tokio::test]
async fn an_append_behind_damage_is_refused_at_once_and_other_stories_go_on() {
    let stage = five_records().await;
    stage.store(2, stage.body("WT_LOG_0", 3).await).await;
    let fresh = connect(stage.server.server.url(), "0", Replicas::One).await;
    let refused = fresh.append(story(2), 1, batch("third", 1)).await;
    let Err(AppendError::Unavailable { source }) = refused else { panic!("{refused:?}") };
    assert_eq!(source.to_string(), "event log is damaged at position 6: revision 1 follows revision 1");
    fresh.append(story(1), 4, batch("third", 1)).await.expect("stored");
}

#[tokio::test]
async fn a_command_that_comes_twice_is_found() {
    let stage = five_records().await;
    let mut body = stage.body("WT_LOG_0", 3).await;
    body[20..28].copy_from_slice(&2_u64.to_be_bytes());
    stage.store(2, sealed(body)).await;
    stage.reaches(6).await;
    Stage::damaged(stage.log.check(|_, _| {}).await, 6, "a command was stored twice");
}

#[tokio::test]
async fn a_batch_that_does_not_end_is_found() {
    let stage = five_records().await;
    let mut wordless = batch("wordless", 2);
    wordless.records.iter_mut().for_each(|record| record.disclosures.clear());
    stage.log.append(story(3), 0, wordless).await.expect("stored");
    let mut body = stage.body("WT_LOG_0", 6).await;
    body[20..28].copy_from_slice(&3_u64.to_be_bytes());
    stage.store(3, sealed(renamed(body, b"wordless"))).await;
    stage.reaches(8).await;
    Stage::damaged(stage.log.check(|_, _| {}).await, 8, "the last batch is not whole");
}

#[tokio::test]
async fn words_that_are_missing_are_found() {
    let stage = five_records().await;
    let words = stage.streams.get_stream("WT_WORDS_0").await.expect("there");
    words.delete_message(4).await.expect("removed");
    let problem = "what stands beside the record is missing";
    Stage::damaged(stage.log.check(|_, _| {}).await, 4, problem);
    let read = stage.log.read(Position(1), 9).await;
    assert!(matches!(read, Err(ReadError::Damaged { position: Position(4), .. })), "{read:?}");
    assert_eq!(stage.log.read(Position(1), 3).await.expect("readable").len(), 3);
}

#[tokio::test]
async fn words_of_another_record_are_not_taken_for_its_own() {
    let stage = five_records().await;
    // The record of story 2 once more, as its second revision, with the words of its first.
    let mut body = stage.body("WT_LOG_0", 3).await;
    body[20..28].copy_from_slice(&2_u64.to_be_bytes());
    stage.store(2, sealed(renamed(body, b"first"))).await;
    stage.reaches(6).await;
    Stage::damaged(stage.log.check(|_, _| {}).await, 6, "a part is not of this record");
}

#[tokio::test]
async fn words_that_came_back_after_their_erasure_are_found() {
    let stage = five_records().await;
    stage.log.erase(Position(4), Bytes::new()).await.expect("erased");
    stage.log.check(|_, _| {}).await.expect("whole");
    stage.log.close().await;
    // As a restore from a copy of the stream that is older than the erasure would bring them.
    let stream = stage.streams.get_stream("WT_WORDS_0").await.expect("there");
    let config = stream.cached_info().config.clone();
    assert_eq!(config.storage, StorageType::File);
    let erasure = stream.get_last_raw_message_by_subject("wt.words.0.erased.4").await.expect("there");
    let log_again = connect(stage.server.server.url(), "0", Replicas::One).await;
    log_again.append(story(2), 1, batch("second", 1)).await.expect("stored");
    // An erasure that says of the newest record, whose words are there, that they are gone.
    let mut body = erasure.payload.to_vec();
    body[4..20].copy_from_slice(&stage.body("WT_LOG_0", 6).await[4..20]);
    body[20..28].copy_from_slice(&2_u64.to_be_bytes());
    body[28..36].copy_from_slice(&6_u64.to_be_bytes());
    let subject = "wt.words.0.erased.6";
    stage.streams.publish(subject, sealed(body).into()).await.expect("sent").await.expect("stored");
    let reopened = connect(stage.server.server.url(), "0", Replicas::One).await;
    Stage::damaged(reopened.check(|_, _| {}).await, 6, "erased disclosures are still there");
}
