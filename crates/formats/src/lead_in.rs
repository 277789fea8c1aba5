//! The lead-in of an editor's note: what an update is, in words that an editor reads and the
//! service reads back, since neither ninjs nor NewsML-G2 has a field for most of it.
//!
//! The first line is the kind and the public note, such as `CORRECTION: The count was wrong.`
//! Lines below begin with `WAS WRONG: `, `WHERE: ` or `EDITORS: `. Nothing but an item that the
//! service has marked as its own is read this way.

use story::Kind;

/// Role or type of the alternative id that marks an item as written here; its value is the story.
pub(crate) const STORY_ROLE: &str = "writethru:story";
/// Role or type of the alternative id that is the hash of the revision.
pub(crate) const HASH_ROLE: &str = "writethru:hash";

const WRONG: &str = "WAS WRONG: ";
const WHERE: &str = "WHERE: ";
const EDITORS: &str = "EDITORS: ";

/// What a lead-in says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeadIn<T> {
    pub(crate) kind: Kind,
    /// The public note.
    pub(crate) note: T,
    /// What was wrong.
    pub(crate) what: T,
    /// Where it stood.
    pub(crate) place: T,
    /// The note for editors.
    pub(crate) ed_note: T,
}

/// Returns `said` as an editor's note.
pub(crate) fn write(said: LeadIn<&str>) -> String {
    let mut written = said.kind.as_str().to_ascii_uppercase();
    if !said.note.is_empty() {
        written.push_str(": ");
        push_line(&mut written, said.note);
    }
    for (label, text) in [(WRONG, said.what), (WHERE, said.place), (EDITORS, said.ed_note)] {
        if !text.is_empty() {
            written.push('\n');
            written.push_str(label);
            push_line(&mut written, text);
        }
    }
    written
}

/// Returns what an editor's note that [`write`] made says; `None` for any other.
pub(crate) fn read(given: &str) -> Option<LeadIn<String>> {
    let mut lines = given.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?;
    let (word, note) = first.split_once(": ").unwrap_or((first, ""));
    let kind = Kind::ALL.iter().copied().find(|kind| kind.as_str().to_ascii_uppercase() == word)?;
    let mut said = LeadIn {
        kind,
        note: note.to_owned(),
        what: String::new(),
        place: String::new(),
        ed_note: String::new(),
    };
    for line in lines {
        let (label, text) =
            [WRONG, WHERE, EDITORS].into_iter().find_map(|label| Some((label, line.strip_prefix(label)?)))?;
        let part = match label {
            WRONG => &mut said.what,
            WHERE => &mut said.place,
            _ => &mut said.ed_note,
        };
        if !part.is_empty() {
            return None;
        }
        text.clone_into(part);
    }
    Some(said)
}

fn push_line(line: &mut String, text: &str) {
    line.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
}

/// Whether readers may use an item, as both standards say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PubStatus {
    Usable,
    Withheld,
    Canceled,
}

impl PubStatus {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::Withheld => "withheld",
            Self::Canceled => "canceled",
        }
    }

    /// Returns the status of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Usable, Self::Withheld, Self::Canceled].into_iter().find(|status| status.as_str() == name)
    }

    /// Returns the kind of an item of this status whose lead-in says it is `marked`: one that
    /// must not be used is never filed as an update.
    pub(crate) fn kind(self, marked: Option<Kind>) -> Option<Kind> {
        match self {
            Self::Usable => marked,
            Self::Withheld => Some(Kind::Withhold),
            Self::Canceled => {
                let ends = [Kind::Kill, Kind::Takedown, Kind::Unpublish];
                Some(marked.filter(|kind| ends.contains(kind)).unwrap_or(Kind::Kill))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_in_says_what_it_was_written_from() {
        let said = LeadIn {
            kind: Kind::Correction,
            note: "It was four: not five.",
            what: "the count",
            place: "EDITORS: third paragraph",
            ed_note: "WAS WRONG: twice",
        };
        let written = write(said);
        assert_eq!(
            written,
            "CORRECTION: It was four: not five.\nWAS WRONG: the count\nWHERE: EDITORS: third paragraph\n\
             EDITORS: WAS WRONG: twice"
        );
        let read = read(&written).expect("it is one");
        assert_eq!((read.kind, read.note.as_str(), read.what.as_str()), (said.kind, said.note, said.what));
        assert_eq!((read.place.as_str(), read.ed_note.as_str()), (said.place, said.ed_note));
    }

    #[test]
    fn other_words_are_no_lead_in() {
        for given in
            ["", "Hold page 1.", "CORRECTION: a\nand more", "CORRECTIONS", "ALERT\nWHERE: a\nWHERE: b"]
        {
            assert_eq!(read(given), None, "{given:?}");
        }
    }

    #[test]
    fn an_item_that_must_not_be_used_is_no_update_whatever_it_says() {
        assert_eq!(PubStatus::Canceled.kind(Some(Kind::Update)), Some(Kind::Kill));
        assert_eq!(PubStatus::Canceled.kind(Some(Kind::Takedown)), Some(Kind::Takedown));
        assert_eq!(PubStatus::Withheld.kind(Some(Kind::Update)), Some(Kind::Withhold));
    }
}
