//! Times as people read them.

use std::time::Duration;

use jiff::Timestamp;

/// Returns the time now; the edge of the program is the only place that asks.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Returns how long before `now` the time was, such as `3 min ago`; the date, beyond a month.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    match seconds {
        i64::MIN..0 => "in the future".to_owned(),
        0..2 => "just now".to_owned(),
        2..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..2_592_000 => format!("{} d ago", seconds / 86_400),
        _ => then.strftime("%Y-%m-%d").to_string(),
    }
}

/// Returns the time as an editor reads it: to the second, in UTC.
pub(crate) fn shown(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Checks that `given` is a time of RFC 3339 and returns it as it was given.
///
/// # Errors
/// Says what is allowed.
pub(crate) fn instant(given: &str) -> Result<String, String> {
    match given.parse::<Timestamp>() {
        Ok(_) => Ok(given.to_owned()),
        Err(_) => {
            Err("a time such as 2026-11-24T06:00:00Z or 2026-11-24T07:00:00+01:00 is expected".to_owned())
        }
    }
}

/// Reads a duration such as `10s`, `5m` or `1h 30m`.
///
/// # Errors
/// Says what is allowed.
pub(crate) fn duration(given: &str) -> Result<Duration, String> {
    given
        .parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| "a duration such as 10s, 5m or 1h 30m is expected".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds_before: i64, expected: &str) {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let then = now - jiff::SignedDuration::from_secs(seconds_before);
        assert_eq!(ago(then, now), expected);
    }

    #[test]
    fn times_read_as_people_say_them() {
        check(0, "just now");
        check(59, "59 s ago");
        check(61, "1 min ago");
        check(7_300, "2 h ago");
        check(200_000, "2 d ago");
        check(5_000_000, "2026-09-26");
        check(-5, "in the future");
    }

    #[test]
    fn times_are_kept_as_given_or_refused() {
        for given in ["2026-11-24T06:00:00Z", "2026-11-24T07:00:00+01:00"] {
            assert_eq!(instant(given).as_deref(), Ok(given));
        }
        for given in ["tomorrow", "2026-11-24", "2026-11-24T06:00:00"] {
            assert!(instant(given).is_err(), "{given}");
        }
        let time = "2026-11-24T07:00:00+01:00".parse().unwrap();
        assert_eq!(shown(time), "2026-11-24 06:00:00 UTC");
    }

    #[test]
    fn durations_are_read_or_refused() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_mins(90)));
        assert!(duration("soon").is_err());
        assert!(duration("-5s").is_err());
    }
}
