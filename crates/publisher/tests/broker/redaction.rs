//! What is redacted: in no stream and in no file of the server, and told to everyone.

use std::path::Path;

use desk::{RedactRequest, Selection, StoryRef};
use story::{Deed, Kind, RedactionKind, StoryId, Text};
use wire::{ArticleView, CloudEvent, Recall, WT_ARTICLES, WT_CHANGES, WT_RECALLS};

use crate::nats;
use crate::newsroom::Newsroom;
use crate::relay::{Running, stored};

const SECRET: &str = "Canary Quillfeather";

async fn erase(newsroom: &Newsroom, story: StoryId) {
    let request = RedactRequest {
        story: StoryRef::Id(story),
        kind: RedactionKind::Erase,
        basis: "GDPR-Art.17".parse().expect("a basis"),
        selection: Selection { words: Some(SECRET.to_owned()), ..Selection::default() },
        replacement: None,
        reason: Text::uncut("The conviction is spent."),
        note: Text::uncut("A name was removed."),
        approver: "chief-1".parse().expect("an actor"),
        actor: "counsel-1".parse().expect("an actor"),
        key: None,
        expected: None,
    };
    newsroom.desk.redact(request).await.expect("redacted");
    newsroom.views.reached(newsroom.log.head()).await;
}

/// Returns the files under `folder` that hold the secret.
fn files_with_secret(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // A folder of a stream that is being deleted may go while it is looked at.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read(&path)
                .is_ok_and(|bytes| bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()))
            {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test]
async fn redacted_words_are_in_no_stream_and_in_no_file_of_the_server() {
    let newsroom = Newsroom::open().await;
    let folder = newsroom.path().join("nats");
    let server = nats::start(&folder, None).await;
    let url = server.url();
    let mut running = Running::begin(&newsroom, &url);
    let mut story = newsroom.file("fire", &["Canary Quillfeather denies it.", "One is hurt."]).await;
    for hurt in 2..30 {
        let texts = ["Canary Quillfeather denies it.", &format!("{hurt} are hurt.")];
        story = newsroom.file("fire", &texts).await;
        // Each article is sent, and each one after it takes its place in the stream.
        running.caught_up(&newsroom).await;
    }
    let killed = newsroom.file("killed", &["Canary Quillfeather has confessed."]).await;
    newsroom.file("other", &["All is well."]).await;
    running.caught_up(&newsroom).await;
    newsroom.act(killed, Deed::Kill, "Do not use.").await;
    running.caught_up(&newsroom).await;
    assert!(!files_with_secret(&folder).is_empty(), "it went out");

    erase(&newsroom, story).await;
    // Of this one no reader is told: they have a tombstone.
    erase(&newsroom, killed).await;
    running.caught_up(&newsroom).await;
    for stream in [WT_CHANGES, WT_ARTICLES, WT_RECALLS] {
        for message in stored(&url, stream).await {
            let text = String::from_utf8(message.payload).expect("JSON");
            assert!(!text.contains(SECRET), "it is in {stream}, {}: {text}", message.subject);
        }
    }
    let articles = stored(&url, WT_ARTICLES).await;
    let mut slugs: Vec<String> = articles
        .iter()
        .map(|article| {
            serde_json::from_slice::<CloudEvent<ArticleView>>(&article.payload).expect("an article")
        })
        .map(|article| article.data.slug)
        .collect();
    slugs.sort();
    assert_eq!(slugs, ["fire", "killed", "other"], "every article is there again");
    let recalls = stored(&url, WT_RECALLS).await;
    let recall: CloudEvent<Recall> =
        serde_json::from_slice(&recalls.last().expect("a recall").payload).expect("a recall");
    assert_eq!((recall.data.kind, recall.data.story, recall.data.voids.len()), (Kind::Redaction, story, 29));
    running.stop().await;
    server.stop().await;
    assert_eq!(files_with_secret(&folder), Vec::<String>::new());
}
