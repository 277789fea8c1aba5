//! A whole newsroom but for NATS: a log, its desk and its projector, running.

use std::path::Path;

use desk::{Desk, PushRequest, Seed, Target};
use log::{Epoch, EventLog, Options};
use projector::{Projector, Views};
use story::{BlockKind, CopyBuilder, Field, GivenBlock, Push, Release, StoryId, Text};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) const EPOCH: Epoch = Epoch(7);

pub(crate) struct Newsroom {
    pub(crate) directory: TempDir,
    pub(crate) views: Views,
    log: EventLog,
    desk: Desk,
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
                kind: None,
                copy: copy.finish().0,
                release: Release::Publish,
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
}
