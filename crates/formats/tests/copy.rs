//! What each format says, as copy.

use story::{BlockKind, Field, Kind, MarkKind};
use writethru_formats::{Format, Intake, read};

#[track_caller]
fn taken(given: &str, declared: Option<Format>) -> Intake {
    read(given.as_bytes(), declared).unwrap_or_else(|refused| panic!("{refused}"))
}

/// A block as its kind, its words, and the words under its marks.
type Shown<'a> = (BlockKind, &'a str, Vec<(MarkKind, &'a str)>);

fn body(intake: &Intake) -> Vec<Shown<'_>> {
    intake.copy.blocks.iter().flatten().map(shown).collect()
}

fn shown(block: &story::CopyBlock) -> Shown<'_> {
    let text = block.text.as_str();
    let words = |mark: &story::Mark| (mark.kind, &text[mark.start as usize..mark.end as usize]);
    (block.kind, text, block.marks.iter().map(words).collect())
}

#[test]
fn the_services_own_json_says_each_field_once() {
    let intake = taken(
        r#"{"headline":" Talks  resume ","summary":null,"bylines":["A. Writer","","B. Writer"],
            "language":"en-GB","tags":[],"links":["https://a.example/x The law"],"urgency":2,
            "slug":"talks","desk":"world","kind":"clarification","note":"Said more.",
            "occurred":"2026-11-22T18:04:00+01:00",
            "blocks":[{"text":"One  two","marks":[{"start":5,"end":8,"kind":"strong"}]},
                      {"kind":"quote","html":"<p>It <em>is</em> so</p>"},{"text":" "},
                      {"html":"<h2>More</h2><p>a<br><br>b <a href='https://a.example/?q=|'>c</a></p>"}]}"#,
        None,
    );
    assert_eq!(intake.format, Format::Json);
    let fields = &intake.copy.fields;
    assert_eq!(fields.get(Field::Headline).as_str(), "Talks resume");
    assert_eq!(fields.get(Field::Bylines).shown_values().collect::<Vec<_>>(), ["A. Writer", "B. Writer"]);
    assert_eq!(
        intake.copy.given,
        [
            Field::Slug,
            Field::Headline,
            Field::Summary,
            Field::Bylines,
            Field::Language,
            Field::Tags,
            Field::Links,
            Field::Urgency
        ],
        "null and [] clear, absence keeps"
    );
    assert_eq!(
        body(&intake),
        [
            (BlockKind::Paragraph, "One two", vec![(MarkKind::Strong, "two")]),
            (BlockKind::Quote, "It is so", vec![(MarkKind::Em, "is")]),
            (BlockKind::Heading, "More", vec![]),
            (BlockKind::Paragraph, "a", vec![]),
            (BlockKind::Paragraph, "b c", vec![(MarkKind::A, "c")]),
        ]
    );
    let link = intake.copy.blocks.iter().flatten().last().expect("it is there");
    assert_eq!(link.marks[0].href.as_deref(), Some("https://a.example/?q=%7C"));
    assert_eq!(intake.desk.expect("it names one").as_str(), "world");
    assert_eq!(intake.kind, Some(Kind::Clarification));
    assert_eq!(intake.note.as_str(), "Said more.");
    assert_eq!(intake.occurred.as_deref(), Some("2026-11-22T18:04:00+01:00"));
}

#[test]
fn a_body_that_is_absent_is_kept_and_one_without_blocks_is_empty() {
    assert_eq!(taken(r#"{"headline":"A"}"#, None).copy.blocks, None);
    assert_eq!(taken(r#"{"headline":"A","blocks":[]}"#, None).copy.blocks, Some(vec![]));
}

#[test]
fn html_that_acts_is_taken_out_with_what_it_holds() {
    let html =
        r"<p onclick='x()'>a<script>alert(1)</script> b <a href='javascript:x()'>c</a></p><style>p{}</style>";
    let given = serde_json::json!({ "headline": "A", "blocks": [{ "html": html }] }).to_string();
    assert_eq!(body(&taken(&given, None)), [(BlockKind::Paragraph, "a b c", vec![])]);
}

#[test]
fn units_of_html_do_not_run_into_each_other() {
    let html = "<table><tr><td>1</td><td>2</td></tr></table><ul><li>x<li><p>y</p></ul><blockquote><p>z</p>\
                </blockquote><figure><img src='a.png'><figcaption>seen</figcaption></figure>t<b>a<p>b</b>c";
    let given = serde_json::json!({ "headline": "A", "blocks": [{ "html": html }] }).to_string();
    let plain = |kind, words| (kind, words, vec![]);
    assert_eq!(
        body(&taken(&given, None)),
        [
            plain(BlockKind::Paragraph, "1"),
            plain(BlockKind::Paragraph, "2"),
            plain(BlockKind::List, "x"),
            plain(BlockKind::List, "y"),
            plain(BlockKind::Quote, "z"),
            plain(BlockKind::Media, "seen"),
            (BlockKind::Paragraph, "ta", vec![(MarkKind::Strong, "a")]),
            (BlockKind::Paragraph, "bc", vec![(MarkKind::Strong, "b")]),
        ]
    );
}

#[test]
fn a_ninjs_3_item_is_read_by_its_richest_body() {
    let intake = taken(
        r#"{"uri":"urn:talks:1","standard":{"name":"ninjs","version":"3.1"},"type":"text",
            "versionCreated":"2026-11-22T18:04:00+01:00","pubStatus":"usable","urgency":4,"language":"de",
            "by":"A. Writer and B. Writer","located":"CAIRO","slugline":"Talks / Cairo (2nd)","edNote":"Hold page 1.",
            "headlines":[{"role":"short","value":"Talks"},{"role":"main","value":"Talks resume"}],
            "descriptions":[{"role":"caption","value":"no"},{"role":"text","value":"In short."}],
            "subjects":[{"name":"Peace","rel":"about"},{"literal":"p"}],
            "bodies":[{"role":"main","contentType":"text/plain","value":"One. Two."},
                      {"role":"richtext","contentType":"application/xhtml+xml","value":"<p>One.</p> <p>Two.</p>"}]}"#,
        None,
    );
    assert_eq!(intake.format, Format::Ninjs);
    let fields = &intake.copy.fields;
    for (field, text) in [
        (Field::Headline, "Talks resume"),
        (Field::Summary, "In short."),
        (Field::Slug, "Talks-Cairo-2nd"),
        (Field::Bylines, "A. Writer and B. Writer"),
        (Field::Dateline, "CAIRO"),
        (Field::Language, "de"),
        (Field::Tags, "Peace"),
        (Field::Urgency, "4"),
        (Field::EdNote, "Hold page 1."),
    ] {
        assert_eq!(fields.get(field).as_str(), text, "{field}");
    }
    assert_eq!(
        body(&intake),
        [(BlockKind::Paragraph, "One.", vec![]), (BlockKind::Paragraph, "Two.", vec![])]
    );
    let source = intake.source.expect("it has a uri");
    assert_eq!((source.id.as_str(), source.version), ("urn:talks:1", None));
    assert_eq!(source.created, "2026-11-22T17:04:00Z".parse().ok());
    assert_eq!(intake.occurred.as_deref(), Some("2026-11-22T18:04:00+01:00"));
}

#[test]
fn older_ninjs_items_are_read() {
    let one = taken(
        r#"{"uri":"urn:talks:1","type":"text","versioncreated":"2013-07-09T10:37:00Z","byline":"A. Writer",
            "headline":"Talks resume","body_text":"no","body_html":"<p>One.</p><p>Two.</p>",
            "subject":[{"name":"Peace"}]}"#,
        None,
    );
    assert_eq!(one.copy.fields.get(Field::Bylines).as_str(), "A. Writer");
    assert_eq!(one.copy.fields.get(Field::Tags).as_str(), "Peace");
    assert_eq!(body(&one).len(), 2);
    let two = taken(
        r#"{"uri":"urn:talks:1","pubstatus":"usable","headlines":[{"value":"Talks resume"}],
            "bodies":[{"contenttype":"text/html","value":"<p>One.</p>"}]}"#,
        None,
    );
    assert_eq!(body(&two), [(BlockKind::Paragraph, "One.", vec![])]);
}

#[test]
fn an_item_that_must_not_be_used_is_never_an_update() {
    for (status, kind) in
        [("usable", None), ("withheld", Some(Kind::Withhold)), ("canceled", Some(Kind::Kill))]
    {
        let given = format!(r#"{{"uri":"a","pubStatus":"{status}","headlines":[{{"value":"A"}}]}}"#);
        assert_eq!(taken(&given, None).kind, kind);
    }
    let embargoed = r#"{"uri":"a","embargoed":"2026-11-23T06:00:00Z","headlines":[{"value":"A"}]}"#;
    assert_eq!(taken(embargoed, None).embargoed.as_deref(), Some("2026-11-23T06:00:00Z"));
}

#[test]
fn markdown_is_read_only_where_it_was_declared() {
    let given = "Talks\n\n## More\n\nA *b* [c](https://a.example/)\n";
    assert_eq!(
        body(&taken(given, None)),
        [
            (BlockKind::Paragraph, "## More", vec![]),
            (BlockKind::Paragraph, "A *b* [c](https://a.example/)", vec![])
        ]
    );
    assert_eq!(
        body(&taken(given, Some(Format::Markdown))),
        [
            (BlockKind::Heading, "More", vec![]),
            (BlockKind::Paragraph, "A b c", vec![(MarkKind::Em, "b"), (MarkKind::A, "c")])
        ]
    );
}

#[test]
fn hidden_provenance_is_stripped_and_reported() {
    let intake = taken("Talks\u{FEFF}\u{FE01}\u{E0101}\u{E0102} resume\n\nOne\u{FE0F}.", None);
    assert_eq!(intake.copy.fields.get(Field::Headline).as_str(), "Talks resume");
    assert_eq!(intake.report.provenance_characters, 5);
}
