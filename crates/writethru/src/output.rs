//! Standard output: the command's answer and nothing else.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

use crate::failure::Failure;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always, even into a pipe.
    Always,
    /// Never.
    Never,
}

/// Where answers go: stdout, settled once how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Whether the caller asked for JSON.
    pub(crate) json: bool,
    choice: ColorChoice,
}

impl Output {
    /// Settles how to write, for stdout and stderr.
    pub(crate) fn new(color: Color, json: bool) -> Self {
        match color {
            Color::Auto => {}
            Color::Always => ColorChoice::Always.write_global(),
            Color::Never => ColorChoice::Never.write_global(),
        }
        Self { json, choice: AutoStream::choice(&io::stdout()) }
    }

    /// Returns whether answers are coloured.
    pub(crate) fn color(self) -> bool {
        self.choice != ColorChoice::Never
    }

    /// Writes one line.
    ///
    /// # Errors
    /// A closed pipe or a full disk.
    pub(crate) fn line(self, line: impl Display) -> Result<(), Failure> {
        let mut stdout = AutoStream::new(io::stdout().lock(), self.choice);
        writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(|error| Failure::output(&error))
    }

    /// Writes `value` as one line of JSON.
    ///
    /// # Errors
    /// A closed pipe or a full disk.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|error| Failure::output(&io::Error::other(error.to_string())))?;
        self.line(text)
    }
}

/// Writes bytes to stdout as they are.
///
/// # Errors
/// A closed pipe or a full disk.
pub(crate) fn write_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| Failure::output(&error))
}

/// Writes one line of talk to stderr; what cannot be written there is lost.
pub(crate) fn say(line: impl Display) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{line}");
}

/// Returns whether what goes to stderr is coloured.
pub(crate) fn talk_color() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Returns a progress bar on stderr, hidden unless stderr is a terminal.
pub(crate) fn progress(total: u64, what: &'static str) -> indicatif::ProgressBar {
    if !io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let style = indicatif::ProgressStyle::with_template(
        "{prefix} [{wide_bar:.cyan/blue}] {human_pos}/{human_len} {per_sec} {eta} {wide_msg}",
    )
    .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar())
    .progress_chars("=> ");
    indicatif::ProgressBar::new(total).with_style(style).with_prefix(what)
}
