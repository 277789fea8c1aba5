//! Events that `decide` never writes are refused with what does not fit.

use std::sync::Arc;

use jiff::Timestamp;
use writethru_story::{
    ActNotice, Block, BlockId, BlockKind, Event, Field, Kind, Mark, MarkKind, Operation, Revision, Status,
    Story, Text, apply,
};

fn id(given: &str) -> BlockId {
    given.parse().expect("a legal id")
}

fn insert(given: &str, after: Option<&str>) -> Operation {
    let (id, after) = (id(given), after.map(id));
    let block = Block { id, kind: BlockKind::Paragraph, text: Text::uncut("Words."), marks: Arc::default() };
    Operation::Insert { block: Arc::new(block), after }
}

fn set(field: Field, text: &str) -> Operation {
    Operation::Set { field, text: Text::uncut(text) }
}

fn edit(block: &str, text: &str, marks: &[Mark]) -> Operation {
    Operation::Edit { block: id(block), text: Text::uncut(text), kind: BlockKind::Quote, marks: marks.into() }
}

fn event(revision: u64, operations: Vec<Operation>) -> Event {
    Event {
        revision: Revision(revision),
        kind: Kind::Update,
        desk: "world".parse().expect("a desk"),
        status: Status::Usable,
        public: true,
        recorded: Timestamp::UNIX_EPOCH,
        occurred: None,
        note: Text::default(),
        correction: None,
        act: None,
        redaction: None,
        until: None,
        rebased: None,
        label: None,
        operations,
    }
}

/// A story of the blocks b1, b2 and b4; b3 has been and gone.
fn story() -> Story {
    let blocks = [("b1", None), ("b2", Some("b1")), ("b3", Some("b2")), ("b4", Some("b3"))];
    let mut operations: Vec<_> = blocks.map(|(id, after)| insert(id, after)).into();
    operations.extend([set(Field::Slug, "talks"), set(Field::Headline, "Talks resume")]);
    let story = apply(Story::default(), &event(1, operations)).expect("it is legal");
    apply(story, &event(2, vec![Operation::Delete { block: id("b3") }])).expect("it is legal")
}

#[track_caller]
fn check(event: &Event, problem: &str) {
    let illegal = apply(story(), event).expect_err("it is illegal");
    assert_eq!(illegal.to_string(), format!("event {} is illegal in its story: {problem}", event.revision));
}

#[test]
fn a_revision_follows_the_one_before() {
    for revision in [0, 2, 4, u64::MAX] {
        check(&event(revision, vec![]), "it follows revision 2");
    }
    let last = Story { revision: Revision(u64::MAX), ..story() };
    assert!(apply(last, &event(0, vec![])).is_err());
}

#[test]
fn an_id_is_never_used_again() {
    check(&event(3, vec![insert("b3", None)]), "it inserts b3, an id that was used before");
    check(&event(3, vec![insert("b2", None)]), "it inserts b2, an id that was used before");
    let gone = event(3, vec![Operation::Delete { block: id("b4") }]);
    let without_last = apply(story(), &gone).expect("it is legal");
    assert!(apply(without_last, &event(4, vec![insert("b4", None)])).is_err());
    let far = "b9007199254740992";
    check(&event(3, vec![insert(far, None)]), &format!("it inserts {far}, which no service mints"));
    let twice = vec![insert("b5", None), insert("b5", None)];
    check(&event(3, twice), "it takes b5 from or to where it cannot be");
    assert_eq!(apply(story(), &event(3, vec![insert("b9", Some("b4"))])).expect("it is legal").minted, 9);
}

#[test]
fn a_step_names_blocks_that_are_there() {
    let shift = |block: &str, after: &str| Operation::Move { block: id(block), after: Some(id(after)) };
    for (operation, block) in [
        (Operation::Delete { block: id("b3") }, "b3"),
        (shift("b3", "b1"), "b3"),
        (shift("b1", "b3"), "b1"),
        (shift("b1", "b1"), "b1"),
        (insert("b7", Some("b3")), "b7"),
    ] {
        check(&event(3, vec![operation]), &format!("it takes {block} from or to where it cannot be"));
    }
    let unknown = "it edits b3, which is not there or edited already";
    check(&event(3, vec![edit("b3", "Words.", &[])]), unknown);
    let twice = vec![edit("b4", "Words.", &[]), edit("b4", "Words.", &[])];
    check(&event(3, twice), "it edits b4, which is not there or edited already");
}

#[test]
fn a_move_takes_a_block_and_nothing_else() {
    let shift = |block: &str, after: Option<&str>| Operation::Move { block: id(block), after: after.map(id) };
    let steps = vec![shift("b4", None), shift("b1", Some("b2")), insert("b5", Some("b4"))];
    let after = apply(story(), &event(3, steps)).expect("it is legal");
    let ids: Vec<_> = after.article.blocks.iter().map(|block| block.id.as_str()).collect();
    assert_eq!(ids, ["b4", "b5", "b2", "b1"]);
}

#[test]
fn steps_come_in_the_fixed_order_and_a_field_is_set_once() {
    let [delete, insert, edit, set] = [
        Operation::Delete { block: id("b1") },
        insert("b5", None),
        edit("b2", "Other.", &[]),
        set(Field::Summary, "In short."),
    ];
    let legal = vec![delete.clone(), insert.clone(), edit.clone(), set.clone()];
    assert!(apply(story(), &event(3, legal)).is_ok());
    for steps in [[&insert, &delete], [&edit, &insert], [&set, &edit], [&set, &set]] {
        let steps = steps.map(Operation::clone).to_vec();
        check(&event(3, steps), "its operations are not in the fixed order");
    }
}

#[test]
fn a_block_has_words_and_marks_that_fit_them() {
    let mark = |start, end| Mark { start, end, kind: MarkKind::Em, href: None };
    check(&event(3, vec![edit("b1", "", &[])]), "b1 has no words");
    let outside = edit("b1", "ab", &[mark(1, 3)]);
    check(&event(3, vec![outside]), "b1 has a mark that ends at byte 3, behind the text's 2 bytes");
    let unsorted = edit("b1", "ab", &[mark(1, 2), mark(0, 1)]);
    check(&event(3, vec![unsorted]), "b1 has marks that are not sorted");
}

#[test]
fn readers_are_shown_a_headline_and_a_body() {
    let headless = event(3, vec![set(Field::Headline, "")]);
    check(&headless, "it publishes an article without a headline");
    let bodiless = ["b1", "b2", "b4"].map(|block| Operation::Delete { block: id(block) });
    check(&event(3, bodiless.to_vec()), "it publishes no body, as update");
    check(&event(3, vec![set(Field::Slug, "")]), "it takes the slug away");
    let draft = Event { public: false, ..event(3, vec![set(Field::Headline, "")]) };
    assert!(apply(story(), &draft).is_ok(), "a draft may be unfinished");
}

#[test]
fn a_kind_takes_a_story_only_where_it_can() {
    let held = Event { status: Status::Withheld, ..event(3, vec![]) };
    check(&held, "a public update cannot take a story from usable to withheld");
    let hidden = Event { public: false, status: Status::Draft, ..event(3, vec![]) };
    check(&hidden, "a working update cannot take a story from usable to draft");
    let killed = Event { kind: Kind::Kill, status: Status::Killed, ..event(3, vec![]) };
    check(&killed, "it is a kill with an act's notice, or an act without one");
    let redacted = Event { kind: Kind::Redaction, act: Some(ActNotice::default()), ..event(3, vec![]) };
    check(&redacted, "it is a redaction that redacts, or a redaction that does not");
    let endless = Event { status: Status::Embargoed, public: false, ..event(3, vec![]) };
    check(&endless, "a story that is embargoed goes out by itself, or does not and should");
    let bare = Event { kind: Kind::Correction, ..event(3, vec![]) };
    check(&bare, "it is a correction that says nothing of what was wrong");
}
