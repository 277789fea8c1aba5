//! Which properties IPTC's schemas of ninjs allow: one that a version forbids may change what the
//! item means, so it is named instead of passed over.
//!
//! The lists are those of the schemas 2.2 and 3.1, which allow all that 2.0 and 3.0 do.

use serde::Deserialize;
use story::CopyError;

/// What an item says of the standard that it follows.
#[derive(Default, Deserialize)]
pub(super) struct Standard {
    version: Option<String>,
    schema: Option<String>,
}

/// A family of versions with the same names of properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    /// 1.x: singular, lower-case names, and extensions in real feeds.
    One,
    /// 2.x: plural, lower-case names.
    Two,
    /// 3.x: plural, camel-case names.
    Three,
    /// It does not say, and its names are of 2.x or 3.x.
    Later,
}

/// Names that 2.x and 3.x have in common.
const COMMON: [&str; 23] = [
    "uri",
    "type",
    "profile",
    "version",
    "urgency",
    "language",
    "descriptions",
    "bodies",
    "headlines",
    "people",
    "organisations",
    "places",
    "subjects",
    "events",
    "objects",
    "title",
    "by",
    "slugline",
    "located",
    "renditions",
    "associations",
    "standard",
    "genres",
];
const TWO: [&str; 15] = [
    "representationtype",
    "firstcreated",
    "versioncreated",
    "contentcreated",
    "embargoed",
    "pubstatus",
    "copyrightholder",
    "copyrightnotice",
    "usageterms",
    "ednote",
    "infosources",
    "altids",
    "trustindicators",
    "rightsinfo",
    "digitalsourcetype",
];
const THREE: [&str; 17] = [
    "representationType",
    "firstCreated",
    "versionCreated",
    "contentCreated",
    "embargoedUntil",
    "pubStatus",
    "copyrightHolder",
    "copyrightNotice",
    "usageTerms",
    "edNote",
    "infoSources",
    "altIds",
    "trustIndicators",
    "rightsInfo",
    "digitalSourceType",
    "eventDetails",
    "plannedCoverage",
];
/// In both, beside [`COMMON`].
const EXPIRES: &str = "expires";
/// Names that only 1.x has; so has it those that begin with one of [`ONE_BEGINS`].
const ONE: [&str; 14] = [
    "headline",
    "byline",
    "person",
    "organisation",
    "place",
    "subject",
    "event",
    "object",
    "infosource",
    "genre",
    "trustindicator",
    "$standard",
    "charcount",
    "wordcount",
];
const ONE_BEGINS: [&str; 3] = ["body_", "description_", "headline_"];

impl Generation {
    /// Returns the generation of an item that says `standard` of itself and has these `keys`.
    pub(super) fn of(standard: Option<&Standard>, keys: &[String]) -> Self {
        let digit = standard.and_then(Standard::major);
        let is_one = |key: &String| {
            ONE.contains(&key.as_str()) || ONE_BEGINS.iter().any(|begin| key.starts_with(begin))
        };
        match digit {
            Some('1') => Self::One,
            Some('2') => Self::Two,
            Some('3') => Self::Three,
            _ if keys.iter().any(is_one) => Self::One,
            _ => Self::Later,
        }
    }

    /// Refuses a key that the generation's schema forbids.
    pub(super) fn check(self, keys: &[String]) -> Result<(), CopyError> {
        let known = |key: &str| {
            let common = || key == EXPIRES || COMMON.contains(&key);
            match self {
                Self::One => true,
                Self::Two => common() || TWO.contains(&key),
                Self::Three => common() || THREE.contains(&key),
                // Seen in the wild: 3.x with the older name of the embargo, which is understood.
                Self::Later => common() || TWO.contains(&key) || THREE.contains(&key),
            }
        };
        match keys.iter().find(|key| !known(key)) {
            None => Ok(()),
            Some(key) => {
                let place = key.chars().take(80).collect();
                let problem = format!("is no property of {}: take it out", self.name());
                Err(CopyError { place, problem })
            }
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::One => "ninjs 1",
            Self::Two => "ninjs 2",
            Self::Three => "ninjs 3",
            Self::Later => "ninjs 2 or 3",
        }
    }
}

impl Standard {
    fn major(&self) -> Option<char> {
        let of_schema = || self.schema.as_deref()?.split_once("ninjs-schema_").map(|parts| parts.1);
        self.version.as_deref().or_else(of_schema)?.trim_start().chars().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[track_caller]
    fn check(version: Option<&str>, given: &[&str], then: (Generation, Option<&str>)) {
        let standard = version.map(|version| Standard { version: Some(version.to_owned()), schema: None });
        let generation = Generation::of(standard.as_ref(), &keys(given));
        let refused = generation.check(&keys(given)).err().map(|error| error.place);
        assert_eq!((generation, refused.as_deref()), then);
    }

    #[test]
    fn what_a_version_forbids_is_named() {
        check(Some("3.0"), &["uri", "pubStatus", "expires"], (Generation::Three, None));
        check(Some("3.1"), &["uri", "embargoed"], (Generation::Three, Some("embargoed")));
        check(Some("2.1"), &["uri", "pubStatus"], (Generation::Two, Some("pubStatus")));
        check(Some("1.3"), &["uri", "slugline", "x_priority"], (Generation::One, None));
        check(None, &["uri", "headline", "x_priority"], (Generation::One, None));
        check(None, &["uri", "body_html", "x_priority"], (Generation::One, None));
        check(None, &["uri", "headlines", "x_priority"], (Generation::Later, Some("x_priority")));
        check(None, &["uri", "headlines", "pubStatus", "embargoed"], (Generation::Later, None));
    }

    #[test]
    fn the_schema_names_the_version_too() {
        let schema = Some("http://www.iptc.org/std/ninjs/ninjs-schema_2.2.json".to_owned());
        let standard = Standard { version: None, schema };
        assert_eq!(Generation::of(Some(&standard), &[]), Generation::Two);
    }
}
