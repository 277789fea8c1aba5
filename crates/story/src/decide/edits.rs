//! What copy changes in a story's article, as operations in the fixed order.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::aggregate::Story;
use crate::apply::content_problem;
use crate::article::Article;
use crate::block::{Block, BlockId};
use crate::copy::{Copy, CopyBlock};
use crate::decide::Refusal;
use crate::diff::order::{Step, order_steps};
use crate::event::Operation;
use crate::field::{Field, Fields};
use crate::matching::carry_ids;
use crate::text::{Text, cut_after};

/// The operations that copy asks for, and the article they lead to.
pub(super) struct Edits {
    pub(super) operations: Vec<Operation>,
    pub(super) after: Article,
}

/// Returns what `copy` changes; words that stay keep their values as they were cut before.
pub(super) fn edits(story: &Story, copy: &Copy) -> Result<Edits, Refusal> {
    let (fields, sets) = edit_fields(&story.article.fields, copy);
    let language = fields.get(Field::Language).as_str();
    let mut operations = Vec::new();
    let blocks = match &copy.blocks {
        Some(given) if !is_same_body(&story.article.blocks, given) => {
            check_content(given)?;
            check_ids(&story.article.blocks, given)?;
            edit_body(story, given, language, &mut operations)
        }
        _ => story.article.blocks.clone(),
    };
    operations.extend(sets);
    Ok(Edits { operations, after: Article { fields, blocks } })
}

fn edit_fields(before: &Fields, copy: &Copy) -> (Fields, Vec<Operation>) {
    let mut after = before.clone();
    let mut changed: Vec<Field> =
        copy.given.iter().copied().filter(|field| !before.same(&copy.fields, *field)).collect();
    changed.sort_unstable();
    changed.dedup();
    let language = if changed.contains(&Field::Language) { &copy.fields } else { before };
    let language = language.get(Field::Language);
    let sets = changed.into_iter().map(|field| {
        let (old, new) = (before.get(field), copy.fields.get(field));
        let text = match field {
            Field::Slug | Field::Language | Field::Urgency => Text::uncut(new.as_str()),
            _ if field.is_list() => items_after(old, new),
            _ => cut_after(new, old, language.as_str()),
        };
        after.set(field, text.clone());
        Operation::Set { field, text }
    });
    let sets = sets.collect();
    (after, sets)
}

/// Returns the items of `new`; a redaction mark stays an erased item, as often as `old` has one.
fn items_after(old: &Text, new: &Text) -> Text {
    let mut erased = old.values().filter(Option::is_none).count();
    Text::from_values(new.values().map(|item| {
        let item = item?;
        if item == Text::REDACTION_MARK && erased > 0 {
            erased -= 1;
            return None;
        }
        Some(item)
    }))
}

/// Returns whether the copy's body is the article's, word for word: the common case when a system
/// sends everything again and only a field changed.
fn is_same_body(before: &[Arc<Block>], copy: &[CopyBlock]) -> bool {
    before.len() == copy.len()
        && before.iter().zip(copy).all(|(old, new)| {
            new.id.as_ref().is_none_or(|id| *id == old.id)
                && old.kind == new.kind
                && old.text == new.text
                && old.marks == new.marks
        })
}

/// Refuses what [`CopyBuilder`](crate::CopyBuilder) never lets through, so that no copy made by
/// other means writes an event that cannot be applied.
fn check_content(copy: &[CopyBlock]) -> Result<(), Refusal> {
    for (index, block) in copy.iter().enumerate() {
        if let Some(problem) = content_problem(&block.text, &block.marks) {
            return Err(Refusal::BlockIllegal { index, problem });
        }
    }
    Ok(())
}

fn check_ids(before: &[Arc<Block>], copy: &[CopyBlock]) -> Result<(), Refusal> {
    if copy.iter().all(|block| block.id.is_none()) {
        return Ok(());
    }
    let known: HashSet<&BlockId> = before.iter().map(|block| &block.id).collect();
    let mut claimed = HashSet::new();
    for (index, id) in copy.iter().enumerate().filter_map(|(index, block)| Some((index, block.id.as_ref()?)))
    {
        if !known.contains(id) {
            return Err(Refusal::BlockUnknown { index, block: id.to_string() });
        }
        if !claimed.insert(id) {
            return Err(Refusal::BlockTwice { index, block: id.to_string() });
        }
    }
    Ok(())
}

fn edit_body(
    story: &Story,
    copy: &[CopyBlock],
    language: &str,
    operations: &mut Vec<Operation>,
) -> Vec<Arc<Block>> {
    let before = &story.article.blocks;
    let known = Known::new(before);
    let (carried, _) = carry_ids(before, copy, story.minted);
    let after: Vec<Arc<Block>> = carried
        .into_iter()
        .enumerate()
        .map(|(place, block)| match known.get(&block.id, place) {
            Some(old) => continued(old, &block, language),
            None => recut(&block, &Text::default(), language),
        })
        .collect();
    rearrange(before, &after, operations);
    operations.extend(after.iter().enumerate().filter_map(|(place, block)| {
        let old = known.get(&block.id, place)?;
        (!Arc::ptr_eq(old, block)).then(|| Operation::Edit {
            block: block.id.clone(),
            text: block.text.clone(),
            kind: block.kind,
            marks: Arc::clone(&block.marks),
        })
    }));
    after
}

/// The blocks before, by id.
struct Known<'a> {
    blocks: &'a [Arc<Block>],
    /// Made when a block is first looked for that does not stand where it stood.
    by_id: OnceCell<HashMap<&'a BlockId, &'a Arc<Block>>>,
}

impl<'a> Known<'a> {
    const fn new(blocks: &'a [Arc<Block>]) -> Self {
        Self { blocks, by_id: OnceCell::new() }
    }

    /// Returns the block `id`, which is most likely still at `place`.
    fn get(&self, id: &BlockId, place: usize) -> Option<&'a Arc<Block>> {
        let in_place = self.blocks.get(place).filter(|block| block.id == *id);
        in_place.or_else(|| {
            let all = || self.blocks.iter().map(|block| (&block.id, block)).collect();
            self.by_id.get_or_init(all).get(id).copied()
        })
    }
}

/// Returns what `old` becomes as `new`: itself, where nothing changed.
fn continued(old: &Arc<Block>, new: &Arc<Block>, language: &str) -> Arc<Block> {
    if old == new {
        return Arc::clone(old);
    }
    if old.text != new.text {
        return recut(new, &old.text, language);
    }
    Arc::new(Block { text: old.text.clone(), ..(**new).clone() })
}

fn recut(new: &Block, old: &Text, language: &str) -> Arc<Block> {
    Arc::new(Block { text: cut_after(&new.text, old, language), ..new.clone() })
}

/// Adds what takes the order of `before` to that of `after`.
fn rearrange(before: &[Arc<Block>], after: &[Arc<Block>], operations: &mut Vec<Operation>) {
    let old: Vec<&BlockId> = before.iter().map(|block| &block.id).collect();
    let new: Vec<&BlockId> = after.iter().map(|block| &block.id).collect();
    operations.extend(order_steps(&old, &new).into_iter().map(|step| match step {
        Step::Delete { block } => Operation::Delete { block: block.clone() },
        Step::Move { block, after } => Operation::Move { block: block.clone(), after: after.cloned() },
        Step::Insert { index, after: previous, .. } => {
            Operation::Insert { block: Arc::clone(&after[index]), after: previous.cloned() }
        }
    }));
}
