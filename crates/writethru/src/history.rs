//! Histories on their way to the desk: JSON Lines, one full state of a story a line.

use std::io::{self, BufRead, Read};

use formats::State;
use formats::limits::INTAKE_BYTES_MAX;
use serde_json::json;
use story::{Desk, Field, Kind, Slug};
use wire::http::{NOBODY_NAMED, NOT_STATED};

use crate::api::{Filing, Query};

/// Returns the next line without its end; `None` at the end of the input. A line over the limit
/// comes one byte too long, so that its reader refuses it.
///
/// # Errors
/// The input cannot be read.
pub(crate) fn next_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = input.take(INTAKE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(Some(line))
}

/// Returns the filing of one state of a history. Its key is made of the slug, the state's number
/// and the line itself: the same line is never filed twice.
pub(crate) fn filing(slug: &Slug, desk: Option<&Desk>, state: &State, line: &[u8]) -> Filing {
    let copy = &state.intake.copy;
    let blocks: Vec<_> =
        copy.blocks.iter().flatten().map(|block| json!({"text": block.text.as_str()})).collect();
    let mut body = json!({"headline": copy.fields.get(Field::Headline).as_str(), "blocks": blocks});
    if let Some(occurred) = &state.intake.occurred {
        body["occurred"] = json!(&**occurred);
    }
    let mut query: Query = vec![("slug", slug.to_string())];
    query.extend(desk.map(|desk| ("desk", desk.to_string())));
    let mut note = state.intake.note.as_str().to_owned();
    if let Some(kind) = filed_as(state) {
        body["kind"] = json!(kind.as_str());
        if kind == Kind::Correction {
            let approver = state.by.as_deref().filter(|by| by.parse::<story::ActorId>().is_ok());
            query.push(("what", NOT_STATED.to_owned()));
            query.push(("where", NOT_STATED.to_owned()));
            query.push(("approver", approver.unwrap_or(NOBODY_NAMED).to_owned()));
            if note.is_empty() {
                "Corrected; what was wrong is not stated by the source".clone_into(&mut note);
            }
        }
    }
    body["note"] = json!(note);
    let digest = proof::envelope_hash(line).to_base64url();
    Filing {
        story: None,
        query,
        content_type: "application/json",
        key: format!("import/{slug}/{}/{}", state.sequence, &digest[..22]),
        copy: body.to_string().into_bytes(),
    }
}

/// Returns the kind that a state is filed as; `None` leaves it to the desk. What other trades call
/// an advisory is a bulletin for the public, not a word to editors: an update. So is a correction
/// that a history begins with: here, readers had nothing before it that it could mend.
fn filed_as(state: &State) -> Option<Kind> {
    state.intake.kind.filter(|kind| match kind {
        Kind::Alert => true,
        Kind::Correction | Kind::Clarification | Kind::Refile => state.sequence > 1,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use formats::History;

    use super::*;

    const LINE: &[u8] = br#"{"seq":2,"at":"2017-08-17T15:00:00Z","headline":"H","body":["One."],"source":"s","kind":"correction"}"#;

    /// Returns the second state of a history.
    fn state(line: &[u8]) -> State {
        let mut history = History::new();
        history.read(&first(line)).unwrap().unwrap();
        history.read(line).unwrap().unwrap()
    }

    fn first(line: &[u8]) -> Vec<u8> {
        String::from_utf8_lossy(line).replace("\"seq\":2", "\"seq\":1").into_bytes()
    }

    #[test]
    fn a_correction_is_filed_with_what_its_source_says_and_no_more() {
        let slug: Slug = "storm".parse().unwrap();
        let filing = filing(&slug, None, &state(LINE), LINE);
        let body: serde_json::Value = serde_json::from_slice(&filing.copy).unwrap();
        assert_eq!(body["kind"], "correction");
        assert_eq!(body["occurred"], "2017-08-17T15:00:00Z");
        assert!(filing.query.contains(&("what", NOT_STATED.to_owned())));
        assert!(filing.query.contains(&("approver", NOBODY_NAMED.to_owned())));
    }

    #[test]
    fn the_key_of_a_line_is_its_own_and_fits() {
        let slug: Slug = "s".repeat(64).parse().unwrap();
        let key = filing(&slug, None, &state(LINE), LINE).key;
        assert_eq!(key, filing(&slug, None, &state(LINE), LINE).key);
        assert!(key.len() <= 128 && key.bytes().all(|byte| byte.is_ascii_graphic()), "{key}");
        assert_ne!(key, filing(&slug, None, &state(LINE), b"other").key);
    }

    #[test]
    fn a_public_bulletin_is_an_update_not_a_word_to_editors() {
        let of = |kind: Kind| State {
            intake: formats::Intake { kind: Some(kind), ..state(LINE).intake },
            ..state(LINE)
        };
        assert_eq!(filed_as(&of(Kind::Advisory)), None);
        assert_eq!(filed_as(&of(Kind::Kill)), None);
        assert_eq!(filed_as(&of(Kind::Correction)), Some(Kind::Correction));
    }

    #[test]
    fn a_history_that_begins_with_a_correction_begins_with_an_update() {
        let begun = History::new().read(&first(LINE)).unwrap().unwrap();
        assert_eq!((begun.intake.kind, filed_as(&begun)), (Some(Kind::Correction), None));
    }

    #[test]
    fn lines_end_with_the_input_even_without_a_line_end() {
        let mut input = &b"one\n\ntwo"[..];
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input).unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, [b"one".to_vec(), b"".to_vec(), b"two".to_vec()]);
    }
}
