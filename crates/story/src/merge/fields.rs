//! Fields on three sides. A field is one thing and is not merged inside, but a list is one thing
//! an item.

use std::collections::HashSet;

use super::{Clash, Sides};
use crate::article::Article;
use crate::copy::Copy;
use crate::field::{Field, Fields};
use crate::limits::LIST_ITEMS_MAX;
use crate::text::Text;

/// Returns theirs with what `mine` changes in them; where both changed one, mine.
pub(super) fn merged(base: &Article, theirs: &Article, mine: &Copy, places: &mut Vec<Clash>) -> Fields {
    let mut merged = theirs.fields.clone();
    for field in Field::ALL.into_iter().filter(|field| mine.given.contains(field)) {
        if mine.fields.same(&base.fields, field) || mine.fields.same(&theirs.fields, field) {
            continue;
        }
        let [old, their, my] =
            [&base.fields, &theirs.fields, &mine.fields].map(|fields| fields.get(field).clone());
        if theirs.fields.same(&base.fields, field) {
            merged.set(field, my);
            continue;
        }
        if let Some(items) = has_items(field).then(|| merged_items(&old, &their, &my)).flatten() {
            merged.set(field, items);
            continue;
        }
        merged.set(field, my.clone());
        places.push(Clash::Field { field, sides: Sides { base: old, theirs: their, mine: my } });
    }
    merged
}

/// Returns whether each value of the field is an item of its own; the parts of a source are one
/// thing together.
const fn has_items(field: Field) -> bool {
    field.is_list() && !matches!(field, Field::Source)
}

/// Returns theirs without the items that mine took out and with those that it put in, each behind
/// the item it follows; `None` if one side did more than that, or both replaced one item.
fn merged_items(base: &Text, theirs: &Text, mine: &Text) -> Option<Text> {
    let [base, theirs, mine] = [base, theirs, mine].map(Items::of);
    let [base, theirs, mine] = [base?, theirs?, mine?];
    if !theirs.keeps_order_of(&base) || !mine.keeps_order_of(&base) {
        return None;
    }
    let replaced = base.list.iter().any(|item| !theirs.set.contains(item) && !mine.set.contains(item));
    let adds = |side: &Items<'_>, other: &Items<'_>| {
        side.list.iter().any(|item| !base.set.contains(item) && !other.set.contains(item))
    };
    if replaced && adds(&theirs, &mine) && adds(&mine, &theirs) {
        return None;
    }
    let mut merged: Vec<&str> = theirs
        .list
        .iter()
        .copied()
        .filter(|item| mine.set.contains(item) || !base.set.contains(item))
        .collect();
    // Items that mine does not know stay before those that it puts in at the same place.
    let foreign = |item: &&str| !mine.set.contains(item);
    let mut at = 0;
    for item in &mine.list {
        if let Some(place) = merged.iter().position(|other| other == item) {
            at = place + 1;
        } else if !base.set.contains(item) {
            at += merged[at..].iter().take_while(|item| foreign(item)).count();
            merged.insert(at, item);
            at += 1;
        }
    }
    (merged.len() <= LIST_ITEMS_MAX).then(|| Text::from_values(merged.into_iter().map(Some)))
}

/// The items of a list that holds none twice.
struct Items<'a> {
    list: Vec<&'a str>,
    set: HashSet<&'a str>,
}

impl<'a> Items<'a> {
    fn of(text: &'a Text) -> Option<Self> {
        let list: Vec<&str> = text.shown_values().collect();
        let set: HashSet<&str> = list.iter().copied().collect();
        (list.len() == set.len()).then_some(Self { list, set })
    }

    fn keeps_order_of(&self, base: &Self) -> bool {
        let kept = self.list.iter().filter(|item| base.set.contains(*item));
        kept.eq(base.list.iter().filter(|item| self.set.contains(*item)))
    }
}
