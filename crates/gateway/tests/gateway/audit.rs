//! An auditor's questions over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::service::Service;

const BEGIN: &str = "/v1/stories?slug=fire&desk=world";
const CORRECTION: &str =
    "/v1/stories/fire?kind=correction&what=Wrong%20toll&where=first&note=Nine%20were%20hurt";

/// Asks a question as the owner and returns every finding, page by page.
async fn asked(service: &Service, question: &str) -> Vec<Value> {
    let (mut address, mut findings) = (format!("/v1/audit/{question}"), Vec::new());
    loop {
        let page = service.get(&address).await;
        findings.extend(page.json()["findings"].as_array().unwrap().iter().cloned());
        if page.json()["next"].is_null() {
            return findings;
        }
        let link = page.header("link").to_owned();
        link.trim_start_matches('<').split('>').next().unwrap().clone_into(&mut address);
    }
}

fn of(findings: &[Value], member: &str) -> Vec<Value> {
    findings.iter().map(|finding| finding[member].clone()).collect()
}

#[tokio::test]
async fn a_substantive_change_without_a_word_to_readers_is_found_and_no_other() {
    let service = Service::start().await;
    service.file(BEGIN, "Fire\n\nAt least 4 people are hurt.").await;
    service.file("/v1/stories/fire", "Fire\n\nAt least 5 people are hurt.").await;
    service.file("/v1/stories/fire?note=Six%20now", "Fire\n\nAt least 6 people are hurt.").await;
    service.file("/v1/stories/fire?draft=true", "Fire\n\nAt least 7 people are hurt.").await;
    service.file("/v1/stories/fire?label=minor", "Fire\n\nAt least 8 people are hurt.").await;
    let correction = format!("{CORRECTION}&approver=chief");
    service.file(&correction, "Fire\n\nAt least 9 people are hurt.").await;
    let body = json!({"reason": "Asked to."});
    service.ask(Method::POST, "/v1/stories/fire/acts/unpublish", &service.owner, &body).await;
    service.views.reached(service.log.head()).await;
    let found = asked(&service, "stealth").await;
    assert_eq!(of(&found, "revision"), [json!(2), json!(5), json!(7)], "{found:?}");
    assert_eq!(of(&found, "silence"), [json!("no-note"), json!("labelled-lower"), json!("gone")]);
    assert_eq!(of(&found, "from"), [json!(1), json!(3), json!(6)]);
    assert!(found[0]["reasons"].as_array().unwrap().contains(&json!("number")), "{found:?}");
    assert_eq!(asked(&service, "stealth?limit=1").await, found);
    let second = found[1]["recorded"].as_str().unwrap();
    assert_eq!(asked(&service, &format!("stealth?from={second}")).await, found[1..]);
    assert_eq!(asked(&service, &format!("stealth?to={second}")).await, found[..1]);
    assert_eq!(asked(&service, "stealth?desk=sports").await, Vec::<Value>::new());
    let all = service.get("/v1/audit/stealth").await;
    assert!(!all.text().contains("people"), "an answer holds no word of an article");
    service.stop().await;
}

#[tokio::test]
async fn a_correction_that_its_own_editor_approved_or_that_says_nothing_is_found() {
    let service = Service::start().await;
    service.file(BEGIN, "Fire\n\nAt least 4 people are hurt.").await;
    let me = service.get("/v1/stories/fire/history?view=desk").await.json();
    let me = me["revisions"][0]["actor"].as_str().unwrap().to_owned();
    let (sound, alone) = (format!("{CORRECTION}&approver=chief"), format!("{CORRECTION}&approver={me}"));
    service.file(&sound, "Fire\n\nAt least 9 people are hurt.").await;
    service.file(&alone, "Fire\n\nAt least 10 people are hurt.").await;
    let unsaid = "/v1/stories/fire?kind=correction&what=not%20stated%20by%20the%20source&where=first&note=N&approver=not-stated";
    service.file(unsaid, "Fire\n\nAt least 11 people are hurt.").await;
    let found = asked(&service, "corrections").await;
    assert_eq!(of(&found, "revision"), [json!(3), json!(4)]);
    assert_eq!(of(&found, "lacks"), [json!(["second-person"]), json!(["approver", "what"])]);
    service.stop().await;
}

#[tokio::test]
async fn recalls_and_embargoes_of_the_house_are_told_story_by_story() {
    let service = Service::start().await;
    for slug in ["one", "two"] {
        service.file(&format!("/v1/stories?slug={slug}&desk=world"), "Quake\n\nThe ground shook.").await;
        let address = format!("/v1/stories/{slug}/acts/kill");
        service.ask(Method::POST, &address, &service.owner, &json!({"reason": "Forged."})).await;
    }
    let until = "embargo_until=2099-01-01T00:00:00Z";
    service.file(&format!("/v1/stories?slug=budget&desk=vault&{until}"), "Budget\n\nCanary.").await;
    let recalls = asked(&service, "recalls?limit=1").await;
    assert_eq!(of(&recalls, "slug"), [json!("one"), json!("two")]);
    assert_eq!(of(&recalls, "voids"), [json!([1]), json!([1])]);
    let apart = service.get("/v1/stories/one/recalls").await.json();
    assert_eq!(apart["recalls"][0]["got"], recalls[0]["got"]);
    let embargoes = asked(&service, "embargo").await;
    assert_eq!(of(&embargoes, "slug"), [json!("budget")]);
    assert_eq!(embargoes[0], service.get("/v1/stories/budget/embargo").await.json());
    assert_eq!(asked(&service, "embargo?desk=world").await, Vec::<Value>::new());
    assert_eq!(asked(&service, "embargo?to=2017-01-01T00:00:00Z").await, Vec::<Value>::new());
    service.stop().await;
}

#[tokio::test]
async fn what_readers_had_between_two_times_is_told_with_when() {
    let service = Service::start().await;
    service.file(BEGIN, "Fire\n\nOne.").await;
    service.file("/v1/stories/fire?draft=true", "Fire\n\nTwo.").await;
    service.file("/v1/stories/fire", "Fire\n\nThree.").await;
    service.file("/v1/stories?slug=flood&desk=world", "Flood\n\nIt rains.").await;
    service.ask(Method::POST, "/v1/stories/fire/acts/kill", &service.owner, &json!({"reason": "No."})).await;
    service.views.reached(service.log.head()).await;
    let had = asked(&service, "public").await;
    assert_eq!(of(&had, "slug"), [json!("fire"), json!("fire"), json!("fire"), json!("flood")], "{had:?}");
    assert_eq!(of(&had, "revision"), [json!(1), json!(3), json!(4), json!(1)]);
    assert_eq!(of(&had, "reachable"), [json!(false), json!(false), json!(true), json!(true)]);
    assert_eq!((&had[0]["until"], &had[1]["until"]), (&had[1]["since"], &had[2]["since"]));
    assert_eq!((&had[2]["status"], &had[3]["until"]), (&json!("killed"), &Value::Null));
    for limit in 1..4 {
        assert_eq!(asked(&service, &format!("public?limit={limit}")).await, had, "{limit}");
    }
    // What was there already when the period began counts; what came at its end does not.
    let (from, to) = (had[1]["since"].as_str().unwrap(), had[2]["since"].as_str().unwrap());
    let during = asked(&service, &format!("public?from={from}&to={to}")).await;
    assert_eq!(during, [had[1].clone(), had[3].clone()]);
    assert_eq!(asked(&service, "public?to=2017-01-01T00:00:00Z").await, Vec::<Value>::new());
    for (address, place) in [
        ("/v1/audit/public?after=nonsense", "query parameter after"),
        ("/v1/audit/stealth?after=nonsense", "query parameter after"),
        ("/v1/audit/embargo?after=nonsense", "query parameter after"),
        ("/v1/audit/public?from=2017-01-02T00:00:00Z&to=2017-01-01T00:00:00Z", "query parameter to"),
    ] {
        assert_eq!(service.get(address).await.problem("bad-request")["place"], place, "{address}");
    }
    service.stop().await;
}
