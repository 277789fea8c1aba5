//! Who wrote what, over a real log.

use desk::{Authored, Desk, Eyes, PushRequest, RedactRequest, Seed, Selection, StoryRef, Target};
use log::{Epoch, EventLog, Options};
use story::{
    BlockKind, CopyBuilder, Field, GivenBlock, Place, Push, RedactionKind, Release, Revision, StoryId, Text,
};
use writethru_desk as desk;

struct Newsroom {
    desk: Desk,
    _folder: tempfile::TempDir,
}

async fn newsroom() -> Newsroom {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
    let log = EventLog::open(&folder.path().join("log.db"), options).await.expect("a log");
    Newsroom { desk: Desk::open(log, Seed::default()).await.expect("a desk"), _folder: folder }
}

impl Newsroom {
    async fn file(&self, release: Release, paragraph: &str) -> StoryId {
        let mut copy = CopyBuilder::new();
        copy.field(Field::Headline, "Man held").expect("a headline");
        copy.body();
        copy.block(GivenBlock::plain(BlockKind::Paragraph, paragraph)).expect("a block");
        let push = Push {
            desk: Some("world".parse().expect("a desk")),
            kind: None,
            copy: copy.finish().0,
            release,
            note: Text::default(),
            correction: None,
            label: None,
            occurred: None,
            rebased: None,
        };
        let request = PushRequest {
            target: Target::BySlug("fire".parse().expect("a slug")),
            push,
            actor: "ed-1".parse().expect("an actor"),
            command: None,
            expected: None,
            base: None,
        };
        self.desk.push(request).await.expect("filed").story
    }

    /// Returns the spans of the first block as `revision:text`, bars between them.
    async fn blame(&self, story: StoryId, upto: u64, eyes: Eyes) -> String {
        let all = self.desk.blame(&StoryRef::Id(story), Revision(upto), eyes).await.expect("blamed");
        let block = all.iter().find(|Authored { place, .. }| matches!(place, Place::Block(_)));
        let spans = block.iter().flat_map(|block| &block.spans);
        spans.map(|(text, revision)| format!("{revision}:{text}")).collect::<Vec<_>>().join("|")
    }
}

#[tokio::test]
async fn readers_words_are_named_by_the_public_revision_they_came_with() {
    let room = newsroom().await;
    let story = room.file(Release::Publish, "Police hold a man. He denies it.").await;
    room.file(Release::Draft, "Police hold two men. He denies it.").await;
    assert_eq!(room.blame(story, 2, Eyes::Desk).await, "1:Police hold |2:two men|1:. He denies it.");
    assert_eq!(room.blame(story, 2, Eyes::Public).await, "1:Police hold a man. He denies it.");
    room.file(Release::Publish, "Police hold two men. They deny it.").await;
    assert_eq!(room.blame(story, 3, Eyes::Public).await, "1:Police hold |3:two men|1:. |3:They deny|1: it.");
    // What was, also while more is known.
    assert_eq!(room.blame(story, 1, Eyes::Desk).await, "1:Police hold a man. He denies it.");
    assert_eq!(
        room.blame(story, u64::MAX, Eyes::Desk).await,
        "1:Police hold |2:two men|1:. |3:They deny it."
    );
}

#[tokio::test]
async fn redacted_words_keep_their_author_and_lose_their_letters() {
    let room = newsroom().await;
    let story = room.file(Release::Publish, "Police hold a man. His name is Quillfeather.").await;
    room.file(Release::Publish, "Police hold a man of 34. His name is Quillfeather.").await;
    assert!(room.blame(story, 2, Eyes::Public).await.contains("Quillfeather"));
    let text = |text: &str| Text::uncut(text);
    let request = RedactRequest {
        story: StoryRef::Id(story),
        kind: RedactionKind::Erase,
        basis: "GDPR-Art.17".parse().expect("a basis"),
        selection: Selection { words: Some("Quillfeather".to_owned()), ..Selection::default() },
        replacement: None,
        reason: text("An order."),
        note: text(""),
        approver: "chief".parse().expect("an actor"),
        actor: "counsel".parse().expect("an actor"),
        key: None,
        expected: None,
    };
    room.desk.redact(request).await.expect("redacted");
    for eyes in [Eyes::Public, Eyes::Desk] {
        let blame = room.blame(story, u64::MAX, eyes).await;
        assert!(
            blame.ends_with("|1:. \u{2588}\u{2588}\u{2588}") || blame.ends_with("1:\u{2588}\u{2588}\u{2588}"),
            "{blame}"
        );
        assert!(!room.blame(story, 1, eyes).await.contains("Quillfeather"));
    }
}
