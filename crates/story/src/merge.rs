//! Two editors at once: carries what one changed over onto what the other has filed since.
//!
//! It knows no log and no revision, and never chooses between two editors: where both changed the
//! same words, field or place differently it says so and hands back every version.

mod block;
mod body;
mod fields;
mod order;
mod sentences;
mod tally;
mod values;

use std::collections::HashSet;
use std::sync::Arc;

use crate::apply::content_problem;
use crate::article::Article;
use crate::block::{Block, BlockId};
use crate::copy::{Copy, CopyBlock};
use crate::field::Field;
use crate::text::Text;

/// What two editors changed both, each in another way: nothing was merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} of what this copy changes has been changed since: choose, then file against the newest revision", self.places.len())]
pub struct Overlap {
    /// Where, with all three versions: fields first, then blocks in the base's order, then order.
    pub places: Vec<Clash>,
    /// The article with everything that could be merged; at each of `places` my version stands.
    ///
    /// Blocks that are new in mine are named `new-1`, `new-2`, … here. No story has such ids, so
    /// one that is filed by mistake is refused and takes no other block's place.
    pub proposal: Article,
}

/// One thing that both changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clash {
    /// The words, kind or mark-up of a block.
    Block {
        /// The block.
        block: BlockId,
        /// Its versions; `None` where it is not there: taken out, or not there yet.
        sides: Sides<Option<Arc<Block>>>,
    },
    /// A field.
    Field {
        /// The field.
        field: Field,
        /// Its versions; an absent field is an empty text.
        sides: Sides<Text>,
    },
    /// The place of a block in the order.
    Order {
        /// The block.
        block: BlockId,
        /// The block that it follows; `None` if it is first, or not there.
        sides: Sides<Option<BlockId>>,
    },
}

/// Three versions of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides<T> {
    /// What both began with.
    pub base: T,
    /// What has been filed since.
    pub theirs: T,
    /// What the copy says.
    pub mine: T,
}

/// Returns the copy that carries what `mine` changed in `base` over onto `theirs`: what to push
/// on top of `theirs`.
///
/// The copy gives every field that is to differ from `theirs`, and the whole body: a block that
/// `theirs` has with its id, a new one without. A change that only one side made is taken; the
/// same change on both sides is one change. Different changes merge where they touch different
/// fields, items of a list, blocks or sentences. Both sides' insertions stay, each behind what it
/// followed, theirs first; a text that both put in the same place is there once. A block that one
/// side takes out goes, moved or not, unless the other changed its words, kind or mark-up.
///
/// A copy that cannot be pushed on anything (it claims an id twice, or one that neither article
/// has, or holds a block that intake lets no one file) is handed back as it is, so that the push
/// refuses it by name.
///
/// The same input always gives the same answer. Cost is that of pushing the copy, and besides
/// O(n log n) in blocks and sentences.
///
/// # Errors
/// [`Overlap`] says where both made different changes, and proposes an article. No sentence of
/// either side is missing from its places and its proposal together.
pub fn merge(base: &Article, theirs: &Article, mine: &Copy) -> Result<Copy, Box<Overlap>> {
    if mine.blocks.as_ref().is_some_and(|blocks| is_refused(base, theirs, blocks)) {
        return Ok(mine.clone());
    }
    let mut places = Vec::new();
    let fields = fields::merged(base, theirs, mine, &mut places);
    let blocks = match &mine.blocks {
        None => theirs.blocks.clone(),
        Some(given) => {
            let language = fields.get(Field::Language).as_str();
            body::merged(&base.blocks, &theirs.blocks, &body::Mine { given, language }, &mut places)
        }
    };
    let proposal = Article { fields, blocks };
    if places.is_empty() {
        return Ok(copy_of(&proposal, theirs));
    }
    Err(Box::new(Overlap { places, proposal }))
}

/// Returns whether every push would refuse these blocks.
fn is_refused(base: &Article, theirs: &Article, blocks: &[CopyBlock]) -> bool {
    let all = base.blocks.iter().chain(&theirs.blocks);
    let known: HashSet<&BlockId> = all.map(|block| &block.id).collect();
    let mut claimed = HashSet::new();
    blocks.iter().any(|block| {
        content_problem(&block.text, &block.marks).is_some()
            || block.id.as_ref().is_some_and(|id| !known.contains(id) || !claimed.insert(id))
    })
}

/// Returns the copy that makes `merged` out of `theirs`.
fn copy_of(merged: &Article, theirs: &Article) -> Copy {
    let known: HashSet<&BlockId> = theirs.blocks.iter().map(|block| &block.id).collect();
    let blocks = merged.blocks.iter().map(|block| CopyBlock {
        id: known.contains(&block.id).then(|| block.id.clone()),
        kind: block.kind,
        text: block.text.clone(),
        marks: Arc::clone(&block.marks),
    });
    let mut copy = Copy { blocks: Some(blocks.collect()), ..Copy::default() };
    for field in Field::ALL.into_iter().filter(|field| !merged.fields.same(&theirs.fields, *field)) {
        copy.given.push(field);
        copy.fields.set(field, merged.fields.get(field).clone());
    }
    copy
}
