//! Erasure: the words go, everything else stays.

use bytes::Bytes;

use super::{Home, batch, command, read_all, story};
use crate::contract::{EraseError, Position, limits};

/// Only the disclosures of the one record change, in every way to read it, also after reopening.
pub async fn an_erasure_leaves_envelope_and_neighbours(home: &impl Home) {
    let log = home.open().await;
    log.append(story(1), 0, batch("first", 3)).await.expect("stored");
    log.append(story(2), 0, batch("second", 1)).await.expect("stored");
    let mut expected = read_all(&log).await;
    log.erase(Position(2), Bytes::from_static(b"left")).await.expect("erased");
    log.erase(Position(4), Bytes::new()).await.expect("erased");
    expected[1].disclosures = Bytes::from_static(b"left");
    expected[3].disclosures = Bytes::new();
    assert_eq!(read_all(&log).await, expected);
    log.append(story(1), 3, batch("third", 1)).await.expect("stored");
    log.close().await;
    let log = home.open().await;
    assert_eq!(read_all(&log).await[..4], expected);
    assert_eq!(log.read_story(story(1), 1, 3).await.expect("readable"), expected[..3]);
    assert_eq!(log.tail(Position(1)).next_batch().await.expect("readable")[..4], expected);
    let found = log.find_command(story(1), &command("first")).await.expect("looked up");
    assert_eq!(found.map(|found| found.last), Some(Position(3)));
    log.close().await;
}

/// The same erasure again is the same, and it may leave more bytes than were written: what all salts
/// came from goes with the first word, and those that stay are written out.
pub async fn an_erasure_may_be_repeated_and_leave_more_bytes(home: &impl Home) {
    let log = home.open().await;
    log.append(story(1), 0, batch("first", 1)).await.expect("stored");
    let longer = "x".repeat(2 * read_all(&log).await[0].disclosures.len() + 100_000);
    for remaining in [&longer, "left over", "left over", "left", "", "", &longer] {
        log.erase(Position(1), Bytes::copy_from_slice(remaining.as_bytes())).await.expect("erased");
        assert_eq!(read_all(&log).await[0].disclosures, remaining);
    }
    log.check(|_, _| {}).await.expect("whole");
    let too_many = Bytes::from(vec![b'x'; limits::ERASED_BYTES_MAX + 1]);
    let refused = log.erase(Position(1), too_many).await;
    let Err(EraseError::TooLarge { position, actual, limit }) = refused else {
        panic!("expected a refusal, got {refused:?}")
    };
    assert_eq!((position, actual, limit), (Position(1), limit + 1, limits::ERASED_BYTES_MAX));
    log.close().await;
}

/// Where no record is, nothing can be erased.
pub async fn an_erasure_of_nothing_is_refused(home: &impl Home) {
    let log = home.open().await;
    log.append(story(1), 0, batch("first", 1)).await.expect("stored");
    for at in [0, 2, u64::MAX] {
        let refused = log.erase(Position(at), Bytes::new()).await;
        let Err(EraseError::NotFound { position }) = refused else {
            panic!("expected a refusal at {at}, got {refused:?}")
        };
        assert_eq!(position, Position(at));
    }
    log.close().await;
}
