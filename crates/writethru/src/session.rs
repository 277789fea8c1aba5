//! What every command works with: the configuration, the way out, and the server.

use crate::api::Api;
use crate::config::{NatsChoice, Settings};
use crate::discovery::Run;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// One run of one command.
#[derive(Debug)]
pub(crate) struct Session {
    /// The configuration.
    pub(crate) settings: Settings,
    /// Where answers go.
    pub(crate) output: Output,
}

impl Session {
    /// Returns the HTTP client for the server that was named, or that runs on the data dir.
    ///
    /// # Errors
    /// No server was named and none has written a `run.json`.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        if let Some(url) = &self.settings.url {
            return Api::new(url.clone());
        }
        let data = self.settings.data.display();
        let Some(run) = Run::read(&self.settings.data)? else {
            return Err(Failure::new(Exit::Unavailable, "no-server", "no server is running")
                .why(format!("there is no run.json in {data}, and no --url was given"))
                .next(format!("start one: writethru up --data {data}")));
        };
        let url = reqwest::Url::parse(&run.http).map_err(|error| {
            Failure::new(Exit::Unavailable, "run-file", format!("run.json in {data} names no server"))
                .because(&error)
                .next("restart `writethru up`: it writes the file anew")
        })?;
        Ok(Api::new(url)?.found_by(run.pid))
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
