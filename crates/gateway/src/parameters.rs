//! Reading parameters strictly: what is not known, given twice, or not legal is an error that
//! names it. The same for a query of HTTP and for one that comes over NATS.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value};
use wire::{Problem, ProblemKind};

use crate::limits::QUERY_BYTES_MAX;

/// Named values that were given, until each has been taken.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    given: Vec<(String, String)>,
}

/// What a request may be told by name.
pub(crate) trait Query: Sized {
    /// Every name there is.
    const NAMES: &'static [&'static str];

    /// Takes the values that were given.
    fn take(from: &mut Parameters) -> Result<Self, Problem>;

    /// Reads a whole request's parameters.
    fn read(mut parameters: Parameters) -> Result<Self, Problem> {
        parameters.know(Self::NAMES)?;
        Self::take(&mut parameters)
    }
}

/// No parameters at all.
#[derive(Debug)]
pub(crate) struct Nothing;

impl Query for Nothing {
    const NAMES: &'static [&'static str] = &[];

    fn take(_: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self)
    }
}

/// Returns the problem with the parameter `name`.
pub(crate) fn bad_parameter(name: &str, detail: impl Display) -> Problem {
    Problem::new(ProblemKind::BadRequest, format!("parameter {name}: {detail}"))
        .with("place", format!("query parameter {name}"))
}

impl Parameters {
    /// Reads the query of an address (`application/x-www-form-urlencoded`).
    pub(crate) fn of_query(query: &str) -> Result<Self, Problem> {
        if query.len() > QUERY_BYTES_MAX {
            let detail = format!("the query has {} bytes; the limit is {QUERY_BYTES_MAX}", query.len());
            return Err(Problem::new(ProblemKind::TooLarge, detail)
                .with("limit", QUERY_BYTES_MAX)
                .with("actual", query.len()));
        }
        let mut given = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name).map_err(|problem| bad_parameter(&shown(name), problem))?;
            let value = decoded(value).map_err(|problem| bad_parameter(&shown(&name), problem))?;
            given.push((name, value));
        }
        Ok(Self { given })
    }

    /// Reads the members of a JSON object: texts, numbers and truth values.
    pub(crate) fn of_object(object: Map<String, Value>) -> Result<Self, Problem> {
        let mut given = Vec::new();
        for (name, value) in object {
            let value = match value {
                Value::Null => continue,
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(bad_parameter(
                        &shown(&name),
                        "a text, a number or true or false is expected",
                    ));
                }
            };
            given.push((name, value));
        }
        Ok(Self { given })
    }

    /// Refuses a name that is not in `names`, and one that comes twice.
    fn know(&self, names: &[&str]) -> Result<(), Problem> {
        for (index, (name, _)) in self.given.iter().enumerate() {
            if !names.contains(&name.as_str()) {
                return Err(unknown(name, names));
            }
            if self.given[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(bad_parameter(name, "it is given twice: give it once"));
            }
        }
        Ok(())
    }

    /// Takes the value of `name` as it was given; `None` if it was not.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let index = self.given.iter().position(|(given, _)| given == name)?;
        Some(self.given.swap_remove(index).1)
    }

    /// Takes the value of `name`, if it was given.
    pub(crate) fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error: T::Err| bad_parameter(name, error))
    }

    /// Takes a whole number up to `max`, if it was given.
    pub(crate) fn number(&mut self, name: &str, max: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && number <= max => Ok(Some(number)),
            _ => Err(bad_parameter(
                name,
                format_args!("{:?} is not a whole number from 0 to {max}", shown(&text)),
            )),
        }
    }

    /// Takes a truth value; one that was not given is false.
    pub(crate) fn truth(&mut self, name: &str) -> Result<bool, Problem> {
        match self.text(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(text) => Err(bad_parameter(name, format_args!("{:?} is not true or false", shown(text)))),
        }
    }

    /// Takes one of a few words; the first stands for one that was not given.
    pub(crate) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<T, Problem> {
        let Some(text) = self.text(name) else { return Ok(words[0].1) };
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            bad_parameter(name, format_args!("{:?} is not one of {}", shown(&text), known.join(", ")))
        })
    }
}

fn unknown(name: &str, names: &[&str]) -> Problem {
    let known = if names.is_empty() {
        "this address takes none".to_owned()
    } else {
        format!("known are {}", names.join(", "))
    };
    let near = nearest(name, names);
    let hint = near.map_or(String::new(), |near| format!(" did you mean {near}?"));
    let name = shown(name);
    let problem = Problem::new(
        ProblemKind::BadRequest,
        format!("there is no parameter {name:?}:{hint} {known}").replace("::", ":"),
    )
    .with("place", format!("query parameter {name}"));
    match near {
        Some(near) => problem.with("did_you_mean", near),
        None => problem,
    }
}

/// Returns the known name that `given` is most likely a slip of.
pub(crate) fn nearest<'a>(given: &str, names: &[&'a str]) -> Option<&'a str> {
    if given.len() > 64 {
        return None;
    }
    let slips_max = 1 + given.chars().count() / 4;
    let given = given.to_lowercase().replace('-', "_");
    let (slips, near) = names.iter().map(|name| (distance(&given, name), *name)).min()?;
    (slips <= slips_max).then_some(near)
}

/// Returns how many letters must be put in, taken out or changed (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (index, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[right.len()]
}

/// Returns the start of what was given, to show it.
pub(crate) fn shown(given: &str) -> String {
    given.chars().take(80).collect()
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
                    return Err("% stands before two hexadecimal digits: write %25 for the sign itself");
                };
                u8::try_from(high * 16 + low).unwrap_or_default()
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8: encode it as UTF-8, then with % signs")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Few {
        desk: Option<String>,
        limit: Option<u64>,
    }

    impl Query for Few {
        const NAMES: &'static [&'static str] = &["desk", "limit"];

        fn take(from: &mut Parameters) -> Result<Self, Problem> {
            Ok(Self { desk: from.text("desk"), limit: from.number("limit", 9)? })
        }
    }

    #[track_caller]
    fn check(query: &str, then: &str) {
        let read = Parameters::of_query(query).and_then(Few::read);
        let said = read.map_or_else(
            |problem| problem.detail,
            |few| format!("{:?} {:?}", few.desk.as_deref(), few.limit),
        );
        assert_eq!(said, then, "{query}");
    }

    #[test]
    fn a_query_is_read_or_says_what_is_wrong() {
        check("", "None None");
        check("desk=w%C3%B6rld+news&limit=9", r#"Some("wörld news") Some(9)"#);
        check("&&desk=a&", r#"Some("a") None"#);
        check("limit=10", r#"parameter limit: "10" is not a whole number from 0 to 9"#);
        check("limit=+1", r#"parameter limit: " 1" is not a whole number from 0 to 9"#);
        check("limit=", r#"parameter limit: "" is not a whole number from 0 to 9"#);
        check("desk=a&desk=b", "parameter desk: it is given twice: give it once");
        check("desks=a", r#"there is no parameter "desks": did you mean desk? known are desk, limit"#);
        check("Limit=1", r#"there is no parameter "Limit": did you mean limit? known are desk, limit"#);
        check("colour=a", r#"there is no parameter "colour": known are desk, limit"#);
        check(
            "desk=%zz",
            "parameter desk: % stands before two hexadecimal digits: write %25 for the sign itself",
        );
        check("desk=%ff", "parameter desk: it is not UTF-8: encode it as UTF-8, then with % signs");
    }

    #[test]
    fn a_query_over_the_limit_is_refused_by_name() {
        let query = format!("desk={}", "a".repeat(QUERY_BYTES_MAX - 5));
        assert!(Parameters::of_query(&query).is_ok());
        let problem = Parameters::of_query(&format!("{query}a")).expect_err("over the limit");
        assert_eq!(problem.members["limit"], QUERY_BYTES_MAX);
    }

    #[test]
    fn an_object_gives_the_same_parameters_as_a_query() {
        let object = serde_json::json!({"desk": "world", "limit": 3});
        let few = Few::read(Parameters::of_object(object.as_object().unwrap().clone()).unwrap()).unwrap();
        assert_eq!((few.desk.as_deref(), few.limit), (Some("world"), Some(3)));
        let object = serde_json::json!({"desk": ["world"]});
        assert!(Parameters::of_object(object.as_object().unwrap().clone()).is_err());
    }
}
