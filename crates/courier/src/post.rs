//! One request to one endpoint: resolve, look where it leads, connect to that very address, post, read the
//! status, and drop the rest. No redirect is followed and no proxy is asked.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use crate::address::{AddressError, Target};
use crate::limits::ANSWER_BYTES_MAX;
use crate::schedule::{Answer, retry_after};

/// What every endpoint reads as the caller's name.
const AGENT: &str = concat!("writethru/", env!("CARGO_PKG_VERSION"));

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    #[error("no TLS: {0}")]
    Tls(std::io::Error),
    #[error("no HTTP answer: {0}")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be written: {0}")]
    Request(#[from] hyper::http::Error),
}

/// What a message is sent with.
#[derive(Debug)]
pub(crate) struct Headers {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) signature: String,
}

/// Makes connections; clones share what TLS needs.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    tls: Arc<ClientConfig>,
}

/// A connection on which one message may be sent.
#[derive(Debug)]
pub(crate) struct Line {
    target: Target,
    sender: SendRequest<Full<Bytes>>,
    _io: AbortOnDropHandle<()>,
}

impl Caller {
    /// Returns one that trusts whom the system trusts.
    pub(crate) fn new() -> Self {
        let mut roots = RootCertStore::empty();
        // A certificate of the system's that cannot be read makes fewer endpoints good, and none bad.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { tls: Arc::new(tls) }
    }

    /// Connects to `target`, at an address that was looked at.
    pub(crate) async fn connect(&self, target: Target) -> Result<Line, PostError> {
        let addresses = target.resolve().await?;
        let stream = TcpStream::connect(&*addresses).await.map_err(PostError::Connect)?;
        stream.set_nodelay(true).map_err(PostError::Connect)?;
        if !target.is_tls() {
            return line(target, stream).await;
        }
        let illegal = |_| PostError::Address(AddressError::NoAddress(target.host()));
        let name = ServerName::try_from(target.host()).map_err(illegal)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
        line(target, stream.map_err(PostError::Tls)?).await
    }
}

async fn line(
    target: Target,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<Line, PostError> {
    let (sender, io) = http1::handshake(TokioIo::new(stream)).await?;
    let io = tokio::spawn(async move {
        // What goes wrong is told to whoever sends.
        let _ = io.await;
    });
    Ok(Line { target, sender, _io: AbortOnDropHandle::new(io) })
}

impl Line {
    /// Posts `body`; returns what the endpoint says. The rest of its answer is read up to a bound, and
    /// dropped with the connection.
    pub(crate) async fn post(mut self, headers: Headers, body: Bytes) -> Result<Answer, PostError> {
        let request = Request::post(self.target.path())
            .header(HOST, self.target.authority())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header("webhook-id", headers.id)
            .header("webhook-timestamp", headers.at.as_second())
            .header("webhook-signature", headers.signature)
            .body(Full::new(body))?;
        let answer = self.sender.send_request(request).await?;
        let status = Some(answer.status().as_u16());
        let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = asked.and_then(|asked| retry_after(asked, headers.at));
        // The status has been told: whether the rest comes whole changes nothing.
        let _ = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok(Answer { status, retry_after })
    }
}
