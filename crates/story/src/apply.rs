//! What an event does to a story.
//!
//! Every step is checked against the story, whoever wrote the event: a damaged log is found here
//! and not served. Limits are not checked, so that a later release with lower ones still reads
//! what an earlier one wrote.

mod chain;

use std::collections::HashSet;
use std::sync::Arc;

use crate::aggregate::{Published, Story};
use crate::apply::chain::Chain;
use crate::article::Article;
use crate::block::{Block, BlockId, Mark};
use crate::event::{Event, Operation};
use crate::field::Field;
use crate::identity::Revision;
use crate::kind::{Kind, Status};
use crate::lifecycle;
use crate::text::Text;

/// Highest number of a minted block id: beyond it, JSON numbers are not exact.
const MINTED_MAX: u64 = (1 << 53) - 1;

/// The log holds a history that [`decide`](crate::decide) never writes: damage or a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {revision} is illegal in its story: {problem}")]
pub struct IllegalEvent {
    /// The event's revision.
    pub revision: Revision,
    /// What does not fit.
    pub problem: String,
}

/// Returns the story after `event`, which the log says has happened.
///
/// A block that no operation names is the same allocation before and after.
///
/// # Errors
/// [`IllegalEvent`] means damage or a bug, so the caller parks this story and goes on with the
/// others.
pub fn apply(story: Story, event: &Event) -> Result<Story, IllegalEvent> {
    fold(story, event).map_err(|problem| IllegalEvent { revision: event.revision, problem })
}

fn fold(mut story: Story, event: &Event) -> Result<Story, String> {
    if story.revision.get().checked_add(1) != Some(event.revision.get()) {
        return Err(format!("it follows revision {}", story.revision));
    }
    lifecycle::problem(&story, event).map_or(Ok(()), Err)?;
    check_notice(event)?;
    let minted = minted_after(story.minted, &event.operations)?;
    check_order(&event.operations)?;
    let pending = event.redaction.is_some() && has_pending(&story);
    apply_steps(&mut story.article, &event.operations)?;
    if event.public {
        publish(&mut story, event, pending)?;
    }
    story.minted = minted;
    story.revision = event.revision;
    story.status = event.status;
    story.until = event.until;
    story.desk = Some(event.desk.clone());
    story.created.get_or_insert(event.recorded);
    story.recorded = Some(event.recorded);
    Ok(story)
}

/// Returns whether the desk works on what readers do not see yet.
fn has_pending(story: &Story) -> bool {
    story.published.as_ref().is_some_and(|published| published.article != story.article.public())
}

/// Shows readers what the story is from now on: its article, or a tombstone. While the desk has work
/// `pending`, which no redaction publishes, they keep what they have.
fn publish(story: &mut Story, event: &Event, pending: bool) -> Result<(), String> {
    let usable = event.status == Status::Usable;
    if usable && !pending {
        check_public(story, event.kind)?;
    }
    let before = story.published.take();
    let first = before.as_ref().map_or(event.recorded, |published| published.first);
    let (shown, kept) = before.map(|published| (published.article, published.had)).unzip();
    let mut had = kept.filter(|_| !event.recalls()).unwrap_or_default();
    let article = if usable {
        had.push(event.revision);
        shown.filter(|_| pending).unwrap_or_else(|| story.article.public())
    } else {
        story.article.tombstone()
    };
    story.published = Some(Published { revision: event.revision, article, first, at: event.recorded, had });
    Ok(())
}

fn check_notice(event: &Event) -> Result<(), String> {
    if event.redaction.is_some() != (event.kind == Kind::Redaction) {
        return Err(format!("it is a {} that redacts, or a redaction that does not", event.kind));
    }
    if event.act.is_some() == event.kind.is_for_copy() {
        return Err(format!("it is a {} with an act's notice, or an act without one", event.kind));
    }
    match (&event.correction, event.kind) {
        (Some(notice), Kind::Correction) => {
            let complete =
                [&notice.what, &notice.place, &event.note].into_iter().all(|text| !text.is_empty());
            complete.then_some(()).ok_or_else(|| "its correction is incomplete".to_owned())
        }
        (None, Kind::Correction) => Err("it is a correction that says nothing of what was wrong".to_owned()),
        (Some(_), kind) => Err(format!("it is a {kind} with a correction's notice")),
        (None, _) => Ok(()),
    }
}

fn check_public(story: &Story, kind: Kind) -> Result<(), String> {
    if story.article.headline().is_empty() {
        return Err("it publishes an article without a headline".to_owned());
    }
    if story.article.blocks.is_empty() && !story.may_be_headline_alone(kind) {
        return Err(format!("it publishes no body, as {kind}"));
    }
    Ok(())
}

/// Returns how many ids are minted after `operations`, none of which may take one again.
fn minted_after(minted: u64, operations: &[Operation]) -> Result<u64, String> {
    let mut highest = minted;
    for operation in operations {
        let Operation::Insert { block, .. } = operation else { continue };
        let Some(number) = minted_number(&block.id) else { continue };
        if number <= minted {
            return Err(format!("it inserts {}, an id that was used before", block.id));
        }
        if number > MINTED_MAX {
            return Err(format!("it inserts {}, which no service mints", block.id));
        }
        highest = highest.max(number);
    }
    Ok(highest)
}

/// Returns the number of an id such as `b12`, if it is written as the service writes it.
fn minted_number(id: &BlockId) -> Option<u64> {
    let digits = id.as_str().strip_prefix('b')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    plain.then(|| digits.parse().unwrap_or(u64::MAX)).filter(|_| !digits.is_empty())
}

fn check_order(operations: &[Operation]) -> Result<(), String> {
    let rank = |operation: &Operation| match operation {
        Operation::Delete { .. } => (0, None),
        Operation::Move { .. } | Operation::Insert { .. } => (1, None),
        Operation::Edit { .. } => (2, None),
        Operation::Set { field, .. } => (3, Some(*field)),
    };
    let ordered = operations.windows(2).all(|pair| {
        let (one, other) = (rank(&pair[0]), rank(&pair[1]));
        one < other || (one == other && one.1.is_none())
    });
    ordered.then_some(()).ok_or_else(|| "its operations are not in the fixed order".to_owned())
}

fn apply_steps(article: &mut Article, operations: &[Operation]) -> Result<(), String> {
    let edits_at = operations
        .partition_point(|operation| !matches!(operation, Operation::Edit { .. } | Operation::Set { .. }));
    let (rearranging, contents) = operations.split_at(edits_at);
    if !rearranging.is_empty() {
        article.blocks = rearranged(&article.blocks, rearranging)?;
    }
    let mut edited = HashSet::new();
    let mut near = 0;
    for operation in contents {
        match operation {
            Operation::Edit { block, text, kind, marks } => {
                check_content(block, text, marks)?;
                near = place_near(&article.blocks, block, near)
                    .filter(|_| edited.insert(block))
                    .ok_or_else(|| format!("it edits {block}, which is not there or edited already"))?;
                let (text, marks) = (text.clone(), Arc::clone(marks));
                article.blocks[near] = Arc::new(Block { id: block.clone(), kind: *kind, text, marks });
            }
            Operation::Set { field, text } => {
                check_field(*field, text)?;
                article.fields.set(*field, text.clone());
            }
            Operation::Delete { .. } | Operation::Move { .. } | Operation::Insert { .. } => {
                return Err("its operations are not in the fixed order".to_owned());
            }
        }
    }
    Ok(())
}

fn rearranged(blocks: &[Arc<Block>], operations: &[Operation]) -> Result<Vec<Arc<Block>>, String> {
    let mut chain = Chain::new(blocks);
    for operation in operations {
        let (done, id) = match operation {
            Operation::Delete { block } => (chain.delete(block), block),
            Operation::Move { block, after } => (chain.shift(block, after.as_ref()), block),
            Operation::Insert { block, after } => {
                check_content(&block.id, &block.text, &block.marks)?;
                (chain.insert(block, after.as_ref()), &block.id)
            }
            Operation::Edit { .. } | Operation::Set { .. } => continue,
        };
        if !done {
            return Err(format!("it takes {id} from or to where it cannot be"));
        }
    }
    Ok(chain.into_blocks())
}

/// Returns the place of `id`, looking from `near` on first: edits come in the order of blocks.
fn place_near(blocks: &[Arc<Block>], id: &BlockId, near: usize) -> Option<usize> {
    let (early, late) = blocks.split_at(near.min(blocks.len()));
    let is_it = |block: &Arc<Block>| block.id == *id;
    late.iter().position(is_it).map(|place| early.len() + place).or_else(|| early.iter().position(is_it))
}

fn check_content(id: &BlockId, text: &Text, marks: &[Mark]) -> Result<(), String> {
    content_problem(text, marks).map_or(Ok(()), |problem| Err(format!("{id} {problem}")))
}

/// Returns what keeps a block from having this content.
pub(crate) fn content_problem(text: &Text, marks: &[Mark]) -> Option<String> {
    if text.is_empty() {
        return Some("has no words".to_owned());
    }
    let mark = marks.iter().find_map(|mark| mark.problem(text.as_str()));
    if let Some(problem) = mark {
        return Some(format!("has a mark that {problem}"));
    }
    (!marks.is_sorted()).then(|| "has marks that are not sorted".to_owned())
}

fn check_field(field: Field, text: &Text) -> Result<(), String> {
    match field {
        Field::Slug if text.is_empty() => Err("it takes the slug away".to_owned()),
        _ => Ok(()),
    }
}
