//! Numbers as facts: digits and number words brought to one form, with the units behind them.
//!
//! `1,200`, `1200` and `twelve hundred` are one quantity; `2.0` and `2` are two, because how exact a
//! number is belongs to what it says.

use std::borrow::Cow;

use super::lexeme::{Class, Lexeme};
use super::lexicon::Numeral;

/// Longest phrase that is read as one number, in lexemes.
const PHRASE_MAX: usize = 24;

/// Returns the form that a run of digits is compared as, `power` powers of ten up.
///
/// Anything but plain or comma-grouped digits with at most one decimal point stands for itself.
pub(super) fn digits_key(digits: &str, power: u32) -> String {
    let plain = without_grouping(digits);
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_padded = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || is_padded {
        return if power == 0 { format!("#{digits}") } else { format!("#{digits}e{power}") };
    }
    let exponent = i64::from(power) - i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let mut significant = format!("{whole}{fraction}");
    let mut shift = 0;
    if fraction.is_empty() {
        let kept = significant.trim_end_matches('0').len();
        shift = i64::try_from(significant.len() - kept).unwrap_or(i64::MAX);
        significant.truncate(kept);
    }
    let bare = significant.trim_start_matches('0');
    if bare.is_empty() {
        return format!("#{digits}");
    }
    format!("#{bare}e{}", exponent.saturating_add(shift))
}

fn without_grouping(digits: &str) -> Cow<'_, str> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let mut rest = groups.peekable();
    if !(1..=3).contains(&first.len()) || rest.peek().is_none() || !rest.all(|group| group.len() == 3) {
        return Cow::Borrowed(digits);
    }
    let joined = whole.replace(',', "");
    Cow::Owned(if fraction.is_empty() { joined } else { format!("{joined}.{fraction}") })
}

/// Puts numbers of several words together and marks the units behind quantities.
pub(super) fn compose<'a>(mut lexemes: Vec<Lexeme<'a>>) -> Vec<Lexeme<'a>> {
    let mut composed: Vec<Lexeme<'a>> = Vec::with_capacity(lexemes.len());
    let mut place = 0;
    while place < lexemes.len() {
        let found = unit_at(&lexemes, place, &composed).or_else(|| number_at(&lexemes[place..]));
        // What is behind `place` is not looked at again.
        let key = std::mem::take(&mut lexemes[place].key);
        let mut whole = Lexeme { key, ..lexemes[place].clone() };
        let taken = match found {
            Some((taken, key)) => {
                whole.end = lexemes[place + taken - 1].end;
                whole.key = key;
                whole.class = Class::Quantity;
                taken
            }
            None => 1,
        };
        composed.push(whole);
        place += taken;
    }
    composed
}

/// Returns the unit at `place`, if a quantity stands before it, perhaps with a hyphen.
fn unit_at<'a>(lexemes: &[Lexeme<'_>], place: usize, before: &[Lexeme<'_>]) -> Option<(usize, Cow<'a, str>)> {
    let behind = match before {
        [.., quantity, hyphen] if hyphen.is_hyphen() => quantity,
        [.., quantity] => quantity,
        [] => return None,
    };
    let word = &lexemes[place];
    if behind.class != Class::Quantity || word.class != Class::Word {
        return None;
    }
    let cent = lexemes.get(place + 1);
    if word.key == "per" && cent.is_some_and(|next| next.key == "cent") {
        return Some((2, Cow::Borrowed("#%")));
    }
    let unit = word.entry?.unit()?;
    Some((1, Cow::Owned(format!("#{unit}"))))
}

/// Returns how many lexemes make up the number at the start, and the form it is compared as.
fn number_at<'a>(lexemes: &[Lexeme<'_>]) -> Option<(usize, Cow<'a, str>)> {
    let first = lexemes.first()?;
    if let Some(digits) = first.digits() {
        let mut power = 0;
        let mut taken = 1;
        while taken < PHRASE_MAX {
            let skip = usize::from(lexemes.get(taken).is_some_and(Lexeme::is_hyphen));
            let Some(Numeral::Scale(scale)) = numeral(lexemes.get(taken + skip)) else { break };
            power += scale;
            taken += skip + 1;
        }
        return Some((taken, digits_key(digits, power).into()));
    }
    let is_article = first.class == Class::Word && matches!(&*first.key, "a" | "an");
    if is_article && matches!(numeral(lexemes.get(1)), Some(Numeral::Scale(_))) {
        return phrase(&lexemes[1..]).map(|(taken, key)| (taken + 1, key.into()));
    }
    numeral(Some(first))?;
    phrase(lexemes).map(|(taken, key)| (taken, key.into()))
}

fn numeral(lexeme: Option<&Lexeme<'_>>) -> Option<Numeral> {
    lexeme.filter(|lexeme| lexeme.class == Class::Word)?.entry?.numeral
}

/// A number phrase as far as it has been read.
#[derive(Debug, Default)]
struct Phrase {
    total: u64,
    current: u64,
    last: Option<Numeral>,
    is_ordinal: bool,
}

impl Phrase {
    /// Takes the next number word in; `None` if it does not go on with this number.
    fn take(&mut self, next: Numeral) -> Option<()> {
        use Numeral::{Ordinal, Scale, Teen, Tens, Unit};
        match (self.last, next) {
            (_, _) if self.is_ordinal => return None,
            (None | Some(Scale(_)), Unit(value) | Teen(value) | Tens(value))
            | (Some(Tens(_)), Unit(value)) => self.current = self.current.checked_add(value)?,
            (None | Some(Scale(_)), Ordinal(value)) | (Some(Tens(_)), Ordinal(value @ 0..10)) => {
                self.current = self.current.checked_add(value)?;
                self.is_ordinal = true;
            }
            (_, Scale(2)) => self.current = self.current.max(1).checked_mul(100)?,
            (_, Scale(power)) => {
                let group = self.current.max(1).checked_mul(10_u64.checked_pow(power)?)?;
                self.total = self.total.checked_add(group)?;
                self.current = 0;
            }
            _ => return None,
        }
        self.last = Some(next);
        Some(())
    }

    fn key(&self) -> Option<String> {
        self.last?;
        let value = self.total.checked_add(self.current)?;
        let key = digits_key(&value.to_string(), 0);
        Some(if self.is_ordinal { format!("{key}th") } else { key })
    }
}

fn phrase(lexemes: &[Lexeme<'_>]) -> Option<(usize, String)> {
    let mut phrase = Phrase::default();
    let mut taken = 0;
    while taken < PHRASE_MAX {
        let joint = lexemes.get(taken).is_some_and(|lexeme| {
            let after_scale = matches!(phrase.last, Some(Numeral::Scale(_)));
            phrase.last.is_some() && (lexeme.is_hyphen() || (after_scale && lexeme.key == "and"))
        });
        let at = taken + usize::from(joint);
        let Some(next) = numeral(lexemes.get(at)) else { break };
        if phrase.take(next).is_none() {
            break;
        }
        taken = at + 1;
    }
    Some((taken, phrase.key()?))
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::super::lexeme::Reading;
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let reading = Reading::new(text, "en", Rules::English);
        let found: Vec<&str> = reading
            .lexemes
            .iter()
            .filter(|lexeme| lexeme.class == Class::Quantity)
            .map(|lexeme| &*lexeme.key)
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn one_quantity_has_one_form() {
        for text in ["1,200", "1200", "twelve hundred", "one thousand two hundred", "1.2 thousand"] {
            check(text, &["#12e2"]);
        }
        for text in ["ninety-five", "95", "ninety five"] {
            check(text, &["#95e0"]);
        }
        check("a hundred and five", &["#105e0"]);
        check("3.5 million people", &["#35e5"]);
        check("3,500,000 people", &["#35e5"]);
        check("the twenty-third", &["#23e0th"]);
        check("the 23rd", &["#23e0th"]);
    }

    #[test]
    fn different_quantities_have_different_forms() {
        check("2.0", &["#20e-1"]);
        check("2", &["#2e0"]);
        check("007", &["#007"]);
        check("1,20", &["#1,20"]);
        check("0", &["#0"]);
        check("0.0", &["#0.0"]);
        check("10 and 20", &["#1e1", "#2e1"]);
        check("nineteen eighty-four", &["#19e0", "#84e0"]);
    }

    #[test]
    fn units_belong_to_quantities() {
        check("5 percent, 5 per cent, 5%", &["#5e0", "#%", "#5e0", "#%", "#5e0", "#%"]);
        check("8 p.m. or 8pm", &["#8e0", "#pm", "#8e0", "#pm"]);
        check("a 20-mile walk", &["#2e1", "#mile"]);
        check("I am here for miles", &[]);
    }
}
