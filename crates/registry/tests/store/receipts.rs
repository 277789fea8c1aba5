//! Receipts, departures and denials.

use jiff::Timestamp;
use registry::{
    Act, Denial, Departure, NumberedRange, Principal, RecallCount, RecallLine, RecallQuery, authorize,
};
use story::Revision;

use crate::{Place, actor, at, story};

fn recall() -> RecallQuery {
    RecallQuery { story: story(1), voided: vec![Revision(2), Revision(3)], recall: Revision(4) }
}

#[tokio::test]
async fn a_recall_knows_who_got_what_and_who_has_acknowledged() {
    let mut place = Place::new().await;
    for (who, number, revision) in
        [("a", 1, 1), ("a", 1, 2), ("a", 1, 3), ("b", 1, 2), ("c", 1, 1), ("c", 1, 4), ("d", 2, 3)]
    {
        place.registry.delivered(&actor(who), story(number), Revision(revision), at(1)).await.expect("noted");
    }
    for (who, recall, second) in [("b", 4, 10), ("b", 4, 20), ("e", 4, 11), ("a", 9, 12)] {
        let recall = Revision(recall);
        place.registry.acknowledged(&actor(who), story(1), recall, at(second)).await.expect("noted");
    }
    place.reopen().await;
    let line = |who, got: Option<u64>, acknowledged: Option<Timestamp>| RecallLine {
        subscriber: actor(who),
        got: got.map(Revision),
        acknowledged,
    };
    let all = [line("a", Some(3), None), line("b", Some(2), Some(at(10))), line("e", None, Some(at(11)))];
    let count = RecallCount { got: 2, acknowledged: 1 };
    let status = place.registry.recall_status(recall(), None, 10).await.expect("read");
    assert_eq!(status, (count, all.to_vec()));
    let (_, first) = place.registry.recall_status(recall(), None, 1).await.expect("read");
    let (counted, rest) =
        place.registry.recall_status(recall(), Some(&first[0].subscriber), 10).await.expect("read");
    assert_eq!((first.as_slice(), rest.as_slice()), all.split_at(1));
    assert_eq!(counted, count, "a page counts everybody");
}

#[tokio::test]
async fn a_recalls_numbers_and_lines_are_of_one_moment() {
    let place = Place::new().await;
    let acknowledging = async {
        for number in 0..200 {
            let who = actor(&format!("s-{number}"));
            place.registry.delivered(&who, story(1), Revision(2), at(1)).await.expect("noted");
            place.registry.acknowledged(&who, story(1), Revision(4), at(2)).await.expect("noted");
        }
    };
    let reading = async {
        loop {
            let (count, lines) = place.registry.recall_status(recall(), None, 200).await.expect("read");
            let got = lines.iter().filter(|line| line.got.is_some()).count() as u64;
            let acknowledged = lines.iter().filter(|line| line.acknowledged.is_some()).count() as u64;
            assert_eq!(count, RecallCount { got, acknowledged });
            if acknowledged == 200 {
                break;
            }
        }
    };
    tokio::join!(acknowledging, reading);
}

#[tokio::test]
async fn old_deliveries_can_be_forgotten() {
    let place = Place::new().await;
    for second in [1, 2, 3] {
        let who = actor(&format!("s-{second}"));
        place.registry.delivered(&who, story(1), Revision(2), at(second)).await.expect("noted");
    }
    assert_eq!(place.registry.forget_deliveries(at(3)).await.expect("forgotten"), 2);
    assert_eq!(place.registry.recall_status(recall(), None, 0).await.expect("read").0.got, 1);
}

#[tokio::test]
async fn a_number_that_no_revision_has_is_no_failure() {
    let place = Place::new().await;
    let (who, huge) = (actor("a"), Revision(u64::MAX));
    place.registry.delivered(&who, story(1), huge, at(1)).await.expect("noted");
    place.registry.acknowledged(&who, story(1), huge, at(1)).await.expect("noted");
    place.registry.departed(story(1), huge, "http".parse().expect("a door"), at(1)).await.expect("noted");
    let query = RecallQuery { story: story(2), voided: vec![huge], recall: huge };
    assert_eq!(place.registry.recall_status(query, None, 10).await.expect("read").1, []);
    assert_eq!(place.registry.find_request(registry::RequestId(u64::MAX)).await.expect("read"), None);
}

#[tokio::test]
async fn the_first_departure_stands() {
    let mut place = Place::new().await;
    for (revision, door, second) in
        [(2, "http", 5), (1, "nats", 1), (1, "http", 3), (1, "nats", 9), (2, "http", 1)]
    {
        let door = door.parse().expect("a door");
        place.registry.departed(story(1), Revision(revision), door, at(second)).await.expect("noted");
    }
    place.reopen().await;
    let all: Vec<_> = [(1, "http", 3), (1, "nats", 1), (2, "http", 5)]
        .into_iter()
        .map(|(revision, door, second)| Departure {
            revision: Revision(revision),
            door: door.parse().expect("a door"),
            at: at(second),
        })
        .collect();
    assert_eq!(place.registry.departures(story(1), None, 10).await.expect("read"), all);
    let after = Some((all[0].revision, all[0].door.clone()));
    assert_eq!(place.registry.departures(story(1), after, 10).await.expect("read"), all[1..]);
    assert_eq!(place.registry.departures(story(2), None, 10).await.expect("read"), []);
}

#[tokio::test]
async fn a_departure_that_is_noted_without_waiting_is_kept_and_the_first_stands() {
    let mut place = Place::new().await;
    let departure =
        |second| Departure { revision: Revision(2), door: "http".parse().expect("a door"), at: at(second) };
    for second in [5, 3] {
        assert!(place.registry.note_departure(story(1), departure(second)));
    }
    assert_eq!(place.registry.departures(story(1), None, 10).await.expect("read"), [departure(5)]);
    assert!(place.registry.note_departure(story(2), departure(9)));
    place.reopen().await;
    assert_eq!(place.registry.departures(story(2), None, 10).await.expect("read"), [departure(9)]);
    assert_eq!(place.registry.departures_not_kept().await.expect("read"), 0);
}

#[tokio::test]
async fn a_denial_is_kept_as_it_was() {
    let mut place = Place::new().await;
    let world = "world".parse().expect("a desk");
    let denied = authorize(&Principal::Public, Act::Kill, Some(&world)).expect_err("denied");
    let denial = Denial::of(&denied, at(7), Some(story(3)), "http".parse().expect("a door"));
    place.registry.deny(denial.clone());
    let range = NumberedRange { from: at(0), to: at(10), before: None };
    for _ in 0..2 {
        let kept = place.registry.denials(range, 10).await.expect("read");
        assert_eq!((kept.len(), kept[0].number, &kept[0].denial), (1, 1, &denial));
        place.reopen().await;
    }
    for (from, to) in [(8, 10), (0, 7)] {
        let range = NumberedRange { from: at(from), to: at(to), before: None };
        assert_eq!(place.registry.denials(range, 10).await.expect("read"), []);
    }
}

#[tokio::test]
async fn a_flood_of_denials_is_kept_or_counted_and_holds_up_nobody() {
    const FLOOD: u64 = 30_000;
    let mut place = Place::new().await;
    let denied = authorize(&Principal::Public, Act::File, None).expect_err("denied");
    let floods: Vec<_> = (0..3)
        .map(|_| {
            let (registry, denied) = (place.registry.clone(), denied.clone());
            std::thread::spawn(move || {
                for _ in 0..FLOOD / 3 {
                    registry.deny(Denial::of(&denied, at(1), None, "http".parse().expect("a door")));
                }
            })
        })
        .collect();
    place.actor("ann", &[]).await; // Answered, whatever the flood does.
    for flood in floods {
        flood.join().expect("ended");
    }
    place.reopen().await;
    let (mut kept, mut before) = (0, None);
    loop {
        let range = NumberedRange { from: at(0), to: at(2), before };
        let page = place.registry.denials(range, 1_000).await.expect("read");
        let Some(last) = page.last() else { break };
        before = Some(last.number);
        kept += page.len() as u64;
    }
    assert_eq!(kept + place.registry.denials_not_kept().await.expect("read"), FLOOD);
    assert!(kept > 0);
}
