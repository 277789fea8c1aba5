//! How an article looks in each format.

mod editions;

use editions::{ORIGIN, article, check_ninjs, edition, rich, time, view};
use proptest::prelude::*;
use serde_json::{Value, json};
use story::{BlockId, Copy, Kind, Revision, Status};
use wire::ArticleView;
use writethru_formats::publication::{Edition, EntryTimes, OutFormat, PublicCorrection};
use writethru_formats::{IntakeError, read};

fn plain(status: Status) -> ArticleView {
    let given = "Talks resume\n\nThey met.\n\nThey left.";
    let copy = read(given.as_bytes(), None).expect("it is legal").copy;
    view(&article(&copy), Kind::Update, status)
}

fn correction() -> PublicCorrection {
    PublicCorrection {
        revision: Revision(3),
        kind: Kind::Correction,
        published: time("2026-11-22T17:30:00Z"),
        note: "Four </script> met, not five.".to_owned(),
        what: "the number".to_owned(),
        place: String::new(),
    }
}

fn json_of(written: &str) -> Value {
    serde_json::from_str(written).expect("it is JSON")
}

#[test]
fn every_format_has_a_name_and_a_media_type() {
    for (name, media_type) in [
        ("json", "application/json"),
        ("text", "text/plain; charset=utf-8"),
        ("ninjs", "application/vnd.iptc.ninjs+json"),
        ("newsml-g2", "application/vnd.iptc.g2.newsitem+xml"),
        ("jsonld", "application/ld+json"),
    ] {
        let format: OutFormat = name.parse().expect("it is one");
        assert_eq!((format.as_str(), format.media_type()), (name, media_type));
    }
    let refused = "nitf".parse::<OutFormat>().expect_err("it is none").to_string();
    assert_eq!(refused, "format \"nitf\" is not legal: one of json text ninjs newsml-g2 jsonld");
}

#[test]
fn the_services_own_json_is_the_article() {
    let view = plain(Status::Usable);
    let written = OutFormat::Json.write(&edition(&view));
    assert_eq!(serde_json::from_str::<ArticleView>(&written).expect("it is one"), view);
}

#[test]
fn text_begins_with_what_must_be_known_first() {
    let view = plain(Status::Usable);
    let corrections = [correction()];
    let corrected = Edition { corrections: &corrections, ..edition(&view) };
    assert_eq!(
        OutFormat::Text.write(&corrected),
        "CORRECTION (2026-11-22 17:30 UTC): Four </script> met, not five.\n\nTalks resume\n\nThey met.\n\nThey left.\n"
    );
    let killed = plain(Status::Killed);
    assert!(OutFormat::Text.write(&edition(&killed)).starts_with("KILLED: do not use any version.\n\nTalks"));
    let held = plain(Status::Embargoed);
    let until = Edition { embargoed_until: Some(time("2026-11-23T06:00:00Z")), ..edition(&held) };
    assert!(OutFormat::Text.write(&until).starts_with("EMBARGOED until 2026-11-23 06:00 UTC.\n\nTalks"));
}

#[test]
fn text_shows_each_kind_of_block() {
    let view = view(&article(&rich()), Kind::Update, Status::Usable);
    let text = OutFormat::Text.write(&edition(&view));
    let shown = "By A. Writer, B. Writer, Cairo\nCAIRO, 19 Nov\n\nOne & two ]]> three <p>.\n\nMore\n\n> It is so\n\n\
                 - first\n- second\n\n[Seen from above]\n\n18:04: they met\n\nThen\n";
    assert!(text.ends_with(shown), "{text}");
}

#[test]
fn an_article_is_a_news_article_with_its_corrections() {
    let view = plain(Status::Usable);
    let corrections = [correction()];
    let written = OutFormat::Jsonld.write(&Edition { corrections: &corrections, ..edition(&view) });
    assert!(!written.contains(['<', '>', '&']), "{written}");
    assert_eq!(
        json_of(&written),
        json!({
            "@context": "https://schema.org", "@type": "NewsArticle",
            "@id": ORIGIN.address(view.story), "url": ORIGIN.page(view.story), "version": "7",
            "headline": "Talks resume", "articleBody": "They met.\n\nThey left.",
            "datePublished": "2026-11-22T17:01:00Z", "dateModified": "2026-11-22T18:01:00Z",
            "author": { "@type": "NewsMediaOrganization", "name": "Example & Sons <News>", "url": "https://news.example/" },
            "publisher": { "@type": "NewsMediaOrganization", "name": "Example & Sons <News>", "url": "https://news.example/" },
            "correction": [{ "@type": "CorrectionComment",
                             "text": "Four </script> met, not five.\nWas wrong: the number",
                             "datePublished": "2026-11-22T17:30:00Z" }],
        })
    );
}

#[test]
fn a_body_with_entries_is_a_live_blog() {
    let view = view(&article(&rich()), Kind::Update, Status::Usable);
    let block: BlockId = "b7".parse().expect("it is one");
    let (published, modified) = (time("2026-11-22T18:04:00Z"), time("2026-11-22T18:09:00Z"));
    let entries = [EntryTimes { block, published, modified, significant: published }];
    let given = Edition { entries: &entries, ..edition(&view) };
    let blog = json_of(&OutFormat::Jsonld.write(&given));
    assert_eq!(
        (&blog["@type"], &blog["coverageStartTime"]),
        (&json!("LiveBlogPosting"), &json!("2026-11-22T17:00:00Z"))
    );
    assert_eq!(
        blog["liveBlogUpdate"],
        json!([{ "@type": "BlogPosting", "@id": format!("{}#b7", ORIGIN.address(view.story)),
                 "headline": "18:04: they met", "articleBody": "18:04: they met",
                 "datePublished": "2026-11-22T18:04:00Z", "dateModified": "2026-11-22T18:09:00Z" }])
    );
    let body = blog["articleBody"].as_str().expect("it has one");
    assert!(body.ends_with("Seen from above\n\nThen"), "{body}");
    for out in [OutFormat::Ninjs, OutFormat::NewsmlG2] {
        let written = out.write(&given).replace('\\', "");
        assert!(
            written.contains("<time datetime=\"2026-11-22T18:04:00Z\"></time><p>18:04: they met</p>"),
            "{written}"
        );
    }
}

#[test]
fn a_correction_is_signalled_as_one() {
    for (kind, signal) in
        [(Kind::Correction, "sig:correction"), (Kind::Update, "sig:update"), (Kind::Alert, "sig:update")]
    {
        let view = view(&article(&rich()), kind, Status::Usable);
        let written = OutFormat::NewsmlG2.write(&edition(&view));
        assert!(written.contains(&format!("<signal qcode=\"{signal}\"/>")), "{written}");
    }
}

/// Returns a view that holds `words` wherever it may hold words, as one from elsewhere might.
fn spoilt(words: &str) -> ArticleView {
    let mut view = view(&article(&rich()), Kind::Update, Status::Usable);
    for text in [&mut view.headline, &mut view.slug] {
        words.clone_into(text);
    }
    for text in [&mut view.summary, &mut view.dateline, &mut view.language, &mut view.ed_note] {
        *text = Some(words.to_owned());
    }
    for list in [&mut view.bylines, &mut view.tags] {
        *list = vec![words.to_owned()];
    }
    view.links = vec![format!("https://a.example/{words} {words}"), words.to_owned()];
    for block in &mut view.blocks {
        words.clone_into(&mut block.text);
    }
    view
}

#[track_caller]
fn check_legal(words: &str) {
    let view = spoilt(words);
    let given = Edition { note: words, ..edition(&view) };
    check_ninjs(&OutFormat::Ninjs.write(&given));
    json_of(&OutFormat::Jsonld.write(&given));
    let written = OutFormat::NewsmlG2.write(&given);
    let read = read(written.as_bytes(), None);
    assert!(!matches!(read, Err(IntakeError::Xml { .. })), "{read:?}: {written}");
    let is_legal = |c: char| c == '\n' || !(c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'));
    assert!(written.chars().all(is_legal), "{written:?}");
    assert!(OutFormat::Text.write(&given).chars().all(is_legal), "no control reaches a terminal");
}

#[test]
fn what_xml_forbids_makes_no_standard_illegal() {
    for words in [
        "\0",
        "a\u{1b}[31mb",
        "\u{85}\u{7f}",
        "\u{FFFE}\u{FFFF}",
        "]]>",
        "</script>",
        "\r\n\t",
        "&#0;",
        "<a\0>",
    ] {
        check_legal(words);
    }
}

proptest! {
    #[test]
    fn no_words_make_a_standard_illegal(words in any::<String>()) {
        check_legal(&words);
    }
}

#[test]
fn an_article_without_a_word_is_legal_in_every_standard() {
    for status in Status::ALL {
        let view = view(&article(&Copy::default()), Kind::Kill, *status);
        check_ninjs(&OutFormat::Ninjs.write(&edition(&view)));
        json_of(&OutFormat::Jsonld.write(&edition(&view)));
    }
}
