//! Logs: to stderr, as much as was asked for. Traces: to where the environment says, where they are built in.

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};

/// What a server logs when nobody says: its own doings, and what goes wrong elsewhere.
const SERVER: &str = "warn,writethru=info";
/// What the other commands log: only what goes wrong.
const COMMAND: &str = "warn";

/// What sends traces. Dropped, it sends what waits.
#[derive(Debug)]
pub(crate) struct Traces {
    #[cfg(feature = "otel")]
    _exporter: Option<trace::Exporter>,
}

/// Sends traces, if the environment asks for it. Says so if it does and they are not built in, or cannot be
/// sent.
pub(crate) fn send_traces() -> Traces {
    #[cfg(feature = "otel")]
    {
        let started = trace::export(env!("CARGO_PKG_VERSION")).unwrap_or_else(|error| {
            tracing::warn!(error = %crate::failure::chain(&error), "Sends no traces");
            None
        });
        Traces { _exporter: started }
    }
    #[cfg(not(feature = "otel"))]
    {
        if std::env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() {
            tracing::info!("Sends no traces of its own: built without the feature `otel`");
        }
        Traces {}
    }
}

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
