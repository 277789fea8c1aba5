//! A block's mark-up as one value of a record.

use std::sync::Arc;

use serde::Serialize;
use story::{Mark, Text};

use crate::article::mark_kind;

/// A mark with its members in the order of RFC 8785.
#[derive(Serialize)]
struct Canonical<'a> {
    end: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    href: Option<&'a str>,
    kind: &'static str,
    start: u32,
}

/// Returns the JSON of `marks`, canonical by RFC 8785.
pub(super) fn to_json(marks: &[Mark]) -> String {
    let canonical: Vec<Canonical<'_>> = marks
        .iter()
        .map(|mark| Canonical {
            end: mark.end,
            href: mark.href.as_deref(),
            kind: mark_kind(mark.kind),
            start: mark.start,
        })
        .collect();
    serde_json::to_string(&canonical).expect("numbers and strings under fixed keys are always JSON")
}

/// Returns the marks that `json` holds, if it is what [`to_json`] writes.
pub(super) fn from_json(json: &str) -> Option<Arc<[Mark]>> {
    let marks: Vec<Mark> = serde_json::from_str(json).ok()?;
    (to_json(&marks) == json).then(|| marks.into())
}

/// Returns those of `marks` that can stand on `text`: all, unless words of it have been erased.
///
/// Behind erased words the old offsets mean nothing, so only marks before them stay. Sealing and
/// opening leave out the same ones: a story is the same however it was come by.
pub(super) fn fitting(text: &Text, marks: &Arc<[Mark]>) -> Arc<[Mark]> {
    if !text.has_erased() {
        return Arc::clone(marks);
    }
    let sound: usize = text.values().map_while(|value| value.map(str::len)).sum();
    marks.iter().filter(|mark| mark.end as usize <= sound).cloned().collect()
}
