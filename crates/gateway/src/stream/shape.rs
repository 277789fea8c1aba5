//! The shapes in which a change is sent, each made from the one that is stored.

use bytes::Bytes;
use projector::{ChangeRow, View, ViewError, Views};
use story::Article;
use story::diff::json_patch::json_patch;
use story::diff::{Diff, FieldChange, Op, Splice};
use wire::{Change, ChangeBody, CloudEvent};

use crate::commands::large;

/// In which shape a change is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As it goes out over NATS, byte for byte.
    Full,
    /// With the offsets of splices in UTF-16 units.
    Utf16,
    /// With a JSON Patch instead of ops.
    JsonPatch,
    /// Without the article, and with its address.
    Thin,
}

impl Shape {
    /// How many there are.
    pub(crate) const COUNT: usize = 4;

    /// Returns `change` in this shape; `None` if readers may not see it any more.
    ///
    /// # Errors
    /// [`ViewError`].
    pub(crate) async fn of(self, change: &ChangeRow, views: &Views) -> Result<Option<Bytes>, ViewError> {
        let damaged = || ViewError::Damaged { place: format!("changes.event at {}", change.position) };
        match self {
            Self::Full => Ok(Some(change.event.clone())),
            Self::Thin => change.thin().map(Some).ok_or_else(damaged),
            Self::Utf16 | Self::JsonPatch => {
                let event: CloudEvent<Change> =
                    serde_json::from_slice(&change.event).map_err(|_| damaged())?;
                if !matches!(event.data.body, ChangeBody::Ops(_)) {
                    return Ok(Some(change.event.clone()));
                }
                let before = views.state(change.story, change.from, View::Public).await?;
                let after = views.state(change.story, change.to, View::Public).await?;
                let Some(after) = after else { return Ok(None) };
                // What it starts from is out of reach: the reader fetches what it leads to.
                let Some(before) = before else { return change.thin().map(Some).ok_or_else(damaged) };
                let bytes = before.text_bytes() + after.text_bytes();
                let shaped = large(bytes, move || match self {
                    Self::Utf16 => Some(json(&in_utf16(event, &before))),
                    _ => patched(event, &before, &after),
                });
                shaped.await.map(Some).ok_or_else(damaged)
            }
        }
    }
}

/// Returns the change with a JSON Patch in place of its ops.
fn patched(event: CloudEvent<Change>, before: &Article, after: &Article) -> Option<Bytes> {
    let mut shaped = serde_json::to_value(&event).ok()?;
    let CloudEvent { data: Change { body: ChangeBody::Ops(ops), observations, base, target, .. }, .. } =
        event
    else {
        return None;
    };
    let base = base.map_or_else(String::new, |base| base.to_string());
    let patch = json_patch(before, after, &Diff { ops, observations }, (&base, &target.to_string()));
    let data = shaped.get_mut("data")?.as_object_mut()?;
    data.shift_remove("ops");
    data.insert("patch".to_owned(), patch);
    Some(json(&shaped))
}

/// Returns the change with the offsets of its splices in UTF-16 units of the old texts.
fn in_utf16(mut event: CloudEvent<Change>, before: &Article) -> CloudEvent<Change> {
    let ChangeBody::Ops(ops) = &mut event.data.body else { return event };
    for op in ops {
        match op {
            Op::Edit { block, splices, .. } => {
                if let Some((_, block)) = before.block(block) {
                    count_utf16(splices, block.text.as_str());
                }
            }
            Op::Set { field, change: FieldChange::Splices(splices) } => {
                count_utf16(splices, before.fields.get(*field).as_str());
            }
            Op::Set { .. } | Op::Delete { .. } | Op::Move { .. } | Op::Insert { .. } => {}
        }
    }
    event
}

/// Gives `splices` of `text`, which ascend, offsets in UTF-16 units.
fn count_utf16(splices: &mut [Splice], text: &str) {
    let (mut bytes, mut units) = (0, 0);
    for splice in splices {
        units += text.get(bytes..splice.0).map_or(0, |between| between.encode_utf16().count());
        bytes = splice.0;
        splice.0 = units;
    }
}

fn json(value: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(value).expect("a change is texts, numbers and lists").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_counted_as_javascript_counts_them() {
        let text = "é😀a🇫🇷b";
        let at = |part: &str| text.find(part).expect("is there");
        let mut splices: Vec<_> =
            ["😀", "a", "b"].map(|part| Splice(at(part), part.to_owned(), String::new())).into();
        count_utf16(&mut splices, text);
        assert_eq!(splices.iter().map(|splice| splice.0).collect::<Vec<_>>(), [1, 3, 8]);
    }
}
