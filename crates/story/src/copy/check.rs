//! What a text must be before it may be kept: in limits, without control characters, and of the
//! form that its field has.

use crate::copy::CopyError;
use crate::field::Field;
use crate::identity::Slug;
use crate::limits::{FIELD_TEXT_BYTES_MAX, LINK_BYTES_MAX};
use crate::text::{IntakeReport, Text, normalise};

/// Returns a note to readers, or a part of a correction's notice, out of what was `given` at
/// `place`: normalised, checked and not cut yet.
///
/// # Errors
/// [`CopyError`] if it is longer than [`FIELD_TEXT_BYTES_MAX`] or holds a control character.
pub fn note_text(place: &str, given: &str) -> Result<Text, CopyError> {
    let (text, _) = checked(place, given, FIELD_TEXT_BYTES_MAX)?;
    Ok(Text::uncut(text))
}

/// Returns `given` normalised, if it is no longer than `limit` then.
pub(super) fn checked(place: &str, given: &str, limit: usize) -> Result<(String, IntakeReport), CopyError> {
    let (text, report) = normalise(given);
    keepable(place, given, &text, limit)?;
    Ok((text, report))
}

/// Refuses a `text` that may not be kept; `given` is what it was before normalisation.
pub(super) fn keepable(place: &str, given: &str, text: &str, limit: usize) -> Result<(), CopyError> {
    if let Some(control) = text.chars().find(|c| c.is_control()) {
        let at = given.find(control).unwrap_or_default();
        let code = u32::from(control);
        return Err(CopyError::new(
            place,
            format!("holds the control character U+{code:04X} at byte {at}: take it out"),
        ));
    }
    if text.len() > limit {
        return Err(CopyError::over(place, text.len(), limit, "bytes"));
    }
    Ok(())
}

/// Refuses a text that does not have the form of its `field`.
pub(super) fn form(field: Field, place: &str, text: &str) -> Result<(), CopyError> {
    let problem = match field {
        Field::Slug => text.parse::<Slug>().err().map(|error| error.to_string()),
        Field::Language if !text.is_empty() && !is_language(text) => {
            Some("is not a BCP 47 language tag, such as en or pt-BR: 1 to 35 of A-Z a-z 0-9 -".to_owned())
        }
        Field::Urgency if !text.is_empty() && !matches!(text.as_bytes(), [b'1'..=b'9']) => {
            Some("is not an urgency: 1 (most urgent) to 9".to_owned())
        }
        Field::Links if !is_link(text) => {
            Some("is not a link: an http or https address, then a space and a title if it has one".to_owned())
        }
        _ => None,
    };
    problem.map_or(Ok(()), |problem| Err(CopyError::new(place, problem)))
}

fn is_language(text: &str) -> bool {
    text.len() <= 35 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_link(text: &str) -> bool {
    let address = text.split(' ').next().unwrap_or_default();
    is_address(address, &["http://", "https://"])
}

/// Returns whether `address` is absolute, has one of `schemes` and something behind it, and holds
/// nothing that RFC 3986 keeps out of an address and that would break out of an attribute.
pub(super) fn is_address(address: &str, schemes: &[&str]) -> bool {
    let behind = schemes.iter().find_map(|scheme| {
        let head = address.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &address[scheme.len()..])
    });
    address.len() <= LINK_BYTES_MAX
        && behind.is_some_and(|rest| rest.starts_with(|c: char| !matches!(c, '/' | '?' | '#')))
        && !address.chars().any(|c| {
            c.is_whitespace()
                || c.is_control()
                || matches!(c, '<' | '>' | '"' | '`' | '\\' | '{' | '}' | '|' | '^')
        })
}
