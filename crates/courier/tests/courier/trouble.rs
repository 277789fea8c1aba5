//! Endpoints that do not answer, or not as they should.

use courier::{
    AddressError, Change, DeliveryState, EndpointState, NewEndpoint, Payload, Reach, WebhookError,
};
use log::Position;
use story::{Deed, Release};
use wire::http::WebhookFilter;

use crate::newsroom::{Newsroom, later, noon};
use crate::receiver::{Receiver, Reply};

#[tokio::test]
async fn a_dead_endpoint_delays_no_other() {
    let newsroom = Newsroom::start().await;
    let (dead, live) = (Receiver::start(|_, _| Reply::Never).await, Receiver::willing().await);
    let (dead_hook, _) = newsroom.hook(&dead.url).await;
    let (live_hook, _) = newsroom.hook(&live.url).await;
    for story in 0..20 {
        newsroom.file(&format!("story-{story}"), "Something happens").await;
    }
    // The dead one keeps hanging as many as it may; all of the other's arrive meanwhile.
    dead.wait(8).await;
    newsroom.over(&live_hook, 20).await;
    let waiting = newsroom.until(&dead_hook, |log| log.len() == 20).await;
    assert!(waiting.iter().all(|one| one.state == DeliveryState::Waiting && one.attempts == 0));
    assert_eq!(dead.got().len(), 8);
    drop(dead);
    newsroom.stop().await;
}

#[tokio::test]
async fn what_fails_is_tried_ten_times_under_one_id_and_then_given_up() {
    let newsroom = Newsroom::start().await;
    let receiver = Receiver::start(|_, _| Reply::Status(500)).await;
    let (id, secret) = newsroom.hook(&receiver.url).await;
    newsroom.file("fire", "Fire in the port").await;
    let mut now = noon();
    for attempt in 1..10 {
        let log = newsroom.until(&id, |log| log.first().is_some_and(|one| one.attempts == attempt)).await;
        assert_eq!((log[0].state, log[0].status), (DeliveryState::Waiting, Some(500)));
        now = log[0].due;
        newsroom.set(now);
    }
    let log = newsroom.over(&id, 1).await;
    assert_eq!((log[0].state, log[0].attempts), (DeliveryState::GivenUp, 10));
    assert!(now > later(noon(), 60 * 3_600) && now <= later(noon(), 76 * 3_600));
    let got = receiver.wait(10).await;
    assert!(got.iter().all(|one| one.header("webhook-id") == log[0].message && one.is_signed(&secret)));
    let disabled = newsroom.webhooks.show(&id).await.unwrap();
    let reason = disabled.reason.unwrap();
    assert_eq!(disabled.state, EndpointState::Failed);
    assert!(reason.contains("after 10 attempts") && reason.contains("answered 500"), "{reason}");
    newsroom.file("fire", "Fire is out").await;
    newsroom.viewed().await;
    let enabled = Change { enabled: Some(true), ..Change::default() };
    let enabled = newsroom.webhooks.change(&id, enabled).await.unwrap();
    assert_eq!((enabled.state, enabled.reason), (EndpointState::Enabled, None));
    assert_eq!(receiver.wait(11).await[10].revision().1, 2);
    newsroom.stop().await;
}

#[tokio::test]
async fn a_recall_goes_to_whoever_was_told_of_what_it_voids_whatever_they_ask_for() {
    let newsroom = Newsroom::start().await;
    let (told, other) = (Receiver::willing().await, Receiver::willing().await);
    let asks = |kind: &str| WebhookFilter { kinds: vec![kind.parse().unwrap()], ..WebhookFilter::default() };
    let (told_hook, _) = newsroom.add(&told.url, asks("update"), Payload::Full).await;
    let (other_hook, _) = newsroom.add(&other.url, asks("alert"), Payload::Full).await;
    let story = newsroom.file("fire", "Fire in the port").await;
    let rates = newsroom.push("rates", "Rates rise", Release::Draft).await;
    newsroom.over(&told_hook.id, 1).await;
    newsroom.act(story, Deed::Kill).await;
    newsroom.over(&told_hook.id, 2).await;
    let got = told.wait(2).await;
    assert_eq!(got[1].json()["data"]["kind"], "kill");
    assert_eq!(got[1].revision().0, story.to_string());
    // Whoever was never told of the story hears no more of it than of a draft.
    newsroom.act(rates, Deed::Kill).await;
    newsroom.viewed().await;
    let queued = newsroom.webhooks.test(&other_hook.id).await.unwrap();
    let log = newsroom
        .until(&other_hook.id, |log| log.iter().any(|one| one.id == queued.id && one.ended.is_some()));
    assert_eq!(log.await.len(), 1);
    newsroom.stop().await;
}

#[tokio::test]
async fn what_an_endpoint_asks_for_with_retry_after_is_kept() {
    let newsroom = Newsroom::start().await;
    let receiver = Receiver::start(|number, _| match number {
        0 => Reply::With(429, "retry-after", "3600".to_owned()),
        _ => Reply::Status(204),
    })
    .await;
    let (id, _) = newsroom.hook(&receiver.url).await;
    newsroom.file("fire", "Fire in the port").await;
    let log = newsroom.until(&id, |log| log.first().is_some_and(|one| one.attempts == 1)).await;
    assert_eq!((log[0].due, log[0].status), (later(noon(), 3_600), Some(429)));
    newsroom.set(later(noon(), 3_600));
    newsroom.over(&id, 1).await;
    newsroom.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_told_nothing_until_it_is_enabled_again() {
    let newsroom = Newsroom::start().await;
    let receiver = Receiver::start(|number, _| Reply::Status(if number == 0 { 410 } else { 200 })).await;
    let (id, _) = newsroom.hook(&receiver.url).await;
    newsroom.file("fire", "Fire in the port").await;
    newsroom.until(&id, |log| log.first().is_some_and(|one| one.attempts == 1)).await;
    // Whoever asks finds it so once the round is over.
    while newsroom.webhooks.show(&id).await.unwrap().state == EndpointState::Enabled {
        tokio::task::yield_now().await;
    }
    assert_eq!(newsroom.webhooks.show(&id).await.unwrap().state, EndpointState::Gone);
    let refused = newsroom.webhooks.test(&id).await.unwrap_err();
    assert!(matches!(refused, WebhookError::Disabled), "{refused}");
    newsroom.file("fire", "Fire is out").await;
    newsroom.viewed().await;
    assert_eq!(receiver.got().len(), 1);
    let enabled = Change { enabled: Some(true), ..Change::default() };
    newsroom.webhooks.change(&id, enabled).await.unwrap();
    newsroom.over(&id, 2).await;
    let got: Vec<_> = receiver.got().iter().map(|got| got.revision().1).collect();
    assert_eq!(got, [1, 1, 2]);
    newsroom.stop().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let newsroom = Newsroom::start().await;
    let inner = Receiver::willing().await;
    let address = inner.url.clone();
    let outer = Receiver::start(move |_, _| Reply::With(307, "location", address.clone())).await;
    let (id, _) = newsroom.hook(&outer.url).await;
    newsroom.file("fire", "Fire in the port").await;
    let log = newsroom.until(&id, |log| log.first().is_some_and(|one| one.attempts == 1)).await;
    assert_eq!((log[0].state, log[0].status), (DeliveryState::Waiting, Some(307)));
    assert!(inner.got().is_empty());
    newsroom.stop().await;
}

#[tokio::test]
async fn no_address_within_the_house_is_called_whatever_name_leads_there() {
    let folder = tempfile::tempdir().unwrap();
    let newsroom = Newsroom::reaching(folder, noon(), Reach::Public).await;
    let receiver = Receiver::willing().await;
    let add = async |url: &str| {
        let new = NewEndpoint {
            url: url.to_owned(),
            description: String::new(),
            filter: WebhookFilter::default(),
            payload: Payload::Full,
            after: Position::ZERO,
        };
        newsroom.webhooks.add(new).await
    };
    for (url, is_tls) in
        [(receiver.url.as_str(), false), ("https://127.0.0.1/", true), ("https://[::1]/", true)]
    {
        match add(url).await {
            Err(WebhookError::Address(AddressError::NotPublic(_))) if is_tls => {}
            Err(WebhookError::Address(AddressError::NoTls)) if !is_tls => {}
            other => panic!("{url}: {other:?}"),
        }
    }
    let port = receiver.url.rsplit(':').next().unwrap().split('/').next().unwrap();
    let (endpoint, _) = add(&format!("https://localhost:{port}/")).await.unwrap();
    newsroom.file("fire", "Fire in the port").await;
    let log = newsroom.until(&endpoint.id, |log| log.first().is_some_and(|one| one.attempts == 1)).await;
    assert!(log[0].error.as_deref().unwrap().contains("not a public address"), "{log:?}");
    assert!(receiver.got().is_empty());
    newsroom.stop().await;
}

#[tokio::test]
async fn what_was_taken_from_readers_while_it_waited_does_not_leave() {
    let newsroom = Newsroom::start().await;
    let receiver = Receiver::start(|number, _| Reply::Status(if number == 0 { 500 } else { 200 })).await;
    let (id, _) = newsroom.hook(&receiver.url).await;
    newsroom.push("draft", "Draft canary", Release::Draft).await;
    let story = newsroom.file("fire", "Poison canary").await;
    newsroom.until(&id, |log| log.first().is_some_and(|one| one.attempts == 1)).await;
    newsroom.file("fire", "More poison canary").await;
    newsroom.act(story, Deed::Kill).await;
    newsroom.viewed().await;
    newsroom.set(later(noon(), 5));
    let log =
        newsroom.until(&id, |log| log.last().is_some_and(|one| one.state == DeliveryState::Delivered)).await;
    assert_eq!(log[0].state, DeliveryState::Withdrawn, "{log:?}");
    for got in &receiver.got()[1..] {
        assert!(!String::from_utf8_lossy(&got.body).contains("canary"), "{got:?}");
    }
    assert_eq!(receiver.got().last().unwrap().json()["data"]["kind"], "kill");
    newsroom.stop().await;
}
