//! What each user may publish and subscribe to.
//!
//! Pure lists. Everything that is not named here is denied. Where an answer goes, and where a push
//! consumer delivers to, no permission can say: [`super::accounts`] keeps both from what they must not
//! reach.

use wire::{DeskVerb, Subject, WT_ARTICLES, WT_CHANGES, WT_RECALLS};

use super::subscriber::SubscriberName;

/// Where the service is answered.
pub const SERVICE_INBOX: &str = "_INBOX_service";
/// Where editors are answered.
pub const EDITOR_INBOX: &str = "_INBOX_editor";
/// Where clients without credentials are answered: what every client library takes by itself.
const PUBLIC_INBOX: &str = "_INBOX";
/// What everyone may hear.
pub(super) const HEARD: [&str; 4] =
    [Subject::CHANGES, Subject::ARTICLES, Subject::RECALLS, Subject::CHECKPOINT];
/// The streams that readers may read.
const READ_STREAMS: [&str; 3] = [WT_CHANGES, WT_ARTICLES, WT_RECALLS];
/// What readers may ask of the desk. A verb that is not named here is the editors'.
const READS: [DeskVerb; 5] =
    [DeskVerb::Show, DeskVerb::List, DeskVerb::History, DeskVerb::Diff, DeskVerb::Info];

/// What one user may do; `deny` wins over `publish`.
#[derive(Debug, Default)]
pub(super) struct Rights {
    pub(super) publish: Vec<String>,
    pub(super) deny: Vec<String>,
    pub(super) subscribe: Vec<String>,
}

/// What the service may do: everything that its account can reach.
pub(super) fn service() -> Rights {
    Rights { publish: vec![">".to_owned()], subscribe: vec![">".to_owned()], ..Rights::default() }
}

/// What an editor may do: ask anything of the desk.
pub(super) fn editor() -> Rights {
    Rights {
        publish: vec![Subject::DESK.to_owned()],
        subscribe: vec![inbox_of(EDITOR_INBOX)],
        ..Rights::default()
    }
}

/// What a reader may do, with a name of its own or without, beside `others`.
pub(super) fn reader<'a>(
    name: Option<&SubscriberName>,
    others: impl Iterator<Item = &'a SubscriberName>,
) -> Rights {
    let mut subscribe = HEARD.map(str::to_owned).to_vec();
    subscribe.push(inbox(name));
    let mut publish: Vec<String> = READS.map(|verb| Subject::desk(verb).into()).to_vec();
    publish.extend(["$JS.API.INFO", "$JS.API.STREAM.NAMES"].map(str::to_owned));
    publish.extend(READ_STREAMS.into_iter().flat_map(reading));
    if let Some(name) = name {
        publish.push(format!("wt.v1.ack.{name}"));
        publish.extend(READ_STREAMS.into_iter().flat_map(|stream| keeping(stream, name)));
    }
    let deny = others.filter(|other| Some(*other) != name).flat_map(touching).collect();
    Rights { publish, deny, subscribe }
}

/// Where a reader is answered.
pub(super) fn inbox(name: Option<&SubscriberName>) -> String {
    name.map_or_else(|| inbox_of(PUBLIC_INBOX), |name| inbox_of(&name.inbox_prefix()))
}

fn inbox_of(prefix: &str) -> String {
    format!("{prefix}.>")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_may_publish_nothing_that_a_stream_takes() {
        let bob = "bob".parse().unwrap();
        for rights in [reader(None, [&bob].into_iter()), reader(Some(&bob), [&bob].into_iter()), editor()] {
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
