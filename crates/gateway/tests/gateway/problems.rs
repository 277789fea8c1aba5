//! Every way to be told no: what, where, and what to do next.

use reqwest::Method;
use serde_json::json;

use crate::service::Service;

#[tokio::test]
async fn an_unknown_address_and_an_unknown_method_are_problems() {
    let service = Service::start().await;
    for path in ["/v1", "/v3", "/v2/stories", "/v1/stories/", "/v1/stories/a/b/c", "/V1/stories"] {
        let answer = service.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem("no-such-address")["instance"].as_str()),
            (404, Some(path))
        );
    }
    let answer = service.send(Method::DELETE, "/v1/stories/talks", &[], "").await;
    assert_eq!(answer.status, 405);
    answer.problem("method-not-allowed");
    let mut allowed: Vec<_> = answer.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    service.stop().await;
}

#[tokio::test]
async fn a_parameter_that_is_not_known_is_named_with_its_likely_meaning() {
    let service = Service::start().await;
    for (address, meant) in [
        ("/v1/stories?dest=world", Some("desk")),
        ("/v1/stories/talks?asof=rev:1", Some("as_of")),
        ("/v1/stories/talks?as-of=rev:1", Some("as_of")),
        ("/v1/stories/talks/diff?frm=1", Some("from")),
        ("/v1/changes?since=1", None),
        ("/v1/info?verbose=1", None),
        ("/readyz?full=1", None),
    ] {
        let answer = service.get(address).await;
        let problem = answer.problem("bad-request");
        assert_eq!(problem.get("did_you_mean").and_then(|name| name.as_str()), meant, "{problem}");
        assert!(problem["place"].as_str().unwrap().starts_with("query parameter "), "{problem}");
    }
    let push = service.post("/v1/stories?slug=a&desk=b&dryrun=true", &[], "A\n\nB.").await;
    assert_eq!(push.problem("bad-request")["did_you_mean"], "dry_run");
    assert_eq!(service.log.head().0, 0);
    service.stop().await;
}

#[tokio::test]
async fn a_value_that_is_not_legal_is_named() {
    let service = Service::start().await;
    for (query, name) in [
        ("slug=a%20b", "slug"),
        ("desk=", "desk"),
        ("kind=updat", "kind"),
        ("draft=yes", "draft"),
        ("expect=-1", "expect"),
        ("expect=one", "expect"),
        ("label=huge", "label"),
        ("occurred=yesterday", "occurred"),
        ("occurred=2026-11-22", "occurred"),
        ("note=%07", "note"),
        ("approver=a%2fb&what=x", "approver"),
        ("actor=a.b", "actor"),
        ("note=%ff", "note"),
        ("note=%f", "note"),
        ("slug=a&slug=b", "slug"),
    ] {
        let answer = service.post(&format!("/v1/stories?{query}"), &[], "A\n\nB.").await;
        let problem = answer.problem("bad-request");
        assert_eq!(problem["place"], format!("query parameter {name}"), "{query}: {problem}");
    }
    let view = service.get("/v1/stories?view=all").await;
    assert!(view.problem("bad-request")["detail"].as_str().unwrap().contains("public, desk"));
    service.stop().await;
}

#[tokio::test]
async fn copy_that_cannot_be_read_says_where() {
    let service = Service::start().await;
    let address = "/v1/stories?slug=a&desk=b";
    for (kind, copy, place) in [
        ("text/plain", b"Caf\xe9\n\nText.".to_vec(), "byte 3"),
        ("text/plain", b"  \n ".to_vec(), "body"),
        ("text/plain", b"A\n\nB\x07.".to_vec(), "blocks[0].text"),
        ("application/json", b"{\"headline\": \"A\",}".to_vec(), "line 1 column 18"),
        ("application/json", b"{\"headline\": 3}".to_vec(), "headline"),
        ("application/json", b"[1]".to_vec(), "body"),
        ("application/json", b"3".to_vec(), "line 1 column 1"),
        ("application/octet-stream", b"<html><p>A".to_vec(), "body"),
    ] {
        let answer = service.send(Method::POST, address, &[("content-type", kind)], copy.clone()).await;
        assert_eq!(answer.status, 400);
        let problem = answer.problem("bad-copy");
        assert_eq!(problem["place"], place, "{:?}: {problem}", String::from_utf8_lossy(&copy));
    }
    assert_eq!(service.log.head().0, 0);
    service.stop().await;
}

#[tokio::test]
async fn copy_of_a_type_that_is_not_read_is_refused_with_those_that_are() {
    let service = Service::start().await;
    for headers in [
        [("content-type", "image/png"), ("x-a", "b")],
        [("content-type", "application/x-www-form-urlencoded"), ("x-a", "b")],
        [("content-type", "text/plain; charset=latin1"), ("x-a", "b")],
        [("content-type", "text/plain"), ("content-encoding", "gzip")],
    ] {
        let answer = service.send(Method::POST, "/v1/stories?slug=a&desk=b", &headers, "A\n\nB.").await;
        assert_eq!(answer.status, 415);
        let problem = answer.problem("unsupported-media-type");
        assert!(problem["supported"].as_array().unwrap().contains(&json!("text/markdown")), "{problem}");
    }
    service.stop().await;
}

#[tokio::test]
async fn what_the_newsroom_forbids_is_refused_with_its_reason() {
    let service = Service::start().await;
    for (address, copy, reason) in [
        ("/v1/stories?slug=a", "A\n\nB.", "desk-missing"),
        ("/v1/stories?slug=a&desk=b&kind=update", "A headline alone", "body-missing"),
    ] {
        let answer = service.post(address, &[], copy).await;
        assert_eq!((answer.status.as_u16(), &answer.problem("refused")["reason"]), (422, &json!(reason)));
    }
    service.file("/v1/stories?slug=a&desk=b", "A\n\nB.").await;
    let copy = json!({"blocks": [{"id": "b99", "text": "x"}]}).to_string();
    let json = [("content-type", "application/json")];
    let answer = service.send(Method::POST, "/v1/stories/a", &json, copy).await;
    let problem = answer.problem("refused");
    assert_eq!((&problem["reason"], &problem["place"]), (&json!("block-unknown"), &json!("blocks[0].id")));
    service.stop().await;
}

#[tokio::test]
async fn a_story_that_is_not_there_is_named() {
    let service = Service::start().await;
    for name in ["nothing", "0192f0c1-2345-7000-8000-000000000000", "not%20legal", "%C3%A9"] {
        let read = service.get(&format!("/v1/stories/{name}")).await;
        assert_eq!(read.status, 404);
        read.problem("not-found");
        service.post(&format!("/v1/stories/{name}"), &[], "A\n\nB.").await.problem("not-found");
    }
    let bytes = service.get("/v1/stories/%ff").await;
    assert_eq!(bytes.problem("bad-request")["place"], "path");
    assert_eq!(service.log.head().0, 0);
    service.stop().await;
}

#[tokio::test]
async fn a_request_has_the_id_that_its_caller_gave() {
    let service = Service::start().await;
    let given = service.send(Method::GET, "/livez", &[("x-request-id", "cms-12.a_b")], "").await;
    assert_eq!(given.header("x-request-id"), "cms-12.a_b");
    for bad in ["", "two words", &"x".repeat(65)] {
        let answer = service.send(Method::GET, "/v1/nothing", &[("x-request-id", bad)], "").await;
        assert_ne!(answer.problem("no-such-address")["request"], bad);
    }
    service.stop().await;
}
