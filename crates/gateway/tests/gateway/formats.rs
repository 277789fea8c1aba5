//! Articles in the world's own formats: at every door, as of every moment, and with nothing in them
//! that their reader may not know.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jiff::{Timestamp, ToSpan};
use reqwest::Method;
use serde_json::{Value, json};
use story::Status;
use wire::http::Pushed;

use crate::service::{Answer, BASE, Service};

const FIRST: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.\n\nTwo people were hurt.";
const SECOND: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.\n\nFour people were hurt.";
const CORRECTION: &str = "/v1/stories/talks?kind=correction&note=Four%20were%20hurt,%20not%20two.\
                          &what=the%20number%20of%20the%20hurt&where=second%20paragraph&approver=chief";
const FORMATS: [(&str, &str); 5] = [
    ("json", "application/json"),
    ("text", "text/plain"),
    ("ninjs", "application/vnd.iptc.ninjs+json"),
    ("newsml-g2", "application/vnd.iptc.g2.newsitem+xml"),
    ("jsonld", "application/ld+json"),
];

impl Service {
    async fn shown(&self, rest: &str) -> Answer {
        let answer = self.get(&format!("/v1/stories/{rest}")).await;
        assert_eq!(answer.status, 200, "{rest}: {answer:?}");
        answer
    }

    async fn act(&self, act: &str, story: &str, body: &Value) {
        let headers = [("content-type", "application/json")];
        let address = format!("/v1/stories/{story}/acts/{act}");
        let answer = self.send(Method::POST, &address, &headers, body.to_string()).await;
        assert_eq!(answer.status, 200, "{act}: {answer:?}");
        self.views.reached(self.log.head()).await;
    }

    /// Files an item of a wire under `slug`.
    async fn take(&self, slug: &str, media_type: &str, item: Vec<u8>) -> Pushed {
        let address = format!("/v1/stories?slug={slug}&desk=world");
        let answer = self.send(Method::POST, &address, &[("content-type", media_type)], item).await;
        assert!(answer.status.is_success(), "{slug}: {answer:?}");
        self.views.reached(self.log.head()).await;
        serde_json::from_slice(&answer.body).unwrap()
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../formats/tests/fixtures")
}

/// Holds a ninjs item against IPTC's schema of 3.0, save what that says of `GeoJSON`, which is on
/// another site.
#[track_caller]
fn check_ninjs(item: &Value) {
    static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let text = std::fs::read_to_string(fixtures().join("ninjs-schema_3.0.json")).unwrap();
        let mut schema: Value = serde_json::from_str(&text).unwrap();
        without_other_sites(&mut schema);
        jsonschema::validator_for(&schema).unwrap()
    });
    let errors: Vec<String> = SCHEMA.iter_errors(item).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?} in {item:#}");
}

fn without_other_sites(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.retain(|name, value| {
                name != "$ref" || !value.as_str().is_some_and(|to| to.starts_with("https://geojson"))
            });
            members.values_mut().for_each(without_other_sites);
        }
        Value::Array(items) => items.iter_mut().for_each(without_other_sites),
        _ => {}
    }
}

/// Checks that a NewsML-G2 item is well-formed and one that intake reads.
#[track_caller]
fn check_newsml_g2(item: &str) {
    let read = formats::read(item.as_bytes(), None).unwrap_or_else(|refused| panic!("{refused}: {item}"));
    assert_eq!(read.format, formats::Format::NewsmlG2);
}

#[tokio::test]
async fn an_article_comes_in_the_format_that_is_asked_for_in_either_way() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", FIRST).await;
    let mut tags = Vec::new();
    for (format, media_type) in FORMATS {
        let named = service.shown(&format!("talks?format={format}")).await;
        let accepted = service.get_as("/v1/stories/talks", media_type).await;
        assert_eq!(named.body, accepted.body, "{format}");
        for answer in [&named, &accepted] {
            assert!(answer.header("content-type").starts_with(media_type), "{answer:?}");
            assert_eq!(answer.header("vary"), "Accept");
        }
        assert!(named.text().contains("Two people were hurt."), "{named:?}");
        let tag = named.header("etag").to_owned();
        let address = format!("/v1/stories/talks?format={format}");
        let known = service.send(Method::GET, &address, &[("if-none-match", &tag)], "").await;
        assert_eq!(known.status, 304);
        assert!(!tags.contains(&tag), "{format} has the ETag of another format");
        tags.push(tag);
    }
    check_ninjs(&service.shown("talks?format=ninjs").await.json());
    check_newsml_g2(service.shown("talks?format=newsml-g2").await.text());
    let liked = service.get_as("/v1/stories/talks", "text/html, application/ld+json;q=0.9, */*;q=0.1").await;
    assert_eq!(liked.header("content-type"), "application/ld+json");
    let unlike = service.get_as("/v1/stories/talks?format=ninjs", "application/json").await;
    unlike.problem("not-acceptable");
    let unknown = service.get("/v1/stories/talks?format=nitf").await.problem("bad-request");
    assert_eq!(unknown["place"], "query parameter format");
    service.stop().await;
}

#[tokio::test]
async fn a_correction_says_what_was_wrong_and_a_past_revision_knows_nothing_of_it() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", FIRST).await;
    service.file(CORRECTION, SECOND).await;
    service.file("/v1/stories/talks", &format!("{SECOND}\n\nThey went on.")).await;
    for at in ["rev:2", "latest"] {
        let jsonld = service.shown(&format!("talks?format=jsonld&as_of={at}")).await.json();
        let comment = &jsonld["correction"][0];
        assert_eq!(
            (&jsonld["correction"][1], &comment["@type"]),
            (&Value::Null, &json!("CorrectionComment"))
        );
        let text = comment["text"].as_str().unwrap();
        for words in ["Four were hurt, not two.", "the number of the hurt", "second paragraph"] {
            assert!(text.contains(words), "{words} is not in {text}");
        }
        let shown = service.shown(&format!("talks?format=text&as_of={at}")).await;
        assert!(shown.text().starts_with("CORRECTION ("), "{shown:?}");
    }
    let ninjs = service.shown("talks?format=ninjs&as_of=rev:2").await.json();
    check_ninjs(&ninjs);
    assert_eq!(
        ninjs["edNote"],
        "CORRECTION: Four were hurt, not two.\nWAS WRONG: the number of the hurt\nWHERE: second paragraph"
    );
    let newsml = service.shown("talks?format=newsml-g2&as_of=rev:2").await;
    assert!(newsml.text().contains("<signal qcode=\"sig:correction\"/>"), "{newsml:?}");
    let later = service.shown("talks?format=newsml-g2").await;
    assert!(later.text().contains("<signal qcode=\"sig:update\"/>"), "{later:?}");
    let before = service.shown("talks?format=jsonld&as_of=rev:1").await;
    assert!(before.json()["correction"].is_null() && before.text().contains("Two people"), "{before:?}");
    service.stop().await;
}

#[tokio::test]
async fn of_a_story_that_was_taken_from_them_readers_get_a_tombstone_in_every_format() {
    for (act, status, word) in [
        ("kill", "killed", "canceled"),
        ("takedown", "takendown", "canceled"),
        ("withhold", "withheld", "withheld"),
    ] {
        let service = Service::start().await;
        service.file("/v1/stories?slug=talks&desk=world", FIRST).await;
        service.file(CORRECTION, SECOND).await;
        service.act(act, "talks", &json!({"reason": "A canary of a reason."})).await;
        for (format, _) in FORMATS {
            let answer = service.shown(&format!("talks?format={format}")).await;
            for words in ["Cairo", "Delegates", "hurt", "canary"] {
                assert!(!answer.text().contains(words), "{words} of a {act} is in {}", answer.text());
            }
            let past = service.get(&format!("/v1/stories/talks?format={format}&as_of=rev:2")).await;
            past.problem("revision-not-found");
            let said = match format {
                "ninjs" => {
                    check_ninjs(&answer.json());
                    answer.json()["pubStatus"] == word
                }
                "newsml-g2" => {
                    check_newsml_g2(answer.text());
                    answer.text().contains(&format!("<pubStatus qcode=\"stat:{word}\"/>"))
                }
                "jsonld" => answer.json()["creativeWorkStatus"] == status,
                "text" => answer.text().starts_with(&status.to_uppercase()),
                _ => answer.json()["status"] == status,
            };
            assert!(said, "{format} of a {act}: {}", answer.text());
        }
        let desk = service.shown("talks?format=ninjs&view=desk").await.json();
        assert_eq!((&desk["pubStatus"], &desk["version"]), (&json!(word), &json!("3")));
        assert!(desk["edNote"].as_str().unwrap().starts_with(&act.to_uppercase()), "{desk:#}");
        service.stop().await;
    }
}

#[tokio::test]
async fn what_only_the_desk_may_know_is_in_no_format_of_a_reader() {
    let service = Service::start().await;
    let until = Timestamp::now() + 1.hour();
    let ninjs = json!({
        "uri": "urn:wire:7", "version": "3", "headlines": [{"value": "Budget rises"}], "edNote": "Editors: canary.",
        "bodies": [{"contentType": "text/plain", "value": "It rises by two."}],
    });
    let address = format!("/v1/stories?slug=budget&desk=world&embargo_until={until}");
    let headers = [("content-type", "application/vnd.iptc.ninjs+json")];
    let held = service.send(Method::POST, &address, &headers, ninjs.to_string()).await;
    assert!(held.status.is_success(), "{held:?}");
    service.views.reached(service.log.head()).await;
    let item = service.shown("budget?format=ninjs&view=desk").await.json();
    check_ninjs(&item);
    let said: Timestamp = item["embargoedUntil"].as_str().unwrap().parse().unwrap();
    assert_eq!((item["pubStatus"].as_str(), said.as_second()), (Some("usable"), until.as_second()));
    assert_eq!(item["uri"], format!("{BASE}/v1/stories/{}", held.json()["story"].as_str().unwrap()));
    assert!(item["altIds"].to_string().contains("urn:wire:7"), "{item:#}");
    let newsml = service.shown("budget?format=newsml-g2&view=desk").await;
    assert!(newsml.text().contains("<embargoed>") && newsml.text().contains("urn:wire:7"), "{newsml:?}");
    for (format, media_type) in FORMATS {
        let public = service.get(&format!("/v1/stories/budget?format={format}")).await;
        public.problem("not-found");
        let desk = format!("/v1/stories/budget?format={format}&view=desk");
        let stranger = [("authorization", "-"), ("accept", media_type)];
        let refused = service.send(Method::GET, &desk, &stranger, "").await.problem("unauthorized");
        let nothing = format!("/v1/stories/nothing?format={format}&view=desk");
        let missing = service.send(Method::GET, &nothing, &stranger, "").await.problem("unauthorized");
        assert_eq!(refused["detail"], missing["detail"], "whether there is a story cannot be told");
    }
    service.act("lift", "budget", &json!({})).await;
    for (format, _) in FORMATS {
        let public = service.shown(&format!("budget?format={format}")).await;
        for secret in ["urn:wire", "canary", "embargoed"] {
            assert!(!public.text().contains(secret), "{secret} is in {}", public.text());
        }
    }
    service.stop().await;
}

#[tokio::test]
async fn a_live_blog_tells_when_each_entry_was_first_seen() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=final&desk=world", "The final, live\n\nWelcome.").await;
    let added = service.post("/v1/stories/final/entries?place=bottom", &[], "Kick-off in the rain.").await;
    let block = added.json()["block"].as_str().unwrap().to_owned();
    let address = format!("/v1/stories/final/entries/{block}");
    let edited = service
        .send(Method::PUT, &address, &[("content-type", "text/plain")], "Kick-off in heavy rain.")
        .await;
    assert_eq!(edited.status, 200, "{edited:?}");
    service.views.reached(service.log.head()).await;
    let at = async |revision| -> String {
        let shown = service.shown(&format!("final?as_of=rev:{revision}")).await.json();
        shown["recorded"].as_str().unwrap().to_owned()
    };
    let blog = service.shown("final?format=jsonld").await.json();
    assert_eq!(blog["@type"], "LiveBlogPosting");
    let posting = &blog["liveBlogUpdate"][0];
    assert_eq!(posting["articleBody"], "Kick-off in heavy rain.");
    let same = |given: &Value, wanted: String| {
        given.as_str().unwrap().parse::<Timestamp>().unwrap() == wanted.parse::<Timestamp>().unwrap()
    };
    assert!(same(&posting["datePublished"], at(2).await), "{posting}");
    assert!(same(&posting["dateModified"], at(3).await), "{posting}");
    service.stop().await;
}

/// What an article says, without what it is called here and when.
fn words(article: &Value) -> Value {
    let mut said = json!({});
    for name in ["headline", "summary", "bylines", "dateline", "language", "tags", "links", "urgency"] {
        said[name] = article[name].clone();
    }
    let blocks = article["blocks"].as_array().unwrap().iter();
    said["blocks"] = blocks.map(|block| json!([block["kind"], block["text"], block["marks"]])).collect();
    said
}

#[tokio::test]
async fn items_of_the_wire_go_through_two_services_word_for_word() {
    let (one, other) = (Service::start().await, Service::start().await);
    for (place, name) in [
        "v31-doc-001_simple_example.json",
        "v31-doc-003_associations_example.json",
        "v31-doc-004_simple_text_article.json",
        "v31-doc-005_complex_text_article.json",
        "v30-ninjsExSimpleText_3.json",
        "LISTING_1_A_NewsML-G2_News_Item.xml",
        "LISTING_2_NewsML-G2_Text_Document.xml",
    ]
    .into_iter()
    .enumerate()
    {
        let item = std::fs::read(fixtures().join("wire").join(name)).unwrap();
        let (ninjs, newsml) = (FORMATS[2].1, FORMATS[3].1);
        let slug = format!("item-{place}");
        let taken = one.take(&slug, if name.ends_with("xml") { newsml } else { ninjs }, item).await;
        // Some of them are versions of one item: they are one story.
        let (here, view) = (taken.slug, if taken.status == Status::Usable { "public" } else { "desk" });
        let article = one.shown(&format!("{here}?view={view}")).await.json();
        for (format, media_type) in [FORMATS[2], FORMATS[3]] {
            let item = one.shown(&format!("{here}?view={view}&format={format}")).await;
            match format {
                "ninjs" => check_ninjs(&item.json()),
                _ => check_newsml_g2(item.text()),
            }
            // The same item both times: the second changes no word.
            let there = other.take(&slug, media_type, item.body).await.slug;
            let copied = other.shown(&format!("{there}?view=desk")).await.json();
            assert_eq!(words(&article), words(&copied), "{name} as {format}");
        }
    }
    one.stop().await;
    other.stop().await;
}
