//! Reading stories: articles, moments, validators, lists, histories, differences.

use reqwest::Method;
use serde_json::{Value, json};

use crate::service::Service;

const FIRST: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.\n\nTwo people were hurt.";
const SECOND: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.\n\nFour people were hurt.";
const CANARY: &str = "Canary words that no reader may see.";

/// A story of three revisions, of which the second is a draft.
async fn story_with_a_draft() -> Service {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", FIRST).await;
    service.file("/v1/stories/talks?draft=true", &format!("{FIRST}\n\n{CANARY}")).await;
    service.file("/v1/stories/talks", SECOND).await;
    service
}

#[tokio::test]
async fn an_article_is_shown_as_json_or_as_text() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", FIRST).await;
    let json = service.get_as("/v1/stories/talks", "application/json").await;
    let text = service.get_as("/v1/stories/talks", "text/plain").await;
    assert_eq!(json.json()["headline"], "Talks resume in Cairo");
    assert_eq!(text.text(), format!("{FIRST}\n"));
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    assert_ne!(json.header("etag"), text.header("etag"));
    assert_eq!((json.header("vary"), json.header("cache-control")), ("Accept", "no-cache"));
    let desk = service.get("/v1/stories/talks?view=desk").await;
    assert_eq!(desk.header("cache-control"), "private, no-cache");
    service.get_as("/v1/stories/talks", "image/png").await.problem("not-acceptable");
    service.stop().await;
}

#[tokio::test]
async fn who_has_it_already_gets_nothing_again() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", FIRST).await;
    for address in ["/v1/stories/talks", "/v1/stories/talks/diff"] {
        let first = service.get(address).await;
        let tag = first.header("etag");
        for known in [tag.to_owned(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let answer = service.send(Method::GET, address, &[("if-none-match", &known)], "").await;
            assert_eq!((answer.status.as_u16(), answer.header("etag")), (304, tag), "{known}");
        }
        let other = service.send(Method::GET, address, &[("if-none-match", "\"1-x\"")], "").await;
        assert_eq!(other.status, 200);
        let as_text =
            service.send(Method::GET, address, &[("if-none-match", tag), ("accept", "text/plain")], "").await;
        assert_eq!(as_text.status, 200, "another form is not the one that is known");
    }
    let tag = service.get("/v1/stories/talks").await.header("etag").to_owned();
    service.file("/v1/stories/talks", SECOND).await;
    let newer = service.send(Method::GET, "/v1/stories/talks", &[("if-none-match", &tag)], "").await;
    assert_eq!(newer.status, 200);
    let head = service.client.head(format!("{}/v1/stories/talks", service.base)).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-length"], newer.body.len().to_string());
    service.stop().await;
}

#[tokio::test]
async fn a_story_is_shown_as_it_was_at_any_moment() {
    let service = story_with_a_draft().await;
    let first = service.get("/v1/stories/talks?as_of=rev:1").await.json();
    let recorded = first["recorded"].as_str().unwrap().to_owned();
    let cursor = first["cursor"].as_str().unwrap().to_owned();
    for (as_of, revision) in [
        ("latest".to_owned(), 3),
        ("rev:3".to_owned(), 3),
        ("rev:-1".to_owned(), 1),
        (recorded, 1),
        (format!("cursor:{cursor}"), 1),
    ] {
        let shown = service.get(&format!("/v1/stories/talks?as_of={as_of}")).await.json();
        assert_eq!(shown["revision"], revision, "{as_of}: {shown}");
    }
    assert_eq!(service.get("/v1/stories/talks?as_of=rev:2&view=desk").await.json()["revision"], 2);
    for as_of in ["rev:2", "rev:4", "rev:-7", "1999-01-01T00:00:00Z"] {
        let answer = service.get(&format!("/v1/stories/talks?as_of={as_of}")).await;
        assert_eq!(answer.problem("revision-not-found")["story"], "talks", "{as_of}");
    }
    for as_of in ["yesterday", "rev:x", "cursor:1"] {
        let answer = service.get(&format!("/v1/stories/talks?as_of={as_of}")).await;
        assert_eq!(answer.problem("bad-request")["place"], "query parameter as_of");
    }
    let other = "cursor:0000000000000008-0000000000000001";
    service.get(&format!("/v1/stories/talks?as_of={other}")).await.problem("cursor-gone");
    service.stop().await;
}

#[tokio::test]
async fn nothing_of_a_draft_is_seen_at_any_public_address() {
    let service = Service::start().await;
    let secret = format!("Secret headline\n\n{CANARY}");
    let story = service.file("/v1/stories?slug=secret&desk=world&draft=true", &secret).await.story;
    for name in ["secret".to_owned(), story.to_string()] {
        for rest in ["", "?as_of=rev:1", "/history", "/diff", "/diff?from=0&to=1", "/diff?format=text"] {
            let address = format!("/v1/stories/{name}{rest}");
            let none = service.get(&format!("/v1/stories/{}{rest}", "nothing")).await.problem("not-found");
            let answer = service.get(&address).await.problem("not-found");
            // It answers as for a story that does not exist: whether there is a draft cannot be told.
            for member in ["title", "next"] {
                assert_eq!(answer[member], none[member], "{address}");
            }
        }
    }
    let service = {
        service.stop().await;
        story_with_a_draft().await
    };
    service.file("/v1/stories?slug=hidden-one&desk=world&draft=true", &secret).await;
    for address in [
        "/v1/stories",
        "/v1/stories?status=draft",
        "/v1/stories/talks",
        "/v1/stories/talks/history",
        "/v1/stories/talks/diff",
        "/v1/stories/talks/diff?from=0",
        "/v1/stories/talks/diff?format=text",
        "/v1/stories/talks/diff?format=json-patch",
        "/v1/changes",
        "/v1/info",
        "/metrics",
    ] {
        let answer = service.get(address).await;
        assert_eq!(answer.status, 200, "{address}");
        for words in ["Canary", "Secret", "\"hidden-one\""] {
            assert!(!answer.text().contains(words), "{words} at {address}: {}", answer.text());
        }
    }
    for address in
        ["/v1/stories/talks?as_of=rev:2", "/v1/stories/talks/diff?to=2", "/v1/stories/talks/diff?from=2"]
    {
        service.get(address).await.problem("revision-not-found");
    }
    let desk = service.get("/v1/stories/talks?view=desk&as_of=rev:2").await;
    assert!(desk.text().contains(CANARY));
    service.stop().await;
}

#[tokio::test]
async fn stories_are_listed_in_pages() {
    let service = Service::start().await;
    for number in 1..=5 {
        let desk = if number % 2 == 0 { "money" } else { "world" };
        service.file(&format!("/v1/stories?slug=s{number}&desk={desk}"), FIRST).await;
    }
    let slugs = |page: &Value| -> Vec<String> {
        let stories = page["stories"].as_array().unwrap();
        stories.iter().map(|line| line["slug"].as_str().unwrap().to_owned()).collect()
    };
    let mut address = "/v1/stories?limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = service.get(&address).await;
        seen.extend(slugs(&answer.json()));
        let Some(next) = answer.json()["next"].as_str().map(str::to_owned) else { break };
        let link = answer.header("link").strip_suffix(">; rel=\"next\"").unwrap().strip_prefix('<').unwrap();
        assert_eq!(link, format!("/v1/stories?limit=2&after={next}"));
        address = link.to_owned();
    }
    assert_eq!(seen, ["s5", "s4", "s3", "s2", "s1"]);
    assert_eq!(slugs(&service.get("/v1/stories?desk=money").await.json()), ["s4", "s2"]);
    assert_eq!(slugs(&service.get("/v1/stories?status=killed").await.json()), [""; 0]);
    let bad = service.get("/v1/stories?after=nonsense").await;
    assert_eq!(bad.problem("bad-request")["place"], "query parameter after");
    service.stop().await;
}

#[tokio::test]
async fn a_history_is_listed_newest_first_in_pages() {
    let service = Service::start().await;
    for number in 1..=5 {
        let draft = if number % 2 == 0 { "&draft=true" } else { "" };
        let copy = format!("{FIRST}\n\nParagraph {number}.");
        service.file(&format!("/v1/stories?slug=talks&desk=world{draft}"), &copy).await;
    }
    for (view, expected) in [("public", vec![5, 3, 1]), ("desk", vec![5, 4, 3, 2, 1])] {
        let mut seen = Vec::new();
        let mut address = format!("/v1/stories/talks/history?view={view}&limit=2");
        loop {
            let page = service.get(&address).await.json();
            let revisions = page["revisions"].as_array().unwrap();
            assert!(revisions.len() <= 2);
            seen.extend(revisions.iter().map(|line| line["revision"].as_u64().unwrap()));
            let Some(next) = page["next"].as_str() else { break };
            address = format!("/v1/stories/talks/history?view={view}&limit=2&after={next}");
        }
        assert_eq!(seen, expected, "{view}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_difference_is_exact_and_readable() {
    let service = story_with_a_draft().await;
    let diff = service.get("/v1/stories/talks/diff").await.json();
    // The newest two that readers saw.
    assert_eq!((&diff["from"], &diff["to"]), (&json!(1), &json!(3)));
    let (before, after) = (
        service.get("/v1/stories/talks?as_of=rev:1").await.json(),
        service.get("/v1/stories/talks?as_of=rev:3").await.json(),
    );
    assert_eq!((&diff["base"], &diff["target"]), (&before["hash"], &after["hash"]));
    assert_eq!(diff["ops"][0]["op"], "edit", "{diff}");
    let line = service.get("/v1/stories/talks/history").await.json()["revisions"][0].take();
    assert_eq!(diff["significance"], line["significance"]);

    let text = service.get("/v1/stories/talks/diff?format=text").await;
    assert!(text.text().contains("[-Two-]{+Four+}"), "{text:?}");
    assert_eq!(service.get_as("/v1/stories/talks/diff", "text/plain").await.body, text.body);
    let patch = service.get("/v1/stories/talks/diff?format=json-patch").await;
    assert_eq!(patch.header("content-type"), "application/json-patch+json");
    assert_eq!(patch.json()[0], json!({"op": "test", "path": "/hash", "value": diff["base"]}));
    let mismatch = service.get_as("/v1/stories/talks/diff?format=text", "application/json").await;
    mismatch.problem("not-acceptable");

    let whole = service.get("/v1/stories/talks/diff?from=0&to=rev:-2&view=desk").await.json();
    assert_eq!((&whole["from"], &whole["to"]), (&json!(0), &json!(1)));
    let back = service.get("/v1/stories/talks/diff?from=3&to=1").await.json();
    assert_eq!((&back["base"], &back["target"]), (&diff["target"], &diff["base"]));
    let same = service.get("/v1/stories/talks/diff?from=3&to=3").await.json();
    assert_eq!(same["ops"], json!([]));
    let bad = service.get("/v1/stories/talks/diff?from=one").await;
    assert_eq!(bad.problem("bad-request")["place"], "query parameter from");
    let none = service.get("/v1/stories/talks/diff?to=9").await;
    assert_eq!(none.problem("revision-not-found")["place"], "query parameter to");
    service.stop().await;
}

#[tokio::test]
async fn a_reader_can_insist_on_what_it_has_written() {
    let service = Service::start().await;
    for number in 1..=20 {
        let copy = format!("{FIRST}\n\nParagraph {number}.");
        let pushed = service.post("/v1/stories?slug=talks&desk=world", &[], &copy).await.json();
        let cursor = pushed["cursor"].as_str().unwrap();
        for address in
            ["/v1/stories/talks", "/v1/stories/talks/history", "/v1/stories/talks/diff", "/v1/stories"]
        {
            let answer = service.get(&format!("{address}?at_least={cursor}")).await;
            assert!(answer.text().contains(&format!(":{number},")), "{address}: {answer:?}");
        }
    }
    for (cursor, name) in [
        ("0000000000000008-0000000000000001", "cursor-gone"),
        ("0000000000000007-00000000000000ff", "cursor-gone"),
        ("7-1", "bad-request"),
    ] {
        service.get(&format!("/v1/stories/talks?at_least={cursor}")).await.problem(name);
    }
    service.stop().await;
}
