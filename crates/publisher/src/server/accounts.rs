//! Accounts of NATS: from users to the text of a nats-server configuration.
//!
//! Pure: it reads no file and makes no key. An account is a room of its own: nothing passes between two
//! unless it is exported by one and imported by the other. The desk, the streams, the public and each
//! subscriber have one each, so that the subject of an answer, which whoever asks chooses, lies in the
//! asker's own account. Nobody is at home in the account of the streams, and nothing else is said there:
//! a push consumer delivers only where someone listens on exactly that subject, which there can be
//! nothing but a reader's inbox; or the service, which is told there of records of the event log and
//! believes nothing without the server's own word. Hence what is live is exported by the desk, never by the streams.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use wire::Subject;

use super::permissions::{HEARD, Rights, editor, inbox, reader, service};
use super::seed::UserKey;
use super::subscriber::SubscriberName;

/// The account of the service and of editors.
const DESK: &str = "DESK";
/// The account of the streams.
pub(super) const STREAMS: &str = "STREAMS";
/// The account of whoever comes without credentials.
const PUBLIC: &str = "PUBLIC";
/// What the service sends to the streams and asks of them.
const STORED: [&str; 14] = [
    Subject::CHANGES,
    Subject::ARTICLES,
    Subject::RECALLS,
    Subject::ACKS,
    "wt.log.>",
    "wt.words.>",
    "wt.names.>",
    "wt.registry.>",
    "wt.webhooks.>",
    "$KV.WT_LEASES.>",
    "$KV.WT_HEADS.>",
    "$JS.API.>",
    "$JS.ACK.>",
    "$JS.FC.>",
];
/// What the server announces to the service alone: records of the event log that it has stored.
const ANNOUNCED: &str = "wt.logged.>";
/// Where one question may have many answers, and how long the server remembers who asked after the last
/// of them. It costs about 650 bytes a question: a pull may wait for long, a read is answered at once.
const MANY_ANSWERS: [(&str, &str); 3] =
    [("$JS.API.CONSUMER.MSG.NEXT.", "10m"), ("$JS.API.DIRECT.GET.", "10s"), ("$JS.API.>", "2m")];

/// The users of a server.
#[derive(Debug, Clone)]
pub struct Users {
    service: UserKey,
    editor: UserKey,
    subscribers: BTreeMap<SubscriberName, UserKey>,
    public: bool,
}

/// One account's text, as it grows.
#[derive(Debug, Default)]
struct Account {
    name: String,
    more: &'static str,
    users: String,
    exports: Vec<String>,
    imports: Vec<String>,
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

    /// Returns the block `accounts` of a server's configuration, and who comes in without credentials.
    pub fn config(&self) -> String {
        let mut desk = self.desk();
        let mut streams =
            Account { name: STREAMS.to_owned(), more: "jetstream: enabled", ..Account::default() };
        for subject in STORED {
            streams.export("service", subject, &[DESK]);
            desk.import("service", STREAMS, subject);
        }
        streams.export("stream", ANNOUNCED, &[DESK]);
        desk.import("stream", STREAMS, ANNOUNCED);
        let named = self.subscribers.iter().map(|(name, key)| (Some(name), nkey(key)));
        // The password is no secret: whoever comes without one gets the same.
        let public = (None, "user: \"public\", password: \"public\"".to_owned());
        let readers = named.chain(self.public.then_some(public));
        let mut rooms = Vec::new();
        for (name, sign_in) in readers {
            rooms.push(self.room(name, &sign_in, &mut desk, &mut streams));
        }
        let mut text = String::from("accounts {\n");
        for account in [desk, streams].iter().chain(&rooms) {
            account.write(&mut text);
        }
        text.push_str("}\n");
        if self.public {
            text.push_str("# Whoever comes without credentials.\nno_auth_user: \"public\"\n");
        }
        text
    }

    fn desk(&self) -> Account {
        let mut desk = Account { name: DESK.to_owned(), ..Account::default() };
        desk.user("service: everything", &nkey(&self.service), &service());
        desk.user("editor: asks everything of the desk", &nkey(&self.editor), &editor());
        for subject in HEARD {
            desk.export("stream", subject, &[]);
        }
        desk
    }

    /// Returns the account of a reader, with a name of its own or without: it imports what the reader may
    /// publish and hear, and what a push consumer delivers to its inbox.
    fn room(
        &self,
        name: Option<&SubscriberName>,
        sign_in: &str,
        desk: &mut Account,
        streams: &mut Account,
    ) -> Account {
        let (account, what) = match name {
            Some(name) => (
                format!("SUBSCRIBER_{name}"),
                format!("subscriber {name}: reads what is public, keeps its place, acknowledges"),
            ),
            None => (PUBLIC.to_owned(), "public: reads what is public".to_owned()),
        };
        let mut room = Account { name: account, ..Account::default() };
        let rights = reader(name, self.subscribers.keys());
        room.user(&what, sign_in, &rights);
        for subject in HEARD {
            room.import("stream", DESK, subject);
        }
        let inbox = inbox(name);
        streams.export("stream", &inbox, &[&room.name]);
        room.import("stream", STREAMS, &inbox);
        for subject in &rights.publish {
            let owner = if subject.starts_with("wt.v1.desk.") { &mut *desk } else { &mut *streams };
            owner.export("service", subject, &[]);
            room.import("service", &owner.name, subject);
        }
        room
    }
}

impl Account {
    fn user(&mut self, what: &str, sign_in: &str, rights: &Rights) {
        let list = |subjects: &[String]| {
            let lines = subjects.iter().map(|subject| format!("            \"{subject}\"\n"));
            format!("[\n{}          ]", lines.collect::<String>())
        };
        let Rights { publish, deny, subscribe } = rights;
        let mut allowed = format!("allow: {}", list(publish));
        if !deny.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(allowed, ", deny: {}", list(deny));
        }
        let _ = write!(
            self.users,
            "      # {what}\n      {{\n        {sign_in}\n        permissions: {{\n          publish: {{ {allowed} \
             }}\n          subscribe: {{ allow: {} }}\n        }}\n      }}\n",
            list(subscribe)
        );
    }

    /// Exports `subject`, once; to `accounts` alone if there are any.
    fn export(&mut self, kind: &str, subject: &str, accounts: &[&str]) {
        let mut line = format!("{{ {kind}: \"{subject}\"");
        let many = MANY_ANSWERS.iter().find(|(prefix, _)| kind == "service" && subject.starts_with(prefix));
        if let Some((_, time)) = many {
            let _ = write!(line, ", response_type: \"stream\", threshold: \"{time}\"");
        }
        if !accounts.is_empty() {
            let _ = write!(line, ", accounts: [\"{}\"]", accounts.join("\", \""));
        }
        line.push_str(" }");
        if !self.exports.contains(&line) {
            self.exports.push(line);
        }
    }

    fn import(&mut self, kind: &str, from: &str, subject: &str) {
        self.imports.push(format!("{{ {kind}: {{ account: \"{from}\", subject: \"{subject}\" }} }}"));
    }

    fn write(&self, text: &mut String) {
        let list =
            |lines: &[String]| lines.iter().flat_map(|line| ["      ", line, "\n"]).collect::<String>();
        let _ = writeln!(text, "  \"{}\" {{", self.name);
        if !self.more.is_empty() {
            let _ = writeln!(text, "    {}", self.more);
        }
        for (what, lines) in [
            ("users", self.users.clone()),
            ("exports", list(&self.exports)),
            ("imports", list(&self.imports)),
        ] {
            if !lines.is_empty() {
                let _ = writeln!(text, "    {what}: [\n{lines}    ]");
            }
        }
        text.push_str("  }\n");
    }
}

fn nkey(key: &UserKey) -> String {
    format!("nkey: \"{key}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Seed;

    fn users() -> Users {
        Users::new(Seed::new().key().clone(), Seed::new().key().clone())
    }

    #[test]
    fn nobody_comes_in_without_credentials_where_the_public_is_left_out() {
        assert!(users().config().contains("no_auth_user"));
        let text = users().without_public().config();
        assert!(!text.to_lowercase().contains("public\""), "{text}");
        assert!(!text.contains("no_auth_user"), "{text}");
    }

    #[test]
    fn the_streams_say_nothing_but_what_goes_to_an_inbox_or_to_the_service() {
        let text = users().subscriber("bob".parse().unwrap(), Seed::new().key().clone()).config();
        let streams = text.split("  \"STREAMS\" {").nth(1).unwrap().split("\n  }\n").next().unwrap();
        let said: Vec<&str> = streams.lines().filter(|line| line.contains("{ stream:")).collect();
        assert_eq!(said.len(), 3, "{streams}");
        let (log, inboxes) = said.split_first().unwrap();
        assert!(log.contains("{ stream: \"wt.logged.>\", accounts: [\"DESK\"] }"), "{log}");
        assert!(inboxes.iter().all(|line| line.contains("{ stream: \"_INBOX")), "{said:?}");
        assert!(!streams.contains("users:"), "nobody is at home there: {streams}");
    }
}
