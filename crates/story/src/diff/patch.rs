//! Application of ops to an article: total over every list of ops, whoever made it.

use std::collections::HashMap;
use std::sync::Arc;

use super::splice::spliced;
use super::{BlockValue, FieldChange, FieldValue, Op, PatchError};
use crate::article::Article;
use crate::block::{Block, BlockId, Mark};
use crate::field::{Field, Fields};
use crate::limits::{
    ARTICLE_TEXT_BYTES_MAX, BLOCK_TEXT_BYTES_MAX, BLOCKS_MAX, FIELD_TEXT_BYTES_MAX, LIST_ITEMS_MAX, MARKS_MAX,
};
use crate::text::Text;

/// Returns `before` with `ops` applied, each to what the one before it left.
///
/// Blocks and fields that no op names are shared with `before`, not copied.
///
/// # Errors
/// [`PatchError`] names the op that does not fit, or the last one that made the article longer if
/// the result passes a limit; the article is not changed.
pub fn apply(before: &Article, ops: &[Op]) -> Result<Article, PatchError> {
    let mut fields = before.fields.clone();
    let mut body = Body::new(&before.blocks);
    let mut growth = Growth::default();
    for (index, op) in ops.iter().enumerate() {
        let size = step(op, &mut fields, &mut body).map_err(|problem| PatchError { index, problem })?;
        growth.note(index, size);
    }
    let article = Article { fields, blocks: body.into_blocks() };
    growth.check(before, &article)?;
    Ok(article)
}

/// How many bytes an op took and gave.
#[derive(Clone, Copy)]
struct Size {
    before: usize,
    after: usize,
}

/// Which ops made the article longer.
#[derive(Default)]
struct Growth {
    last: usize,
}

impl Growth {
    fn note(&mut self, index: usize, size: Size) {
        if size.after > size.before {
            self.last = index;
        }
    }

    /// Refuses an article that has outgrown a limit which it kept before.
    fn check(&self, before: &Article, after: &Article) -> Result<(), PatchError> {
        let refuse = |what: &str, limit: usize| {
            Err(PatchError {
                index: self.last,
                problem: format!("the article would have more than {limit} {what}"),
            })
        };
        if after.blocks.len() > BLOCKS_MAX.max(before.blocks.len()) {
            return refuse("blocks", BLOCKS_MAX);
        }
        let total = text_bytes(after);
        if total > ARTICLE_TEXT_BYTES_MAX && total > text_bytes(before) {
            return refuse("bytes of text", ARTICLE_TEXT_BYTES_MAX);
        }
        Ok(())
    }
}

fn text_bytes(article: &Article) -> usize {
    let fields = Field::ALL.iter().map(|field| article.fields.get(*field).as_str().len());
    fields.chain(article.blocks.iter().map(|block| block.text.as_str().len())).sum()
}

fn step<'a>(op: &'a Op, fields: &mut Fields, body: &mut Body<'a>) -> Result<Size, String> {
    match op {
        Op::Delete { block } => {
            let slot = body.slot(block)?;
            body.unlink(slot);
            body.index.remove(block);
            Ok(Size { before: body.slots[slot].len(), after: 0 })
        }
        Op::Move { block, after } => {
            let slot = body.slot(block)?;
            if after.as_ref() == Some(block) {
                return Err(format!("block {block} cannot follow itself"));
            }
            let previous = body.slot_or_front(after.as_ref())?;
            body.unlink(slot);
            body.link(slot, previous);
            Ok(Size { before: 0, after: 0 })
        }
        Op::Insert { block, after, value } => {
            let previous = body.slot_or_front(after.as_ref())?;
            let slot = body.add(block, value)?;
            body.link(slot, previous);
            Ok(Size { before: 0, after: value.text.len().max(1) })
        }
        Op::Edit { block, kind, splices, marks } => {
            let slot = body.slot(block)?;
            let old = body.slots[slot].block.as_deref().ok_or_else(|| unknown(block))?;
            let text = match splices.as_slice() {
                [] => old.text.clone(),
                splices => block_text(&spliced(old.text.as_str(), splices)?)?,
            };
            let marks = marks.as_ref().unwrap_or(&old.marks);
            check_marks(marks, text.as_str())?;
            let size = Size { before: old.text.as_str().len(), after: text.as_str().len() };
            let (id, kind) = (old.id.clone(), kind.unwrap_or(old.kind));
            body.slots[slot].block = Some(Arc::new(Block { id, kind, text, marks: Arc::clone(marks) }));
            Ok(size)
        }
        Op::Set { field, change } => {
            let text = field_text(*field, fields.get(*field), change)?;
            let size = Size { before: fields.get(*field).as_str().len(), after: text.as_str().len() };
            fields.set(*field, text);
            Ok(size)
        }
    }
}

fn unknown(block: &BlockId) -> String {
    format!("the article has no block {block}")
}

fn block_text(text: &str) -> Result<Text, String> {
    if text.len() > BLOCK_TEXT_BYTES_MAX {
        return Err(format!(
            "the block would have {} bytes, the limit is {BLOCK_TEXT_BYTES_MAX}",
            text.len()
        ));
    }
    Ok(Text::uncut(text))
}

fn check_marks(marks: &[Mark], text: &str) -> Result<(), String> {
    if marks.len() > MARKS_MAX {
        return Err(format!("the block would have {} marks, the limit is {MARKS_MAX}", marks.len()));
    }
    let fits = |mark: &Mark| {
        let (start, end) = (mark.start as usize, mark.end as usize);
        start <= end && text.is_char_boundary(start) && text.is_char_boundary(end)
    };
    match marks.iter().position(|mark| !fits(mark)) {
        Some(place) => Err(format!("mark {place} does not lie in the block's text")),
        None => Ok(()),
    }
}

/// Returns what `field` holds after `change`.
fn field_text(field: Field, old: &Text, change: &FieldChange) -> Result<Text, String> {
    let text = match change {
        FieldChange::Value(None) => return Ok(Text::default()),
        FieldChange::Value(Some(FieldValue::List(items))) if field.is_list() => {
            return list_text(field, items);
        }
        FieldChange::Value(Some(FieldValue::Text(text))) if !field.is_list() => text.clone(),
        FieldChange::Splices(splices) if !field.is_list() => spliced(old.as_str(), splices)?,
        _ if field.is_list() => return Err(format!("{field} is a list: give all its items")),
        _ => return Err(format!("{field} is one text, not a list")),
    };
    if text.len() > FIELD_TEXT_BYTES_MAX {
        return Err(format!("{field} would have {} bytes, the limit is {FIELD_TEXT_BYTES_MAX}", text.len()));
    }
    Ok(Text::uncut(text))
}

fn list_text(field: Field, items: &[String]) -> Result<Text, String> {
    if items.len() > LIST_ITEMS_MAX {
        return Err(format!("{field} would have {} items, the limit is {LIST_ITEMS_MAX}", items.len()));
    }
    let bytes: usize = items.iter().map(String::len).sum();
    if bytes > ARTICLE_TEXT_BYTES_MAX {
        return Err(format!("{field} would have {bytes} bytes, the limit is {ARTICLE_TEXT_BYTES_MAX}"));
    }
    Ok(Text::from_values(items.iter().map(|item| Some(item.as_str()))))
}

/// Place of the slot in front of the first block.
const FRONT: usize = 0;

/// The blocks as a linked list, so that every op costs the same however long the body is.
struct Body<'a> {
    slots: Vec<Slot>,
    index: HashMap<&'a BlockId, usize>,
}

/// One block and its neighbours; the front has none, and follows the last.
struct Slot {
    block: Option<Arc<Block>>,
    previous: usize,
    next: usize,
}

impl Slot {
    fn len(&self) -> usize {
        self.block.as_ref().map_or(0, |block| block.text.as_str().len())
    }
}

impl<'a> Body<'a> {
    fn new(blocks: &'a [Arc<Block>]) -> Self {
        let count = blocks.len();
        let mut slots = Vec::with_capacity(count + 1);
        slots.push(Slot { block: None, previous: count, next: usize::from(count > 0) });
        slots.extend(blocks.iter().zip(1..).map(|(block, slot)| Slot {
            block: Some(Arc::clone(block)),
            previous: slot - 1,
            next: if slot == count { FRONT } else { slot + 1 },
        }));
        Self { slots, index: blocks.iter().zip(1..).map(|(block, slot)| (&block.id, slot)).collect() }
    }

    fn slot(&self, block: &BlockId) -> Result<usize, String> {
        self.index.get(block).copied().ok_or_else(|| unknown(block))
    }

    fn slot_or_front(&self, block: Option<&BlockId>) -> Result<usize, String> {
        block.map_or(Ok(FRONT), |block| self.slot(block))
    }

    /// Makes a slot for a new block, not yet in the order.
    fn add(&mut self, id: &'a BlockId, value: &BlockValue) -> Result<usize, String> {
        if self.index.contains_key(id) {
            return Err(format!("the article has a block {id} already"));
        }
        let text = block_text(&value.text)?;
        check_marks(&value.marks, &value.text)?;
        let block = Block { id: id.clone(), kind: value.kind, text, marks: Arc::clone(&value.marks) };
        let slot = self.slots.len();
        self.slots.push(Slot { block: Some(Arc::new(block)), previous: slot, next: slot });
        self.index.insert(id, slot);
        Ok(slot)
    }

    fn unlink(&mut self, slot: usize) {
        let (previous, next) = (self.slots[slot].previous, self.slots[slot].next);
        self.slots[previous].next = next;
        self.slots[next].previous = previous;
    }

    fn link(&mut self, slot: usize, previous: usize) {
        let next = self.slots[previous].next;
        (self.slots[slot].previous, self.slots[slot].next) = (previous, next);
        self.slots[previous].next = slot;
        self.slots[next].previous = slot;
    }

    fn into_blocks(mut self) -> Vec<Arc<Block>> {
        let mut blocks = Vec::with_capacity(self.index.len());
        let mut slot = self.slots[FRONT].next;
        while slot != FRONT {
            blocks.extend(self.slots[slot].block.take());
            slot = self.slots[slot].next;
        }
        blocks
    }
}
