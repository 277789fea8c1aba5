//! Many handles on one log, as many processes have them: one truth, and nobody acts on an old one.

use bytes::Bytes;
use tokio::task::JoinSet;
use writethru_log::{
    AppendError, Appended, ConnectError, Epoch, EraseError, EventLog, JetStreamOptions, Options, Position,
    Replicas,
};

use crate::nats::{Alone, connect, options};
use crate::support::{batch, read_all, story};

async fn two(server: &Alone) -> [EventLog; 2] {
    let open = || connect(server.server.url(), "0", Replicas::One);
    [open().await, open().await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rivals_on_many_handles_leave_one_gapless_log() {
    const ROUNDS: u64 = 20;
    let server = Alone::start();
    let logs = [two(&server).await, two(&server).await].concat();
    let mut writers = JoinSet::new();
    for (number, log) in logs.iter().cloned().enumerate() {
        writers.spawn(async move {
            let mut won = 0;
            for round in 0..ROUNDS {
                for key in 0..3 {
                    let name = format!("{number}-{round}");
                    let records = 1 + usize::from(round % 2 == 0);
                    let expected = log.read_story(story(key), 1, usize::MAX).await.expect("readable").len();
                    match log.append(story(key), expected as u64, batch(&name, records)).await {
                        Ok(appended) => won += appended.last.0 - appended.first.0 + 1,
                        Err(AppendError::Conflict { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
            won
        });
    }
    let won: u64 = writers.join_all().await.into_iter().sum();
    let last = logs[0].tail(Position(won)).next_batch().await.expect("readable");
    assert_eq!(last.len(), 1, "nothing is there that nobody won");
    let all = read_all(&logs[0]).await;
    assert_eq!(all.len() as u64, won);
    for log in logs {
        let checked = log.check(|_, _| {}).await.expect("whole");
        assert_eq!((checked.records, checked.stories), (won, 3));
        log.close().await;
    }
}

#[tokio::test]
async fn a_record_of_another_process_reaches_a_tail() {
    let server = Alone::start();
    let [one, other] = two(&server).await;
    let mut tail = other.tail(Position(1));
    for number in 0..5 {
        let appended = one.append(story(1), number, batch(&number.to_string(), 1)).await.expect("stored");
        let records = tail.next_batch().await.expect("readable");
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].position, appended.first);
    }
}

#[tokio::test]
async fn a_command_of_another_process_gets_its_first_answer() {
    let server = Alone::start();
    let [one, other] = two(&server).await;
    other.append(story(1), 0, batch("first", 1)).await.expect("stored");
    let push = one.append(story(1), 1, batch("push", 2)).await.expect("stored");
    one.append(story(1), 3, batch("third", 1)).await.expect("stored");
    let again = Appended { repeated: true, ..push };
    // What the other one knows of the story ends before the command.
    for expected in [1, 0, 4, 9] {
        let answer = other.append(story(1), expected, batch("push", 5)).await.expect("answered");
        assert_eq!(answer, again);
    }
    let fresh = connect(server.server.url(), "0", Replicas::One).await;
    assert_eq!(fresh.find_command(story(1), &batch("push", 1).command).await.expect("found"), Some(again));
    assert_eq!(fresh.append(story(1), 0, batch("push", 1)).await.expect("answered"), again);
    assert_eq!(read_all(&fresh).await.len(), 4);
}

#[tokio::test]
async fn a_process_that_missed_a_record_is_told_where_the_story_is() {
    let server = Alone::start();
    let [one, other] = two(&server).await;
    other.append(story(1), 0, batch("first", 1)).await.expect("stored");
    one.append(story(1), 1, batch("second", 3)).await.expect("stored");
    let refused = other.append(story(1), 1, batch("late", 1)).await;
    assert!(matches!(refused, Err(AppendError::Conflict { expected: 1, actual: 4 })), "{refused:?}");
    // And one that knows nothing of the story but that it is new.
    let fresh = connect(server.server.url(), "0", Replicas::One).await;
    let refused = fresh.append(story(1), 0, batch("late", 2)).await;
    assert!(matches!(refused, Err(AppendError::Conflict { expected: 0, actual: 4 })), "{refused:?}");
    other.append(story(1), 4, batch("late", 1)).await.expect("stored");
}

/// Were the newest record removed to erase it, the server would take the one before it for the last,
/// and the late one would become a second revision 2.
#[tokio::test]
async fn an_erased_newest_record_makes_no_room_for_one_that_is_late() {
    let server = Alone::start();
    let [one, late] = two(&server).await;
    late.append(story(1), 0, batch("first", 1)).await.expect("stored");
    one.append(story(1), 1, batch("second", 1)).await.expect("stored");
    one.append(story(2), 0, batch("only", 1)).await.expect("stored");
    for position in 1..=3 {
        one.erase(Position(position), Bytes::new()).await.expect("erased");
    }
    let refused = late.append(story(1), 1, batch("late", 1)).await;
    assert!(matches!(refused, Err(AppendError::Conflict { expected: 1, actual: 2 })), "{refused:?}");
    let refused = late.append(story(2), 0, batch("late", 1)).await;
    assert!(matches!(refused, Err(AppendError::Conflict { expected: 0, actual: 1 })), "{refused:?}");
    one.check(|_, _| {}).await.expect("whole");
}

#[tokio::test]
async fn an_erasure_of_another_process_is_seen() {
    let server = Alone::start();
    let [one, other] = two(&server).await;
    one.append(story(1), 0, batch("first", 2)).await.expect("stored");
    let mut expected = read_all(&one).await;
    // Once known to the other one, and once not.
    for left in ["left over", "left"] {
        one.erase(Position(2), Bytes::from_static(left.as_bytes())).await.expect("erased");
        expected[1].disclosures = Bytes::from_static(left.as_bytes());
        assert_eq!(other.read(Position(1), 9).await.expect("readable"), expected);
        assert_eq!(other.read_story(story(1), 1, 9).await.expect("readable"), expected);
    }
}

#[tokio::test]
async fn who_creates_the_log_draws_its_epoch() {
    let server = Alone::start();
    let given = options(server.server.url(), "0", Replicas::One);
    let with = |epoch, create, read_only| JetStreamOptions {
        options: Options { new_epoch: Epoch(epoch), create, read_only },
        ..given.clone()
    };
    let absent = EventLog::connect(with(1, false, false)).await;
    assert!(matches!(absent, Err(ConnectError::Absent { .. })), "{absent:?}");
    let absent = EventLog::connect(with(1, true, true)).await;
    assert!(matches!(absent, Err(ConnectError::Absent { .. })), "{absent:?}");
    for (epoch, create, read_only) in
        [(2, true, false), (3, true, false), (4, false, false), (5, false, true)]
    {
        let log = EventLog::connect(with(epoch, create, read_only)).await.expect("opens");
        assert_eq!(log.epoch(), Epoch(2));
    }
}

#[tokio::test]
async fn logs_of_different_names_share_a_server_and_nothing_else() {
    let server = Alone::start();
    let one = connect(server.server.url(), "one", Replicas::One).await;
    let two = connect(server.server.url(), "two", Replicas::One).await;
    one.append(story(1), 0, batch("push", 2)).await.expect("stored");
    two.append(story(1), 0, batch("push", 1)).await.expect("stored");
    assert_eq!((read_all(&one).await.len(), read_all(&two).await.len()), (2, 1));
}

#[tokio::test]
async fn a_reader_reads_and_writes_nothing() {
    let server = Alone::start();
    let writer = connect(server.server.url(), "0", Replicas::One).await;
    writer.append(story(1), 0, batch("first", 2)).await.expect("stored");
    let mut given = options(server.server.url(), "0", Replicas::One);
    given.options.read_only = true;
    let reader = EventLog::connect(given).await.expect("opens");
    assert_eq!(read_all(&reader).await, read_all(&writer).await);
    let refused = reader.append(story(1), 2, batch("second", 1)).await;
    assert!(matches!(refused, Err(AppendError::Unavailable { .. })), "{refused:?}");
    let refused = reader.erase(Position(1), Bytes::new()).await;
    assert!(matches!(refused, Err(EraseError::OutcomeUnknown { .. })), "{refused:?}");
    writer.append(story(1), 2, batch("second", 1)).await.expect("stored");
    assert_eq!(reader.tail(Position(3)).next_batch().await.expect("readable").len(), 1);
}
