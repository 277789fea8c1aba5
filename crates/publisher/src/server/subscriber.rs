//! The name of a subscriber of its own: what it may be, and what it names.

use std::fmt;
use std::str::FromStr;

use wire::Subject;

/// The name is a part of subjects.
const NAME_CHARACTERS_MAX: usize = 64;
/// Names that mean someone else.
const RESERVED: [&str; 4] = ["service", "editor", "public", "writethru"];

/// The name of a subscriber with an account of its own: of its acknowledgements, its durable
/// consumers and its inbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubscriberName(String);

/// Text that is no [`SubscriberName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot name a subscriber: take 1 to {NAME_CHARACTERS_MAX} of a-z, 0-9, - and _, \
     but not service, editor, public or writethru"
)]
pub struct SubscriberNameError(String);

impl FromStr for SubscriberName {
    type Err = SubscriberNameError;

    fn from_str(text: &str) -> Result<Self, SubscriberNameError> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let short = (1..=NAME_CHARACTERS_MAX).contains(&text.len());
        // Acknowledgements are stored under the name: it must be an actor's.
        if short
            && text.bytes().all(legal)
            && !RESERVED.contains(&text)
            && Subject::subscriber_of_ack(&format!("wt.v1.ack.{text}")).is_some()
        {
            return Ok(Self(text.to_owned()));
        }
        Err(SubscriberNameError(text.chars().take(80).collect()))
    }
}

impl fmt::Display for SubscriberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl SubscriberName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what the inboxes of this subscriber begin with.
    pub fn inbox_prefix(&self) -> String {
        format!("_INBOX_{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_reach_beyond_its_token() {
        let refused = [
            "",
            "a.b",
            "a b",
            "*",
            ">",
            "a\"b",
            "A",
            "é",
            "service",
            "editor",
            "public",
            "writethru",
            &"a".repeat(65),
        ];
        for name in refused {
            assert!(name.parse::<SubscriberName>().is_err(), "{name}");
        }
        assert!("wire-7_b".parse::<SubscriberName>().is_ok());
    }
}
