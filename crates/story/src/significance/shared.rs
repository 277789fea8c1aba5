//! The beginning and the end that two versions of a text share, cut where reading can begin anew.

/// Returns how many bytes at the beginning and how many at the end are the same in both texts and can
/// be read by themselves: they meet the rest behind a full stop or comma and a space, before a letter
/// or digit. No word, number or unit reaches across such a place.
pub(super) fn ends(old: &str, new: &str) -> (usize, usize) {
    let (old, new) = (old.as_bytes(), new.as_bytes());
    let most = old.len().min(new.len());
    let same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    // The byte behind the cut is shared too.
    let head = (2..same).rev().find(|at| may_begin(old, *at)).unwrap_or(0);
    let most = most - head;
    let same = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(old, new)| old == new).count();
    // The two bytes before the cut are shared too.
    let tail_from = old.len() - same + 2;
    let tail = (tail_from..old.len()).find(|at| may_begin(old, *at)).map_or(0, |at| old.len() - at);
    (head, tail)
}

fn may_begin(text: &[u8], at: usize) -> bool {
    matches!(text[at - 2..=at], [b'.' | b',', b' ', next] if next.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::super::lexeme::Reading;
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(old: &str, new: &str) {
        for rules in [Rules::English, Rules::LanguageFree] {
            let (first, second) = Reading::of_both(old, new, "en", rules);
            assert_eq!(first, Reading::new(old, "en", rules), "{old:?}");
            assert_eq!(second, Reading::new(new, "en", rules), "{old:?} {new:?}");
        }
    }

    #[test]
    fn texts_are_cut_behind_a_stop() {
        assert_eq!(ends("It rained. Two died, sadly.", "It rained. Ten died, sadly."), (11, 6));
        assert_eq!(ends("It rained.", "It rained."), (0, 0));
        assert_eq!(ends("a. b. c", "a. b. b. c"), (3, 1));
    }

    #[test]
    fn a_text_is_read_as_if_it_were_alone() {
        check(
            "In May, 5. Miles away, he said \"so. It is\" on.",
            "In May, 6. Miles away, he said \"so. It is\" on.",
        );
        check("A. Two, hundred. B", "A. Two hundred, two hundred. B");
        check("He left, 'so. No' and. \u{301}x, y", "He left, 'so. Yes' and. \u{301}x, y");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_shared_changes_no_reading(
            old in proptest::collection::vec(word(), 0..16),
            cut in (0_usize..17, 0_usize..4),
            come in proptest::collection::vec(word(), 0..4),
        ) {
            let mut new = old.clone();
            let start = cut.0.min(new.len());
            new.splice(start..(start + cut.1).min(old.len()), come);
            check(&old.concat(), &new.concat());
        }
    }

    fn word() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "It ",
            "rained. ",
            "two ",
            "hundred ",
            "and ",
            "5",
            "0.",
            "5 ",
            ". ",
            ", ",
            "-",
            "per ",
            "cent, ",
            "Mr",
            "U.S. ",
            "\"",
            "\u{201c}",
            "\u{2019}",
            "'",
            "May ",
            "may, ",
            "p.m. ",
            "8",
            "\u{301}",
            "a ",
            "million. ",
            "miles, ",
        ])
    }
}
