//! Editions to write, the schemas to hold them against, and what must come back.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use serde_json::{Value, json};
use story::{Article, Block, BlockId, BlockKind, Copy, Desk, Field, Kind, Mark, Revision, Status, StoryId};
use wire::{ArticleMeta, ArticleView, Cursor, article_hash};
use writethru_formats::publication::{Edition, Origin, OutFormat};
use writethru_formats::{Format, Intake, read};

pub(crate) static ORIGIN: LazyLock<Origin> = LazyLock::new(|| Origin {
    base: "https://news.example/".to_owned(),
    provider: "Example & Sons <News>".to_owned(),
});

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Returns the files of the wire that tests are run on, by name and in order.
pub(crate) fn wire_files() -> Vec<(String, Vec<u8>)> {
    let folder = fixtures().join("wire");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("it is there")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    paths.sort();
    let is_item = |path: &PathBuf| path.extension().is_some_and(|is| is == "json" || is == "xml");
    let named = |path: PathBuf| {
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        (name, fs::read(path).expect("it can be read"))
    };
    paths.into_iter().filter(is_item).map(named).collect()
}

pub(crate) fn time(given: &str) -> Timestamp {
    given.parse().expect("it is a time")
}

/// Returns the article that `copy` makes as the first revision of a story.
pub(crate) fn article(copy: &Copy) -> Article {
    let mut article = Article { fields: copy.fields.clone(), blocks: Vec::new() };
    for (number, block) in (1..).zip(copy.blocks.iter().flatten()) {
        article.blocks.push(Arc::new(Block {
            id: BlockId::minted(number),
            kind: block.kind,
            text: block.text.clone(),
            marks: Arc::clone(&block.marks),
        }));
    }
    article
}

pub(crate) fn view(article: &Article, kind: Kind, status: Status) -> ArticleView {
    let meta = ArticleMeta {
        story: "0192f0c1-2f4e-7a63-8c2e-9f0f2b7f5a10".parse::<StoryId>().expect("it is one"),
        desk: "world".parse::<Desk>().expect("it is one"),
        revision: Revision(7),
        status,
        kind,
        hash: article_hash(article),
        recorded: time("2026-11-22T18:04:00Z"),
        published: Some(time("2026-11-22T18:04:00Z")),
        significant: Some(time("2026-11-22T18:01:00Z")),
        until: None,
        cursor: Cursor { epoch: 1, position: 9 },
    };
    ArticleView::of(article, meta)
}

pub(crate) fn edition(article: &ArticleView) -> Edition<'_> {
    Edition {
        article,
        created: time("2026-11-22T17:00:00Z"),
        first_published: Some(time("2026-11-22T17:01:00Z")),
        embargoed_until: None,
        note: "",
        corrections: &[],
        entries: &[],
        source: None,
        origin: &ORIGIN,
    }
}

/// Holds a ninjs item against IPTC's schemas of 3.0 and 3.1. What they say of `GeoJSON` is on
/// another site and concerns nothing that is written here.
#[track_caller]
pub(crate) fn check_ninjs(item: &str) {
    static SCHEMAS: LazyLock<Vec<jsonschema::Validator>> = LazyLock::new(|| {
        let schema = |version: &str| {
            let path = fixtures().join(format!("ninjs-schema_{version}.json"));
            let text = fs::read_to_string(path).expect("it can be read");
            let mut schema: Value = serde_json::from_str(&text).expect("it is JSON");
            without_other_sites(&mut schema);
            jsonschema::validator_for(&schema).expect("it is a schema")
        };
        ["3.0", "3.1"].map(schema).into()
    });
    let item: Value = serde_json::from_str(item).expect("it is JSON");
    for schema in SCHEMAS.iter() {
        let errors: Vec<String> = schema.iter_errors(&item).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?} in {item:#}");
    }
}

fn without_other_sites(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let is_other =
                |value: &Value| value.as_str().is_some_and(|address| address.starts_with("https://geojson"));
            if members.get("$ref").is_some_and(is_other) {
                members.remove("$ref");
            }
            members.values_mut().for_each(without_other_sites);
        }
        Value::Array(items) => items.iter_mut().for_each(without_other_sites),
        _ => {}
    }
}

/// Writes `edition` as a standard's item, checks that it is legal, and reads it again.
#[track_caller]
pub(crate) fn written_and_read(edition: &Edition<'_>, out: OutFormat) -> Intake {
    let written = out.write(edition);
    let format = match out {
        OutFormat::Ninjs => {
            check_ninjs(&written);
            Format::Ninjs
        }
        _ => Format::NewsmlG2,
    };
    assert!(written.chars().all(is_xml), "a character that XML forbids is in {written}");
    let read = read(written.as_bytes(), None).unwrap_or_else(|refused| panic!("{refused}: {written}"));
    assert_eq!(read.format, format, "as its looks say");
    let source = read.source.as_ref().expect("it has an id");
    assert_eq!(source.id, "https://news.example/v1/stories/0192f0c1-2f4e-7a63-8c2e-9f0f2b7f5a10");
    assert_eq!((source.version, source.created), (Some(7), Some(edition.article.recorded)));
    read
}

fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// What an article says: its fields and its blocks.
#[derive(Debug, PartialEq)]
pub(crate) struct Said {
    fields: Vec<(Field, Vec<String>)>,
    blocks: Vec<(BlockKind, String, Vec<Mark>)>,
}

/// Returns what `copy` says.
pub(crate) fn said(copy: &Copy) -> Said {
    let values = |field: Field| {
        let text = copy.fields.get(field);
        let values: Vec<&str> =
            if field.is_list() { text.shown_values().collect() } else { vec![text.as_str()] };
        values.into_iter().filter(|value| !value.is_empty()).map(str::to_owned).collect::<Vec<String>>()
    };
    let fields = Field::ALL.into_iter().map(|field| (field, values(field)));
    let block = |block: &story::CopyBlock| (block.kind, block.text.as_str().to_owned(), block.marks.to_vec());
    Said {
        fields: fields.filter(|(_, values)| !values.is_empty()).collect(),
        blocks: copy.blocks.iter().flatten().map(block).collect(),
    }
}

/// Returns what must come back of `copy`: its words as XML can say them, and marks that look the
/// same as one.
pub(crate) fn sayable(copy: &Copy) -> Said {
    let mut said = said(copy);
    for (_, values) in &mut said.fields {
        for value in values {
            *value = legal(value);
        }
    }
    for (_, text, marks) in &mut said.blocks {
        *text = legal(text);
        *marks = joined(marks);
    }
    said
}

/// Returns the text as XML can say it.
fn legal(text: &str) -> String {
    text.replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}")
}

fn joined(marks: &[Mark]) -> Vec<Mark> {
    let mut marks = marks.to_vec();
    marks.sort_by_key(|mark| (mark.kind, mark.href.clone(), mark.start));
    let mut joined: Vec<Mark> = Vec::new();
    for mark in marks {
        match joined.last_mut() {
            Some(last) if (last.kind, &last.href) == (mark.kind, &mark.href) && mark.start <= last.end => {
                last.end = last.end.max(mark.end);
            }
            _ => joined.push(mark),
        }
    }
    joined.sort();
    joined
}

/// Returns a story of every kind of block and every field, with what mark-up must not break on.
pub(crate) fn rich() -> Copy {
    let copy = json!({
        "headline": "Talks ]]> \"resume\" </script><script>alert(1)</script> & more",
        "summary": "In short: <b>it</b> goes on.", "bylines": ["A. Writer", "B. Writer, Cairo"],
        "dateline": "CAIRO, 19 Nov", "language": "en-GB", "tags": ["Peace", "Law & order"],
        "links": ["https://a.example/x?a=1&b=2 The \"law\"", "https://b.example/"],
        "urgency": 2, "slug": "talks--2", "ed_note": "Hold page 1. EDITORS: yes.",
        "blocks": [
            { "text": "One & two ]]> three <p>.", "marks": [
                { "start": 0, "end": 9, "kind": "em" }, { "start": 4, "end": 15, "kind": "strong" },
                { "start": 6, "end": 9, "kind": "a", "href": "https://a.example/?a=1&b='2'" }] },
            { "text": "More", "kind": "heading" }, { "text": "It is so", "kind": "quote" },
            { "text": "first", "kind": "list" }, { "text": "second", "kind": "list" },
            { "text": "Seen from above", "kind": "media" },
            { "text": "18:04: they met", "kind": "entry" }, { "text": "Then", "kind": "paragraph" },
        ],
    });
    read(copy.to_string().as_bytes(), None).expect("it is legal").copy
}
