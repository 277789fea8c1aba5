//! Which rules a text can bear: those of English, or only those that need no table.

use super::Rules;
use crate::article::Article;
use crate::field::Field;

/// How much of an article without a language is looked at, in bytes.
const SAMPLE_BYTES_MAX: usize = 4 * 1024;
/// Fewest words from which the absence of English grammar says something.
const WORDS_MIN: usize = 40;
/// Most words for one of English grammar in a text that reads as English.
const WORDS_A_GRAMMAR_WORD: usize = 25;
/// So many words of English grammar settle it: a sample has no more words than every other byte.
const GRAMMAR_WORDS_ENOUGH: usize = SAMPLE_BYTES_MAX.div_ceil(2).div_ceil(WORDS_A_GRAMMAR_WORD);
/// Most letters of the words that [`is_grammar`] knows.
const GRAMMAR_LETTERS_MAX: usize = 5;

/// Returns the article's language tag, empty if it has none, and the rules that it can bear.
///
/// An article without a tag is taken for English if its letters are mostly ASCII and a longer one shows
/// some English grammar.
pub(super) fn rules_for<'a>(before: &'a Article, after: &'a Article) -> (&'a str, Rules) {
    let tag = [after, before]
        .into_iter()
        .map(|article| article.fields.get(Field::Language).as_str().trim())
        .find(|tag| !tag.is_empty())
        .unwrap_or_default();
    let primary = tag.split(['-', '_']).next().unwrap_or_default();
    let is_english = if primary.is_empty() {
        let sampled = if after.blocks.is_empty() { before } else { after };
        reads_as_english(&sample(sampled))
    } else {
        primary.eq_ignore_ascii_case("en") || primary.eq_ignore_ascii_case("eng")
    };
    (tag, if is_english { Rules::English } else { Rules::LanguageFree })
}

fn sample(article: &Article) -> String {
    let mut sample = article.headline().to_owned();
    for block in &article.blocks {
        if sample.len() >= SAMPLE_BYTES_MAX {
            break;
        }
        sample.push(' ');
        sample.push_str(block.text.as_str());
    }
    sample.truncate(sample.floor_char_boundary(SAMPLE_BYTES_MAX));
    sample
}

fn reads_as_english(sample: &str) -> bool {
    let ascii = sample.bytes().filter(u8::is_ascii_alphabetic).count();
    let letters = if sample.is_ascii() {
        ascii
    } else {
        sample.chars().filter(|letter| letter.is_alphabetic()).count()
    };
    if ascii * 10 < letters * 9 {
        return false;
    }
    let (mut words, mut grammar) = (0, 0);
    for word in sample.split(is_between).filter(|word| !word.is_empty()) {
        words += 1;
        grammar += usize::from(is_grammar(word));
        if grammar == GRAMMAR_WORDS_ENOUGH {
            return true;
        }
    }
    words < WORDS_MIN || grammar * WORDS_A_GRAMMAR_WORD >= words
}

fn is_between(letter: char) -> bool {
    if letter.is_ascii() { !letter.is_ascii_alphanumeric() } else { !letter.is_alphanumeric() }
}

/// Returns whether `word`, in whatever case, is a frequent word of English grammar that is a word of no
/// language close to it in letters.
fn is_grammar(word: &str) -> bool {
    let mut lower = [0; GRAMMAR_LETTERS_MAX];
    let Some(lower) = lower.get_mut(..word.len()) else { return false };
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    matches!(
        &*lower,
        b"the"
            | b"of"
            | b"and"
            | b"to"
            | b"that"
            | b"with"
            | b"from"
            | b"which"
            | b"this"
            | b"by"
            | b"were"
            | b"been"
            | b"have"
            | b"you"
            | b"your"
            | b"are"
            | b"but"
            | b"they"
            | b"their"
            | b"his"
            | b"has"
            | b"said"
            | b"says"
            | b"its"
            | b"not"
            | b"while"
            | b"would"
            | b"will"
            | b"could"
            | b"it"
            | b"be"
            | b"who"
            | b"or"
            | b"she"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_is_known_by_its_letters_and_its_grammar() {
        let spanish = "El presidente dijo ayer que la ciudad no puede esperar. ".repeat(8);
        let shouted = "THE STORM IS MOVING TO THE NORTH AT 8 MPH AND IS EXPECTED TO WEAKEN. ".repeat(8);
        assert!(reads_as_english("Four dead in quake"));
        assert!(reads_as_english(&shouted));
        assert!(!reads_as_english(&spanish));
        assert!(!reads_as_english("地震で4人死亡"));
    }
}
