//! Records at work, and their places in the traces of whoever asked for them.

use log::Record;
use trace::{Kind, Span};

use crate::views::ChangeRow;

/// The spans of those records of a group that are parts of a trace: most often none.
#[derive(Debug)]
pub(crate) struct Traced(Vec<(trace::Key, Span)>);

impl Traced {
    /// Begins to project `records`.
    pub(crate) fn begin(records: &[Record]) -> Self {
        let spans = records.iter().filter_map(|record| {
            let key = (record.story.0, record.revision);
            let mut span = trace::advance("project", Kind::Internal, key)?;
            span.say("log.position", record.position);
            Some((key, span))
        });
        Self(spans.collect())
    }

    /// Says that the views have them, and that `changes` go on from there; what is no change for readers
    /// goes nowhere.
    pub(crate) fn projected(self, changes: &[ChangeRow]) {
        for (key, _span) in self.0 {
            let goes_on = |change: &ChangeRow| (*change.story.as_bytes(), change.to.get()) == key;
            if !changes.iter().any(goes_on) {
                trace::done(key);
            }
        }
    }
}
