//! Inline mark-up in the form that HTML can say: marks that look the same are one.

use story::Mark;

/// Returns `marks` with those of one kind and one target joined where they touch or overlap:
/// nobody can see where one ends and the next begins.
pub(crate) fn joined(marks: &[Mark]) -> Vec<Mark> {
    let mut sorted: Vec<&Mark> = marks.iter().collect();
    sorted.sort_unstable_by_key(|mark| (mark.kind, &mark.href, mark.start, mark.end));
    let mut joined: Vec<Mark> = Vec::with_capacity(sorted.len());
    for mark in sorted {
        match joined.last_mut() {
            Some(last) if last.kind == mark.kind && last.href == mark.href && mark.start <= last.end => {
                last.end = last.end.max(mark.end);
            }
            _ => joined.push(mark.clone()),
        }
    }
    joined.sort_unstable();
    joined
}
