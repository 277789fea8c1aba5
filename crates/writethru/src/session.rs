//! What every command works with: the configuration, the way out, and the server.

use crate::api::Api;
use crate::config::{NatsChoice, Settings};
use crate::credential::Credential;
use crate::discovery::Run;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, say};

/// One run of one command.
#[derive(Debug)]
pub(crate) struct Session {
    /// The configuration.
    pub(crate) settings: Settings,
    /// Where answers go.
    pub(crate) output: Output,
}

impl Session {
    /// Returns the HTTP client for the server that was named, or that runs on the data dir, with
    /// the key to send.
    ///
    /// # Errors
    /// No server was named and none has written a `run.json`; or the key that was named is none.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        let given = Credential::of_settings(&self.settings)?;
        if let Some(url) = &self.settings.url {
            let key = given.map_or_else(|| self.owner_key_for(url), |key| Ok(Some(key)))?;
            if key.is_some() && !is_loopback(url) {
                say(format_args!("note: your key goes to {url} unencrypted: use a tunnel, or a proxy here"));
            }
            return Ok(Api::new(url.clone())?.with_key(key));
        }
        let data = self.settings.data.display();
        let Some(run) = Run::read(&self.settings.data)? else {
            return Err(Failure::new(Exit::Unavailable, "no-server", "no server is running")
                .why(format!("there is no run.json in {data}, and no --url was given"))
                .next(format!("start one: writethru up --data {data}")));
        };
        let key = given.map_or_else(|| Credential::of_owner(&self.settings.data), |key| Ok(Some(key)))?;
        Ok(Api::new(base(&run, &self.settings)?)?.found_by(run.pid).with_key(key))
    }

    /// Returns the owner's key if `url` is the server on our data dir: no other may see it.
    fn owner_key_for(&self, url: &reqwest::Url) -> Result<Option<Credential>, Failure> {
        let data = &self.settings.data;
        // A run.json that cannot be read names no server, so its key is for none.
        let run = Run::read(data).ok().flatten();
        let ours = run.and_then(|run| base(&run, &self.settings).ok());
        match ours {
            Some(ours) if ours.origin() == url.origin() => Credential::of_owner(data),
            _ => Ok(None),
        }
    }

    /// Returns the URL of the NATS server to subscribe at, if one is known.
    ///
    /// # Errors
    /// `run.json` cannot be read.
    pub(crate) fn nats_url(&self) -> Result<Option<String>, Failure> {
        match &self.settings.nats {
            NatsChoice::Url(url) => return Ok(Some(url.clone())),
            NatsChoice::Off => return Ok(None),
            NatsChoice::Child => {}
        }
        if self.settings.url.is_some() {
            return Ok(None);
        }
        Ok(Run::read(&self.settings.data)?.and_then(|run| run.nats))
    }
}

/// Returns the base URL in `run.json`.
fn base(run: &Run, settings: &Settings) -> Result<reqwest::Url, Failure> {
    reqwest::Url::parse(&run.http).map_err(|error| {
        let data = settings.data.display();
        Failure::new(Exit::Unavailable, "run-file", format!("run.json in {data} names no server"))
            .because(&error)
            .next("restart `writethru up`: it writes the file anew")
    })
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
