//! The fixtures that the replicas in every language are tested with: made here, from the real types, and
//! compared with what is checked in under `clients/fixtures`, so that they never go stale.
//!
//! Whatever a fixture promises is what [`Change::apply_to`] does; nothing is written down by hand.

#[path = "../history/mod.rs"]
mod history;
mod stories;
mod streams;

use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value, json};
use story::{Article, Revision};
use wire::{ApplyError, ArticleView, Change};
use writethru_wire as wire;

/// What becomes of one change.
#[derive(Serialize)]
struct Case {
    name: String,
    /// The article before; none if nothing was known.
    before: Option<ArticleView>,
    change: Value,
    /// `applied`, or why it was not.
    outcome: &'static str,
    /// The article after, if it was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<ArticleView>,
}

/// Returns what `change` makes of `before`.
fn outcome(before: Option<&ArticleView>, change: &Value) -> &'static str {
    let Ok(change) = serde_json::from_value::<Change>(change.clone()) else { return "refused" };
    let (article, revision) = before.map_or((Article::default(), Revision::ZERO), |view| {
        (view.to_article().expect("what a reader holds is an article"), view.revision)
    });
    match change.apply_to(&article, revision) {
        Ok(_) => "applied",
        Err(ApplyError::Repeated { .. }) => "repeated",
        Err(ApplyError::Hole { .. }) => "hole",
        Err(ApplyError::Fetch { .. }) => "large",
        Err(_) => "refused",
    }
}

/// Compares `value` with the fixture `name`; what is new is left for a person to copy.
#[track_caller]
fn check(name: &str, value: &Value) {
    let made = serde_json::to_string_pretty(value).expect("it is JSON") + "\n";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/fixtures").join(name);
    if std::fs::read_to_string(&path).is_ok_and(|kept| kept == made) {
        return;
    }
    let new = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&new, made).expect("the folder for temporary files is writable");
    panic!("the fixture is stale: look at it, then cp {} {}", new.display(), path.display());
}

#[test]
fn the_fixtures_of_changes_are_what_the_service_would_say() {
    let cases = stories::cases();
    let outcomes = ["applied", "repeated", "hole", "large", "refused"];
    for wanted in outcomes {
        assert!(cases.iter().any(|case| case.outcome == wanted), "no change is {wanted}");
    }
    check("changes.json", &json!({ "cases": cases }));
}

#[test]
fn the_fixtures_of_streams_are_what_the_service_would_say() {
    check("streams.json", &json!({ "cases": streams::cases() }));
}
