//! Webhooks over HTTP: who may, what is refused, and what is shown.

use reqwest::Method;
use serde_json::json;

use crate::service::{Answer, Service};

async fn ask(service: &Service, method: Method, address: &str, body: &serde_json::Value) -> Answer {
    service.ask(method, address, &service.owner, body).await
}

#[tokio::test]
async fn a_webhook_is_added_changed_and_removed_and_its_secret_is_shown_once() {
    let service = Service::start().await;
    let body = json!({"url": "https://example.com/hook", "filter": {"desk": "world"}, "payload": "thin"});
    let added = ask(&service, Method::POST, "/v1/webhooks", &body).await.json();
    let (id, secret) = (added["webhook"].as_str().unwrap(), added["secret"].as_str().unwrap());
    assert!(secret.starts_with("whsec_") && added["state"] == "enabled", "{added}");
    let address = format!("/v1/webhooks/{id}");
    let shown = service.look(&address, &service.owner).await;
    assert!(!shown.text().contains("whsec_"), "{}", shown.text());
    assert_eq!(shown.json()["filter"], json!({"desk": "world", "headline_only": false}));
    let listed = service.look("/v1/webhooks", &service.owner).await.json();
    assert_eq!(listed["webhooks"], json!([shown.json()]));
    let disable = json!({"enabled": false, "description": "The app"});
    let changed = ask(&service, Method::PATCH, &address, &disable).await.json();
    assert_eq!((&changed["state"], &changed["description"]), (&"disabled".into(), &"The app".into()));
    let refused = ask(&service, Method::POST, &format!("{address}/test"), &json!({})).await;
    assert_eq!(refused.problem("refused")["reason"], "webhook-disabled");
    let rotated = ask(&service, Method::POST, &format!("{address}/secret/rotate"), &json!({})).await.json();
    assert!(rotated["secret"].as_str().unwrap() != secret, "{rotated}");
    ask(&service, Method::PATCH, &address, &json!({"enabled": true})).await;
    let test = ask(&service, Method::POST, &format!("{address}/test"), &json!({})).await.json();
    assert_eq!((&test["origin"], &test["state"]), (&"test".into(), &"waiting".into()));
    let deliveries = format!("{address}/deliveries");
    let log = service.look(&format!("{deliveries}?state=waiting&limit=1"), &service.owner).await.json();
    assert_eq!(log["deliveries"], json!([test]));
    let replay = json!({"after": "earliest"});
    let replayed = ask(&service, Method::POST, &format!("{address}/replay"), &replay).await.json();
    assert_eq!(replayed["queued"], 0);
    ask(&service, Method::DELETE, &address, &json!({})).await;
    service.look(&address, &service.owner).await.problem("not-registered");
    service.stop().await;
}

#[tokio::test]
async fn what_a_webhook_may_not_be_is_refused_and_says_why() {
    let service = Service::start().await;
    for (body, part) in [
        (json!({}), "url: it is needed"),
        (json!({"url": "http://example.com/"}), "must begin with https://"),
        (json!({"url": "https://127.0.0.1/"}), "is not a public address"),
        (json!({"url": "https://[fd00::1]/"}), "is not a public address"),
        (json!({"url": "https://example.com/", "payload": "fat"}), "neither full nor thin"),
        (json!({"url": "https://example.com/", "since": "soon"}), "earliest"),
        (json!({"url": "https://example.com/", "zzz": 1}), "unknown field"),
    ] {
        let refused = ask(&service, Method::POST, "/v1/webhooks", &body).await.problem("bad-request");
        assert!(refused["detail"].as_str().unwrap().contains(part), "{body}: {refused}");
    }
    let added = ask(&service, Method::POST, "/v1/webhooks", &json!({"url": "https://example.com/"})).await;
    let address = format!("/v1/webhooks/{}", added.json()["webhook"].as_str().unwrap());
    for body in [json!({}), json!({"delivery": 1, "after": "earliest"}), json!({"upto": "now"})] {
        ask(&service, Method::POST, &format!("{address}/replay"), &body).await.problem("bad-request");
    }
    let unknown = ask(&service, Method::POST, &format!("{address}/replay"), &json!({"delivery": 9})).await;
    unknown.problem("not-registered");
    service.look(&format!("{address}/deliveries?state=lost"), &service.owner).await.problem("bad-request");
    service.stop().await;
}

#[tokio::test]
async fn only_who_runs_the_service_gets_near_webhooks() {
    let service = Service::start().await;
    let body = json!({"url": "https://example.com/"});
    let editor = service.key_of("ed", &["editor@*"]).await;
    for (method, address) in [
        (Method::GET, "/v1/webhooks"),
        (Method::POST, "/v1/webhooks"),
        (Method::GET, "/v1/webhooks/wh_0123456789abcdef"),
        (Method::PATCH, "/v1/webhooks/wh_0123456789abcdef"),
        (Method::DELETE, "/v1/webhooks/wh_0123456789abcdef"),
        (Method::POST, "/v1/webhooks/wh_0123456789abcdef/secret/rotate"),
        (Method::POST, "/v1/webhooks/wh_0123456789abcdef/test"),
        (Method::GET, "/v1/webhooks/wh_0123456789abcdef/deliveries"),
        (Method::POST, "/v1/webhooks/wh_0123456789abcdef/replay"),
    ] {
        let refused = service.ask(method.clone(), address, "wt_nobody", &body).await;
        assert_eq!(refused.status, 401, "{method} {address}");
        assert_eq!(
            service.ask(method.clone(), address, &editor, &body).await.status,
            403,
            "{method} {address}"
        );
    }
    service.stop().await;
}
