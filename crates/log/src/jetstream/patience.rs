//! How long and how often the server is asked again.

use std::time::Duration;

use tokio::time::Instant;

use super::link::Unanswered;

const DELAY_MIN: Duration = Duration::from_millis(5);
const DELAY_MAX: Duration = Duration::from_millis(500);

/// What is left of the patience with one question.
#[derive(Debug)]
pub(super) struct Patience {
    until: Instant,
    delay: Duration,
}

impl Patience {
    pub(super) fn new(duration: Duration) -> Self {
        Self { until: Instant::now() + duration, delay: DELAY_MIN }
    }

    /// Waits before the next try, each time longer; returns whether there may be one.
    pub(super) async fn allows_another(&mut self) -> bool {
        if Instant::now() + self.delay > self.until {
            return false;
        }
        tokio::time::sleep(self.delay).await;
        self.delay = (self.delay * 2).min(DELAY_MAX);
        true
    }
}

/// Asks until there is an answer or the patience of `duration` is over.
pub(super) async fn insist<T, F>(duration: Duration, mut ask: impl FnMut() -> F) -> Result<T, Unanswered>
where
    F: Future<Output = Result<T, Unanswered>>,
{
    let mut patience = Patience::new(duration);
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(unanswered) => {
                if !patience.allows_another().await {
                    return Err(unanswered);
                }
            }
        }
    }
}
