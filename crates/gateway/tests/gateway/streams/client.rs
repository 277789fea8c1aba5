//! A reader of a stream, who reads as the standards say and keeps what it was sent.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::service::Service;

/// How long a reader waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A reader.
pub(crate) struct Reader {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    response: reqwest::Response,
    waiting: Vec<u8>,
    is_sse: bool,
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// `change` if it has no name.
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: String,
}

impl Event {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The revision that a change leads to.
    #[track_caller]
    pub(crate) fn to(&self) -> u64 {
        assert_eq!(self.name, "change", "{self:?}");
        self.json()["data"]["to"].as_u64().unwrap()
    }
}

impl Reader {
    pub(crate) async fn open(service: &Service, address: &str) -> Self {
        Self::with(service, address, &[]).await
    }

    /// Opens a stream as nobody in particular.
    pub(crate) async fn with(service: &Service, address: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = service.client.get(format!("{}{address}", service.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let is_sse = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        Self { status, headers, response, waiting: Vec::new(), is_sse }
    }

    /// Returns what comes up to the end of an event or of a line; `None` at the end of the stream.
    pub(crate) async fn block(&mut self) -> Option<String> {
        let end: &[u8] = if self.is_sse { b"\n\n" } else { b"\n" };
        loop {
            if let Some(at) = self.waiting.windows(end.len()).position(|window| window == end) {
                let block: Vec<u8> = self.waiting.drain(..at + end.len()).collect();
                return Some(String::from_utf8(block).unwrap().trim_end_matches('\n').to_owned());
            }
            // A connection that is broken off ends the stream too.
            let Ok(Some(piece)) = self.response.chunk().await else { return None };
            self.waiting.extend_from_slice(&piece);
        }
    }

    /// Returns the next event; `None` at the end. Signs of life are passed over.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let event = if self.is_sse { sse(&block) } else { line(&block) };
            if event.is_some() {
                return event;
            }
        }
    }

    /// Does what [`Reader::event`] does and does not wait for ever.
    pub(crate) async fn soon(&mut self) -> Event {
        let event = tokio::time::timeout(PATIENCE, self.event()).await.expect("an event comes");
        event.expect("the stream goes on")
    }

    /// Returns the changes up to the word that there are no more.
    pub(crate) async fn up_to_date(&mut self) -> Vec<Event> {
        let mut changes = Vec::new();
        loop {
            let event = self.soon().await;
            match event.name.as_str() {
                "change" => changes.push(event),
                "up-to-date" => return changes,
                other => panic!("{other} among changes: {event:?}"),
            }
        }
    }
}

fn sse(block: &str) -> Option<Event> {
    let (mut name, mut id, mut data) = (None, None, None);
    for line in block.lines() {
        match line.split_once(": ") {
            Some(("event", value)) => name = Some(value.to_owned()),
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("data", value)) => assert!(data.replace(value.to_owned()).is_none(), "{block}"),
            Some(("" | "retry", _)) => {}
            _ => panic!("{line:?} is no line of an event"),
        }
    }
    Some(Event { name: name.unwrap_or_else(|| "change".to_owned()), id, data: data? })
}

fn line(block: &str) -> Option<Event> {
    let object: Value = serde_json::from_str(block).unwrap();
    let name = object["event"].as_str().unwrap().to_owned();
    let id = object["id"].as_str().map(str::to_owned);
    (name != "heartbeat").then(|| Event { name, id, data: object["data"].to_string() })
}
