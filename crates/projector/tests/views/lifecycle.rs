//! What leaves by which door once a story is taken from readers, and when it comes back.

use crate::service::{Service, views_path};
use std::fmt::Write as _;

use jiff::Timestamp;
use log::Position;
use story::significance::Code;
use story::{Deed, Kind, Level, Release, Restored, Revision, Status, StoryId, Takedowns};
use wire::{CloudEvent, Recall};
use writethru_projector::{AsOf, ChangeRow, Progress, StoryFilter, View, Views, compare};

const RESTORE: Deed = Deed::Restore { to: Restored::Usable, takedowns: Takedowns::Lift };
const RESTORE_DRAFT: Deed = Deed::Restore { to: Restored::Draft, takedowns: Takedowns::Lift };

/// The revisions that a reader gets at each door of the views.
#[derive(Debug, PartialEq, Eq)]
struct Reached {
    by_revision: Vec<u64>,
    states: Vec<u64>,
    history: Vec<u64>,
    changes: Vec<u64>,
}

fn all(revisions: &[u64]) -> Reached {
    let revisions = revisions.to_vec();
    Reached {
        by_revision: revisions.clone(),
        states: revisions.clone(),
        history: revisions.clone(),
        changes: revisions,
    }
}

async fn reached(views: &Views, story: StoryId) -> Reached {
    let mut reached = all(&[]);
    for revision in 1..=20 {
        let at = AsOf::Revision(revision);
        if views.article(story, at, View::Public).await.expect("a read").is_some() {
            reached.by_revision.push(revision);
        }
        if views.state(story, Revision(revision), View::Public).await.expect("a read").is_some() {
            reached.states.push(revision);
        }
    }
    let history = views.history(story, Revision::ZERO, 100, View::Public).await.expect("a read");
    for line in &history {
        reached.history.push(line.revision.get());
        let inside = (line.status, line.until, line.rebased, &line.reason, &line.approver);
        assert_eq!(inside, (None, None, None, &None, &None), "readers see {line:?}");
    }
    for row in views.changes(Position::ZERO, 100).await.expect("changes") {
        if row.story == story {
            reached.changes.push(row.to.get());
        }
    }
    reached
}

/// Sees that readers reach these revisions by every door, in memory and in the file.
#[track_caller]
fn check(service: &Service, story: StoryId, revisions: &[u64]) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let file = Views::open_read_only(&views_path(service.directory.path())).expect("views");
        for (name, views) in [("memory", &service.views), ("file", &file)] {
            let found = reached(views, story).await;
            assert_eq!(found, all(revisions), "{name}, {place}");
        }
    }
}

/// Returns everything that a reader can get, as JSON.
async fn everything(service: &Service, story: StoryId) -> String {
    let (views, mut out) = (&service.views, String::new());
    for at in ["latest", "rev:1", "rev:2", "rev:-1", "rev:-2", "2100-01-01T00:00:00Z"] {
        let at: AsOf = at.parse().expect("a moment");
        let article = views.article(story, at, View::Public).await.expect("a read");
        out += &serde_json::to_string(&article).expect("JSON");
    }
    for revision in 1..20 {
        let state = views.state(story, Revision(revision), View::Public).await.expect("a read");
        let _ = write!(out, "{state:?}"); // Writing to a string cannot fail.
    }
    let history = views.history(story, Revision::ZERO, 100, View::Public).await.expect("a read");
    out += &serde_json::to_string(&history).expect("JSON");
    let filter = StoryFilter { desk: None, status: None, view: View::Public, limit: 10, after: None };
    let page = views.stories(filter).await.expect("a page");
    out += &serde_json::to_string(&page.stories).expect("JSON");
    let public = views.changes(Position::ZERO, 100).await.expect("changes");
    for row in public.into_iter().chain(views.outgoing(Position::ZERO, 100).await.expect("changes")) {
        let ChangeRow { event, recall, article, .. } = row;
        for message in [event, recall.unwrap_or_default(), article] {
            out += std::str::from_utf8(&message).expect("UTF-8");
        }
    }
    out
}

async fn recalls(service: &Service) -> Vec<(Kind, u64, Vec<u64>, Status)> {
    let rows = service.views.outgoing(Position::ZERO, 100).await.expect("changes");
    let recalls = rows.iter().filter_map(|row| {
        let recall: CloudEvent<Recall> = serde_json::from_slice(row.recall.as_ref()?).expect("a recall");
        let Recall { kind, revision, voids, status, .. } = recall.data;
        Some((kind, revision.get(), voids.iter().map(|void| void.get()).collect(), status))
    });
    recalls.collect()
}

#[tokio::test]
async fn a_story_that_was_taken_from_readers_leaves_by_no_door() {
    for (deed, status) in [
        (Deed::Withhold, Status::Withheld),
        (Deed::Kill, Status::Killed),
        (Deed::Takedown, Status::Takendown),
        (Deed::Unpublish, Status::Draft),
    ] {
        let service = Service::start().await;
        service.file("quake", Release::Publish, &["Poison canary.", "Four dead."]).await;
        let story = service.file("quake", Release::Publish, &["Poison canary.", "Six dead."]).await;
        check(&service, story, &[1, 2]).await;
        service.act(story, deed, "A public note.").await;
        check(&service, story, &[3]).await;
        let out = everything(&service, story).await;
        for word in ["canary", "Poison", "dead", "About"] {
            assert!(!out.contains(word), "{word} of a {status} story is in {out}");
        }
        assert_eq!(service.views.resolve("quake", View::Public).await.expect("a read"), Some(story));
        let shown = service.views.article(story, AsOf::Latest, View::Public).await.expect("a read");
        let shown = shown.expect("a tombstone");
        assert_eq!((shown.status, shown.revision, shown.slug.as_str()), (status, Revision(3), "quake"));
        let change = service.changes().await.pop().expect("a change");
        assert_eq!((change.target, change.status, change.from), (shown.hash, status, Revision(2)));
        // The desk sees everything.
        assert_eq!(service.texts(story, "rev:1", View::Desk).await.expect("there")[1], "Four dead.");
        let lines = service.views.history(story, Revision::ZERO, 10, View::Desk).await.expect("a read");
        assert_eq!(lines.iter().map(|line| line.revision.get()).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(lines[2].status, Some(status));
        assert!(lines[2].reason.as_ref().is_some_and(|reason| reason.contains("reason canary")));
        assert_eq!(lines[2].approver.as_ref().map(ToString::to_string).as_deref(), Some("chief"));
        service.stop().await;
    }
}

#[tokio::test]
async fn a_release_brings_back_what_a_hold_took() {
    let service = Service::start().await;
    let story = service.file("quake", Release::Publish, &["Four dead."]).await;
    let before = service.views.article(story, AsOf::Latest, View::Public).await.expect("a read");
    service.act(story, Deed::Withhold, "").await;
    service.file("quake", Release::Draft, &["Four dead.", "A draft canary."]).await;
    check(&service, story, &[2]).await;
    service.act(story, Deed::Release, "").await;
    check(&service, story, &[1, 2, 4]).await;
    assert_eq!(service.views.article(story, AsOf::Revision(1), View::Public).await.expect("a read"), before);
    service.stop().await;
}

#[tokio::test]
async fn a_restore_brings_back_what_was_held_and_then_killed() {
    let service = Service::start().await;
    service.file("quake", Release::Publish, &["Four dead."]).await;
    let story = service.file("quake", Release::Publish, &["Six dead."]).await;
    service.act(story, Deed::Withhold, "").await;
    service.act(story, Deed::Kill, "Do not use.").await;
    service.act(story, Deed::Takedown, "").await;
    check(&service, story, &[5]).await;
    let named = recalls(&service).await;
    assert_eq!(
        named,
        [
            (Kind::Withhold, 3, vec![1, 2], Status::Withheld),
            (Kind::Kill, 4, vec![], Status::Killed),
            (Kind::Takedown, 5, vec![], Status::Takendown),
        ]
    );
    service.act(story, RESTORE, "").await;
    check(&service, story, &[1, 2, 3, 4, 5, 6]).await;
    assert_eq!(service.texts(story, "latest", View::Public).await.expect("there"), ["Six dead."]);
    service.act(story, Deed::Kill, "").await;
    check(&service, story, &[7]).await;
    service.stop().await;
}

#[tokio::test]
async fn a_substitute_does_not_bring_back_what_it_stands_for() {
    let service = Service::start().await;
    let story = service.file("quake", Release::Publish, &["Poison canary."]).await;
    service.act(story, Deed::Kill, "").await;
    service.act(story, RESTORE_DRAFT, "").await;
    check(&service, story, &[2]).await;
    service.file("quake", Release::Publish, &["Nobody was hurt."]).await;
    check(&service, story, &[2, 4]).await;
    // Nor does holding and releasing it.
    service.act(story, Deed::Withhold, "").await;
    check(&service, story, &[5]).await;
    service.act(story, Deed::Release, "").await;
    check(&service, story, &[2, 4, 5, 6]).await;
    let change = service.changes().await.pop().expect("a change");
    assert_eq!(change.significance.reasons[0].code, Code::First);
    assert!(!everything(&service, story).await.contains("canary"));
    service.stop().await;
}

#[tokio::test]
async fn a_substitute_that_is_released_brings_back_nothing_and_a_restore_everything() {
    let service = Service::start().await;
    let story = service.file("quake", Release::Publish, &["Poison canary."]).await;
    service.act(story, Deed::Kill, "").await;
    service.act(story, RESTORE_DRAFT, "").await;
    service.file("quake", Release::Draft, &["Nobody was hurt."]).await;
    service.act(story, Deed::Release, "").await;
    check(&service, story, &[2, 5]).await;
    service.act(story, Deed::Kill, "").await;
    service.act(story, RESTORE_DRAFT, "").await;
    service.act(story, RESTORE, "").await;
    // What the first kill hid stays hidden: a substitute took its place.
    check(&service, story, &[2, 5, 6, 8]).await;
    service.stop().await;
}

#[tokio::test]
async fn a_recall_is_still_told_to_subscribers_when_its_words_are_gone() {
    let service = Service::start().await;
    let story = service.file("quake", Release::Publish, &["Poison canary."]).await;
    service.act(story, Deed::Withhold, "Hold it.").await;
    service.act(story, Deed::Release, "").await;
    service.act(story, Deed::Kill, "Kill it.").await;
    check(&service, story, &[4]).await;
    let rows = service.views.outgoing(Position::ZERO, 100).await.expect("changes");
    let told: Vec<_> = rows.iter().map(|row| (row.to.get(), row.event.is_empty())).collect();
    assert_eq!(told, [(2, true), (4, false)]);
    let voids: Vec<_> = recalls(&service).await.into_iter().map(|(_, _, voids, _)| voids).collect();
    assert_eq!(voids, [vec![1], vec![3]]);
    service.stop().await;
}

#[tokio::test]
async fn what_is_embargoed_leaks_nothing_and_is_due() {
    let service = Service::start().await;
    let until: Timestamp = "2100-01-01T09:00:00Z".parse().expect("a time");
    let story = service.file("merger", Release::Embargo(until), &["Merger canary."]).await;
    let later = service.file("budget", Release::Schedule(until), &["Budget canary."]).await;
    let open = service.file("quake", Release::Publish, &["Four dead."]).await;
    assert!(!everything(&service, story).await.contains("Merger canary"));
    assert!(!everything(&service, later).await.contains("Budget canary"));
    assert_eq!(service.views.resolve("merger", View::Public).await.expect("a read"), None);
    let mut due = service.views.due().await.expect("a read");
    due.sort_unstable();
    let mut wanted = [(story, until), (later, until)];
    wanted.sort_unstable();
    assert_eq!(due, wanted);
    let desk = service.views.article(story, AsOf::Latest, View::Desk).await.expect("a read");
    assert_eq!(desk.expect("there").until, Some(until));
    service.act(story, Deed::Lapse, "").await;
    assert_eq!(service.views.due().await.expect("a read"), [(later, until)]);
    check(&service, story, &[2]).await;
    check(&service, open, &[1]).await;
    let change = service.changes().await.pop().expect("a change");
    assert_eq!((change.kind, change.significance.level), (Kind::Release, Level::Substantive));
    assert_eq!(service.views.sources().await.expect("a read"), []);
    service.stop().await;
}

#[tokio::test]
async fn views_of_every_turn_of_a_story_are_built_again_and_equal() {
    let service = Service::start().await;
    for (slug, deeds) in [
        ("one", vec![Deed::Withhold, Deed::Release, Deed::Kill, RESTORE]),
        ("two", vec![Deed::Unpublish, RESTORE, Deed::Withhold, Deed::Kill, RESTORE_DRAFT]),
        ("three", vec![Deed::Takedown, RESTORE_DRAFT, Deed::Kill]),
    ] {
        service.file(slug, Release::Publish, &["One."]).await;
        let story = service.file(slug, Release::Publish, &["Two."]).await;
        for deed in deeds {
            service.act(story, deed, "A note.").await;
        }
    }
    service.file("two", Release::Publish, &["A substitute."]).await;
    // Record by record, in one batch, and from a checkpoint in the middle: the same rows.
    let rebuilt = service.control.rebuild(Progress::silent()).await.expect("built");
    assert!(rebuilt.is_equal(), "{rebuilt:?}");
    let path = views_path(service.directory.path());
    let directory = service.stop().await;
    let service = Service::on(directory).await;
    let story = service.views.resolve("one", View::Public).await.expect("a read").expect("a story");
    service.act(story, Deed::Unpublish, "").await;
    let same = compare(&service.log, &path, Progress::silent()).await.expect("compared");
    assert!(same.is_equal() && same.position == service.log.head(), "{same:?}");
    service.stop().await;
}

#[tokio::test]
async fn one_story_is_followed_without_the_others_and_a_loss_is_counted_before_it_is_seen() {
    let service = Service::start().await;
    let story = service.file("quake", Release::Publish, &["Four dead."]).await;
    service.file("storm", Release::Publish, &["Rain."]).await;
    service.file("quake", Release::Publish, &["Six dead."]).await;
    let of = async |after| {
        let rows = service.views.changes_of(story, Position(after), 10).await.expect("a read");
        rows.iter().map(|row| row.to.get()).collect::<Vec<_>>()
    };
    assert_eq!((of(0).await, of(1).await), (vec![1, 2], vec![2]));
    assert_eq!(service.views.withdrawals(), 0);
    service.act(story, Deed::Kill, "A public note.").await;
    assert_eq!((of(0).await, service.views.withdrawals()), (vec![3], 1));
    service.stop().await;
}

#[tokio::test]
async fn a_change_knows_its_tags_and_whether_it_rewords_the_headline_in_memory_as_in_the_file() {
    let service = Service::start().await;
    let story = service.tagged("quake", "Quake", &["asia", "quakes"]).await;
    service.tagged("quake", "Quake", &["asia"]).await;
    service.tagged("quake", "Quake kills four", &["asia"]).await;
    let file = Views::open_read_only(&views_path(service.directory.path())).expect("views");
    for views in [&service.views, &file] {
        let rows = views.changes(Position::ZERO, 10).await.expect("changes");
        let told: Vec<_> = rows.iter().map(|row| (row.tags.join(" "), row.rewords_headline)).collect();
        let told: Vec<_> = told.iter().map(|(tags, rewords)| (tags.as_str(), *rewords)).collect();
        assert_eq!(told, [("asia quakes", true), ("asia quakes", false), ("asia", true)]);
    }
    service.act(story, Deed::Kill, "A public note.").await;
    for views in [&service.views, &file] {
        let rows = views.outgoing(Position::ZERO, 10).await.expect("changes");
        assert!(rows.iter().all(|row| row.tags.is_empty()), "tags are words: {rows:?}");
    }
    service.stop().await;
}
