//! The newest records in memory, so that who follows the log live does not read the disk.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;

use super::record::{self, Fault};
use crate::contract::{Position, Record, limits};

/// Bytes of bodies that are kept; a single body may be larger.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bodies that are kept.
const RECORDS_MAX: usize = 64 * 1024;

#[derive(Debug, Default)]
struct State {
    /// Position of the first body; the others follow without a hole.
    first: Position,
    bodies: VecDeque<Bytes>,
    bytes: usize,
}

/// A stretch of the log that ends at its head.
#[derive(Debug, Default)]
pub(super) struct Ring {
    state: RwLock<State>,
}

impl Ring {
    /// Adds durable bodies, the first of them at `first`.
    pub(super) fn push(&self, first: Position, bodies: Vec<Bytes>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.first.0 + state.bodies.len() as u64 != first.0 {
            *state = State { first, ..State::default() };
        }
        state.bytes += bodies.iter().map(Bytes::len).sum::<usize>();
        state.bodies.extend(bodies);
        while state.bodies.len() > RECORDS_MAX || (state.bytes > BYTES_MAX && state.bodies.len() > 1) {
            let Some(gone) = state.bodies.pop_front() else { break };
            state.bytes -= gone.len();
            state.first = state.first.next();
        }
    }

    /// Puts `body`, which is as long as what it replaces, at `position` if that is kept.
    pub(super) fn replace(&self, position: Position, body: Bytes) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = state.place(position) {
            state.bodies[at] = body;
        }
    }

    /// Returns a page of up to `records_max` records from `from` on, or nothing if `from` is not
    /// kept.
    pub(super) fn read(&self, from: Position, records_max: usize) -> Option<Result<Vec<Record>, Fault>> {
        let mut page = Vec::new();
        {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let mut bytes = 0;
            for body in state.bodies.range(state.place(from)?..).take(records_max) {
                bytes += body.len();
                page.push(body.clone());
                if bytes >= limits::PAGE_BYTES {
                    break;
                }
            }
        }
        Some((from.0..).zip(page).map(|(at, body)| record::decode(Position(at), &body)).collect())
    }
}

impl State {
    fn place(&self, position: Position) -> Option<usize> {
        let at = usize::try_from(position.0.checked_sub(self.first.0)?).ok()?;
        (at < self.bodies.len()).then_some(at)
    }
}
