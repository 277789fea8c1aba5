//! Finding phrases, and lists as they were, over HTTP.

use serde_json::json;

use crate::service::Service;

#[tokio::test]
async fn a_phrase_is_found_for_whom_it_may_concern() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=fire&desk=world", "Fire\n\nAt least four are hurt.").await;
    service.file("/v1/stories/fire", "Fire\n\nNobody is hurt.").await;
    service.file("/v1/stories/fire?draft=true", "Fire\n\nA canary is hurt.").await;
    let found = service.get("/v1/search?phrase=AT%20LEAST%20%20four").await.json();
    let story = &found["stories"][0];
    assert_eq!((&story["slug"], &story["is_public"]), (&json!("fire"), &json!(false)));
    assert_eq!((&story["revisions"][0]["from"], &story["revisions"][0]["to"]), (&json!(1), &json!(1)));
    let lines = service.get("/v1/stories/fire/history").await.json();
    assert_eq!(story["first_public"], lines["revisions"][1]["recorded"]);
    assert_eq!(story["last_public"], lines["revisions"][0]["recorded"]);
    let desk = "/v1/search?phrase=canary&view=desk";
    assert_eq!(service.get(desk).await.json()["stories"][0]["public"], json!([]));
    for nothing in ["/v1/search?phrase=canary", "/v1/search?phrase=hurt&desk=sports"] {
        assert_eq!(service.get(nothing).await.json(), json!({"stories": []}), "{nothing}");
    }
    assert_eq!(service.look(desk, "wt_nobody").await.status, 401);
    let of_story = service.look(&format!("{desk}&story=fire"), "wt_nobody").await;
    assert_eq!(of_story.status, 401);
    service.get("/v1/search?phrase=hurt&story=flood").await.problem("not-found");
    let long = format!("/v1/search?phrase={}", "a".repeat(1_001));
    for refused in ["/v1/search", "/v1/search?phrase=%20", &long] {
        let problem = service.get(refused).await.problem("bad-request");
        assert_eq!(problem["place"], "query parameter phrase", "{problem}");
    }
    let token = service.get("/v1/search?phrase=hurt&after=nonsense").await.problem("bad-request");
    assert_eq!(token["place"], "query parameter after");
    service.stop().await;
}

#[tokio::test]
async fn a_page_of_found_stories_leads_to_the_next() {
    let service = Service::start().await;
    for slug in ["one", "two", "three"] {
        let address = format!("/v1/stories?slug={slug}&desk=world");
        service.file(&address, "Quake\n\nThe ground shook.").await;
    }
    let (mut address, mut slugs) = ("/v1/search?phrase=ground&limit=2".to_owned(), Vec::new());
    loop {
        let page = service.get(&address).await;
        let body = page.json();
        slugs.extend(body["stories"].as_array().unwrap().iter().map(|story| story["slug"].clone()));
        let Some(next) = body["next"].as_str() else { break };
        let link = page.header("link").to_owned();
        assert!(link.contains(&format!("after={next}")) && link.ends_with("rel=\"next\""), "{link}");
        address = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    slugs.sort_by_key(ToString::to_string);
    assert_eq!(slugs, [json!("one"), json!("three"), json!("two")]);
    service.stop().await;
}

#[tokio::test]
async fn stories_are_listed_as_they_were() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=fire&desk=world", "Fire\n\nIt burns.").await;
    service.file("/v1/stories/fire", "Flood\n\nIt rains.").await;
    let history = service.get("/v1/stories/fire/history").await.json();
    let first = history["revisions"][1]["recorded"].as_str().unwrap();
    let list = service.get(&format!("/v1/stories?as_of={first}")).await.json();
    assert_eq!(list["stories"][0]["headline"], "Fire");
    assert_eq!(service.get("/v1/stories").await.json()["stories"][0]["headline"], "Flood");
    let none = service.get("/v1/stories?as_of=2017-08-17T15:00:00Z&view=desk&axis=published").await.json();
    assert_eq!(none["stories"], json!([]));
    let refused = service.get("/v1/stories?as_of=rev:1").await.problem("bad-request");
    assert_eq!(refused["place"], "query parameter as_of");
    service.stop().await;
}
