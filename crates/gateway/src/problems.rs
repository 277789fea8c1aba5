//! What went wrong, as problems: every error of the crates behind the edge becomes a problem that
//! says what, where and what to do next. No problem holds words of an article.

use desk::PushError;
use formats::IntakeError;
use projector::{RebuildError, ViewError};
use story::{CopyError, Refusal};
use tracing::error;
use wire::{Problem, ProblemKind};

/// Returns the problem of copy that cannot be read.
pub(crate) fn of_intake(error: &IntakeError) -> Problem {
    let bad = |place: String, detail: String| Problem::new(ProblemKind::BadCopy, detail).with("place", place);
    match error {
        IntakeError::TooLarge { actual, limit } => too_large(error.to_string(), *actual, *limit),
        IntakeError::NotUtf8 { at } => bad(format!("byte {at}"), error.to_string()).with("byte", *at),
        IntakeError::Json { line, column, path, .. } => {
            // A path that names nothing: the text is no JSON at all.
            let is_named = path.contains(|letter: char| letter.is_alphanumeric());
            let place = if is_named { path.clone() } else { format!("line {line} column {column}") };
            bad(place, error.to_string()).with("line", *line).with("column", *column)
        }
        IntakeError::Xml { line, path, .. } => bad(path.clone(), error.to_string()).with("line", *line),
        IntakeError::Copy(copy) => of_copy(copy),
        IntakeError::Empty | IntakeError::NotAStory { .. } => bad("body".to_owned(), error.to_string()),
        IntakeError::Line { number, source } => {
            let inner = of_intake(source);
            Problem { detail: error.to_string(), ..inner }.with("line", *number)
        }
    }
}

/// Returns the problem of a value of the copy, or of a note, that may not be kept.
pub(crate) fn of_copy(error: &CopyError) -> Problem {
    Problem::new(ProblemKind::BadCopy, error.to_string()).with("place", error.place.clone())
}

/// Returns the problem with something that is too large.
pub(crate) fn too_large(detail: impl Into<String>, actual: usize, limit: usize) -> Problem {
    Problem::new(ProblemKind::TooLarge, detail).with("limit", limit).with("actual", actual)
}

/// Returns the problem that there is no such story, or none that may be seen.
pub(crate) fn no_story(name: &str) -> Problem {
    let name: String = name.chars().take(80).collect();
    Problem::new(ProblemKind::NotFound, format!("there is no story {name:?} that you may see"))
        .with("story", name)
}

/// Returns the problem of a service that has too much to do, or stands still, for now.
pub(crate) fn unavailable(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::Unavailable, detail).with("retry_after_seconds", 1)
}

/// Returns the problem of a push that was not acknowledged.
pub(crate) fn of_push(failed: PushError) -> Problem {
    match failed {
        PushError::NotFound { story } => no_story(&story),
        PushError::SlugTaken { .. } => {
            Problem::new(ProblemKind::Refused, failed.to_string()).with("reason", "slug-taken")
        }
        PushError::Refused(refusal) => of_refusal(&refusal),
        PushError::Conflict { expected, actual } => {
            let detail = format!("the story is at revision {actual}; you expected {expected}");
            Problem::new(ProblemKind::Conflict, detail)
                .with("expected", expected.get())
                .with("actual", actual.get())
        }
        PushError::KeyReused { revision, .. } => {
            Problem::new(ProblemKind::IdempotencyKeyReused, failed.to_string())
                .with("revision", revision.get())
        }
        PushError::Overlap(versions) => crate::commands::conflict::problem(&versions),
        PushError::TooLarge { actual, limit } => too_large(failed.to_string(), actual, limit),
        PushError::Unavailable { source } => {
            error!(error = %source, "The event log takes no pushes");
            unavailable("the event log is unavailable: nothing was stored")
        }
        PushError::OutcomeUnknown { source } => {
            error!(error = %source, "The event log did not say whether it stored a push");
            Problem::new(ProblemKind::OutcomeUnknown, "the event log did not say whether it stored the push")
        }
        PushError::Damaged { story, problem } => {
            error!(story.id = %story, %problem, "The history of story {story} is damaged");
            Problem::new(
                ProblemKind::Internal,
                format!("the history of story {story} is damaged: a person must look"),
            )
            .with("story", story.to_string())
        }
    }
}

/// Returns the problem of a push that a rule of the newsroom forbids.
fn of_refusal(refusal: &Refusal) -> Problem {
    let reason = match refusal {
        Refusal::DeskMissing => "desk-missing",
        Refusal::HeadlineMissing => "headline-missing",
        Refusal::BodyMissing => "body-missing",
        Refusal::SlugMissing => "slug-missing",
        Refusal::KindNotForCopy { .. } => "kind-not-for-copy",
        Refusal::CorrectionIncomplete { .. } => "correction-incomplete",
        Refusal::NoticeWithoutCorrection { .. } => "notice-without-correction",
        Refusal::StatusForbids { .. } => "status-forbids",
        Refusal::ReasonMissing { .. } => "reason-missing",
        Refusal::TimePast { .. } => "time-past",
        Refusal::NothingToRedact => "nothing-to-redact",
        Refusal::NothingLeft { .. } => "nothing-left",
        Refusal::ReplacementUnfit { .. } => "replacement-unfit",
        Refusal::NoteMissing => "note-missing",
        Refusal::FactChanged { .. } => "fact-changed",
        Refusal::NoEntry { .. } => "no-entry",
        Refusal::SourceOlder { .. } => "source-older",
        Refusal::BlockTwice { .. } => "block-twice",
        Refusal::BlockUnknown { .. } => "block-unknown",
        Refusal::BlockIllegal { .. } => "block-illegal",
        Refusal::TooLarge { actual, limit, .. } => return too_large(refusal.to_string(), *actual, *limit),
    };
    let problem = refused(reason, refusal.to_string());
    match refusal {
        Refusal::BlockTwice { index, .. } | Refusal::BlockUnknown { index, .. } => {
            problem.with("place", format!("blocks[{index}].id"))
        }
        Refusal::DeskMissing => problem.with("place", "query parameter desk"),
        Refusal::HeadlineMissing => problem.with("place", "headline"),
        _ => problem,
    }
}

/// Returns the problem of what a rule named `reason` forbids.
pub(crate) fn refused(reason: &str, detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::Refused, detail).with("reason", reason)
}

/// Returns the problem of a read that gave no answer.
pub(crate) fn of_view(failed: &ViewError) -> Problem {
    match failed {
        ViewError::Unavailable(source) => {
            error!(error = %source, "The views cannot be read");
            unavailable("the views cannot be read now")
        }
        ViewError::Damaged { place } => {
            error!(place, "The views are damaged at {place}: rebuild them");
            Problem::new(ProblemKind::Internal, "the views are damaged: they must be built again")
                .with("place", place.clone())
        }
        ViewError::OfOneStory => crate::parameters::bad_parameter("as_of", failed),
        ViewError::PageToken { .. } => crate::parameters::bad_parameter("after", failed),
    }
}

/// Returns the problem of views that were not built again.
pub(crate) fn of_rebuild(failed: &RebuildError) -> Problem {
    error!(error = %failed, "The views were not built again");
    match failed {
        RebuildError::Stopped => unavailable(failed.to_string()),
        _ => Problem::new(ProblemKind::Internal, format!("{failed}: the old views are as they were")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_with_copy_says_where_it_is() {
        let problem = of_intake(&IntakeError::NotUtf8 { at: 12 });
        assert_eq!((problem.status, &problem.members["place"]), (400, &"byte 12".into()));
        let problem = of_intake(&IntakeError::Json {
            line: 3,
            column: 7,
            path: "blocks[2].text".into(),
            problem: "expected a string".into(),
        });
        assert_eq!(problem.members["place"], "blocks[2].text");
        assert_eq!((&problem.members["line"], &problem.members["column"]), (&3.into(), &7.into()));
    }

    #[test]
    fn a_push_whose_outcome_is_unknown_never_claims_that_nothing_was_stored() {
        let problem = of_push(PushError::OutcomeUnknown { source: "the disk went away".into() });
        assert_eq!(problem.kind(), Some(ProblemKind::OutcomeUnknown));
        assert!(!problem.detail.contains("nothing"), "{problem}");
        let problem = of_push(PushError::Unavailable { source: "the disk is full".into() });
        assert!(problem.detail.contains("nothing was stored"), "{problem}");
    }
}
