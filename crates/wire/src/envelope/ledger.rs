//! The ledger: which commitment stands behind each value of the article.
//!
//! It keeps a leaf a path, so that a new state costs what changed and 32 bytes a path.

use std::collections::HashMap;
use std::sync::Arc;

use proof::{Commitment, Hash, leaf_hash, state_hash};
use story::{Article, BlockId, BlockKind, Field, Text};

/// Values, commitments and leaves of every path of one story.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    fields: [Option<Entry>; Field::ALL.len()],
    blocks: HashMap<BlockId, Arc<BlockEntry>>,
}

/// What stands at one path.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The values, as far as they are known.
    pub(super) text: Text,
    /// The commitment to each.
    pub(super) commitments: Arc<[Commitment]>,
    leaf: Hash,
}

/// What stands at the paths of one block.
#[derive(Debug, Clone)]
pub(super) struct BlockEntry {
    /// Its words.
    pub(super) text: Entry,
    /// Its mark-up, if it has any.
    pub(super) marks: Option<MarksEntry>,
}

/// The mark-up of a block.
#[derive(Debug, Clone)]
pub(super) struct MarksEntry {
    /// Its JSON; `None` if that was erased.
    pub(super) json: Option<Arc<str>>,
    /// The commitment to it.
    pub(super) commitment: Commitment,
    leaf: Hash,
}

impl MarksEntry {
    pub(super) fn new(block: &BlockId, json: Option<Arc<str>>, commitment: Commitment) -> Self {
        let leaf = leaf_hash(&format!("block/{block}/marks"), &[commitment]);
        Self { json, commitment, leaf }
    }
}

/// What an event changes in a ledger: nothing, until it is put in.
#[derive(Debug, Default)]
pub(super) struct Updates {
    fields: Vec<(Field, Option<Entry>)>,
    blocks: HashMap<BlockId, Arc<BlockEntry>>,
    gone: Vec<BlockId>,
}

impl Updates {
    /// Gives `field` other values; none clears it.
    pub(super) fn set(&mut self, field: Field, text: Text, commitments: &[Commitment]) {
        let entry = (!commitments.is_empty()).then(|| Entry {
            text,
            commitments: commitments.into(),
            leaf: leaf_hash(&format!("field/{field}"), commitments),
        });
        self.fields.push((field, entry));
    }

    /// Gives `block` other values and mark-up.
    pub(super) fn fill(
        &mut self,
        block: &BlockId,
        kind: BlockKind,
        (text, commitments): (Text, &[Commitment]),
        marks: Option<MarksEntry>,
    ) {
        let leaf = leaf_hash(&format!("block/{block}/{}", kind.as_str()), commitments);
        let text = Entry { text, commitments: commitments.into(), leaf };
        self.blocks.insert(block.clone(), Arc::new(BlockEntry { text, marks }));
    }

    /// Takes `block` out.
    pub(super) fn delete(&mut self, block: &BlockId) {
        self.gone.push(block.clone());
    }
}

impl Ledger {
    pub(super) fn field(&self, field: Field) -> Option<&Entry> {
        self.fields[field as usize].as_ref()
    }

    pub(super) fn block(&self, block: &BlockId) -> Option<&BlockEntry> {
        self.blocks.get(block).map(AsRef::as_ref)
    }

    /// Returns the hash of the state that `updates` make, whose article is `article`; the block
    /// that nothing is known of, if there is one.
    pub(super) fn state(&self, updates: &Updates, article: &Article) -> Result<Hash, BlockId> {
        let mut leaves: Vec<&Hash> = Vec::with_capacity(Field::ALL.len() + article.blocks.len());
        for field in Field::ALL {
            let updated = updates.fields.iter().rev().find(|(updated, _)| *updated == field);
            let entry = updated.map_or_else(|| self.field(field), |(_, entry)| entry.as_ref());
            leaves.extend(entry.map(|entry| &entry.leaf));
        }
        for block in &article.blocks {
            let updated = if updates.blocks.is_empty() { None } else { updates.blocks.get(&block.id) };
            let entry = updated.or_else(|| self.blocks.get(&block.id)).ok_or_else(|| block.id.clone())?;
            leaves.push(&entry.text.leaf);
            leaves.extend(entry.marks.as_ref().map(|marks| &marks.leaf));
        }
        Ok(state_hash(leaves.into_iter()))
    }

    /// Puts `updates` in.
    pub(super) fn put(&mut self, updates: Updates) {
        for block in &updates.gone {
            self.blocks.remove(block);
        }
        self.blocks.extend(updates.blocks);
        for (field, entry) in updates.fields {
            self.fields[field as usize] = entry;
        }
    }
}
