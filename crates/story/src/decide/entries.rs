//! What a change to one live-blog entry causes.

use std::sync::Arc;

use jiff::Timestamp;

use crate::aggregate::Story;
use crate::apply::content_problem;
use crate::article::Article;
use crate::block::{Block, BlockId, BlockKind};
use crate::command::{Entry, EntryPlace, EntryStep, Release};
use crate::copy::CopyBlock;
use crate::decide::{Refusal, check_article, recorded};
use crate::event::{Event, Operation};
use crate::field::Field;
use crate::kind::{Kind, Status};
use crate::lifecycle::after_copy;
use crate::text::{Text, cut, cut_after};

pub(super) fn decide_entry(story: &Story, entry: &Entry, now: Timestamp) -> Result<Option<Event>, Refusal> {
    let desk = story.desk.clone().ok_or(Refusal::DeskMissing)?;
    // On a held story the entry waits for the release like everything else.
    let release = if story.status == Status::Withheld { Release::Draft } else { Release::Publish };
    let standing = after_copy(story, Kind::Update, release, now)?;
    let operations = operations(story, &entry.step)?;
    if operations.is_empty() {
        return Ok(None);
    }
    check_article(story, Kind::Update, standing.public, &after(story, &operations))?;
    let language = story.article.fields.get(Field::Language).as_str();
    Ok(Some(Event {
        revision: story.revision.next(),
        kind: Kind::Update,
        desk,
        status: standing.status,
        public: standing.public,
        recorded: recorded(story, now),
        occurred: entry.occurred.clone(),
        note: cut(entry.note.as_str(), language),
        correction: None,
        act: None,
        redaction: None,
        until: standing.until,
        rebased: None,
        label: None,
        operations,
    }))
}

fn operations(story: &Story, step: &EntryStep) -> Result<Vec<Operation>, Refusal> {
    let article = &story.article;
    match step {
        EntryStep::Add { content, place } => {
            if let Some(id) = &content.id {
                return Err(Refusal::BlockUnknown { index: 0, block: id.to_string() });
            }
            let block = block(article, BlockId::minted(next_id(story)), content, &Text::default())?;
            let after = match place {
                EntryPlace::Bottom => article.blocks.last().map(|block| block.id.clone()),
                EntryPlace::Top => before_entries(article),
            };
            Ok(vec![Operation::Insert { block: Arc::new(block), after }])
        }
        EntryStep::Edit { block: id, content } => {
            let old = found(article, id)?;
            if old.text == content.text && old.marks == content.marks {
                return Ok(Vec::new());
            }
            let Block { id, kind, text, marks } = block(article, id.clone(), content, &old.text)?;
            Ok(vec![Operation::Edit { block: id, text, kind, marks }])
        }
        EntryStep::Pin { block } => {
            found(article, block)?;
            Ok(pinned(article, |pins| {
                pins.retain(|pin| *pin != block.as_str());
                pins.insert(0, block.as_str());
            }))
        }
        EntryStep::Unpin { block } => {
            found(article, block)?;
            Ok(pinned(article, |pins| pins.retain(|pin| *pin != block.as_str())))
        }
        EntryStep::Delete { block } => {
            found(article, block)?;
            let mut operations = vec![Operation::Delete { block: block.clone() }];
            operations.extend(pinned(article, |pins| pins.retain(|pin| *pin != block.as_str())));
            Ok(operations)
        }
    }
}

/// Returns the number of the next id that the service mints.
fn next_id(story: &Story) -> u64 {
    story.minted.saturating_add(1)
}

/// Returns the block that the first entry follows: a new entry goes behind it.
fn before_entries(article: &Article) -> Option<BlockId> {
    let first = article.blocks.iter().position(|block| block.kind == BlockKind::Entry);
    let before = first.unwrap_or(article.blocks.len()).checked_sub(1)?;
    Some(article.blocks[before].id.clone())
}

fn found<'a>(article: &'a Article, id: &BlockId) -> Result<&'a Arc<Block>, Refusal> {
    match article.block(id) {
        Some((_, block)) if block.kind == BlockKind::Entry => Ok(block),
        _ => Err(Refusal::NoEntry { block: id.to_string() }),
    }
}

fn block(article: &Article, id: BlockId, content: &CopyBlock, old: &Text) -> Result<Block, Refusal> {
    if let Some(problem) = content_problem(&content.text, &content.marks) {
        return Err(Refusal::BlockIllegal { index: 0, problem });
    }
    let language = article.fields.get(Field::Language).as_str();
    let text = cut_after(&content.text, old, language);
    Ok(Block { id, kind: BlockKind::Entry, text, marks: Arc::clone(&content.marks) })
}

/// Returns the operation that gives the article the pins that `change` makes of its own.
fn pinned<'a>(article: &'a Article, change: impl FnOnce(&mut Vec<&'a str>)) -> Vec<Operation> {
    let before: Vec<&str> = article.fields.get(Field::Pinned).shown_values().collect();
    let mut after = before.clone();
    change(&mut after);
    if after == before {
        return Vec::new();
    }
    let text = Text::from_values(after.into_iter().map(Some));
    vec![Operation::Set { field: Field::Pinned, text }]
}

/// Returns the article after `operations`, as far as its size goes.
fn after(story: &Story, operations: &[Operation]) -> Article {
    let mut article = story.article.clone();
    for operation in operations {
        match operation {
            Operation::Insert { block, .. } => article.blocks.push(Arc::clone(block)),
            Operation::Delete { block } => article.blocks.retain(|one| one.id != *block),
            Operation::Edit { block, text, .. } => {
                for one in article.blocks.iter_mut().filter(|one| one.id == *block) {
                    *one = Arc::new(Block { text: text.clone(), ..(**one).clone() });
                }
            }
            Operation::Set { field, text } => article.fields.set(*field, text.clone()),
            Operation::Move { .. } => {}
        }
    }
    article
}
