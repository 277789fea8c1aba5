//! The bounds of everything that could grow.

use jiff::SignedDuration;
use std::time::Duration;

/// Most endpoints.
pub const ENDPOINTS_MAX: usize = 100;
/// Most attempts to deliver one change to one endpoint.
pub const ATTEMPTS_MAX: u32 = 10;
/// How long a secret that was rotated still signs, beside the new one.
pub const SECRET_OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// Deliveries that have ended and are kept, of each endpoint.
pub const DELIVERIES_KEPT: usize = 10_000;
/// Most changes that one replay queues.
pub const REPLAY_MAX: usize = 1_000;
/// Most lines in a page.
pub const PAGE_MAX: usize = 500;

/// Most secrets of an endpoint that sign at once: more rotations end the oldest early.
pub(crate) const SECRETS_MAX: usize = 4;
/// Deliveries of an endpoint that wait in the file before its cursor waits in the log.
pub(crate) const BACKLOG_MAX: usize = 1_000;
/// Deliveries of one endpoint at work at once. Bounds with [`ENDPOINTS_MAX`] what all do.
pub(crate) const AT_WORK_MAX: usize = 8;
/// Changes that are read from the views at a time.
pub(crate) const PAGE_CHANGES: usize = 200;
/// Changes that an endpoint does not ask for before its cursor is written down all the same.
pub(crate) const CURSOR_EVERY: u64 = 1_000;
/// How long an attempt may take.
pub(crate) const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(15);
/// How many bytes of an answer are read, and dropped.
pub(crate) const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// How long attempts may go on when the service ends: what is cut off is sent again.
pub(crate) const DRAIN_TIME_MAX: Duration = Duration::from_secs(3);
/// How long a round waits after its file or the views gave no answer.
pub(crate) const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Longest address.
pub(crate) const URL_BYTES_MAX: usize = 2_048;
/// Longest description, in characters.
pub(crate) const DESCRIPTION_CHARS_MAX: usize = 200;
/// Longest error that is kept, in characters.
pub(crate) const ERROR_CHARS_MAX: usize = 200;
