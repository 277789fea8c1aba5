//! Inline Markdown: `**strong**`, `*emphasis*`, `` `code` `` and `[words](address)`.
//!
//! What has no partner is literal. Time is linear in the text's length.

use story::{Mark, MarkKind};

/// Longest address that is looked for behind `](`.
const ADDRESS_BYTES_MAX: usize = story::limits::LINK_BYTES_MAX;

/// Words without their Markdown, and the marks that it stood for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) text: String,
    pub(super) marks: Vec<Mark>,
}

/// One piece of the line; a delimiter is literal until its partner is found.
enum Piece<'a> {
    Words(&'a str),
    Code(&'a str),
    Literal(&'a str),
    Start,
    End { kind: MarkKind, href: Option<&'a str>, start: usize },
}

/// Returns `given` with its inline mark-up read.
pub(super) fn read(given: &str) -> Marked {
    let mut scan = Scan { given, pieces: Vec::new(), open: Vec::new(), code_ends: true };
    let mut at = 0;
    let mut words_at = 0;
    while let Some(found) = given[at..].find(['*', '`', '[', ']', '\\']) {
        at += found;
        let end = scan.delimiter(at, words_at);
        if let Some(end) = end {
            words_at = end;
        }
        at = end.unwrap_or(at + 1);
    }
    scan.words(words_at, given.len());
    written(&scan.pieces)
}

struct Scan<'a> {
    given: &'a str,
    pieces: Vec<Piece<'a>>,
    /// Places in `pieces` of delimiters that may still find a partner.
    open: Vec<usize>,
    /// Whether a backtick may still find a partner.
    code_ends: bool,
}

impl<'a> Scan<'a> {
    /// Reads the delimiter at `at`, after the words from `words_at` on; returns where it ends, or
    /// nothing if it is only a word's character.
    fn delimiter(&mut self, at: usize, words_at: usize) -> Option<usize> {
        let rest = &self.given[at..];
        match rest.as_bytes().first()? {
            b'\\' => {
                let escaped = rest[1..].chars().next().filter(char::is_ascii_punctuation)?;
                self.words(words_at, at);
                let end = at + 1 + escaped.len_utf8();
                self.words(at + 1, end);
                Some(end)
            }
            b'`' => self.code(at, words_at),
            b'[' => {
                self.words(words_at, at);
                self.open(&rest[..1]);
                Some(at + 1)
            }
            b']' => self.link(at, words_at),
            _ => {
                let written = if rest.starts_with("**") { "**" } else { "*" };
                self.words(words_at, at);
                self.stars(at, &rest[..written.len()]);
                Some(at + written.len())
            }
        }
    }

    fn words(&mut self, from: usize, to: usize) {
        if from < to {
            self.pieces.push(Piece::Words(&self.given[from..to]));
        }
    }

    fn open(&mut self, written: &'a str) {
        self.open.push(self.pieces.len());
        self.pieces.push(Piece::Literal(written));
    }

    fn code(&mut self, at: usize, words_at: usize) -> Option<usize> {
        let inside = &self.given[at + 1..];
        let length = self.code_ends.then(|| inside.find('`')).flatten();
        self.code_ends = length.is_some();
        let length = length.filter(|length| *length > 0)?;
        self.words(words_at, at);
        self.pieces.push(Piece::Code(&inside[..length]));
        Some(at + 1 + length + 1)
    }

    fn stars(&mut self, at: usize, written: &'a str) {
        let after_word = self.given[..at].ends_with(|c: char| !c.is_whitespace());
        let before_word = self.given[at + written.len()..].starts_with(|c: char| !c.is_whitespace());
        let partner = self.open.iter().rposition(|place| self.is_literal(*place, written));
        if let Some(index) = partner.filter(|_| after_word) {
            let kind = if written == "**" { MarkKind::Strong } else { MarkKind::Em };
            self.close(index, kind, None);
        } else if before_word {
            self.open(written);
        } else {
            self.pieces.push(Piece::Literal(written));
        }
    }

    fn link(&mut self, at: usize, words_at: usize) -> Option<usize> {
        let index = self.open.iter().rposition(|place| self.is_literal(*place, "["))?;
        let address = self.given[at + 1..].strip_prefix('(');
        let end = address.and_then(|address| {
            let near = &address[..address.floor_char_boundary(ADDRESS_BYTES_MAX)];
            near.find([')', ' ', '\n']).filter(|end| near[*end..].starts_with(')'))
        });
        let href = address.zip(end).map(|(address, end)| &address[..end]).filter(|href| is_target(href));
        let Some(href) = href else {
            self.open.remove(index);
            return None;
        };
        self.words(words_at, at);
        self.close(index, MarkKind::A, Some(href));
        Some(at + 1 + 1 + href.len() + 1)
    }

    /// Ends what the delimiter at `index` of the open ones began; those behind it stay literal.
    fn close(&mut self, index: usize, kind: MarkKind, href: Option<&'a str>) {
        let start = self.open[index];
        self.open.truncate(index);
        self.pieces[start] = Piece::Start;
        self.pieces.push(Piece::End { kind, href, start });
    }

    fn is_literal(&self, place: usize, written: &str) -> bool {
        matches!(self.pieces[place], Piece::Literal(literal) if literal == written)
    }
}

/// Returns whether copy may link to `address`; another one stays in the text as it was typed.
fn is_target(address: &str) -> bool {
    let mark = Mark { start: 0, end: 1, kind: MarkKind::A, href: Some(address.to_owned()) };
    mark.problem("a").is_none()
}

fn written(pieces: &[Piece<'_>]) -> Marked {
    let mut marked = Marked::default();
    let mut offsets = Vec::with_capacity(pieces.len());
    for piece in pieces {
        offsets.push(marked.text.len());
        let (kind, href, start) = match piece {
            Piece::Words(words) | Piece::Literal(words) => {
                marked.text.push_str(words);
                continue;
            }
            Piece::Start => continue,
            Piece::Code(code) => {
                marked.text.push_str(code);
                (MarkKind::Code, None, offsets[offsets.len() - 1])
            }
            Piece::End { kind, href, start } => (*kind, *href, offsets[*start]),
        };
        let range = (u32::try_from(start), u32::try_from(marked.text.len()));
        if let (Ok(start), Ok(end)) = range
            && start < end
        {
            marked.marks.push(Mark { start, end, kind, href: href.map(str::to_owned) });
        }
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, text: &str, marks: &[(MarkKind, &str)]) {
        let marked = read(given);
        assert_eq!(marked.text, text);
        let found: Vec<_> = marked
            .marks
            .iter()
            .map(|mark| (mark.kind, &marked.text[mark.start as usize..mark.end as usize]))
            .collect();
        assert_eq!(found, marks);
    }

    #[test]
    fn marks_are_read_and_their_signs_taken_out() {
        check(
            "a **b** *c* `d*e`",
            "a b c d*e",
            &[(MarkKind::Strong, "b"), (MarkKind::Em, "c"), (MarkKind::Code, "d*e")],
        );
        check("**a *b* c**", "a b c", &[(MarkKind::Em, "b"), (MarkKind::Strong, "a b c")]);
        check(
            "[the **law**](https://a.example/b)",
            "the law",
            &[(MarkKind::Strong, "law"), (MarkKind::A, "the law")],
        );
    }

    #[test]
    fn a_sign_without_a_partner_is_a_character() {
        for literal in
            ["5 * 3 * 2", "*a", "a**", "`a", "[a](b", "[a] (b)", "[a](javascript:b)", "a_b_c", "]", "[", "``"]
        {
            check(literal, literal, &[]);
        }
        check(r"\*a\* \[", "*a* [", &[]);
        check("*a [b* c](https://a.example/)", "a [b c](https://a.example/)", &[(MarkKind::Em, "a [b")]);
    }
}
