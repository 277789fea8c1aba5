//! Answers of pages and feeds: what may be kept, for how long, and what a browser may do with it.

use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, REFERRER_POLICY,
};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// HTML.
pub(super) const HTML: &str = "text/html; charset=utf-8";
/// What a page may load: nothing but this service's own style and script, and pictures over TLS. What
/// articles hold of data for search engines is no script, so no policy blocks it.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self' https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Returns `body` as a page of this status.
pub(super) fn page(status: StatusCode, body: String, headers: &HeaderMap) -> Response {
    let mut response = kept(status, HTML, body, headers);
    set(&mut response, CONTENT_SECURITY_POLICY, POLICY);
    set(&mut response, REFERRER_POLICY, "strict-origin-when-cross-origin");
    response
}

/// Returns `body` with a validator, or 304 if the caller has it already. It may be kept by anybody, and be
/// given to nobody without asking here: a story that is killed is killed at once.
pub(super) fn kept(status: StatusCode, media_type: &str, body: String, headers: &HeaderMap) -> Response {
    let hash = proof::envelope_hash(body.as_bytes()).to_base64url();
    let tag = format!("\"{}\"", &hash[..22]);
    let mut response = if status == StatusCode::OK && has(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = (status, body).into_response();
        set(&mut response, CONTENT_TYPE, media_type);
        response
    };
    set(&mut response, ETAG, &tag);
    set(&mut response, CACHE_CONTROL, "no-cache");
    response
}

/// Returns `body` as [`kept`] does, for callers too that know of times only; it has changed no later than
/// `last_modified`.
///
/// A time is said, and believed, only once its second is over: in it, more may change.
pub(super) fn dated(
    media_type: &str,
    body: String,
    headers: &HeaderMap,
    last_modified: Option<Timestamp>,
) -> Response {
    let over = last_modified.filter(|time| time.as_second() < Timestamp::now().as_second());
    let date =
        over.map(|time| time.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    let known = headers.get(IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    // Equal, not later: what is taken from readers may take the newest time with it.
    let is_known = date.is_some() && date.as_deref() == known && !headers.contains_key(IF_NONE_MATCH);
    let mut response = kept(StatusCode::OK, media_type, body, headers);
    if is_known {
        let (parts, _) = response.into_parts();
        response = StatusCode::NOT_MODIFIED.into_response();
        for name in [ETAG, CACHE_CONTROL] {
            response.headers_mut().extend(parts.headers.get(&name).map(|value| (name, value.clone())));
        }
    }
    if let Some(date) = date {
        set(&mut response, LAST_MODIFIED, &date);
    }
    response
}

/// Returns whether the caller has what `tag` is the validator of.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let given = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given
        .flat_map(|given| given.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*")
}

/// Sets a header whose value is made of legal characters.
pub(super) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    } else {
        tracing::error!(header = %name, "A page's header would not be legal");
    }
}
