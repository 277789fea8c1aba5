//! Fields that two editors change.

use writethru_story::{Clash, Copy, CopyBuilder, Field, merge};

use crate::newsroom::{filed, rebased, story};

fn copy(field: Field, items: &[&str]) -> Copy {
    let mut copy = CopyBuilder::new();
    if field.is_list() {
        copy.list(field, items.iter().copied()).expect("items");
    } else {
        copy.field(field, items[0]).expect("a field");
    }
    copy.finish().0
}

/// Checks what comes of a field; `None` if both changed it.
#[track_caller]
fn check(field: Field, [base, theirs, mine]: [&[&str]; 3], expected: Option<&[&str]>) {
    let base = filed(&story(&["One came."]), copy(field, base));
    let theirs = filed(&base, copy(field, theirs));
    let mine = copy(field, mine);
    match rebased(&base, &theirs, &mine) {
        Ok(after) => {
            let found: Vec<&str> = after.article.fields.get(field).shown_values().collect();
            assert_eq!(Some(found.as_slice()), expected);
        }
        Err(overlap) => {
            assert_eq!(expected, None, "{overlap:?}");
            let [Clash::Field { field: found, sides }] = overlap.places.as_slice() else {
                panic!("one field clashes, not {:?}", overlap.places)
            };
            assert_eq!(*found, field);
            assert_eq!(
                (&sides.base, &sides.theirs),
                (base.article.fields.get(field), theirs.article.fields.get(field))
            );
            assert_eq!(&sides.mine, overlap.proposal.fields.get(field), "mine stands in the proposal");
        }
    }
}

#[test]
fn a_field_that_one_side_changed_is_taken_and_one_that_both_did_clashes() {
    let [old, new, other] = [&["Talks resume"], &["Talks end"], &["Talks fail"]];
    check(Field::Headline, [old, new, old], Some(new));
    check(Field::Headline, [old, old, new], Some(new));
    check(Field::Headline, [old, new, new], Some(new));
    check(Field::Headline, [old, new, other], None);
    check(Field::Summary, [old, &[""], new], None);
}

#[test]
fn lists_merge_item_by_item() {
    let check = |sides: [&[&str]; 3], expected: Option<&[&str]>| check(Field::Tags, sides, expected);
    check([&["a", "b", "c"], &["a", "c"], &["a", "b", "c", "d"]], Some(&["a", "c", "d"]));
    check([&["a", "b"], &["a", "x", "b"], &["a", "y", "b"]], Some(&["a", "x", "y", "b"]));
    check([&["a"], &["a", "x"], &["a", "x", "y"]], Some(&["a", "x", "y"]));
    check([&["a", "b"], &["a"], &["b"]], Some(&[]));
    check([&["a", "b"], &["x", "b"], &["y", "b"]], None);
    check([&["a", "b"], &["x", "b"], &["b"]], Some(&["x", "b"]));
    check([&["a", "b"], &["b", "a"], &["a", "b", "c"]], None);
    check([&["a"], &["a", "a"], &["a", "b"]], None);
}

#[test]
fn a_list_never_passes_its_limit() {
    let items = |side: &str| (0..150).map(|number| format!("{side}{number}")).collect::<Vec<_>>();
    let (theirs, mine) = (items("t"), items("m"));
    let [theirs, mine] = [&theirs, &mine].map(|items| items.iter().map(String::as_str).collect::<Vec<_>>());
    check(Field::Tags, [&[], &theirs, &mine], None);
}

#[test]
fn fields_and_a_body_that_are_absent_stay_as_they_are() {
    let base = story(&["One came.", "Two went."]);
    let theirs = filed(&base, crate::newsroom::copy(&["One ran.", "Two went."]));
    let after = rebased(&base, &theirs, &copy(Field::Headline, &["Talks end"])).expect("it merges").article;
    assert_eq!((after.headline(), &after.blocks), ("Talks end", &theirs.article.blocks));
    let merged = merge(&base.article, &theirs.article, &copy(Field::Headline, &["Talks resume"]));
    assert_eq!(merged.expect("it merges").given, [], "only what differs from theirs is given");
}

#[test]
fn two_sources_are_never_made_one() {
    check(Field::Source, [&[], &["urn:a", "1", "2026"], &["urn:b", "1", "2027"]], None);
}
