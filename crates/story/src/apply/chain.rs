//! The order of blocks while an event's steps rearrange it: each step costs the same, however
//! long the article is.

use std::collections::HashMap;
use std::sync::Arc;

use crate::block::{Block, BlockId};

/// Place before the first block, in the lists of neighbours.
const HEAD: usize = 0;

/// A doubly linked ring of blocks, entered through [`HEAD`].
pub(super) struct Chain {
    places: HashMap<BlockId, usize>,
    blocks: Vec<Option<Arc<Block>>>,
    next: Vec<usize>,
    previous: Vec<usize>,
}

impl Chain {
    pub(super) fn new(blocks: &[Arc<Block>]) -> Self {
        let mut chain = Self {
            places: HashMap::with_capacity(blocks.len()),
            blocks: vec![None],
            next: vec![HEAD],
            previous: vec![HEAD],
        };
        for block in blocks {
            let last = chain.previous[HEAD];
            chain.link(Arc::clone(block), last);
        }
        chain
    }

    /// Takes `id` out; `false` if it is not there.
    pub(super) fn delete(&mut self, id: &BlockId) -> bool {
        self.places.remove(id).is_some_and(|place| self.unlink(place).is_some())
    }

    /// Puts `block` behind `after`; `false` if `after` is not there or the block already is.
    pub(super) fn insert(&mut self, block: &Arc<Block>, after: Option<&BlockId>) -> bool {
        let Some(after) = self.place(after).filter(|_| !self.places.contains_key(&block.id)) else {
            return false;
        };
        self.link(Arc::clone(block), after);
        true
    }

    /// Puts the present block `id` behind `after`; `false` if either is not there, or they are one.
    pub(super) fn shift(&mut self, id: &BlockId, after: Option<&BlockId>) -> bool {
        let (Some(place), Some(after)) = (self.places.get(id).copied(), self.place(after)) else {
            return false;
        };
        if place == after {
            return false;
        }
        if let Some(block) = self.unlink(place) {
            self.link(block, after);
        }
        true
    }

    /// Returns the blocks in order.
    pub(super) fn into_blocks(mut self) -> Vec<Arc<Block>> {
        let mut blocks = Vec::with_capacity(self.places.len());
        let mut place = self.next[HEAD];
        while place != HEAD {
            blocks.extend(self.blocks[place].take());
            place = self.next[place];
        }
        blocks
    }

    fn place(&self, after: Option<&BlockId>) -> Option<usize> {
        after.map_or(Some(HEAD), |id| self.places.get(id).copied())
    }

    fn link(&mut self, block: Arc<Block>, after: usize) {
        let place = self.blocks.len();
        let before = self.next[after];
        self.places.insert(block.id.clone(), place);
        self.blocks.push(Some(block));
        self.next.push(before);
        self.previous.push(after);
        self.next[after] = place;
        self.previous[before] = place;
    }

    fn unlink(&mut self, place: usize) -> Option<Arc<Block>> {
        let (previous, next) = (self.previous[place], self.next[place]);
        self.next[previous] = next;
        self.previous[next] = previous;
        self.blocks[place].take()
    }
}
