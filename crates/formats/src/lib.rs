//! News standards in: what a newsroom sends, as copy that the domain understands.
//!
//! Every decoder takes bytes that nobody has checked and answers with checked, normalised copy or
//! with an error that says what is wrong, where, and what to do. Nothing here does IO, and no
//! input makes it panic.

mod history;
mod html;
mod intake;
mod json;
mod json_copy;
mod markdown;
mod ninjs;
mod plain;

pub use history::{History, State};
pub use intake::{Format, Intake, IntakeError, read};

/// The limits of what is taken in, each refused by name when it is passed.
pub mod limits {
    /// Most bytes in one submission, or in one line of a history: an article at its own limits
    /// fits, escaped as JSON.
    pub const INTAKE_BYTES_MAX: usize = 16 * 1024 * 1024;
    /// Most bytes of HTML in one submission: the sanitiser's time grows with the square of some
    /// inputs, to a few seconds at this limit.
    pub const HTML_BYTES_MAX: usize = 1024 * 1024;
    /// Deepest nesting of HTML elements: the sanitiser's time grows with it.
    pub const HTML_DEPTH_MAX: usize = 256;
}
