//! Small texts that people write: names, notes, and the doors of the service.

use std::fmt;
use std::str::FromStr;

use story::IdentityError;

use crate::limits::{DOOR_BYTES_MAX, NAME_CHARS_MAX};
use crate::words::{illegal, text_in_json};

/// A line of text about a person. `Debug` does not show it, so that no log line keeps it after it
/// was erased.
macro_rules! line {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(not shown)"))
            }
        }

        impl FromStr for $name {
            type Err = IdentityError;

            fn from_str(given: &str) -> Result<Self, Self::Err> {
                let text = given.trim();
                let length = text.chars().count();
                if length == 0 || length > NAME_CHARS_MAX || text.chars().any(char::is_control) {
                    return Err(illegal($what, given, "1 to 200 characters on one line"));
                }
                Ok(Self(text.to_owned()))
            }
        }

        text_in_json!($name);
    };
}

line!(
    /// Name of a person or machine: the only place where it is kept, and it can be erased.
    ActorName, "name"
);
line!(
    /// What an admin wrote about a key.
    Note, "note"
);

/// A way in or out of the service, such as `http`, `nats` or `feed`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Door(String);

impl Door {
    /// Returns the name of the door.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Door {
    type Err = IdentityError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if given.is_empty() || given.len() > DOOR_BYTES_MAX || !given.bytes().all(legal) {
            return Err(illegal("door", given, "1 to 64 characters out of A-Z a-z 0-9 - _"));
        }
        Ok(Self(given.to_owned()))
    }
}

text_in_json!(Door);
