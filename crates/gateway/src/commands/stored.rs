//! A command as it is kept while it waits for a second person: a line of JSON that says what was sent
//! beside the copy, and then the copy, byte for byte. It is read again when it is carried out, by the
//! release that carries it out; what no longer reads is refused then, not guessed at.

use bytes::Bytes;
use formats::Format;
use serde::{Deserialize, Serialize};
use story::{ActorId, CommandKey, Revision};
use wire::Problem;
use wire::http::{ActBody, ActName};

use crate::commands::acts::Acting;
use crate::commands::push::{Filing, PushParameters};
use crate::problems::refused;

/// The version of the form.
const VERSION: u32 = 1;

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
                (Head { version: VERSION, actor, key, if_match, story, act, copy: None }, none)
            }
            Sent::Copy(filing) => {
                let format = filing.format.and_then(|format| FORMATS.iter().find(|(_, one)| *one == format));
                let copy = Some((filing.query.clone(), format.map(|(name, _)| (*name).to_owned())));
                let (story, if_match) = (filing.story.clone(), filing.if_match);
                (Head { version: VERSION, actor, key, if_match, story, act: None, copy }, &filing.copy)
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
        let Head { version: VERSION, actor, key, if_match, story, act, copy } = head else {
            return Err(unreadable());
        };
        let some_key = Some(key.clone());
        let sent = match (act, copy, story) {
            (Some((act, body)), None, Some(story)) => {
                Sent::Act(Acting { story, act, body, if_match, key: some_key })
            }
            (None, Some((query, format)), story) => {
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
