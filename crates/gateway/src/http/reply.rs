//! Answers: problems, JSON, validators, and choosing the type that the caller accepts.

use axum::extract::{FromRequestParts, Path};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, VARY,
};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use projector::View;
use serde::Serialize;
use story::Revision;
use wire::{Problem, ProblemKind};

use crate::gateway::Gateway;
use crate::media::essence;
use crate::parameters::{Parameters, Query};

/// JSON.
pub(crate) const JSON: &str = "application/json";
/// Text for people.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

/// A problem as an answer. The edge adds what it happened to.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Problem);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = problem_response(&self.0);
        response.extensions_mut().insert(self.0);
        response
    }
}

/// Returns `problem` as it is sent.
pub(crate) fn problem_response(problem: &Problem) -> Response {
    let body = serde_json::to_vec(problem).expect("a problem is texts, numbers and lists");
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(Problem::MEDIA_TYPE)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body).into_response()
}

/// The query of a request, read strictly.
#[derive(Debug)]
pub(crate) struct Asked<Q>(pub(crate) Q);

impl<Q: Query, S: Sync> FromRequestParts<S> for Asked<Q> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let parameters = Parameters::of_query(parts.uri.query().unwrap_or_default())?;
        Ok(Self(Q::read(parameters)?))
    }
}

/// The story that an address names, not looked up yet.
#[derive(Debug)]
pub(crate) struct Named(pub(crate) String);

impl FromRequestParts<Gateway> for Named {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Refused> {
        match Path::<String>::from_request_parts(parts, gateway).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Problem::new(ProblemKind::BadRequest, "the address is not UTF-8")
                .with("place", "path")
                .into()),
        }
    }
}

/// The types that a caller accepts (RFC 9110, 12.5.1).
#[derive(Debug)]
pub(crate) struct Accepted(Vec<Range>);

#[derive(Debug)]
struct Range {
    media_type: String,
    /// In thousandths.
    quality: u16,
}

impl<S: Sync> FromRequestParts<S> for Accepted {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        Ok(Self::of(&parts.headers))
    }
}

impl Accepted {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        Self(given.flat_map(|value| value.split(',')).filter_map(range).collect())
    }

    /// Returns the one of `offered` that the caller likes best, the first of equals.
    pub(crate) fn best<'a>(&self, offered: &[&'a str]) -> Result<&'a str, Problem> {
        if self.0.is_empty() {
            return Ok(offered[0]);
        }
        let mut best = None;
        for one in offered {
            let quality = self.quality(one);
            if quality > best.map_or(0, |(_, quality)| quality) {
                best = Some((*one, quality));
            }
        }
        best.map(|(one, _)| one).ok_or_else(|| {
            let detail = format!("header Accept allows none of {}", offered.join(", "));
            Problem::new(ProblemKind::NotAcceptable, detail)
                .with("supported", offered.to_vec())
                .with("place", "header Accept")
        })
    }

    /// Refuses a caller who does not accept JSON.
    pub(crate) fn json(&self) -> Result<(), Problem> {
        self.best(&[JSON]).map(|_| ())
    }

    /// Returns how much a type is liked: what the most exact range that fits says.
    fn quality(&self, offered: &str) -> u16 {
        let exact = essence(offered);
        let family = exact.split('/').next().unwrap_or_default();
        let closeness = |range: &Range| match range.media_type.as_str() {
            given if given == exact => 3,
            given if given.strip_suffix("/*") == Some(family) => 2,
            "*/*" => 1,
            _ => 0,
        };
        let fitting = self.0.iter().filter(|range| closeness(range) > 0);
        fitting.max_by_key(|range| closeness(range)).map_or(0, |range| range.quality)
    }
}

fn range(text: &str) -> Option<Range> {
    let mut parts = text.split(';');
    let media_type = parts.next()?.trim().to_ascii_lowercase();
    let quality = parts
        .filter_map(|parameter| parameter.trim().strip_prefix("q="))
        .find_map(|quality| quality.parse::<f32>().ok())
        .unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1000")]
    let quality = (quality.clamp(0.0, 1.0) * 1000.0) as u16;
    (!media_type.is_empty()).then_some(Range { media_type, quality })
}

/// Returns `value` as JSON.
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("answers are texts, numbers and lists")
}

/// Returns an answer of `body` that may be kept only by who asked, and asked for again.
pub(crate) fn answer(status: StatusCode, media_type: &str, body: impl Into<axum::body::Body>) -> Response {
    let media_type = HeaderValue::from_str(media_type).expect("our media types are ASCII");
    let headers = [(CONTENT_TYPE, media_type), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, body.into()).into_response()
}

/// Returns `body` with a validator, or 304 if the caller has it already.
///
/// The validator begins with the revision, which `If-Match` takes, and goes on with a hash of the
/// body: words that are erased later do not live on in a cache that asks again.
pub(crate) fn validated(
    revision: Revision,
    media_type: &str,
    body: Vec<u8>,
    view: View,
    headers: &HeaderMap,
) -> Response {
    let hash = proof::envelope_hash(&body).to_base64url();
    let tag = format!("\"{revision}-{}\"", &hash[..16]);
    let is_known =
        headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|given| {
            given
                .split(',')
                .map(|one| one.trim().trim_start_matches("W/"))
                .any(|one| one == tag || one == "*")
        });
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        answer(StatusCode::OK, media_type, body)
    };
    let keep = match view {
        View::Public => "no-cache",
        View::Desk => "private, no-cache",
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    response.headers_mut().insert(ETAG, HeaderValue::from_str(&tag).expect("digits and base64url"));
    response
}

/// Adds a header whose value is made of legal characters.
pub(crate) fn add(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    } else {
        tracing::error!(header = %name, "An answer's header would not be legal");
    }
}

/// Returns `uri`'s path and query with `name` set to `value`: the address of the next page.
pub(crate) fn next_page(uri: &Uri, name: &str, value: &str) -> String {
    let query = uri.query().unwrap_or_default();
    let kept = query.split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name));
    let query: Vec<_> = kept.map(str::to_owned).chain([format!("{name}={value}")]).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, then: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(accept).expect("ASCII"));
        let chosen = Accepted::of(&headers).best(&[JSON, TEXT]).ok();
        assert_eq!(chosen, then, "{accept}");
    }

    #[test]
    fn the_caller_gets_what_it_likes_best() {
        check("*/*", Some(JSON));
        check("text/plain", Some(TEXT));
        check("text/*, application/json;q=0.9", Some(TEXT));
        check("text/html, */*;q=0.1", Some(JSON));
        check("application/json;q=0, */*", Some(TEXT));
        check("text/plain;q=0.2, Application/JSON;q=0.3", Some(JSON));
        check("text/html", None);
        check("image/*;q=1", None);
        check("*/*;q=0", None);
    }

    #[test]
    fn the_next_page_keeps_every_other_parameter() {
        let uri: Uri = "/v1/stories?desk=world&after=old&limit=2".parse().expect("a URI");
        assert_eq!(next_page(&uri, "after", "new"), "/v1/stories?desk=world&limit=2&after=new");
    }
}
