//! People for tests: one of each role, with a key.

use std::collections::BTreeMap;

use serde_json::json;

use crate::api::Api;

/// What the column of those without a key is called.
pub const NO_KEY: &str = "no key";

/// Actors, by their role, and their keys.
#[derive(Debug, Clone)]
pub struct People {
    keys: BTreeMap<String, String>,
}

impl People {
    /// Adds an actor for each of `grants`, such as `editor@world`, by the name of its grant; its id is the
    /// grant with a hyphen.
    pub async fn hire(owner: &Api, grants: &[String]) -> Self {
        let mut keys = BTreeMap::new();
        for grant in grants {
            let id = Self::id(grant);
            owner.post("/v1/actors", &json!({"id": id, "grants": [grant]})).await.done();
            let issued = owner.post("/v1/keys", &json!({"actor": id})).await.done();
            keys.insert(grant.clone(), issued["secret"].as_str().expect("a key").to_owned());
        }
        Self { keys }
    }

    /// Returns the id of the actor with `grant`.
    pub fn id(grant: &str) -> String {
        grant.replace('@', "-")
    }

    /// Returns the key of the actor with `grant`; [`NO_KEY`] has none.
    #[track_caller]
    pub fn key(&self, grant: &str) -> Option<&str> {
        if grant == NO_KEY {
            return None;
        }
        Some(self.keys.get(grant).unwrap_or_else(|| panic!("nobody is {grant}")))
    }
}
