//! Intake normalisation: done once, at the edge, and never again.
//!
//! It composes (NFC, UAX #15), folds white space and strips invisible provenance characters. It
//! changes nothing else: what may not be kept at all, such as a control character, is refused
//! where copy is built and not silently altered here.

use std::iter::once;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// What intake took out of a text that an editor should know of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IntakeReport {
    /// How many invisible provenance characters were stripped: variation selectors that select
    /// nothing, and U+FEFF (C2PA 2.4, A.8, hides a manifest in a run of them).
    pub provenance_characters: usize,
}

impl std::ops::AddAssign for IntakeReport {
    fn add_assign(&mut self, other: Self) {
        self.provenance_characters += other.provenance_characters;
    }
}

/// Returns `given` in NFC with runs of white space folded to one space, ends trimmed and
/// invisible provenance characters stripped; idempotent.
///
/// A variation selector stays where it can be meant: alone, behind an emoji, a symbol or an
/// ideograph that takes one.
pub fn normalise(given: &str) -> (String, IntakeReport) {
    if is_normal(given) {
        return (given.to_owned(), IntakeReport::default());
    }
    let mut folder = Folder::default();
    folder.run(given, |_| ());
    (folder.out, folder.report)
}

/// Where the characters of a given text went in its normalised form.
#[derive(Debug)]
pub(crate) struct OffsetMap {
    /// The groups that were kept, in order; `None` when nothing changed.
    groups: Option<Vec<Group>>,
    end: usize,
}

/// Characters that were normalised together.
#[derive(Debug)]
struct Group {
    /// Its first byte as given, and the byte behind its last.
    given: (usize, usize),
    /// Its first byte in the normalised text.
    normal: usize,
}

impl OffsetMap {
    /// Returns the normalised offset of the first group that has a character at or behind the
    /// given `offset`.
    pub(crate) fn start(&self, offset: usize) -> usize {
        let Some(groups) = &self.groups else { return offset };
        let first = groups.partition_point(|group| group.given.1 <= offset);
        groups.get(first).map_or(self.end, |group| group.normal.min(self.end))
    }

    /// Returns the normalised offset behind the last group that has a character before the given
    /// `offset`.
    pub(crate) fn end(&self, offset: usize) -> usize {
        let Some(groups) = &self.groups else { return offset };
        let behind = groups.partition_point(|group| group.given.0 < offset);
        if behind == 0 { 0 } else { groups.get(behind).map_or(self.end, |group| group.normal.min(self.end)) }
    }
}

/// As [`normalise`], with the map from offsets in `given` to offsets in the result.
pub(crate) fn normalise_mapped(given: &str) -> (String, IntakeReport, OffsetMap) {
    if is_normal(given) {
        let map = OffsetMap { groups: None, end: given.len() };
        return (given.to_owned(), IntakeReport::default(), map);
    }
    let mut folder = Folder::default();
    let mut groups = Vec::new();
    folder.run(given, |group| groups.push(group));
    let end = folder.out.len();
    (folder.out, folder.report, OffsetMap { groups: Some(groups), end })
}

/// Returns whether `given` is surely normal already; cheap, and `false` if in doubt.
fn is_normal(given: &str) -> bool {
    if given.starts_with(' ') || given.ends_with(' ') {
        return false;
    }
    let mut ascii = true;
    let mut space_before = false;
    for byte in given.bytes() {
        if (byte == b' ' && space_before) || matches!(byte, b'\t'..=b'\r') {
            return false;
        }
        space_before = byte == b' ';
        ascii &= byte.is_ascii();
    }
    ascii
        || (given.chars().all(|c| c.is_ascii() || !(c.is_whitespace() || is_invisible(c)))
            && is_nfc_quick(given.chars()) == IsNormalized::Yes)
}

/// Builds a normalised text out of groups: a character that nothing before it composes with, and
/// what may combine with it.
#[derive(Default)]
struct Folder {
    out: String,
    group: String,
    group_given: (usize, usize),
    space_given: Option<(usize, usize)>,
    report: IntakeReport,
}

impl Folder {
    fn run(&mut self, given: &str, mut kept: impl FnMut(Group)) {
        let mut before = None;
        let mut rest = given.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            let after = rest.peek().map(|next| next.1);
            let end = at + c.len_utf8();
            if is_invisible(c) && !is_selection(before, c, after) {
                self.report.provenance_characters += 1;
            } else if c.is_whitespace() {
                self.flush(&mut kept);
                self.space_given.get_or_insert((at, end)).1 = end;
            } else {
                if begins_group(c) {
                    self.flush(&mut kept);
                }
                if self.group.is_empty() {
                    self.group_given.0 = at;
                }
                self.group_given.1 = end;
                self.group.push(c);
            }
            before = Some(c);
        }
        self.flush(&mut kept);
        if let Some(given) = self.space_given {
            kept(Group { given, normal: self.out.len() });
        }
    }

    fn flush(&mut self, kept: &mut impl FnMut(Group)) {
        if self.group.is_empty() {
            return;
        }
        if let Some(given) = self.space_given.take() {
            kept(Group { given, normal: self.out.len() });
            if !self.out.is_empty() {
                self.out.push(' ');
            }
        }
        kept(Group { given: self.group_given, normal: self.out.len() });
        self.out.extend(self.group.nfc());
        self.group.clear();
    }
}

/// Returns whether no character before `c` can compose with it or be reordered past it.
fn begins_group(c: char) -> bool {
    c.is_ascii() || (canonical_combining_class(c) == 0 && is_nfc_quick(once(c)) == IsNormalized::Yes)
}

/// Returns whether `c` shows nothing by itself and has been used to hide data in text.
fn is_invisible(c: char) -> bool {
    c == '\u{FEFF}' || is_selector(c)
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// Returns whether `c` is a variation selector that selects something: it stands alone behind a
/// base that Unicode's tables (emoji-variation-sequences, `StandardizedVariants`, the IVD) give
/// one. Blocks stand for their characters, so a new emoji needs no new release.
fn is_selection(before: Option<char>, c: char, after: Option<char>) -> bool {
    let Some(base) = before else { return false };
    if after.is_some_and(is_selector) || is_selector(base) {
        return false;
    }
    match c {
        '\u{FE0E}' | '\u{FE0F}' => takes_presentation(base),
        '\u{FE00}'..='\u{FE0D}' => takes_standard_variant(base) || is_ideograph(base),
        '\u{E0100}'..='\u{E01EF}' => is_ideograph(base),
        _ => false,
    }
}

fn takes_presentation(base: char) -> bool {
    matches!(base,
        '#' | '*' | '0'..='9' | '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{21FF}' | '\u{2300}'..='\u{2328}' | '\u{232B}'..='\u{23FF}'
        | '\u{2460}'..='\u{24FF}' | '\u{25A0}'..='\u{27BF}' | '\u{2900}'..='\u{297F}'
        | '\u{2B00}'..='\u{2BFF}' | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}'
        | '\u{1F000}'..='\u{1FAFF}')
}

fn takes_standard_variant(base: char) -> bool {
    matches!(base,
        '0' | '\u{1000}'..='\u{109F}' | '\u{2018}'..='\u{201F}' | '\u{2200}'..='\u{22FF}'
        | '\u{2654}'..='\u{265F}' | '\u{2A00}'..='\u{2ADB}' | '\u{2ADD}'..='\u{2AFF}'
        | '\u{3001}'..='\u{3002}' | '\u{A840}'..='\u{A87F}' | '\u{AA60}'..='\u{AA7F}'
        | '\u{FF01}'..='\u{FF60}' | '\u{10AC0}'..='\u{10AFF}' | '\u{13000}'..='\u{1345F}')
}

fn is_ideograph(base: char) -> bool {
    matches!(base,
        '\u{3005}'..='\u{3007}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFD}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::is_nfc;

    use super::*;

    #[track_caller]
    fn check(given: &str, normal: &str, stripped: usize) {
        assert_eq!(normalise(given), (normal.to_owned(), IntakeReport { provenance_characters: stripped }));
        assert_eq!(normalise(normal).0, normal, "not idempotent");
    }

    #[test]
    fn every_run_of_white_space_becomes_one_space_and_the_ends_are_trimmed() {
        check(" \u{3000}a\u{A0}\t\r\n b\u{2028}\u{85}c\u{2003} ", "a b c", 0);
        check("  \n", "", 0);
        check("plain words", "plain words", 0);
        check("two  spaces", "two spaces", 0);
    }

    #[test]
    fn letters_are_composed() {
        check("cafe\u{301}", "caf\u{e9}", 0);
        check("\u{1100}\u{1161}\u{11a8}", "\u{ac01}", 0);
        check("a\u{323}\u{302}", "\u{1ead}", 0);
        check("\u{212b}", "\u{c5}", 0);
        check("q\u{307}\u{323}", "q\u{323}\u{307}", 0);
    }

    #[test]
    fn a_c2pa_wrapper_is_stripped_and_counted() {
        let hidden: String =
            "\u{FEFF}".chars().chain((0..16).map(selector)).chain((0..200).map(wide)).collect();
        check(&format!("Talks resume.{hidden}"), "Talks resume.", 217);
        check(&format!("Talks {hidden}resume."), "Talks resume.", 217);
        check("\u{FEFF}Talks", "Talks", 1);
    }

    #[test]
    fn a_run_of_selectors_behind_an_emoji_is_stripped() {
        check("\u{2764}\u{FE0F}\u{E0101}\u{E0102}!", "\u{2764}!", 3);
        check("a\u{FE0F}b", "ab", 1);
        check("\u{FE0F}b", "b", 1);
        check("e\u{E0101}\u{301}", "\u{e9}", 1);
    }

    #[test]
    fn emoji_presentation_and_ideographic_variation_are_kept() {
        check("\u{2764}\u{FE0F}", "\u{2764}\u{FE0F}", 0);
        check("1\u{FE0F}\u{20E3}", "1\u{FE0F}\u{20E3}", 0);
        check("\u{845B}\u{E0101}\u{57CE}", "\u{845B}\u{E0101}\u{57CE}", 0);
        check("\u{1F3F3}\u{FE0F}\u{200D}\u{1F308}", "\u{1F3F3}\u{FE0F}\u{200D}\u{1F308}", 0);
        check("\u{2764}\u{FE0F}\u{FEFF}\u{FE00}", "\u{2764}\u{FE0F}", 2);
    }

    #[test]
    fn offsets_follow_their_characters() {
        let given = "  cafe\u{301}  \u{FEFF}bar \n";
        let (normal, _, map) = normalise_mapped(given);
        assert_eq!(normal, "caf\u{e9} bar");
        let at = given.find("bar").expect("it is there");
        assert_eq!(&normal[map.start(at)..map.end(at + 3)], "bar");
        assert_eq!(&normal[map.start(0)..map.end(8)], "caf\u{e9}", "from the leading space on");
        assert_eq!(&normal[map.start(given.find('\u{FEFF}').expect("it is there"))..], "bar");
        assert_eq!(&normal[map.start(5)..map.end(6)], "\u{e9}", "a group is not cut");
        assert_eq!(map.end(given.len()), normal.len());
    }

    fn selector(index: u32) -> char {
        char::from_u32(0xFE00 + index).expect("a selector")
    }

    fn wide(index: u32) -> char {
        char::from_u32(0xE0100 + index).expect("a selector")
    }

    fn nasty_text() -> impl Strategy<Value = String> {
        let parts = prop_oneof![
            any::<char>().prop_map(String::from),
            (0_u32..16).prop_map(|index| selector(index).to_string()),
            (0_u32..240).prop_map(|index| wide(index).to_string()),
            proptest::sample::select(vec![
                " ",
                "\u{A0}",
                "\n",
                "\u{FEFF}",
                "\u{301}",
                "\u{323}",
                "\u{338}",
                "\u{2ADC}",
                "\u{2329}",
                "e",
                "0",
                "\u{2764}",
                "\u{845B}",
                "\u{F900}",
                "\u{1025}",
                "\u{102E}",
                "\u{1100}",
                "\u{1161}",
                "\u{0958}",
                "\u{2223}",
                "\u{2F800}",
                "\u{2000}",
                "\u{200D}",
                "<",
            ])
            .prop_map(str::to_owned),
        ];
        proptest::collection::vec(parts, 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn normal_text_is_composed_folded_trimmed_and_stays_as_it_is(given in nasty_text()) {
            let (normal, _) = normalise(&given);
            prop_assert!(is_nfc(&normal), "{normal:?}");
            prop_assert!(normal.split(' ').all(|word| !word.is_empty()) || normal.is_empty());
            prop_assert!(normal.chars().all(|c| c == ' ' || !c.is_whitespace()));
            prop_assert_eq!(&normalise(&normal), &(normal.clone(), IntakeReport::default()));
        }

        #[test]
        fn mapped_and_plain_normalisation_agree_and_offsets_rise(given in nasty_text()) {
            let (normal, report, map) = normalise_mapped(&given);
            prop_assert_eq!(normalise(&given), (normal.clone(), report));
            let mut last = (0, 0);
            for at in (0..=given.len()).filter(|at| given.is_char_boundary(*at)) {
                let (start, end) = (map.start(at), map.end(at));
                prop_assert!(normal.is_char_boundary(start) && normal.is_char_boundary(end));
                prop_assert!(start >= last.0 && end >= last.1);
                last = (start, end);
            }
            prop_assert_eq!(map.end(given.len()), normal.len());
        }
    }
}
