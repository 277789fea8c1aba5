//! The published schemas, fetched from a service as a stranger fetches them, and messages held against them.
//!
//! Each message must fit its schema as it is published; it must fit it too where no member may be there that
//! the schema does not name; and broken in any of its places it must not fit.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wire::schema::SCHEMAS;
use writethru_tests::api::Api;

/// Members that a schema says the form of, or every word of.
const FORMED: [&str; 18] = [
    "story",
    "desk",
    "kind",
    "status",
    "level",
    "hash",
    "base",
    "target",
    "cursor",
    "recorded",
    "published",
    "specversion",
    "type",
    "source",
    "subject",
    "dataschema",
    "datacontenttype",
    "op",
];

/// Where the schemas say of themselves that they are, for the validator.
const AT: &str = "http://schemas.test/schemas/";

/// The schemas of a service, and how much was held against each.
pub(crate) struct Schemas {
    registries: [jsonschema::Registry<'static>; 2],
    texts: BTreeMap<String, Value>,
    /// By schema: as published, and closed.
    validators: BTreeMap<String, [jsonschema::Validator; 2]>,
    /// By schema: messages that fitted, and broken ones that did not.
    pub(crate) counts: BTreeMap<String, (usize, usize)>,
}

impl Schemas {
    /// Fetches every schema, and whatever they refer to.
    pub(crate) async fn of(service: &Api) -> Self {
        let mut texts = BTreeMap::new();
        for schema in SCHEMAS {
            let answer = service.get(&format!("/schemas/{}", schema.name)).await;
            assert_eq!(answer.header("content-type"), "application/schema+json");
            assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            let text = answer.done();
            jsonschema::meta::validate(&text).unwrap_or_else(|error| panic!("{}: {error}", schema.name));
            texts.insert(schema.name.to_owned(), text);
        }
        let registry = |shape: fn(&Value) -> Value| {
            let all = texts.iter().map(|(name, text)| (format!("{AT}{name}"), shape(text)));
            let registry =
                jsonschema::Registry::new().extend(all).and_then(jsonschema::RegistryBuilder::prepare);
            registry.expect("every reference leads to a schema")
        };
        let registries = [registry(Value::clone), registry(closed)];
        Self { registries, texts, validators: BTreeMap::new(), counts: BTreeMap::new() }
    }

    /// Returns the validators of `schema`, a name that a definition may follow.
    fn validators(&mut self, schema: &str) -> &[jsonschema::Validator; 2] {
        let registries = &self.registries;
        self.validators.entry(schema.to_owned()).or_insert_with(|| {
            registries.each_ref().map(|registry| {
                let options = jsonschema::options().with_registry(registry).with_base_uri(AT);
                let validator =
                    options.should_validate_formats(true).build(&json!({"$ref": format!("{AT}{schema}")}));
                validator.expect("the schema is one")
            })
        })
    }

    /// Holds `value` against `schema`, and then every broken form of it.
    #[track_caller]
    pub(crate) fn check(&mut self, schema: &str, value: &Value) {
        for (validator, how) in self.validators(schema).iter().zip(["as published", "closed"]) {
            let problems: Vec<_> = validator
                .iter_errors(value)
                .map(|error| format!("{error} at {}", error.instance_path()))
                .collect();
            assert!(problems.is_empty(), "{schema}, {how}: {problems:#?} in {value:#}");
        }
        let (file, definition) = schema.split_once('#').unwrap_or((schema, ""));
        let root = self.texts[file].pointer(definition).expect("the definition is there");
        let mut broken = Vec::new();
        for required in root["required"].as_array().into_iter().flatten() {
            let mut less = value.clone();
            less.as_object_mut().expect("an object").remove(required.as_str().expect("a name"));
            broken.push((format!("without {required}"), less));
        }
        places(value, "", &mut |place, old| {
            let name = place.rsplit('/').next().unwrap_or_default();
            // Who asks may name a story by its slug.
            let is_free = name == "story" && file.starts_with("requests");
            if FORMED.contains(&name) && old.is_string() && !is_free {
                broken.push((format!("{place} is other"), put(value, place, json!("?!"))));
            }
            broken.push((format!("{place} is of another type"), put(value, place, wrong(old))));
        });
        let published = &self.validators(schema)[0];
        for (how, broken) in &broken {
            assert!(!published.is_valid(broken), "{schema} takes a message whose {how}: {broken:#}");
        }
        let counts = self.counts.entry(file.to_owned()).or_default();
        *counts = (counts.0 + 1, counts.1 + broken.len());
    }
}

/// Returns something of a type that `old` is not, and that nothing here may be.
fn wrong(old: &Value) -> Value {
    if old.is_object() { json!(7.5) } else { json!({"broken": true}) }
}

/// Returns `value` with `new` at `place`.
fn put(value: &Value, place: &str, new: Value) -> Value {
    let mut other = value.clone();
    *other.pointer_mut(place).expect("the place is there") = new;
    other
}

/// Tells every place in `value` whose form a schema says: not what a problem adds, nor what copy is.
fn places(value: &Value, at: &str, tell: &mut impl FnMut(&str, &Value)) {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    let is_problem = value.get("detail").is_some() && value.get("title").is_some();
    let is_patch = at.contains("/patch/") || at.is_empty() && value.is_array();
    tell(at, value);
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let is_free = (is_problem
                    && !["type", "title", "status", "detail", "next", "instance"].contains(&name.as_str()))
                    || name == "body"
                    || (name == "value" && (is_patch || member.is_null() || members.contains_key("path")));
                if !is_free {
                    places(member, &format!("{at}/{}", escaped(name)), tell);
                }
            }
        }
        Value::Array(items) => {
            // A list is of one kind: its beginning says enough of a long one.
            for (index, item) in items.iter().take(3).enumerate() {
                places(item, &format!("{at}/{index}"), tell);
            }
        }
        _ => {}
    }
}

/// Returns `schema` without room for what it does not name.
fn closed(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut members: Map<String, Value> =
                members.iter().map(|(name, member)| (name.clone(), closed(member))).collect();
            if members.get("type") == Some(&json!("object"))
                && members.get("properties").is_some_and(Value::is_object)
            {
                members.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            Value::Object(members)
        }
        Value::Array(items) => items.iter().map(closed).collect(),
        other => other.clone(),
    }
}
