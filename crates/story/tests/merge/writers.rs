//! Many writers over one story, each behind by some revisions: a model of the whole desk.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use writethru_story::merge;

use crate::newsroom::{anonymous, filed, story};
use crate::random::{Change, body, change, copy_from, make, sentence, tally};

/// One filing: how far behind it is, what it changes, and whether its system keeps ids.
fn filing() -> impl Strategy<Value = (Index, Vec<Change>, bool)> {
    (any::<Index>(), proptest::collection::vec(change(), 1..4), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_accepted_sentence_stays_until_an_accepted_filing_takes_it_out(
        filings in proptest::collection::vec(filing(), 1..16),
    ) {
        let first: Vec<String> = (0..5).map(|at| format!("{} {}", sentence(2 * at), sentence(2 * at + 1))).collect();
        let mut history = vec![story(&first.iter().map(String::as_str).collect::<Vec<_>>())];
        let mut model = tally(&body(&history[0].article));
        for (number, (behind, changes, ids)) in filings.iter().enumerate() {
            let base = &history[history.len() - 1 - behind.index(history.len().min(5))];
            let theirs = &history[history.len() - 1];
            let before = body(&base.article);
            let mut after = before.clone();
            for (place, change) in changes.iter().enumerate() {
                make(&mut after, change, 1_000 * (number + 1) + 100 * place);
            }
            let copy = if *ids { copy_from(&after) } else { anonymous(copy_from(&after)) };
            let (before, after) = (tally(&before), tally(&after));
            match merge(&base.article, &theirs.article, &copy) {
                Ok(copy) => {
                    model.retain(|sentence, _| !before.contains_key(sentence) || after.contains_key(sentence));
                    let added = after.into_iter().filter(|(sentence, _)| !before.contains_key(sentence));
                    model.extend(added.collect::<BTreeMap<_, _>>());
                    let next = filed(theirs, copy);
                    prop_assert_eq!(&tally(&body(&next.article)), &model);
                    history.push(next);
                }
                Err(overlap) => prop_assert!(!overlap.places.is_empty(), "every other answer says where"),
            }
        }
    }
}
