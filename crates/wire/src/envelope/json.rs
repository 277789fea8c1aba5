//! The strict half of JSON that records are made of: one way to write each value, and no other way
//! to read it.
//!
//! Every function reads exactly what RFC 8785 would write and refuses everything else, so what was
//! read is what was written, byte for byte, without writing it again.

use std::borrow::Cow;

use super::Damaged;

/// Greatest integer that every reader of JSON keeps exact.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Reads canonical JSON from front to back.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Returns a scanner at the first byte of `bytes`, which must be UTF-8.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Damaged> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, at: 0 }),
            Err(error) => Err(Damaged { at: error.valid_up_to(), expected: "UTF-8" }),
        }
    }

    /// Returns the error that `expected` does not stand here.
    pub(super) fn damaged(&self, expected: &'static str) -> Damaged {
        Damaged { at: self.at, expected }
    }

    fn rest(&self) -> &'a str {
        // `at` is always behind something that was read, hence on a character boundary.
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Passes over `literal` if it stands here.
    pub(super) fn take(&mut self, literal: &str) -> bool {
        let found = self.rest().starts_with(literal);
        if found {
            self.at += literal.len();
        }
        found
    }

    /// Passes over `literal`, which must stand here.
    pub(super) fn literal(&mut self, literal: &'static str) -> Result<(), Damaged> {
        if self.take(literal) { Ok(()) } else { Err(self.damaged(literal)) }
    }

    /// Checks that nothing is left.
    pub(super) fn end(&self) -> Result<(), Damaged> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.damaged("the end")) }
    }

    /// Returns the content of a string in which nothing is escaped, and passes over it.
    pub(super) fn plain(&mut self) -> Result<&'a str, Damaged> {
        let inner = self.rest().strip_prefix('"').ok_or_else(|| self.damaged("a string"))?;
        let stop = inner.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
        match stop {
            Some(length) if inner.as_bytes()[length] == b'"' => {
                self.at += length + 2;
                Ok(&inner[..length])
            }
            _ => Err(self.damaged("a string without escapes")),
        }
    }

    /// Returns what `parse` makes of a string in which nothing is escaped, and passes over it.
    pub(super) fn parsed<T>(
        &mut self,
        expected: &'static str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, Damaged> {
        let start = self.at;
        let text = self.plain()?;
        parse(text).ok_or(Damaged { at: start, expected })
    }

    /// Returns a string, and passes over it.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, Damaged> {
        self.literal("\"")?;
        let mut read = Cow::Borrowed("");
        loop {
            let rest = self.rest();
            let stop = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            let Some(length) = stop else { return Err(self.damaged("the end of a string")) };
            if !read.is_empty() || rest.as_bytes()[length] != b'"' {
                read.to_mut().push_str(&rest[..length]);
            } else {
                read = Cow::Borrowed(&rest[..length]);
            }
            self.at += length;
            if self.take("\"") {
                return Ok(read);
            }
            read.to_mut().push(self.escape()?);
        }
    }

    /// Returns the character of an escape, and passes over it.
    fn escape(&mut self) -> Result<char, Damaged> {
        for (escape, character) in ESCAPES {
            if self.take(escape) {
                return Ok(character);
            }
        }
        let digits = self.rest().strip_prefix("\\u00").and_then(|rest| rest.get(..2));
        let lower = |digits: &&str| digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let code = digits.filter(lower).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code.map(char::from) {
            Some(character) if character < ' ' && ESCAPES.iter().all(|(_, short)| *short != character) => {
                self.at += 6;
                Ok(character)
            }
            _ => Err(self.damaged("an escape that is needed, in its one form")),
        }
    }

    /// Returns an integer, and passes over it.
    pub(super) fn integer(&mut self) -> Result<u64, Damaged> {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        let digits = &rest[..length];
        let number = digits.parse().ok().filter(|number| *number <= INTEGER_MAX);
        match number {
            Some(number) if length == 1 || !digits.starts_with('0') => {
                self.at += length;
                Ok(number)
            }
            _ => Err(self.damaged("an integer up to 2^53-1")),
        }
    }

    /// Returns a boolean, and passes over it.
    pub(super) fn boolean(&mut self) -> Result<bool, Damaged> {
        if self.take("true") {
            return Ok(true);
        }
        self.literal("false").map(|()| false)
    }

    /// Returns the items of a list, each read by `item`, and passes over it.
    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Damaged>,
    ) -> Result<Vec<T>, Damaged> {
        self.literal("[")?;
        let mut items = Vec::new();
        if self.take("]") {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.take("]") {
                return Ok(items);
            }
            self.literal(",")?;
        }
    }
}

/// The escapes of two characters (RFC 8785 section 3.2.2.2).
const ESCAPES: [(&str, char); 7] = [
    ("\\\"", '"'),
    ("\\\\", '\\'),
    ("\\b", '\u{8}'),
    ("\\t", '\t'),
    ("\\n", '\n'),
    ("\\f", '\u{c}'),
    ("\\r", '\r'),
];

/// Appends `text` as a string.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !matches!(byte, b'"' | b'\\' | 0..=0x1f) {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[written..at]);
        written = at + 1;
        if let Some((escape, _)) = ESCAPES.iter().find(|(_, short)| *short == char::from(byte)) {
            out.extend_from_slice(escape.as_bytes());
        } else {
            out.extend_from_slice(b"\\u00");
            out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
    out.extend_from_slice(&text.as_bytes()[written..]);
    out.push(b'"');
}

/// Appends `number`.
pub(super) fn push_integer(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(number.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn string(json: &str) -> Result<String, Damaged> {
        let mut scanner = Scanner::new(json.as_bytes())?;
        let text = scanner.string()?.into_owned();
        scanner.end().map(|()| text)
    }

    #[test]
    fn a_string_has_one_form_only() {
        for json in [
            r#""\u0041""#,
            r#""\u001F""#,
            r#""\u000a""#,
            r#""\/""#,
            r#""\u00+1""#,
            r#""\u0022""#,
            "\"\n\"",
            "\"open",
            r#""\"#,
            r#""\u00"#,
        ] {
            assert!(string(json).is_err(), "{json}");
        }
        assert_eq!(string(r#""\u001f\n\"\\é""#), Ok("\u{1f}\n\"\\é".to_owned()));
    }

    #[test]
    fn an_integer_has_one_form_only() {
        for json in ["", "-1", "01", "1.0", "9007199254740992", "99999999999999999999999"] {
            let read = Scanner::new(json.as_bytes()).and_then(|mut scanner| {
                let number = scanner.integer()?;
                scanner.end().map(|()| number)
            });
            assert!(read.is_err(), "{json}");
        }
        let number = Scanner::new(b"9007199254740991").and_then(|mut scanner| scanner.integer());
        assert_eq!(number, Ok(9_007_199_254_740_991));
    }

    proptest! {
        #[test]
        fn a_string_reads_back_and_is_canonical(text in any::<String>()) {
            let mut json = Vec::new();
            push_string(&mut json, &text);
            prop_assert_eq!(&json, &serde_json_canonicalizer::to_vec(&text).unwrap());
            prop_assert_eq!(string(std::str::from_utf8(&json).unwrap()), Ok(text));
        }
    }
}
