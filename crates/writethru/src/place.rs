//! Where an event log is, as people write it: a data dir, or an address on NATS.
//!
//! `nats://HOST[:PORT][,HOST[:PORT]…][/NAME][?replicas=1|3|5][&partitions=1]`; `tls://` in place of
//! `nats://` encrypts. Whoever signs in with a seed names its file elsewhere: an address is no secret.

use std::path::PathBuf;
use std::str::FromStr;

use log::{LogName, Replicas};

/// How an address on NATS is written.
pub(crate) const NATS_FORM: &str = "an address such as nats://10.0.0.5:4222,10.0.0.6:4222/NAME?replicas=3, with 1, 3 or 5 replicas \
     and one partition";

/// A log on NATS, as far as its address says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NatsLog {
    /// URLs of its servers, with commas between them.
    pub(crate) servers: Option<String>,
    /// Which log there.
    pub(crate) name: Option<LogName>,
    /// On how many servers it is made.
    pub(crate) replicas: Option<Replicas>,
}

/// Where a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a data dir.
    Dir(PathBuf),
    /// On NATS.
    Nats(NatsLog, String),
}

impl Place {
    /// Returns the place as it was written.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Dir(path) => path.display().to_string(),
            Self::Nats(log, written) if written.contains('@') => log.without_passwords(),
            Self::Nats(_, written) => written.clone(),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        if written.contains("://") {
            return NatsLog::parse(written).map(|log| Self::Nats(log, written.to_owned()));
        }
        if written.is_empty() {
            Err("a data dir, or an address on NATS".to_owned())
        } else {
            Ok(Self::Dir(written.into()))
        }
    }
}

impl NatsLog {
    /// Reads an address on NATS.
    ///
    /// # Errors
    /// What one looks like.
    pub(crate) fn parse(written: &str) -> Result<Self, String> {
        Self::read(written).ok_or_else(|| NATS_FORM.to_owned())
    }

    fn read(written: &str) -> Option<Self> {
        let (scheme, rest) =
            written.split_once("://").filter(|(scheme, _)| matches!(*scheme, "nats" | "tls"))?;
        // A list of whole URLs, as other programs take it, is understood too.
        let rest = rest.replace(&format!(",{scheme}://"), ",");
        let (rest, query) = rest.split_once('?').map_or((&*rest, None), |(rest, query)| (rest, Some(query)));
        let (hosts, name) = rest.split_once('/').map_or((rest, ""), |(hosts, name)| (hosts, name));
        let servers: Vec<String> =
            hosts.split(',').map(|host| format!("{scheme}://{}", host.trim())).collect();
        let legal = |server: &String| {
            server.parse::<async_nats::ServerAddr>().is_ok_and(|server| !server.host().is_empty())
        };
        if !servers.iter().all(legal) {
            return None;
        }
        let name = if name.is_empty() { None } else { Some(LogName::try_from(name).ok()?) };
        let mut log = Self { servers: Some(servers.join(",")), name, replicas: None };
        for setting in query.into_iter().flat_map(|query| query.split('&')) {
            match setting.split_once('=')? {
                ("replicas", count) => log.replicas = Some(replicas(count)?),
                ("partitions", "1") => {}
                _ => return None,
            }
        }
        Some(log)
    }

    fn without_passwords(&self) -> String {
        let hosts = self.servers.iter().flat_map(|servers| servers.split(','));
        let hosts: Vec<&str> =
            hosts.map(|server| server.rsplit_once('@').map_or(server, |(_, host)| host)).collect();
        let name = self.name.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
        format!("nats://{}{name}", hosts.join(","))
    }
}

/// Reads a number of replicas.
pub(crate) fn replicas(written: &str) -> Option<Replicas> {
    match written {
        "1" => Some(Replicas::One),
        "3" => Some(Replicas::Three),
        "5" => Some(Replicas::Five),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_data_dir_or_an_address() {
        assert_eq!("./newsroom".parse(), Ok(Place::Dir("./newsroom".into())));
        let log = NatsLog::parse("nats://a:4222,b/main?replicas=3&partitions=1").unwrap();
        assert_eq!(log.servers.as_deref(), Some("nats://a:4222,nats://b"));
        assert_eq!((log.name.unwrap().to_string(), log.replicas), ("main".to_owned(), Some(Replicas::Three)));
        let log = NatsLog::parse("nats://a,nats://b/0").unwrap();
        assert_eq!(log.servers.as_deref(), Some("nats://a,nats://b"));
        let log = NatsLog::parse("tls://a").unwrap();
        assert_eq!((log.servers.as_deref(), log.name, log.replicas), (Some("tls://a"), None, None));
    }

    #[test]
    fn what_no_log_can_be_at_is_refused_with_what_is_expected() {
        for wrong in [
            "",
            "http://a",
            "nats://",
            "nats://a/b/c",
            "nats://a/x?replicas=2",
            "nats://a/x?partitions=4",
            "nats://a/x?retention=1",
            "nats://a/a.b",
            "nats://a,,b/x",
        ] {
            let refused = wrong.parse::<Place>();
            assert!(refused.is_err(), "{wrong:?} is {refused:?}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let place: Place = "nats://me:secret@a:4222,b/main?replicas=3".parse().unwrap();
        assert_eq!(place.shown(), "nats://a:4222,nats://b/main");
    }
}
