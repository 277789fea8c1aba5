//! What a plain list would do, to compare a back end with, whatever is asked in whatever order.

use bytes::Bytes;
use proptest::prelude::*;
use writethru_log::conformance::Home;
use writethru_log::{AppendError, Appended, EraseError, EventLog, Position, Record};

use crate::support::{batch, read_all, story};

/// Something that is asked of a log.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Appends to a story behind its revision, off by this much.
    Append {
        story: u64,
        off: i64,
        command: u8,
        records: usize,
    },
    /// Submits several at once, each behind the revision the story has before.
    Together {
        appends: Vec<(u64, u8)>,
    },
    /// Leaves this many bytes at a position.
    Erase {
        position: u64,
        remaining: usize,
    },
    Reopen,
    ReadStory {
        story: u64,
        revision: u64,
        records_max: usize,
    },
}

fn step(together: impl Strategy<Value = Vec<(u64, u8)>>) -> impl Strategy<Value = Step> {
    let story = 0..4_u64;
    prop_oneof![
        6 => (story.clone(), -1..3_i64, 0..12_u8, 1..4_usize).prop_map(|(story, off, command, records)| {
            Step::Append { story, off: off.min(1), command, records }
        }),
        2 => together.prop_map(|appends| Step::Together { appends }),
        2 => (0..30_u64, 0..40_usize).prop_map(|(position, remaining)| Step::Erase { position, remaining }),
        1 => Just(Step::Reopen),
        2 => (story, 0..9_u64, 0..9_usize).prop_map(|(story, revision, records_max)| {
            Step::ReadStory { story, revision, records_max }
        }),
    ]
}

/// Returns what may be asked of a log, one after the other; `together` are stories and commands of
/// appends that are submitted at once, whose order the back end promises.
pub(crate) fn steps(together: impl Strategy<Value = Vec<(u64, u8)>>) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(together), 1..30)
}

#[derive(Debug, Default)]
struct Model {
    records: Vec<Record>,
}

impl Model {
    fn revision(&self, number: u64) -> u64 {
        self.records.iter().filter(|record| record.story == story(number)).count() as u64
    }

    /// What an append must be told; `Err` holds the actual revision.
    fn append(&mut self, number: u64, expected: u64, name: &str, records: usize) -> Result<Appended, u64> {
        let given = batch(name, records);
        let mut before =
            self.records.iter().filter(|r| r.story == story(number) && r.command == given.command);
        if let Some(first) = before.next() {
            let last = before.next_back().unwrap_or(first);
            let (first, revision) = (first.position, last.revision);
            return Ok(Appended { first, last: last.position, revision, repeated: true });
        }
        let actual = self.revision(number);
        if actual != expected {
            return Err(actual);
        }
        let first = Position(self.records.len() as u64 + 1);
        for (at, record) in (1..).zip(given.records) {
            self.records.push(Record {
                position: Position(self.records.len() as u64 + 1),
                story: story(number),
                revision: expected + at,
                command: given.command.clone(),
                envelope: record.envelope,
                disclosures: record.disclosures,
            });
        }
        let last = Position(self.records.len() as u64);
        Ok(Appended { first, last, revision: expected + records as u64, repeated: false })
    }
}

#[track_caller]
fn same(answer: Result<Appended, AppendError>, expected: Result<Appended, u64>) {
    match (answer, expected) {
        (Ok(answer), Ok(expected)) => assert_eq!(answer, expected),
        (Err(AppendError::Conflict { actual, .. }), Err(expected)) => assert_eq!(actual, expected),
        (answer, expected) => panic!("got {answer:?}, expected {expected:?}"),
    }
}

/// Asks `steps` of the log at `home` and compares every answer, and the whole log after each.
pub(crate) async fn run(home: &impl Home, steps: Vec<Step>) {
    let mut model = Model::default();
    let mut log = home.open().await;
    for step in steps {
        match step {
            Step::Append { story: number, off, command, records } => {
                let expected = model.revision(number).saturating_add_signed(off);
                let name = command.to_string();
                let answer = log.append(story(number), expected, batch(&name, records)).await;
                same(answer, model.append(number, expected, &name, records));
            }
            Step::Together { appends } => {
                let mut pending = Vec::new();
                let before: Vec<u64> = (0..4).map(|number| model.revision(number)).collect();
                for (number, command) in appends {
                    let expected = before[usize::try_from(number).expect("small")];
                    let name = command.to_string();
                    let taken = log.submit(story(number), expected, batch(&name, 2)).await.expect("taken");
                    pending.push((taken, model.append(number, expected, &name, 2)));
                }
                for (taken, expected) in pending {
                    same(taken.acknowledged().await, expected);
                }
            }
            Step::Erase { position, remaining } => erase(&log, &mut model, position, remaining).await,
            Step::Reopen => {
                log.close().await;
                log = home.open().await;
            }
            Step::ReadStory { story: number, revision, records_max } => {
                let read = log.read_story(story(number), revision, records_max).await.expect("readable");
                let of_story = model.records.iter().filter(|record| record.story == story(number));
                let expected: Vec<Record> =
                    of_story.filter(|r| r.revision >= revision).take(records_max).cloned().collect();
                assert_eq!(read, expected);
            }
        }
        assert_eq!(read_all(&log).await, model.records);
    }
    let checked = log.check(|_, _| {}).await.expect("whole");
    assert_eq!(checked.records, model.records.len() as u64);
    log.close().await;
}

async fn erase(log: &EventLog, model: &mut Model, position: u64, remaining: usize) {
    let answer = log.erase(Position(position), Bytes::from(vec![b'r'; remaining])).await;
    let at = usize::try_from(position).expect("small").checked_sub(1);
    match at.and_then(|at| model.records.get_mut(at)) {
        None => assert!(matches!(answer, Err(EraseError::NotFound { .. })), "got {answer:?}"),
        Some(record) => {
            answer.expect("erased");
            record.disclosures = Bytes::from(vec![b'r'; remaining]);
        }
    }
}
