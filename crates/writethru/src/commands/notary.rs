//! `notary`: the key of the transparency log, for whoever verifies or witnesses it.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::event_log;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::up::data_dir::Paths;
use crate::up::notarial;

/// Options of `notary`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru notary key show                  # give it to readers and witnesses by another way than the log\n  \
    writethru notary key show --json | jq -r .key")]
pub(crate) struct Notary {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The key of the transparency log
    #[command(before_help = "Examples:\n  writethru notary key show")]
    Key(Key),
}

#[derive(Debug, Args)]
struct Key {
    #[command(subcommand)]
    what: KeyWhat,
}

#[derive(Debug, Subcommand)]
enum KeyWhat {
    /// Print the verifier key: name, id and public key. It is no secret
    #[command(before_help = "Examples:\n  writethru notary key show")]
    Show,
}

impl Notary {
    /// Prints the verifier key of the data dir.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let What::Key(Key { what: KeyWhat::Show }) = &self.what;
        let data = &session.settings.data;
        let paths = Paths::new(data);
        let log = event_log::open_configured(&session.settings).await?;
        let (options, epoch) = (notarial::options(&session.settings, &paths), log.epoch());
        let key = tokio::task::spawn_blocking(move || notary::verifier_key(&options, epoch)).await;
        log.close().await;
        let failed = |why: String| {
            Failure::new(Exit::InputUnreadable, "notary-key", "cannot read the key of the transparency log")
                .why(why)
                .next("start the service once: it makes the key; or put notary.key back")
        };
        let key = key.map_err(|error| failed(error.to_string()))?.map_err(failed)?;
        if session.output.json {
            session.output.json(
                &json!({"origin": key.name().as_str(), "id": key.id().to_string(), "key": key.to_string()}),
            )?;
        } else {
            session.output.line(key)?;
        }
        Ok(Exit::Ok)
    }
}
