//! The published schemas know every word that the types know, lead nowhere else, and never change.

use std::collections::BTreeSet;

use proof::envelope_hash;
use serde_json::Value;
use story::{BlockKind, Field, Kind, Level, Status};
use writethru_wire::DeskVerb;
use writethru_wire::http::ActName;
use writethru_wire::schema::{SCHEMAS, Schema};

/// The hash of each schema as it was published.
const PUBLISHED: &str = include_str!("fixtures/v1/schemas.txt");

fn read(name: &str) -> Value {
    let schema = Schema::named(name).unwrap_or_else(|| panic!("no schema is called {name}"));
    serde_json::from_str(schema.text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[track_caller]
fn check(name: &str, place: &str, words: &[&str]) {
    let schema = read(name);
    let place = schema.pointer(place).unwrap_or_else(|| panic!("{name} has no {place}"));
    let named: BTreeSet<&str> = match place {
        Value::Array(items) => items.iter().map(|item| item.as_str().expect("a word")).collect(),
        Value::Object(members) => members.keys().map(String::as_str).collect(),
        _ => panic!("{name}: {place} lists nothing"),
    };
    assert_eq!(named, words.iter().copied().collect(), "{name}");
}

#[test]
fn every_word_that_a_type_knows_is_in_its_schema_and_no_other() {
    let parts = "parts.v1.json";
    let words = |all: &[Kind]| all.iter().map(|kind| kind.as_str()).collect::<Vec<_>>();
    check(parts, "/$defs/kind/enum", &words(Kind::ALL));
    let recalling: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.recalls()).collect();
    check("recall.v1.json", "/properties/kind/enum", &words(&recalling));
    check(parts, "/$defs/status/enum", &Status::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>());
    check(parts, "/$defs/level/enum", &Level::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>());
    check(parts, "/$defs/blockKind/enum", &BlockKind::ALL.map(BlockKind::as_str));
    check(parts, "/$defs/field/enum", &Field::ALL.map(Field::as_str));
    let acts = ActName::ALL.map(ActName::as_str);
    check("requests.v1.json", "/$defs/act/properties/query/properties/act/enum", &acts);
    let verbs = DeskVerb::ALL.map(DeskVerb::as_str);
    check("requests.v1.json", "/$defs", &verbs);
    let shared = ["pushed", "previewed", "waiting", "request"];
    check("replies.v1.json", "/$defs", &verbs.into_iter().chain(shared).collect::<Vec<_>>());
}

#[test]
fn every_reference_of_a_schema_leads_to_a_part_of_one() {
    fn walk(at: &str, value: &Value, found: &mut usize) {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
            let target = read(if file.is_empty() { at } else { file });
            assert!(target.pointer(pointer).is_some(), "{at}: {reference} leads nowhere");
            *found += 1;
        }
        match value {
            Value::Object(members) => members.values().for_each(|member| walk(at, member, found)),
            Value::Array(items) => items.iter().for_each(|item| walk(at, item, found)),
            _ => {}
        }
    }
    for schema in SCHEMAS {
        let (value, mut found) = (read(schema.name), 0);
        for member in ["title", "description"] {
            assert!(value[member].as_str().is_some_and(|text| !text.is_empty()), "{}: {member}", schema.name);
        }
        walk(schema.name, &value, &mut found);
        let stands_alone = ["checkpoint.v1.json", "problem.v1.json"].contains(&schema.name);
        assert_eq!(found == 0, stands_alone, "{}: {found} references", schema.name);
    }
}

#[test]
fn a_schema_that_was_published_never_changes() {
    let pins: Vec<String> = SCHEMAS
        .iter()
        .map(|schema| format!("{} {}", schema.name, envelope_hash(schema.text.as_bytes()).to_base64url()))
        .collect();
    let now = pins.join("\n");
    assert_eq!(
        now,
        PUBLISHED.trim_end(),
        "it may be kept for ever under its name: give what is new a new name, unless no release has had it yet"
    );
}
