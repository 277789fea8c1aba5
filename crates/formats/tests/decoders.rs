//! No input makes a decoder panic, and what a decoder takes is normal.

mod editions;

use editions::wire_files;
use proptest::prelude::*;
use writethru_formats::{Format, History, read};

const DECLARED: [Option<Format>; 6] = [
    None,
    Some(Format::Plain),
    Some(Format::Markdown),
    Some(Format::Json),
    Some(Format::Ninjs),
    Some(Format::NewsmlG2),
];

#[track_caller]
fn check(given: &[u8]) {
    for declared in DECLARED {
        let Ok(intake) = read(given, declared) else { continue };
        for block in intake.copy.blocks.iter().flatten() {
            assert_eq!(story::normalise(block.text.as_str()).0, block.text.as_str());
            assert!(block.marks.iter().all(|mark| mark.problem(block.text.as_str()).is_none()));
        }
        assert!(intake.copy.given.is_sorted());
    }
    let _ = History::new().read(given);
}

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "\\PC{0,6}",
        any::<char>().prop_map(String::from),
        proptest::sample::select(vec![
            "<p>",
            "</p>",
            "<b>",
            "</i>",
            "<br>",
            "<a href='https://a.example/'>",
            "</a>",
            "<li>",
            "&amp;",
            "&#0;",
            "<!--",
            "<table>",
            "**",
            "*",
            "`",
            "[",
            "](",
            "https://a.example/)",
            "\\",
            "\n",
            "\n\n",
            "# ",
            "> ",
            "- ",
            "\u{FE0F}",
            "\u{301}",
            "\u{A0}",
            "<svg><style>",
            "<math>",
            "---\n",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
}

fn json() -> impl Strategy<Value = String> {
    let key = proptest::sample::select(vec![
        "headline",
        "headlines",
        "blocks",
        "bodies",
        "body",
        "html",
        "text",
        "marks",
        "start",
        "end",
        "kind",
        "href",
        "urgency",
        "uri",
        "value",
        "role",
        "contentType",
        "seq",
        "source",
        "at",
        "slug",
        "links",
        "pubStatus",
    ]);
    let leaf = prop_oneof![
        text().prop_map(serde_json::Value::from),
        any::<i8>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        Just(serde_json::Value::from("paragraph")),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            proptest::collection::vec((key.clone(), inner), 0..6).prop_map(|entries| {
                entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<serde_json::Value>()
            }),
        ]
    })
    .prop_map(|value| value.to_string())
}

fn filing() -> impl Strategy<Value = String> {
    (text(), text(), text()).prop_map(|(headline, plain, html)| {
        serde_json::json!({ "headline": headline, "blocks": [{ "text": plain }, { "html": html }] })
            .to_string()
    })
}

/// XML out of the standard's elements, mostly well-formed.
fn xml() -> impl Strategy<Value = String> {
    let name = proptest::sample::select(vec![
        "itemMeta",
        "pubStatus qcode=\"stat:canceled\"",
        "signal qcode='sig:correction'",
        "contentMeta",
        "contentSet",
        "inlineXML",
        "inlineData contenttype='text/html'",
        "headline",
        "edNote",
        "html",
        "body",
        "p",
        "br",
        "a href=\"https://a.example/\"",
        "versionCreated",
        "subject",
        "name",
        "urgency",
        "nar:newsItem guid=\"b\"",
    ]);
    let leaf = prop_oneof![text(), Just("&lt;b&gt;".to_owned()), Just("<![CDATA[<p>]]>".to_owned())];
    let element = leaf.prop_recursive(5, 40, 6, move |inner| {
        (name.clone(), proptest::collection::vec(inner, 0..6)).prop_map(|(tag, inner)| {
            let end = tag.split(' ').next().unwrap_or_default();
            format!("<{tag}>{}</{end}>", inner.concat())
        })
    });
    let roots = proptest::sample::select(vec!["newsItem", "newsMessage", "itemSet", "packageItem"]);
    (roots, proptest::collection::vec(element, 0..5)).prop_map(|(root, inner)| {
        format!("<?xml version=\"1.0\"?><{root} guid=\"a\" version=\"2\">{}</{root}>", inner.concat())
    })
}

fn item() -> impl Strategy<Value = String> {
    (text(), text()).prop_map(|(headline, html)| {
        let bodies = [serde_json::json!({ "role": "html", "value": html })];
        serde_json::json!({ "uri": "urn:a", "headlines": [{ "value": headline }], "bodies": bodies })
            .to_string()
    })
}

proptest! {
    #[test]
    fn bytes_never_panic(given in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&given);
    }

    #[test]
    fn text_never_panics(given in text()) {
        check(given.as_bytes());
    }

    #[test]
    fn documents_never_panic(given in prop_oneof![json(), filing(), item(), xml()], cut in any::<prop::sample::Index>()) {
        check(given.as_bytes());
        check(&given.as_bytes()[..cut.index(given.len())]);
    }

    #[test]
    fn real_items_with_bytes_changed_never_panic(
        file in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut given = wire_files()[file.index(wire_files().len())].1.clone();
        for (at, byte) in changes {
            let at = at.index(given.len());
            given[at] = byte;
        }
        check(&given);
        // Most bytes make no UTF-8: what is left of it is read too.
        check(String::from_utf8_lossy(&given[..cut.index(given.len())]).as_bytes());
    }
}
