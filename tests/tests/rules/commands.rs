//! The commands and statuses of docs/LIFECYCLE.md, as requests: what is sent, never what is expected.

use serde_json::{Value, json};
use writethru_tests::api::Api;

/// The end of every embargo and schedule here: nothing goes out by itself.
const FIRST_END: &str = "2098-01-01T00:00:00Z";
const LATER_END: &str = "2099-01-01T00:00:00Z";
/// The only desk of these stories.
pub(crate) const DESK: &str = "world";

/// What is sent for a command.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    /// Copy, with these parameters.
    Push(Vec<(&'static str, &'static str)>),
    /// A new live-blog entry.
    Entry,
    /// An act, with this body.
    Act(&'static str, Value),
}

/// Returns what is sent for the row `command` of the table.
#[track_caller]
pub(crate) fn asked(command: &str) -> Asked {
    let why = || json!({"reason": "The source has withdrawn it."});
    match command {
        "push" => Asked::Push(vec![]),
        "push --draft" => Asked::Push(vec![("draft", "true")]),
        "push --embargo-until" => Asked::Push(vec![("embargo_until", LATER_END)]),
        "push --publish-at" => Asked::Push(vec![("publish_at", LATER_END)]),
        "push --kind correction" => Asked::Push(vec![
            ("kind", "correction"),
            ("what", "The verb."),
            ("where", "second paragraph"),
            ("note", "The delegates were late, not wer."),
            ("approver", "chief"),
        ]),
        "push --kind clarification" => Asked::Push(vec![("kind", "clarification")]),
        "push --kind refile" => Asked::Push(vec![("kind", "refile")]),
        "entry add" => Asked::Entry,
        "withhold" => Asked::Act("withhold", why()),
        "release" => Asked::Act("release", json!({})),
        "release --at" => Asked::Act("release", json!({"at": LATER_END})),
        "kill" => Asked::Act("kill", why()),
        "takedown" => Asked::Act("takedown", why()),
        "unpublish" => Asked::Act("unpublish", why()),
        "restore" => Asked::Act("restore", why()),
        "restore --draft" => Asked::Act("restore", json!({"reason": "It is mended.", "draft": true})),
        "embargo --until" => Asked::Act("embargo", json!({"at": LATER_END})),
        "embargo --lift" => Asked::Act("lift", json!({})),
        other => panic!("the table has a command that no test knows: {other}"),
    }
}

fn copy(second: &str) -> Value {
    json!({"headline": "Talks resume", "blocks": [{"text": "Talks resumed."}, {"text": second}]})
}

/// Returns the copy that a push of the table brings: form is mended, no fact changes.
pub(crate) fn mended() -> Value {
    copy("The delegates were late.")
}

/// Where a story stands: its revision, its status, and whether its last revision told readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stands {
    pub(crate) story: String,
    pub(crate) revision: u64,
    pub(crate) status: String,
    pub(crate) told: bool,
}

/// Returns where `slug` stands; nothing if there is no such story.
pub(crate) async fn stands(owner: &Api, slug: &str) -> Option<Stands> {
    let answer = owner.get(&format!("/v1/stories/{slug}/history?view=desk&limit=1")).await;
    if answer.status == 404 {
        return None;
    }
    let page = answer.done();
    let last = &page["revisions"][0];
    Some(Stands {
        story: page["story"].as_str().expect("an id").to_owned(),
        revision: last["revision"].as_u64().expect("a number"),
        status: last["status"].as_str().expect("a status").to_owned(),
        told: last["public"].as_bool().expect("a truth"),
    })
}

/// Brings the story `slug` to where the column `status` of the table has it; says where it stands then.
pub(crate) async fn bring(owner: &Api, slug: &str, status: &str) -> Option<Stands> {
    let (query, act) = match status {
        "new" => return None,
        "draft" => ("&draft=true".to_owned(), None),
        "embargoed" => (format!("&embargo_until={FIRST_END}"), None),
        "scheduled" => (format!("&publish_at={FIRST_END}"), None),
        "usable" => (String::new(), None),
        "published" => (String::new(), Some("unpublish")),
        "withheld" => (String::new(), Some("withhold")),
        "killed" => (String::new(), Some("kill")),
        "takendown" => (String::new(), Some("takedown")),
        other => panic!("the table has a status that no test knows: {other}"),
    };
    let path = format!("/v1/stories?slug={slug}&desk={DESK}{query}");
    owner.post(&path, &copy("The delegates wer late.")).await.done();
    if let Some(act) = act {
        owner.act(slug, act, &json!({"reason": "It is disputed."})).await.done();
    }
    stands(owner, slug).await
}
