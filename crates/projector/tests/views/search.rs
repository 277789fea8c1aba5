//! Where a phrase stood, and when readers had it.

use desk::{RedactRequest, Selection, StoryRef};
use proptest::prelude::*;
use story::{Deed, RedactionKind, Release, Restored, Revision, StoryId, Takedowns, Text};
use wire::http::{PhrasePage, PhraseStory};
use writethru_projector::{PhraseFilter, Progress, View, ViewError, compare};

use crate::service::{Service, views_path};

const RESTORE: Deed = Deed::Restore { to: Restored::Usable, takedowns: Takedowns::Lift };

fn filter(phrase: &str, view: View) -> PhraseFilter {
    PhraseFilter { phrase: phrase.to_owned(), story: None, desk: None, view, limit: 10, after: None }
}

async fn page(service: &Service, filter: PhraseFilter) -> PhrasePage {
    service.views.phrase(filter).await.expect("a read")
}

/// Returns the one story with the phrase, if there is one.
async fn one(service: &Service, phrase: &str, view: View) -> Option<PhraseStory> {
    let mut found = page(service, filter(phrase, view)).await.stories;
    assert!(found.len() < 2, "{found:?}");
    found.pop()
}

/// First and last of some revisions.
type Spans = Vec<(u64, u64)>;

/// Returns the stretches of revisions, and those of public ones.
fn spans(found: &PhraseStory) -> (Spans, Spans) {
    let revisions = found.revisions.iter().map(|one| (one.from.get(), one.to.get()));
    (revisions.collect(), found.public.iter().map(|one| (one.from.get(), one.to.get())).collect())
}

#[tokio::test]
async fn a_phrase_is_found_in_every_revision_that_had_it_and_when_readers_did() {
    let service = Service::start().await;
    let filed = [
        (Release::Publish, "Police hold a man. He is 34."),
        (Release::Draft, "At LEAST  four are hurt, “they don’t know”."),
        (Release::Publish, "At least four are hurt. Roads are shut."),
        (Release::Draft, "At least four are hurt. Nobody died."),
        (Release::Publish, "Nobody died."),
        (Release::Publish, "It began: at least\nfour are hurt."),
    ];
    let mut story = None;
    for (release, text) in filed {
        story = Some(service.file("quake", release, &[text]).await);
    }
    let story = story.expect("filed");
    service.file("other", Release::Publish, &["Nothing of this."]).await;
    let lines = service.views.history(story, Revision::ZERO, 10, View::Desk).await.expect("a history");
    let at = |revision: usize| lines[revision - 1].recorded;
    let desk = one(&service, " AT least four\tare ", View::Desk).await.expect("found");
    assert_eq!(spans(&desk), (vec![(2, 4), (6, 6)], vec![(3, 3), (6, 6)]));
    assert_eq!((desk.revisions[0].since, desk.revisions[0].until), (at(2), Some(at(5))));
    assert_eq!((desk.public[0].since, desk.public[0].until), (at(3), Some(at(5))));
    assert_eq!((desk.first_public, desk.last_public, desk.is_public), (Some(at(3)), None, true));
    assert_eq!((desk.slug.as_str(), desk.desk.as_str(), desk.more), ("quake", "world", false));
    let public = one(&service, "at least four", View::Public).await.expect("found");
    assert_eq!(spans(&public), (vec![(3, 3), (6, 6)], vec![(3, 3), (6, 6)]));
    assert_eq!(public.revisions[0].places, desk.revisions[0].places);
    // Over the end of a sentence, and never over that of a block.
    let over = one(&service, "hurt. Roads", View::Public).await.expect("found");
    assert_eq!((over.is_public, over.last_public), (false, Some(at(5))));
    assert!(one(&service, "\"they don't know\"", View::Desk).await.expect("a draft").public.is_empty());
    assert_eq!(one(&service, "they don't", View::Public).await, None, "a draft is nobody's");
    let headline = one(&service, "about quake", View::Public).await.expect("the headline");
    assert_eq!(
        (&headline.revisions[0].places[..], spans(&headline).0),
        (&["headline".to_owned()][..], vec![(1, 6)])
    );
    for nothing in ["embargo canary", "", " ", "four are hurt, nobody"] {
        assert_eq!(page(&service, filter(nothing, View::Desk)).await, PhrasePage::default(), "{nothing}");
    }
    service.stop().await;
}

#[tokio::test]
async fn what_was_taken_from_readers_is_no_answer_to_them_until_it_comes_back() {
    let service = Service::start().await;
    service.file("quake", Release::Publish, &["A canary sang."]).await;
    let story = service.file("quake", Release::Publish, &["A canary sang loudly."]).await;
    service.act(story, Deed::Kill, "").await;
    assert_eq!(one(&service, "canary", View::Public).await, None);
    let desk = one(&service, "canary", View::Desk).await.expect("the desk knows");
    assert_eq!(spans(&desk), (vec![(1, 3)], vec![(1, 2)]));
    assert!(!desk.is_public && desk.last_public.is_some());
    service.act(story, RESTORE, "").await;
    let back = one(&service, "canary", View::Public).await.expect("it is back");
    assert_eq!(spans(&back), (vec![(1, 2), (4, 4)], vec![(1, 2), (4, 4)]));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_redaction_erased_is_found_nowhere_and_the_rest_still_is() {
    let service = Service::start().await;
    let text = "Police hold a man. Canary Quillfeather, 34, denies it. The fire is out.";
    let story = service.file("fire", Release::Publish, &[text]).await;
    service.file("fire", Release::Draft, &["Roads are shut.", text]).await;
    let request = RedactRequest {
        story: StoryRef::Id(story),
        kind: RedactionKind::Erase,
        basis: "GDPR-Art.17".parse().expect("a basis"),
        selection: Selection { words: Some("Quillfeather".to_owned()), ..Selection::default() },
        replacement: None,
        reason: Text::uncut("The conviction is spent."),
        note: Text::uncut("A name was removed."),
        approver: "chief-1".parse().expect("an actor"),
        actor: "counsel-1".parse().expect("an actor"),
        key: None,
        expected: None,
    };
    service.desk.redact(request).await.expect("redacted");
    service.views.reached(service.log.head()).await;
    for view in [View::Desk, View::Public] {
        assert_eq!(one(&service, "quillfeather", view).await, None);
    }
    let rest = one(&service, "the fire is out", View::Desk).await.expect("not redacted");
    // Readers keep what they had: the redaction shows them revision 1, not the draft.
    assert_eq!(spans(&rest), (vec![(1, 3)], vec![(1, 3)]));
    assert_eq!(one(&service, "roads are shut", View::Public).await, None);
    let names = std::fs::read_dir(service.directory.path()).expect("the folder");
    for path in names.map(|entry| entry.expect("an entry").path()) {
        let bytes = std::fs::read(&path).expect("a file").to_ascii_lowercase();
        assert!(!bytes.windows(12).any(|window| window == b"quillfeather"), "{}", path.display());
    }
    let same = compare(&service.log, &views_path(service.directory.path()), Progress::silent()).await;
    assert!(same.expect("compared").is_equal(), "a rebuild comes to the same rows");
    service.stop().await;
}

#[tokio::test]
async fn pages_end_where_the_next_begins_and_filters_narrow_them() {
    let service = Service::start().await;
    let mut stories: Vec<StoryId> = Vec::new();
    for slug in ["one", "two", "three"] {
        stories.push(service.file(slug, Release::Publish, &["The ground shook."]).await);
    }
    stories.sort_unstable();
    let first = page(&service, PhraseFilter { limit: 2, ..filter("ground", View::Public) }).await;
    assert_eq!(first.stories.iter().map(|found| found.story).collect::<Vec<_>>(), stories[..2]);
    let rest = page(&service, PhraseFilter { after: first.next, ..filter("ground", View::Public) }).await;
    assert_eq!(rest.stories.iter().map(|found| found.story).collect::<Vec<_>>(), stories[2..]);
    assert_eq!(rest.next, None);
    let by_story = PhraseFilter { story: Some(stories[1]), ..filter("ground", View::Public) };
    assert_eq!(page(&service, by_story).await.stories.len(), 1);
    let desk = |name: &str| Some(name.parse().expect("a desk"));
    for view in [View::Public, View::Desk] {
        let by_desk = PhraseFilter { desk: desk("sports"), ..filter("ground", view) };
        assert_eq!(page(&service, by_desk).await.stories.len(), 0);
        let by_desk = PhraseFilter { desk: desk("world"), ..filter("ground", view) };
        assert_eq!(page(&service, by_desk).await.stories.len(), 3);
    }
    let nonsense = PhraseFilter { after: Some("nonsense".to_owned()), ..filter("ground", View::Desk) };
    assert!(matches!(service.views.phrase(nonsense).await, Err(ViewError::PageToken { .. })));
    service.stop().await;
}

/// Texts of up to three paragraphs, and whether they are published.
fn histories() -> impl Strategy<Value = Vec<(bool, Vec<String>)>> {
    let text = prop::collection::vec(prop::sample::select(vec!["ash", "bark", "Cedar", "elm."]), 1..5);
    let texts = prop::collection::vec(text.prop_map(|words| words.join(" ")), 1..4);
    prop::collection::vec((any::<bool>(), texts), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_found_is_what_the_articles_hold(history in histories()) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let service = Service::start().await;
            let mut story = None;
            for (is_public, texts) in &history {
                let release = if *is_public { Release::Publish } else { Release::Draft };
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                story = Some(service.file("trees", release, &texts).await);
            }
            let story = story.expect("filed");
            for phrase in ["ash bark", "cedar", "elm. elm", "k c"] {
                for view in [View::Desk, View::Public] {
                    let found = one(&service, phrase, view).await;
                    let mut listed = Vec::new();
                    for stretch in found.iter().flat_map(|found| &found.revisions) {
                        listed.extend(stretch.from.get()..=stretch.to.get());
                    }
                    let newest = service.views.newest(story, View::Desk).await.expect("a read").expect("filed");
                    for revision in 1..=newest.get() {
                        let texts = service.texts(story, &format!("rev:{revision}"), view).await;
                        let holds = texts.is_some_and(|texts| texts.iter().any(|text| text.to_lowercase().contains(phrase)));
                        let is_seen = view == View::Desk || holds;
                        // A stretch of public revisions goes over drafts in between.
                        if is_seen {
                            assert_eq!(listed.contains(&revision), holds, "{phrase} {view:?} {revision} {history:?}");
                        }
                    }
                }
            }
            service.stop().await;
        });
    }
}
