//! What a reader of a stream asks for.

use projector::{ChangeFilter, ChangeRow};
use story::Kind;
use utoipa::IntoParams;
use wire::{Cursor, Problem};

use crate::commands::After;
use crate::parameters::{Parameters, Query, bad_parameter};
use crate::stream::shape::Shape;

/// How much of a change is sent.
const PAYLOADS: &[(&str, Payload)] = &[("full", Payload::Full), ("thin", Payload::Thin)];
/// What the offsets of splices count.
const UNITS: &[(&str, Unit)] = &[("utf8", Unit::Utf8), ("utf16", Unit::Utf16)];
/// How a change says what to do.
const PATCHES: &[(&str, Patch)] = &[("ops", Patch::Ops), ("json-patch", Patch::JsonPatch)];

#[derive(Debug, Clone, Copy)]
enum Payload {
    Full,
    Thin,
}

#[derive(Debug, Clone, Copy)]
enum Unit {
    Utf8,
    Utf16,
}

#[derive(Debug, Clone, Copy)]
enum Patch {
    Ops,
    JsonPatch,
}

/// Which changes to send, and how.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Only what comes behind this: a cursor that an earlier answer gave, `earliest` or `now`. The
    /// header `Last-Event-ID` goes before it. Without both, a story's stream begins with its
    /// snapshot, and the stream of all begins now.
    #[param(value_type = Option<String>, example = "now")]
    since: Option<After>,
    /// Only of stories on this desk, or that leave it with the change.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "world")]
    #[expect(dead_code, reason = "it describes a parameter that makes a part of the filter")]
    desk: (),
    /// Only of stories with this tag, letter by letter, or that lose it with the change. A story that
    /// is taken from readers is told whatever its tags were.
    #[param(value_type = Option<String>, example = "economy")]
    #[expect(dead_code, reason = "it describes a parameter that makes a part of the filter")]
    tag: (),
    /// Only of these kinds: names with commas between.
    #[param(value_type = Option<String>, example = "correction,kill")]
    #[expect(dead_code, reason = "it describes a parameter that makes a part of the filter")]
    kind: (),
    /// Only those that matter at least this much: `minor`, `notable` or `substantive`.
    #[param(value_type = Option<String>, example = "notable")]
    #[expect(dead_code, reason = "it describes a parameter that makes a part of the filter")]
    min_significance: (),
    /// `true`: only those after which the headline is another one.
    #[param(value_type = Option<bool>, example = false)]
    #[expect(dead_code, reason = "it describes a parameter that makes a part of the filter")]
    headline_only: (),
    /// `full` (the default), or `thin`: without `ops` and `snapshot`, and with `ref`, the address of the
    /// article.
    #[param(value_type = Option<String>, example = "full")]
    payload: Shape,
    /// What the offsets of splices count: `utf8` bytes (the default), or `utf16` units, as JavaScript does.
    #[param(value_type = Option<String>, example = "utf8")]
    #[expect(dead_code, reason = "it describes a parameter that makes a part of the shape")]
    unit: (),
    /// `ops` (the default), or `json-patch`: member `patch` instead, RFC 6902 on the keyed article.
    #[param(value_type = Option<String>, example = "ops")]
    #[expect(dead_code, reason = "it describes a parameter that makes a part of the shape")]
    patch: (),
    #[param(ignore)]
    filter: ChangeFilter,
}

impl Query for EventsQuery {
    const NAMES: &'static [&'static str] =
        &["since", "desk", "tag", "kind", "min_significance", "headline_only", "payload", "unit", "patch"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            since: from.optional("since")?,
            desk: (),
            tag: (),
            kind: (),
            min_significance: (),
            headline_only: (),
            payload: shape(from)?,
            unit: (),
            patch: (),
            filter: ChangeFilter {
                desk: from.optional("desk")?,
                tag: from.text("tag"),
                kinds: kinds(from)?,
                least: from.optional("min_significance")?,
                headline_only: from.truth("headline_only")?,
                story: None,
            },
        })
    }
}

fn kinds(from: &mut Parameters) -> Result<Vec<Kind>, Problem> {
    let Some(given) = from.text("kind") else { return Ok(Vec::new()) };
    let kinds =
        given.split(',').map(|kind| kind.trim().parse().map_err(|error| bad_parameter("kind", error)));
    kinds.collect()
}

/// A thin change has no offsets, and a JSON Patch replaces whole texts: neither has a unit.
fn shape(from: &mut Parameters) -> Result<Shape, Problem> {
    let (payload, unit) = (from.word("payload", PAYLOADS)?, from.word("unit", UNITS)?);
    Ok(match (payload, from.word("patch", PATCHES)?, unit) {
        (Payload::Thin, ..) => Shape::Thin,
        (Payload::Full, Patch::JsonPatch, _) => Shape::JsonPatch,
        (Payload::Full, Patch::Ops, Unit::Utf16) => Shape::Utf16,
        (Payload::Full, Patch::Ops, Unit::Utf8) => Shape::Full,
    })
}

impl EventsQuery {
    /// Returns where to begin: `last` is what the reader says it had last.
    pub(crate) fn since(&self, last: Option<Cursor>) -> Option<After> {
        last.map(After::Cursor).or(self.since)
    }

    pub(crate) fn shape(&self) -> Shape {
        self.payload
    }

    /// Returns whether `change` is asked for.
    pub(crate) fn passes(&self, change: &ChangeRow) -> bool {
        change.passes(&self.filter)
    }
}
