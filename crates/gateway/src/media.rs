//! Media types of copy: what a sender says of it, whichever edge it comes in by.

use formats::Format;
use wire::{Problem, ProblemKind};

use crate::parameters::shown;

/// The types of copy.
const COPY_TYPES: &[&str] = &[
    "text/plain",
    "text/markdown",
    "application/json",
    "application/vnd.iptc.ninjs+json",
    "application/vnd.iptc.g2.newsitem+xml",
    "application/octet-stream",
];

/// What a sender says of its copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Declared {
    /// What it is.
    Is(Format),
    /// The service's own JSON or ninjs.
    Json,
    /// Nothing: looking decides.
    Unknown,
}

impl Declared {
    /// Reads a media type.
    pub(crate) fn of(given: &str) -> Result<Self, Problem> {
        if let Some(charset) =
            charset(given).filter(|name| !matches!(name.as_str(), "utf-8" | "utf8" | "us-ascii"))
        {
            let charset = shown(&charset);
            return Err(unsupported(format!(
                "copy in the character set {charset:?} cannot be read: send UTF-8"
            )));
        }
        match essence(given).as_str() {
            "text/plain" => Ok(Self::Is(Format::Plain)),
            "text/markdown" | "text/x-markdown" => Ok(Self::Is(Format::Markdown)),
            "application/json" => Ok(Self::Json),
            "application/vnd.iptc.ninjs+json" | "application/ninjs+json" => Ok(Self::Is(Format::Ninjs)),
            "application/vnd.iptc.g2.newsitem+xml"
            | "application/vnd.iptc.g2.newsmessage+xml"
            | "application/xml"
            | "text/xml" => Ok(Self::Is(Format::NewsmlG2)),
            "application/octet-stream" => Ok(Self::Unknown),
            "application/x-www-form-urlencoded" => Err(unsupported(
                "this is the type of a web form, which curl sends by itself: name the copy's own, such as -H 'Content-Type: text/plain'",
            )),
            other => Err(unsupported(format!("{:?} is not a type of copy", shown(other)))),
        }
    }

    /// Returns the format of `copy`; `None` where looking decides.
    pub(crate) fn format(self, copy: &[u8]) -> Option<Format> {
        match self {
            Self::Is(format) => Some(format),
            // What is no object is neither: who looks says so of a list, the reader of JSON of the rest.
            Self::Json => (!begins_json(copy)).then_some(Format::Json),
            Self::Unknown => None,
        }
    }
}

/// Returns the problem of copy that comes as something that cannot be read.
pub(crate) fn unsupported(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::UnsupportedMediaType, detail)
        .with("supported", COPY_TYPES.to_vec())
        .with("place", "header Content-Type")
}

/// Returns a media type without its parameters, in small letters.
pub(crate) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn charset(media_type: &str) -> Option<String> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_it = name.trim().eq_ignore_ascii_case("charset");
        is_it.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    })
}

fn begins_json(copy: &[u8]) -> bool {
    let copy = copy.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(copy);
    matches!(copy.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, then: Option<Declared>) {
        assert_eq!(Declared::of(given).ok(), then, "{given}");
    }

    #[test]
    fn a_type_of_copy_is_known_however_it_is_written() {
        check("text/plain", Some(Declared::Is(Format::Plain)));
        check("Text/Plain ; charset=\"UTF-8\"", Some(Declared::Is(Format::Plain)));
        check("text/markdown; variant=GFM", Some(Declared::Is(Format::Markdown)));
        check("application/json;charset=utf-8", Some(Declared::Json));
        check("application/octet-stream", Some(Declared::Unknown));
        check("text/plain; charset=iso-8859-1", None);
        check("application/x-www-form-urlencoded", None);
        check("application/xml", Some(Declared::Is(Format::NewsmlG2)));
        check("", None);
    }
}
