//! Durations that were measured, and what they come to.

use std::time::Duration;

use serde::Serialize;

/// Durations, in the order in which they were measured.
#[derive(Debug, Default)]
pub(super) struct Timings(Vec<Duration>);

/// What durations come to, in microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Spread {
    /// How many there are.
    pub(super) count: usize,
    /// Half are shorter.
    pub(super) p50_us: f64,
    /// All but one in a hundred are shorter.
    pub(super) p99_us: f64,
    /// The longest.
    pub(super) max_us: f64,
}

impl Timings {
    /// Adds one.
    pub(super) fn add(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    /// Adds those of `other`.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Returns what they come to.
    pub(super) fn spread(mut self) -> Spread {
        self.0.sort_unstable();
        let at = |percent: usize| {
            let index = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
            self.0.get(index).map_or(0.0, |duration| duration.as_secs_f64() * 1e6)
        };
        Spread { count: self.0.len(), p50_us: at(50), p99_us: at(99), max_us: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_the_middle_and_the_tail() {
        let mut timings = Timings::default();
        (1..=200).rev().for_each(|number| timings.add(Duration::from_micros(number)));
        let spread = timings.spread();
        assert_eq!((spread.count, spread.p50_us, spread.p99_us, spread.max_us), (200, 101.0, 199.0, 200.0));
        assert_eq!(Timings::default().spread().count, 0);
    }
}
