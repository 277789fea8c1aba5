//! Who may do what on NATS: from users to the text of a nats-server configuration.
//!
//! Pure: it reads no file and makes no key. Everything that is not named here is denied. All users
//! are in one account, so two things cannot be said here: where a push consumer delivers to, and
//! where an answer goes (`docs/OPERATIONS.md`, NATS users).

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use wire::{DeskVerb, Subject, WT_ARTICLES, WT_CHANGES, WT_RECALLS};

use super::seed::UserKey;

/// Where the service is answered.
pub const SERVICE_INBOX: &str = "_INBOX_service";
/// Where editors are answered.
pub const EDITOR_INBOX: &str = "_INBOX_editor";
/// Where clients without credentials are answered: what every client library takes by itself.
const PUBLIC_INBOX: &str = "_INBOX";
/// The streams that readers may read.
const READ_STREAMS: [&str; 3] = [WT_CHANGES, WT_ARTICLES, WT_RECALLS];
/// What readers may ask of the desk. A verb that is not named here is the editors'.
const READS: [DeskVerb; 5] =
    [DeskVerb::Show, DeskVerb::List, DeskVerb::History, DeskVerb::Diff, DeskVerb::Info];
/// The name is a part of subjects.
const NAME_CHARACTERS_MAX: usize = 64;
/// Names that mean someone else.
const RESERVED: [&str; 4] = ["service", "editor", "public", "writethru"];

/// The name of a subscriber with an account of its own: of its acknowledgements, its durable
/// consumers and its inbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubscriberName(String);

/// Text that is no [`SubscriberName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot name a subscriber: take 1 to {NAME_CHARACTERS_MAX} of a-z, 0-9, - and _, \
     but not service, editor, public or writethru"
)]
pub struct SubscriberNameError(String);

impl FromStr for SubscriberName {
    type Err = SubscriberNameError;

    fn from_str(text: &str) -> Result<Self, SubscriberNameError> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let short = (1..=NAME_CHARACTERS_MAX).contains(&text.len());
        // Acknowledgements are stored under the name: it must be an actor's.
        if short
            && text.bytes().all(legal)
            && !RESERVED.contains(&text)
            && Subject::subscriber_of_ack(&format!("wt.v1.ack.{text}")).is_some()
        {
            return Ok(Self(text.to_owned()));
        }
        Err(SubscriberNameError(text.chars().take(80).collect()))
    }
}

impl fmt::Display for SubscriberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl SubscriberName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what the inboxes of this subscriber begin with.
    pub fn inbox_prefix(&self) -> String {
        format!("_INBOX_{self}")
    }
}

/// The users of a server.
#[derive(Debug, Clone)]
pub struct Users {
    service: UserKey,
    editor: UserKey,
    subscribers: BTreeMap<SubscriberName, UserKey>,
    public: bool,
}

/// What one user may do; `deny` wins over `publish`.
#[derive(Debug, Default)]
struct Rights {
    publish: Vec<String>,
    deny: Vec<String>,
    subscribe: Vec<String>,
}

impl Users {
    /// Returns the service, which may do everything, an editor, who may ask everything of the desk,
    /// and whoever comes without credentials, who may read what is public.
    pub fn new(service: UserKey, editor: UserKey) -> Self {
        Self { service, editor, subscribers: BTreeMap::new(), public: true }
    }

    /// Adds a subscriber: it may read what is public, keep its place in the streams, and
    /// acknowledge recalls in its own name.
    #[must_use]
    pub fn subscriber(mut self, name: SubscriberName, key: UserKey) -> Self {
        self.subscribers.insert(name, key);
        self
    }

    /// Lets nobody in without credentials.
    #[must_use]
    pub fn without_public(mut self) -> Self {
        self.public = false;
        self
    }

    /// Returns the block `authorization` of a server's configuration.
    pub fn config(&self) -> String {
        let mut text = String::from("authorization {\n  users: [\n");
        let everything =
            Rights { publish: vec![">".to_owned()], subscribe: vec![">".to_owned()], ..Rights::default() };
        user(&mut text, "service: everything", &nkey(&self.service), &everything);
        user(&mut text, "editor: asks everything of the desk", &nkey(&self.editor), &editor());
        for (name, key) in &self.subscribers {
            let what = format!("subscriber {name}: reads what is public, keeps its place, acknowledges");
            user(&mut text, &what, &nkey(key), &self.reader(Some(name)));
        }
        if self.public {
            // The password is no secret: whoever comes without one gets the same.
            let sign_in = "user: \"public\", password: \"public\"";
            user(&mut text, "public: reads what is public", sign_in, &self.reader(None));
        }
        text.push_str("  ]\n}\n");
        if self.public {
            text.push_str("# Whoever comes without credentials.\nno_auth_user: \"public\"\n");
        }
        text
    }

    /// What a reader may do, with a name of its own or without.
    fn reader(&self, name: Option<&SubscriberName>) -> Rights {
        let inbox = name.map_or_else(|| PUBLIC_INBOX.to_owned(), SubscriberName::inbox_prefix);
        let subscribe = [
            Subject::CHANGES,
            Subject::ARTICLES,
            Subject::RECALLS,
            Subject::CHECKPOINT,
            &format!("{inbox}.>"),
        ];
        let mut publish: Vec<String> = READS.map(|verb| Subject::desk(verb).into()).to_vec();
        publish.extend(["$JS.API.INFO", "$JS.API.STREAM.NAMES"].map(str::to_owned));
        publish.extend(READ_STREAMS.into_iter().flat_map(reading));
        if let Some(name) = name {
            publish.push(format!("wt.v1.ack.{name}"));
            publish.extend(READ_STREAMS.into_iter().flat_map(|stream| keeping(stream, name)));
        }
        let others = self.subscribers.keys().filter(|other| Some(*other) != name);
        let deny = others.flat_map(touching).collect();
        Rights { publish, deny, subscribe: subscribe.map(str::to_owned).to_vec() }
    }
}

fn editor() -> Rights {
    Rights {
        publish: vec![Subject::DESK.to_owned()],
        subscribe: vec![format!("{EDITOR_INBOX}.>")],
        ..Rights::default()
    }
}

/// What a client publishes to read a stream. Without a name in the subject the server makes a consumer
/// with a name of its own, so that nobody else's is touched.
fn reading(stream: &str) -> Vec<String> {
    vec![
        format!("$JS.API.STREAM.INFO.{stream}"),
        format!("$JS.API.STREAM.MSG.GET.{stream}"),
        format!("$JS.API.DIRECT.GET.{stream}"),
        format!("$JS.API.DIRECT.GET.{stream}.>"),
        format!("$JS.API.CONSUMER.CREATE.{stream}"),
        format!("$JS.API.CONSUMER.CREATE.{stream}.>"),
        format!("$JS.API.CONSUMER.INFO.{stream}.*"),
        format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.*"),
        format!("$JS.ACK.{stream}.>"),
        format!("$JS.FC.{stream}.>"),
    ]
}

/// What a subscriber publishes beside that, for a durable consumer that bears its name.
fn keeping(stream: &str, name: &SubscriberName) -> Vec<String> {
    vec![
        format!("$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{name}"),
        format!("$JS.API.CONSUMER.DELETE.{stream}.{name}"),
    ]
}

/// What would touch the durable consumers of a subscriber: nobody else may.
fn touching(name: &SubscriberName) -> Vec<String> {
    vec![
        format!("$JS.API.CONSUMER.CREATE.*.{name}"),
        format!("$JS.API.CONSUMER.CREATE.*.{name}.>"),
        format!("$JS.API.CONSUMER.MSG.NEXT.*.{name}"),
        format!("$JS.ACK.*.{name}.>"),
        format!("$JS.FC.*.{name}.>"),
    ]
}

fn nkey(key: &UserKey) -> String {
    format!("nkey: \"{key}\"")
}

fn user(text: &mut String, what: &str, sign_in: &str, rights: &Rights) {
    let list = |subjects: &[String]| {
        let lines = subjects.iter().map(|subject| format!("          \"{subject}\"\n"));
        format!("[\n{}        ]", lines.collect::<String>())
    };
    let Rights { publish, deny, subscribe } = rights;
    let mut allowed = format!("allow: {}", list(publish));
    if !deny.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(allowed, ", deny: {}", list(deny));
    }
    let _ = write!(
        text,
        "    # {what}\n    {{\n      {sign_in}\n      permissions: {{\n        publish: {{ {allowed} }}\n        \
         subscribe: {{ allow: {} }}\n      }}\n    }}\n",
        list(subscribe)
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Seed;

    fn users() -> Users {
        Users::new(Seed::new().key().clone(), Seed::new().key().clone())
    }

    #[test]
    fn a_name_cannot_reach_beyond_its_token() {
        let refused = [
            "",
            "a.b",
            "a b",
            "*",
            ">",
            "a\"b",
            "A",
            "é",
            "service",
            "editor",
            "public",
            "writethru",
            &"a".repeat(65),
        ];
        for name in refused {
            assert!(name.parse::<SubscriberName>().is_err(), "{name}");
        }
        assert!("wire-7_b".parse::<SubscriberName>().is_ok());
    }

    #[test]
    fn nobody_comes_in_without_credentials_where_the_public_is_left_out() {
        assert!(users().config().contains("no_auth_user"));
        let text = users().without_public().config();
        assert!(!text.contains("public\""), "{text}");
        assert!(!text.contains("no_auth_user"), "{text}");
    }

    #[test]
    fn readers_may_publish_nothing_that_a_stream_takes() {
        let users = users().subscriber("bob".parse().unwrap(), Seed::new().key().clone());
        let bob = "bob".parse().unwrap();
        for rights in [users.reader(None), users.reader(Some(&bob)), editor()] {
            for subject in rights.publish {
                let own = subject == "wt.v1.ack.bob";
                assert!(
                    own || subject.starts_with("wt.v1.desk.") || subject.starts_with("$JS."),
                    "{subject}"
                );
            }
        }
    }
}
