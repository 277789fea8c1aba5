//! News standards at the edges. In: what a newsroom sends, as copy that the domain understands.
//! Out: an article, as the world's own formats say it.
//!
//! Every decoder takes bytes that nobody has checked and answers with checked, normalised copy or
//! with an error that says what is wrong, where, and what to do. Nothing here does IO, and no
//! input makes it panic.

pub mod feed;
mod history;
mod html;
mod intake;
mod json;
mod json_copy;
mod lead_in;
mod markdown;
mod marks;
mod newsml_g2;
mod ninjs;
mod plain;
pub mod publication;
mod source;

pub use history::{History, State};
pub use intake::{Format, Intake, IntakeError, read};
pub use source::Source;

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
    /// Deepest nesting of XML elements: the deepest HTML, and the item around it.
    pub const XML_DEPTH_MAX: usize = HTML_DEPTH_MAX + 16;
    /// Most XML elements and attributes in one submission: each takes memory beyond its text.
    pub const XML_PARTS_MAX: usize = 200_000;
}
