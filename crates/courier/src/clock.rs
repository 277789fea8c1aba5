//! Time, as whoever starts the courier gives it: the system's, or one that is set by hand.

use jiff::Timestamp;
use tokio::sync::watch;

/// Where the courier reads the time; clones read the same.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Hand(watch::Receiver<Timestamp>),
}

/// Sets the clock that it came with.
#[derive(Debug)]
pub struct Hand(watch::Sender<Timestamp>);

impl Clock {
    /// Returns the system's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// Returns a clock that stands at `at` until its hand moves it.
    pub fn standing(at: Timestamp) -> (Self, Hand) {
        let (hand, clock) = watch::channel(at);
        (Self(Source::Hand(clock)), Hand(hand))
    }

    /// Returns the time, as exactly as the file keeps it.
    pub fn now(&self) -> Timestamp {
        let now = match &self.0 {
            Source::System => Timestamp::now(),
            Source::Hand(at) => *at.borrow(),
        };
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// Returns once it is `at`; with `None` never. Cancel-safe.
    pub(crate) async fn until(&self, at: Option<Timestamp>) {
        let Some(at) = at else { return std::future::pending().await };
        match &self.0 {
            Source::System => {
                let wait = Timestamp::now().duration_until(at);
                // A time that has passed is no wait.
                tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
            }
            Source::Hand(clock) => {
                let mut clock = clock.clone();
                if clock.wait_for(|now| *now >= at).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

impl Hand {
    /// Sets the clock to `at`.
    pub fn set(&self, at: Timestamp) {
        self.0.send_replace(at);
    }
}
