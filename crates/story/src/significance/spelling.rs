//! When a word that changed is the same word: slips of the keyboard and other spellings.
//!
//! Without a dictionary, only slips that rarely lead from one word to another count: a doubled or
//! undoubled letter, two neighbours swapped, one letter more or less inside a long word, one vowel for
//! another late in a long word. What they would still confuse is listed. Anything else is wording.

use super::lexicon::english;

/// Fewest letters of a word that may have lost or gained a letter.
const INSERTED_LETTERS_MIN: usize = 7;
/// Fewest letters of a word that may have another vowel.
const VOWEL_LETTERS_MIN: usize = 8;

/// Returns whether `old` and `new`, both in lower case, are one word, misspelt once.
pub(super) fn is_slip(old: &str, new: &str) -> bool {
    let lexicon = english();
    let both_grammar = lexicon.is_function(old) && lexicon.is_function(new);
    if both_grammar || lexicon.are_confusable(old, new) || is_inflection(old, new) {
        return false;
    }
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    if !old.iter().chain(&new).all(|letter| letter.is_alphabetic()) || old.first() != new.first() {
        return false;
    }
    let start = old.iter().zip(&new).take_while(|(left, right)| left == right).count();
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(left, right)| left == right).count();
    let (short, long) = if old.len() < new.len() { (&old, &new) } else { (&new, &old) };
    match long.len() - short.len() {
        0 => is_swap(&old, &new, start, end) || is_other_vowel(&old, &new, start, end),
        // One letter more: where it stands is ambiguous only inside a run of that same letter.
        1 if start + end >= short.len() => is_extra(short, long, start.min(short.len())),
        _ => false,
    }
}

fn is_swap(old: &[char], new: &[char], start: usize, end: usize) -> bool {
    start + end + 2 == old.len()
        && old.len() >= 3
        && old[start] == new[start + 1]
        && old[start + 1] == new[start]
}

fn is_other_vowel(old: &[char], new: &[char], start: usize, end: usize) -> bool {
    let is_vowel = |letter: char| "aeiou".contains(letter);
    start + end + 1 == old.len()
        && old.len() >= VOWEL_LETTERS_MIN
        && start >= 3
        && end >= 1
        && is_vowel(old[start])
        && is_vowel(new[start])
}

/// Returns whether `long` is `short` with the letter at `at` doubled, or put in well inside.
fn is_extra(short: &[char], long: &[char], at: usize) -> bool {
    let letter = long[at];
    let is_doubled = at > 0 && long[at - 1] == letter;
    if is_doubled {
        let tail: String = long[at + 1..].iter().collect();
        let before_ending = matches!(tail.as_str(), "ed" | "ing" | "er" | "ers" | "y" | "en" | "es" | "est");
        // `planed` and `planned`: in a short word, doubling before an ending makes another word.
        let makes_another = before_ending && short.len() <= 6;
        return short.len() >= 5 && !tail.is_empty() && !makes_another;
    }
    short.len() >= INSERTED_LETTERS_MIN && at >= 2 && at + 1 < long.len()
}

/// Returns whether one is the other with an ending or a beginning: another number, tense or sense.
fn is_inflection(old: &str, new: &str) -> bool {
    let (short, long) = if old.len() < new.len() { (old, new) } else { (new, old) };
    long.strip_prefix(short).is_some() || long.strip_suffix(short).is_some()
}

/// Returns whether one is the other with a denying beginning: `lawful` and `unlawful`.
pub(super) fn is_denial(old: &str, new: &str) -> bool {
    const DENYING: [&str; 8] = ["un", "in", "im", "il", "ir", "dis", "non", "mis"];
    let (short, long) = if old.len() < new.len() { (old, new) } else { (new, old) };
    short.len() >= 3 && long.strip_suffix(short).is_some_and(|start| DENYING.contains(&start))
}

/// Returns whether `old` and `new`, both in lower case, are two right spellings of one word.
pub(super) fn are_variants(old: &str, new: &str) -> bool {
    english().are_variants(old, new) || are_ise_and_ize(old, new) || are_ise_and_ize(new, old)
}

fn are_ise_and_ize(british: &str, american: &str) -> bool {
    const ENDINGS: [&str; 8] = ["e", "es", "ed", "er", "ers", "ing", "ation", "ations"];
    const NOT_ONE_WORD: [&str; 4] = ["pri", "capsi", "ri", "asi"];
    ENDINGS.iter().any(|ending| {
        let stem = british.strip_suffix(ending).and_then(|rest| rest.strip_suffix('s'));
        let other = american.strip_suffix(ending).and_then(|rest| rest.strip_suffix('z'));
        stem.is_some_and(|stem| {
            stem.len() >= 4
                && stem.ends_with(['i', 'y'])
                && other == Some(stem)
                && !NOT_ONE_WORD.contains(&stem)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_slips_are_slips() {
        for (wrong, right) in [
            ("teh", "the"),
            ("comittee", "committee"),
            ("committe", "committee"),
            ("goverment", "government"),
            ("recieved", "received"),
            ("seperate", "separate"),
            ("occured", "occurred"),
            ("independant", "independent"),
            ("enviroment", "environment"),
        ] {
            assert_eq!(is_slip(wrong, right), wrong != "committe", "{wrong} {right}");
            assert_eq!(is_slip(right, wrong), is_slip(wrong, right), "{wrong} {right}");
        }
    }

    #[test]
    fn another_word_is_no_slip() {
        for (old, new) in [
            ("killed", "skilled"),
            ("now", "not"),
            ("united", "untied"),
            ("trial", "trail"),
            ("planed", "planned"),
            ("official", "officials"),
            ("attack", "attacked"),
            ("conviction", "convection"),
            ("mediation", "medication"),
            ("lawful", "unlawful"),
            ("dead", "deaf"),
            ("county", "country"),
            ("his", "her"),
            ("war", "was"),
        ] {
            assert!(!is_slip(old, new) && !is_slip(new, old), "{old} {new}");
        }
    }

    #[test]
    fn british_and_american_are_one_word() {
        assert!(are_variants("organisation", "organization") && are_variants("analyzed", "analysed"));
        assert!(!are_variants("prise", "prize") && !are_variants("rise", "rize"));
    }

    #[test]
    fn a_denying_beginning_is_seen() {
        assert!(is_denial("lawful", "unlawful") && is_denial("disloyal", "loyal"));
        assert!(!is_denial("act", "fact"));
    }
}
