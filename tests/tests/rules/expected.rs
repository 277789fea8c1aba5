//! What the documents say of a cell: docs/LIFECYCLE.md of a status and a command, docs/ACCESS.md of a role.

use std::fmt;

use writethru_tests::people::NO_KEY;
use writethru_tests::tables::Table;

use crate::commands::{Asked, DESK, asked};

/// One thing that is tried: a command, by somebody, on a story that stands somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) status: String,
    pub(crate) command: String,
    /// A grant, such as `editor@world`, or [`NO_KEY`].
    pub(crate) who: String,
    /// The story's slug: no two cells share a story.
    pub(crate) slug: String,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on a {} story by {}", self.command, self.status, self.who)
    }
}

/// What is to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It is done; the story stands here then, and readers are told or not.
    Done { status: String, told: bool },
    /// A rule of the newsroom forbids it.
    Refused,
    /// There is no such story.
    Missing,
    /// No key was shown; the right that was missing is recorded.
    Unknown { act: &'static str },
    /// The key lacks the right.
    Forbidden { act: &'static str },
    /// The key lacks the right, and its holder may not know that there is such a story.
    Hidden { act: &'static str },
}

/// Both tables.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) lifecycle: Table,
    pub(crate) access: Table,
}

impl Tables {
    pub(crate) fn read() -> Self {
        let lifecycle = Table::read("LIFECYCLE.md", "command");
        let access = Table::read("ACCESS.md", "act");
        assert_eq!((lifecycle.rows().count(), lifecycle.columns.len()), (18, 9), "every cell is tried");
        assert_eq!(access.columns.len(), 7, "every role is tried");
        Self { lifecycle, access }
    }

    /// Returns everybody who tries: a holder of each role on the desk, an editor of another desk, and
    /// who has no key.
    pub(crate) fn everybody(&self) -> Vec<String> {
        let on_desk =
            |role: &String| if role == NO_KEY { NO_KEY.to_owned() } else { format!("{role}@{DESK}") };
        let mut everybody: Vec<String> = self.access.columns.iter().map(on_desk).collect();
        everybody.push("editor@sports".to_owned());
        everybody
    }

    /// Returns whether `who` may do `act` on the desk.
    fn allows(&self, who: &str, act: &str) -> bool {
        let role = match who.split_once('@') {
            Some((role, DESK)) => role,
            // A role on another desk is none on this one.
            Some(_) => NO_KEY,
            None => who,
        };
        match self.access.cell(act, role) {
            "yes" => true,
            "" => false,
            other => panic!("ACCESS.md says {other:?} of {act} by {role}"),
        }
    }

    pub(crate) fn expected(&self, cell: &Cell) -> Expected {
        let Cell { status, command, who, .. } = cell;
        let needs = needs(command, status);
        if who == NO_KEY {
            // Nothing has been looked at when this is answered: neither the story nor the copy.
            let act = match asked(command) {
                Asked::Push(_) | Asked::Entry => "file",
                Asked::Act("restore", _) => "restore",
                Asked::Act(..) => needs[0],
            };
            return Expected::Unknown { act };
        }
        if status == "new" && !matches!(asked(command), Asked::Push(_)) {
            return Expected::Missing;
        }
        if let Some(act) = needs.into_iter().find(|act| !self.allows(who, act)) {
            let is_public = !matches!(status.as_str(), "draft" | "embargoed" | "scheduled");
            return if is_public || self.allows(who, "read-desk") {
                Expected::Forbidden { act }
            } else {
                Expected::Hidden { act }
            };
        }
        match self.lifecycle.cell(command, status) {
            "no" => Expected::Refused,
            told if told.starts_with("**") => {
                Expected::Done { status: told.trim_matches('*').to_owned(), told: true }
            }
            status => Expected::Done { status: status.to_owned(), told: false },
        }
    }
}

/// Returns the rights that `command` takes, the first one first.
fn needs(command: &str, status: &str) -> Vec<&'static str> {
    match command {
        "push --embargo-until" => vec!["file", "embargo"],
        "push --kind correction" => vec!["correct"],
        "restore" | "restore --draft" if status == "takendown" => vec!["lift-takedown"],
        "embargo --lift" => vec!["lift-embargo"],
        _ => match asked(command) {
            Asked::Push(_) | Asked::Entry => vec!["file"],
            Asked::Act(act, _) => vec![act],
        },
    }
}
