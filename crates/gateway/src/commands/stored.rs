//! A command as it is kept while it waits for a second person: a line of JSON that says what was sent
//! beside the copy, and then the copy, byte for byte. It is read again when it is carried out, by the
//! release that carries it out; what no longer reads is refused then, not guessed at.

use bytes::Bytes;
use formats::Format;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use story::{ActorId, CommandKey, Revision};
use wire::Problem;
use wire::http::{ActBody, ActName, RedactBody};

use crate::commands::acts::Acting;
use crate::commands::push::{Filing, PushParameters};
use crate::commands::redaction::Redacting;
use crate::problems::refused;

/// The version of the form.
const VERSION: u32 = 1;
/// Most bytes of an entity, as in `&quot;`.
const ENTITY_BYTES_MAX: usize = 10;

/// How the formats of copy are called in the form.
const FORMATS: [(&str, Format); 5] = [
    ("plain", Format::Plain),
    ("markdown", Format::Markdown),
    ("json", Format::Json),
    ("ninjs", Format::Ninjs),
    ("newsml-g2", Format::NewsmlG2),
];

/// A command that waits, and whose it is in the log.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) actor: ActorId,
    /// What keeps it from being done twice.
    pub(crate) key: CommandKey,
    pub(crate) sent: Sent,
}

/// What was sent.
#[derive(Debug)]
pub(crate) enum Sent {
    Act(Acting),
    Copy(Box<Filing>),
    Redaction(Box<Redacting>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    version: u32,
    actor: ActorId,
    key: CommandKey,
    if_match: Option<Revision>,
    story: Option<String>,
    act: Option<(ActName, ActBody)>,
    copy: Option<(PushParameters, Option<String>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redaction: Option<RedactBody>,
}

impl Stored {
    /// Returns the bytes that are kept of it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Self { actor, key, sent } = self;
        let (actor, key, none) = (actor.clone(), key.clone(), &Bytes::new());
        let (head, copy) = match sent {
            Sent::Act(acting) => {
                let act = Some((acting.act, acting.body.clone()));
                let (story, if_match) = (Some(acting.story.clone()), acting.if_match);
                (
                    Head { version: VERSION, actor, key, if_match, story, act, copy: None, redaction: None },
                    none,
                )
            }
            Sent::Copy(filing) => {
                let format = filing.format.and_then(|format| FORMATS.iter().find(|(_, one)| *one == format));
                let copy = Some((filing.query.clone(), format.map(|(name, _)| (*name).to_owned())));
                let (story, if_match) = (filing.story.clone(), filing.if_match);
                let head =
                    Head { version: VERSION, actor, key, if_match, story, act: None, copy, redaction: None };
                (head, &filing.copy)
            }
            Sent::Redaction(redacting) => {
                let (story, if_match) = (Some(redacting.story.clone()), redacting.if_match);
                let redaction = Some(redacting.body.clone());
                let head =
                    Head { version: VERSION, actor, key, if_match, story, act: None, copy: None, redaction };
                (head, none)
            }
        };
        let mut bytes = serde_json::to_vec(&head).expect("a head is texts, numbers and lists");
        bytes.push(b'\n');
        bytes.extend_from_slice(copy);
        bytes
    }

    /// Returns the command that `bytes` keep.
    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Result<Self, Problem> {
        let bytes = Bytes::from(bytes);
        let unreadable = || {
            let detail = "another release of the service has kept this request, and this one cannot read it: \
                          ask for it anew";
            refused("request-unreadable", detail)
        };
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(unreadable)?;
        let head: Head = serde_json::from_slice(&bytes[..end]).map_err(|_| unreadable())?;
        let rest = bytes.slice(end + 1..);
        let Head { version: VERSION, actor, key, if_match, story, act, copy, redaction } = head else {
            return Err(unreadable());
        };
        let some_key = Some(key.clone());
        let sent = match (act, copy, redaction, story) {
            (None, None, Some(body), Some(story)) => {
                Sent::Redaction(Box::new(Redacting { story, body, if_match, key: some_key }))
            }
            (Some((act, body)), None, None, Some(story)) => {
                Sent::Act(Acting { story, act, body, if_match, key: some_key })
            }
            (None, Some((query, format)), None, story) => {
                let format = match format {
                    Some(name) => {
                        let known = FORMATS.iter().find(|(one, _)| *one == name);
                        Some(known.ok_or_else(unreadable)?.1)
                    }
                    None => None,
                };
                Sent::Copy(Box::new(Filing { story, query, if_match, key: some_key, format, copy: rest }))
            }
            _ => return Err(unreadable()),
        };
        Ok(Self { actor, key, sent })
    }

    /// Returns whether the command that `bytes` keep may say `words`. Only letters and digits are compared, so
    /// that line ends, emphasis and marks in a text do not hide it; what is no command says anything.
    pub(crate) fn may_say(bytes: &[u8], words: &str) -> bool {
        let words = letters(words);
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return true };
        let (head, copy) = (&bytes[..end], &bytes[end + 1..]);
        let copy = match serde_json::from_slice::<Value>(copy) {
            Ok(copy) => says(&copy, &words),
            Err(_) => letters(&without_tags(&String::from_utf8_lossy(copy))).contains(&words),
        };
        copy || serde_json::from_slice::<Value>(head).map_or(true, |head| says(&head, &words))
    }
}

/// Returns whether a text in `value` has `words`, which are letters and digits.
fn says(value: &Value, words: &str) -> bool {
    match value {
        Value::String(text) => letters(&without_tags(text)).contains(words),
        Value::Array(values) => values.iter().any(|value| says(value, words)),
        Value::Object(members) => members.values().any(|value| says(value, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// Returns `text` without its tags and named entities, if it has any.
fn without_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['<', '&']) {
        let (before, tag) = rest.split_at(start);
        kept.push_str(before);
        let end = if tag.starts_with('<') { '>' } else { ';' };
        // What never ends is no tag; an entity is short and a word.
        let length = tag.find(end).filter(|&length| {
            end == '>' || (length <= ENTITY_BYTES_MAX && !tag[..length].contains(char::is_whitespace))
        });
        rest = &tag[length.map_or(1, |length| length + 1)..];
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_words_are_found_however_they_are_written() {
        let words = "Ann Fox said: \"We & ours left.\"";
        for (copy, is_there) in [
            ("One. Ann Fox said:\n\"We & ours left.\" Two.", true),
            ("Ann *Fox* said: \u{201c}We & ours left.\u{201d}", true),
            (r#"{"blocks": [{"text": "Ann Fox said: \"We \u0026 ours left.\""}]}"#, true),
            ("<p>Ann <b>Fox</b> said: &quot;We &amp; ours left.&quot;</p>", true),
            ("Ann Fox said that they left. 1 < 2 & 3.", false),
        ] {
            let bytes = [b"{}\n", copy.as_bytes()].concat();
            assert_eq!(Stored::may_say(&bytes, words), is_there, "{copy}");
        }
        assert!(Stored::may_say(b"no command", words));
        assert!(Stored::may_say(b"{\"reason\": \"ann fox\"}\n", "ann fox"));
    }

    fn stored(sent: Sent) -> Stored {
        Stored { actor: "ed-7".parse().expect("an actor"), key: "k1".parse().expect("a key"), sent }
    }

    #[test]
    fn a_command_comes_back_as_it_was_sent() {
        let body = ActBody { reason: "forged".into(), expect: Some(3), ..ActBody::default() };
        let acting = Acting {
            story: "talks".into(),
            act: ActName::Kill,
            body: body.clone(),
            if_match: Some(Revision(3)),
            key: None,
        };
        let Sent::Act(back) = Stored::of_bytes(stored(Sent::Act(acting)).to_bytes()).expect("reads").sent
        else {
            panic!("it was an act")
        };
        assert_eq!((back.act, back.body, back.if_match), (ActName::Kill, body, Some(Revision(3))));
        assert_eq!(back.key.expect("a key").as_str(), "k1");

        let copy = Bytes::from_static(b"Talks resume\n\nIn Cairo.\n");
        for (_, format) in FORMATS {
            let query = PushParameters {
                what: Some("the day".into()),
                base: Some(Revision(2)),
                ..Default::default()
            };
            let filing = Filing {
                story: None,
                query,
                if_match: None,
                key: None,
                format: Some(format),
                copy: copy.clone(),
            };
            let sent = Sent::Copy(Box::new(filing));
            let Sent::Copy(back) = Stored::of_bytes(stored(sent).to_bytes()).expect("reads").sent else {
                panic!("it was copy")
            };
            assert_eq!((back.format, &back.copy), (Some(format), &copy));
            assert_eq!((back.query.what.as_deref(), back.query.base), (Some("the day"), Some(Revision(2))));
        }
    }

    #[test]
    fn what_does_not_read_is_refused_by_name() {
        for bytes in ["", "{}", "{}\n", "{\"version\":2}\nTalks", "kill it"] {
            let problem = Stored::of_bytes(bytes.into()).expect_err("it is none");
            assert_eq!(problem.members["reason"], "request-unreadable", "{bytes}");
        }
    }
}
