//! The answer to two editors who changed the same words: every version, for a person to choose.

use desk::Overlapping;
use serde_json::{Map, Value, json};
use story::{Article, Block, BlockId, Clash, Copy, Field, Sides, Text};
use wire::{Problem, ProblemKind};

/// Returns the problem, whose members `base`, `theirs`, `mine` and `merged` are copy as a push takes it:
/// `merged` can be mended and pushed with `base` set to member `actual`.
pub(crate) fn problem(versions: &Overlapping) -> Problem {
    let Overlapping { base, theirs, mine, overlap, .. } = versions;
    let overlaps: Vec<Value> = overlap.places.iter().map(clash).collect();
    Problem::new(ProblemKind::Conflict, overlap.to_string())
        .with("story", versions.story.to_string())
        .with("expected", base.0.get())
        .with("actual", theirs.0.get())
        .with("base", of_article(&base.1))
        .with("theirs", of_article(&theirs.1))
        .with("mine", of_copy(mine))
        .with("merged", merged(&overlap.proposal, &theirs.1))
        .with("overlaps", overlaps)
}

fn clash(clash: &Clash) -> Value {
    match clash {
        Clash::Block { block, sides } => place(&format!("block {block}"), sides, |side| {
            side.as_ref().map_or(Value::Null, |block| block.text.as_str().into())
        }),
        Clash::Field { field, sides } => place(&format!("field {field}"), sides, |text| value(*field, text)),
        Clash::Order { block, sides } => place(&format!("order {block}"), sides, |after| {
            after.as_ref().map_or(Value::Null, |after| after.as_str().into())
        }),
    }
}

fn place<T>(place: &str, sides: &Sides<T>, shown: impl Fn(&T) -> Value) -> Value {
    json!({ "place": place, "base": shown(&sides.base), "theirs": shown(&sides.theirs), "mine": shown(&sides.mine) })
}

fn of_article(article: &Article) -> Value {
    let mut members = fields(Field::ALL.into_iter().map(|field| (field, article.fields.get(field))));
    let blocks: Vec<Value> = article.blocks.iter().map(|one| block(one, Some(&one.id))).collect();
    members.insert("blocks".to_owned(), blocks.into());
    members.into()
}

/// Returns the proposal as copy: blocks that the story does not have get their id from the push.
fn merged(proposal: &Article, theirs: &Article) -> Value {
    let mut members = fields(Field::ALL.into_iter().map(|field| (field, proposal.fields.get(field))));
    let known = |one: &Block| theirs.block(&one.id).is_some();
    let blocks = proposal.blocks.iter().map(|one| block(one, known(one).then_some(&one.id)));
    members.insert("blocks".to_owned(), blocks.collect());
    members.into()
}

fn of_copy(copy: &Copy) -> Value {
    let mut members = fields(copy.given.iter().map(|field| (*field, copy.fields.get(*field))));
    if let Some(blocks) = &copy.blocks {
        let blocks = blocks.iter().map(|one| {
            let whole = Block {
                id: BlockId::minted(0),
                kind: one.kind,
                text: one.text.clone(),
                marks: one.marks.clone(),
            };
            block(&whole, one.id.as_ref())
        });
        members.insert("blocks".to_owned(), blocks.collect());
    }
    members.into()
}

/// Returns the fields that copy may give and that are there.
fn fields<'a>(given: impl Iterator<Item = (Field, &'a Text)>) -> Map<String, Value> {
    let of_copy = |field: &Field| !matches!(field, Field::Slug | Field::Pinned | Field::Source);
    given
        .filter(|(field, text)| of_copy(field) && !text.is_empty())
        .map(|(field, text)| (field.as_str().to_owned(), value(field, text)))
        .collect()
}

fn value(field: Field, text: &Text) -> Value {
    match field {
        _ if field.is_list() => text.shown_values().collect(),
        Field::Urgency => text.as_str().parse::<u64>().map_or_else(|_| text.as_str().into(), Value::from),
        _ if text.is_empty() => Value::Null,
        _ => text.as_str().into(),
    }
}

fn block(block: &Block, id: Option<&BlockId>) -> Value {
    let mut members = Map::new();
    if let Some(id) = id {
        members.insert("id".to_owned(), id.as_str().into());
    }
    members.insert("kind".to_owned(), block.kind.as_str().into());
    members.insert("text".to_owned(), block.text.as_str().into());
    if !block.marks.is_empty() {
        members.insert("marks".to_owned(), json!(block.marks));
    }
    members.into()
}
