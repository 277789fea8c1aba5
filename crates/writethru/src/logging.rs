//! Logs: to stderr, as much as was asked for.

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};

/// What a server logs when nobody says: its own doings, and what goes wrong elsewhere.
const SERVER: &str = "warn,writethru=info";
/// What the other commands log: only what goes wrong.
const COMMAND: &str = "warn";

/// Starts logging for the rest of the process.
pub(crate) fn start(settings: &Settings, server: bool) {
    let default = if server { SERVER } else { COMMAND };
    let filter = settings.log.as_deref().unwrap_or(default);
    // The configuration has been checked; this cannot fail any more.
    let filter = filter.parse::<EnvFilter>().unwrap_or_else(|_| EnvFilter::new(default));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never);
    // Logging has never been started before: `main` calls this once.
    let _ = match settings.log_format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
}
