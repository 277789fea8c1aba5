//! Inline mark-up of one block: checked as given, and carried through normalisation.

use std::sync::Arc;

use crate::block::{Mark, MarkKind};
use crate::copy::CopyError;
use crate::copy::check::is_address;
use crate::limits::MARKS_MAX;
use crate::text::OffsetMap;

/// Returns the marks of the normalised text, sorted, each once; a mark over nothing but what
/// normalisation took out is dropped.
pub(super) fn carried(
    place: &str,
    text: &str,
    marks: &[Mark],
    map: &OffsetMap,
) -> Result<Arc<[Mark]>, CopyError> {
    if marks.is_empty() {
        return Ok(Arc::default());
    }
    if marks.len() > MARKS_MAX {
        return Err(CopyError::over(format!("{place}.marks"), marks.len(), MARKS_MAX, "marks"));
    }
    let mut kept = Vec::with_capacity(marks.len());
    for (index, mark) in marks.iter().enumerate() {
        if let Some(problem) = problem(text, mark) {
            return Err(CopyError::new(format!("{place}.marks[{index}]"), problem));
        }
        let [start, end] = [map.start(mark.start as usize), map.end(mark.end as usize)]
            .map(|offset| u32::try_from(offset).expect("a block's text is far below 4 GiB"));
        if start < end {
            kept.push(Mark { start, end, ..mark.clone() });
        }
    }
    kept.sort_unstable();
    kept.dedup();
    Ok(kept.into())
}

impl Mark {
    /// Returns what is wrong with it as a mark on `text`: offsets, or the target of a link.
    pub fn problem(&self, text: &str) -> Option<String> {
        problem(text, self)
    }
}

fn problem(text: &str, mark: &Mark) -> Option<String> {
    let Mark { start, end, kind, href } = mark;
    if start >= end {
        return Some(format!("covers nothing: start {start} is not before end {end}"));
    }
    if *end as usize > text.len() {
        return Some(format!("ends at byte {end}, behind the text's {} bytes", text.len()));
    }
    if let Some(at) = [start, end].into_iter().find(|at| !text.is_char_boundary(**at as usize)) {
        return Some(format!("byte {at} is inside a character: give offsets in UTF-8 bytes"));
    }
    match (kind, href) {
        (MarkKind::A, None) => Some("is a link without a target: give href".to_owned()),
        (MarkKind::A, Some(href)) if !is_address(href, &["http://", "https://", "mailto:"]) => {
            Some("has an href that is not an absolute http, https or mailto address".to_owned())
        }
        (MarkKind::A, Some(_)) | (_, None) => None,
        (_, Some(_)) => Some("has an href but is not a link: use kind a".to_owned()),
    }
}
