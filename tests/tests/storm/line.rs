//! A line between a client and a server that can be cut, and that can go dead: nothing comes through,
//! and nobody is told.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It carries.
    Open,
    /// It keeps what comes and gives nothing on, as behind a partition of the network.
    Dead,
    /// It ends what is connected and takes nobody.
    Cut,
}

/// A line to one server. It ends with the runtime.
#[derive(Debug)]
pub(crate) struct Line {
    /// Where clients connect.
    pub(crate) port: u16,
    state: watch::Sender<State>,
}

impl Line {
    /// Lays a line to the server at `port` of this machine.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (state, watched) = watch::channel(State::Open);
        let own = listener.local_addr().expect("it listens").port();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *watched.borrow() != State::Cut {
                    tokio::spawn(carry(client, port, watched.clone()));
                }
            }
        });
        Self { port: own, state }
    }

    /// Lets it carry again; what a dead line has kept comes through now.
    pub(crate) fn open(&self) {
        self.state.send_replace(State::Open);
    }

    /// Lets it go dead.
    pub(crate) fn die(&self) {
        self.state.send_replace(State::Dead);
    }

    /// Cuts it.
    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }
}

/// Carries one connection until it is cut or an end of it closes.
async fn carry(client: TcpStream, port: u16, state: watch::Receiver<State>) {
    let Ok(server) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let mut cut = state.clone();
    tokio::select! {
        () = pass(from_client, to_server, state.clone()) => {}
        () = pass(from_server, to_client, state) => {}
        // An error means that the test is over.
        _ = cut.wait_for(|state| *state == State::Cut) => {}
    }
}

/// Passes bytes on, as long as the line carries.
async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut state: watch::Receiver<State>,
) {
    let mut bytes = [0; 16 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut bytes).await else { return };
        if state.wait_for(|state| *state == State::Open).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
