//! JSON Feed 1.1.

use serde::Serialize;

use super::{Feed, FeedEntry, FeedFormat};

#[derive(Serialize)]
struct JsonFeed<'a> {
    version: &'static str,
    title: String,
    home_page_url: String,
    feed_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    authors: [Author<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    hubs: Option<[Hub<'a>; 1]>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Hub<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    url: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    summary: &'a str,
    content_html: &'a str,
    date_published: String,
    date_modified: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    /// An extension: a member whose name begins with an underscore.
    #[serde(rename = "_writethru")]
    extension: Extension,
}

#[derive(Serialize)]
struct Extension {
    status: &'static str,
}

/// Returns `feed` as JSON Feed.
pub(super) fn write(feed: &Feed<'_>) -> String {
    let document = JsonFeed {
        version: "https://jsonfeed.org/version/1.1",
        title: feed.name(),
        home_page_url: feed.page_address(),
        feed_url: feed.address(FeedFormat::Json),
        language: feed.language.as_deref(),
        authors: [Author { name: &feed.origin.provider }],
        hubs: feed.hub.map(|url| [Hub { kind: "WebSub", url }]),
        items: feed.entries.iter().map(item).collect(),
    };
    serde_json::to_string(&document).expect("a feed is texts and lists")
}

fn item(entry: &FeedEntry) -> Item<'_> {
    Item {
        id: &entry.id,
        url: &entry.address,
        title: &entry.title,
        summary: &entry.summary,
        content_html: &entry.html,
        date_published: entry.published.to_string(),
        date_modified: entry.updated.to_string(),
        authors: entry.authors.iter().map(|name| Author { name }).collect(),
        tags: &entry.tags,
        language: entry.language.as_deref(),
        extension: Extension { status: entry.status.as_str() },
    }
}
