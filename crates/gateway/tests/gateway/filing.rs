//! Filing copy.

use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{Answer, Service};

const STORY: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.\n\nTwo people were hurt.";

#[tokio::test]
async fn a_new_story_is_created_and_its_address_is_given() {
    let service = Service::start().await;
    let answer = service.post("/v1/stories?slug=talks&desk=world&actor=ed-7", &[], STORY).await;
    assert_eq!(answer.status, 201);
    let pushed = answer.json();
    let story = pushed["story"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/v1/stories/{story}"));
    assert_eq!(answer.header("link"), format!("</v1/stories/{story}/history>; rel=\"version-history\""));
    assert_eq!(
        [&pushed["slug"], &pushed["revision"], &pushed["changed"], &pushed["repeated"], &pushed["kind"]],
        [&json!("talks"), &json!(1), &json!(true), &json!(false), &json!("update")]
    );
    assert_eq!(pushed["cursor"], "0000000000000007-0000000000000001");
    assert_eq!(pushed["significance"]["level"], "substantive", "{pushed}");

    let at_least = pushed["cursor"].as_str().unwrap();
    let shown = service.get(&format!("/v1/stories/talks?at_least={at_least}")).await.json();
    assert_eq!(shown["hash"], pushed["hash"]);
    assert_eq!(shown["blocks"].as_array().unwrap().len(), 2);
    let history = service.get("/v1/stories/talks/history").await.json();
    assert_eq!(history["revisions"][0]["actor"], "ed-7");
    service.stop().await;
}

#[tokio::test]
async fn a_further_revision_goes_to_the_story_by_slug_or_id() {
    let service = Service::start().await;
    let first = service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let by_slug = service.file("/v1/stories?slug=talks", &STORY.replace("Two", "Four")).await;
    let by_name = service.file("/v1/stories/talks", &STORY.replace("Two", "Five")).await;
    let by_id = service.file(&format!("/v1/stories/{}", first.story), STORY).await;
    for (pushed, revision) in [(by_slug, 2), (by_name, 3), (by_id, 4)] {
        assert_eq!((pushed.story, pushed.revision.get()), (first.story, revision));
    }
    service.stop().await;
}

#[tokio::test]
async fn copy_that_changes_nothing_stores_nothing() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let again = service.file("/v1/stories/talks", STORY).await;
    assert_eq!((again.changed, again.revision.get(), again.cursor), (false, 1, None));
    assert_eq!(service.log.head().0, 1);
    service.stop().await;
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_stores_once() {
    let service = Service::start().await;
    let key = [("idempotency-key", "cms-4711")];
    let first = service.post("/v1/stories?slug=talks&desk=world", &key, STORY).await;
    let again = service.post("/v1/stories?slug=talks&desk=world", &key, STORY).await;
    assert_eq!((first.status, again.status), (first.status, first.status));
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("location"), first.header("location"));
    let (mut first, mut again) = (first.json(), again.json());
    assert_eq!((first["repeated"].take(), again["repeated"].take()), (Value::Bool(false), Value::Bool(true)));
    assert_eq!(first, again);
    assert_eq!(service.log.head().0, 1);
    // Also after the story has gone on.
    service.file("/v1/stories/talks", "Talks collapse\n\nDelegates left.").await;
    let later = service.post("/v1/stories?slug=talks&desk=world", &key, STORY).await.json();
    assert_eq!((&later["revision"], &later["hash"]), (&first["revision"], &first["hash"]));
    service.stop().await;
}

#[tokio::test]
async fn a_new_story_without_a_slug_is_found_again_by_its_key() {
    let service = Service::start().await;
    let key = [("idempotency-key", "cms-1")];
    let first = service.post("/v1/stories?desk=world", &key, STORY).await.json();
    let again = service.post("/v1/stories?desk=world", &key, STORY).await.json();
    assert!(first["slug"].as_str().unwrap().starts_with("talks-resume-in-cairo-"), "{first}");
    assert_eq!(first["story"], again["story"]);
    let other = service.post("/v1/stories?desk=world", &[], STORY).await.json();
    assert_ne!(first["story"], other["story"]);
    service.stop().await;
}

#[track_caller]
fn check_stale(answer: &Answer, name: &str) {
    let problem = answer.problem(name);
    assert_eq!((&problem["expected"], &problem["actual"]), (&json!(1), &json!(2)), "{problem}");
}

#[tokio::test]
async fn a_stale_editor_is_told_and_nothing_is_overwritten() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let tag = service.get("/v1/stories/talks").await.header("etag").to_owned();
    let newer = STORY.replace("Two", "Four");
    let fresh = service.post("/v1/stories/talks", &[("if-match", &tag)], &newer).await;
    assert_eq!(fresh.status, 200);
    for stale in [tag.as_str(), "\"1\""] {
        let answer = service.post("/v1/stories/talks", &[("if-match", stale)], STORY).await;
        assert_eq!(answer.status, 412);
        check_stale(&answer, "precondition-failed");
    }
    let answer = service.post("/v1/stories/talks?expect=1", &[], STORY).await;
    assert_eq!(answer.status, 409);
    check_stale(&answer, "conflict");
    let answer = service.post("/v1/stories/talks?expect=1&dry_run=true", &[], STORY).await;
    check_stale(&answer, "conflict");
    let new = service.post("/v1/stories?slug=talks&desk=world&expect=0", &[], STORY).await;
    assert_eq!(new.problem("conflict")["expected"], 0);
    assert_eq!(service.log.head().0, 2);
    let any = service.post("/v1/stories/talks", &[("if-match", "*")], STORY).await;
    assert_eq!(any.status, 200);
    service.stop().await;
}

#[tokio::test]
async fn a_malformed_precondition_is_named() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    for given in ["1", "\"one\"", "\"1\", \"2\"", "\"", "", "\"99999999999999999999999\""] {
        let answer = service.post("/v1/stories/talks", &[("if-match", given)], STORY).await;
        assert_eq!(answer.problem("bad-request")["place"], "header If-Match", "{given}");
    }
    let weak = service.post("/v1/stories/talks", &[("if-match", "W/\"1\"")], STORY).await;
    weak.problem("precondition-failed");
    let both = service.post("/v1/stories/talks?expect=2", &[("if-match", "\"1\"")], STORY).await;
    assert_eq!(both.problem("bad-request")["place"], "query parameter expect");
    let twice =
        service.post("/v1/stories/talks", &[("if-match", "\"1\""), ("if-match", "\"1\"")], STORY).await;
    assert_eq!(twice.problem("bad-request")["place"], "header If-Match");
    let new = service.post("/v1/stories?slug=other&desk=world", &[("if-match", "*")], STORY).await;
    assert_eq!(new.problem("bad-request")["place"], "header If-Match");
    let key = service.post("/v1/stories/talks", &[("idempotency-key", "with space")], STORY).await;
    assert_eq!(key.problem("bad-request")["place"], "header Idempotency-Key");
    service.stop().await;
}

#[tokio::test]
async fn a_dry_run_says_what_would_change_and_stores_nothing() {
    let service = Service::start().await;
    let new = service.post("/v1/stories?slug=talks&desk=world&dry_run=true", &[], STORY).await;
    assert_eq!(new.status, 200);
    let new = new.json();
    assert_eq!((&new["story"], &new["from"], &new["to"]), (&Value::Null, &json!(0), &json!(1)), "{new}");
    assert_eq!(service.log.head().0, 0);

    let first = service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let copy = STORY.replace("Two", "Four");
    let preview = service.post("/v1/stories/talks?dry_run=true", &[], &copy).await.json();
    assert_eq!(preview["story"], first.story.to_string());
    assert_eq!((&preview["changed"], &preview["kind"]), (&json!(true), &json!("update")));
    assert!(preview["text"].as_str().unwrap().contains("[-Two-]{+Four+}"), "{preview}");
    assert_eq!(preview["significance"]["level"], "substantive");
    assert_eq!(service.log.head().0, 1);
    // It is what the push then does.
    let pushed = service.file("/v1/stories/talks", &copy).await;
    assert_eq!(preview["target"], pushed.hash.to_string());
    let same = service.post("/v1/stories/talks?dry_run=true", &[], &copy).await.json();
    assert_eq!((&same["changed"], &same["ops"]), (&json!(false), &json!([])));
    service.stop().await;
}

#[tokio::test]
async fn copy_is_read_by_its_type_and_by_its_looks() {
    let service = Service::start().await;
    let own = json!({"headline": "One", "slug": "own", "desk": "world", "blocks": [{"text": "Word."}]});
    let ninjs =
        json!({"uri": "urn:x:1", "headline": "Two", "body_text": "Word.", "type": "text", "version": "1"});
    for (kind, address, copy) in [
        ("application/json", "/v1/stories", own.to_string()),
        ("application/json", "/v1/stories?slug=n1&desk=world", ninjs.to_string()),
        (
            "application/octet-stream",
            "/v1/stories?slug=n2&desk=world",
            ninjs.to_string().replace("urn:x:1", "urn:x:2"),
        ),
        ("text/markdown", "/v1/stories?slug=md&desk=world", "# Three\n\nA **bold** word.".to_owned()),
        ("text/plain; charset=UTF-8", "/v1/stories?slug=txt&desk=world", "Four\n\nWord.".to_owned()),
    ] {
        let answer = service.send(Method::POST, address, &[("content-type", kind)], copy).await;
        assert_eq!(answer.status, 201, "{kind}: {answer:?}");
    }
    let untyped = service.send(Method::POST, "/v1/stories?slug=none&desk=world", &[], "Five\n\nWord.").await;
    assert_eq!(untyped.status, 201);
    service.views.reached(service.log.head()).await;
    let marked = service.get("/v1/stories/md").await.json();
    assert_eq!(marked["blocks"][0]["marks"][0]["kind"], "strong", "{marked}");
    assert_eq!(service.get("/v1/stories/own").await.json()["desk"], "world");
    service.stop().await;
}

#[tokio::test]
async fn a_correction_carries_its_notice_or_is_refused() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let fixed = STORY.replace("Two", "Three");
    for (query, reason) in [
        ("kind=correction", "correction-incomplete"),
        ("kind=correction&what=Toll&where=second&note=Toll", "correction-incomplete"),
        ("kind=correction&what=Toll&where=second&approver=ed1", "correction-incomplete"),
        ("kind=update&what=Toll&where=second&note=Toll&approver=ed1", "notice-without-correction"),
        ("kind=kill", "kind-not-for-copy"),
    ] {
        let answer = service.post(&format!("/v1/stories/talks?{query}"), &[], &fixed).await;
        assert_eq!(answer.problem("refused")["reason"], reason, "{query}");
    }
    let query =
        "kind=correction&what=Wrong%20toll&where=second+paragraph&note=The+toll+is+three&approver=ed1";
    let pushed = service.file(&format!("/v1/stories/talks?{query}&label=notable"), &fixed).await;
    assert_eq!(pushed.kind.to_string(), "correction");
    let line = service.get("/v1/stories/talks/history").await.json()["revisions"][0].take();
    assert_eq!(
        (&line["note"], &line["significance"]["level"]),
        (&json!("The toll is three"), &json!("substantive")),
        "no label makes a correction matter less"
    );
    service.stop().await;
}

#[tokio::test]
async fn copy_under_an_embargo_is_not_published() {
    let service = Service::start().await;
    let copy = json!({
        "uri": "urn:x:1", "headline": "Results", "body_text": "Profit rose.", "type": "text", "version": "1",
        "embargoed": "2999-01-01T00:00:00Z",
    });
    let json = [("content-type", "application/json")];
    let address = "/v1/stories?slug=results&desk=money";
    let answer = service.send(Method::POST, address, &json, copy.to_string()).await;
    assert_eq!(answer.status, 201);
    let filed = answer.json();
    assert_eq!((&filed["status"], &filed["until"]), (&json!("embargoed"), &json!("2999-01-01T00:00:00Z")));
    let nobody = [("authorization", "-")];
    let hidden = service.send(Method::GET, "/v1/stories/results", &nobody, "").await;
    let missing = service.send(Method::GET, "/v1/stories/nothing", &nobody, "").await;
    let said = |answer: &Answer| answer.problem("not-found")["title"].clone();
    assert_eq!(said(&hidden), said(&missing), "an embargoed story is not there");
    let lapsed = copy.to_string().replace("2999", "1999").replace("urn:x:1", "urn:x:9");
    let past = service.send(Method::POST, "/v1/stories?slug=past&desk=money", &json, lapsed).await.json();
    assert_eq!(past["status"], "usable");
    assert!(past["warnings"][0].as_str().unwrap().contains("embargo"), "{past}");
    service.stop().await;
}

#[tokio::test]
async fn pushes_at_once_each_get_a_revision_of_their_own() {
    let service = std::sync::Arc::new(Service::start().await);
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let mut pushes = tokio::task::JoinSet::new();
    for number in 0..20 {
        let service = service.clone();
        pushes.spawn(async move {
            let copy = format!("{STORY}\n\nParagraph {number} of twenty.");
            service.file("/v1/stories/talks", &copy).await.revision.get()
        });
    }
    let mut revisions = pushes.join_all().await;
    revisions.sort_unstable();
    assert_eq!(revisions, (2..=21).collect::<Vec<_>>());
    assert_eq!(service.log.head().0, 21);
    std::sync::Arc::into_inner(service).unwrap().stop().await;
}

#[tokio::test]
async fn one_of_many_pushes_from_the_same_revision_wins() {
    let service = std::sync::Arc::new(Service::start().await);
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let mut pushes = tokio::task::JoinSet::new();
    for number in 0..10 {
        let service = service.clone();
        pushes.spawn(async move {
            let copy = format!("{STORY}\n\nParagraph {number} of ten.");
            service.post("/v1/stories/talks", &[("if-match", "\"1\"")], &copy).await.status.as_u16()
        });
    }
    let mut statuses = pushes.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [[200].as_slice(), [412; 9].as_slice()].concat());
    std::sync::Arc::into_inner(service).unwrap().stop().await;
}
