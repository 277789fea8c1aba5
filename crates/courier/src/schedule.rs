//! When an attempt is made again: the schedule of Standard Webhooks 1.0, decided without a clock.

use jiff::{SignedDuration, Timestamp};

use crate::limits::ATTEMPTS_MAX;

/// How long to wait behind each attempt that failed, in seconds (Standard Webhooks 1.0, "Deliverability and
/// reliability"): 75 h 35 min 5 s in all.
const STEPS_S: [i64; ATTEMPTS_MAX as usize - 1] =
    [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Up to how much sooner an attempt may come, in thousandths: not everything that failed at once comes at
/// once again.
const JITTER_MAX: i64 = 200;
/// Longest wait that a receiver may ask for.
const RETRY_AFTER_MAX: SignedDuration = SignedDuration::from_hours(24);
/// Behind the first attempt, nothing is tried after this long, whatever a receiver asks for.
const TIME_MAX: SignedDuration = SignedDuration::from_hours(76);

/// What came of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status of the answer; `None` if there was none.
    pub status: Option<u16>,
    /// For how long the receiver asks not to be called.
    pub retry_after: Option<SignedDuration>,
}

/// What follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has arrived.
    Delivered,
    /// It is tried again at this time.
    Again(Timestamp),
    /// It is tried no more.
    GivenUp,
    /// The receiver wants nothing any more (410): the endpoint is disabled.
    Gone,
}

/// Returns what follows from attempt number `attempts` (from 1), of which the first was at `begun`, and
/// which ended `now`. `chance` makes the jitter.
pub fn verdict(answer: Answer, attempts: u32, (begun, now): (Timestamp, Timestamp), chance: u64) -> Verdict {
    match answer.status {
        Some(200..=299) => return Verdict::Delivered,
        Some(410) => return Verdict::Gone,
        _ => {}
    }
    let step = usize::try_from(attempts).ok().and_then(|attempts| STEPS_S.get(attempts.saturating_sub(1)));
    let last = begun.checked_add(TIME_MAX).unwrap_or(Timestamp::MAX);
    let Some(step) = step.filter(|_| now < last) else { return Verdict::GivenUp };
    let sooner = i64::try_from(chance % (JITTER_MAX.unsigned_abs() + 1)).unwrap_or(0);
    let step = SignedDuration::from_millis(step * (1_000 - sooner));
    let asked = answer.retry_after.unwrap_or_default().clamp(SignedDuration::ZERO, RETRY_AFTER_MAX);
    Verdict::Again(now.checked_add(step.max(asked)).unwrap_or(last).min(last))
}

/// Reads the header `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<SignedDuration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // What is too large for a number is bounded all the same.
        return Some(value.parse().map_or(RETRY_AFTER_MAX, SignedDuration::from_secs));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(now.duration_until(at).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Timestamp = Timestamp::UNIX_EPOCH;

    fn failed(retry_after_s: Option<i64>) -> Answer {
        Answer { status: Some(503), retry_after: retry_after_s.map(SignedDuration::from_secs) }
    }

    #[test]
    fn ten_attempts_are_made_in_75_hours_and_then_no_more() {
        let (mut now, mut attempts) = (NOON, 1);
        while let Verdict::Again(at) = verdict(failed(None), attempts, (NOON, now), 0) {
            (now, attempts) = (at, attempts + 1);
        }
        assert_eq!((attempts, now.duration_since(NOON).as_secs()), (10, 75 * 3_600 + 35 * 60 + 5));
        assert_eq!(verdict(failed(None), u32::MAX, (NOON, NOON), 7), Verdict::GivenUp);
    }

    #[test]
    fn only_2xx_has_arrived_and_only_410_ends_the_endpoint() {
        for (status, expected) in [(200, Verdict::Delivered), (204, Verdict::Delivered), (410, Verdict::Gone)]
        {
            let answer = Answer { status: Some(status), retry_after: None };
            assert_eq!(verdict(answer, 1, (NOON, NOON), 0), expected, "{status}");
        }
        for status in [None, Some(199), Some(301), Some(307), Some(400), Some(404), Some(429), Some(500)] {
            let told = verdict(Answer { status, retry_after: None }, 1, (NOON, NOON), 0);
            assert_eq!(told, Verdict::Again(NOON + SignedDuration::from_secs(5)), "{status:?}");
        }
    }

    #[test]
    fn what_the_receiver_asks_for_is_kept_up_to_a_day() {
        let at = |asked, attempts| match verdict(failed(Some(asked)), attempts, (NOON, NOON), 0) {
            Verdict::Again(at) => at.duration_since(NOON).as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!((at(120, 1), at(1, 1), at(-9, 1)), (120, 5, 5));
        // It makes no wait shorter, and none longer than a day.
        assert_eq!((at(120, 2), at(i64::MAX, 1)), (300, 86_400));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let read = |value| retry_after(value, NOON).map(|wait| wait.as_secs());
        assert_eq!(read(" 120 "), Some(120));
        assert_eq!(read("Thu, 01 Jan 1970 00:01:00 GMT"), Some(60));
        assert_eq!(read("Wed, 31 Dec 1969 23:00:00 GMT"), Some(0));
        assert_eq!(read("99999999999999999999999"), Some(86_400));
        for bad in ["", "soon", "-5", "1.5"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_wait_is_in_the_future_and_none_is_past_the_last_moment(
            attempts in 1..12_u32, late_s in 0..300_000_i64, asked in proptest::option::of(any::<i64>()), chance: u64,
        ) {
            let now = NOON + SignedDuration::from_secs(late_s);
            match verdict(failed(asked), attempts, (NOON, now), chance) {
                Verdict::Again(at) => prop_assert!(at > now && at <= NOON + TIME_MAX && attempts < ATTEMPTS_MAX),
                Verdict::GivenUp => prop_assert!(attempts >= ATTEMPTS_MAX || now >= NOON + TIME_MAX),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
