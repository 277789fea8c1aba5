//! The shapes of a change, each followed to the same article.

use reqwest::Method;
use serde_json::{Value, json};
use wire::{ArticleView, Change, CloudEvent, article_hash};

use super::client::{Event, Reader};
use crate::service::Service;

/// Versions of a story with letters of every width, and with blocks that come, go and move.
fn versions() -> Vec<Value> {
    let block = |id: &str, text: &str| json!({"id": id, "text": text});
    let long = "Nobody knows why the 🇫🇷 delegation left. ".repeat(20);
    vec![
        json!({"headline": "Cairo 🕊️ talks", "blocks": [{"text": format!("Déjà 😀 vu. {long}Two people were hurt.")}, {"text": "Second."}]}),
        json!({"headline": "Cairo 🕊️ talks go on", "summary": "Short.", "blocks": [
            block("b1", &format!("Déjà 😀 vu. {long}Four people were hurt, 🚑 they said.")), block("b2", "Second.")]}),
        json!({"headline": "Cairo 🕊️ talks go on", "blocks": [
            block("b2", "Second, changed."), block("b1", &format!("Déjà 😀 vu. {long}Five people were hurt, 🚑 she said.")), {"text": "Third."}]}),
    ]
}

/// Files every version and returns the changes in `shape`, live and caught up.
async fn changes(service: &Service, shape: &str) -> Vec<Event> {
    let mut live = Reader::open(service, &format!("/v1/events?{shape}")).await;
    assert_eq!(live.up_to_date().await, []);
    for (number, version) in versions().into_iter().enumerate() {
        let address =
            if number == 0 { "/v1/stories?slug=talks&desk=world" } else { "/v1/stories?slug=talks" };
        let json = [("content-type", "application/json")];
        let answer = service.send(Method::POST, address, &json, version.to_string()).await;
        assert!(answer.status.is_success(), "{answer:?}");
        service.views.reached(service.log.head()).await;
    }
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(live.soon().await);
    }
    let mut later = Reader::open(service, &format!("/v1/stories/talks/events?since=earliest&{shape}")).await;
    assert_eq!(later.up_to_date().await, seen);
    seen
}

/// The article as it stood at `revision`.
async fn article(service: &Service, revision: usize) -> ArticleView {
    let answer = service.get(&format!("/v1/stories/talks?as_of=rev:{revision}")).await;
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn a_thin_change_has_everything_but_the_article_and_says_where_that_is() {
    let service = Service::start().await;
    let thin = changes(&service, "payload=thin").await;
    let full = service.get("/v1/changes").await.json();
    for (thin, mut full) in thin.iter().map(Event::json).zip(full.as_array().unwrap().clone()) {
        let data = full["data"].as_object_mut().unwrap();
        assert!(data.shift_remove("ops").is_some() != data.shift_remove("snapshot").is_some());
        data.shift_remove("observations");
        let address = thin["data"]["ref"].as_str().unwrap();
        data.insert("ref".to_owned(), address.into());
        assert_eq!(thin, full);
        assert_eq!(service.get(address).await.json()["hash"], thin["data"]["target"]);
    }
    service.stop().await;
}

#[tokio::test]
async fn splices_count_utf16_on_request_and_lead_to_the_same_texts() {
    let service = Service::start().await;
    let mut blocks = std::collections::HashMap::new();
    let mut spliced = 0;
    for (index, change) in changes(&service, "unit=utf16").await.iter().map(Event::json).enumerate() {
        let ops = change["data"]["ops"].as_array().cloned().unwrap_or_default();
        for op in ops.iter().filter(|op| op["op"] == "edit") {
            let text: &mut Vec<u16> = blocks.get_mut(op["block"].as_str().unwrap()).unwrap();
            for splice in op["splices"].as_array().unwrap().iter().rev() {
                let at = usize::try_from(splice[0].as_u64().unwrap()).unwrap();
                let units = |index: usize| splice[index].as_str().unwrap().encode_utf16().collect::<Vec<_>>();
                let end = at + units(1).len();
                assert_eq!(text[at..end], units(1));
                text.splice(at..end, units(2));
                spliced += 1;
            }
        }
        let after = article(&service, index + 1).await;
        for block in after.blocks {
            let text: Vec<u16> = block.text.encode_utf16().collect();
            let known = blocks.entry(block.id.to_string()).or_insert_with(|| text.clone());
            assert_eq!(*known, text);
        }
    }
    assert!(spliced > 2, "something must have been spliced behind a wide letter");
    service.stop().await;
}

#[tokio::test]
async fn a_json_patch_leads_to_the_article_that_the_change_promises() {
    let service = Service::start().await;
    let (mut keyed, mut patched) = (Value::Null, 0);
    for (index, event) in changes(&service, "patch=json-patch").await.iter().enumerate() {
        let change = event.json();
        let data = &change["data"];
        assert!(data.get("ops").is_none());
        let after = article(&service, index + 1).await;
        let (after, hash) = (after.to_article().unwrap(), after.hash.to_string());
        assert_eq!((article_hash(&after).to_string(), data["target"].as_str()), (hash.clone(), Some(&*hash)));
        let expected = story::diff::json_patch::keyed(&after, &hash);
        if let Some(snapshot) = data.get("snapshot") {
            let snapshot: ArticleView = serde_json::from_value(snapshot.clone()).unwrap();
            keyed = story::diff::json_patch::keyed(&snapshot.to_article().unwrap(), &hash);
        } else {
            let patch: json_patch::Patch = serde_json::from_value(data["patch"].clone()).unwrap();
            json_patch::patch(&mut keyed, &patch).unwrap();
            patched += 1;
        }
        assert_eq!(keyed, expected);
    }
    assert!(patched > 0, "a change must have been small enough to be a patch");
    service.stop().await;
}

#[tokio::test]
async fn full_changes_lead_from_the_snapshot_to_the_article_by_hash() {
    let service = Service::start().await;
    let mut held: Option<(story::Article, story::Revision)> = None;
    for event in changes(&service, "payload=full&unit=utf8&patch=ops").await {
        let change = serde_json::from_str::<CloudEvent<Change>>(&event.data).unwrap().data;
        let (article, revision) = held.take().unwrap_or_default();
        held = Some((change.apply_to(&article, revision).unwrap(), change.to));
    }
    let (article, revision) = held.unwrap();
    assert_eq!((revision.get(), article_hash(&article)), (3, self::article(&service, 3).await.hash));
    service.stop().await;
}
