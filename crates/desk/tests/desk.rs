//! The desk over a real log.

use std::path::Path;

use log::{Epoch, EventLog, Options, Position, StoryKey};
use story::{
    ActorId, BlockKind, CommandKey, CopyBuilder, Field, GivenBlock, Kind, Push, Refusal, Release, Revision,
    Text,
};
use tempfile::TempDir;
use wire::Chain;
use writethru_desk::{Answer, Desk, PushError, PushRequest, Seed, Target};

async fn open_log(directory: &Path) -> EventLog {
    let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
    EventLog::open(&directory.join("log.db"), options).await.expect("a log")
}

/// A desk on a new log; the directory must outlive it.
async fn desk() -> (TempDir, EventLog, Desk) {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open_log(directory.path()).await;
    let desk = Desk::open(log.clone(), Seed::default()).await.expect("a desk");
    (directory, log, desk)
}

fn filing(slug: &str, headline: &str, paragraphs: &[&str]) -> PushRequest {
    let mut copy = CopyBuilder::new();
    copy.field(Field::Headline, headline).expect("legal headline");
    copy.body();
    for text in paragraphs {
        copy.block(GivenBlock { id: None, kind: BlockKind::Paragraph, text, marks: &[] })
            .expect("legal block");
    }
    PushRequest {
        target: Target::BySlug(slug.parse().expect("legal slug")),
        push: Push {
            desk: Some("world".parse().expect("legal desk")),
            kind: None,
            copy: copy.finish().0,
            release: Release::Publish,
            note: Text::default(),
            correction: None,
            label: None,
            occurred: None,
            rebased: None,
        },
        actor: ActorId::try_from("a1".to_owned()).expect("legal actor"),
        command: None,
        expected: None,
        base: None,
    }
}

fn keyed(key: &str, request: PushRequest) -> PushRequest {
    PushRequest { command: Some(key.parse::<CommandKey>().expect("legal key")), ..request }
}

/// The story of `answer` as the log alone tells it.
async fn replayed(log: &EventLog, answer: &Answer) -> Chain {
    let mut chain = Chain::new(answer.story);
    for record in log.read_story(StoryKey(*answer.story.as_bytes()), 1, 10_000).await.expect("records") {
        chain.open(&record.envelope, &record.disclosures).expect("a legal record");
    }
    chain
}

fn words(chain: &Chain) -> Vec<String> {
    chain.story().article.blocks.iter().map(|block| block.text.as_str().to_owned()).collect()
}

#[tokio::test]
async fn a_push_is_in_the_log_when_it_is_answered() {
    let (_directory, log, desk) = desk().await;
    let answer = desk.push(filing("quake", "Quake", &["Four dead."])).await.expect("filed");
    assert_eq!((answer.revision, answer.changed, answer.kind), (Revision(1), true, Kind::Update));
    assert_eq!(log.head(), answer.position);
    assert_eq!(words(&replayed(&log, &answer).await), ["Four dead."]);
}

#[tokio::test]
async fn the_same_copy_again_adds_nothing() {
    let (_directory, log, desk) = desk().await;
    desk.push(filing("quake", "Quake", &["Four dead."])).await.expect("filed");
    let again = desk.push(filing("quake", "Quake", &["Four  dead. "])).await.expect("answered");
    assert_eq!((again.revision, again.changed, again.repeated), (Revision(1), false, false));
    assert_eq!(log.head(), Position(1));
}

#[tokio::test]
async fn a_repeated_command_gets_its_first_answer_and_stores_nothing() {
    let (directory, log, desk) = desk().await;
    let first = desk.push(keyed("k1", filing("quake", "Quake", &["Four dead."]))).await.expect("filed");
    desk.push(filing("quake", "Quake", &["Six dead."])).await.expect("filed");
    let again = desk.push(keyed("k1", filing("quake", "Quake", &["Four dead."]))).await.expect("answered");
    assert_eq!((again.revision, again.repeated, again.changed), (first.revision, true, false));
    log.close().await;
    drop((desk, log));
    let log = open_log(directory.path()).await;
    let desk = Desk::open(log.clone(), Seed::default()).await.expect("a desk");
    let later = desk.push(keyed("k1", filing("quake", "Quake", &["Four dead."]))).await.expect("answered");
    assert_eq!((later.revision, later.position, later.repeated), (first.revision, first.position, true));
    assert_eq!(log.head(), Position(2));
}

#[tokio::test]
async fn a_repeated_filing_without_a_slug_finds_its_story() {
    let (_directory, log, desk) = desk().await;
    let unnamed = || PushRequest {
        target: Target::New(None),
        ..keyed("k1", filing("x", "Quake hits", &["Four dead."]))
    };
    let first = desk.push(unnamed()).await.expect("filed");
    let again = desk.push(unnamed()).await.expect("answered");
    assert!(first.slug.as_str().starts_with("quake-hits-"), "{}", first.slug);
    assert_eq!((again.story, again.repeated), (first.story, true));
    assert_eq!(log.head(), Position(1));
}

#[tokio::test]
async fn a_writer_that_insists_on_another_revision_is_told_the_one_there_is() {
    let (_directory, log, desk) = desk().await;
    desk.push(filing("quake", "Quake", &["Four dead."])).await.expect("filed");
    let insisting = PushRequest { expected: Some(Revision(3)), ..filing("quake", "Quake", &["Six dead."]) };
    let refused = desk.push(insisting).await.expect_err("revision 3 does not exist");
    assert!(
        matches!(refused, PushError::Conflict { expected: Revision(3), actual: Revision(1) }),
        "{refused:?}"
    );
    assert_eq!(log.head(), Position(1));
}

#[tokio::test]
async fn a_story_that_does_not_exist_takes_no_update() {
    let (_directory, log, desk) = desk().await;
    for name in ["nowhere", "0192e3a0-0000-7000-8000-000000000000"] {
        let target = Target::Existing(name.parse().expect("a legal name"));
        let lost = PushRequest { target, ..filing("x", "Quake", &["Four dead."]) };
        let refused = desk.push(lost).await.expect_err("no such story");
        assert!(matches!(refused, PushError::NotFound { .. }), "{refused:?}");
    }
    assert_eq!(log.head(), Position::ZERO);
}

#[tokio::test]
async fn a_new_story_cannot_take_another_ones_slug() {
    let (_directory, log, desk) = desk().await;
    desk.push(filing("quake", "Quake", &["Four dead."])).await.expect("filed");
    let slug = Some("quake".parse().expect("legal slug"));
    let second = PushRequest { target: Target::New(slug), ..filing("x", "Another quake", &["Two dead."]) };
    assert!(matches!(desk.push(second).await, Err(PushError::SlugTaken { .. })));
    assert_eq!(log.head(), Position(1));
}

#[tokio::test]
async fn a_refused_first_push_frees_its_slug() {
    let (_directory, _log, desk) = desk().await;
    let mut homeless = filing("quake", "Quake", &["Four dead."]);
    homeless.push.desk = None;
    let refused = desk.push(homeless).await.expect_err("no desk");
    assert!(matches!(refused, PushError::Refused(Refusal::DeskMissing)), "{refused:?}");
    assert_eq!(desk.find(&"quake".parse().expect("a name")), None);
    desk.push(filing("quake", "Quake", &["Four dead."])).await.expect("filed");
}

#[tokio::test]
async fn slugs_are_known_after_a_restart_with_and_without_a_seed() {
    let (directory, log, desk) = desk().await;
    let quake = desk.push(filing("quake", "Quake", &["Four dead."])).await.expect("filed");
    let flood = desk.push(filing("flood", "Flood", &["Roads are shut."])).await.expect("filed");
    log.close().await;
    drop((desk, log));
    let log = open_log(directory.path()).await;
    let seed =
        Seed { slugs: vec![(quake.slug.clone(), quake.story)], upto: quake.position, ..Seed::default() };
    for seed in [Seed::default(), seed] {
        let desk = Desk::open(log.clone(), seed).await.expect("a desk");
        for story in [&quake, &flood] {
            assert_eq!(desk.find(&story.slug.as_str().parse().expect("a name")), Some(story.story));
        }
    }
}

#[tokio::test]
async fn a_preview_tells_what_would_happen_and_stores_nothing() {
    let (_directory, log, desk) = desk().await;
    let new = desk.preview(filing("quake", "Quake", &["Four dead."])).await.expect("a preview");
    assert_eq!((new.story, new.kind), (None, Some(Kind::Update)));
    desk.push(filing("quake", "Quake", &["Four dead."])).await.expect("filed");
    let next = desk.preview(filing("quake", "Quake", &["Six dead."])).await.expect("a preview");
    assert_eq!(next.step.diff().ops.len(), 1);
    assert_eq!(next.step.significance().level, story::Level::Substantive);
    let same = desk.preview(filing("quake", "Quake", &["Four dead."])).await.expect("a preview");
    assert_eq!(same.kind, None);
    assert_eq!(log.head(), Position(1));
}

#[tokio::test]
async fn many_writers_of_one_story_lose_nothing_and_double_nothing() {
    let (_directory, log, desk) = desk().await;
    desk.push(filing("quake", "Quake", &["Start."])).await.expect("filed");
    let writers: Vec<_> = (0..32)
        .map(|writer| {
            let desk = desk.clone();
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for push in 0..4 {
                    let text = format!("Writer {writer} files {push}.");
                    let key = format!("w{writer}-{push}");
                    answers.push(
                        desk.push(keyed(&key, filing("quake", "Quake", &[&text]))).await.expect("filed"),
                    );
                }
                answers
            })
        })
        .collect();
    let mut revisions = Vec::new();
    for writer in writers {
        revisions.extend(writer.await.expect("a writer").iter().map(|answer| answer.revision.get()));
    }
    revisions.sort_unstable();
    assert_eq!(revisions, (2..=129).collect::<Vec<_>>());
    assert_eq!(log.head(), Position(129));
    let last = desk.push(filing("quake", "Quake", &["End."])).await.expect("filed");
    assert_eq!(replayed(&log, &last).await.story().revision, Revision(130));
}

#[tokio::test]
async fn a_closed_log_refuses_and_the_desk_says_so() {
    let (_directory, log, desk) = desk().await;
    desk.push(filing("quake", "Quake", &["Four dead."])).await.expect("filed");
    log.close().await;
    let refused = desk.push(filing("quake", "Quake", &["Six dead."])).await.expect_err("the log is closed");
    assert!(matches!(refused, PushError::Unavailable { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_key_that_comes_again_with_other_copy_is_refused() {
    let (_directory, log, desk) = desk().await;
    let first = desk.push(keyed("k-1", filing("quake", "Quake", &["Four dead."]))).await.expect("filed");
    desk.push(filing("quake", "Quake", &["Five dead."])).await.expect("filed");
    let head = log.head();
    let again = desk.push(keyed("k-1", filing("quake", "Quake", &["Four dead."]))).await.expect("a repeat");
    assert_eq!((again.revision, again.repeated), (first.revision, true));
    let other = desk.push(keyed("k-1", filing("quake", "Quake", &["Six dead."]))).await;
    assert!(matches!(other, Err(PushError::KeyReused { revision: Revision(1), .. })), "{other:?}");
    assert_eq!(log.head(), head);
}
