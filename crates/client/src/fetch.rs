//! Articles that are too large for a message, fetched from the service over HTTP.

use std::time::Duration;

use reqwest::Url;
use wire::ArticleView;

/// Most bytes of an article as JSON: one of the largest legal ones, escaped at its worst, fits.
const ARTICLE_BYTES_MAX: usize = 64 * 1024 * 1024;
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// The service's HTTP side.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    base: Url,
    http: reqwest::Client,
}

impl Service {
    /// Returns the service at `url`; `None` if that is no HTTP address.
    pub(crate) fn new(url: &str) -> Option<Self> {
        let base = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let http = reqwest::Client::builder().timeout(FETCH_TIMEOUT).build().ok()?;
        Some(Self { base, http })
    }

    /// Fetches the article at `path`; what is wrong is said in words. It is not verified yet.
    pub(crate) async fn article(&self, path: &str) -> Result<ArticleView, String> {
        let url = self.url(path)?;
        let request = self.http.get(url.clone()).header("Accept", "application/json");
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        let mut answer = answer.map_err(|error| format!("cannot fetch {url}: {}", error.without_url()))?;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| format!("cannot read {url}: {error}"))? {
            if body.len() + part.len() > ARTICLE_BYTES_MAX {
                return Err(format!("{url} has more than {ARTICLE_BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&part);
        }
        serde_json::from_slice(&body).map_err(|error| format!("{url} is no article: {error}"))
    }

    /// A path comes from a message: it may lead to nothing but stories of this service.
    fn url(&self, path: &str) -> Result<Url, String> {
        let url = self.base.join(path).map_err(|error| format!("{path:?} is no path: {error}"))?;
        let inside = url.origin() == self.base.origin() && url.path().starts_with("/v1/stories/");
        if inside { Ok(url) } else { Err(format!("{path:?} is no path of a story at the service")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_from_a_message_cannot_lead_elsewhere() {
        let service = Service::new("http://127.0.0.1:8080").unwrap();
        assert!(service.url("/v1/stories/0192?as_of=rev:3").is_ok());
        for path in [
            "//evil.example/v1/stories/1",
            "http://evil.example/v1/stories/1",
            "/v1/stories/../admin/rebuild",
            "/livez",
            "",
        ] {
            assert!(service.url(path).is_err(), "{path}");
        }
    }
}
