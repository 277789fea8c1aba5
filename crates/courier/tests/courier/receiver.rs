//! A real receiver: an HTTP server that keeps what it gets and answers as it is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use courier::Secret;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long anything may take that has to come.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Returns the headline that the change leads to, or its revision.
    pub(crate) fn revision(&self) -> (String, u64) {
        let event = self.json();
        (event["subject"].as_str().unwrap().to_owned(), event["data"]["to"].as_u64().unwrap())
    }

    /// Panics unless the unmodified library says that `secret` signed it now.
    #[track_caller]
    pub(crate) fn verify(&self, secret: &Secret) {
        let judge = standardwebhooks::Webhook::new(&secret.expose()).unwrap();
        judge.verify(&self.body, &self.headers).unwrap();
    }

    /// Returns whether the unmodified library signs it so with `secret`, whenever that was.
    pub(crate) fn is_signed(&self, secret: &Secret) -> bool {
        let judge = standardwebhooks::Webhook::new(&secret.expose()).unwrap();
        let at = self.header("webhook-timestamp").parse().unwrap();
        let signed = judge.sign(self.header("webhook-id"), at, &self.body).unwrap();
        self.header("webhook-signature").split(' ').any(|one| one == signed)
    }
}

type Answers = Arc<dyn Fn(usize, &Got) -> Reply + Send + Sync>;

/// What a receiver answers.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Status(u16),
    With(u16, &'static str, String),
    Never,
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<Got>>>,
    count: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// Starts one that answers what `answers` says to the request with that number, from 0.
    pub(crate) async fn start(answers: impl Fn(usize, &Got) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap());
        let (got, answers): (Arc<Mutex<Vec<Got>>>, Answers) = (Arc::default(), Arc::new(answers));
        let (counter, count) = watch::channel(0);
        let kept = Arc::clone(&got);
        let router = Router::new().fallback(move |headers: HeaderMap, body: Bytes| {
            let (kept, answers, counter) = (Arc::clone(&kept), Arc::clone(&answers), counter.clone());
            async move {
                let got = Got { headers, body };
                let number = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(got.clone());
                    kept.len() - 1
                };
                let reply = answers(number, &got);
                counter.send_modify(|count| *count += 1);
                answer(reply).await
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, got, count, task }
    }

    /// Starts one that takes everything.
    pub(crate) async fn willing() -> Self {
        Self::start(|_, _| Reply::Status(200)).await
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Returns what it got, once there are `count`.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Got> {
        let mut counted = self.count.clone();
        let waiting = counted.wait_for(|counted| *counted >= count);
        tokio::time::timeout(PATIENCE, waiting).await.expect("it never came").unwrap();
        self.got()
    }
}

async fn answer(reply: Reply) -> Response {
    match reply {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::With(status, name, value) => {
            (StatusCode::from_u16(status).unwrap(), [(name, value)]).into_response()
        }
        Reply::Never => std::future::pending().await,
    }
}
