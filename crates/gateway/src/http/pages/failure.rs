//! What a reader is told when there is no page: what is not there and what is not public look the same.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderMap};
use axum::response::Response;
use wire::Problem;

use super::frame::Frame;
use super::reply::{page, set};
use crate::gateway::Gateway;

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    frame: Frame,
    title: &'static str,
    what: &'static str,
    next: &'static str,
}

/// Returns `problem` as a page. It says nothing of what was asked for.
pub(crate) fn failure(gateway: &Gateway, problem: &Problem) -> Response {
    let (title, what, next) = match problem.status {
        404 => (
            "There is nothing here",
            "No story, desk or page that is public has this address.",
            "It may have been mistyped, or what stood here is not public any more.",
        ),
        405 => ("That cannot be done here", "This address can only be read.", "Go back and follow a link."),
        503 => (
            "Too busy for the moment",
            "The service has more to do than it can.",
            "Try again in a few seconds.",
        ),
        400..=499 => (
            "That was not understood",
            "The address is not one that the service can read.",
            "Begin at the front page.",
        ),
        _ => (
            "Something went wrong here",
            "It is a fault of the service, not yours, and has been noted.",
            "Try again in a while.",
        ),
    };
    let frame = Frame::new(gateway, title).not_indexed();
    let body = FailurePage { frame, title, what, next }.render().unwrap_or_else(|_| what.to_owned());
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = page(status, body, &HeaderMap::new());
    set(&mut response, CACHE_CONTROL, "no-store");
    response
}
