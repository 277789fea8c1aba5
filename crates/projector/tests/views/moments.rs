//! Which revision stood when, and what readers had then.

use jiff::{SignedDuration, Timestamp};
use story::{Deed, Release, Restored, Revision, Status, StoryId, Takedowns};
use writethru_projector::{AsOf, PublicAround, StoryFilter, View, ViewError};

use crate::service::Service;

const KILL: Deed = Deed::Kill;
const RESTORE: Deed = Deed::Restore { to: Restored::Usable, takedowns: Takedowns::Lift };
const MICROSECOND: SignedDuration = SignedDuration::from_micros(1);

/// Published, a draft, published, a draft, and when each was recorded.
async fn told(service: &Service) -> (StoryId, Vec<Timestamp>) {
    service.file("quake", Release::Publish, &["One."]).await;
    service.file("quake", Release::Draft, &["Two."]).await;
    service.file("quake", Release::Publish, &["Three."]).await;
    let story = service.file("quake", Release::Draft, &["Four."]).await;
    (story, times(service, story).await)
}

async fn times(service: &Service, story: StoryId) -> Vec<Timestamp> {
    let lines = service.views.history(story, Revision::ZERO, 100, View::Desk).await.expect("a history");
    lines.iter().map(|line| line.recorded).collect()
}

async fn at(service: &Service, story: StoryId, at: AsOf, view: View) -> Option<u64> {
    let article = service.views.article(story, at, view).await.expect("a read");
    article.map(|article| article.revision.get())
}

fn numbers(around: &PublicAround) -> (u64, u64, u64, Option<u64>, Option<u64>) {
    let number = |moment: writethru_projector::PublicMoment| moment.revision.get();
    let PublicAround { this, first, last, before, after } = *around;
    (number(this), number(first), number(last), before.map(number), after.map(number))
}

#[tokio::test]
async fn a_time_finds_what_the_desk_had_and_what_readers_had() {
    let service = Service::start().await;
    let (story, times) = told(&service).await;
    for (index, time) in times.iter().enumerate() {
        let revision = index as u64 + 1;
        let recorded = AsOf::Recorded(*time);
        assert_eq!(at(&service, story, recorded, View::Desk).await, Some(revision));
        let before = AsOf::Recorded(*time - MICROSECOND);
        assert_eq!(at(&service, story, before, View::Desk).await, Some(index as u64).filter(|n| *n > 0));
        let public = if revision < 3 { 1 } else { 3 };
        let published = AsOf::Published(*time);
        assert_eq!(at(&service, story, published, View::Desk).await, Some(public));
        assert_eq!(at(&service, story, published, View::Public).await, Some(public));
        assert_eq!(at(&service, story, recorded, View::Public).await, Some(public));
    }
    assert_eq!(at(&service, story, AsOf::Back(1), View::Desk).await, Some(3));
    assert_eq!(at(&service, story, AsOf::Back(2), View::Public).await, Some(1));
    assert_eq!(at(&service, story, AsOf::Back(4), View::Desk).await, None);
    assert_eq!(at(&service, story, AsOf::Revision(2), View::Public).await, None);
    service.stop().await;
}

#[tokio::test]
async fn the_desk_sees_what_readers_had_before_it_was_taken_from_them_and_readers_do_not() {
    let service = Service::start().await;
    let (story, times) = told(&service).await;
    service.act(story, KILL, "").await;
    let then = AsOf::Published(times[2]);
    assert_eq!(at(&service, story, then, View::Desk).await, Some(3));
    assert_eq!(at(&service, story, then, View::Public).await, None);
    assert_eq!(at(&service, story, AsOf::Latest, View::Public).await, Some(5));
    service.act(story, RESTORE, "").await;
    assert_eq!(at(&service, story, then, View::Public).await, Some(3));
    service.stop().await;
}

#[tokio::test]
async fn readers_are_told_the_moments_that_they_can_reach_and_what_is_around_each() {
    let service = Service::start().await;
    let (story, times) = told(&service).await;
    service.file("quake", Release::Publish, &["Five."]).await;
    let views = &service.views;
    let moments = views.public_moments(story, Revision::ZERO, 10).await.expect("moments");
    let found: Vec<_> = moments.iter().map(|moment| (moment.revision.get(), moment.published)).collect();
    let fifth = self::times(&service, story).await[4];
    assert_eq!(found, [(1, times[0]), (3, times[2]), (5, fifth)]);
    let rest = views.public_moments(story, Revision(1), 1).await.expect("moments");
    assert_eq!(rest, moments[1..2]);
    let around = |revision| views.public_around(story, Revision(revision));
    let middle = around(3).await.expect("a read").expect("public");
    assert_eq!(numbers(&middle), (3, 1, 5, Some(1), Some(5)));
    assert_eq!(around(2).await.expect("a read"), None);
    let early = views.public_at(story, times[0] - SignedDuration::from_hours(1)).await.expect("a read");
    assert_eq!(numbers(&early.expect("the first")), (1, 1, 5, None, Some(3)));
    let late = views.public_at(story, times[3]).await.expect("a read").expect("there");
    assert_eq!(late, middle);
    service.act(story, KILL, "").await;
    let lost = views.public_at(story, times[0]).await.expect("a read").expect("the tombstone");
    assert_eq!(numbers(&lost), (6, 6, 6, None, None));
    let draft = service.file("secret", Release::Draft, &["Nobody knows."]).await;
    assert_eq!(views.public_at(draft, fifth).await.expect("a read"), None);
    service.stop().await;
}

async fn listed(service: &Service, at: AsOf, view: View) -> Vec<(String, u64)> {
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let filter = StoryFilter { desk: None, status: None, view, limit: 1, after };
        let page = service.views.stories_at(filter, at).await.expect("a page");
        lines.extend(page.stories.into_iter().map(|line| (line.slug, line.revision.get())));
        after = page.next;
        if after.is_none() {
            return lines;
        }
    }
}

#[track_caller]
fn lines(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(slug, revision)| ((*slug).to_owned(), *revision)).collect()
}

#[tokio::test]
async fn the_list_of_a_moment_is_that_of_its_time() {
    let service = Service::start().await;
    let (quake, early) = told(&service).await;
    let fire = service.file("fire", Release::Publish, &["Fire."]).await;
    service.file("secret", Release::Draft, &["Nobody knows."]).await;
    let (before, now) =
        (AsOf::Recorded(early[1]), AsOf::Recorded("2100-01-01T00:00:00Z".parse().expect("a time")));
    let on = |at: AsOf| match at {
        AsOf::Recorded(time) => AsOf::Published(time),
        other => other,
    };
    assert_eq!(listed(&service, before, View::Desk).await, lines(&[("quake", 2)]));
    assert_eq!(listed(&service, on(before), View::Desk).await, lines(&[("quake", 1)]));
    assert_eq!(listed(&service, before, View::Public).await, lines(&[("quake", 1)]));
    let all = [("secret", 1), ("fire", 1), ("quake", 4)];
    assert_eq!(listed(&service, now, View::Desk).await, lines(&all));
    assert_eq!(listed(&service, AsOf::Latest, View::Desk).await, lines(&all));
    assert_eq!(listed(&service, now, View::Public).await, lines(&[("fire", 1), ("quake", 3)]));
    let cursor = service.views.article(quake, AsOf::Revision(3), View::Desk).await.expect("a read");
    let cursor = AsOf::Cursor(cursor.expect("there").cursor);
    assert_eq!(listed(&service, cursor, View::Desk).await, lines(&[("quake", 3)]));
    let AsOf::Cursor(wire::Cursor { position, .. }) = cursor else { unreachable!("it is one") };
    assert_eq!(listed(&service, AsOf::Size(position), View::Desk).await, lines(&[("quake", 3)]));
    assert_eq!(listed(&service, AsOf::Size(0), View::Desk).await, lines(&[]));
    assert_eq!(at(&service, quake, AsOf::Size(position), View::Desk).await, Some(3));
    assert_eq!(at(&service, quake, AsOf::Size(position - 1), View::Desk).await, Some(2));
    assert_eq!(at(&service, quake, AsOf::Size(0), View::Desk).await, None);
    assert_eq!(at(&service, quake, AsOf::Size(u64::MAX), View::Desk).await, Some(4));
    let then = AsOf::Recorded(times(&service, fire).await[0]);
    service.act(fire, KILL, "").await;
    assert_eq!(listed(&service, then, View::Public).await, lines(&[("quake", 3)]), "it was taken from them");
    assert_eq!(listed(&service, on(then), View::Desk).await, lines(&[("fire", 1), ("quake", 3)]));
    let filter = StoryFilter { desk: None, status: None, view: View::Desk, limit: 9, after: None };
    let refused = service.views.stories_at(filter.clone(), AsOf::Revision(1)).await;
    assert!(matches!(refused, Err(ViewError::OfOneStory)));
    let drafts = StoryFilter { status: Some(Status::Draft), ..filter };
    let drafts = service.views.stories_at(drafts, now).await.expect("a page");
    assert_eq!(drafts.stories.iter().map(|line| line.slug.as_str()).collect::<Vec<_>>(), ["secret"]);
    let same = service.views.stories(StoryFilter {
        status: Some(Status::Draft),
        desk: None,
        view: View::Desk,
        limit: 9,
        after: None,
    });
    assert_eq!(drafts.stories, same.await.expect("a page").stories, "the same lines as those of now");
    service.stop().await;
}
