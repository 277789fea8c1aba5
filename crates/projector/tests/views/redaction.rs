//! What a redaction leaves in the views: no word of what it names, in any revision, change or file.

use desk::{RedactRequest, Selection, StoryRef};
use story::{Kind, RedactionKind, Release, Revision, StoryId, Text};
use wire::{Change, ChangeBody};
use writethru_projector::{AsOf, Progress, View, compare};

use crate::service::{Service, views_path};

const SECRET: &str = "Canary Quillfeather";

async fn redact(service: &Service, story: StoryId, kind: RedactionKind) {
    let text = |text: &str| Text::uncut(text);
    let request = RedactRequest {
        story: StoryRef::Id(story),
        kind,
        basis: "GDPR-Art.17".parse().expect("a basis"),
        selection: Selection { words: Some(SECRET.to_owned()), ..Selection::default() },
        replacement: (kind == RedactionKind::Anonymise).then(|| text("The man")),
        reason: text("The conviction is spent."),
        note: text("A name was removed."),
        approver: "chief-1".parse().expect("an actor"),
        actor: "counsel-1".parse().expect("an actor"),
        key: None,
        expected: None,
    };
    service.desk.redact(request).await.expect("redacted");
    service.views.reached(service.log.head()).await;
}

/// Redacts something else while the draft still waits.
async fn redact_more(service: &Service, story: StoryId) {
    let state = service.views.state(story, Revision(4), View::Public).await.expect("a read").expect("there");
    assert_eq!(state.blocks[0].text.as_str(), "Police hold a man, 34.");
    let lines = service.views.history(story, Revision(3), 9, View::Public).await.expect("a history");
    assert_eq!(lines[0].hash, Some(wire::article_hash(&state)));
}

/// A story of five revisions, some of them drafts, with the secret in most.
async fn told(service: &Service) -> StoryId {
    let first = ["Police hold a man.", "Canary Quillfeather, 34, denies it. The fire is out."];
    let story = service.file("fire", Release::Publish, &first).await;
    service.file("other", Release::Publish, &["Nothing of this is about it."]).await;
    let second = ["Police hold a man, 34.", "Canary Quillfeather, 34, denies it. The fire is out."];
    service.file("fire", Release::Publish, &second).await;
    let draft = ["Police let the man go.", "Canary Quillfeather, 34, has confessed. The fire is out."];
    service.file("fire", Release::Draft, &draft).await;
    story
}

fn files_with_secret(service: &Service) -> Vec<String> {
    let entries = std::fs::read_dir(service.directory.path()).expect("the folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let holds = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
    };
    paths.filter(holds).map(|path| path.display().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_leaves_no_word_in_any_revision_change_or_file() {
    let service = Service::start().await;
    let story = told(&service).await;
    let before = service.texts(story, "rev:1", View::Public).await.expect("revision 1");
    assert!(before[1].contains(SECRET) && !files_with_secret(&service).is_empty());
    redact(&service, story, RedactionKind::Erase).await;
    assert_eq!(files_with_secret(&service), Vec::<String>::new());
    for revision in ["rev:1", "rev:2"] {
        for view in [View::Public, View::Desk] {
            let texts = service.texts(story, revision, view).await.expect("a revision");
            assert_eq!(texts[1], "\u{2588}\u{2588}\u{2588}The fire is out.", "{revision} {view:?}");
        }
    }
    // Readers keep what was published: no redaction publishes the draft that the desk works on.
    for at in ["rev:4", "latest"] {
        let now = service.texts(story, at, View::Public).await.expect("the redaction");
        assert_eq!(now[0], "Police hold a man, 34.");
        let desk = service.texts(story, at, View::Desk).await.expect("the redaction");
        assert_eq!(desk[0], "Police let the man go.");
    }
    let shown =
        service.views.article(story, AsOf::Latest, View::Public).await.expect("a read").expect("there");
    assert_eq!(shown.hash, wire::article_hash(&shown.to_article().expect("legal").public()));
    redact_more(&service, story).await;
    let changes = service.changes().await;
    let last = changes.last().expect("the redaction");
    assert_eq!((last.kind, last.from, last.to), (Kind::Redaction, Revision(2), Revision(4)));
    assert_eq!(last.voids, [Revision(1), Revision(2)]);
    assert!(matches!(last.body, ChangeBody::Snapshot(_)), "whoever holds the words gets the whole article");
    let ours: Vec<_> = changes.into_iter().filter(|change| change.story == story).collect();
    assert_eq!(replayed(&ours), last_article(&service, story).await);
    let outgoing = service.views.outgoing(log::Position::ZERO, 100).await.expect("changes");
    assert!(outgoing.last().is_some_and(|row| row.recall.is_some()), "it goes out as a recall");
    let same = compare(&service.log, &views_path(service.directory.path()), Progress::silent()).await;
    assert!(same.expect("compared").is_equal(), "a rebuild comes to the same rows");
    service.stop().await;
}

/// Returns what a reader of every change ends with.
fn replayed(changes: &[Change]) -> story::Article {
    let (mut article, mut revision) = (story::Article::default(), Revision::ZERO);
    for change in changes {
        assert_eq!(change.from, revision);
        article = change.apply_to(&article, revision).expect("a change that fits");
        revision = change.to;
    }
    article
}

async fn last_article(service: &Service, story: StoryId) -> story::Article {
    let view = service.views.article(story, "latest".parse().expect("a moment"), View::Public).await;
    view.expect("a read").expect("an article").to_article().expect("legal").public()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_redaction_is_built_again_and_equal() {
    let service = Service::start().await;
    let story = told(&service).await;
    for kind in [RedactionKind::Annotate, RedactionKind::Withdraw, RedactionKind::Anonymise] {
        redact(&service, story, kind).await;
        let shown = service.texts(story, "rev:1", View::Desk).await.expect("revision 1");
        assert_eq!(shown[1].contains(SECRET), kind == RedactionKind::Annotate, "{kind}");
        let more = ["Police hold a man, 34.", &format!("One more line after {kind}.")];
        service.file("fire", Release::Publish, &more).await;
        let same = compare(&service.log, &views_path(service.directory.path()), Progress::silent()).await;
        assert!(same.expect("compared").is_equal(), "{kind}");
    }
    assert_eq!(files_with_secret(&service), Vec::<String>::new());
    // A restart folds from the log again, masks and all.
    let service = Service::on(service.stop().await).await;
    let texts = service.texts(story, "rev:1", View::Public).await.expect("revision 1");
    assert!(!texts[1].contains(SECRET));
    service.file("fire", Release::Publish, &["The last word."]).await;
    let same = compare(&service.log, &views_path(service.directory.path()), Progress::silent()).await;
    assert!(same.expect("compared").is_equal());
    service.stop().await;
}
