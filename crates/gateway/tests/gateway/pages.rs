//! Pages and feeds as a reader and a reader's program see them: no key, no script.

use std::collections::BTreeMap;

use feed_rs::parser;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use wire::http::Pushed;

use crate::service::{BASE, HUB, Service};

const FIRST: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.\n\nTwo people were hurt.";
const SECOND: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.\n\nFour people were hurt.";
const CORRECTION: &str = "/v1/stories/talks?kind=correction&note=Four%20were%20hurt,%20not%20two.\
                          &what=the%20number&where=second%20paragraph&approver=chief";
const FEEDS: [&str; 3] = ["atom", "rss", "json"];
/// Every address that names a story; NAME stands for it.
const OF_STORY: [&str; 8] = [
    "/stories/NAME",
    "/stories/NAME/history",
    "/stories/NAME/revisions/1",
    "/stories/NAME/diff/0..1",
    "/stories/NAME/feed.atom",
    "/stories/NAME/feed.rss",
    "/stories/NAME/feed.json",
    "/stories/NAME/feed.xml",
];

/// What a reader got.
#[derive(Debug)]
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Got {
    #[track_caller]
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }

    /// What is the same in two answers that are to tell nobody apart.
    fn bare(&self) -> (StatusCode, BTreeMap<String, String>, &str) {
        let of_each = ["date", "x-request-id"];
        let kept = self.headers.iter().filter(|(name, _)| !of_each.contains(&name.as_str()));
        let kept = kept.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        (self.status, kept.collect(), &self.text)
    }
}

impl Service {
    async fn reads_with(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Got {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let request = self.client.request(method, format!("{}{path}", self.base)).headers(all);
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Got { status, headers, text: response.text().await.unwrap() }
    }

    async fn reads(&self, path: &str) -> Got {
        self.reads_with(Method::GET, path, &[]).await
    }

    async fn page(&self, path: &str) -> Got {
        let got = self.reads(path).await;
        assert_eq!(got.status, 200, "{path}: {got:?}");
        got
    }

    async fn bid(&self, story: &str, act: &str, body: Value) {
        let headers = [("content-type", "application/json")];
        let address = format!("/v1/stories/{story}/acts/{act}");
        let answer = self.send(Method::POST, &address, &headers, body.to_string()).await;
        assert_eq!(answer.status, 200, "{act}: {answer:?}");
        self.views.reached(self.log.head()).await;
    }

    async fn file_json(&self, address: &str, copy: &Value) -> Pushed {
        let headers = [("content-type", "application/json")];
        let answer = self.send(Method::POST, address, &headers, copy.to_string()).await;
        assert!(answer.status.is_success(), "{answer:?}");
        self.views.reached(self.log.head()).await;
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Every entry of a feed, in each format: id, title, and when it last mattered.
    async fn fed(&self, path: &str) -> Vec<Vec<(String, String, Option<Timestamp>)>> {
        let mut all = Vec::new();
        for format in FEEDS {
            let got = self.page(&format!("{path}/feed.{format}")).await;
            let feed = parser::parse(got.text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {got:?}"));
            let time = |time: String| time.parse().unwrap();
            let entry = |entry: feed_rs::model::Entry| {
                let updated = entry.updated.map(|updated| time(updated.to_rfc3339()));
                (entry.id, entry.title.unwrap().content, updated)
            };
            all.push(feed.entries.into_iter().map(entry).collect());
        }
        all
    }
}

#[tokio::test]
async fn a_story_is_on_the_pages_that_it_belongs_to() {
    let service = Service::start().await;
    let copy = json!({
        "headline": "Talks <resume> & go on", "summary": "In \"short\".", "bylines": ["A. Writer"],
        "dateline": "CAIRO, 19 Nov", "language": "en-GB", "tags": ["Peace & law"],
        "links": ["https://a.example/?a=1&b=2 The law"],
        "blocks": [{ "text": "One two three.", "marks": [{ "start": 4, "end": 7, "kind": "em" }] }],
    });
    let story = service.file_json("/v1/stories?slug=talks&desk=world", &copy).await.story;
    for path in ["/", "/desks/world", "/tags/Peace%20%26%20law"] {
        let page = service.page(path).await;
        assert!(
            page.text.contains("href=\"/stories/talks\">Talks &#60;resume&#62; &#38; go on</a>"),
            "{path}: {page:?}"
        );
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
    let page = service.page("/stories/talks").await;
    assert_eq!(page.text, service.page(&format!("/stories/{story}")).await.text, "by id as by slug");
    for wanted in [
        "<h1 lang=\"en-GB\" dir=\"ltr\">Talks &#60;resume&#62; &#38; go on</h1>",
        "In &#34;short&#34;.",
        "A. Writer",
        "CAIRO, 19 Nov",
        "<p id=\"b1\" dir=\"auto\">One <em>two</em> three.</p>",
        "href=\"https://a.example/?a=1&#38;b=2\"",
        "href=\"/tags/Peace%20%26%20law\"",
        &format!("<link rel=\"canonical\" href=\"{BASE}/stories/{story}\">"),
        &format!("href=\"/stories/{story}/history\""),
        &format!("type=\"application/atom+xml\" title=\"Atom\" href=\"/stories/{story}/feed.atom\""),
        "<time datetime=",
    ] {
        assert!(page.text.contains(wanted), "no {wanted} in {}", page.text);
    }
    let (_, data) = page.text.split_once("<script type=\"application/ld+json\">").unwrap();
    let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    assert_eq!(
        (&data["@type"], &data["url"]),
        (&json!("NewsArticle"), &json!(format!("{BASE}/stories/{story}")))
    );
    let shown = service.get("/v1/stories/talks").await;
    let since = format!("/v1/stories/{story}/events?since={}", shown.json()["cursor"].as_str().unwrap());
    assert!(page.text.contains(&format!("data-events=\"{since}\"")), "{}", page.text);
    assert_eq!(page.header("link"), format!("<{since}>; rel=\"monitor\""));
    service.stop().await;
}

#[tokio::test]
async fn a_page_loads_nothing_of_others_and_holds_no_script_of_its_own() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", FIRST).await;
    for path in [
        "/",
        "/desks/world",
        "/stories/talks",
        "/stories/talks/history",
        "/stories/talks/diff/0..1",
        "/nothing",
    ] {
        let page = service.reads_with(Method::GET, path, &[("accept", "text/html")]).await;
        let policy = page.header("content-security-policy");
        for wanted in
            ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(wanted), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(
            !page.text.contains("style=")
                && !page.text.contains("<style")
                && !page.text.contains(" onclick="),
            "{path}"
        );
        let scripts = page.text.matches("<script").count();
        let inert = page.text.matches("<script type=\"application/ld+json\">").count();
        let own = page.text.matches("<script src=\"/assets/live-").count();
        assert_eq!(scripts, inert + own, "{path}");
        for asset in page.text.split('"').filter(|part| part.starts_with("/assets/")) {
            let got = service.page(asset).await;
            assert_eq!(got.header("cache-control"), "public, max-age=31536000, immutable");
            assert_eq!(got.header("x-content-type-options"), "nosniff");
        }
    }
    assert_eq!(service.reads("/assets/page.css").await.status, 404, "without the hash");
    service.stop().await;
}

#[tokio::test]
async fn what_is_not_public_is_answered_as_what_is_not_there() {
    let service = Service::start().await;
    let draft = service.file("/v1/stories?slug=talks&desk=vault&draft=true", FIRST).await;
    let tagged = json!({"headline": "Budget", "tags": ["hush"], "blocks": [{"text": "It falls."}]});
    let address = "/v1/stories?slug=budget&desk=vault&embargo_until=2099-01-01T00:00:00Z";
    let embargoed = service.file_json(address, &tagged).await;
    let never = "0192f0c1-2f4e-7a63-8c2e-9f0f2b7f5a10";
    for template in OF_STORY {
        let unknown = service.reads(&template.replace("NAME", "never")).await;
        assert_eq!(unknown.status, 404, "{template}");
        assert!(unknown.text.contains("There is nothing here"), "{unknown:?}");
        for name in ["talks", "budget", &draft.story.to_string(), &embargoed.story.to_string(), never] {
            // Whatever key is shown: a page is for the public.
            let key = format!("Bearer {}", service.owner);
            let path = template.replace("NAME", name);
            let got = service.reads_with(Method::GET, &path, &[("authorization", &key)]).await;
            assert_eq!(got.bare(), unknown.bare(), "{path}");
        }
    }
    for (there, not_there) in [
        ("/desks/vault", "/desks/nowhere"),
        ("/desks/vault/feed.atom", "/desks/nowhere/feed.atom"),
        ("/tags/hush", "/tags/nothing"),
        ("/tags/hush/feed.json", "/tags/nothing/feed.json"),
        ("/desks/%FF", "/desks/a%20b"),
    ] {
        let (there, not_there) = (service.reads(there).await, service.reads(not_there).await);
        assert_eq!(there.bare(), not_there.bare());
        assert_eq!(there.status, 404);
    }
    for path in ["/", "/feed.atom", "/feed.json"] {
        let text = service.page(path).await.text;
        assert!(
            !text.contains("vault") && !text.contains("Budget") && !text.contains("talks"),
            "{path}: {text}"
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn a_killed_story_stays_everywhere_as_one_that_was_killed_and_no_word_of_it() {
    let service = Service::start().await;
    let copy = json!({"headline": "Minister arrested", "summary": "In handcuffs.", "tags": ["Crime"],
                      "blocks": [{"text": "He was seen."}]});
    let story = service.file_json("/v1/stories?slug=minister&desk=world", &copy).await.story.to_string();
    let before = service.fed("/desks/world").await;
    let tag = service.page("/stories/minister").await.header("etag").to_owned();
    service.bid(&story, "kill", json!({"reason": "It was forged.", "note": "The police deny it."})).await;
    let all =
        ["/", "/desks/world", "/tags/Crime", "/feed.atom", "/desks/world/feed.rss", "/tags/Crime/feed.json"];
    let of_it = [
        "/stories/NAME",
        "/stories/NAME/history",
        "/stories/NAME/feed.atom",
        "/stories/NAME/diff/0..2",
        "/stories/NAME/revisions/2",
    ]
    .map(|path| path.replace("NAME", &story));
    for path in all.into_iter().chain(of_it.iter().map(String::as_str)) {
        let got = service.reads_with(Method::GET, path, &[("if-none-match", &tag)]).await;
        let lower = got.text.to_lowercase();
        assert!(lower.contains("kill"), "{path}: {got:?}");
        for word in ["arrested", "handcuffs", "seen"] {
            assert!(!lower.contains(word), "{path} gives away {word}: {got:?}");
        }
        let is_its_page = path == of_it[0];
        assert_eq!(got.status, if is_its_page { 410 } else { 200 }, "{path}");
    }
    assert_eq!(service.reads("/stories/minister/revisions/1").await.status, 404);
    assert_eq!(service.reads("/stories/minister/diff/0..1").await.status, 404);
    assert!(service.reads("/stories/minister").await.text.contains("The police deny it."));
    let after = service.fed("/desks/world").await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.len(), after.len()), (1, 1));
        assert_eq!(before[0].0, after[0].0, "the same entry");
        assert!(after[0].1.starts_with("Killed"), "{after:?}");
    }
    assert!(after[0][0].2 > before[0][0].2, "a kill is news");
    service.bid(&story, "takedown", json!({"reason": "A court said so."})).await;
    assert_eq!(service.reads("/stories/minister").await.status, 451);

    // What is unpublished goes quietly, and what is held comes back.
    let quiet = service.file("/v1/stories?slug=quiet&desk=world", FIRST).await.story.to_string();
    service.bid(&quiet, "withhold", json!({"reason": "It is disputed."})).await;
    assert!(service.page("/stories/quiet").await.text.contains("This story is withheld"));
    service.bid(&quiet, "release", json!({})).await;
    assert!(service.page("/stories/quiet").await.text.contains("Two people were hurt."));
    service.bid(&quiet, "unpublish", json!({"reason": "A mistake."})).await;
    assert_eq!(service.reads("/stories/quiet").await.status, 410);
    assert!(!service.page("/feed.atom").await.text.contains(&quiet));
    service.stop().await;
}

#[tokio::test]
async fn a_correction_is_told_by_page_feed_history_and_old_revision() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", FIRST).await;
    let first = service.fed("/desks/world").await;
    service.file(CORRECTION, SECOND).await;
    let note = "Four were hurt, not two.";
    for path in [
        "/stories/talks",
        "/stories/talks/revisions/1",
        "/stories/talks/history",
        "/stories/talks/diff/1..2",
        "/desks/world/feed.atom",
        "/stories/talks/feed.rss",
    ] {
        let page = service.page(path).await;
        assert!(page.text.contains(note), "{path}: {}", page.text);
    }
    for feed in service.fed("/desks/world").await {
        assert_eq!(feed[0].1, "Corrected: Talks resume in Cairo");
        assert_eq!(feed[0].0, first[0][0].0);
    }
    let old = service.page("/stories/talks/revisions/1").await.text;
    assert!(old.contains("This is revision 1 of 2") && old.contains("Two people were hurt."), "{old}");
    assert!(!old.contains("data-events") && old.contains("noindex"), "{old}");
    assert!(old.contains("Correction since"), "{old}");
    let changed = service.page("/stories/talks/diff/1..2").await.text;
    let marked = "<del><span class=\"aloud\">removed: </span>Two<span class=\"aloud\">, end. </span></del>";
    assert!(changed.contains(marked), "{changed}");
    assert!(changed.contains("Paragraph at place 2"), "{changed}");
    for missing in ["2..1", "1..1", "1..3", "1", "01..2", "-1..2", "1..2..3", "..", "1..99999999999999999999"]
    {
        let got = service.reads(&format!("/stories/talks/diff/{missing}")).await;
        assert_eq!(got.status, 404, "{missing}");
    }
    for missing in ["0", "3", "01", "x", "+1"] {
        assert_eq!(
            service.reads(&format!("/stories/talks/revisions/{missing}")).await.status,
            404,
            "{missing}"
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn updated_moves_with_what_matters_and_with_nothing_else() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", FIRST).await;
    let before = service.fed("/desks/world").await;
    let text = service.page("/desks/world/feed.atom").await.text;
    service.file("/v1/stories/talks", &FIRST.replace("Sunday.", "Sunday\u{2026}")).await;
    let after = service.fed("/desks/world").await;
    assert_eq!(before, after, "a full stop");
    assert_ne!(text, service.page("/desks/world/feed.atom").await.text, "but it is there");
    assert_eq!(service.fed("/stories/talks").await[0].len(), 1);
    service.file("/v1/stories/talks", SECOND).await;
    assert!(service.fed("/desks/world").await[0][0].2 > before[0][0].2, "a number");
    let events = service.fed("/stories/talks").await;
    assert_eq!(events.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2]);
    service.stop().await;
}

#[tokio::test]
async fn who_has_an_answer_already_is_not_sent_it_again() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", FIRST).await;
    for path in [
        "/",
        "/desks/world",
        "/stories/talks",
        "/feed.atom",
        "/desks/world/feed.json",
        "/stories/talks/feed.rss",
    ] {
        let got = service.page(path).await;
        assert_eq!(got.header("cache-control"), "no-cache", "{path}");
        let tag = got.header("etag");
        for known in [tag.to_owned(), format!("W/{tag}, \"x\""), "*".to_owned()] {
            let again = service.reads_with(Method::GET, path, &[("if-none-match", &known)]).await;
            assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
            assert_eq!(again.header("etag"), tag);
        }
        let head = service.reads_with(Method::HEAD, path, &[]).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""), "{path}");
        assert_eq!(head.header("etag"), tag, "{path}");
        let posted = service.reads_with(Method::POST, path, &[]).await;
        assert_eq!((posted.status, posted.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET,HEAD"));
    }
    // A time is believed once its second is over; until then none is said.
    let wait = async {
        loop {
            let got = service.page("/feed.atom").await;
            if let Some(time) = got.headers.get("last-modified") {
                return time.to_str().unwrap().to_owned();
            }
        }
    };
    let time = tokio::time::timeout(std::time::Duration::from_secs(30), wait).await.unwrap();
    let since = async |time: &str| {
        service.reads_with(Method::GET, "/feed.atom", &[("if-modified-since", time)]).await
    };
    let known = since(&time).await;
    assert_eq!((known.status, known.header("last-modified")), (StatusCode::NOT_MODIFIED, time.as_str()));
    service.file("/v1/stories/talks", SECOND).await;
    assert_eq!(since(&time).await.status, 200);
    service.stop().await;
}

#[tokio::test]
async fn a_live_blog_is_fed_by_entry_and_shown_with_its_times() {
    let service = Service::start().await;
    let copy = json!({"headline": "The final, live", "blocks": [
        {"text": "Kick-off.", "kind": "entry"}, {"text": "A goal.", "kind": "entry"}]});
    service.file_json("/v1/stories?slug=final&desk=sports", &copy).await;
    let page = service.page("/stories/final").await.text;
    assert!(
        page.contains("<div class=\"entry\" id=\"b1\"><p class=\"when\"><a href=\"#b1\"><time"),
        "{page}"
    );
    assert!(service.page("/").await.text.contains("<span class=\"badge live\">Live</span>"));
    for feed in service.fed("/stories/final").await {
        let mut titles: Vec<_> = feed.iter().map(|(_, title, _)| title.as_str()).collect();
        titles.sort_unstable();
        assert_eq!(titles, ["A goal.", "Kick-off."]);
    }
    service.stop().await;
}

#[tokio::test]
async fn words_that_were_erased_are_on_no_page_in_no_feed_and_nothing_is_found_under_them() {
    let service = Service::start().await;
    let counsel = service.key_of("counsel", &["legal@*"]).await;
    service.key_of("chief", &["editor@world"]).await;
    let copy = |hurt: &str| {
        json!({"headline": "Man held after fire", "tags": ["Fires", "Canary Quillfeather"],
               "blocks": [{"text": "Canary Quillfeather denies it."}, {"text": format!("{hurt} people were hurt.")}]})
    };
    service.file_json("/v1/stories?slug=fire&desk=world", &copy("Ten")).await;
    service.file_json("/v1/stories/fire", &copy("Twelve")).await;
    let tag = "/tags/Canary%20Quillfeather";
    assert!(service.page(tag).await.text.contains("Man held after fire"));
    let body = json!({"kind": "erase", "basis": "GDPR-Art.17", "words": "Canary Quillfeather",
                      "reason": "The conviction is spent.", "note": "A name was removed.", "approver": "chief"});
    let done = service.ask(Method::POST, "/v1/stories/fire/redactions", &counsel, &body).await;
    assert_eq!(done.status, 200, "{done:?}");
    service.views.reached(service.log.head()).await;
    assert_eq!(service.reads(tag).await.status, 404);
    for path in [
        "/",
        "/desks/world",
        "/tags/Fires",
        "/stories/fire",
        "/stories/fire/history",
        "/stories/fire/revisions/1",
        "/stories/fire/diff/0..1",
        "/stories/fire/diff/1..3",
        "/feed.atom",
        "/tags/Fires/feed.rss",
        "/stories/fire/feed.json",
    ] {
        let text = service.page(path).await.text;
        assert!(!text.contains("Quillfeather"), "{path}: {text}");
        assert!(text.contains("Man held after fire"), "{path}: {text}");
    }
    assert!(service.page("/stories/fire/history").await.text.contains("A name was removed."));
    service.stop().await;
}

#[tokio::test]
async fn a_feed_names_itself_its_page_and_its_hub_and_anybody_may_read_it() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", FIRST).await;
    for (format, media_type) in
        [("atom", "application/atom+xml"), ("rss", "application/rss+xml"), ("json", "application/feed+json")]
    {
        let got = service.page(&format!("/desks/world/feed.{format}")).await;
        assert_eq!(got.header("content-type"), format!("{media_type}; charset=utf-8"));
        assert_eq!(got.header("access-control-allow-origin"), "*");
        let links: Vec<_> = got.headers.get_all("link").iter().map(|link| link.to_str().unwrap()).collect();
        let this = format!("{BASE}/desks/world/feed.{format}");
        assert_eq!(links, [format!("<{this}>; rel=\"self\""), format!("<{HUB}>; rel=\"hub\"")]);
        for wanted in [this, HUB.to_owned(), format!("{BASE}/desks/world")] {
            assert!(got.text.contains(&wanted), "{got:?}");
        }
    }
    service.stop().await;
}

#[tokio::test]
async fn a_long_history_is_shown_page_by_page() {
    let service = Service::start().await;
    for number in 1..=103 {
        let copy = format!("Count\n\nIt is {number} now.");
        service.file("/v1/stories?slug=count&desk=world", &copy).await;
    }
    let page = service.page("/stories/count/history").await.text;
    assert_eq!(page.matches("<li class=").count(), 100);
    let story = page.split("/stories/").nth(1).unwrap()[..36].to_owned();
    assert!(page.contains(&format!("<a rel=\"next\" href=\"/stories/{story}/history?before=4\">")), "{page}");
    let older = service.page("/stories/count/history?before=4").await.text;
    assert_eq!(older.matches("<li class=").count(), 3);
    assert!(
        older.contains("/diff/0..1\"") && older.contains("/diff/2..3\"") && older.contains("/diff/3..103\"")
    );
    assert_eq!(service.reads("/stories/count/history?before=x").await.status, 404);
    service.stop().await;
}

#[tokio::test]
async fn what_leaves_by_a_page_or_a_feed_is_noted_for_the_audit() {
    let service = Service::start().await;
    let address = "/v1/stories?slug=budget&desk=world&embargo_until=2099-01-01T00:00:00Z";
    let story = service.file(address, FIRST).await.story;
    service.bid("budget", "lift", json!({"note": "Early."})).await;
    service.page("/stories/budget").await;
    service.page("/desks/world/feed.atom").await;
    let noted = async {
        loop {
            let noted = service.registry.departures(story, None, 10).await.unwrap();
            let doors: Vec<String> = noted.iter().map(|one| one.door.to_string()).collect();
            if ["http-page", "http-feed"].iter().all(|door| doors.iter().any(|noted| noted == door)) {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), noted).await.expect("both are noted");
    service.stop().await;
}
