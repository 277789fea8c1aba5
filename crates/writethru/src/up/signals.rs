//! Signals: the first asks for an orderly end, the second ends at once.

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::output::say;

/// Listens for signals for the rest of the process.
///
/// The first cancels `stop`. The second ends the process with [`Exit::Aborted`]: what was
/// acknowledged is durable already, so nothing is lost by it.
pub(crate) fn listen(stop: CancellationToken) -> std::io::Result<()> {
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        say("\nstopping: finishing what was begun (press Ctrl-C again to stop at once)");
        stop.cancel();
        signals.next().await;
        say("stopped at once; everything acknowledged is on disk");
        std::process::exit(i32::from(Exit::Aborted.code()));
    });
    Ok(())
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        // Both are cancel-safe: a signal that is not received now is received next time.
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // Without Ctrl-C there is no signal to wait for: wait for ever.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
