//! The moments that a read may ask for: `as_of`, and the axis that its time is on.

use projector::{AsOf, Axis};
use wire::Problem;

use crate::gateway::Gateway;
use crate::parameters::{Parameters, bad_parameter};

/// How `axis` is said.
const AXES: &[(&str, Option<Axis>)] =
    &[("", None), ("recorded", Some(Axis::Recorded)), ("published", Some(Axis::Published))];

/// Takes `axis`.
pub(crate) fn axis(from: &mut Parameters) -> Result<Option<Axis>, Problem> {
    from.word("axis", AXES)
}

impl Gateway {
    /// Returns the moment that is meant, its time on `axis`; the newest if none was named.
    ///
    /// Without an axis a time is compared with when revisions were recorded. Readers are told nothing of
    /// what they cannot see, and can see a revision from when it is recorded: to them both axes are one.
    /// A cursor of another life of the log is refused.
    pub(crate) fn moment(&self, as_of: Option<AsOf>, axis: Option<Axis>) -> Result<AsOf, Problem> {
        let as_of = as_of.unwrap_or(AsOf::Latest);
        if let AsOf::Cursor(cursor) = as_of {
            self.position(cursor)?;
        }
        let Some(axis) = axis else { return Ok(as_of) };
        as_of.on(axis).ok_or_else(|| {
            bad_parameter(
                "axis",
                "it says what a time is compared with: give a time (RFC 3339), or leave it out",
            )
        })
    }
}
