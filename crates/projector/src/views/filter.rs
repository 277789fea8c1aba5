//! Which public changes somebody follows, and what is left of one for who wants no words.

use bytes::Bytes;
use serde_json::Value;
use story::{Desk, Kind, Level, Status, StoryId};

use crate::views::ChangeRow;

/// Which changes somebody follows: those that fit all that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Only of stories on this desk, or that leave it with the change.
    pub desk: Option<Desk>,
    /// Only of stories with this tag, or that lose it with the change.
    pub tag: Option<String>,
    /// Only of these kinds; of all if there are none.
    pub kinds: Vec<Kind>,
    /// Only those that matter at least this much.
    pub least: Option<Level>,
    /// Only those after which the headline is another one.
    pub headline_only: bool,
    /// Only of this story.
    pub story: Option<StoryId>,
}

impl ChangeRow {
    /// Returns whether `filter` lets the change through. That a story was taken from readers passes for
    /// every tag: what its tags were is no longer told, and whoever had its words must hear of it.
    pub fn passes(&self, filter: &ChangeFilter) -> bool {
        let on_desk = |wanted: &Desk| self.desk == *wanted || self.desk_before.as_ref() == Some(wanted);
        let tagged = |wanted: &String| self.status != Status::Usable || self.tags.contains(wanted);
        filter.desk.as_ref().is_none_or(on_desk)
            && filter.tag.as_ref().is_none_or(tagged)
            && (filter.kinds.is_empty() || filter.kinds.contains(&self.kind))
            && filter.least.is_none_or(|least| self.level >= least)
            && (!filter.headline_only || self.rewords_headline)
            && filter.story.is_none_or(|story| self.story == story)
    }

    /// Returns the change without its article, and with the address of it; `None` if what is stored is no
    /// change.
    pub fn thin(&self) -> Option<Bytes> {
        let mut event: Value = serde_json::from_slice(&self.event).ok()?;
        let data = event.get_mut("data")?.as_object_mut()?;
        for member in ["ops", "snapshot", "fetch", "observations"] {
            data.shift_remove(member);
        }
        let address = format!("/v1/stories/{}?as_of=rev:{}", self.story, self.to);
        data.insert("ref".to_owned(), address.into());
        serde_json::to_vec(&event).ok().map(Bytes::from)
    }
}
