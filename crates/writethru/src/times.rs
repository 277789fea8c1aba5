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
    fn durations_are_read_or_refused() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_mins(90)));
        assert!(duration("soon").is_err());
        assert!(duration("-5s").is_err());
    }
}
