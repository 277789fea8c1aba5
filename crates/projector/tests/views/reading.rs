//! What is read from the views, and the views built again.

use crate::service::{Service, views_path};
use log::{Batch, Command, Epoch, EventLog, NewRecord, Options, Position, StoryKey};
use story::{Level, Release, Revision, StoryId};
use writethru_projector::{AsOf, Progress, StoryFilter, View, Views, compare, rebuild};

#[tokio::test]
async fn every_revision_can_be_read_as_it_was() {
    let service = Service::start().await;
    let mut story = None;
    for number in 1..=150 {
        let text = format!("Dead: {number}.");
        story = Some(service.file("quake", Release::Publish, &["The ground shook.", &text]).await);
    }
    let story = story.expect("filed");
    for number in 1..=150 {
        let then = [String::from("The ground shook."), format!("Dead: {number}.")];
        let read = service.texts(story, &format!("rev:{number}"), View::Public).await;
        assert_eq!(read.as_deref(), Some(&then[..]));
    }
    assert_eq!(service.texts(story, "rev:-3", View::Desk).await.expect("there")[1], "Dead: 147.");
    assert_eq!(service.texts(story, "rev:151", View::Desk).await, None);
    service.stop().await;
}

#[tokio::test]
async fn changes_take_a_reader_from_nothing_to_the_newest_article_exactly() {
    let service = Service::start().await;
    let story = service.file("quake", Release::Publish, &["The ground shook.", "Four dead."]).await;
    service.file("quake", Release::Publish, &["Six dead.", "The ground shook.", "Roads are shut."]).await;
    service.file("quake", Release::Publish, &["Six dead.", "Roads are shut."]).await;
    let changes = service.changes().await;
    let (mut article, mut revision) = (story::Article::default(), Revision::ZERO);
    for change in &changes {
        assert_eq!(change.from, revision);
        article = change.apply_to(&article, revision).expect("a change that fits");
        revision = change.to;
    }
    let shown =
        service.views.article(story, AsOf::Latest, View::Public).await.expect("a read").expect("there");
    assert_eq!((shown.hash, shown.revision), (wire::article_hash(&article), revision));
    assert_eq!(changes[1].significance.level, Level::Substantive);
    service.stop().await;
}

#[tokio::test]
async fn drafts_and_notes_for_editors_leave_by_no_public_read() {
    let service = Service::start().await;
    let draft = service.file("secret", Release::Draft, &["Nobody knows."]).await;
    let story = service.file("quake", Release::Publish, &["Four dead."]).await;
    service.file("quake", Release::Draft, &["Forty dead."]).await;
    assert_eq!(service.texts(draft, "latest", View::Public).await, None);
    assert_eq!(service.views.resolve("secret", View::Public).await.expect("a read"), None);
    assert_eq!(service.texts(story, "latest", View::Public).await.expect("there"), ["Four dead."]);
    assert_eq!(service.texts(story, "latest", View::Desk).await.expect("there"), ["Forty dead."]);
    assert_eq!(service.texts(story, "rev:2", View::Public).await, None);
    let history = service.views.history(story, Revision::ZERO, 10, View::Public).await.expect("a read");
    assert_eq!(history.len(), 1);
    let filter = StoryFilter { desk: None, status: None, view: View::Public, limit: 10, after: None };
    let listed = service.views.stories(filter).await.expect("a read").stories;
    assert_eq!(listed.iter().map(|line| line.slug.as_str()).collect::<Vec<_>>(), ["quake"]);
    for row in service.views.changes(Position::ZERO, 10).await.expect("changes") {
        for message in [&row.event, &row.article] {
            let message = String::from_utf8(message.to_vec()).expect("JSON");
            for secret in ["canary", "Forty", "Nobody"] {
                assert!(!message.contains(secret), "{secret} is in {message}");
            }
        }
    }
    // Published at last: one change, from the revision that readers had.
    service.file("quake", Release::Publish, &["Forty dead."]).await;
    let changes = service.changes().await;
    let last = changes.last().expect("a change");
    assert_eq!((last.from, last.to), (Revision(1), Revision(3)));
    service.stop().await;
}

#[tokio::test]
async fn changes_in_memory_are_those_in_the_file() {
    let service = Service::start().await;
    for number in 0..30 {
        let slug = format!("story-{}", number % 3);
        let release = if number % 4 == 3 { Release::Draft } else { Release::Publish };
        service.file(&slug, release, &["Text.", &format!("Number {number}.")]).await;
    }
    let file = Views::open_read_only(&views_path(service.directory.path())).expect("views");
    for after in [0, 1, 7, 29, 30, 31] {
        let (after, seen) = (Position(after), |changes: Vec<writethru_projector::ChangeRow>| {
            changes.iter().map(|row| (row.position, row.from, row.to, row.event.clone())).collect::<Vec<_>>()
        });
        let memory = seen(service.views.changes(after, 5).await.expect("changes"));
        assert_eq!(memory, seen(file.changes(after, 5).await.expect("changes")), "behind {after}");
    }
    service.stop().await;
}

#[tokio::test]
async fn lists_are_newest_first_and_page_without_loss() {
    let service = Service::start().await;
    for number in 0..7 {
        service.file(&format!("story-{number}"), Release::Publish, &["Text."]).await;
    }
    let mut slugs = Vec::new();
    let mut after = None;
    loop {
        let filter = StoryFilter { desk: None, status: None, view: View::Desk, limit: 3, after };
        let page = service.views.stories(filter).await.expect("a page");
        slugs.extend(page.stories.iter().map(|line| line.slug.clone()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(slugs, (0..7).rev().map(|number| format!("story-{number}")).collect::<Vec<_>>());
    service.stop().await;
}

#[tokio::test]
async fn deleted_views_are_built_again_and_equal() {
    let service = Service::start().await;
    for number in 0..40 {
        let slug = format!("story-{}", number % 7);
        service.file(&slug, Release::Publish, &["Text.", &format!("Number {number}.")]).await;
    }
    let log_path = service.directory.path().join("log.db");
    let directory = service.stop().await;
    let path = views_path(directory.path());
    let kept = directory.path().join("kept.db");
    std::fs::copy(&path, &kept).expect("a copy");
    std::fs::remove_file(&path).expect("deleted");
    let service = Service::on(directory).await;
    service.views.reached(service.log.head()).await;
    let same = compare(&service.log, &kept, Progress::silent()).await.expect("compared");
    assert!(same.is_equal() && same.position == service.log.head(), "{same:?}");
    let live = compare(&service.log, &path, Progress::silent()).await.expect("compared");
    assert_eq!(live.tables, same.tables);
    drop(log_path);
    service.stop().await;
}

#[tokio::test]
async fn a_running_projector_builds_its_views_again_and_goes_on() {
    let service = Service::start().await;
    let story = service.file("quake", Release::Publish, &["Four dead."]).await;
    let rebuilt = service.control.rebuild(Progress::silent()).await.expect("built");
    assert!(rebuilt.is_equal(), "{rebuilt:?}");
    service.file("quake", Release::Publish, &["Six dead."]).await;
    assert_eq!(service.texts(story, "latest", View::Public).await.expect("there"), ["Six dead."]);
    service.stop().await;
}

#[tokio::test]
async fn views_that_someone_changed_are_found_and_put_right() {
    let service = Service::start().await;
    service.file("quake", Release::Publish, &["Four dead."]).await;
    let log_path = service.directory.path().join("log.db");
    let directory = service.stop().await;
    let path = views_path(directory.path());
    let connection = rusqlite::Connection::open(&path).expect("views");
    connection.execute("UPDATE stories SET headline = 'Another'", []).expect("changed");
    drop(connection);
    let options = Options { new_epoch: Epoch(0), create: false, read_only: false };
    let log = EventLog::open(&log_path, options).await.expect("a log");
    let found = compare(&log, &path, Progress::silent()).await.expect("compared");
    assert_eq!(
        found.tables.iter().filter(|table| !table.equal).map(|table| table.table).collect::<Vec<_>>(),
        ["stories"]
    );
    assert!(!rebuild(&log, &path, Progress::silent()).await.expect("built").is_equal());
    assert!(compare(&log, &path, Progress::silent()).await.expect("compared").is_equal());
    log.close().await;
}

#[tokio::test]
async fn views_that_are_behind_are_compared_where_they_stand_and_taken_to_the_end() {
    let service = Service::start().await;
    service.file("quake", Release::Publish, &["Four dead."]).await;
    let log_path = service.directory.path().join("log.db");
    let directory = service.stop().await;
    let path = views_path(directory.path());
    let behind = directory.path().join("behind.db");
    std::fs::copy(&path, &behind).expect("a copy");
    let service = Service::on(directory).await;
    service.file("quake", Release::Publish, &["Six dead."]).await;
    let directory = service.stop().await;
    let options = Options { new_epoch: Epoch(0), create: false, read_only: false };
    let log = EventLog::open(&log_path, options).await.expect("a log");
    for views in [behind, directory.path().join("none.db")] {
        assert!(rebuild(&log, &views, Progress::silent()).await.expect("built").is_equal());
        let whole = compare(&log, &views, Progress::silent()).await.expect("compared");
        assert!(whole.is_equal() && whole.position == log.head(), "{whole:?}");
    }
    log.close().await;
}

#[tokio::test]
async fn a_bad_story_is_parked_and_the_others_go_on() {
    let service = Service::start().await;
    let good = service.file("quake", Release::Publish, &["Four dead."]).await;
    let bad = StoryId::from_bytes([9; 16]);
    let records = vec![NewRecord { envelope: b"{}".as_slice().into(), disclosures: b"{}".as_slice().into() }];
    let batch = Batch { command: Command(b"k".as_slice().into()), records };
    let appended =
        service.log.append(StoryKey(*bad.as_bytes()), 0, batch).await.expect("the log knows no story");
    service.file("quake", Release::Publish, &["Six dead."]).await;
    assert_eq!(service.texts(good, "latest", View::Public).await.expect("there"), ["Six dead."]);
    let parked = service.views.parked().await.expect("a read");
    assert_eq!(
        parked.iter().map(|parked| (parked.story, parked.position)).collect::<Vec<_>>(),
        [(bad, appended.last)]
    );
    service.stop().await;
}

#[tokio::test]
async fn views_of_another_log_are_not_trusted() {
    let service = Service::start().await;
    service.file("quake", Release::Publish, &["Four dead."]).await;
    let directory = service.stop().await;
    for name in ["log.db", "log.db-wal", "log.db-shm", "index.db"] {
        // Some of them may not exist.
        let _ = std::fs::remove_file(directory.path().join(name));
    }
    let service = Service::on(directory).await;
    assert_eq!(service.views.position(), Position::ZERO);
    assert_eq!(service.views.resolve("quake", View::Desk).await.expect("a read"), None);
    service.stop().await;
}
