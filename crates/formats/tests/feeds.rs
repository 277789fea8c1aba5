//! Feeds, read by a feed reader's own parser.

mod editions;

use editions::{ORIGIN, article, edition, rich, time, view};
use feed_rs::model::{Entry, Feed as Parsed};
use feed_rs::parser;
use serde_json::{Value, json};
use story::{BlockId, BlockKind, Kind, Revision, Status};
use wire::ArticleView;
use writethru_formats::feed::{Feed, FeedEntry, FeedFormat, News};
use writethru_formats::publication::{Edition, EntryTimes, PublicCorrection};
use writethru_formats::read;

const HUB: &str = "https://hub.example/?a=1&b=2";

fn plain(status: Status) -> ArticleView {
    let copy = read(b"Talks resume\n\nThey met.", None).expect("it is legal").copy;
    let mut article = article(&copy);
    if status != Status::Usable {
        article = article.tombstone();
    }
    view(&article, Kind::Update, status)
}

fn feed(entries: Vec<FeedEntry>) -> Feed<'static> {
    Feed {
        title: "World <news> & more".to_owned(),
        page: "/desks/world".to_owned(),
        path: "/desks/world/feed".to_owned(),
        language: Some("en-GB".to_owned()),
        hub: Some(HUB),
        origin: &ORIGIN,
        entries,
    }
}

/// Returns `feed` as a reader finds it in each format.
fn parsed(feed: &Feed<'_>) -> Vec<(FeedFormat, Parsed)> {
    let read = |format: FeedFormat| {
        let written = format.write(feed);
        let parsed = parser::parse(written.as_bytes());
        (format, parsed.unwrap_or_else(|refused| panic!("{refused}: {written}")))
    };
    FeedFormat::ALL.map(read).into()
}

fn title(entry: &Entry) -> &str {
    entry.title.as_ref().map_or("", |title| title.content.as_str())
}

fn html(entry: &Entry) -> &str {
    entry.content.as_ref().and_then(|content| content.body.as_deref()).unwrap_or_default()
}

#[test]
fn whatever_an_article_holds_each_format_says_it() {
    let view = view(&article(&rich()), Kind::Update, Status::Usable);
    let entry = FeedEntry::of_story(&edition(&view));
    for (format, parsed) in parsed(&feed(vec![entry])) {
        let name = parsed.title.expect("it has one").content;
        assert_eq!(name, "World <news> & more \u{b7} Example & Sons <News>", "{format:?}");
        let entry = &parsed.entries[0];
        assert_eq!(entry.id, "urn:uuid:0192f0c1-2f4e-7a63-8c2e-9f0f2b7f5a10", "{format:?}");
        let headline = "Talks ]]> \"resume\" </script><script>alert(1)</script> & more";
        assert_eq!(title(entry), headline, "{format:?}");
        assert!(html(entry).contains("<strong> ]]&gt; t</strong>hree"), "{format:?}: {}", html(entry));
        assert!(html(entry).contains("href=\"https://a.example/?a=1&amp;b="), "{format:?}: {}", html(entry));
        assert_eq!(entry.links[0].href, "https://news.example/stories/0192f0c1-2f4e-7a63-8c2e-9f0f2b7f5a10");
        let tags: Vec<_> = entry.categories.iter().map(|category| category.term.as_str()).collect();
        assert_eq!(tags, ["Peace", "Law & order"], "{format:?}");
        assert!(
            entry.authors.iter().any(|author| author.name.as_deref() == Some("B. Writer, Cairo")),
            "{entry:?}"
        );
        assert_eq!(entry.published.expect("a time").to_rfc3339(), "2026-11-22T17:01:00+00:00");
    }
}

#[test]
fn a_feed_says_where_it_is_and_where_its_hub_is() {
    let feed = feed(Vec::new());
    for (format, parsed) in parsed(&feed) {
        let written = format.write(&feed);
        assert!(written.contains(&feed.address(format)), "{written}");
        assert!(written.contains(HUB) || written.contains("https://hub.example/?a=1&amp;b=2"), "{written}");
        assert!(written.contains("https://news.example/desks/world"), "{written}");
        assert_eq!(parsed.entries.len(), 0);
    }
    let json: Value = serde_json::from_str(&FeedFormat::Json.write(&feed)).expect("it is JSON");
    assert_eq!(json["hubs"], json!([{ "type": "WebSub", "url": HUB }]));
    assert_eq!(json["feed_url"], "https://news.example/desks/world/feed.json");
}

#[test]
fn updated_is_when_it_last_mattered_and_not_when_it_last_changed() {
    let view = plain(Status::Usable);
    assert_eq!(view.recorded, time("2026-11-22T18:04:00Z"), "a comma moved then");
    let entry = FeedEntry::of_story(&edition(&view));
    assert_eq!(entry.updated, time("2026-11-22T18:01:00Z"));
    let never = ArticleView { significant: None, ..view };
    assert_eq!(FeedEntry::of_story(&edition(&never)).updated, time("2026-11-22T17:01:00Z"));
    for (format, parsed) in parsed(&feed(vec![entry])) {
        if format != FeedFormat::Rss {
            let updated = parsed.entries[0].updated.expect("a time").to_rfc3339();
            assert_eq!(updated, "2026-11-22T18:01:00+00:00", "{format:?}");
        }
    }
}

#[test]
fn a_correction_stands_before_the_story_with_its_note() {
    let view = plain(Status::Usable);
    let corrections = [PublicCorrection {
        revision: Revision(3),
        kind: Kind::Correction,
        published: time("2026-11-22T17:30:00Z"),
        note: "Four <b>met</b>, not five.".to_owned(),
        what: "the number".to_owned(),
        place: String::new(),
    }];
    let corrected = Edition { corrections: &corrections, ..edition(&view) };
    let entry = FeedEntry::of_story(&corrected);
    assert_eq!(entry.title, "Corrected: Talks resume");
    assert_eq!(entry.summary, "Correction (22 Nov 2026, 17:30 UTC): Four <b>met</b>, not five.");
    let note =
        "<p><strong>Correction (22 Nov 2026, 17:30 UTC): Four &lt;b&gt;met&lt;/b&gt;, not five.</strong></p>";
    assert!(entry.html.starts_with(note), "{}", entry.html);
    for (format, parsed) in parsed(&feed(vec![entry])) {
        assert_eq!(title(&parsed.entries[0]), "Corrected: Talks resume", "{format:?}");
    }
}

#[test]
fn what_was_taken_from_readers_stays_as_an_entry_without_a_word_of_it() {
    for (status, begins) in [
        (Status::Killed, "Killed: "),
        (Status::Takendown, "Taken down: "),
        (Status::Withheld, "Withheld: "),
        (Status::Draft, "A story is not available"),
    ] {
        let view = plain(status);
        let taken = Edition { note: "It was forged.", ..edition(&view) };
        let entry = FeedEntry::of_story(&taken);
        assert!(entry.title.starts_with(begins), "{entry:?}");
        assert_eq!(entry.id, FeedEntry::of_story(&edition(&plain(Status::Usable))).id, "the same entry");
        assert!(entry.html.ends_with("<p>It was forged.</p>"), "{entry:?}");
        assert_eq!(FeedEntry::of_events(&taken, &[], 10), vec![entry.clone()]);
        for (format, _) in parsed(&feed(vec![entry.clone()])) {
            let written = format.write(&feed(vec![entry.clone()]));
            assert!(!written.contains("Talks") && !written.contains("They met"), "{written}");
        }
    }
}

#[test]
fn a_live_blog_is_fed_entry_by_entry_and_an_edited_entry_stays_itself() {
    let view = view(&article(&rich()), Kind::Update, Status::Usable);
    let block: BlockId = "b7".parse().expect("it is one");
    assert_eq!(view.blocks[6].kind, BlockKind::Entry);
    let first = time("2026-11-22T18:04:00Z");
    let times = |significant| {
        [EntryTimes {
            block: block.clone(),
            published: first,
            modified: time("2026-11-22T19:00:00Z"),
            significant,
        }]
    };
    let (before, after) = (times(first), times(time("2026-11-22T19:00:00Z")));
    let entries = FeedEntry::of_events(&Edition { entries: &before, ..edition(&view) }, &[], 10);
    let again = FeedEntry::of_events(&Edition { entries: &after, ..edition(&view) }, &[], 10);
    assert_eq!((entries.len(), again.len()), (1, 1));
    assert_eq!((entries[0].updated, &entries[0].id), (first, &again[0].id));
    assert!(again[0].updated > first);
    assert!(entries[0].address.ends_with("#b7"), "{entries:?}");
    assert_eq!(entries[0].title, "18:04: they met");
}

#[test]
fn a_story_is_fed_revision_by_revision_with_what_changed() {
    let view = plain(Status::Usable);
    let (before, after) = (article_of("They met."), article_of("They met twice."));
    let lines = story::render::lines(&before, &after, &story::diff::diff(&before, &after));
    let news = |revision, kind| News {
        revision: Revision(revision),
        kind,
        recorded: time("2026-11-22T18:04:00Z"),
        note: "",
        headline: "Talks resume",
        lines: &lines,
    };
    let all = [news(3, Kind::Correction), news(2, Kind::Update)];
    let entries = FeedEntry::of_events(&edition(&view), &all, 10);
    let titles: Vec<_> = entries.iter().map(|entry| entry.title.as_str()).collect();
    assert_eq!(titles.len(), 2);
    assert!(titles.contains(&"Correction: Talks resume") && titles.contains(&"Talks resume"), "{titles:?}");
    assert_ne!(entries[0].id, entries[1].id);
    assert!(entries.iter().all(|entry| entry.html.contains("<ins> twice</ins>")), "{entries:?}");
    assert_eq!(FeedEntry::of_events(&edition(&view), &all, 1).len(), 1, "bounded");
}

fn article_of(text: &str) -> story::Article {
    article(&read(format!("Talks resume\n\n{text}").as_bytes(), None).expect("it is legal").copy)
}
