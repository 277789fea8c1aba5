//! The projector: folds the log into views that can be read, and into the changes that go out.
//!
//! Views, changes and checkpoint are committed in one transaction, so a record that comes twice
//! changes nothing. The views hold nothing that the log does not: delete them, and they are built
//! again, byte for byte. The projector refuses to read a clock or draw a number.

mod fold;
mod passages;
mod projector;
mod rebuild;
mod redacted;
mod spread;
mod step;
mod traced;
mod views;

pub use fold::FoldError;
pub use projector::{Control, Projector, ProjectorError};
pub use rebuild::{Comparison, Progress, RebuildError, Rebuilt, compare, rebuild};
pub use views::{
    AsOf, AsOfError, ChangeFilter, ChangeRow, Corrected, DeskLine, Edition, Embargoed, Found, Leaving,
    OpenViewsError, ParkedStory, Period, PhraseFilter, PublicAround, PublicMoment, Recalling, Shelf,
    StoryFilter, StoryPage, StretchPlace, View, ViewError, Views, Written,
};
