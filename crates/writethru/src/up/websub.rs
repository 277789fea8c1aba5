//! What the `WebSub` hub is told: which feeds have changed, so that it fetches them and tells their readers.
//!
//! Nothing waits for the hub. While it does not answer it is asked again, with growing pauses, about all that
//! changed since it last did; a hub that says no is not asked about the same again. It is told addresses of
//! feeds and nothing of what is in them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use log::Position;
use projector::{ChangeRow, ViewError, Views};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::exit::Exit;
use crate::failure::Failure;

/// Most addresses in one notice (a hub takes several: `PubSubHubbub` 0.3, 7.1).
const ADDRESSES_MAX: usize = 50;
/// Most changes that are gathered for one notice.
const CHANGES_MAX: usize = 500;
/// How far behind the newest record the hub may be: what is older is in no feed any more, or changes again.
const BEHIND_MAX: u64 = 10_000;
/// How many records before the start are told again: some may not have been told.
const AGAIN: u64 = 100;
/// How long changes are gathered.
const GATHER: Duration = Duration::from_millis(500);
/// How long the hub may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_mins(5);

/// Tells a hub which feeds have changed.
#[derive(Debug, Clone)]
pub(super) struct Announcer {
    views: Views,
    hub: hyper::Uri,
    /// The public address of the service, without a slash at its end.
    base: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Why a notice was not taken.
#[derive(Debug, thiserror::Error)]
enum NoticeError {
    /// The views cannot be read: try again.
    #[error("the views cannot be read")]
    Views(#[from] ViewError),
    /// The hub did not answer, or not in time: try again.
    #[error("the hub does not answer: {problem}")]
    Away { problem: String },
    /// The hub has too much to do or is broken: try again.
    #[error("the hub answers {status}")]
    Busy { status: u16 },
    /// The hub does not want this: the same notice is not sent again.
    #[error("the hub answers {status}: see whether it serves {base}")]
    Refused { status: u16, base: String },
}

impl Announcer {
    /// Returns what tells `hub` of the feeds at `base`.
    ///
    /// # Errors
    /// The hub has no address that can be asked, or this machine has no certificates to know it by.
    pub(super) fn new(views: Views, hub: &str, base: &str) -> Result<Self, Failure> {
        let failed = |error: &(dyn std::error::Error + 'static)| {
            Failure::new(Exit::Usage, "websub-hub", "cannot tell the WebSub hub of changes").because(error)
        };
        let hub = hub.parse().map_err(|error: hyper::http::uri::InvalidUri| failed(&error))?;
        let tls = HttpsConnectorBuilder::new().with_native_roots().map_err(|error| {
            failed(&error).next("install the certificates of your system (Debian: ca-certificates)")
        })?;
        let client = Client::builder(TokioExecutor::new()).build(tls.https_or_http().enable_http1().build());
        Ok(Self { views, hub, base: base.trim_end_matches('/').to_owned(), client })
    }

    /// Tells the hub of every change until `shutdown`. No failure ends it.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        let mut follow = self.views.follow();
        let mut told = Position(self.views.position().0.saturating_sub(AGAIN));
        let mut delay = RETRY_MIN;
        loop {
            let seen = *follow.borrow_and_update();
            told = told.max(Position(seen.0.saturating_sub(BEHIND_MAX)));
            // Cancel-safe: what the hub was not seen to take is told again at the next start.
            let Some(outcome) = shutdown.run_until_cancelled(Box::pin(self.tell(told, seen))).await else {
                return;
            };
            let pause = match outcome {
                Ok(upto) => {
                    (told, delay) = (upto, RETRY_MIN);
                    GATHER
                }
                Err((upto, error @ NoticeError::Refused { .. })) => {
                    warn!(%error, hub = %self.hub, "The WebSub hub refuses a notice");
                    told = upto;
                    GATHER
                }
                Err((_, error)) => {
                    warn!(%error, hub = %self.hub, retry_ms = delay.as_millis(), "Cannot tell the WebSub hub of changes");
                    delay = (delay * 2).min(RETRY_MAX);
                    delay
                }
            };
            let waiting = async {
                if told >= seen {
                    // An error means that nothing will change any more.
                    let _ = follow.wait_for(|position| *position > told).await;
                }
                tokio::time::sleep(pause).await;
            };
            if shutdown.run_until_cancelled(waiting).await.is_none() {
                return;
            }
        }
    }

    /// Tells the hub of the changes behind `told`; returns up to where it has been told, also where it
    /// refused.
    async fn tell(&self, told: Position, seen: Position) -> Result<Position, (Position, NoticeError)> {
        let unread = |error: ViewError| (told, NoticeError::from(error));
        let changes = self.views.changes(told, CHANGES_MAX).await.map_err(unread)?;
        let is_last = changes.len() < CHANGES_MAX;
        let last = changes.last().map_or(told, |change| change.position);
        let upto = if is_last { last.max(seen) } else { last };
        let feeds = self.feeds(&changes).await.map_err(unread)?;
        for some in feeds.chunks(ADDRESSES_MAX) {
            self.send(some).await.map_err(|error| (upto, error))?;
        }
        if !feeds.is_empty() {
            info!(feeds = feeds.len(), log.position = upto.0, "Told the WebSub hub which feeds have changed");
        }
        Ok(upto)
    }

    /// Returns the addresses of every feed that `changes` are in.
    async fn feeds(&self, changes: &[ChangeRow]) -> Result<Vec<String>, ViewError> {
        let mut feeds = BTreeSet::new();
        for change in changes {
            let tags = self.views.tags_of(change.story).await?;
            feeds.extend(gateway::feed_paths(change, &tags));
        }
        Ok(feeds.into_iter().map(|path| format!("{}{path}", self.base)).collect())
    }

    async fn send(&self, feeds: &[String]) -> Result<(), NoticeError> {
        let away = |problem: String| NoticeError::Away { problem };
        let request = hyper::Request::post(self.hub.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("user-agent", concat!("writethru/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(form(feeds))))
            .map_err(|error| away(error.to_string()))?;
        let answer = tokio::time::timeout(ANSWER_MAX, self.client.request(request)).await;
        let answer = answer.map_err(|_| away(format!("nothing came within {} s", ANSWER_MAX.as_secs())))?;
        let status = answer.map_err(|error| away(crate::failure::chain(&error)))?.status();
        match status.as_u16() {
            200..=299 => Ok(()),
            status @ (408 | 429 | 500..) => Err(NoticeError::Busy { status }),
            status => Err(NoticeError::Refused { status, base: self.base.clone() }),
        }
    }
}

/// Returns the form of a notice about `feeds`.
fn form(feeds: &[String]) -> String {
    let mut form = "hub.mode=publish".to_owned();
    for feed in feeds {
        form.push_str("&hub.url=");
        for byte in feed.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                form.push(char::from(byte));
            } else {
                // A string takes whatever is written to it.
                let _ = write!(form, "%{byte:02X}");
            }
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_a_form_that_names_each_feed_whole() {
        let feeds = [
            "https://news.example/tags/a%20b/feed.atom".to_owned(),
            "https://news.example/feed.json".to_owned(),
        ];
        let read: Vec<(String, String)> = reqwest::Url::parse(&format!("http://x/?{}", form(&feeds)))
            .expect("a form")
            .query_pairs()
            .into_owned()
            .collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let [first, second] = &feeds;
        assert_eq!(read, [pair("hub.mode", "publish"), pair("hub.url", first), pair("hub.url", second)]);
    }
}
