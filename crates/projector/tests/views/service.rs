//! A newsroom without a network: a log, its desk and its projector.

use std::path::{Path, PathBuf};

use desk::{Desk, PushRequest, Seed, Target};
use jiff::SignedDuration;
use log::{Batch, Command, Epoch, EventLog, NewRecord, Options, Position, StoryKey};
use story::{Act, BlockKind, CopyBuilder, Deed, Field, GivenBlock, Push, Release, StoryId, Text, decide};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::{Chain, Change, CloudEvent, Stamp};
use writethru_projector::{AsOf, Control, Projector, View, Views};

/// A log, its desk and its projector, running.
pub(crate) struct Service {
    pub(crate) directory: TempDir,
    pub(crate) log: EventLog,
    pub(crate) desk: Desk,
    pub(crate) views: Views,
    pub(crate) control: Control,
    task: JoinHandle<()>,
    shutdown: CancellationToken,
}

pub(crate) fn views_path(directory: &Path) -> PathBuf {
    directory.join("views.db")
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::on(tempfile::tempdir().expect("a directory")).await
    }

    pub(crate) async fn on(directory: TempDir) -> Self {
        let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
        let log = EventLog::open(&directory.path().join("log.db"), options).await.expect("a log");
        let (projector, views, control) =
            Projector::open(log.clone(), &views_path(directory.path())).expect("views");
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(projector.run(shutdown.clone()));
        let desk = Desk::open(log.clone(), Seed::default()).await.expect("a desk");
        Self { directory, log, desk, views, control, task, shutdown }
    }

    pub(crate) async fn stop(self) -> TempDir {
        self.shutdown.cancel();
        self.task.await.expect("a projector that ends");
        self.log.close().await;
        self.directory
    }

    pub(crate) async fn file(&self, slug: &str, release: Release, texts: &[&str]) -> StoryId {
        let mut copy = CopyBuilder::new();
        copy.field(Field::Headline, &format!("About {slug}")).expect("legal headline");
        copy.field(Field::EdNote, "not for readers: embargo canary").expect("legal note");
        copy.body();
        for text in texts {
            copy.block(GivenBlock { id: None, kind: BlockKind::Paragraph, text, marks: &[] })
                .expect("legal block");
        }
        self.filed(slug, release, copy).await
    }

    /// Files a story with a headline and tags of its own.
    pub(crate) async fn tagged(&self, slug: &str, headline: &str, tags: &[&str]) -> StoryId {
        let mut copy = CopyBuilder::new();
        copy.field(Field::Headline, headline).expect("legal headline");
        copy.list(Field::Tags, tags.iter().copied()).expect("legal tags");
        copy.body();
        copy.block(GivenBlock { id: None, kind: BlockKind::Paragraph, text: "Words.", marks: &[] })
            .expect("legal block");
        self.filed(slug, Release::Publish, copy).await
    }

    async fn filed(&self, slug: &str, release: Release, copy: CopyBuilder) -> StoryId {
        let request = PushRequest {
            target: Target::BySlug(slug.parse().expect("legal slug")),
            push: Push {
                desk: Some("world".parse().expect("legal desk")),
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

    /// Does `deed` to a story, beside the desk: the events of the domain, sealed and appended.
    pub(crate) async fn act(&self, story: StoryId, deed: Deed, note: &str) {
        let key = StoryKey(*story.as_bytes());
        let mut chain = Chain::new(story);
        for record in self.log.read_story(key, 1, 10_000).await.expect("records") {
            chain.open(&record.envelope, &record.disclosures).expect("a legal record");
        }
        let before = chain.story().clone();
        let late = before.until.filter(|_| deed == Deed::Lapse).or(before.recorded).expect("a story");
        let now = late + SignedDuration::from_micros(1);
        let reason = Text::uncut("The desk's own reason: reason canary.");
        let approver = Some("chief".parse().expect("legal actor"));
        let act = Act { deed, reason, note: Text::uncut(note), approver };
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
        let batch = Batch { command, records };
        self.log.append(key, before.revision.get(), batch).await.expect("appended");
        self.views.reached(self.log.head()).await;
    }

    pub(crate) async fn changes(&self) -> Vec<Change> {
        let rows = self.views.changes(Position::ZERO, 1_000).await.expect("changes");
        rows.iter()
            .map(|row| serde_json::from_slice::<CloudEvent<Change>>(&row.event).expect("a CloudEvent").data)
            .collect()
    }

    pub(crate) async fn texts(&self, story: StoryId, at: &str, view: View) -> Option<Vec<String>> {
        let at: AsOf = at.parse().expect("a moment");
        let article = self.views.article(story, at, view).await.expect("a read")?;
        Some(article.blocks.iter().map(|block| block.text.clone()).collect())
    }
}
