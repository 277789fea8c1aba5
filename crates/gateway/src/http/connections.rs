//! A listener that holds only so many connections open at once: the next one waits in the
//! system's own queue.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::STREAM_SEND_BUFFER_BYTES;
use crate::stream::{Line, Outlet, Stall};

/// The listener.
#[derive(Debug)]
pub(crate) struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    line: Arc<Line>,
}

/// One connection and its place.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    outlet: Outlet,
    /// Whether the system keeps little of what is sent.
    is_narrow: bool,
    stall: Stall,
    _place: OwnedSemaphorePermit,
}

impl Bounded {
    pub(crate) fn new(listener: TcpListener, connections_max: usize, line: Line) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(connections_max)), line: Arc::new(line) }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.expect("the places are never closed");
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Without it, small answers wait for the other side's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(%error, "Cannot turn off Nagle's algorithm");
        }
        let outlet = Outlet::new(Arc::clone(&self.line));
        (Connection { stream, outlet, is_narrow: false, stall: Stall::default(), _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Bounded>> for Outlet {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        stream.io().outlet.clone()
    }
}

impl Connection {
    /// Writes by `write`, with what a stream asks for around it.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if !self.outlet.carries_stream() {
            return write(Pin::new(&mut self.stream), context);
        }
        if !self.is_narrow {
            self.is_narrow = true;
            // What a reader does not read waits in the system's memory: little of it, or thousands that
            // stand still would fill it.
            if let Err(error) = SockRef::from(&self.stream).set_send_buffer_size(STREAM_SEND_BUFFER_BYTES) {
                tracing::trace!(%error, "Cannot bound what the system keeps for a stream");
            }
        }
        self.stall.may_write(&self.outlet)?;
        let written = write(Pin::new(&mut self.stream), context);
        self.stall.wrote(&self.outlet, written, context)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written(context, |stream, context| stream.poll_write(context, from))
    }

    /// Is called when everything has been written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outlet.empty();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.written(context, |stream, context| stream.poll_write_vectored(context, from))
    }
}
