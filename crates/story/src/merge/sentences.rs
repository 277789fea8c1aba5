//! Sentences of one block on three sides: which changes meet, and which only touch.
//!
//! A change of as many sentences as take their place is one change a sentence, and so is taking
//! sentences out; only what cannot be told apart like that is one change.

use std::cmp::Ordering;
use std::ops::Range;

use super::values::{Value, numbered};
use crate::diff::align::{Change, changes};

/// Three versions of a block's text.
pub(super) struct Texts<'a> {
    pub(super) base: Vec<Value<'a>>,
    pub(super) theirs: Vec<Value<'a>>,
    pub(super) mine: Vec<Value<'a>>,
}

/// What became of them.
pub(super) struct Merged<'a> {
    pub(super) values: Vec<Value<'a>>,
    /// Whether both changed one sentence, or the mark-up of one: mine stands there.
    pub(super) clashes: bool,
}

/// Returns base with the changes of both sides; two insertions in one place are both there, theirs
/// first, and what both put in is there once.
pub(super) fn merged<'a>(texts: &Texts<'a>) -> Merged<'a> {
    let numbers = numbered([&texts.base, &texts.theirs, &texts.mine]);
    let [base, theirs, mine] = &numbers;
    let (to_theirs, to_mine) = (changes(base, theirs), changes(base, mine));
    let walk = Walk {
        texts,
        theirs: Steps::new(theirs, single(&to_theirs, theirs, (&to_mine, mine))),
        mine: Steps::new(mine, single(&to_mine, mine, (&to_theirs, theirs))),
        merged: Merged { values: Vec::new(), clashes: false },
    };
    walk.run()
}

/// Returns `found` in changes as small as can be told; an insertion that the other side made too,
/// at the edge of a change, is a change of its own.
fn single(found: &[Change], own: &[u32], (others, other): (&[Change], &[u32])) -> Vec<Change> {
    let inserted = |at: usize| {
        let first = others.partition_point(|change| change.old.start < at);
        others.get(first).filter(|change| change.old == (at..at)).map(|change| &other[change.new.clone()])
    };
    let mut singles = Vec::new();
    for change in found {
        let Change { old, mut new } = change.clone();
        let mut behind = None;
        if !old.is_empty() && new.len() > old.len() {
            let edge = |at: usize| inserted(at).map_or(&[][..], |words| words);
            let (head, tail) = (edge(old.start), edge(old.end));
            if own[new.clone()].starts_with(head) && !head.is_empty() {
                singles.push(Change { old: old.start..old.start, new: new.start..new.start + head.len() });
                new.start += head.len();
            }
            if own[new.clone()].ends_with(tail) && !tail.is_empty() {
                behind = Some(Change { old: old.end..old.end, new: new.end - tail.len()..new.end });
                new.end -= tail.len();
            }
        }
        if new.is_empty() && !old.is_empty() {
            singles.extend(old.map(|at| Change { old: at..at + 1, new: new.start..new.start }));
        } else if old.len() == new.len() {
            singles.extend(old.zip(new).map(|(at, to)| Change { old: at..at + 1, new: to..to + 1 }));
        } else {
            singles.push(Change { old, new });
        }
        singles.extend(behind);
    }
    singles
}

/// One side's changes, and how many of them are behind us.
struct Steps<'n> {
    numbers: &'n [u32],
    changes: Vec<Change>,
    done: usize,
}

impl<'n> Steps<'n> {
    const fn new(numbers: &'n [u32], changes: Vec<Change>) -> Self {
        Self { numbers, changes, done: 0 }
    }

    fn next(&self) -> Option<&Change> {
        self.changes.get(self.done)
    }

    /// Passes every change that meets `region` and widens it to hold them; returns whether there
    /// was one.
    fn widen(&mut self, region: &mut Range<usize>) -> bool {
        let known = self.done;
        while let Some(change) = self.next().filter(|change| meet(&change.old, region)) {
            *region = region.start.min(change.old.start)..region.end.max(change.old.end);
            self.done += 1;
        }
        self.done > known
    }

    /// Returns where this side has what is at `region` in the base, if its changes from `first` on
    /// are in there.
    fn version(&self, region: &Range<usize>, first: usize) -> Option<Range<usize>> {
        let passed = &self.changes[first..self.done];
        let (head, tail) = (passed.first()?, passed.last()?);
        let start = head.new.start - (head.old.start - region.start);
        Some(start..tail.new.end + (region.end - tail.old.end))
    }

    /// Returns where this side has the base's sentence `at`, which it has not changed.
    fn place(&self, at: usize) -> usize {
        let last = self.done.checked_sub(1).and_then(|last| self.changes.get(last));
        last.map_or(at, |last| last.new.end + (at - last.old.end))
    }
}

/// Returns whether two changes of the base are about the same sentence, or one is inside the other.
/// Two insertions in one place meet too.
fn meet(one: &Range<usize>, other: &Range<usize>) -> bool {
    (one.start < other.end && other.start < one.end) || (one.is_empty() && one == other)
}

/// Returns whether two versions of the same sentences have the same mark-up.
fn is_marked_alike(one: &[Value<'_>], other: &[Value<'_>]) -> bool {
    one.iter().zip(other).all(|(one, other)| one.marks == other.marks)
}

struct Walk<'t, 'n, 'a> {
    texts: &'t Texts<'a>,
    theirs: Steps<'n>,
    mine: Steps<'n>,
    merged: Merged<'a>,
}

impl<'a> Walk<'_, '_, 'a> {
    fn run(mut self) -> Merged<'a> {
        let mut at = 0;
        while let Some(mut region) = self.first() {
            self.keep(at..region.start);
            let from = (self.theirs.done, self.mine.done);
            while self.theirs.widen(&mut region) || self.mine.widen(&mut region) {}
            match (self.theirs.version(&region, from.0), self.mine.version(&region, from.1)) {
                (Some(theirs), Some(mine)) if region.is_empty() => self.both_inserted((theirs, mine)),
                (Some(theirs), Some(mine)) => self.both_changed((theirs, mine)),
                (Some(theirs), None) => self.theirs_changed(theirs, region.clone()),
                (None, Some(mine)) => self.mine_changed(mine, region.clone()),
                (None, None) => {}
            }
            at = region.end;
        }
        self.keep(at..self.texts.base.len());
        self.merged
    }

    /// Returns what the next change of either side changes.
    fn first(&self) -> Option<Range<usize>> {
        let key = |range: &Range<usize>| (range.start, range.end);
        match (self.theirs.next(), self.mine.next()) {
            (Some(one), Some(other)) if key(&one.old).cmp(&key(&other.old)) == Ordering::Greater => {
                Some(other.old.clone())
            }
            (Some(change), _) | (None, Some(change)) => Some(change.old.clone()),
            (None, None) => None,
        }
    }

    fn take(&mut self, values: &[Value<'a>]) {
        self.merged.values.extend_from_slice(values);
    }

    /// Adds sentences that neither side changed.
    fn keep(&mut self, range: Range<usize>) {
        for at in range {
            let (theirs, mine) = (self.theirs.place(at), self.mine.place(at));
            let (theirs, mine) = (&self.texts.theirs[theirs], &self.texts.mine[mine]);
            self.same(Some(&self.texts.base[at]), theirs, mine);
        }
    }

    /// Adds a sentence that both have, with the mark-up of the one who changed it.
    fn same(&mut self, base: Option<&Value<'a>>, theirs: &Value<'a>, mine: &Value<'a>) {
        let mut value = mine.clone();
        if theirs.marks != mine.marks {
            match base {
                Some(base) if base.marks == mine.marks => value.marks.clone_from(&theirs.marks),
                Some(base) if base.marks == theirs.marks => {}
                _ => self.merged.clashes = true,
            }
        }
        if mine.behind.is_none() || base.is_some_and(|base| base.behind == mine.behind) {
            value.behind = theirs.behind.or(mine.behind);
        }
        value.before = mine.before.or(theirs.before);
        self.merged.values.push(value);
    }

    /// Adds sentences that theirs changed, unless mine marked what they were.
    fn theirs_changed(&mut self, theirs: Range<usize>, region: Range<usize>) {
        let texts = self.texts;
        let start = self.mine.place(region.start);
        let mine = start..start + region.len();
        if is_marked_alike(&texts.base[region], &texts.mine[mine.clone()]) {
            return self.take(&texts.theirs[theirs]);
        }
        self.merged.clashes = true;
        self.take(&texts.mine[mine]);
    }

    /// Adds sentences that mine changed.
    fn mine_changed(&mut self, mine: Range<usize>, region: Range<usize>) {
        let texts = self.texts;
        let start = self.theirs.place(region.start);
        let theirs = &texts.theirs[start..start + region.len()];
        self.merged.clashes |= !is_marked_alike(&texts.base[region], theirs);
        self.take(&texts.mine[mine]);
    }

    fn both_inserted(&mut self, (theirs, mine): (Range<usize>, Range<usize>)) {
        let (texts, at) = (self.texts, (theirs.start, mine.start));
        let [their_end, my_end] = [theirs.len(), mine.len()];
        let found = changes(&self.theirs.numbers[theirs], &self.mine.numbers[mine]);
        let mut done = (0, 0);
        let end = Change { old: their_end..their_end, new: my_end..my_end };
        for change in found.iter().chain([&end]) {
            for (their, my) in (done.0..change.old.start).zip(done.1..change.new.start) {
                self.same(None, &texts.theirs[at.0 + their], &texts.mine[at.1 + my]);
            }
            self.take(&texts.theirs[at.0 + change.old.start..at.0 + change.old.end]);
            self.take(&texts.mine[at.1 + change.new.start..at.1 + change.new.end]);
            done = (change.old.end, change.new.end);
        }
    }

    fn both_changed(&mut self, (theirs, mine): (Range<usize>, Range<usize>)) {
        let texts = self.texts;
        if self.theirs.numbers[theirs.clone()] == self.mine.numbers[mine.clone()] {
            for (their, my) in theirs.zip(mine) {
                self.same(None, &texts.theirs[their], &texts.mine[my]);
            }
            return;
        }
        self.merged.clashes = true;
        self.take(&texts.mine[mine]);
    }
}
