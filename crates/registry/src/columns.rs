//! How values stand in columns: words as text, times as microseconds, story ids as 16 bytes.

use std::error::Error;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use story::StoryId;

/// Returns `time` as it is stored; what is finer than a microsecond is cut off.
pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// Returns `number` as SQLite holds it. Revisions and numbers count things, so none comes near 2^63;
/// one from outside that passes it finds nothing.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns the time in a column.
pub(crate) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(unreadable)
}

/// Returns the time in a column that may be empty.
pub(crate) fn time_or_none(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    let micros: Option<i64> = row.get(column)?;
    micros.map(|micros| Timestamp::from_microsecond(micros).map_err(unreadable)).transpose()
}

/// Returns what the text in a column stands for.
pub(crate) fn word<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    row.get_ref(column)?.as_str()?.parse().map_err(unreadable)
}

/// Returns what the text in a column stands for, if it is not empty.
pub(crate) fn word_or_none<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    match row.get_ref(column)?.as_str_or_null()? {
        Some(text) => text.parse().map(Some).map_err(unreadable),
        None => Ok(None),
    }
}

/// Returns the story in a column, if there is one.
pub(crate) fn story_or_none(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<StoryId>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(StoryId::from_bytes))
}

/// Returns the error for what is stored and means nothing.
pub(crate) fn unreadable(error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}
