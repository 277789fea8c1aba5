//! What goes around an article: its corrections, the times of its entries, what left under an embargo.

use crate::service::{Service, views_path};
use desk::{ActRequest, PushRequest, StoryRef, Target};
use jiff::Timestamp;
use story::{
    Act, BlockKind, Command, CopyBuilder, CorrectionNotice, Deed, Field, GivenBlock, Kind, Push, Release,
    Restored, Revision, StoryId, Takedowns, Text,
};
use writethru_projector::{AsOf, Edition, Leaving, Progress, StoryFilter, View, compare};

const RESTORE_DRAFT: Deed = Deed::Restore { to: Restored::Draft, takedowns: Takedowns::Lift };

/// What a push says beside its words.
struct Terms<'a> {
    release: Release,
    kind: Option<Kind>,
    note: &'a str,
}

const OPEN: Terms<'_> = Terms { release: Release::Publish, kind: None, note: "" };
const DRAFT: Terms<'_> = Terms { release: Release::Draft, kind: None, note: "" };

impl Service {
    async fn push(&self, slug: &str, terms: Terms<'_>, blocks: &[(BlockKind, &str)]) -> StoryId {
        let mut copy = CopyBuilder::new();
        copy.field(Field::Headline, &format!("About {slug}")).expect("legal headline");
        copy.body();
        for (kind, text) in blocks {
            copy.block(GivenBlock { id: None, kind: *kind, text, marks: &[] }).expect("legal block");
        }
        let notice = || CorrectionNotice {
            what: Text::uncut("the number"),
            place: Text::uncut("first paragraph"),
            approver: "chief".parse().expect("legal actor"),
        };
        let request = PushRequest {
            target: Target::BySlug(slug.parse().expect("legal slug")),
            push: Push {
                desk: Some("world".parse().expect("legal desk")),
                kind: terms.kind,
                copy: copy.finish().0,
                release: terms.release,
                note: Text::uncut(terms.note),
                correction: (terms.kind == Some(Kind::Correction)).then(notice),
                label: None,
                occurred: None,
                rebased: None,
            },
            actor: "a1".parse().expect("legal actor"),
            command: None,
            expected: None,
            base: None,
        };
        let answer = self.desk.push(request).await.expect("filed");
        self.views.reached(self.log.head()).await;
        answer.story
    }

    /// Has the desk do `deed`.
    async fn bid(&self, story: StoryId, deed: Deed, note: &str) {
        let reason = Text::uncut("It must be.");
        let act = Act { deed, reason, note: Text::uncut(note), approver: None };
        let request = ActRequest {
            story: StoryRef::Id(story),
            command: Command::Act(Box::new(act)),
            actor: "a1".parse().expect("legal actor"),
            key: None,
            expected: None,
        };
        self.desk.act(request).await.expect("done");
        self.views.reached(self.log.head()).await;
    }

    async fn edition(&self, story: StoryId, at: &str, view: View) -> Edition {
        let at: AsOf = at.parse().expect("a moment");
        self.views.edition(story, at, view).await.expect("a read").expect("something to show")
    }

    /// When each revision was recorded, from 1.
    async fn times(&self, story: StoryId) -> Vec<Timestamp> {
        let lines = self.views.history(story, Revision::ZERO, 100, View::Desk).await.expect("a read");
        lines.iter().map(|line| line.recorded).collect()
    }
}

fn corrected(edition: &Edition) -> Vec<(u64, Kind)> {
    edition.corrections.iter().map(|one| (one.revision.get(), one.kind)).collect()
}

fn correction(note: &str) -> Terms<'_> {
    Terms { kind: Some(Kind::Correction), note, ..OPEN }
}

fn text(text: &str) -> [(BlockKind, &str); 1] {
    [(BlockKind::Paragraph, text)]
}

#[tokio::test]
async fn an_edition_tells_the_corrections_up_to_its_revision_and_no_later_one() {
    let service = Service::start().await;
    service.push("quake", DRAFT, &text("Four are dead.")).await;
    service.push("quake", OPEN, &text("Four are dead.")).await;
    service.push("quake", correction("It is five."), &text("Five are dead.")).await;
    let clarified = Terms { kind: Some(Kind::Clarification), note: "In the city.", ..OPEN };
    service.push("quake", clarified, &text("Five are dead.")).await;
    let story = service.push("quake", correction("It is six."), &text("Six are dead.")).await;
    let times = service.times(story).await;
    for (at, then) in [("rev:2", 0), ("rev:3", 1), ("rev:4", 2), ("latest", 3)] {
        for view in [View::Public, View::Desk] {
            let edition = service.edition(story, at, view).await;
            assert_eq!(edition.corrections.len(), then, "{at}: {edition:?}");
            assert_eq!(edition.first_published, Some(times[1]));
            assert_eq!(edition.created, times[usize::from(view == View::Public)], "{view:?}");
        }
    }
    let edition = service.edition(story, "rev:4", View::Public).await;
    assert_eq!(corrected(&edition), [(3, Kind::Correction), (4, Kind::Clarification)]);
    let first = &edition.corrections[0];
    assert_eq!((first.what.as_str(), first.place.as_str()), ("the number", "first paragraph"));
    assert_eq!((first.note.as_str(), first.recorded), ("It is five.", times[2]));
    assert_eq!((edition.note.as_str(), edition.corrections[1].what.as_str()), ("In the city.", ""));
    let draft = service.edition(story, "rev:1", View::Desk).await;
    assert_eq!((draft.first_published, draft.created), (None, times[0]));
    service.stop().await;
}

#[tokio::test]
async fn what_was_put_right_in_a_story_goes_with_it_when_it_is_taken_from_readers() {
    let service = Service::start().await;
    service.push("quake", OPEN, &text("Four are dead.")).await;
    let story = service.push("quake", correction("It is five."), &text("Five are dead.")).await;
    service.bid(story, Deed::Withhold, "Hold it.").await;
    let held = service.edition(story, "latest", View::Public).await;
    assert_eq!((corrected(&held), held.note.as_str()), (vec![], "Hold it."));
    assert!(held.article.blocks.is_empty() && held.entries.is_empty());
    assert_eq!(corrected(&service.edition(story, "latest", View::Desk).await).len(), 1);
    service.bid(story, Deed::Release, "").await;
    assert_eq!(corrected(&service.edition(story, "latest", View::Public).await).len(), 1);
    service.bid(story, Deed::Kill, "").await;
    service.bid(story, RESTORE_DRAFT, "").await;
    service.push("quake", OPEN, &text("Nobody is dead.")).await;
    assert_eq!(corrected(&service.edition(story, "latest", View::Public).await), []);
    service.stop().await;
}

#[tokio::test]
async fn an_entry_counts_from_when_readers_first_saw_it() {
    use BlockKind::{Entry, Paragraph};
    let service = Service::start().await;
    let lead = (Paragraph, "The final, live.");
    service.push("final", OPEN, &[lead, (Entry, "Kick-off in the rain.")]).await;
    service
        .push("final", DRAFT, &[lead, (Entry, "Kick-off in the rain."), (Entry, "A goal, one nil.")])
        .await;
    service.push("final", OPEN, &[lead, (Entry, "Kick-off in the rain."), (Entry, "A goal, one nil.")]).await;
    let story = service
        .push("final", OPEN, &[lead, (Entry, "Kick-off in heavy rain."), (Entry, "A goal, one nil.")])
        .await;
    let times = service.times(story).await;
    let seen = |edition: Edition| -> Vec<(usize, usize)> {
        let place = |time| times.iter().position(|one| *one == time).expect("a revision's time") + 1;
        edition.entries.iter().map(|one| (place(one.published), place(one.modified))).collect()
    };
    assert_eq!(seen(service.edition(story, "rev:1", View::Public).await), [(1, 1)]);
    assert_eq!(seen(service.edition(story, "rev:2", View::Desk).await), [(1, 1), (2, 2)], "a draft");
    assert_eq!(seen(service.edition(story, "rev:3", View::Public).await), [(1, 1), (3, 3)]);
    assert_eq!(seen(service.edition(story, "latest", View::Public).await), [(1, 4), (3, 3)]);
    // A comma moved: they see it as it is since then, and it is news since before.
    let story_again = service
        .push("final", OPEN, &[lead, (Entry, "Kick-off, in heavy rain."), (Entry, "A goal, one nil.")])
        .await;
    let edition = service.edition(story_again, "latest", View::Public).await;
    let times = service.times(story).await;
    let first = &edition.entries[0];
    assert_eq!((first.published, first.significant, first.modified), (times[0], times[3], times[4]));
    let seen = |edition: Edition| -> Vec<(usize, usize)> {
        let place = |time| times.iter().position(|one| *one == time).expect("a revision's time") + 1;
        edition.entries.iter().map(|one| (place(one.published), place(one.modified))).collect()
    };
    // Held and released, nothing of it is new.
    service.bid(story, Deed::Withhold, "").await;
    service.bid(story, Deed::Release, "").await;
    assert_eq!(seen(service.edition(story, "latest", View::Public).await), [(1, 5), (3, 3)]);
    service.stop().await;
}

#[tokio::test]
async fn what_leaves_of_a_story_names_the_embargo_that_it_was_under() {
    let service = Service::start().await;
    let until: Timestamp = "2100-01-01T09:00:00Z".parse().expect("a time");
    let open = service.push("quake", OPEN, &text("Four are dead.")).await;
    let story = service.push("budget", OPEN, &text("It rises.")).await;
    service.bid(story, Deed::Unpublish, "").await;
    let under = Terms { release: Release::Embargo(until), ..OPEN };
    service.push("budget", under, &text("It falls.")).await;
    service.push("budget", DRAFT, &text("It falls by two.")).await;
    let leaving = async |revision| service.views.leaving(story, Revision(revision)).await.expect("a read");
    assert_eq!((leaving(1).await, leaving(2).await), (None, None), "before there was an embargo");
    let public = service.views.shown(story, AsOf::Latest, View::Public).await.expect("a read");
    assert_eq!(public.expect("a tombstone").1, None, "nor is there one on what readers see");
    service.bid(story, Deed::LiftEmbargo, "").await;
    let wanted = Leaving { story, revision: Revision(5), embargo: Revision(3) };
    let shown = service.views.shown(story, AsOf::Latest, View::Public).await.expect("a read");
    assert_eq!(shown.expect("released").1, Some(wanted));
    let filter = StoryFilter { desk: None, status: None, view: View::Public, limit: 10, after: None };
    let page = service.views.stories(filter).await.expect("a page");
    assert_eq!((page.stories.len(), page.leaving), (2, vec![wanted]));
    let rows = service.views.changes(log::Position::ZERO, 10).await.expect("changes");
    assert_eq!(rows.iter().filter_map(writethru_projector::ChangeRow::leaving).collect::<Vec<_>>(), [wanted]);
    assert_eq!(service.views.leaving(open, Revision(1)).await.expect("a read"), None);
    assert_eq!(service.views.newest(story, View::Public).await.expect("a read"), Some(Revision(5)));
    service.stop().await;
}

#[tokio::test]
async fn what_goes_around_an_article_is_built_again_and_equal() {
    let service = Service::start().await;
    let until: Timestamp = "2100-01-01T09:00:00Z".parse().expect("a time");
    let under = Terms { release: Release::Embargo(until), ..OPEN };
    let story = service.push("final", under, &[(BlockKind::Entry, "Kick-off at four.")]).await;
    service.bid(story, Deed::LiftEmbargo, "").await;
    service.push("final", correction("It was five."), &[(BlockKind::Entry, "Kick-off at five.")]).await;
    let before = service.edition(story, "latest", View::Public).await;
    let rebuilt = service.control.rebuild(Progress::silent()).await.expect("built");
    assert!(rebuilt.is_equal() && rebuilt.tables.iter().any(|one| one.table == "entries"), "{rebuilt:?}");
    assert_eq!(service.edition(story, "latest", View::Public).await, before);
    let directory = service.stop().await;
    let service = Service::on(directory).await;
    service.push("final", OPEN, &[(BlockKind::Entry, "Kick-off at six.")]).await;
    let path = views_path(service.directory.path());
    let same = compare(&service.log, &path, Progress::silent()).await.expect("compared");
    assert!(same.is_equal() && same.position == service.log.head(), "{same:?}");
    service.stop().await;
}
