//! What arrives, in which order, and how it is signed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use courier::{DeliveryState, Payload, SECRET_OVERLAP};
use story::Level;
use wire::http::WebhookFilter;

use crate::newsroom::{Newsroom, later, noon};
use crate::receiver::{Receiver, Reply};

#[tokio::test]
async fn a_change_arrives_signed_as_the_standards_own_library_wants_it() {
    let newsroom = Newsroom::start().await;
    let receiver = Receiver::willing().await;
    let (id, secret) = newsroom.hook(&receiver.url).await;
    let story = newsroom.file("fire", "Fire in the port").await;
    let got = receiver.wait(1).await.remove(0);
    got.verify(&secret);
    let log = newsroom.over(&id, 1).await;
    assert_eq!((log[0].state, log[0].status, log[0].attempts), (DeliveryState::Delivered, Some(200), 1));
    assert_eq!(got.header("webhook-id"), log[0].message);
    assert_eq!(got.header("webhook-timestamp"), noon().as_second().to_string());
    assert_eq!((got.header("content-type"), got.revision()), ("application/json", (story.to_string(), 1)));
    // Byte for byte what goes out over NATS.
    let change = newsroom.views.changes(log::Position::ZERO, 1).await.unwrap().remove(0);
    assert_eq!(got.body, change.event);
    newsroom.stop().await;
}

#[tokio::test]
async fn an_endpoint_is_told_what_it_asks_for_and_as_thin_as_it_asks() {
    let newsroom = Newsroom::start().await;
    let (thin, all, other) =
        (Receiver::willing().await, Receiver::willing().await, Receiver::willing().await);
    let tagged = WebhookFilter {
        tag: Some("fire".to_owned()),
        min_significance: Some(Level::Substantive),
        ..WebhookFilter::default()
    };
    let elsewhere = WebhookFilter { desk: Some("sport".parse().unwrap()), ..WebhookFilter::default() };
    let (thin_hook, secret) = newsroom.add(&thin.url, tagged, Payload::Thin).await;
    let (other_hook, _) = newsroom.add(&other.url, elsewhere, Payload::Full).await;
    let (all_hook, _) = newsroom.hook(&all.url).await;
    newsroom.file("rates", "Rates rise").await;
    let fire = newsroom.file("fire", "Fire in the port").await;
    newsroom.over(&all_hook, 2).await;
    newsroom.over(&thin_hook.id, 1).await;
    let got = thin.wait(1).await.remove(0);
    got.verify(&secret);
    let data = &got.json()["data"];
    assert_eq!(data["ref"], format!("/v1/stories/{fire}?as_of=rev:1"));
    assert!(data.get("snapshot").is_none() && data.get("ops").is_none(), "{data}");
    assert!(newsroom.log_of(&other_hook.id).await.is_empty() && other.got().is_empty());
    newsroom.stop().await;
}

#[tokio::test]
async fn the_next_change_of_a_story_waits_and_other_stories_go_on() {
    let newsroom = Newsroom::start().await;
    let fire = newsroom.push("fire", "Fire", story::Release::Draft).await;
    let (is_well, burning) = (Arc::new(AtomicBool::new(false)), fire.to_string());
    let told = Arc::clone(&is_well);
    let receiver = Receiver::start(move |_, got| {
        let is_fire = got.revision().0 == burning;
        Reply::Status(if is_fire && !told.load(Ordering::SeqCst) { 500 } else { 200 })
    })
    .await;
    let (id, _) = newsroom.hook(&receiver.url).await;
    for headline in ["Fire in the port", "Fire in the old port", "Fire is out"] {
        newsroom.file("fire", headline).await;
    }
    let rates = newsroom.file("rates", "Rates rise").await;
    newsroom.file("rates", "Rates rise again").await;
    let log = newsroom
        .until(&id, |log| {
            let delivered = log.iter().filter(|one| one.state == DeliveryState::Delivered).count();
            log.len() == 5 && delivered == 2 && log[0].attempts == 1
        })
        .await;
    // The first waits for its time, the others of its story for the first.
    let attempts: Vec<_> = log.iter().map(|one| one.attempts).collect();
    assert_eq!(attempts, [1, 0, 0, 1, 1]);
    is_well.store(true, Ordering::SeqCst);
    newsroom.set(later(noon(), 5));
    newsroom.over(&id, 5).await;
    let got: Vec<_> = receiver.got().iter().map(crate::receiver::Got::revision).collect();
    let of = |story: story::StoryId| {
        let story = story.to_string();
        got.iter().filter(|(of, _)| *of == story).map(|(_, revision)| *revision).collect::<Vec<_>>()
    };
    assert_eq!((of(fire), of(rates)), (vec![2, 2, 3, 4], vec![1, 2]));
    newsroom.stop().await;
}

#[tokio::test]
async fn the_secret_before_signs_beside_the_new_one_for_a_day() {
    let newsroom = Newsroom::start().await;
    let receiver = Receiver::willing().await;
    let (id, old) = newsroom.hook(&receiver.url).await;
    let (new, until) = newsroom.webhooks.rotate(&id).await.unwrap();
    assert_eq!(until, noon() + SECRET_OVERLAP);
    newsroom.file("fire", "Fire in the port").await;
    let both = receiver.wait(1).await.remove(0);
    assert!(both.is_signed(&new) && both.is_signed(&old));
    assert_eq!(both.header("webhook-signature").split(' ').count(), 2);
    newsroom.set(until);
    newsroom.file("fire", "Fire is out").await;
    let one = receiver.wait(2).await.remove(1);
    assert!(
        one.is_signed(&new) && !one.is_signed(&old) && !one.is_signed(&newsroom.hook(&receiver.url).await.1)
    );
    newsroom.stop().await;
}

#[tokio::test]
async fn a_test_arrives_signed_and_has_no_word_of_any_story() {
    let newsroom = Newsroom::start().await;
    let receiver = Receiver::willing().await;
    newsroom.push("fire", "Draft canary", story::Release::Draft).await;
    let (id, secret) = newsroom.hook(&receiver.url).await;
    let queued = newsroom.webhooks.test(&id).await.unwrap();
    let got = receiver.wait(1).await.remove(0);
    got.verify(&secret);
    assert_eq!(got.header("webhook-id"), queued.message);
    assert_eq!(got.json()["type"], "io.writethru.webhook.test.v1");
    let log = newsroom.over(&id, 1).await;
    assert!(log[0].change.is_none() && !String::from_utf8_lossy(&got.body).contains("canary"));
    newsroom.stop().await;
}

#[tokio::test]
async fn what_is_under_embargo_leaves_at_its_end_and_the_audit_hears_of_it() {
    let newsroom = Newsroom::start().await;
    let receiver = Receiver::willing().await;
    let (id, _) = newsroom.hook(&receiver.url).await;
    let end = later(noon(), 30 * 24 * 3_600);
    let story = newsroom.push("fire", "Secret canary", story::Release::Embargo(end)).await;
    newsroom.file("rates", "Rates rise").await;
    newsroom.over(&id, 1).await;
    assert!(newsroom.left.lock().unwrap().is_empty());
    newsroom.act(story, story::Deed::LiftEmbargo).await;
    newsroom.over(&id, 2).await;
    let got = receiver.wait(2).await;
    assert!(!String::from_utf8_lossy(&got[0].body).contains("canary"));
    assert_eq!(got[1].revision().0, story.to_string());
    assert_eq!(newsroom.left.lock().unwrap().iter().map(|left| left.story).collect::<Vec<_>>(), [story]);
    newsroom.stop().await;
}
