//! Evidence bundles: what a story said, when, by whose hand, in one file that proves it to whoever does not
//! trust the one who made it.
//!
//! Everything here is pure: records, tiles and a signed head come in, bytes go out. A bundle has a core,
//! which is proved (a signed head, tiles, envelopes, disclosed values), and everything else is derived
//! from the core by fixed rules. So verifying is: prove the core, derive the bundle again, and compare
//! every byte. It refuses to guess: what it would not write itself is not a bundle.

mod bag;
mod core;
mod derive;
mod describe;
mod disclosure;
mod fault;
mod git;
mod level;
mod log_files;
mod replay;
mod revision;
mod select;
mod trust;
mod verify;
mod zip_form;

pub use bag::BASE;
pub use core::{ExportError, Source, SourceRecord, export};
pub use fault::Fault;
pub use level::{Level, LevelError};
pub use verify::{Verified, verify};

/// The limits of a bundle, each refused by name when it is passed.
pub mod limits {
    /// Logs of at most so many entries are in a bundle as a whole; of a longer one, only the bundles of
    /// entries that its stories are in, and the tiles that prove them.
    pub const WHOLE_ENTRIES_MAX: u64 = 1_024;
    /// Most stories in one bundle.
    pub const STORIES_MAX: usize = 1_000;
    /// Most revisions in one bundle, of all stories together: each has a receipt of its own.
    pub const REVISIONS_MAX: usize = 25_000;
    /// Most files in a bundle, so that every reader of zip files reads it.
    pub const FILES_MAX: usize = 65_534;
    /// Most bytes of a bundle, so that every reader of zip files reads it.
    pub const BUNDLE_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
}
