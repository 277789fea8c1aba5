//! What version 1 wrote is read for ever. The fixtures are never edited: a new version gets its own.

use std::path::PathBuf;

use proof::Hash;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use story::Text;
use wire::{
    ArticleView, Chain, Change, CloudEvent, Disclosures, Header, Problem, SealedRecord, Stamp, article_hash,
    http,
};
use writethru_wire as wire;

#[derive(Deserialize)]
struct Expected {
    revision: u64,
    hash: Hash,
    state: Hash,
    article: Hash,
    headline: String,
    blocks: Vec<String>,
}

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn expected() -> Vec<Expected> {
    serde_json::from_slice(&fixture("history.json")).expect("history.json is well formed")
}

fn chain() -> Chain {
    let header = Header::parse(&fixture("1.envelope.json")).expect("parses");
    Chain::new(header.story)
}

#[track_caller]
fn check(chain: &Chain, expected: &Expected) {
    let article = &chain.story().article;
    assert_eq!(chain.prev(), Some(expected.hash), "revision {}", expected.revision);
    assert_eq!(chain.state(), expected.state, "revision {}", expected.revision);
    assert_eq!(article_hash(article), expected.article, "revision {}", expected.revision);
    assert_eq!(article.headline(), expected.headline);
    let blocks: Vec<&str> = article.blocks.iter().map(|block| block.text.as_str()).collect();
    assert_eq!(blocks, expected.blocks);
}

#[test]
fn records_of_version_1_open_to_the_same_story() {
    let mut chain = chain();
    for expected in expected() {
        let envelope = fixture(&format!("{}.envelope.json", expected.revision));
        let disclosures = fixture(&format!("{}.disclosures.json", expected.revision));
        let opened = chain.open(&envelope, &disclosures).expect("opens");
        assert_eq!(opened.header.revision.get(), expected.revision);
        check(&chain, &expected);
    }
}

#[test]
fn the_same_events_make_the_same_bytes_as_version_1() {
    let (mut reader, mut writer) = (chain(), chain());
    for expected in expected() {
        let envelope = fixture(&format!("{}.envelope.json", expected.revision));
        let disclosures = fixture(&format!("{}.disclosures.json", expected.revision));
        let opened = reader.open(&envelope, &disclosures).expect("opens");
        let read = Disclosures::parse(&disclosures).expect("parses");
        let Disclosures::Whole { seed: Some(seed), .. } = read else { panic!("nothing was erased") };
        let header = opened.header;
        let stamp = Stamp { event: header.event, actor: header.actor, command: header.command, seed };
        let sealed = writer.seal(&opened.event, &stamp).expect("seals");
        let (envelope, disclosures) = (envelope.into(), disclosures.into());
        assert_eq!(sealed, SealedRecord { envelope, disclosures, hash: opened.hash });
    }
}

#[test]
fn records_of_version_1_open_with_a_sentence_erased() {
    let mut chain = chain();
    for expected in expected() {
        let envelope = fixture(&format!("{}.envelope.json", expected.revision));
        let name = if expected.revision == 2 {
            "2.erased.json"
        } else {
            &format!("{}.disclosures.json", expected.revision)
        };
        chain.open(&envelope, &fixture(name)).expect("opens");
        assert_eq!((chain.prev(), chain.state()), (Some(expected.hash), expected.state));
    }
    // The second sentence of revision 2's first block was replaced in revision 3: the story that
    // readers see now is whole, and the one they saw then is not.
    assert!(!chain.story().article.blocks.iter().any(|block| block.text.has_erased()));
    let erased = fixture("2.erased.json");
    let disclosures = Disclosures::parse(&erased).expect("parses");
    assert!((0..disclosures.count()).any(|index| disclosures.value(index).is_none()));
    assert!(!String::from_utf8(erased).expect("UTF-8").contains("Multiple people"));
    let mut early = self::chain();
    early.open(&fixture("1.envelope.json"), &fixture("1.disclosures.json")).expect("opens");
    early.open(&fixture("2.envelope.json"), &fixture("2.erased.json")).expect("opens");
    let first = early.story().article.blocks[0].text.as_str();
    assert!(first.ends_with(Text::REDACTION_MARK), "{first}");
}

/// Checks that a fixture reads as `T` and that `T` writes the same JSON, members in order.
#[track_caller]
fn stable<T: Serialize + DeserializeOwned>(name: &str) -> T {
    let bytes = fixture(name);
    let read: T = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let written = serde_json::to_string_pretty(&read).expect("writes") + "\n";
    assert_eq!(written, String::from_utf8(bytes).expect("UTF-8"), "{name}");
    read
}

#[test]
fn bodies_of_version_1_read_and_write_as_they_did() {
    let view: ArticleView = stable("article.json");
    let article = view.to_article().expect("an article");
    assert_eq!(article_hash(&article), view.hash);
    let message: CloudEvent<ArticleView> = stable("article.cloud-event.json");
    assert_eq!(message, CloudEvent::article(view));
    for name in ["change.ops.json", "change.snapshot.json", "change.fetch.json"] {
        let change: Change = stable(name);
        assert_eq!(change.from.get() == 0, change.base.is_none(), "{name}");
    }
    let message: CloudEvent<Change> = stable("change.cloud-event.json");
    assert_eq!(message.id, format!("{}:{}", message.data.story, message.data.to));
    stable::<Problem>("problem.json");
    stable::<http::Pushed>("pushed.json");
    stable::<http::StoryList>("story-list.json");
    stable::<http::HistoryPage>("history-page.json");
    stable::<http::DiffView>("diff-view.json");
    stable::<http::Info>("info.json");
}
