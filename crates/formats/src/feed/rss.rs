//! RSS 2.0, with the elements that its profile advises: `atom:link` and `dc:creator`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use rss::extension::atom::{AtomExtension, Link};
use rss::extension::dublincore::DublinCoreExtension;
use rss::{Category, Channel, Guid, Item};

use super::{Feed, FeedEntry, FeedFormat};
use crate::publication::printable;

/// Returns `feed` as RSS.
pub(super) fn write(feed: &Feed<'_>) -> String {
    let link = |rel: &str, href: String, media_type: Option<&str>| Link {
        href,
        rel: rel.to_owned(),
        mime_type: media_type.map(str::to_owned),
        ..Link::default()
    };
    let this = link("self", feed.address(FeedFormat::Rss), Some(FeedFormat::Rss.media_type()));
    let hub = feed.hub.map(|hub| link("hub", hub.to_owned(), None));
    let namespaces = [
        ("atom", "http://www.w3.org/2005/Atom"),
        ("content", "http://purl.org/rss/1.0/modules/content/"),
        ("dc", "http://purl.org/dc/elements/1.1/"),
    ];
    let namespaces: BTreeMap<String, String> =
        namespaces.into_iter().map(|(name, address)| (name.to_owned(), address.to_owned())).collect();
    Channel {
        title: printable(&feed.name()),
        link: feed.page_address(),
        description: printable(&feed.name()),
        language: feed.language.as_deref().map(printable),
        last_build_date: Some(time(feed.updated())),
        generator: Some("Writethru".to_owned()),
        atom_ext: Some(AtomExtension { links: [this].into_iter().chain(hub).collect() }),
        items: feed.entries.iter().map(item).collect(),
        namespaces,
        ..Channel::default()
    }
    .to_string()
}

fn item(entry: &FeedEntry) -> Item {
    let creators = entry.authors.iter().map(|author| printable(author)).collect();
    // RSS has no time of a change: readers know one by the words.
    let category = |tag: &String| Category { name: printable(tag), domain: None };
    let summary = if entry.summary.is_empty() { &entry.html } else { &entry.summary };
    Item {
        title: Some(printable(&entry.title)),
        link: Some(entry.address.clone()),
        description: Some(printable(summary)),
        categories: entry.tags.iter().map(category).collect(),
        guid: Some(Guid { value: entry.id.clone(), permalink: false }),
        pub_date: Some(time(entry.published)),
        content: Some(printable(&entry.html)),
        dublin_core_ext: Some(DublinCoreExtension { creators, ..DublinCoreExtension::default() }),
        ..Item::default()
    }
}

fn time(time: Timestamp) -> String {
    rfc2822::to_string(&time.to_zoned(TimeZone::UTC)).unwrap_or_default()
}
