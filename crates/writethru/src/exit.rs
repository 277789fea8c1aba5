//! Exit codes: what a script may rely on.

use std::fmt::Write as _;
use std::process::ExitCode;

/// How a command ended. The numbers are a promise: they never change meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Ok,
    /// It failed, or what was asked for does not exist.
    Failure,
    /// The command line or the configuration makes no sense.
    Usage,
    /// Someone else changed the story first.
    Conflict,
    /// Two things that should be equal differ, or something could not be verified.
    Differs,
    /// The input was read and is not acceptable.
    BadData,
    /// The input could not be read.
    InputUnreadable,
    /// Something needed is not there: no server, a data dir in use, a busy log.
    Unavailable,
    /// No key was sent, an unknown one, or one that does not allow this.
    Denied,
    /// A second signal cut the shutdown short.
    Aborted,
}

impl Exit {
    /// Every exit code, in order of number.
    pub(crate) const ALL: [Self; 10] = [
        Self::Ok,
        Self::Failure,
        Self::Usage,
        Self::Conflict,
        Self::Differs,
        Self::BadData,
        Self::InputUnreadable,
        Self::Unavailable,
        Self::Denied,
        Self::Aborted,
    ];

    /// Returns the number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Conflict => 3,
            Self::Differs => 4,
            Self::BadData => 65,
            Self::InputUnreadable => 66,
            Self::Unavailable => 69,
            Self::Denied => 77,
            Self::Aborted => 130,
        }
    }

    /// Returns what the number means, as `--help` says it.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failure => "failure, or not found",
            Self::Usage => "usage: the command line or the configuration makes no sense",
            Self::Conflict => "conflict: someone else changed the story first",
            Self::Differs => "differs, or not verified",
            Self::BadData => "bad data: the input was read and is not acceptable",
            Self::InputUnreadable => "the input could not be read",
            Self::Unavailable => "unavailable: no server, or the data dir is in use",
            Self::Denied => "denied: no key, or one that does not allow this",
            Self::Aborted => "a second signal cut the shutdown short",
        }
    }

    /// Returns the exit code with this number, if there is one.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.code() == code)
    }

    /// Returns the exit codes as a section of `--help`.
    pub(crate) fn help() -> String {
        let mut help = String::from("Exit codes:\n");
        for exit in Self::ALL {
            // Writing to a String cannot fail.
            let _ = writeln!(help, "  {:>3}  {}", exit.code(), exit.meaning());
        }
        help
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
