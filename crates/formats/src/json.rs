//! JSON from outside: errors that name the field, the line and the column.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::intake::IntakeError;

/// Returns the object that `text` is as a `T`, which says itself which keys it allows.
pub(crate) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, IntakeError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let Object(value) = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| describe(&error.path().to_string(), error.inner()))?;
    reader.end().map_err(|error| describe(".", &error))?;
    Ok(value)
}

/// Returns the keys of the object that `text` is.
pub(crate) fn keys(text: &str) -> Result<Vec<String>, IntakeError> {
    struct Keys(Vec<String>);
    struct KeysVisitor;

    impl<'de> Visitor<'de> for KeysVisitor {
        type Value = Keys;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
            let mut keys = Vec::new();
            while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
                keys.push(key);
            }
            Ok(Keys(keys))
        }
    }

    impl<'de> Deserialize<'de> for Keys {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(KeysVisitor)
        }
    }

    decode::<Keys>(text).map(|keys| keys.0)
}

/// Reads a value that is there: `null` is then `Some(None)`, and absence is `None`.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Reads a list of objects.
pub(crate) fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let objects = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}

/// Reads a list of objects that is there.
pub(crate) fn present_objects<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    objects(deserializer).map(Some)
}

/// A `T` that is an object: what `serde` derives would take a list of its values too, in order.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

fn describe(path: &str, error: &serde_json::Error) -> IntakeError {
    let (line, column) = (error.line(), error.column());
    let whole = error.to_string();
    let said = whole.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&whole);
    let problem = match error.classify() {
        serde_json::error::Category::Eof => format!("it ends too early ({said}): send the whole of it"),
        _ if said.contains("hex escape") => {
            format!("a \\u escape is no character ({said}): write both halves of its pair, or the character")
        }
        _ => said.to_owned(),
    };
    IntakeError::Json { line, column, path: path.to_owned(), problem }
}
