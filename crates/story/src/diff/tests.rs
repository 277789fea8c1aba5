//! Tests of diff and apply on cases a person can check; random ones are in `tests/diff_exact.rs`.

use serde_json::json;

use super::*;
use crate::field::Fields;
use crate::limits::{ARTICLE_TEXT_BYTES_MAX, BLOCK_TEXT_BYTES_MAX, BLOCKS_MAX, FIELD_TEXT_BYTES_MAX};

fn block(number: u64, text: &str) -> Arc<Block> {
    let (id, text) = (BlockId::minted(number), Text::uncut(text));
    Arc::new(Block { id, kind: BlockKind::Paragraph, text, marks: Arc::default() })
}

fn article(blocks: &[(u64, &str)]) -> Article {
    let blocks = blocks.iter().map(|(number, text)| block(*number, text)).collect();
    Article { fields: Fields::default(), blocks }
}

fn with(mut article: Article, field: Field, values: &[&str]) -> Article {
    article.fields.set(field, Text::from_values(values.iter().copied().map(Some)));
    article
}

/// Checks the ops in JSON, and that they lead from `before` to `after`.
#[track_caller]
fn check(before: &Article, after: &Article, ops: &serde_json::Value) {
    let found = diff(before, after);
    assert_eq!(&serde_json::to_value(&found.ops).unwrap(), ops);
    let read: Vec<Op> = serde_json::from_value(ops.clone()).unwrap();
    assert_eq!(read, found.ops);
    assert_eq!(&apply(before, &found.ops).unwrap(), after);
}

#[test]
fn the_same_article_has_no_ops() {
    let same = with(article(&[(1, "One."), (2, "Two.")]), Field::Headline, &["Head"]);
    check(&same, &same, &json!([]));
    let copy = with(article(&[(1, "One."), (2, "Two.")]), Field::Headline, &["He", "ad"]);
    check(&same, &copy, &json!([]));
}

#[test]
fn ops_come_in_the_fixed_order() {
    let before = article(&[(1, "Quiet day."), (2, "Two dead."), (3, "Roads shut."), (4, "More soon.")]);
    let after = article(&[(4, "More soon."), (9, "Breaking."), (2, "Four dead."), (3, "Roads shut.")]);
    check(
        &with(before, Field::Headline, &["Storm nears coast"]),
        &with(after, Field::Headline, &["Storm hits coast"]),
        &json!([
            {"op": "delete", "block": "b1"},
            {"op": "move", "block": "b4", "after": null},
            {"op": "insert", "block": "b9", "after": "b4", "value": {"kind": "paragraph", "text": "Breaking."}},
            {"op": "edit", "block": "b2", "splices": [[0, "Two", "Four"]]},
            {"op": "set", "field": "headline", "splices": [[6, "nears", "hits"]]},
        ]),
    );
}

#[test]
fn a_move_carries_no_text() {
    check(
        &article(&[(1, "One."), (2, "Two."), (3, "Three.")]),
        &article(&[(3, "Three."), (1, "One."), (2, "Two.")]),
        &json!([{"op": "move", "block": "b3", "after": null}]),
    );
}

#[test]
fn kind_and_marks_are_edits_without_splices() {
    let before = article(&[(1, "A long way.")]);
    let mut after = before.clone();
    let mark = Mark { start: 2, end: 6, kind: crate::block::MarkKind::Em, href: None };
    after.blocks[0] = Arc::new(Block {
        kind: BlockKind::Quote,
        marks: Arc::from([mark]),
        ..Block::clone(&before.blocks[0])
    });
    check(
        &before,
        &after,
        &json!([{"op": "edit", "block": "b1", "kind": "quote", "marks": [{"start": 2, "end": 6, "kind": "em"}]}]),
    );
    check(&after, &before, &json!([{"op": "edit", "block": "b1", "kind": "paragraph", "marks": []}]));
}

#[test]
fn an_absent_field_is_set_by_value_and_cleared_by_null() {
    let (without, with) = (article(&[]), with(article(&[]), Field::Summary, &["In short."]));
    check(&without, &with, &json!([{"op": "set", "field": "summary", "value": "In short."}]));
    check(&with, &without, &json!([{"op": "set", "field": "summary", "value": null}]));
}

#[test]
fn a_list_is_carried_whole() {
    let (one, two) =
        (with(article(&[]), Field::Tags, &["floods"]), with(article(&[]), Field::Tags, &["floods", "dams"]));
    check(&one, &two, &json!([{"op": "set", "field": "tags", "value": ["floods", "dams"]}]));
    check(&two, &article(&[]), &json!([{"op": "set", "field": "tags", "value": null}]));
    let joined = with(article(&[]), Field::Tags, &["floodsdams"]);
    check(&two, &joined, &json!([{"op": "set", "field": "tags", "value": ["floodsdams"]}]));
    let empty_item = with(article(&[]), Field::Tags, &[""]);
    check(&article(&[]), &empty_item, &json!([{"op": "set", "field": "tags", "value": [""]}]));
}

#[test]
fn an_erased_sentence_is_shown_as_it_stands() {
    let before = article(&[(1, "Kept. Secret.")]);
    let mut after = before.clone();
    let text = Text::from_values([Some("Kept. "), None]);
    after.blocks[0] = Arc::new(Block { text, ..Block::clone(&before.blocks[0]) });
    check(&before, &after, &json!([{"op": "edit", "block": "b1", "splices": [[6, "Secret.", "███"]]}]));
}

#[test]
fn untouched_blocks_are_shared() {
    let before = article(&[(1, "One."), (2, "Two."), (3, "Three.")]);
    let after = apply(&before, &diff(&before, &article(&[(2, "Two."), (1, "One!")])).ops).unwrap();
    assert!(Arc::ptr_eq(&before.blocks[1], &after.blocks[0]));
}

#[test]
fn a_split_and_a_merge_are_observed() {
    let first = "Officials said talks would resume in Cairo on Thursday.";
    let second = "The pause had lasted for two days, a diplomat told reporters.";
    let whole = article(&[(7, "Top."), (1, &format!("{first} {second}")), (8, "End.")]);
    let parts = article(&[(7, "Top."), (2, first), (1, second), (8, "End.")]);
    let [two, one] = [BlockId::minted(2), BlockId::minted(1)];
    let split = Observation::Split { from: one.clone(), into: vec![two.clone(), one.clone()] };
    assert_eq!(diff(&whole, &parts).observations, [split]);
    let merge = Observation::Merge { from: vec![two, one.clone()], into: one };
    assert_eq!(diff(&parts, &whole).observations, [merge]);
    let unrelated =
        article(&[(7, "Top."), (2, "Nothing of this was there before."), (1, first), (8, "End.")]);
    assert_eq!(diff(&whole, &unrelated).observations, []);
}

/// Checks that `ops`, in JSON, do not fit and that the last is named.
#[track_caller]
fn refuses(ops: serde_json::Value, problem: &str) {
    let before = with(article(&[(1, "Zwölf."), (2, "Two.")]), Field::Headline, &["Head"]);
    let ops: Vec<Op> = serde_json::from_value(ops).unwrap();
    let refusal = apply(&before, &ops).unwrap_err();
    assert_eq!(refusal.index, ops.len() - 1);
    assert!(refusal.problem.contains(problem), "{refusal}");
}

#[test]
fn ops_that_do_not_fit_are_refused_by_name() {
    refuses(json!([{"op": "delete", "block": "b9"}]), "no block b9");
    refuses(json!([{"op": "delete", "block": "b1"}, {"op": "delete", "block": "b1"}]), "no block b1");
    refuses(json!([{"op": "move", "block": "b9", "after": null}]), "no block b9");
    refuses(json!([{"op": "move", "block": "b1", "after": "b9"}]), "no block b9");
    refuses(json!([{"op": "move", "block": "b1", "after": "b1"}]), "follow itself");
    let value = json!({"kind": "paragraph", "text": "x"});
    refuses(json!([{"op": "insert", "block": "b1", "after": null, "value": value}]), "already");
    refuses(json!([{"op": "insert", "block": "b3", "after": "b4", "value": value}]), "no block b4");
    refuses(json!([{"op": "edit", "block": "b3"}]), "no block b3");
    refuses(json!([{"op": "set", "field": "tags", "value": "x"}]), "list");
    refuses(json!([{"op": "set", "field": "tags", "splices": [[0, "", "x"]]}]), "list");
    refuses(json!([{"op": "set", "field": "headline", "value": ["x"]}]), "not a list");
}

#[test]
fn splices_that_do_not_fit_are_refused() {
    let edit = |splices: serde_json::Value| json!([{"op": "edit", "block": "b1", "splices": splices}]);
    refuses(edit(json!([[99, "", "x"]])), "past the end");
    refuses(edit(json!([[u64::MAX, "x", "x"]])), "past the end");
    refuses(edit(json!([[3, "", "x"]])), "off a character's edge");
    refuses(edit(json!([[0, "Elf", "x"]])), "not the one");
    refuses(edit(json!([[4, "lf", "x"], [0, "Z", "x"]])), "out of order");
    refuses(edit(json!([[0, "Zwölf.", "x"], [2, "", "x"]])), "out of order");
    refuses(json!([{"op": "set", "field": "headline", "splices": [[1, "H", "x"]]}]), "not the one");
}

#[test]
fn marks_outside_the_text_are_refused() {
    let edit = |start: u32, end: u32| json!([{"op": "edit", "block": "b1", "marks": [{"start": start, "end": end, "kind": "em"}]}]);
    refuses(edit(0, 99), "mark 0");
    refuses(edit(4, 1), "mark 0");
    refuses(edit(0, 3), "mark 0");
}

#[test]
fn results_past_a_limit_are_refused() {
    let insert = |number: usize, text: String| Op::Insert {
        block: BlockId::minted(number as u64),
        after: None,
        value: BlockValue { kind: BlockKind::Paragraph, text, marks: Arc::default() },
    };
    let refused = |ops: &[Op]| apply(&Article::default(), ops).unwrap_err();
    assert_eq!(refused(&[insert(1, "x".repeat(BLOCK_TEXT_BYTES_MAX + 1))]).index, 0);
    let change = FieldChange::Value(Some(FieldValue::Text("x".repeat(FIELD_TEXT_BYTES_MAX + 1))));
    assert_eq!(refused(&[Op::Set { field: Field::Summary, change }]).index, 0);
    let many: Vec<Op> = (0..=BLOCKS_MAX).map(|number| insert(number, "x".to_owned())).collect();
    assert_eq!(refused(&many).index, BLOCKS_MAX);
    assert!(apply(&Article::default(), &many[1..]).is_ok());
    let full = ARTICLE_TEXT_BYTES_MAX / BLOCK_TEXT_BYTES_MAX;
    let large: Vec<Op> = (0..=full).map(|number| insert(number, "x".repeat(BLOCK_TEXT_BYTES_MAX))).collect();
    assert_eq!(refused(&large).index, full);
    assert!(apply(&Article::default(), &large[1..]).is_ok());
}

#[test]
fn unknown_members_of_an_op_are_refused() {
    for op in [
        json!({"op": "delete", "block": "b1", "extra": 1}),
        json!({"op": "edit", "block": "b1", "text": "x"}),
        json!({"op": "set", "field": "headline", "value": "x", "extra": 1}),
        json!({"op": "set", "field": "headline"}),
        json!({"op": "set", "field": "headline", "value": "x", "splices": []}),
    ] {
        assert!(serde_json::from_value::<Op>(op.clone()).is_err(), "{op}");
    }
}
