//! Sixty-four editors at one story, all at once: what was acknowledged is in the article, once, and what was
//! not was answered as a conflict with everything in it.

use std::process::Stdio;

use futures::future::join_all;
use serde_json::{Value, json};
use writethru_tests::Service;
use writethru_tests::api::{Answer, Api};

const WRITERS: usize = 64;
/// Edits that each of them makes, in turn in a paragraph of its own and in the one that all share.
const EDITS: usize = 4;
/// How often an editor takes up an edit that clashed before giving it up.
const ATTEMPTS: usize = 3;
/// The paragraph that all share.
const SHARED: usize = 0;

/// What became of an edit.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Acknowledged,
    GivenUp,
}

/// An edit: a word that is put behind a paragraph.
struct Edit {
    word: String,
    paragraph: usize,
}

impl Edit {
    fn put_in(&self, copy: &mut Value) {
        let text = &mut copy["blocks"][self.paragraph]["text"];
        *text = json!(format!("{} {}", text.as_str().expect("a text"), self.word));
    }
}

async fn article(api: &Api) -> Value {
    api.get("/v1/stories/mine?view=desk").await.done()
}

/// Returns an article as copy that can be edited and pushed.
fn copy_of(article: &Value) -> Value {
    let blocks = article["blocks"].as_array().expect("blocks");
    let blocks: Vec<_> =
        blocks.iter().map(|block| json!({"id": block["id"], "text": block["text"]})).collect();
    json!({"headline": article["headline"], "blocks": blocks})
}

/// Pushes `edit` as an editor does who saw what is there now; where it clashes, puts it into what the others
/// wrote.
async fn make(api: &Api, edit: &Edit) -> Fate {
    let seen = article(api).await;
    let (mut copy, mut base) = (copy_of(&seen), seen["revision"].clone());
    for _ in 0..ATTEMPTS {
        edit.put_in(&mut copy);
        let answer = api.post(&format!("/v1/stories/mine?base={base}"), &copy).await;
        if answer.status == 200 {
            return Fate::Acknowledged;
        }
        (copy, base) = clash(&answer, edit, &base);
    }
    Fate::GivenUp
}

/// Returns what the others wrote, and its revision, after a check that the conflict is told whole.
#[track_caller]
fn clash(answer: &Answer, edit: &Edit, base: &Value) -> (Value, Value) {
    let problem = answer.json();
    assert_eq!((answer.status, &problem["expected"]), (409, base), "{problem}");
    assert_eq!(edit.paragraph, SHARED, "nobody else writes in {}: {problem}", edit.paragraph);
    let text = |side: &str| problem[side]["blocks"][SHARED]["text"].as_str().expect("a text").to_owned();
    let is_in = |side: &str| text(side).split(' ').any(|word| word == edit.word);
    assert!(is_in("mine") && is_in("merged"), "their own words come back: {problem}");
    assert!(!is_in("base") && !is_in("theirs"), "{problem}");
    let overlaps = problem["overlaps"].as_array().expect("overlaps");
    let id = problem["theirs"]["blocks"][SHARED]["id"].as_str().expect("an id");
    assert!(overlaps.iter().any(|overlap| overlap["place"] == format!("block {id}")), "{problem}");
    (problem["theirs"].clone(), problem["actual"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_editors_were_told_is_in_the_article_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let service = Service::start_with(&folder.path().join("data"), &["--no-nats"], Stdio::null());
    let api = Api::public(&service.http).with(Some(&service.owner_key()));
    let blocks: Vec<_> =
        (0..=WRITERS).map(|n| json!({"text": format!("Paragraph {n} of the mine.")})).collect();
    api.post("/v1/stories?slug=mine&desk=world", &json!({"headline": "Mine opens", "blocks": blocks}))
        .await
        .done();

    let editors = (1..=WRITERS).map(|writer| {
        let api = api.clone();
        async move {
            let mut made = Vec::new();
            for round in 0..EDITS {
                let paragraph = if round % 2 == 0 { writer } else { SHARED };
                let edit = Edit { word: format!("w{writer}r{round}"), paragraph };
                made.push((make(&api, &edit).await, edit));
            }
            made
        }
    });
    let made: Vec<_> = join_all(editors).await.into_iter().flatten().collect();
    assert_eq!(made.len(), WRITERS * EDITS);

    let last = article(&api).await;
    assert_eq!(
        last["blocks"].as_array().map(Vec::len),
        Some(WRITERS + 1),
        "no paragraph vanished or doubled"
    );
    for (fate, Edit { word, paragraph }) in &made {
        let texts = last["blocks"].as_array().into_iter().flatten().map(|block| block["text"].as_str());
        let found: Vec<usize> = texts
            .enumerate()
            .flat_map(|(n, text)| {
                text.unwrap_or_default().split(' ').filter(|one| one == word).map(move |_| n)
            })
            .collect();
        let expected = if *fate == Fate::Acknowledged { vec![*paragraph] } else { Vec::new() };
        assert_eq!(found, expected, "{word} was {fate:?}");
    }
    let acknowledged = made.iter().filter(|(fate, _)| *fate == Fate::Acknowledged).count();
    assert_eq!(last["revision"], acknowledged + 1, "each acknowledged edit is a revision");
    assert!(acknowledged > WRITERS * EDITS / 2, "whoever writes apart never clashes");
    service.stop();
}
