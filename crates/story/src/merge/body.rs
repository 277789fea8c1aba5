//! The body on three sides: which block is which, what becomes of each, and in what order.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::block::{self, same};
use super::order::{self, Orders};
use super::{Clash, Sides, tally};
use crate::block::{Block, BlockId};
use crate::copy::CopyBlock;
use crate::matching::carry_ids;
use crate::text::{Text, cut, cut_after};

/// My body as it was given, and the language that its new sentences are cut by.
pub(super) struct Mine<'m> {
    pub(super) given: &'m [CopyBlock],
    pub(super) language: &'m str,
}

/// Returns theirs with what mine changes in base; where both changed one thing, mine.
pub(super) fn merged(
    base: &[Arc<Block>],
    theirs: &[Arc<Block>],
    mine: &Mine<'_>,
    places: &mut Vec<Clash>,
) -> Vec<Arc<Block>> {
    let mut body = Body::new(base, theirs);
    body.read(base, mine);
    let mut clashes = BTreeSet::new();
    let outcomes: Vec<Option<Arc<Block>>> = body
        .slots
        .iter()
        .enumerate()
        .map(|(number, slot)| {
            let Outcome { block, clashes: met } = outcome(slot);
            if met {
                clashes.insert(number);
            }
            block
        })
        .collect();
    let [theirs, mine] = [&body.theirs, &body.mine]
        .map(|order| order.iter().copied().filter(|number| outcomes[*number].is_some()).collect::<Vec<_>>());
    let orders = Orders { base: body.base, count: outcomes.len(), theirs: &theirs, mine: &mine };
    let order::Merged { order, clashes: moved } = order::merged(&orders);
    let blocks: Vec<Arc<Block>> = order.into_iter().filter_map(|number| outcomes[number].clone()).collect();
    let [their_blocks, my_blocks] =
        [body.side(&body.theirs, |slot| &slot.theirs), body.side(&body.mine, |slot| &slot.mine)];
    let undone = tally::undone(base, &their_blocks, &my_blocks, &blocks);
    clashes.extend(undone.into_iter().filter_map(|place| body.numbers.get(&base[place].id)));
    places.extend(clashes.into_iter().map(|number| body.clash(number)));
    places.extend(body.order_clashes(&moved));
    blocks
}

/// One block on all sides.
#[derive(Default)]
struct Slot {
    base: Option<Arc<Block>>,
    theirs: Option<Arc<Block>>,
    mine: Option<Arc<Block>>,
}

/// What becomes of a block; `block` is `None` if it goes.
struct Outcome {
    block: Option<Arc<Block>>,
    clashes: bool,
}

fn outcome(slot: &Slot) -> Outcome {
    let (block, clashes) = match (&slot.base, &slot.theirs, &slot.mine) {
        (Some(base), Some(theirs), Some(mine)) => {
            let merged = block::merged(base, theirs, mine);
            (Some(merged.block), merged.clashes)
        }
        (None, Some(theirs), Some(mine)) => {
            let merged = block::put_in_twice(theirs, mine);
            (Some(merged.block), merged.clashes)
        }
        (Some(base), Some(theirs), None) => (None, !same(base, theirs)),
        (Some(base), None, Some(mine)) => {
            let edited = !same(base, mine);
            (edited.then(|| Arc::clone(mine)), edited)
        }
        (None, theirs, mine) => (theirs.clone().or_else(|| mine.clone()), false),
        (Some(_), None, None) => (None, false),
    };
    Outcome { block, clashes }
}

/// Every block of every side, by number: the base's first, then theirs, then mine.
struct Body {
    slots: Vec<Slot>,
    /// How many of them the base has.
    base: usize,
    /// Their order.
    theirs: Vec<usize>,
    /// My order.
    mine: Vec<usize>,
    numbers: HashMap<BlockId, usize>,
}

impl Body {
    fn new(base: &[Arc<Block>], theirs: &[Arc<Block>]) -> Self {
        let mut body = Self {
            slots: Vec::with_capacity(base.len().max(theirs.len())),
            base: 0,
            theirs: Vec::with_capacity(theirs.len()),
            mine: Vec::new(),
            numbers: HashMap::with_capacity(base.len()),
        };
        for block in base {
            let number = body.number(&block.id);
            body.slots[number].base = Some(Arc::clone(block));
        }
        body.base = body.slots.len();
        for block in theirs {
            let number = body.number(&block.id);
            body.slots[number].theirs = Some(Arc::clone(block));
            body.theirs.push(number);
        }
        body
    }

    /// Returns the number of `id`, a new one if it is new.
    fn number(&mut self, id: &BlockId) -> usize {
        let next = self.slots.len();
        let number = *self.numbers.entry(id.clone()).or_insert(next);
        if number == next {
            self.slots.push(Slot::default());
        }
        number
    }

    /// Reads my copy as what it makes of the base.
    fn read(&mut self, base: &[Arc<Block>], mine: &Mine<'_>) {
        let (carried, _) = carry_ids(base, mine.given, 0);
        let known: Vec<Option<usize>> = carried
            .iter()
            .zip(mine.given)
            .map(|(block, given)| {
                let number = *self.numbers.get(&block.id)?;
                (number < self.base || given.id.as_ref() == Some(&block.id)).then_some(number)
            })
            .collect();
        for (block, number) in carried.iter().zip(&known) {
            if let Some(slot) = number.and_then(|number| self.slots.get_mut(number)) {
                let before = slot.base.as_ref().or(slot.theirs.as_ref());
                slot.mine =
                    Some(before.map_or_else(|| Arc::clone(block), |old| cut_like(block, old, mine.language)));
            }
        }
        let mut waiting = self.put_in_by_them();
        let mut last = None;
        let mut named = 0;
        for (block, number) in carried.iter().zip(known) {
            let number = number.unwrap_or_else(|| {
                let text = cut(block.text.as_str(), mine.language);
                let twin = waiting.get_mut(&(last, text.as_str().to_owned())).and_then(VecDeque::pop_front);
                let number = twin.unwrap_or_else(|| self.new_number(&mut named));
                let id =
                    self.slots[number].theirs.as_ref().map_or_else(|| new_id(named), |twin| twin.id.clone());
                self.slots[number].mine = Some(Arc::new(Block { id, text, ..(**block).clone() }));
                number
            });
            self.mine.push(number);
            if self.is_fixed(number) {
                last = Some(number);
            }
        }
    }

    /// Returns the blocks that theirs put in and mine does not name, by the block of the base that
    /// they stand behind and by their words.
    fn put_in_by_them(&self) -> HashMap<(Option<usize>, String), VecDeque<usize>> {
        let mut waiting: HashMap<_, VecDeque<usize>> = HashMap::new();
        let mut last = None;
        for number in &self.theirs {
            let slot = &self.slots[*number];
            if self.is_fixed(*number) {
                last = Some(*number);
            } else if let (Some(block), None, None) = (&slot.theirs, &slot.base, &slot.mine) {
                waiting.entry((last, block.text.as_str().to_owned())).or_default().push_back(*number);
            }
        }
        waiting
    }

    /// Returns whether all sides have the block.
    fn is_fixed(&self, number: usize) -> bool {
        let Slot { base, theirs, mine } = &self.slots[number];
        base.is_some() && theirs.is_some() && mine.is_some()
    }

    /// Returns the number of a block that only mine has.
    fn new_number(&mut self, named: &mut usize) -> usize {
        *named += 1;
        while self.numbers.contains_key(&new_id(*named)) {
            *named += 1;
        }
        self.number(&new_id(*named))
    }

    fn side(&self, order: &[usize], version: fn(&Slot) -> &Option<Arc<Block>>) -> Vec<Arc<Block>> {
        order.iter().filter_map(|number| version(&self.slots[*number]).clone()).collect()
    }

    fn clash(&self, number: usize) -> Clash {
        let Slot { base, theirs, mine } = &self.slots[number];
        let sides = Sides { base: base.clone(), theirs: theirs.clone(), mine: mine.clone() };
        Clash::Block { block: self.id(number), sides }
    }

    fn order_clashes(&self, moved: &[usize]) -> Vec<Clash> {
        let all: Vec<usize> = (0..self.base).collect();
        let [base, theirs, mine] = [&all, &self.theirs, &self.mine]
            .map(|order| order.windows(2).map(|pair| (pair[1], pair[0])).collect::<HashMap<usize, usize>>());
        let clash = |number: &usize| {
            let follows = |side: &HashMap<usize, usize>| side.get(number).map(|before| self.id(*before));
            let sides = Sides { base: follows(&base), theirs: follows(&theirs), mine: follows(&mine) };
            Clash::Order { block: self.id(*number), sides }
        };
        moved.iter().map(clash).collect()
    }

    fn id(&self, number: usize) -> BlockId {
        let Slot { base, theirs, mine } = &self.slots[number];
        let block = base.as_ref().or(theirs.as_ref()).or(mine.as_ref());
        block.map_or_else(|| new_id(number), |block| block.id.clone())
    }
}

/// Returns `block` with its text cut as a push cuts one that follows `old`.
fn cut_like(block: &Arc<Block>, old: &Block, language: &str) -> Arc<Block> {
    let text: Text =
        if block.text == old.text { old.text.clone() } else { cut_after(&block.text, &old.text, language) };
    Arc::new(Block { text, ..(**block).clone() })
}

/// Returns the `number`th name of a block that no story has yet.
fn new_id(number: usize) -> BlockId {
    format!("new-{number}").parse().expect("letters, a dash and digits are a legal block id")
}
