//! What is wrong with a submission is said with its place and the next step.

use writethru_formats::{Format, History, IntakeError, read};

#[track_caller]
fn check(given: &[u8], said: &str) {
    let refused = read(given, None).expect_err("it is refused");
    assert_eq!(refused.to_string(), said);
}

#[test]
fn bytes_that_are_no_text_are_named_by_place() {
    check(b"Talks\xff", "byte 5 is not UTF-8: save the file as UTF-8 text");
    check(b"Talks\n\na\0b", "blocks[0].text: holds the control character U+0000 at byte 1: take it out");
    check(b"Tal\x1bks", "headline: holds the control character U+001B at byte 3: take it out");
}

#[test]
fn nothing_to_file_is_refused() {
    let said = "it has no words: send a headline, and paragraphs below it";
    check(b"", said);
    check(" \n\u{A0}\u{FEFF}".as_bytes(), said);
    check("\u{FEFF}\u{FE0F}".as_bytes(), said);
    assert_eq!(read(b" ", Some(Format::Json)), Err(IntakeError::Empty));
}

#[test]
fn json_errors_name_the_field_and_the_place() {
    check(
        br#"{"headline":"A","blok":[]}"#,
        "line 1 column 22: blok: unknown field `blok`, expected one of `headline`, `summary`, `bylines`, \
         `dateline`, `language`, `tags`, `links`, `urgency`, `ed_note`, `blocks`, `slug`, `desk`, `kind`, \
         `note`, `occurred`",
    );
    check(br#"{"headline":"A","headline":"B"}"#, "line 1 column 26: .: duplicate field `headline`");
    check(
        b"{\"headline\":\"A\",\n\"blocks\":[{\"text\":\"a\"},{\"text\":7}]}",
        "line 2 column 32: blocks[1].text: invalid type: integer `7`, expected a string",
    );
    check(
        b"{\"headline\":\"A\",\n\"summary\":\"tr",
        "line 2 column 13: summary: it ends too early (EOF while parsing a string): send the whole of it",
    );
    check(
        br#"{"headline":"\ud800"}"#,
        "line 1 column 20: headline: a \\u escape is no character (unexpected end of hex escape): write both halves of its pair, or the character",
    );
    check(
        br#"{"headline":"\ude00 a"}"#,
        "line 1 column 19: headline: a \\u escape is no character (lone leading surrogate in hex escape): write \
         both halves of its pair, or the character",
    );
    check(br#"{"headline":"A"} {"#, "line 1 column 18: .: trailing characters");
    check(
        br#"{"headline":"A","desk":"a.b"}"#,
        "line 1 column 29: desk: desk \"a.b\" is not legal: 1 to 64 characters out of A-Z a-z 0-9 - _",
    );
}

#[test]
fn json_values_that_may_not_be_kept_are_named() {
    check(br#"{"headline":"A","urgency":10}"#, "urgency: is not an urgency: 1 (most urgent) to 9");
    check(
        br#"{"headline":"A","links":["/a"]}"#,
        "links[0]: is not a link: an http or https address, then a space and a title if it has one",
    );
    check(
        br#"{"headline":"A","blocks":[{"text":"a"},{"text":"bcd","marks":[{"start":1,"end":4,"kind":"em"}]}]}"#,
        "blocks[1].marks[0]: ends at byte 4, behind the text's 3 bytes",
    );
    check(
        br#"{"headline":"A","blocks":[{"text":"a","html":"b"}]}"#,
        "blocks[0]: has text and html: give one of them",
    );
    check(
        br#"{"headline":"A","occurred":"yesterday"}"#,
        "occurred: is not a time: write it as RFC 3339, such as 2026-11-22T18:04:00+01:00",
    );
}

#[test]
fn what_is_not_a_story_is_named() {
    check(
        br#"{"uri":"urn:a","type":"picture","headlines":[{"value":"A"}]}"#,
        "it is a ninjs item of type picture: send an item of type text or composite",
    );
    check(
        br#"{"uri":"urn:a","type":"text","title":"A"}"#,
        "it is a ninjs item without a headline or a body: send an item with headlines or bodies",
    );
    check(
        b" <?xml version=\"1.0\"?><rss/>",
        "it is XML or a web page: send NewsML-G2, ninjs, JSON, Markdown or plain text",
    );
    check(br#"[{"headline":"A"}]"#, "it is a JSON list: send one story at a time, as an object");
    check(
        br#"{"seq":1,"headline":"A","body":[],"source":"x"}"#,
        "it is a history, one state a line: import it instead of pushing it",
    );
}

#[test]
fn a_submission_at_the_limit_is_read_and_one_byte_more_is_refused() {
    let limit = writethru_formats::limits::INTAKE_BYTES_MAX;
    let mut given = b"Talks".to_vec();
    given.resize(limit, b' ');
    assert!(read(&given, None).is_ok());
    given.push(b' ');
    let said = format!("it has {} bytes; the limit is {limit}: send less at once", limit + 1);
    check(&given, &said);
}

#[test]
fn html_that_nests_too_deep_is_refused_at_once() {
    let limit = writethru_formats::limits::HTML_DEPTH_MAX;
    let html = |depth: usize| {
        let html = format!("{}a{}", "<div>".repeat(depth), "</div>".repeat(depth));
        format!(r#"{{"headline":"A","blocks":[{{"html":"{html}"}}]}}"#)
    };
    assert!(read(html(limit).as_bytes(), None).is_ok());
    let said = format!("blocks[0].html: nests elements more than {limit} deep: send paragraphs");
    check(html(limit + 1).as_bytes(), &said);
    check(html(90_000).as_bytes(), &said);
}

#[test]
fn html_has_one_limit_for_all_of_a_submission() {
    let limit = writethru_formats::limits::HTML_BYTES_MAX;
    let blocks = |bytes: usize| {
        let html = format!("<p>a</p>{}", " ".repeat(bytes - 8));
        let [one, two] = [&html[..limit / 2], &html[limit / 2..]];
        serde_json::json!({ "headline": "A", "blocks": [{ "html": one }, { "html": two }] }).to_string()
    };
    assert!(read(blocks(limit).as_bytes(), None).is_ok());
    let actual = limit + 1;
    let said = format!("blocks[1].html: {actual} bytes of HTML are given; the limit is {limit}: send text");
    check(blocks(limit + 1).as_bytes(), &said);
}

#[test]
fn a_history_names_the_line() {
    let mut history = History::new();
    let line = br#"{"seq":1,"at":null,"headline":"A","body":["b"],"source":"s","extra":1}"#;
    let state = history.read(line).expect("it is legal").expect("it is no blank line");
    assert_eq!((state.sequence, state.intake.occurred), (1, None));
    assert_eq!(history.read(b"  "), Ok(None));
    let said = |refused: IntakeError| refused.to_string();
    assert_eq!(
        history.read(line).map_err(said),
        Err("line 3: seq: is 1 after 1: number the states from 1 without gaps".to_owned())
    );
    assert_eq!(
        history.read(br#"{"seq":2,"headline":"A","body":["b"]}"#).map_err(said),
        Err("line 4: line 1 column 37: .: missing field `source`".to_owned())
    );
    assert_eq!(
        history.read(br#"{"seq":2,"headline":"A","body":["b",null],"source":"s"}"#).map_err(said),
        Err("line 5: line 1 column 40: body[1]: invalid type: null, expected a string".to_owned())
    );
}

#[test]
fn a_list_is_never_read_as_an_object() {
    check(
        br#"{"headline":"A","blocks":[["b1","paragraph","One."]]}"#,
        "line 1 column 26: blocks[0]: invalid type: sequence, expected an object",
    );
    check(
        br#"{"headline":"A","blocks":[{"text":"One.","marks":[[0,1,"em"]]}]}"#,
        "line 1 column 50: blocks[0].marks[0]: invalid type: sequence, expected an object",
    );
    let refused = read(br#"["A"]"#, Some(Format::Json)).expect_err("it is refused").to_string();
    assert_eq!(refused, "line 1 column 0: .: invalid type: sequence, expected an object");
    check(
        br#"{"uri":"urn:a","headlines":[["main","text/plain",1,1,"A"]]}"#,
        "line 1 column 28: headlines[0]: invalid type: sequence, expected an object",
    );
}

#[test]
fn ninjs_that_its_standard_forbids_is_refused_by_property() {
    check(
        br#"{"headlines":[{"value":"A"}]}"#,
        "uri: is missing: an item is known by it, through all its versions",
    );
    check(
        br#"{"uri":"  ","headlines":[{"value":"A"}]}"#,
        "uri: is empty: an item is known by it, through all its versions",
    );
    check(
        br#"{"uri":"urn:a","standard":{"name":"ninjs","version":"3.0"},"headlines":[{"value":"A"}],"embargoed":"2026-11-23T06:00:00Z"}"#,
        "embargoed: is no property of ninjs 3: take it out",
    );
    check(
        br#"{"uri":"urn:a","standard":{"version":"3.0"},"version":2,"headlines":[{"value":"A"}]}"#,
        "version: is not a string: write \"2\", not 2",
    );
    check(
        br#"{"uri":"urn:a","pubStatus":"cancelled","headlines":[{"value":"A"}]}"#,
        "pubStatus: is none of usable, withheld, canceled: say which it is",
    );
    check(
        br#"{"uri":"urn:a","headlines":[{"value":"A","text":"B"}]}"#,
        "line 1 column 47: headlines[0].text: unknown field `text`, expected one of `role`, `contentType`, \
         `contenttype`, `charCount`, `charcount`, `wordCount`, `wordcount`, `value`",
    );
    let extended = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/wire/not-valid-008_extension.json"
    ));
    check(&extended.expect("it is there"), "embargoedreason: is no property of ninjs 2 or 3: take it out");
}

/// A news item with `meta` in its `itemMeta`.
fn item(meta: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<newsItem guid=\"urn:a\">\n<itemMeta>{meta}</itemMeta>\n\
         <contentMeta><headline>A</headline></contentMeta></newsItem>"
    )
}

#[test]
fn newsml_g2_that_is_no_item_of_text_is_refused_with_the_next_step() {
    let next = "send the newsItem of the story, alone or alone in its newsMessage";
    check(b"<packageItem guid=\"urn:a\"/>", &format!("it is a NewsML-G2 packageItem: {next}"));
    let message = |items: &str| format!("<newsMessage><header/><itemSet>{items}</itemSet></newsMessage>");
    for (items, what) in [
        ("", "message without an item"),
        ("<conceptItem/>", "message with a conceptItem"),
        ("<newsItem/><newsItem/>", "message of 2 items"),
        ("<packageItem/><newsItem/>", "message of 2 items"),
    ] {
        check(message(items).as_bytes(), &format!("it is a NewsML-G2 {what}: {next}"));
    }
    check(
        item("<itemClass qcode=\"ninat:video\"/>").as_bytes(),
        "it is a NewsML-G2 item of class video: send an item of class ninat:text or ninat:composite",
    );
    let refused = read(b"<rss/>", Some(Format::NewsmlG2)).expect_err("it is refused").to_string();
    assert_eq!(refused, format!("it is XML whose root is rss, not NewsML-G2: {next}"));
}

#[test]
fn newsml_g2_errors_name_the_line_and_the_element() {
    check(
        b"<newsItem><itemMeta/></newsItem>",
        "line 1: newsItem/@guid: is missing: an item is known by it, through all its versions",
    );
    check(
        b"<newsItem guid=\"urn:a\"></newsItem>",
        "line 1: newsItem/itemMeta: is missing: it says what the item is and whether it may be used",
    );
    check(
        item("\n<pubStatus qcode=\"stat:cancelled\"/>").as_bytes(),
        "line 4: newsItem/itemMeta/pubStatus/@qcode: is none of stat:usable, stat:withheld, stat:canceled: \
         say which it is",
    );
    check(
        item("\n\n<embargoed/>").as_bytes(),
        "line 5: newsItem/itemMeta/embargoed: is not a time: write it as RFC 3339, such as \
         2026-11-22T18:04:00+01:00",
    );
    check(
        item("&company;").as_bytes(),
        "line 3: newsItem/itemMeta: names the entity &company;, which XML has not: write the character",
    );
    check(
        b"<?xml version=\"1.0\"?><!DOCTYPE newsItem [<!ENTITY a \"b\">]><newsItem/>",
        "line 1: .: has a document type, which is not read: send it without <!DOCTYPE>",
    );
    check(
        b"<newsItem guid=\"urn:a\">\n<itemMeta>",
        "line 2: newsItem/itemMeta: ends too early: send the whole of it",
    );
    check(b"<newsItem/><newsItem/>", "line 1: .: has a second root element: send one item at a time");
    check(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<newsItem guid=\"\u{fc}\"/>".as_bytes(),
        "line 1: .: says it is in ISO-8859-1: send it as UTF-8",
    );
    let refused = read(item("</p>").as_bytes(), None).expect_err("it is refused").to_string();
    assert!(refused.starts_with("line 3: newsItem/itemMeta: is not well-formed XML ("), "{refused}");
}

#[test]
fn xml_is_refused_where_it_nests_too_deep_or_has_too_many_parts() {
    use writethru_formats::limits::{XML_DEPTH_MAX, XML_PARTS_MAX};
    let deep = item(&"<a>".repeat(100_000));
    check(
        deep.as_bytes(),
        &format!(
            "line 3: newsItem/itemMeta/a/a/a/a/a/a: nests elements more than {XML_DEPTH_MAX} deep: send paragraphs"
        ),
    );
    let said = format!(
        "line 3: newsItem/itemMeta: has more than {XML_PARTS_MAX} elements and attributes: send one story at a time"
    );
    check(item(&"<a/>".repeat(XML_PARTS_MAX)).as_bytes(), &said);
    let attributes: Vec<String> = (0..XML_PARTS_MAX).map(|number| format!(" a{number}=''")).collect();
    check(item(&format!("<a{}/>", attributes.concat())).as_bytes(), &said);
}
