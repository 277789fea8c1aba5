//! Copy from outside: limits on both sides, marks that follow their words, forms of fields.

use writethru_story::limits::{
    ARTICLE_TEXT_BYTES_MAX, BLOCK_ID_BYTES_MAX, BLOCK_TEXT_BYTES_MAX, BLOCKS_MAX, FIELD_TEXT_BYTES_MAX,
    LINK_BYTES_MAX, LIST_ITEMS_MAX, MARKS_MAX,
};
use writethru_story::{BlockKind, CopyBuilder, CopyError, Field, GivenBlock, Mark, MarkKind, note_text};

fn plain(text: &str) -> GivenBlock<'_> {
    GivenBlock::plain(BlockKind::Paragraph, text)
}

fn em(start: u32, end: u32) -> Mark {
    Mark { start, end, kind: MarkKind::Em, href: None }
}

/// Checks that `limit` is accepted and the next number refused with `said`.
#[track_caller]
fn check(limit: usize, said: &str, file: impl Fn(usize) -> Result<(), CopyError>) {
    assert_eq!(file(limit), Ok(()), "at the limit");
    assert_eq!(file(limit + 1).expect_err("over the limit").to_string(), said);
}

#[test]
fn each_limit_is_accepted_and_one_more_is_refused_by_name() {
    check(BLOCK_TEXT_BYTES_MAX, "blocks[0].text: 262145 bytes are given; the limit is 262144", |bytes| {
        CopyBuilder::new().block(plain(&"a".repeat(bytes)))
    });
    check(BLOCKS_MAX, "blocks: 10001 blocks are given; the limit is 10000", |blocks| {
        let mut copy = CopyBuilder::new();
        (0..blocks).try_for_each(|_| copy.block(plain("a")))
    });
    check(FIELD_TEXT_BYTES_MAX, "headline: 16385 bytes are given; the limit is 16384", |bytes| {
        CopyBuilder::new().field(Field::Headline, &"a".repeat(bytes))
    });
    check(FIELD_TEXT_BYTES_MAX, "note: 16385 bytes are given; the limit is 16384", |bytes| {
        note_text("note", &"a".repeat(bytes)).map(drop)
    });
    check(LIST_ITEMS_MAX, "tags: 201 items are given; the limit is 200", |items| {
        CopyBuilder::new().list(Field::Tags, std::iter::repeat_n("a", items))
    });
    check(MARKS_MAX, "blocks[0].marks: 2001 marks are given; the limit is 2000", |marks| {
        CopyBuilder::new().block(GivenBlock { marks: &vec![em(0, 1); marks], ..plain("a") })
    });
    check(ARTICLE_TEXT_BYTES_MAX, "copy: 4194305 bytes of text are given; the limit is 4194304", |bytes| {
        let mut copy = CopyBuilder::new();
        copy.field(Field::Headline, &"a".repeat(bytes % BLOCK_TEXT_BYTES_MAX))?;
        let block = "a".repeat(BLOCK_TEXT_BYTES_MAX);
        (0..bytes / BLOCK_TEXT_BYTES_MAX).try_for_each(|_| copy.block(plain(&block)))
    });
    let id = "b".repeat(BLOCK_ID_BYTES_MAX + 1);
    let said =
        format!("blocks[0].id: block id {id:?} is not legal: 1 to 64 characters out of A-Z a-z 0-9 - _");
    check(BLOCK_ID_BYTES_MAX, &said, |bytes| {
        CopyBuilder::new().block(GivenBlock { id: Some(&id[..bytes]), ..plain("a") })
    });
    check(
        LINK_BYTES_MAX,
        "links[0]: is not a link: an http or https address, then a space and a title if it has one",
        |bytes| CopyBuilder::new().list(Field::Links, [format!("{:a<bytes$}", "https://").as_str()]),
    );
}

#[test]
fn a_limit_is_of_the_text_that_is_kept() {
    let spaced = format!("a{}b", " ".repeat(BLOCK_TEXT_BYTES_MAX));
    let mut copy = CopyBuilder::new();
    copy.block(plain(&spaced)).expect("three bytes are kept");
    let (copy, _) = copy.finish();
    assert_eq!(copy.blocks.expect("a body")[0].text.as_str(), "a b");
}

#[test]
fn a_control_character_is_named_and_never_silently_dropped() {
    let said = |given: &str| {
        CopyBuilder::new().field(Field::Headline, given).expect_err("it is refused").to_string()
    };
    assert_eq!(said("a\0"), "headline: holds the control character U+0000 at byte 1: take it out");
    assert_eq!(said("é\u{9b}"), "headline: holds the control character U+009B at byte 2: take it out");
    assert_eq!(said("\u{7f}"), "headline: holds the control character U+007F at byte 0: take it out");
    assert_eq!(CopyBuilder::new().field(Field::Headline, "a\t\u{85}b\r\n"), Ok(()), "white space is folded");
}

#[test]
fn fields_have_the_form_that_their_name_says() {
    for (field, legal, illegal) in [
        (Field::Slug, "ceasefire-talks", "ceasefire talks"),
        (Field::Slug, "A_1", ""),
        (Field::Language, "pt-BR", "pt_BR"),
        (Field::Language, "", "a-tag-that-is-longer-than-35-letters"),
        (Field::Urgency, "9", "0"),
        (Field::Urgency, "", "10"),
        (Field::Links, "https://a.example/x?y=(z)#ü Title, of sorts", "a.example Title"),
        (Field::Links, "HTTP://a.example", "https://"),
        (Field::Links, "http://a", "javascript:alert(1)"),
        (Field::Links, "", "https://a.example/\"onclick"),
    ] {
        assert_eq!(CopyBuilder::new().field(field, legal), Ok(()), "{field} {legal:?}");
        assert!(CopyBuilder::new().field(field, illegal).is_err(), "{field} {illegal:?}");
    }
}

#[test]
fn a_field_is_given_once_and_a_list_is_no_text() {
    let mut copy = CopyBuilder::new();
    copy.field(Field::Headline, "A").expect("once");
    let twice = copy.field(Field::Headline, "A").expect_err("twice");
    assert_eq!(twice.to_string(), "headline: is given twice: give it once");
    assert!(CopyBuilder::new().list(Field::Headline, ["A"]).is_err());
}

#[test]
fn marks_follow_their_words_through_normalisation() {
    let given = "  Cafe\u{301}s  are \u{FEFF}shut \n";
    let at = |words: &str| {
        let start = given.find(words).expect("it is there");
        em(u32::try_from(start).expect("short"), u32::try_from(start + words.len()).expect("short"))
    };
    let link = Mark { kind: MarkKind::A, href: Some("https://a.example/".to_owned()), ..at("shut") };
    let marks = [link, at("Cafe"), at("  are"), at(" \n"), at("\u{FEFF}"), at("Cafe")];
    let mut copy = CopyBuilder::new();
    copy.block(GivenBlock { marks: &marks, ..plain(given) }).expect("a block");
    let (copy, report) = copy.finish();
    let block = &copy.blocks.expect("a body")[0];
    let words = |mark: &Mark| &block.text.as_str()[mark.start as usize..mark.end as usize];
    let found: Vec<_> = block.marks.iter().map(|mark| (mark.kind, words(mark))).collect();
    assert_eq!(found, [(MarkKind::Em, "Caf\u{e9}"), (MarkKind::Em, " are"), (MarkKind::A, "shut")]);
    assert_eq!(report.provenance_characters, 1);
}

#[test]
fn marks_that_do_not_fit_are_named() {
    let link = |href: Option<&str>| Mark { kind: MarkKind::A, href: href.map(str::to_owned), ..em(0, 1) };
    for (mark, said) in [
        (em(1, 1), "covers nothing: start 1 is not before end 1"),
        (em(0, 9), "ends at byte 9, behind the text's 3 bytes"),
        (em(0, 2), "byte 2 is inside a character: give offsets in UTF-8 bytes"),
        (link(None), "is a link without a target: give href"),
        (link(Some("/a")), "has an href that is not an absolute http, https or mailto address"),
        (link(Some("javascript:a")), "has an href that is not an absolute http, https or mailto address"),
        (Mark { kind: MarkKind::Em, ..link(Some("https://a")) }, "has an href but is not a link: use kind a"),
    ] {
        let mut copy = CopyBuilder::new();
        copy.block(plain("b")).expect("a block");
        let refused =
            copy.block(GivenBlock { marks: &[em(0, 1), mark], ..plain("aé") }).expect_err("it is refused");
        assert_eq!(refused.to_string(), format!("blocks[1].marks[1]: {said}"));
    }
    let mail = link(Some("mailto:desk@a.example"));
    assert_eq!(CopyBuilder::new().block(GivenBlock { marks: &[mail], ..plain("a") }), Ok(()));
}

#[test]
fn blocks_without_words_are_dropped_and_places_still_count_them() {
    let mut copy = CopyBuilder::new();
    copy.block(plain(" \u{A0}")).expect("a block");
    let refused = copy.block(plain("\0")).expect_err("it is refused");
    assert_eq!(refused.place, "blocks[1].text");
    assert_eq!(copy.finish().0.blocks, Some(vec![]));
}
