//! Who wrote what, over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::service::Service;

/// Returns the spans of the first block as `revision:text`, bars between them.
fn first_block(blame: &Value) -> String {
    let spans = blame["blocks"][0]["spans"].as_array().unwrap();
    let span = |span: &Value| format!("{}:{}", span["revision"], span["text"].as_str().unwrap());
    spans.iter().map(span).collect::<Vec<_>>().join("|")
}

#[tokio::test]
async fn every_word_names_the_revision_that_it_came_with() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=fire&desk=world", "Man held\n\nPolice hold a man. He denies it.").await;
    service.file("/v1/stories/fire?note=It%20grew", "Man held\n\nPolice hold a man. He denies all.").await;
    service.file("/v1/stories/fire", "Nothing\n\nNothing at all.").await;
    service.file("/v1/stories/fire?draft=true", "Man held\n\nPolice hold a man. He denies all.").await;
    let ours = |answer: Value| {
        let span = &answer["blocks"][0]["spans"][0];
        (first_block(&answer), answer["headline"][0]["revision"].clone(), span["note"].clone())
    };
    // The desk has gone back to revision 2: its words are again those of who wrote them.
    let desk = service.look("/v1/stories/fire/blame?view=desk", &service.owner).await.json();
    let expected = "1:Police hold a man. He denies |2:all|1:.".to_owned();
    assert_eq!(ours(desk.clone()), (expected.clone(), json!(1), json!("")));
    assert_eq!(desk["blocks"][0]["spans"][1]["note"], "It grew");
    assert_eq!(desk["blocks"][0]["spans"][1]["kind"], "update");
    // Readers have not heard of it, and hear of nobody who wrote it.
    let public = service.get("/v1/stories/fire/blame").await.json();
    assert_eq!((first_block(&public), &public["revision"]), ("3:Nothing at all.".to_owned(), &json!(3)));
    let before = service.get("/v1/stories/fire/blame?as_of=rev:2").await.json();
    assert_eq!((first_block(&before), &before["revision"]), (expected, &json!(2)));
    let shown = service.get("/v1/stories/fire?as_of=rev:2").await.json();
    let texts: String = before["blocks"][0]["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| span["text"].as_str().unwrap())
        .collect();
    assert_eq!(shown["blocks"][0]["text"], texts);
    service.stop().await;
}

#[tokio::test]
async fn blame_shows_readers_nothing_that_they_may_not_see() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=draft&desk=world&draft=true", "Draft canary\n\nSecret canary.").await;
    assert_eq!(service.get("/v1/stories/draft/blame").await.status, 404);
    service.file("/v1/stories?slug=fire&desk=world", "Man held\n\nPoison canary.").await;
    let acted = service
        .ask(Method::POST, "/v1/stories/fire/acts/kill", &service.owner, &json!({"reason": "Forged."}))
        .await;
    assert!(acted.status.is_success(), "{acted:?}");
    let killed = service.get("/v1/stories/fire/blame").await;
    assert!(killed.status == 200 && !killed.text().contains("canary"), "{}", killed.text());
    assert_eq!((&killed.json()["blocks"], &killed.json()["headline"]), (&json!([]), &json!([])));
    let hidden = service.get("/v1/stories/fire/blame?as_of=rev:1").await;
    assert_eq!(hidden.status, 404, "{}", hidden.text());
    let denied = service.look("/v1/stories/fire/blame?view=desk", "wt_nobody").await;
    assert_eq!(denied.status, 401);
    service.stop().await;
}
