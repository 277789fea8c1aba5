//! The second person when something is in the way: no right, no time, a story that moved on, a crash
//! in between. Nothing is done twice, and nothing that ended is kept.

use jiff::{Timestamp, ToSpan};
use registry::{Guarded, Policy, RequestId, Verdict};
use reqwest::Method;
use serde_json::{Value, json};

use crate::second::{CORRECTION, People};
use crate::service::Service;

const CORRECTED: &str = "Talks resume in Cairo\n\nDelegates met on Monday.\n\nTwo people were hurt.";
const SECRET: &str = "met on Monday";

impl Service {
    /// Has ana ask for a kill under the key `k1`; returns the request.
    async fn kill_asked(&self, ana: &str) -> u64 {
        let headers = [("authorization", &*format!("Bearer {ana}")), ("idempotency-key", "k1")];
        let body = json!({"reason": "forged"}).to_string();
        let kept = self.send(Method::POST, "/v1/stories/talks/acts/kill", &headers, body).await;
        self.kept(&kept, "kill", 1)
    }

    async fn state(&self, key: &str, request: u64) -> Value {
        self.look(&format!("/v1/requests/{request}"), key).await.json()["state"].clone()
    }

    async fn decided(&self, request: u64) {
        let bob = "bob".parse().unwrap();
        self.registry.decide(RequestId(request), &bob, Verdict::Approve, Timestamp::now()).await.unwrap();
    }
}

#[tokio::test]
async fn only_who_may_approve_and_do_it_themselves_approves() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let kept = service.copy_by(&ana, CORRECTION, "", CORRECTED).await;
    let request = service.kept(&kept, "correction", 1);
    for (grant, problem) in [
        ("reporter@world", "not-registered"),
        ("editor@sports", "not-registered"),
        ("auditor@world", "forbidden"),
        // It may approve, and may not correct.
        ("legal@world", "forbidden"),
    ] {
        let other = service.key_of(&grant.replace('@', "-"), &[grant]).await;
        service.approve(&other, request).await.problem(problem);
    }
    service.approve("wt_none", request).await.problem("unauthorized");
    service.approve(&bob, 99).await.problem("not-registered");
    assert_eq!((service.state(&ana, request).await, service.log.head().0), (json!("pending"), 1));
    // Of copy that moves its story, the approver must be someone on both desks.
    service.ask(Method::PATCH, "/v1/actors/ana", &service.owner, &json!({"grants": ["editor@*"]})).await;
    let moving = service.copy_by(&ana, &format!("{CORRECTION}&desk=sports"), "", CORRECTED).await;
    let request = service.kept(&moving, "correction", 1);
    service.approve(&bob, request).await.problem("forbidden");
    service.stop().await;
}

#[tokio::test]
async fn what_is_approved_twice_at_once_is_done_once() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let carl = service.key_of("carl", &["editor@world"]).await;
    let request = service.kill_asked(&ana).await;
    let keys = [&bob, &carl, &bob, &carl];
    let answers = futures::future::join_all(keys.map(|key| service.approve(key, request))).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((done, service.log.head().0), (1, 2), "{answers:?}");
    for late in answers.iter().filter(|answer| answer.status != 200) {
        let reason = late.problem("refused")["reason"].clone();
        assert!(reason == "request-at-work" || reason == "request-decided", "{reason}");
    }
    service.stop().await;
}

#[tokio::test]
async fn what_was_approved_before_a_crash_is_done_when_it_is_approved_again() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let request = service.kill_asked(&ana).await;
    service.decided(request).await;
    let service = service.restarted().await;
    let own = service.approve(&ana, request).await;
    assert_eq!(own.problem("refused")["reason"], "same-person");
    let done = service.approve(&bob, request).await.json();
    assert_eq!((&done["kind"], service.log.head().0), (&json!("kill"), 2), "{done}");
    assert_eq!(service.state(&ana, request).await, "executed");
    service.stop().await;
}

#[tokio::test]
async fn what_was_done_before_a_crash_and_not_noted_is_noted_and_not_done_twice() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let request = service.kill_asked(&ana).await;
    // As if the crash had come between the two: the log has the command, the registry does not say so.
    service.registry.set_policy(Policy::default()).await.unwrap();
    let headers = [("authorization", &*format!("Bearer {ana}")), ("idempotency-key", "k1")];
    let body = json!({"reason": "forged"}).to_string();
    let killed = service.send(Method::POST, "/v1/stories/talks/acts/kill", &headers, body).await;
    assert_eq!(killed.json()["revision"], 2);
    service.decided(request).await;
    let service = service.restarted().await;
    let done = service.approve(&bob, request).await.json();
    assert_eq!((&done["repeated"], &done["revision"]), (&json!(true), &json!(2)), "{done}");
    assert_eq!((service.log.head().0, service.state(&ana, request).await), (2, json!("executed")));
    service.stop().await;
}

#[tokio::test]
async fn what_was_cut_off_is_finished_without_being_asked() {
    let service = Service::start().await;
    let People { ana, .. } = service.guarded().await;
    let request = service.kill_asked(&ana).await;
    let kept = service.copy_by(&ana, CORRECTION, "k2", CORRECTED).await;
    let waits = service.kept(&kept, "correction", 1);
    service.decided(request).await;
    service.gateway.finish_approved().await;
    assert_eq!(service.log.head().0, 1, "whoever approved it is at it");
    let service = service.restarted().await;
    service.gateway.finish_approved().await;
    assert_eq!((service.log.head().0, service.state(&ana, request).await), (2, json!("executed")));
    assert_eq!(service.state(&ana, waits).await, "pending");
    service.gateway.finish_approved().await;
    assert_eq!(service.log.head().0, 2);
    service.stop().await;
}

#[tokio::test]
async fn a_correction_keeps_what_came_since_or_fails_with_the_reason() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let kept = service.copy_by(&ana, CORRECTION, "", CORRECTED).await;
    let (first, second) = (service.kept(&kept, "correction", 1), {
        let other = CORRECTED.replace("Monday", "Friday");
        let kept = service.copy_by(&ana, CORRECTION, "", &other).await;
        service.kept(&kept, "correction", 1)
    });
    // Another editor changes another paragraph meanwhile: both stand.
    let since = "Talks resume in Cairo\n\nDelegates met on Sunday.\n\nNine people were hurt.";
    service.copy_by(&bob, "/v1/stories/talks", "", since).await.json();
    let done = service.approve(&bob, first).await.json();
    assert_eq!((&done["rebased"], &done["revision"]), (&json!(1), &json!(3)), "{done}");
    service.views.reached(service.log.head()).await;
    let now = service.get("/v1/stories/talks").await;
    assert!(now.text().contains("Nine") && now.text().contains("Monday"), "{now:?}");
    // And then the same paragraph: a person must choose.
    let shown = service.look(&format!("/v1/requests/{second}"), &bob).await.json();
    assert!(shown["content"]["problem"].as_str().unwrap().contains("changed since"), "{shown}");
    let failed = service.approve(&bob, second).await.problem("conflict");
    assert_eq!(failed["request_number"], second);
    let view = service.look(&format!("/v1/requests/{second}"), &ana).await.json();
    assert_eq!((&view["state"], service.log.head().0), (&json!("failed"), 3), "{view}");
    assert!(view["reason"].as_str().unwrap().contains("changed since"), "{view}");
    assert!(!service.holds("met on Friday"), "the text of what failed is erased");
    service.stop().await;
}

#[tokio::test]
async fn what_the_story_no_longer_takes_fails() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let request = service.kill_asked(&ana).await;
    service.registry.set_policy(Policy::default().with(Guarded::Alert)).await.unwrap();
    let killed =
        service.ask(Method::POST, "/v1/stories/talks/acts/kill", &bob, &json!({"reason": "again"})).await;
    assert_eq!(killed.status, 200);
    let failed = service.approve(&bob, request).await.problem("refused");
    assert_eq!((&failed["reason"], &failed["request_number"]), (&json!("status-forbids"), &json!(request)));
    assert_eq!(service.state(&ana, request).await, "failed");
    // An alert for a story that has come to be meanwhile is none any more.
    let kept = service.copy_by(&ana, "/v1/stories?slug=quake&desk=world", "", "Quake hits Lima").await;
    let request = service.kept(&kept, "alert", 2);
    let other = "Quake hits Lima\n\nNobody was hurt.";
    assert_eq!(service.copy_by(&bob, "/v1/stories?slug=quake&desk=world", "", other).await.status, 201);
    service.approve(&bob, request).await.problem("conflict");
    assert_eq!((service.state(&ana, request).await, service.log.head().0), (json!("failed"), 3));
    service.stop().await;
}

#[tokio::test]
async fn nothing_of_what_was_refused_or_expired_is_kept() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let mut ends = Vec::new();
    for _ in 0..2 {
        let kept = service.copy_by(&ana, CORRECTION, "", CORRECTED).await;
        ends.push(service.kept(&kept, "correction", 1));
    }
    assert!(service.holds(SECRET), "or this test would prove nothing");
    service.ask(Method::POST, &format!("/v1/requests/{}/refuse", ends[0]), &bob, &Value::Null).await.json();
    assert!(service.holds(SECRET));
    service.registry.expire_requests(Timestamp::now() + 25.hours()).await.unwrap();
    assert!(!service.holds(SECRET), "the words are in no file");
    let late = service.approve(&bob, ends[1]).await;
    assert_eq!(late.problem("refused")["reason"], "request-expired");
    assert_eq!((service.state(&ana, ends[1]).await, service.log.head().0), (json!("expired"), 1));
    service.stop().await;
}

#[tokio::test]
async fn what_its_asker_may_no_longer_do_is_not_approved() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let request = service.kill_asked(&ana).await;
    let grants = json!({"grants": ["reporter@world"]});
    service.ask(Method::PATCH, "/v1/actors/ana", &service.owner, &grants).await.json();
    let lost = service.approve(&bob, request).await.problem("refused");
    assert_eq!((&lost["reason"], &lost["actor"]), (&json!("right-lost"), &json!("ana")), "{lost}");
    service.ask(Method::DELETE, "/v1/actors/ana", &service.owner, &Value::Null).await.json();
    let removed = service.approve(&bob, request).await.problem("refused");
    assert_eq!(removed["reason"], "right-lost");
    assert_eq!((service.state(&bob, request).await, service.log.head().0), (json!("pending"), 1));
    // What was approved before the right was lost is not done after it either.
    let carl = service.key_of("carl", &["editor@world"]).await;
    let asked =
        service.ask(Method::POST, "/v1/stories/talks/acts/kill", &carl, &json!({"reason": "forged"})).await;
    let request = service.kept(&asked, "kill", 1);
    service.decided(request).await;
    let grants = json!({"grants": ["reporter@world"]});
    service.ask(Method::PATCH, "/v1/actors/bob", &service.owner, &grants).await.json();
    let service = service.restarted().await;
    service.gateway.finish_approved().await;
    assert_eq!((service.state(&carl, request).await, service.log.head().0), (json!("failed"), 1));
    service.stop().await;
}

#[tokio::test]
async fn whoever_acts_for_another_is_the_asker_and_neither_approves() {
    let service = Service::start().await;
    let People { bob, .. } = service.guarded().await;
    let correction = format!("{CORRECTION}&actor=bob");
    let kept = service.copy_by(&service.owner, &correction, "", CORRECTED).await;
    let request = service.kept(&kept, "correction", 1);
    for key in [&service.owner, &bob] {
        let own = service.approve(key, request).await;
        assert_eq!(own.problem("refused")["reason"], "same-person");
    }
    service.stop().await;
}
