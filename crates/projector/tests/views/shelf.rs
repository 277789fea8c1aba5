//! Where readers find stories, and what stays there of one that was taken from them.

use crate::service::{Service, views_path};
use desk::{PushRequest, Target};
use story::{CopyBuilder, Deed, Field, Push, Release, Restored, StoryId, Takedowns, Text};
use writethru_projector::{DeskLine, Progress, Shelf, compare};

const DRAFT_AGAIN: Deed = Deed::Restore { to: Restored::Draft, takedowns: Takedowns::Lift };

impl Service {
    async fn found_under(&self, slug: &str, desk: &str, release: Release, tags: &[&str]) -> StoryId {
        let mut copy = CopyBuilder::new();
        copy.field(Field::Headline, &format!("About {slug}")).expect("legal headline");
        copy.list(Field::Tags, tags.iter().copied()).expect("legal tags");
        let request = PushRequest {
            target: Target::BySlug(slug.parse().expect("legal slug")),
            push: Push {
                desk: Some(desk.parse().expect("legal desk")),
                kind: None,
                copy: copy.finish().0,
                release,
                note: Text::default(),
                correction: None,
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

    /// The slugs on a shelf, in order, and where each story stands.
    async fn on_shelf(&self, shelf: &Shelf) -> Option<Vec<String>> {
        let shelf = self.views.shelf(shelf.clone(), 10).await.expect("a read");
        let line = |edition: writethru_projector::Edition| {
            let article = edition.article;
            format!("{} {} {:?}", article.slug, article.status, article.headline)
        };
        shelf.map(|editions| editions.into_iter().map(line).collect())
    }

    async fn check(&self, shelf: Shelf, then: Option<&[&str]>) {
        let found = self.on_shelf(&shelf).await;
        let then = then.map(|lines| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>());
        assert_eq!(found, then, "{shelf:?}");
    }
}

fn desk(name: &str) -> Shelf {
    Shelf::Desk(name.parse().expect("legal desk"))
}

fn tag(name: &str) -> Shelf {
    Shelf::Tag(name.to_owned())
}

#[tokio::test]
async fn a_shelf_holds_what_readers_may_see_and_what_was_taken_from_them_without_a_word() {
    let service = Service::start().await;
    service.found_under("secret", "vault", Release::Draft, &["hush"]).await;
    service.check(Shelf::House, Some(&[])).await;
    for unknown in [desk("vault"), tag("hush"), desk("world"), tag("Peace")] {
        service.check(unknown, None).await;
    }
    let talks = service.found_under("talks", "world", Release::Publish, &["Peace", "Cairo"]).await;
    let match_day = service.found_under("match", "sports", Release::Publish, &["Cairo"]).await;
    let (talks_line, match_line) = ("talks usable \"About talks\"", "match usable \"About match\"");
    service.check(Shelf::House, Some(&[match_line, talks_line])).await;
    service.check(desk("world"), Some(&[talks_line])).await;
    service.check(tag("Cairo"), Some(&[match_line, talks_line])).await;
    service.check(tag("cairo"), None).await;

    service.found_under("talks", "world", Release::Publish, &["Peace"]).await;
    service.check(tag("Cairo"), Some(&[match_line])).await;
    service.act(talks, Deed::Kill, "It was forged.").await;
    for shelf in [desk("world"), tag("Peace")] {
        service.check(shelf, Some(&["talks killed \"\""])).await;
    }
    service.act(match_day, Deed::Unpublish, "").await;
    service.check(tag("Cairo"), Some(&[])).await;
    service.check(desk("sports"), Some(&[])).await;
    let desks = service.views.public_desks().await.expect("a read");
    assert_eq!(desks, [], "nothing can be read");

    service.act(talks, DRAFT_AGAIN, "").await;
    service.found_under("talks", "world", Release::Publish, &["War"]).await;
    service.check(tag("Peace"), None).await;
    service.check(tag("War"), Some(&[talks_line])).await;
    let desks = service.views.public_desks().await.expect("a read");
    assert_eq!(desks, [DeskLine { desk: "world".parse().expect("legal desk"), stories: 1 }]);
    let path = views_path(service.directory.path());
    let same = compare(&service.log, &path, Progress::silent()).await.expect("compared");
    assert!(same.is_equal(), "{same:?}");
    service.stop().await;
}
