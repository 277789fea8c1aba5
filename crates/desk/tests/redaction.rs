//! Redaction over a real log: what is named goes from every revision and every file, and nothing else
//! changes.

use std::path::Path;

use desk::{
    Desk, PushError, PushRequest, RedactError, RedactRequest, Redacted, Seed, Selection, StoryRef, Target,
};
use log::{Epoch, EventLog, Options, Record, StoryKey};
use story::{
    ActorId, BlockId, BlockKind, Copy, CopyBuilder, Field, GivenBlock, Kind, Place, Push, RedactionKind,
    Release, Revision, StoryId, Text,
};
use wire::{Chain, Masks};
use writethru_desk as desk;

const SECRET: &str = "Canary Quillfeather";

struct Newsroom {
    desk: Desk,
    log: EventLog,
    folder: tempfile::TempDir,
}

async fn newsroom() -> Newsroom {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
    let log = EventLog::open(&folder.path().join("log.db"), options).await.expect("a log");
    let desk = Desk::open(log.clone(), Seed::default()).await.expect("a desk");
    Newsroom { desk, log, folder }
}

fn copy(paragraphs: &[&str]) -> Copy {
    let mut copy = CopyBuilder::new();
    copy.field(Field::Headline, "Man held after fire").expect("a headline");
    copy.body();
    for text in paragraphs {
        copy.block(GivenBlock::plain(BlockKind::Paragraph, text)).expect("a block");
    }
    copy.finish().0
}

fn request(story: StoryId, kind: RedactionKind, selection: Selection) -> RedactRequest {
    RedactRequest {
        story: StoryRef::Id(story),
        kind,
        basis: "GDPR-Art.17".parse().expect("a basis"),
        selection,
        replacement: None,
        reason: Text::uncut("The conviction is spent."),
        note: Text::uncut("A name was removed for legal reasons."),
        approver: "chief-1".parse().expect("an actor"),
        actor: actor(),
        key: None,
        expected: None,
    }
}

fn actor() -> ActorId {
    "counsel-1".parse().expect("an actor")
}

fn words(words: &str) -> Selection {
    Selection { words: Some(words.to_owned()), ..Selection::default() }
}

fn block(block: &str, sentence: Option<usize>) -> Selection {
    let block: BlockId = block.parse().expect("an id");
    Selection { place: Some(Place::Block(block)), sentence, ..Selection::default() }
}

impl Newsroom {
    async fn file(&self, paragraphs: &[&str], note: &str) -> StoryId {
        let push = Push {
            desk: Some("world".parse().expect("a desk")),
            kind: None,
            copy: copy(paragraphs),
            release: Release::Publish,
            note: Text::uncut(note),
            correction: None,
            label: None,
            occurred: None,
            rebased: None,
        };
        let target = Target::BySlug("fire".parse().expect("a slug"));
        let request = PushRequest { target, push, actor: actor(), command: None, expected: None, base: None };
        self.desk.push(request).await.expect("filed").story
    }

    async fn redact(&self, request: RedactRequest) -> Result<Redacted, RedactError> {
        self.desk.redact(request).await
    }

    async fn records(&self, story: StoryId) -> Vec<Record> {
        self.log.read_story(StoryKey(*story.as_bytes()), 1, 1_000).await.expect("records")
    }

    /// Returns the text of each revision as its readers see it now, and the state's hash.
    async fn revisions(&self, story: StoryId) -> Vec<(String, proof::Hash)> {
        let records = self.records(story).await;
        let masks = Masks::of(records.iter().map(|record| &record.envelope[..])).expect("envelopes");
        let mut chain = Chain::masked(story, masks);
        let mut seen = Vec::new();
        for record in &records {
            chain.open(&record.envelope, &record.disclosures).expect("opens");
            let blocks = chain.story().article.blocks.iter().map(|block| block.text.as_str());
            seen.push((blocks.collect::<Vec<_>>().join(" / "), chain.state()));
        }
        seen
    }
}

/// Returns the files under `folder` that hold `words`.
fn files_with(folder: &Path, words: &str) -> Vec<String> {
    let holds = |path: &Path| {
        std::fs::read(path).is_ok_and(|bytes| memchr::memmem::find(&bytes, words.as_bytes()).is_some())
    };
    std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| holds(path))
        .map(|path| path.display().to_string())
        .collect()
}

const FIRST: &str = "Police hold a man. Canary Quillfeather, 34, denies it. The fire is out.";
const SECOND: &str = "Police hold a man. Canary Quillfeather, 34, denies it. The fire is out at last.";
const THIRD: &str = "Police hold a man. The fire is out at last.";

#[tokio::test]
async fn an_erased_sentence_is_in_no_revision_and_no_file_and_no_hash_changes() {
    let room = newsroom().await;
    let story = room.file(&[FIRST, "Ten people were hurt."], "").await;
    room.file(&[SECOND, "Ten people were hurt."], "").await;
    room.file(&[THIRD, "Ten people were hurt."], "").await;
    let (before, states) = (room.records(story).await, room.revisions(story).await);
    assert!(!files_with(room.folder.path(), SECRET).is_empty(), "it was written");
    let selection = Selection { words: Some(SECRET.to_owned()), ..block("b1", None) };
    let done = room.redact(request(story, RedactionKind::Erase, selection)).await.expect("redacted");
    assert_eq!((done.values, done.records, done.answer.kind), (1, 1, Kind::Redaction));
    assert_eq!(files_with(room.folder.path(), SECRET), Vec::<String>::new());
    let (after, redacted) = (room.records(story).await, room.revisions(story).await);
    for (record, was) in after.iter().zip(&before) {
        assert_eq!((&record.envelope, record.position), (&was.envelope, was.position));
    }
    let texts: Vec<&str> = redacted.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(texts[0], "Police hold a man. ███The fire is out. / Ten people were hurt.");
    assert_eq!(texts[1], "Police hold a man. ███The fire is out at last. / Ten people were hurt.");
    assert_eq!(texts[2], states[2].0, "what never held the words is as it was");
    assert!(states.iter().zip(&redacted).all(|(was, is)| was.1 == is.1), "states are made of commitments");
    assert_eq!(redacted[3].1, redacted[2].1);
    room.log.check(|_, _| {}).await.expect("the log is whole");
}

#[tokio::test]
async fn words_are_found_in_notes_and_headlines_too() {
    let room = newsroom().await;
    let story = room.file(&["Police hold a man."], "").await;
    room.file(&["Police hold a man, 34."], "We name Canary Quillfeather no longer.").await;
    let found = room.desk.would_redact(&StoryRef::Id(story), &words(SECRET)).await.expect("found");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].since, found[0].place.clone()), (Revision(2), None));
    assert!(found[0].text.contains(SECRET));
    room.redact(request(story, RedactionKind::Erase, words(SECRET))).await.expect("redacted");
    assert_eq!(files_with(room.folder.path(), SECRET), Vec::<String>::new());
    let nothing = room.redact(request(story, RedactionKind::Erase, words(SECRET))).await;
    assert!(matches!(nothing, Err(RedactError::NothingFound)), "{nothing:?}");
    let slug = room.redact(request(story, RedactionKind::Erase, words("fire"))).await;
    assert!(matches!(slug, Err(RedactError::Fixed { field: Field::Slug })), "{slug:?}");
}

#[tokio::test]
async fn a_sentence_that_stands_outside_of_the_named_revisions_is_refused() {
    let room = newsroom().await;
    let story = room.file(&[FIRST], "").await;
    room.file(&[SECOND], "").await;
    room.file(&[THIRD], "").await;
    let in_revisions = |first, last| Selection {
        revisions: Some((Revision(first), Revision(last))),
        ..block("b1", Some(1))
    };
    let refused = room.redact(request(story, RedactionKind::Erase, in_revisions(1, 1))).await;
    let Err(RedactError::StandsElsewhere { revision }) = refused else { panic!("got {refused:?}") };
    assert_eq!(revision, Revision(2));
    assert!(!files_with(room.folder.path(), SECRET).is_empty());
    assert_eq!(room.log.head().0, 3, "nothing was stored");
    room.redact(request(story, RedactionKind::Erase, in_revisions(1, 2))).await.expect("redacted");
    assert_eq!(files_with(room.folder.path(), SECRET), Vec::<String>::new());
    let later =
        room.redact(request(story, RedactionKind::Erase, in_revisions(2, 4))).await.expect("another one");
    assert_eq!(later.values, 1, "the second sentence since revision 3; that of revision 2 is gone already");
}

#[tokio::test]
async fn an_anonymised_sentence_has_other_words_now_and_a_mark_before() {
    let room = newsroom().await;
    let story = room.file(&[FIRST], "").await;
    let missing = room.redact(request(story, RedactionKind::Anonymise, words(SECRET))).await;
    assert!(matches!(missing, Err(RedactError::ReplacementMissing)), "{missing:?}");
    let replacement = Some(Text::uncut("The man"));
    let anonymise = RedactRequest { replacement, ..request(story, RedactionKind::Anonymise, words(SECRET)) };
    room.redact(anonymise).await.expect("redacted");
    let revisions = room.revisions(story).await;
    assert_eq!(revisions[0].0, "Police hold a man. ███The fire is out.");
    assert_eq!(revisions[1].0, "Police hold a man. The man, 34, denies it. The fire is out.");
    assert_eq!(files_with(room.folder.path(), SECRET), Vec::<String>::new());
    // The desk goes on from there: what a system sends again is found to be the same.
    let same = ["Police hold a man. The man, 34, denies it. The fire is out."];
    room.file(&same, "").await;
    assert_eq!(room.log.head().0, 2);
}

#[tokio::test]
async fn withdrawn_words_stay_in_the_record_and_are_shown_to_nobody() {
    let room = newsroom().await;
    let story = room.file(&[FIRST], "").await;
    let done = room.redact(request(story, RedactionKind::Withdraw, words(SECRET))).await.expect("withdrawn");
    assert_eq!(done.records, 0);
    assert!(!files_with(room.folder.path(), SECRET).is_empty(), "the record has them");
    assert!(room.revisions(story).await.iter().all(|(text, _)| !text.contains(SECRET)));
    // An editor who sends back what is shown brings nothing in.
    room.file(&["Police hold a man. ███The fire is out."], "").await;
    assert_eq!(room.log.head().0, 2, "that is the article as it stands");
    let annotated = request(story, RedactionKind::Annotate, words("The fire is out"));
    let done = room.redact(annotated).await.expect("annotated");
    assert_eq!((done.records, done.answer.public), (0, true));
    let erased =
        room.redact(request(story, RedactionKind::Erase, words(SECRET))).await.expect("erased later");
    assert_eq!(erased.records, 1);
    assert_eq!(files_with(room.folder.path(), SECRET), Vec::<String>::new());
}

#[tokio::test]
async fn a_repeated_redaction_gets_its_first_answer() {
    let room = newsroom().await;
    let story = room.file(&[FIRST], "").await;
    let asked = RedactRequest {
        key: Some("order-17".parse().expect("a key")),
        ..request(story, RedactionKind::Erase, words(SECRET))
    };
    let first = room.redact(asked.clone()).await.expect("redacted");
    let again = room.redact(asked.clone()).await.expect("the same answer");
    assert_eq!((again.answer.revision, again.answer.repeated), (first.answer.revision, true));
    assert_eq!(room.log.head().0, 2);
    let stale = RedactRequest {
        expected: Some(Revision(1)),
        key: None,
        ..request(story, RedactionKind::Erase, words("The fire"))
    };
    let conflict = room.redact(stale).await;
    assert!(matches!(conflict, Err(RedactError::Push(PushError::Conflict { .. }))), "{conflict:?}");
}

#[tokio::test]
async fn a_redaction_that_was_cut_off_is_finished_at_the_next_start() {
    let room = newsroom().await;
    let story = room.file(&[FIRST], "").await;
    let found = room.desk.would_redact(&StoryRef::Id(story), &words(SECRET)).await.expect("found");
    // What the power left: the event is in the log, and so are the words.
    let records = room.records(story).await;
    let mut chain = Chain::new(story);
    let opened = chain.open(&records[0].envelope, &records[0].disclosures).expect("opens");
    let redaction = story::Redaction {
        kind: RedactionKind::Erase,
        basis: "court:2026/17".parse().expect("a basis"),
        values: [story::ValueId(found[0].commitment.0)].into(),
    };
    let event = story::Event {
        revision: Revision(2),
        kind: Kind::Redaction,
        act: Some(story::ActNotice { reason: Text::uncut("An order."), approver: None }),
        redaction: Some(redaction),
        operations: Vec::new(),
        ..opened.event
    };
    let stamp = wire::Stamp {
        event: uuid::Uuid::now_v7(),
        actor: actor(),
        command: "cut-off".parse().expect("a key"),
        seed: proof::Seed([3; 32]),
    };
    let sealed = chain.seal(&event, &stamp).expect("seals");
    let record = log::NewRecord { envelope: sealed.envelope, disclosures: sealed.disclosures };
    let batch = log::Batch { command: log::Command("cut-off".into()), records: vec![record] };
    room.log.append(StoryKey(*story.as_bytes()), 1, batch).await.expect("stored");
    assert!(!files_with(room.folder.path(), SECRET).is_empty());
    room.desk.finish_redactions(vec![story]).await;
    assert_eq!(files_with(room.folder.path(), SECRET), Vec::<String>::new());
    room.desk.finish_redactions(vec![story]).await;
    room.log.check(|_, _| {}).await.expect("the log is whole");
}
