//! Changes to one entry of a live blog.

use bytes::Bytes;
use desk::{ActRequest, StoryRef};
use formats::Format;
use story::{ActorId, BlockId, BlockKind, Command, CommandKey, CopyBlock, Entry, EntryPlace, EntryStep};
use utoipa::IntoParams;
use wire::http::Pushed;
use wire::{Problem, ProblemKind};

use crate::commands::push::large;
use crate::commands::request::{text, time};
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};
use crate::problems;

/// How `place` is said.
const PLACES: &[(&str, EntryPlace)] = &[("top", EntryPlace::Top), ("bottom", EntryPlace::Bottom)];

/// What comes with a change to an entry.
#[derive(Debug, Clone, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntryParameters {
    /// Where a new entry goes: `top` (the default) or `bottom`.
    #[param(value_type = Option<String>, example = "top")]
    pub(crate) place: EntryPlace,
    /// The public note.
    pub(crate) note: Option<String>,
    /// When it happened in the world (RFC 3339); the offset is kept.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) occurred: Option<String>,
}

impl Query for EntryParameters {
    const NAMES: &'static [&'static str] = &["place", "note", "occurred"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            place: from.word("place", PLACES)?,
            note: from.text("note"),
            occurred: from.text("occurred").map(|text| time("occurred", text)).transpose()?,
        })
    }
}

/// What is done to an entry, as an edge hands it over.
#[derive(Debug, Clone)]
pub(crate) enum Doing {
    /// A new one, of this copy.
    Add(Option<Format>, Bytes),
    /// Other words for one.
    Edit(BlockId, Option<Format>, Bytes),
    Pin(BlockId),
    Unpin(BlockId),
    Delete(BlockId),
}

impl Gateway {
    /// Changes an entry of `story` for `actor`, who may file there.
    pub(crate) async fn entry(
        &self,
        (story, doing, query): (String, Doing, EntryParameters),
        actor: ActorId,
        key: Option<CommandKey>,
    ) -> Result<Pushed, Problem> {
        let step = match doing {
            Doing::Add(format, copy) => {
                EntryStep::Add { content: content(format, copy).await?, place: query.place }
            }
            Doing::Edit(block, format, copy) => {
                EntryStep::Edit { block, content: content(format, copy).await? }
            }
            Doing::Pin(block) => EntryStep::Pin { block },
            Doing::Unpin(block) => EntryStep::Unpin { block },
            Doing::Delete(block) => EntryStep::Delete { block },
        };
        let note = text("note", query.note.as_deref().unwrap_or_default())?;
        let entry = Entry { step, note, occurred: query.occurred.map(Into::into) };
        let story: StoryRef = story.parse().map_err(|_| problems::no_story(&story))?;
        let command = Command::Entry(Box::new(entry));
        let request = ActRequest { story, command, actor, key, expected: None };
        let gateway = self.clone();
        self.finish(async move {
            let outcome = gateway.inner.desk.act(request).await;
            gateway.told(outcome, Vec::new()).await
        })
        .await
    }
}

/// Returns the one block that the copy of an entry is. Text and Markdown are its words, whole: no
/// headline is taken from them.
async fn content(format: Option<Format>, copy: Bytes) -> Result<CopyBlock, Problem> {
    let length = copy.len();
    let intake = large(length, move || {
        let words = matches!(format, None | Some(Format::Plain | Format::Markdown))
            && !copy.trim_ascii_start().starts_with(b"{");
        if !words {
            return formats::read(&wrapped(&copy), Some(Format::Json));
        }
        // The reader takes the first line for the headline: it gets one that is not the entry's.
        let below = [b"-\n\n".as_slice(), &copy].concat();
        formats::read(&below, Some(format.unwrap_or(Format::Markdown)))
    });
    let intake = intake.await.map_err(|error| problems::of_intake(&error))?;
    let mut blocks = intake.copy.blocks.unwrap_or_default();
    if blocks.len() != 1 {
        let detail = format!("an entry is one block; this copy has {}", blocks.len());
        return Err(Problem::new(ProblemKind::BadCopy, detail).with("place", "body"));
    }
    Ok(CopyBlock { kind: BlockKind::Entry, id: None, ..blocks.remove(0) })
}

/// Returns the block that `object` is, inside a copy of nothing else.
fn wrapped(object: &[u8]) -> Vec<u8> {
    [b"{\"headline\":\"-\",\"blocks\":[".as_slice(), object, b"]}"].concat()
}
