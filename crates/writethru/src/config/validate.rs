//! From words to values: every key is checked before anything runs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::key::Key;
use super::{LogChoice, LogFormat, NatsChoice, NotarySettings, Origin, Settings, misconfigured};
use crate::failure::Failure;
use crate::place::{self, NatsLog};

type Sources = BTreeMap<Key, (String, Origin)>;

/// Returns the settings that `sources` add up to.
///
/// # Errors
/// Names the key that makes no sense, where it was set, and what is allowed.
pub(super) fn settings(sources: Sources) -> Result<Settings, Failure> {
    let text = |key: Key| sources.get(&key).map(|(value, _)| value.as_str());
    let off =
        check(&sources, Key::NoNats, "true or false", |value| value.parse::<bool>().ok())?.unwrap_or(false);
    let url = check(&sources, Key::Url, "an http:// URL such as http://127.0.0.1:8080", http_url)?;
    let nats_url = check(&sources, Key::NatsUrl, "a NATS URL such as nats://127.0.0.1:4222", nats_url)?;
    let nats = match nats_url {
        _ if off => NatsChoice::Off,
        Some(url) => NatsChoice::Url(url),
        None => NatsChoice::Child,
    };
    let event_log = event_log(&sources, off)?;
    let log = check(&sources, Key::Log, "a level (error, warn, info, debug, trace) or a filter", |value| {
        value.parse::<tracing_subscriber::EnvFilter>().ok().map(|_| value.to_owned())
    })?;
    let log_format = check(&sources, Key::LogFormat, "text or json", |value| match value {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    })?;
    let http = check(&sources, Key::Http, "an address and a port such as 127.0.0.1:8080", listen_address)?;
    let public_url = check(
        &sources,
        Key::PublicUrl,
        "an address such as https://news.example, without a query",
        public_url,
    )?;
    let provider = check(&sources, Key::Provider, "1 to 200 characters on one line", provider)?;
    let websub_hub = check(&sources, Key::WebsubHub, "an address such as https://hub.example", |value| {
        let url = reqwest::Url::parse(value).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        is_web.then(|| url.to_string())
    })?;
    Ok(Settings {
        data: text(Key::Data).map(PathBuf::from).unwrap_or_default(),
        url,
        key_file: text(Key::CredentialFile).map(PathBuf::from),
        key: None,
        http: http.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
        public_url,
        provider,
        websub_hub,
        nats,
        nats_seed: text(Key::NatsSeed).map(PathBuf::from),
        nats_server_bin: text(Key::NatsServerBin).map(PathBuf::from),
        event_log,
        notary: NotarySettings::default(),
        log,
        log_format: log_format.unwrap_or(LogFormat::Text),
        sources,
    })
}

/// Returns where the event log is.
fn event_log(sources: &Sources, without_nats: bool) -> Result<LogChoice, Failure> {
    let url = check(sources, Key::LogUrl, place::NATS_FORM, |value| NatsLog::parse(value).ok())?;
    let name = check(sources, Key::LogName, "1 to 32 characters of A-Z a-z 0-9 _ -", |value| {
        log::LogName::try_from(value).ok()
    })?;
    let replicas = check(sources, Key::LogReplicas, "1, 3 or 5", place::replicas)?;
    check(sources, Key::LogPartitions, "1: positions are one order", |value| (value == "1").then_some(()))?;
    let backend = check(sources, Key::LogBackend, "sqlite or jetstream", |value| match value {
        "sqlite" => Some(false),
        "jetstream" => Some(true),
        _ => None,
    })?;
    if !backend.unwrap_or(url.is_some()) {
        return match url {
            Some(_) => Err(misconfigured("log_backend is sqlite and log_url names a NATS server")
                .why("the log is in one place")
                .next("take one of the two away")),
            None => Ok(LogChoice::File),
        };
    }
    if without_nats && url.is_none() {
        return Err(misconfigured("log_backend is jetstream and no_nats is true")
            .why("the log would be on the NATS that there is not")
            .next("say where it is: log_url, or take no_nats away"));
    }
    let given = url.unwrap_or_default();
    Ok(LogChoice::Stream {
        servers: given.servers,
        name: given.name.or(name).unwrap_or_default(),
        replicas: given.replicas.or(replicas),
    })
}

fn check<T>(
    sources: &Sources,
    key: Key,
    allowed: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let Some((value, origin)) = sources.get(&key) else {
        return Ok(None);
    };
    match read(value) {
        Some(read) => Ok(Some(read)),
        None => Err(misconfigured(format!("{} {value:?} makes no sense ({origin})", key.name()))
            .why(format!("it must be {allowed}"))),
    }
}

fn http_url(value: &str) -> Option<reqwest::Url> {
    let url = reqwest::Url::parse(value).ok()?;
    (url.scheme() == "http" && url.has_host()).then_some(url)
}

/// Reads an address that items can be called by: plain, and for ever.
fn public_url(value: &str) -> Option<String> {
    let url = reqwest::Url::parse(value).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    is_plain.then(|| url.as_str().trim_end_matches('/').to_owned())
}

fn provider(value: &str) -> Option<String> {
    let name = value.trim();
    let is_legal = (1..=200).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    is_legal.then(|| name.to_owned())
}

fn nats_url(value: &str) -> Option<String> {
    // A server list and a bare host:port are legal to every NATS client.
    let legal = value.split(',').all(|one| one.trim().parse::<async_nats::ServerAddr>().is_ok());
    legal.then(|| value.to_owned())
}

fn listen_address(value: &str) -> Option<SocketAddr> {
    let value = match value.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => value.to_owned(),
    };
    value.parse().ok()
}
