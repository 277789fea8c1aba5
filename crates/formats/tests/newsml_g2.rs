//! What a NewsML-G2 item says, as copy.

mod editions;

use editions::fixtures;
use story::{BlockKind, Field, Kind};
use writethru_formats::{Format, Intake, read};

#[track_caller]
fn taken(given: &str) -> Intake {
    read(given.as_bytes(), None).unwrap_or_else(|refused| panic!("{refused}"))
}

fn listing(name: &str) -> String {
    std::fs::read_to_string(fixtures().join("wire").join(name)).expect("it can be read")
}

fn item(meta: &str, content: &str) -> String {
    format!(
        "<newsItem xmlns=\"http://iptc.org/std/nar/2006-10-01/\" guid=\"urn:a\" version=\"3\">\
         <itemMeta><itemClass qcode=\"ninat:text\"/>{meta}</itemMeta>{content}</newsItem>"
    )
}

#[test]
fn iptcs_own_listing_is_read() {
    let intake = taken(&listing("LISTING_1_A_NewsML-G2_News_Item.xml"));
    assert_eq!(intake.format, Format::NewsmlG2);
    let fields = &intake.copy.fields;
    for (field, text) in [
        (Field::Slug, "US-Finance-Fed"),
        (Field::Headline, "Fed to halt QE to avert \"bubble\""),
        (Field::Bylines, "Meredith Jameson"),
        (Field::Dateline, "Berlin"),
        (Field::Language, "en-GB"),
    ] {
        assert_eq!(fields.get(field).as_str(), text, "{field}");
    }
    let tags: Vec<_> = fields.get(Field::Tags).shown_values().collect();
    assert_eq!(tags, ["economy, business and finance", "labour market"]);
    let link = fields.get(Field::Links).as_str();
    assert_eq!(link, "http://www.example.com/video/20081222-PNN-1517-407624/index.html");
    assert!(fields.get(Field::EdNote).as_str().starts_with("Note to editors: STRICTLY EMBARGOED."));
    assert_eq!((intake.kind, intake.embargoed.as_deref()), (None, Some("2018-10-23T12:00:00Z")));
    let source = intake.source.expect("it has a guid");
    assert_eq!(
        (source.id.as_str(), source.version),
        ("urn:newsml:acmenews.com:20161018:US-FINANCE-FED", Some(11))
    );
    assert_eq!(source.created, "2018-10-21T21:25:32Z".parse().ok());
}

#[test]
fn the_content_of_nitf_is_the_body_and_its_head_is_not() {
    let intake = taken(&listing("LISTING_2_NewsML-G2_Text_Document.xml"));
    let blocks = intake.copy.blocks.expect("it has a body");
    assert_eq!(blocks.len(), 2);
    assert!(blocks[0].text.as_str().starts_with("(New York, NY - October 21) Et, sent luptat"));
}

#[test]
fn listings_that_are_no_story_are_refused() {
    for (name, said) in [
        ("LISTING_6_Simple_NewsML-G2_Package.xml", "it is a NewsML-G2 packageItem"),
        ("LISTING_29_Hop_History.xml", "it is a NewsML-G2 item without a headline or a body"),
        ("ap_metadata_example.xml", "it is a NewsML-G2 item of class video"),
    ] {
        let refused = read(listing(name).as_bytes(), None).expect_err("it is refused").to_string();
        assert!(refused.starts_with(said), "{name}: {refused}");
    }
}

#[test]
fn a_body_may_be_xhtml_html_or_plain_text() {
    let set = |content: &str| item("", &format!("<contentSet>{content}</contentSet>"));
    let xhtml = "<html xmlns=\"http://www.w3.org/1999/xhtml\"><head><title>no</title></head><body>\
                 <p>a<br/>b</p><script>no</script><h2>c</h2></body></html>";
    for (content, then) in [
        (format!("<inlineXML contenttype=\"application/xhtml+xml\">{xhtml}</inlineXML>"), "a b|c"),
        (
            format!("<inlineXML><x:div xmlns:x=\"{}\"><x:p>a</x:p><x:p>b</x:p></x:div></inlineXML>", "urn:x"),
            "a|b",
        ),
        (
            "<inlineData contenttype=\"text/html\"><![CDATA[<p>a</p><p>b&amp;c</p>]]></inlineData>"
                .to_owned(),
            "a|b&c",
        ),
        ("<inlineData contenttype=\"text/plain\">a\n\nb &lt;p></inlineData>".to_owned(), "a|b <p>"),
        ("<inlineXML/><inlineData>a</inlineData>".to_owned(), "a"),
    ] {
        let blocks = taken(&set(&content)).copy.blocks.expect("it has a body");
        let texts: Vec<_> = blocks.iter().map(|block| block.text.as_str()).collect();
        assert_eq!(texts.join("|"), then, "{content}");
        assert!(blocks.iter().all(|block| block.kind != BlockKind::Entry));
    }
}

#[test]
fn status_and_signal_say_the_kind() {
    let content = "<contentMeta><headline>A</headline></contentMeta>";
    for (meta, kind, note) in [
        ("", None, ""),
        ("<pubStatus qcode=\"stat:usable\"/>", None, ""),
        ("<pubStatus qcode=\"stat:withheld\"/>", Some(Kind::Withhold), ""),
        ("<pubStatus uri=\"http://cv.iptc.org/newscodes/pubstatusg2/canceled\"/>", Some(Kind::Kill), ""),
        (
            "<edNote>It was four.</edNote><signal qcode=\"sig:correction\"/>",
            Some(Kind::Correction),
            "It was four.",
        ),
        ("<pubStatus qcode=\"stat:canceled\"/><signal qcode=\"sig:correction\"/>", Some(Kind::Kill), ""),
        ("<edNote>It was four.</edNote><signal qcode=\"sig:update\"/>", None, ""),
    ] {
        let intake = taken(&item(meta, content));
        assert_eq!((intake.kind, intake.note.as_str()), (kind, note), "{meta}");
    }
}

#[test]
fn a_message_with_one_item_is_that_item_and_one_that_only_kills_is_legal() {
    let killed = item("<pubStatus qcode=\"stat:canceled\"/>", "");
    let message = format!("<newsMessage><header><sent/></header><itemSet>{killed}</itemSet></newsMessage>");
    for given in [killed, message] {
        let intake = taken(&given);
        assert_eq!((intake.kind, intake.copy.blocks), (Some(Kind::Kill), None));
        assert_eq!(intake.source.expect("it has a guid").version, Some(3));
    }
    let ninjs = taken(r#"{"uri":"urn:a","version":"4","pubStatus":"withheld"}"#);
    assert_eq!((ninjs.kind, ninjs.copy.given), (Some(Kind::Withhold), vec![]));
    assert_eq!(ninjs.source.expect("it has a uri").version, Some(4));
}
