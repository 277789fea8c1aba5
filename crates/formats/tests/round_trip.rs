//! What is written is legal by its standard's own schema, and says the same when it is read.

mod editions;

use editions::{article, edition, rich, said, sayable, time, view, wire_files, written_and_read};
use proptest::prelude::*;
use story::{BlockKind, Copy, CopyBuilder, Field, GivenBlock, Kind, Mark, MarkKind, Revision, Status};
use writethru_formats::publication::{Edition, OutFormat, PublicCorrection};
use writethru_formats::{Intake, Source, read};

const STANDARDS: [OutFormat; 2] = [OutFormat::Ninjs, OutFormat::NewsmlG2];

#[track_caller]
fn check(copy: &Copy, kind: Kind) {
    let view = view(&article(copy), kind, Status::Usable);
    for out in STANDARDS {
        let read = written_and_read(&edition(&view), out);
        assert_eq!(said(&read.copy), sayable(copy), "{out:?}: {}", out.write(&edition(&view)));
        assert_eq!(read.kind, Some(kind), "{out:?}");
    }
}

#[test]
fn every_item_of_the_wire_that_is_a_story_comes_back_as_it_was() {
    let mut stories = 0;
    for (name, item) in wire_files() {
        let Ok(intake) = read(&item, None) else { continue };
        stories += 1;
        assert!(intake.source.is_some(), "{name}");
        check(&intake.copy, intake.kind.unwrap_or(Kind::Update));
    }
    assert!(stories >= 9, "{stories} stories");
}

#[test]
fn every_field_and_every_kind_of_block_comes_back() {
    check(&rich(), Kind::Update);
}

#[test]
fn every_kind_of_a_usable_story_comes_back() {
    for kind in Kind::ALL.iter().filter(|kind| !matches!(kind, Kind::Kill | Kind::Withhold)) {
        check(&rich(), *kind);
    }
}

#[test]
fn a_story_that_must_not_be_used_is_never_an_update() {
    for (status, kind, then) in [
        (Status::Killed, Kind::Kill, Kind::Kill),
        (Status::Killed, Kind::Advisory, Kind::Kill),
        (Status::Takendown, Kind::Takedown, Kind::Takedown),
        (Status::Withheld, Kind::Withhold, Kind::Withhold),
        (Status::Withheld, Kind::Update, Kind::Withhold),
        (Status::Draft, Kind::Update, Kind::Withhold),
    ] {
        for copy in [rich(), Copy::default()] {
            let view = view(&article(&copy), kind, status);
            for out in STANDARDS {
                let read = written_and_read(&edition(&view), out);
                assert_eq!(read.kind, Some(then), "{out:?} {status}");
                assert_eq!(said(&read.copy), sayable(&copy));
            }
        }
    }
}

#[test]
fn an_embargo_that_may_be_known_is_said_and_one_that_may_not_withholds() {
    let view = view(&article(&rich()), Kind::Update, Status::Embargoed);
    let until = time("2026-11-23T06:00:00Z");
    for out in STANDARDS {
        let known = Edition { embargoed_until: Some(until), ..edition(&view) };
        let read = written_and_read(&known, out);
        assert_eq!(
            (read.kind, read.embargoed.as_deref()),
            (Some(Kind::Update), Some("2026-11-23T06:00:00Z"))
        );
        let read = written_and_read(&edition(&view), out);
        assert_eq!((read.kind, read.embargoed), (Some(Kind::Withhold), None));
    }
}

#[test]
fn a_correction_says_what_was_wrong_and_comes_back_as_one() {
    let view = view(&article(&rich()), Kind::Correction, Status::Usable);
    let corrections = [PublicCorrection {
        revision: Revision(7),
        kind: Kind::Correction,
        published: time("2026-11-22T18:04:00Z"),
        note: "Four were hurt, not five.".to_owned(),
        what: "the number of the hurt".to_owned(),
        place: "third paragraph".to_owned(),
    }];
    let corrected = Edition { corrections: &corrections, note: &corrections[0].note, ..edition(&view) };
    for out in STANDARDS {
        let written = out.write(&corrected);
        let begins = "CORRECTION: Four were hurt, not five.";
        for words in [begins, "WAS WRONG: the number of the hurt", "WHERE: third paragraph"] {
            assert!(written.contains(words), "{words} is not in {written}");
        }
        let read = written_and_read(&corrected, out);
        assert_eq!(read.kind, Some(Kind::Correction));
        assert_eq!(read.note.as_str(), "Four were hurt, not five.");
        assert_eq!(said(&read.copy), sayable(&rich()));
    }
}

#[test]
fn the_item_at_the_source_is_named() {
    let view = view(&article(&rich()), Kind::Update, Status::Usable);
    let source = Source { id: "urn:wire:\"1\" & 2".to_owned(), version: Some(3), created: None };
    let derived = Edition { source: Some(&source), ..edition(&view) };
    for (out, named) in [
        (OutFormat::Ninjs, r#"{"role":"source","value":"urn:wire:\"1\" & 2"}"#),
        (
            OutFormat::NewsmlG2,
            r#"<link rel="irel:derivedFrom" residref="urn:wire:&quot;1&quot; &amp; 2" version="3"/>"#,
        ),
    ] {
        let written = out.write(&derived);
        assert!(written.contains(named), "{written}");
        written_and_read(&derived, out);
    }
}

fn words() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "\\PC{0,8}",
        any::<char>().prop_map(String::from),
        proptest::sample::select(vec![
            "]]>",
            "</script>",
            "<!--",
            "-->",
            "<![CDATA[",
            "&amp;",
            "&",
            "<p>",
            "</p>",
            "<",
            "\"",
            "'",
            "\u{FFFE}",
            "\u{FFFF}",
            "\u{301}",
            "\u{FEFF}",
            "\u{2028}",
            " ",
            "\n",
            "a word ",
            "EDITORS: ",
            "KILL: ",
            ", ",
            "\\u003c",
            "</body>",
            "<?xml?>",
            "\u{202E}",
            "\u{1F3F3}\u{FE0F}\u{200D}\u{1F308}",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(part, 1..8)
        .prop_map(|parts| parts.concat().chars().filter(|c| *c == '\n' || !c.is_control()).collect())
}

type GivenMark = (MarkKind, prop::sample::Index, prop::sample::Index);

fn block() -> impl Strategy<Value = (BlockKind, String, Vec<GivenMark>)> {
    let kind = proptest::sample::select(BlockKind::ALL.to_vec());
    let mark = proptest::sample::select(vec![
        MarkKind::Em,
        MarkKind::Strong,
        MarkKind::Code,
        MarkKind::Sub,
        MarkKind::Sup,
        MarkKind::A,
    ]);
    let marks = (mark, any::<prop::sample::Index>(), any::<prop::sample::Index>());
    (kind, words(), proptest::collection::vec(marks, 0..5))
}

fn copy() -> impl Strategy<Value = Copy> {
    let lists = (proptest::collection::vec(words(), 0..3), proptest::collection::vec(words(), 0..3));
    let fields = (words(), words(), words(), words());
    let tokens = ("[A-Za-z0-9_-]{1,12}", "[a-z]{2}(-[A-Z]{2})?", 0..10_u8, words());
    (fields, lists, tokens, proptest::collection::vec(block(), 0..6)).prop_map(
        |(
            (headline, summary, dateline, ed_note),
            (bylines, tags),
            (slug, language, urgency, title),
            blocks,
        )| {
            let mut copy = CopyBuilder::new();
            let urgency = if urgency == 0 { String::new() } else { urgency.to_string() };
            for (field, text) in [
                (Field::Headline, &headline),
                (Field::Summary, &summary),
                (Field::Dateline, &dateline),
                (Field::EdNote, &ed_note),
                (Field::Slug, &slug),
                (Field::Language, &language),
                (Field::Urgency, &urgency),
            ] {
                copy.field(field, text).expect("it is legal");
            }
            let link = format!("https://a.example/?a=1&b=2 {title}");
            for (field, items) in
                [(Field::Bylines, &bylines), (Field::Tags, &tags), (Field::Links, &vec![link])]
            {
                copy.list(field, items.iter().map(String::as_str)).expect("it is legal");
            }
            for (kind, text, marks) in &blocks {
                let marks = marks_of(text, marks);
                copy.block(GivenBlock { id: None, kind: *kind, text, marks: &marks }).expect("it is legal");
            }
            copy.finish().0
        },
    )
}

/// Returns the marks on character boundaries of `text`, with one link at most: HTML has no two
/// in one place.
fn marks_of(text: &str, given: &[GivenMark]) -> Vec<Mark> {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut marks: Vec<Mark> = Vec::new();
    for (kind, one, other) in given {
        let (one, other) = (places[one.index(places.len())], places[other.index(places.len())]);
        let [start, end] = [one.min(other), one.max(other)].map(|at| u32::try_from(at).expect("it is small"));
        let is_link = |mark: &Mark| mark.kind == MarkKind::A;
        if start < end && !(*kind == MarkKind::A && marks.iter().any(is_link)) {
            let href = (*kind == MarkKind::A).then(|| "https://a.example/?q='<'&b".replace('<', "%3C"));
            marks.push(Mark { start, end, kind: *kind, href });
        }
    }
    marks
}

fn any_kind() -> impl Strategy<Value = Kind> {
    proptest::sample::select(Kind::ALL.to_vec())
}

proptest! {
    #[test]
    fn any_article_survives_every_standard(copy in copy(), kind in any_kind(), note in words()) {
        let note = story::normalise(&note).0;
        let view = view(&article(&copy), kind, Status::Usable);
        let given = Edition { note: &note, ..edition(&view) };
        for out in STANDARDS {
            if !has_story(&copy) {
                continue; // Nothing to file.
            }
            let read = written_and_read(&given, out);
            prop_assert_eq!(said(&read.copy), sayable(&copy), "{:?}: {}", out, out.write(&given));
            prop_assert_eq!(read.kind, Some(kind));
            prop_assert_eq!(read.note.as_str(), note.replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}"));
        }
    }
}

fn has_story(copy: &Copy) -> bool {
    !copy.fields.get(Field::Headline).is_empty()
        || copy.blocks.as_ref().is_some_and(|blocks| !blocks.is_empty())
}

#[test]
fn what_other_systems_mark_is_not_read_as_ours() {
    let given = r#"{"uri":"urn:a","edNote":"CORRECTION: so it says","headlines":[{"value":"A"}]}"#;
    let read: Intake = read(given.as_bytes(), None).expect("it is legal");
    assert_eq!((read.kind, read.note.as_str()), (None, ""));
    assert_eq!(read.copy.fields.get(Field::EdNote).as_str(), "CORRECTION: so it says");
}
