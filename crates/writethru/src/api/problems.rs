//! What the server answers when it says no, as a failure with an exit code and the next step.

use reqwest::StatusCode;
use serde_json::{Map, Value};
use wire::ProblemKind;

use crate::exit::Exit;
use crate::failure::Failure;

/// Returns the failure that a problem object (RFC 9457) is.
pub(super) fn failure_of(status: StatusCode, object: Map<String, Value>) -> Failure {
    let text = |name: &str| {
        object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let kind = text("type").and_then(|uri| ProblemKind::ALL.iter().find(|kind| kind.type_uri() == uri));
    let exit = kind.and_then(|kind| Exit::from_code(kind.exit_code())).unwrap_or_else(|| exit_for(status));
    let title = text("title").unwrap_or_else(|| format!("the server answered {status}"));
    let mut failure = Failure::new(exit, "answer", title);
    if let Some(detail) = text("detail") {
        let place = text("place").filter(|place| !detail.contains(place.as_str()));
        failure = failure.why(place.map_or(detail.clone(), |place| format!("{place}: {detail}")));
    }
    if let Some(next) = kind.and_then(|kind| next_command(*kind)).map(str::to_owned).or(text("next")) {
        failure = failure.next(next);
    }
    if object.is_empty() { failure } else { failure.problem(object) }
}

/// Returns the next step in commands, where there is one for the problem.
const fn next_command(kind: ProblemKind) -> Option<&'static str> {
    match kind {
        ProblemKind::NotFound => Some("`writethru list` shows the stories there are"),
        ProblemKind::RevisionNotFound => Some("`writethru log STORY` shows the revisions there are"),
        ProblemKind::Conflict => {
            Some("choose at each place, then push the joined copy with --base at the present revision")
        }
        ProblemKind::PreconditionFailed => {
            Some("read it again (`writethru show STORY`), join the changes, push with the new --expect")
        }
        ProblemKind::Forbidden => Some(
            "ask someone with one of those roles to do it, or an admin for one: writethru actor change --grant",
        ),
        ProblemKind::Unauthorized => Some(
            "name a key: --key-file FILE or WRITETHRU_KEY; `writethru key add` makes one, as the owner or an admin",
        ),
        ProblemKind::Unavailable | ProblemKind::OutcomeUnknown => {
            Some("try again with the same --key: nothing is ever stored twice under it")
        }
        _ => None,
    }
}

/// Returns the exit code for a status that came without a problem we know.
fn exit_for(status: StatusCode) -> Exit {
    match status.as_u16() {
        401 | 403 => Exit::Denied,
        409 | 412 => Exit::Conflict,
        400 | 413 | 415 | 422 => Exit::BadData,
        502..=504 | 429 => Exit::Unavailable,
        _ => Exit::Failure,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(status: u16, problem: &Value, exit: Exit, what: &str) {
        let object = problem.as_object().cloned().unwrap_or_default();
        let failure = failure_of(StatusCode::from_u16(status).unwrap(), object);
        assert_eq!((failure.exit(), failure.what()), (exit, what));
    }

    #[test]
    fn every_status_has_an_exit_code() {
        check(404, &json!({"title": "story not found"}), Exit::Failure, "story not found");
        check(401, &json!({"title": "who"}), Exit::Denied, "who");
        check(403, &json!({"title": "no"}), Exit::Denied, "no");
        check(409, &json!({"title": "conflict"}), Exit::Conflict, "conflict");
        check(412, &json!({"title": "stale"}), Exit::Conflict, "stale");
        check(400, &json!({"title": "bad copy"}), Exit::BadData, "bad copy");
        check(413, &json!({"title": "too large"}), Exit::BadData, "too large");
        check(503, &json!({"title": "busy"}), Exit::Unavailable, "busy");
        check(500, &json!(null), Exit::Failure, "the server answered 500 Internal Server Error");
    }

    #[test]
    fn every_problem_of_the_service_has_its_exit_code() {
        for kind in ProblemKind::ALL {
            let failure = failure_of(
                StatusCode::from_u16(kind.status()).unwrap(),
                json!({"type": kind.type_uri(), "title": kind.title()}).as_object().cloned().unwrap(),
            );
            assert_eq!(failure.exit().code(), kind.exit_code(), "{kind}");
        }
    }

    #[test]
    fn a_program_gets_the_problem_whole() {
        let object = json!({"type": "/problems/conflict", "title": "conflict", "actual": 4});
        let failure = failure_of(StatusCode::CONFLICT, object.as_object().cloned().unwrap());
        assert_eq!(failure.to_json()["actual"], 4);
        assert_eq!(failure.to_json()["exit"], 3);
    }
}
