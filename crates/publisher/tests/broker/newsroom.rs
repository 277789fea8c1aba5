//! A whole newsroom but for NATS: a log, its desk and its projector, running.

use std::path::Path;

use desk::{Desk, PushRequest, Seed, Target};
use jiff::SignedDuration;
use log::{Batch, Command, Epoch, EventLog, NewRecord, Options, StoryKey};
use projector::{Projector, Views};
use story::{
    Act, BlockKind, CopyBuilder, CorrectionNotice, Deed, Field, GivenBlock, Kind, Push, Release, StoryId,
    Text, decide,
};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;
use wire::{Chain, Stamp};

pub(crate) const EPOCH: Epoch = Epoch(7);

pub(crate) struct Newsroom {
    pub(crate) directory: TempDir,
    pub(crate) views: Views,
    pub(crate) log: EventLog,
    pub(crate) desk: Desk,
    _running: DropGuard,
}

impl Newsroom {
    pub(crate) async fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let options = Options { new_epoch: EPOCH, create: true, read_only: false };
        let log = EventLog::open(&directory.path().join("log.db"), options).await.expect("a log");
        let views = directory.path().join("views.db");
        let (projector, views, _) = Projector::open(log.clone(), &views).expect("views");
        let shutdown = CancellationToken::new();
        tokio::spawn(projector.run(shutdown.clone()));
        let desk = Desk::open(log.clone(), Seed::default()).await.expect("a desk");
        Self { directory, views, log, desk, _running: shutdown.drop_guard() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Publishes the story `slug` on desk `world` with these paragraphs.
    pub(crate) async fn file(&self, slug: &str, texts: &[&str]) -> StoryId {
        self.file_on("world", slug, texts).await
    }

    /// Publishes the story `slug` on a desk, and returns once the views show it.
    pub(crate) async fn file_on(&self, desk: &str, slug: &str, texts: &[&str]) -> StoryId {
        self.file_as(None, desk, slug, texts).await
    }

    /// Publishes a correction of the story `slug`, which is on desk `world`.
    pub(crate) async fn correct(&self, slug: &str, texts: &[&str]) -> StoryId {
        self.file_as(Some(Kind::Correction), "world", slug, texts).await
    }

    async fn file_as(&self, kind: Option<Kind>, desk: &str, slug: &str, texts: &[&str]) -> StoryId {
        let text = |given: &str| Text::uncut(given);
        let approver = || "chief".parse().expect("legal actor");
        let notice =
            || CorrectionNotice { what: text("A number."), place: text("Line 1."), approver: approver() };
        let mut copy = CopyBuilder::new();
        copy.field(Field::Headline, &format!("About {slug}")).expect("legal headline");
        copy.body();
        for text in texts {
            copy.block(GivenBlock { id: None, kind: BlockKind::Paragraph, text, marks: &[] })
                .expect("legal block");
        }
        let request = PushRequest {
            target: Target::BySlug(slug.parse().expect("legal slug")),
            push: Push {
                desk: Some(desk.parse().expect("legal desk")),
                kind,
                copy: copy.finish().0,
                release: Release::Publish,
                note: if kind.is_some() { text("A number was wrong.") } else { Text::default() },
                correction: kind.map(|_| notice()),
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

    /// Does `deed` to a story, beside the desk, and returns once the views show it.
    pub(crate) async fn act(&self, story: StoryId, deed: Deed, note: &str) {
        let key = StoryKey(*story.as_bytes());
        let mut chain = Chain::new(story);
        for record in self.log.read_story(key, 1, 10_000).await.expect("records") {
            chain.open(&record.envelope, &record.disclosures).expect("a legal record");
        }
        let before = chain.story().clone();
        let now = before.recorded.expect("a story") + SignedDuration::from_micros(1);
        let (reason, note) = (Text::uncut("The desk's own reason."), Text::uncut(note));
        let act = Act { deed, reason, note, approver: None };
        let events = decide(&before, &story::Command::Act(Box::new(act)), now).expect("a legal act");
        let mut records = Vec::new();
        for event in &events {
            let (number, mut seed) = (event.revision.get(), [9; 32]);
            seed[..8].copy_from_slice(&number.to_be_bytes());
            let stamp = Stamp {
                event: Uuid::from_u128(u128::from(number)),
                actor: "a2".parse().expect("legal actor"),
                command: format!("act-{number}").parse().expect("legal key"),
                seed: proof::Seed(seed),
            };
            let sealed = chain.seal(event, &stamp).expect("a legal event");
            records.push(NewRecord { envelope: sealed.envelope, disclosures: sealed.disclosures });
        }
        let command = Command(format!("act-{}", before.revision).into_bytes().into());
        self.log.append(key, before.revision.get(), Batch { command, records }).await.expect("appended");
        self.views.reached(self.log.head()).await;
    }
}
