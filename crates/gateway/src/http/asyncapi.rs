//! The description of the message interface (AsyncAPI 3.0), made from the subjects of the wire crate.
//!
//! It is written from the service's side: what the service sends, a subscriber receives. It describes no
//! message by itself: each payload is one of the published schemas.

use serde_json::{Map, Value, json};
use wire::{CloudEvent, DeskVerb, Problem, Subject, WT_ACKS, WT_ARTICLES, WT_CHANGES, WT_RECALLS};

/// A subject that the service sends on, or takes messages from.
struct Channel {
    name: &'static str,
    /// With a parameter in braces for each token that is not fixed.
    address: String,
    what: &'static str,
    message: &'static str,
    schema: &'static str,
    media_type: &'static str,
    /// The JetStream stream that keeps it, and how.
    kept: Option<(&'static str, &'static str)>,
    /// `send` or `receive`, as the service does.
    action: &'static str,
}

/// Returns the description of a service at `base`.
pub(crate) fn document(base: &str) -> Value {
    let (mut channels, mut operations) = (Map::new(), Map::new());
    for channel in subjects() {
        operations.insert(format!("{}-{}", channel.action, channel.name), operation(&channel));
        channels.insert(channel.name.to_owned(), described(&channel));
    }
    for verb in DeskVerb::ALL {
        let name = format!("desk-{}", verb.as_str());
        operations.insert(format!("answer-{}", verb.as_str()), answering(verb, &name));
        channels.insert(name, request(verb));
    }
    channels.insert("replies".to_owned(), replies());
    for (name, path, what) in [
        ("events", "/v1/events", "Every public change, live, as server-sent events or a JSON object a line."),
        (
            "story-events",
            "/v1/stories/{story}/events",
            "One story, live: its snapshot first, then its changes.",
        ),
    ] {
        operations.insert(
            format!("send-{name}"),
            json!({
                "action": "send", "channel": reference("channels", name), "summary": what,
                "bindings": {"http": {"method": "GET", "bindingVersion": "0.3.0"}},
            }),
        );
        channels.insert(name.to_owned(), stream(path, what));
    }
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:writethru:messages:v1",
        "info": {
            "title": "Writethru",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Updates to breaking stories as messages: exact changes, articles, recalls. At least once and in order for each story; the same message always has the same id. Written from the service's side: what it sends, you receive.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": servers(base),
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages(), "securitySchemes": security()},
    })
}

fn subjects() -> Vec<Channel> {
    let events = CloudEvent::MEDIA_TYPE;
    vec![
        Channel {
            name: "changes",
            address: templated(Subject::CHANGES, &["desk", "kind", "level", "story"]),
            what: "Every public change. Wildcards choose: `wt.v1.change.world.*.*.*` is one desk, `wt.v1.change.*.correction.*.*` every correction, `wt.v1.change.*.*.*.<story>` one story. A replica chooses by desk or story only.",
            message: "changed",
            schema: "changed-event.v1.json",
            media_type: events,
            kept: Some((WT_CHANGES, "30 days; of what was taken from readers, the tombstone alone")),
            action: "send",
        },
        Channel {
            name: "articles",
            address: templated(Subject::ARTICLES, &["desk", "story"]),
            what: "The newest public article of each story: read the last message of its subject.",
            message: "article",
            schema: "article-event.v1.json",
            media_type: events,
            kept: Some((WT_ARTICLES, "the last a subject")),
            action: "send",
        },
        Channel {
            name: "recalls",
            address: templated(Subject::RECALLS, &["desk", "story"]),
            what: "What calls revisions back, before the change of the same revision: stop using what it voids, and acknowledge it.",
            message: "recalled",
            schema: "recalled-event.v1.json",
            media_type: events,
            kept: Some((WT_RECALLS, "400 days")),
            action: "send",
        },
        Channel {
            name: "checkpoints",
            address: Subject::CHECKPOINT.to_owned(),
            what: "The newest signed head of the transparency log.",
            message: "checkpoint",
            schema: "checkpoint.v1.json",
            media_type: "text/plain",
            kept: None,
            action: "send",
        },
        Channel {
            name: "acknowledgements",
            address: templated(Subject::ACKS, &["subscriber"]),
            what: "What a subscriber says on its own subject: that it has acted on a recall, which revisions it got.",
            message: "acknowledgement",
            schema: "acknowledgement.v1.json",
            media_type: "application/json",
            kept: Some((WT_ACKS, "until the service has stored them, 30 days at most")),
            action: "receive",
        },
    ]
}

/// Returns the template of a filter's subjects: what its wildcards stand for, by name.
fn templated(filter: &str, parameters: &[&str]) -> String {
    let fixed = filter.trim_end_matches(['>', '*', '.']);
    parameters.iter().fold(fixed.to_owned(), |address, parameter| format!("{address}.{{{parameter}}}"))
}

/// What the parameters of addresses are.
fn parameters(address: &str) -> Map<String, Value> {
    let named = address.split(['{', '}']).skip(1).step_by(2);
    let what = |name: &str| match name {
        "desk" => "The desk that the story is on.",
        "kind" => "What sort of update it is, such as `update`, `correction` or `kill`.",
        "level" => "How much it matters: `minor`, `notable` or `substantive`.",
        "story" => "The story: a UUID. Over HTTP its slug will do.",
        _ => "The subscriber's own name.",
    };
    named.map(|name| (name.to_owned(), json!({"description": what(name)}))).collect()
}

fn described(channel: &Channel) -> Value {
    let mut described = json!({
        "address": channel.address,
        "description": channel.what,
        "servers": [reference("servers", "nats")],
        "messages": {channel.message: {"$ref": format!("#/components/messages/{}", channel.message)}},
        "bindings": {"nats": {"bindingVersion": "0.1.0"}},
    });
    let parameters = parameters(&channel.address);
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some((stream, kept)) = channel.kept {
        described["x-jetstream"] = json!({"stream": stream, "kept": kept});
    }
    described
}

fn operation(channel: &Channel) -> Value {
    json!({
        "action": channel.action,
        "channel": reference("channels", channel.name),
        "summary": channel.what,
        "messages": [{"$ref": format!("#/channels/{}/messages/{}", channel.name, channel.message)}],
    })
}

/// Returns the channel of requests to the desk.
fn request(verb: DeskVerb) -> Value {
    let name = format!("request-{}", verb.as_str());
    json!({
        "address": Subject::desk(verb).as_str(),
        "description": doing(verb),
        "servers": [reference("servers", "nats")],
        "messages": {name.as_str(): {"$ref": format!("#/components/messages/{name}")}},
    })
}

fn answering(verb: DeskVerb, channel: &str) -> Value {
    let verb_name = verb.as_str();
    let reply = |name: &str| json!({"$ref": format!("#/channels/replies/messages/{name}")});
    json!({
        "action": "receive",
        "channel": reference("channels", channel),
        "summary": doing(verb),
        "security": [reference("components/securitySchemes", "key")],
        "messages": [{"$ref": format!("#/channels/{channel}/messages/request-{verb_name}")}],
        "reply": {
            "channel": reference("channels", "replies"),
            "messages": [reply(&format!("reply-{verb_name}")), reply("problem")],
        },
        "bindings": {"nats": {"queue": "q", "bindingVersion": "0.1.0"}},
    })
}

const fn doing(verb: DeskVerb) -> &'static str {
    match verb {
        DeskVerb::Push => "Files copy.",
        DeskVerb::Act => "Acts on a story, such as a withhold or a kill.",
        DeskVerb::Entry => "Changes an entry of a live blog.",
        DeskVerb::Redact => "Takes words out of a story's record, or says something about them.",
        DeskVerb::Show => "Reads one article.",
        DeskVerb::List => "Reads a page of stories.",
        DeskVerb::History => "Reads a story's revisions.",
        DeskVerb::Diff => "Reads the difference of two revisions.",
        DeskVerb::Requests => "Reads what waits for a second person.",
        DeskVerb::Approve => "A second person says yes.",
        DeskVerb::Refuse => "A second person says no.",
        DeskVerb::Info => "Says what the service is.",
    }
}

/// Returns the channel of replies: each goes to the inbox that the request names.
fn replies() -> Value {
    let names = DeskVerb::ALL.map(|verb| format!("reply-{}", verb.as_str()));
    let named = names.iter().map(String::as_str).chain(["problem"]);
    let messages: Map<String, Value> = named
        .map(|name| (name.to_owned(), json!({"$ref": format!("#/components/messages/{name}")})))
        .collect();
    json!({
        "address": null,
        "description": "The inbox that a request names; it begins with an underscore, or the request is left alone.",
        "servers": [reference("servers", "nats")],
        "messages": messages,
    })
}

fn stream(path: &str, what: &str) -> Value {
    let mut stream = json!({
        "address": path,
        "description": what,
        "servers": [reference("servers", "http")],
        "messages": {"line": {"$ref": "#/components/messages/line"}},
    });
    let parameters = parameters(path);
    if !parameters.is_empty() {
        stream["parameters"] = parameters.into();
    }
    stream
}

fn messages() -> Map<String, Value> {
    let message = |name: &str, media_type: &str, schema: &str| json!({"name": name, "title": name, "contentType": media_type, "payload": {"$ref": format!("/schemas/{schema}")}});
    let mut messages = Map::new();
    for channel in subjects() {
        let mut described = message(channel.message, channel.media_type, channel.schema);
        if channel.media_type == CloudEvent::MEDIA_TYPE {
            described["headers"] = headers();
        }
        messages.insert(channel.message.to_owned(), described);
    }
    for verb in DeskVerb::ALL {
        let verb = verb.as_str();
        for (sort, file) in [("request", "requests.v1.json"), ("reply", "replies.v1.json")] {
            let name = format!("{sort}-{verb}");
            let described = message(&name, "application/json", &format!("{file}#/$defs/{verb}"));
            messages.insert(name, described);
        }
    }
    messages.insert("problem".to_owned(), message("problem", Problem::MEDIA_TYPE, "problem.v1.json"));
    messages.insert("line".to_owned(), message("line", "application/x-ndjson", "stream-line.v1.json"));
    messages
}

/// The headers of messages to subscribers.
fn headers() -> Value {
    json!({
        "type": "object",
        "properties": {
            "Nats-Msg-Id": {"type": "string", "description": "The message's `id`; on the copy for another desk with that desk behind it. Absent on articles."},
            "Writethru-Position": {"type": "string", "description": "The message's cursor."},
            "Writethru-Relayed": {"type": "string", "description": "The cursor up to which everything had been acknowledged."},
        },
    })
}

/// Where the service is: over HTTP at `base`, over NATS where its operator says.
fn servers(base: &str) -> Value {
    let (protocol, rest) = base.split_once("://").unwrap_or(("http", base));
    let (host, path) =
        rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
    let mut http = json!({
        "host": host,
        "protocol": protocol,
        "description": "Live streams. Reading needs no key unless the service says so.",
    });
    if !path.is_empty() {
        http["pathname"] = path.into();
    }
    json!({
        "http": http,
        "nats": {
            "host": "{host}",
            "protocol": "nats",
            "description": "The NATS server with JetStream. Without credentials a client reads what is public and acknowledges nothing.",
            "variables": {"host": {"default": "127.0.0.1:4222", "description": "Where the operator of the service says that it is."}},
            "security": [reference("components/securitySchemes", "nkey")],
        },
    })
}

fn security() -> Value {
    json!({
        "nkey": {"type": "asymmetricEncryption", "description": "A NATS nkey: what `writethru nats config` writes for a subscriber or an editor."},
        "key": {"type": "httpApiKey", "in": "header", "name": "Authorization", "description": "`Bearer wt_…`, as a header of the NATS message: who asks, for everything but public reads."},
    })
}

fn reference(section: &str, name: &str) -> Value {
    json!({"$ref": format!("#/{section}/{name}")})
}
