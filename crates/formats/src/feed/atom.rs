//! Atom, as RFC 4287 has it.

use atom_syndication::{
    Category, Content, Entry, Feed as AtomFeed, FixedDateTime, Generator, Link, Person, Text,
};
use jiff::Timestamp;

use super::{Feed, FeedEntry, FeedFormat};
use crate::publication::printable;

/// Returns `feed` as Atom.
pub(super) fn write(feed: &Feed<'_>) -> String {
    let this = link("self", feed.address(FeedFormat::Atom), FeedFormat::Atom.media_type());
    let mut links = vec![this, link("alternate", feed.page_address(), "text/html")];
    links.extend(feed.hub.map(|hub| Link { href: hub.to_owned(), rel: "hub".to_owned(), ..Link::default() }));
    let publisher = Person { name: printable(&feed.origin.provider), ..Person::default() };
    AtomFeed {
        title: Text::plain(printable(&feed.name())),
        id: feed.address(FeedFormat::Atom),
        updated: time(feed.updated()),
        authors: vec![publisher],
        generator: Some(Generator { value: "Writethru".to_owned(), ..Generator::default() }),
        links,
        entries: feed.entries.iter().map(entry).collect(),
        lang: feed.language.as_deref().map(printable),
        ..AtomFeed::default()
    }
    .to_string()
}

fn entry(entry: &FeedEntry) -> Entry {
    let lang = entry.language.as_deref().map(printable);
    let text = |value: &str| Text { lang: lang.clone(), ..Text::plain(printable(value)) };
    let person = |name: &String| Person { name: printable(name), ..Person::default() };
    let category = |tag: &String| Category { term: printable(tag), ..Category::default() };
    Entry {
        title: text(&entry.title),
        id: entry.id.clone(),
        updated: time(entry.updated),
        authors: entry.authors.iter().map(person).collect(),
        categories: entry.tags.iter().map(category).collect(),
        links: vec![link("alternate", entry.address.clone(), "text/html")],
        published: Some(time(entry.published)),
        summary: (!entry.summary.is_empty()).then(|| text(&entry.summary)),
        content: Some(Content {
            lang: lang.clone(),
            value: Some(printable(&entry.html)),
            content_type: Some("html".to_owned()),
            ..Content::default()
        }),
        ..Entry::default()
    }
}

fn link(rel: &str, href: String, media_type: &str) -> Link {
    Link { href, rel: rel.to_owned(), mime_type: Some(media_type.to_owned()), ..Link::default() }
}

fn time(time: Timestamp) -> FixedDateTime {
    time.to_string().parse().unwrap_or_default()
}
