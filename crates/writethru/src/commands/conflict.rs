//! Two editors changed the same words: every version shown, and the merged copy to go on from.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use formats::Format;
use serde::Deserialize;
use serde_json::{Map, Value};
use story::{Article, Block, BlockId};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{say, talk_color};
use crate::words::Words;

/// The answer to copy that was made from an earlier revision and does not fit the present one.
#[derive(Debug, Deserialize)]
pub(crate) struct Conflict {
    /// The revision that the copy was made from.
    pub(crate) expected: u64,
    /// The revision that the story is at.
    pub(crate) actual: u64,
    theirs: Value,
    merged: Value,
    overlaps: Vec<Overlap>,
}

/// One place that both changed.
#[derive(Debug, Deserialize)]
struct Overlap {
    place: String,
    base: Option<String>,
    theirs: Option<String>,
    mine: Option<String>,
}

impl Conflict {
    /// Returns the conflict that the server answered with, if `failure` is one.
    pub(crate) fn of(failure: &Failure) -> Option<Self> {
        let problem: &Map<String, Value> = failure.answer()?;
        if failure.exit() != Exit::Conflict || !problem.contains_key("overlaps") {
            return None;
        }
        serde_json::from_value(Value::Object(problem.clone())).ok()
    }

    /// Shows each place three ways, and what the merged copy would change.
    pub(crate) fn show(&self) {
        let words = Words { color: talk_color(), whole: true };
        let dim = anstyle::Style::new().dimmed();
        let bold = anstyle::Style::new().bold();
        let (expected, actual) = (self.expected, self.actual);
        say(format_args!(
            "{bold}your copy was made from revision {expected}; the story is at {actual}{bold:#}"
        ));
        for overlap in &self.overlaps {
            let base = overlap.base.as_deref();
            say("");
            say(format_args!("{bold}{}{bold:#}", overlap.place));
            say(format_args!("  {dim}base{dim:#}    {}", base.unwrap_or("(not there)")));
            say(format_args!("  {dim}theirs{dim:#}  {}", side(words, base, overlap.theirs.as_deref())));
            say(format_args!("  {dim}mine{dim:#}    {}", side(words, base, overlap.mine.as_deref())));
        }
        if let (Some(theirs), Some(merged)) = (article(&self.theirs), article(&self.merged)) {
            let lines = Words { whole: false, ..words }.difference(&theirs, &merged);
            say("");
            say(format_args!(
                "{bold}merged: yours at these places, both elsewhere; against revision {actual}{bold:#}"
            ));
            if lines.is_empty() {
                say("  as it stands");
            }
            lines.iter().for_each(say);
        }
        say("");
    }

    /// Writes the merged copy to a new file.
    ///
    /// # Errors
    /// The file is there already, or cannot be written.
    pub(crate) fn write_merged(&self, path: &Path) -> Result<(), Failure> {
        let text = format!("{:#}\n", self.merged);
        File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
            Failure::new(Exit::Failure, "merged", format!("cannot write {}", path.display()))
                .because(&error)
                .next("nothing was filed; push again and name another file with --merged")
        })
    }
}

/// Returns one side of a place, with what it changed in the base marked.
fn side(words: Words, base: Option<&str>, side: Option<&str>) -> String {
    match (base, side) {
        (_, None) => "(not there)".to_owned(),
        (None, Some(side)) => words.between("", side),
        (Some(base), Some(side)) => words.between(base, side),
    }
}

/// Returns the article that copy in JSON is, with names for its new blocks; `None` for anything
/// else. It is for eyes only.
fn article(copy: &Value) -> Option<Article> {
    let copy = formats::read(copy.to_string().as_bytes(), Some(Format::Json)).ok()?.copy;
    let blocks = copy.blocks.unwrap_or_default().into_iter().enumerate();
    let blocks = blocks.map(|(place, block)| {
        let id = block.id.or_else(|| format!("new-{place}").parse::<BlockId>().ok())?;
        Some(Arc::new(Block { id, kind: block.kind, text: block.text, marks: block.marks }))
    });
    Some(Article { fields: copy.fields, blocks: blocks.collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn failure(problem: &Value) -> Failure {
        let problem = problem.as_object().cloned().expect("an object");
        Failure::new(Exit::Conflict, "answer", "conflict").problem(problem)
    }

    fn problem() -> Value {
        let copy = |words: &str| json!({"headline": "H", "blocks": [{"id": "b1", "text": words}]});
        json!({
            "type": "/problems/conflict", "expected": 1, "actual": 2,
            "base": copy("Three."), "theirs": copy("Four."), "mine": copy("Five."), "merged": copy("Five."),
            "overlaps": [{"place": "block b1", "base": "Three.", "theirs": "Four.", "mine": null}],
        })
    }

    #[test]
    fn an_overlap_is_a_conflict_and_a_stale_revision_alone_is_none() {
        let conflict = Conflict::of(&failure(&problem())).expect("a conflict");
        assert_eq!((conflict.expected, conflict.actual, conflict.overlaps.len()), (1, 2, 1));
        assert!(Conflict::of(&failure(&json!({"expected": 1, "actual": 2}))).is_none());
    }

    #[test]
    fn a_side_is_marked_against_the_base() {
        let words = Words { color: false, whole: true };
        assert_eq!(side(words, Some("Three."), Some("Four.")), "[-Three.-]{+Four.+}");
        assert_eq!(side(words, Some("Three."), None), "(not there)");
        assert_eq!(side(words, None, Some("Four.")), "{+Four.+}");
    }

    #[test]
    fn the_merged_copy_is_written_once_and_never_over_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("merged.json");
        let conflict = Conflict::of(&failure(&problem())).unwrap();
        conflict.write_merged(&path).unwrap();
        let written: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(written["blocks"][0]["text"], "Five.");
        assert_eq!(conflict.write_merged(&path).unwrap_err().exit(), Exit::Failure);
    }

    #[test]
    fn a_new_block_of_the_merged_copy_gets_a_name_to_be_shown_by() {
        let read =
            article(&json!({"headline": "H", "blocks": [{"text": "New."}, {"id": "b1", "text": "Old."}]}));
        let ids: Vec<String> = read.unwrap().blocks.iter().map(|block| block.id.to_string()).collect();
        assert_eq!(ids, ["new-0", "b1"]);
        assert!(article(&json!("no copy")).is_none());
    }
}
