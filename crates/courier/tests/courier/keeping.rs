//! What is kept over restarts, and what is sent again when somebody asks.

use courier::{Clock, DeliveryState, EndpointId, Origin, Payload, Reach, Replay, WebhookError, Webhooks};
use log::{Epoch, Position};
use wire::http::WebhookFilter;

use crate::newsroom::{Newsroom, later, noon};
use crate::receiver::{Receiver, Reply};

#[tokio::test]
async fn a_restart_in_the_middle_loses_nothing_and_keeps_the_order() {
    let mut newsroom = Newsroom::start().await;
    let receiver = Receiver::start(|number, _| Reply::Status(if number < 3 { 503 } else { 200 })).await;
    let (id, secret) = newsroom.hook(&receiver.url).await;
    for (slug, headline) in
        [("fire", "Fire"), ("rates", "Rates rise"), ("storm", "Storm"), ("fire", "Fire is out")]
    {
        newsroom.file(slug, headline).await;
    }
    let failed = |log: &[courier::Delivery]| log.iter().filter(|one| one.attempts == 1).count() == 3;
    let before = newsroom.until(&id, failed).await;
    newsroom = newsroom.again(later(noon(), 5)).await;
    newsroom.file("storm", "Storm is over").await;
    let log = newsroom.over(&id, 5).await;
    assert!(log.iter().all(|one| one.state == DeliveryState::Delivered));
    let ids = |log: &[courier::Delivery]| log.iter().map(|one| one.message.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&log)[..before.len()], ids(&before));
    let got = receiver.wait(8).await;
    assert!(got.iter().all(|one| one.is_signed(&secret)));
    for one in &got[..3] {
        let again = got[3..].iter().find(|other| other.header("webhook-id") == one.header("webhook-id"));
        assert_eq!(again.unwrap().body, one.body);
    }
    let arrived: Vec<_> = got[3..].iter().map(crate::receiver::Got::revision).collect();
    let mut sorted = arrived.clone();
    sorted.sort_by_key(|(_, revision)| *revision);
    for (story, _) in &arrived {
        let of =
            |list: &[(String, u64)]| list.iter().filter(|one| one.0 == *story).cloned().collect::<Vec<_>>();
        assert_eq!(of(&arrived), of(&sorted));
    }
    newsroom.stop().await;
}

#[tokio::test]
async fn one_delivery_or_a_range_is_sent_again_under_the_ids_it_had() {
    let newsroom = Newsroom::start().await;
    let receiver = Receiver::willing().await;
    let filter = WebhookFilter { tag: Some("fire".to_owned()), ..WebhookFilter::default() };
    let (hook, secret) = newsroom.add(&receiver.url, filter, Payload::Full).await;
    for headline in ["Fire", "Fire grows", "Fire is out"] {
        newsroom.file("fire", headline).await;
        newsroom.file("rates", headline).await;
    }
    let log = newsroom.over(&hook.id, 3).await;
    let one = Replay::One(log[1].id);
    let queued = newsroom.webhooks.replay(&hook.id, one, &newsroom.views).await.unwrap();
    assert_eq!((queued.count, queued.one.unwrap().message), (1, log[1].message.clone()));
    newsroom.over(&hook.id, 4).await;
    let range = Replay::Range(Position(1), newsroom.views.position());
    let queued = newsroom.webhooks.replay(&hook.id, range, &newsroom.views).await.unwrap();
    assert_eq!((queued.count, queued.next), (2, None));
    let after = newsroom.over(&hook.id, 6).await;
    let origins: Vec<_> = after.iter().map(|one| one.origin).collect();
    assert_eq!(origins[2..], [Origin::Change, Origin::Replay, Origin::Replay, Origin::Replay]);
    let got = receiver.wait(6).await;
    let revisions: Vec<_> = got.iter().map(|one| one.revision().1).collect();
    assert_eq!(revisions, [1, 2, 3, 2, 2, 3]);
    assert!(got.iter().all(|one| one.is_signed(&secret)));
    assert_eq!(got[1].header("webhook-id"), got[3].header("webhook-id"));
    let unknown = Replay::One(courier::DeliveryId(99));
    let refused = newsroom.webhooks.replay(&hook.id, unknown, &newsroom.views).await.unwrap_err();
    assert!(matches!(refused, WebhookError::UnknownDelivery(99)), "{refused}");
    newsroom.stop().await;
}

#[tokio::test]
async fn what_is_removed_is_told_nothing_and_leaves_no_secret_behind() {
    let newsroom = Newsroom::start().await;
    let receiver = Receiver::willing().await;
    let (id, secret) = newsroom.hook(&receiver.url).await;
    newsroom.file("fire", "Fire").await;
    newsroom.over(&id, 1).await;
    newsroom.webhooks.remove(&id).await.unwrap();
    newsroom.file("fire", "Fire is out").await;
    newsroom.viewed().await;
    assert!(newsroom.webhooks.list().await.unwrap().is_empty());
    for refused in [newsroom.webhooks.test(&id).await.err(), newsroom.webhooks.rotate(&id).await.err()] {
        assert!(matches!(refused, Some(WebhookError::Unknown(_))), "{refused:?}");
    }
    assert_eq!(receiver.got().len(), 1);
    let folder = newsroom.stop().await;
    let file = std::fs::read(folder.path().join("courier.db")).unwrap();
    let contains = |words: &str| file.windows(words.len()).any(|part| part == words.as_bytes());
    assert!(!contains(&secret.expose()) && !contains("Fire"));
}

#[tokio::test]
async fn a_log_that_was_put_back_takes_endpoints_back_with_it() {
    let newsroom = Newsroom::start().await;
    let receiver = Receiver::start(|_, _| Reply::Status(500)).await;
    let (id, _) = newsroom.hook(&receiver.url).await;
    newsroom.file("fire", "Fire").await;
    newsroom.until(&id, |log| log.first().is_some_and(|one| one.attempts == 1)).await;
    let folder = newsroom.stop().await;
    let path = folder.path().join("courier.db");
    let open = |epoch, head| {
        let (clock, _) = Clock::standing(noon());
        Webhooks::open(&path, (Epoch(epoch), Position(head)), Reach::Private, clock).unwrap()
    };
    let log = async |webhooks: &Webhooks, id: &EndpointId| {
        webhooks.deliveries(id, courier::DeliveryFilter::default(), 9).await.unwrap()
    };
    let same = open(7, 1);
    assert_eq!(log(&same, &id).await[0].state, DeliveryState::Waiting);
    assert_eq!(same.show(&id).await.unwrap().cursor, Position(1));
    drop(same);
    let other = open(8, 0);
    assert_eq!(log(&other, &id).await[0].state, DeliveryState::Withdrawn);
    assert_eq!(other.show(&id).await.unwrap().cursor, Position(0));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_file_and_a_foreign_one_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("courier.db");
    let open = || {
        let (clock, _) = Clock::standing(noon());
        Webhooks::open(&path, (Epoch(7), Position(0)), Reach::Public, clock)
    };
    drop(open().unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&path, "not a database, and long enough to be looked at as one").unwrap();
    assert!(open().is_err());
}
