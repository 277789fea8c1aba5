//! Acts on stories, two editors at once, and what goes out by itself: over a real log.

use std::time::Duration;

use desk::{ActRequest, Answer, Desk, Prospect, PushError, PushRequest, Rehearsal, Seed, StoryRef, Target};
use jiff::Timestamp;
use log::{Epoch, EventLog, Options};
use story::{
    Act, BlockKind, Command, Copy, CopyBuilder, Deed, Field, GivenBlock, Kind, Push, Release, Revision,
    Status, StoryId, Text,
};
use tokio_util::sync::CancellationToken;
use writethru_desk as desk;

struct Newsroom {
    desk: Desk,
    log: EventLog,
    folder: tempfile::TempDir,
}

async fn newsroom() -> Newsroom {
    let folder = tempfile::tempdir().expect("a folder");
    opened(folder).await
}

async fn opened(folder: tempfile::TempDir) -> Newsroom {
    let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
    let log = EventLog::open(&folder.path().join("log.db"), options).await.expect("a log");
    let desk = Desk::open(log.clone(), Seed::default()).await.expect("a desk");
    Newsroom { desk, log, folder }
}

fn copy(paragraphs: &[&str]) -> Copy {
    let mut copy = CopyBuilder::new();
    copy.field(Field::Headline, "Talks resume").expect("a headline");
    copy.body();
    for text in paragraphs {
        copy.block(GivenBlock::plain(BlockKind::Paragraph, text)).expect("a block");
    }
    copy.finish().0
}

fn filing(copy: Copy, release: Release) -> PushRequest {
    PushRequest {
        target: Target::BySlug("talks".parse().expect("a slug")),
        push: Push {
            desk: Some("world".parse().expect("a desk")),
            kind: None,
            copy,
            release,
            note: Text::default(),
            correction: None,
            label: None,
            occurred: None,
            rebased: None,
        },
        actor: "ed-1".parse().expect("an actor"),
        command: None,
        expected: None,
        base: None,
    }
}

fn acting(story: StoryId, deed: Deed) -> ActRequest {
    let reason = Text::uncut("Counsel asked for it.");
    let act = Act { deed, reason, note: Text::default(), approver: None };
    ActRequest {
        story: StoryRef::Id(story),
        command: Command::Act(Box::new(act)),
        actor: "ed-1".parse().expect("an actor"),
        key: None,
        expected: None,
    }
}

impl Newsroom {
    async fn restarted(self) -> Self {
        self.log.close().await;
        opened(self.folder).await
    }

    async fn file(&self, paragraphs: &[&str], base: Option<u64>) -> Result<Answer, PushError> {
        let base = base.map(Revision);
        self.desk.push(PushRequest { base, ..filing(copy(paragraphs), Release::Publish) }).await
    }

    async fn act(&self, story: StoryId, deed: Deed) -> Result<Answer, PushError> {
        self.desk.act(acting(story, deed)).await
    }

    /// Returns the paragraphs of the story as the log has them.
    async fn paragraphs(&self, story: StoryId) -> Vec<String> {
        let key = log::StoryKey(*story.as_bytes());
        let mut chain = wire::Chain::new(story);
        for record in self.log.read_story(key, 1, 1_000).await.expect("records") {
            chain.open(&record.envelope, &record.disclosures).expect("opens");
        }
        chain.story().article.blocks.iter().map(|block| block.text.as_str().to_owned()).collect()
    }
}

#[tokio::test]
async fn an_act_is_durable_and_a_refused_one_leaves_nothing() {
    let room = newsroom().await;
    let first = room.file(&["One."], None).await.expect("filed");
    let held = room.act(first.story, Deed::Withhold).await.expect("held");
    assert_eq!((held.kind, held.status, held.public), (Kind::Withhold, Status::Withheld, true));
    assert_eq!(room.log.head(), held.position);
    let refused = room.act(first.story, Deed::Withhold).await.expect_err("it is held already");
    assert!(matches!(refused, PushError::Refused(_)), "{refused}");
    assert_eq!(room.log.head(), held.position);
    let unknown = room.act(StoryId::new(uuid::Uuid::now_v7()), Deed::Kill).await.expect_err("no such story");
    assert!(matches!(unknown, PushError::NotFound { .. }), "{unknown}");
}

#[tokio::test]
async fn edits_of_different_paragraphs_are_joined_and_the_log_says_so() {
    let room = newsroom().await;
    let first = room.file(&["One.", "Two.", "Three."], None).await.expect("filed");
    room.file(&["One, they said.", "Two.", "Three."], Some(1)).await.expect("filed");
    let joined = room.file(&["One.", "Two.", "Three, we hear."], Some(1)).await.expect("joined");
    assert_eq!((joined.revision, joined.rebased), (Revision(3), Some(Revision(1))));
    assert_eq!(room.paragraphs(first.story).await, ["One, they said.", "Two.", "Three, we hear."]);
}

#[tokio::test]
async fn edits_of_one_sentence_are_a_conflict_with_every_version() {
    let room = newsroom().await;
    let first = room.file(&["Four dead.", "Two."], None).await.expect("filed");
    room.file(&["Five dead.", "Two."], Some(1)).await.expect("filed");
    let conflict = room.file(&["Six dead.", "Two."], Some(1)).await.expect_err("they overlap");
    let PushError::Overlap(versions) = conflict else { panic!("{conflict}") };
    assert_eq!((versions.base.0, versions.theirs.0), (Revision(1), Revision(2)));
    assert_eq!(versions.overlap.places.len(), 1);
    let texts = [&versions.base.1, &versions.theirs.1, &versions.overlap.proposal];
    assert_eq!(
        texts.map(|article| article.blocks[0].text.as_str()),
        ["Four dead.", "Five dead.", "Six dead."]
    );
    assert_eq!(room.paragraphs(first.story).await, ["Five dead.", "Two."]);
    let ahead = room.file(&["Six dead."], Some(9)).await.expect_err("there is no revision 9");
    assert!(matches!(ahead, PushError::Conflict { .. }), "{ahead}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_stale_writers_lose_nothing_that_was_acknowledged() {
    const WRITERS: usize = 16;
    let room = std::sync::Arc::new(newsroom().await);
    let start: Vec<String> = (0..WRITERS).map(|writer| format!("Paragraph {writer} begins.")).collect();
    let start: Vec<&str> = start.iter().map(String::as_str).collect();
    let first = room.file(&start, None).await.expect("filed");
    let base = first.revision.get();
    let writers = (0..WRITERS).map(|writer| {
        let (room, mut mine) =
            (std::sync::Arc::clone(&room), start.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
        // Two writers for each even paragraph: one of them must be told.
        let place = writer - writer % 2;
        tokio::spawn(async move {
            mine[place] = format!("Writer {writer} was here.");
            let paragraphs: Vec<&str> = mine.iter().map(String::as_str).collect();
            (mine[place].clone(), room.file(&paragraphs, Some(base)).await)
        })
    });
    let mut acknowledged = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        match writer.await.expect("no panic") {
            (text, Ok(_)) => acknowledged.push(text),
            (_, Err(PushError::Overlap(_))) => {}
            (text, Err(error)) => panic!("{text}: {error}"),
        }
    }
    assert_eq!(acknowledged.len(), WRITERS / 2, "one of each pair");
    let paragraphs = room.paragraphs(first.story).await;
    for text in acknowledged {
        assert!(paragraphs.contains(&text), "{text} has vanished");
    }
}

#[tokio::test]
async fn an_item_of_a_wire_finds_its_story_and_does_not_go_back() {
    let room = newsroom().await;
    let item = |version: &str, text: &str| {
        let mut copy = copy(&[text]);
        copy.given.push(Field::Source);
        let source = ["urn:newsml:a:1", version, "-"].map(Some);
        copy.fields.set(Field::Source, Text::from_values(source));
        PushRequest { target: Target::New(None), ..filing(copy, Release::Publish) }
    };
    let first = room.desk.push(item("2", "Four dead.")).await.expect("filed");
    let again = room.desk.push(item("2", "Four dead.")).await.expect("it is known");
    assert_eq!((again.story, again.changed), (first.story, false));
    let late = room.desk.push(item("1", "Two dead.")).await.expect_err("it is out of order");
    assert!(late.to_string().contains("urn:newsml:a:1"), "{late}");
    let next = room.desk.push(item("10", "Six dead.")).await.expect("filed");
    assert_eq!((next.story, next.revision), (first.story, Revision(2)));
    let room = room.restarted().await;
    assert_eq!(room.desk.find_source("urn:newsml:a:1"), Some(first.story), "found again after a restart");
}

#[tokio::test]
async fn an_embargo_ends_by_the_clock_even_over_a_restart() {
    let room = newsroom().await;
    let until = Timestamp::now() + Duration::from_millis(1_200);
    let until = wire::recordable(until);
    let filed = room.desk.push(filing(copy(&["Secret."]), Release::Embargo(until))).await.expect("filed");
    assert_eq!((filed.status, filed.public, filed.until), (Status::Embargoed, false, Some(until)));
    let room = room.restarted().await;
    let mut tail = room.log.tail(filed.position.next());
    let stop = CancellationToken::new();
    // Two schedulers, as two nodes would run: the story goes out once.
    let tasks = [room.desk.clone(), room.desk.clone()].map(|desk| {
        let stop = stop.clone();
        tokio::spawn(async move { desk.run_schedule(stop).await })
    });
    let records = tail.next_batch().await.expect("the release");
    let header = wire::Header::parse(&records[0].envelope).expect("parses");
    assert_eq!((header.kind, header.public, header.actor.as_str()), (Kind::Release, true, "scheduler"));
    assert!(header.recorded >= until, "{} is before {until}", header.recorded);
    // The one who lost looks again and finds nothing due.
    let late = room.act(filed.story, Deed::Lapse).await.expect_err("it is out");
    assert!(matches!(late, PushError::Refused(_)), "{late}");
    stop.cancel();
    for task in tasks {
        task.await.expect("no panic");
    }
    assert_eq!(room.log.head(), records[0].position, "once");
}

#[tokio::test]
async fn a_rehearsal_says_what_would_come_and_stores_nothing() {
    let room = newsroom().await;
    let key = |key: &str| Some(key.parse().expect("a key"));
    let first = PushRequest { command: key("k1"), ..filing(copy(&["One."]), Release::Publish) };
    let open = |rehearsal| match rehearsal {
        Ok(Rehearsal::Open(prospect)) => prospect,
        other => panic!("{other:?}"),
    };
    let coming = open(room.desk.rehearse_push(first.clone()).await);
    let world = "world".parse().expect("a desk");
    assert_eq!(coming, Prospect { story: None, at: Revision(0), desk: world, kind: Kind::Update });
    assert_eq!(room.log.head(), log::Position::ZERO);
    let alert = filing(copy(&[]), Release::Publish);
    assert_eq!(open(room.desk.rehearse_push(alert).await).kind, Kind::Alert);
    let story = room.desk.push(first.clone()).await.expect("filed").story;
    let Ok(Rehearsal::Answered(answer)) = room.desk.rehearse_push(first.clone()).await else {
        panic!("it was done under its key")
    };
    assert_eq!((answer.revision, answer.repeated), (Revision(1), true));
    let same = PushRequest { command: None, ..first };
    let Ok(Rehearsal::Answered(answer)) = room.desk.rehearse_push(same).await else {
        panic!("it changes nothing")
    };
    assert_eq!((answer.revision, answer.changed, answer.repeated), (Revision(1), false, false));
    let kill = ActRequest { key: key("k2"), ..acting(story, Deed::Kill) };
    let coming = open(room.desk.rehearse_act(kill.clone()).await);
    assert_eq!((coming.story, coming.at, coming.kind), (Some(story), Revision(1), Kind::Kill));
    let late = ActRequest { expected: Some(Revision(7)), ..kill.clone() };
    let late = room.desk.rehearse_act(late).await;
    assert!(matches!(late, Err(PushError::Conflict { .. })), "{late:?}");
    let killed = room.desk.act(kill.clone()).await.expect("killed");
    let again = room.desk.rehearse_act(kill).await;
    assert!(matches!(again, Ok(Rehearsal::Answered(_))), "{again:?}");
    let twice = room.desk.rehearse_act(acting(story, Deed::Kill)).await;
    assert!(matches!(twice, Err(PushError::Refused(_))), "{twice:?}");
    assert_eq!(room.log.head(), killed.position);
}

#[tokio::test]
async fn a_story_whose_slug_was_made_is_rehearsed_by_its_key() {
    let room = newsroom().await;
    let key = Some("k1".parse().expect("a key"));
    let new =
        PushRequest { target: Target::New(None), command: key, ..filing(copy(&["One."]), Release::Publish) };
    let filed = room.desk.push(new.clone()).await.expect("filed");
    let Ok(Rehearsal::Answered(answer)) = room.desk.rehearse_push(new).await else {
        panic!("it was done under its key")
    };
    assert_eq!((answer.story, answer.repeated), (filed.story, true));
}
