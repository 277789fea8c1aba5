//! The same difference for generic clients: RFC 6902 JSON Patch of the keyed article.
//!
//! The keyed article is one JSON object: `hash`, the fields that are present, `order` (block ids)
//! and `blocks` (id to content). Ids need no escaping in a JSON Pointer (RFC 6901). A patch begins
//! with a `test` of the hash, so that a client whose article is another one applies nothing, and
//! ends with the new hash. Hashes are made elsewhere and passed through.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{BlockValue, Diff, FieldValue, Op};
use crate::article::Article;
use crate::block::{Block, BlockId};
use crate::field::Field;

/// Bytes of one step of the order in a patch, about: more steps than the whole order is worth are
/// not sent.
const ORDER_STEP_BYTES: usize = 48;

/// Returns the keyed form of `article`, whose hash is `hash`.
pub fn keyed(article: &Article, hash: &str) -> Value {
    let mut object = Map::new();
    object.insert("hash".to_owned(), hash.into());
    for field in Field::ALL {
        if let Some(value) = FieldValue::of(field, article.fields.get(field)) {
            object.insert(field.as_str().to_owned(), json!(value));
        }
    }
    object.insert("order".to_owned(), article.blocks.iter().map(|block| block.id.as_str()).collect());
    let blocks: Map<String, Value> =
        article.blocks.iter().map(|block| (block.id.to_string(), json!(BlockValue::of(block)))).collect();
    object.insert("blocks".to_owned(), blocks.into());
    object.into()
}

/// Returns the patch that takes `keyed(before, base)` to `keyed(after, target)`, given what
/// [`diff`](super::diff()) found; `hashes` are `base` and `target`.
///
/// A text that changed is replaced as a whole: RFC 6902 has no smaller step.
pub fn json_patch(before: &Article, after: &Article, diff: &Diff, hashes: (&str, &str)) -> Value {
    let mut patch = vec![json!({"op": "test", "path": "/hash", "value": hashes.0})];
    patch.extend(order_steps(before, after, &diff.ops));
    let (old, new) = (by_id(before), by_id(after));
    for op in &diff.ops {
        match op {
            Op::Delete { block } => patch.push(remove(&format!("/blocks/{block}"))),
            Op::Insert { block, value, .. } => patch.push(add(&format!("/blocks/{block}"), json!(value))),
            Op::Move { .. } => {}
            Op::Edit { block, .. } => {
                if let (Some(old), Some(new)) = (old.get(block), new.get(block)) {
                    patch.extend(edit_steps(old, new));
                }
            }
            Op::Set { field, .. } => {
                let of = |article: &Article| FieldValue::of(*field, article.fields.get(*field));
                let path = format!("/{field}");
                patch.extend(member(&path, of(before).is_some(), of(after).map(|value| json!(value))));
            }
        }
    }
    patch.push(replace("/hash", hashes.1.into()));
    patch.into()
}

/// Returns the steps that give `order` its new content: one by one, or as a whole if that is less.
fn order_steps(before: &Article, after: &Article, ops: &[Op]) -> Vec<Value> {
    let count = ops.iter().filter(|op| !matches!(op, Op::Edit { .. } | Op::Set { .. })).count();
    let whole: usize = after.blocks.iter().map(|block| block.id.as_str().len() + 3).sum();
    if count * ORDER_STEP_BYTES > whole + ORDER_STEP_BYTES {
        let order: Value = after.blocks.iter().map(|block| block.id.as_str()).collect();
        return vec![replace("/order", order)];
    }
    let mut order: Vec<&BlockId> = before.blocks.iter().map(|block| &block.id).collect();
    let mut steps = Vec::with_capacity(count);
    for op in ops {
        let (block, after) = match op {
            Op::Delete { block } => (block, None),
            Op::Move { block, after } | Op::Insert { block, after, .. } => (block, after.as_ref()),
            Op::Edit { .. } | Op::Set { .. } => continue,
        };
        let from = order.iter().position(|id| *id == block);
        if let Some(from) = from {
            order.remove(from);
        }
        let behind = |order: &[&BlockId]| {
            after.and_then(|after| order.iter().position(|id| *id == after)).map_or(0, |place| place + 1)
        };
        match (op, from) {
            (Op::Delete { .. }, Some(from)) => steps.push(remove(&format!("/order/{from}"))),
            (Op::Move { .. }, Some(from)) => {
                let to = behind(&order);
                order.insert(to, block);
                if from != to {
                    let (from, path) = (format!("/order/{from}"), format!("/order/{to}"));
                    steps.push(json!({"op": "move", "from": from, "path": path}));
                }
            }
            (Op::Insert { .. }, _) => {
                let to = behind(&order);
                order.insert(to, block);
                steps.push(add(&format!("/order/{to}"), block.as_str().into()));
            }
            _ => {}
        }
    }
    steps
}

fn by_id(article: &Article) -> HashMap<&BlockId, &Block> {
    article.blocks.iter().map(|block| (&block.id, &**block)).collect()
}

fn edit_steps(old: &Block, new: &Block) -> Vec<Value> {
    let path = format!("/blocks/{}", new.id);
    let mut steps = Vec::new();
    if old.kind != new.kind {
        steps.push(replace(&format!("{path}/kind"), new.kind.as_str().into()));
    }
    if old.text != new.text {
        steps.push(replace(&format!("{path}/text"), new.text.as_str().into()));
    }
    if old.marks != new.marks {
        let value = (!new.marks.is_empty()).then(|| json!(new.marks));
        steps.extend(member(&format!("{path}/marks"), !old.marks.is_empty(), value));
    }
    steps
}

/// Returns the step that gives a member of an object, present or not, its new value or none.
fn member(path: &str, present: bool, value: Option<Value>) -> Option<Value> {
    match (present, value) {
        (true, Some(value)) => Some(replace(path, value)),
        (false, Some(value)) => Some(add(path, value)),
        (true, None) => Some(remove(path)),
        (false, None) => None,
    }
}

fn add(path: &str, value: Value) -> Value {
    step("add", path, Some(value))
}

fn replace(path: &str, value: Value) -> Value {
    step("replace", path, Some(value))
}

fn remove(path: &str) -> Value {
    step("remove", path, None)
}

fn step(op: &str, path: &str, value: Option<Value>) -> Value {
    let mut step = Map::new();
    step.insert("op".to_owned(), op.into());
    step.insert("path".to_owned(), path.into());
    if let Some(value) = value {
        step.insert("value".to_owned(), value);
    }
    step.into()
}
