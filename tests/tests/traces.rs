//! The trace of whoever pushes goes out with the change, by HTTP and by NATS, and is recorded nowhere.

use std::path::Path;

use async_nats::{Client, ConnectOptions, HeaderMap, HeaderValue, Subscriber};
use futures::StreamExt;
use serde_json::{Value, json};
use writethru_tests::{PATIENCE, Service};

const HEADER: &str = "traceparent";
const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Returns the trace that the next change came with.
async fn trace_of_next(changes: &mut Subscriber) -> Option<String> {
    let next = tokio::time::timeout(PATIENCE, changes.next()).await.expect("a change comes");
    let headers = next.expect("the subscription lasts").headers.expect("changes have headers");
    headers.get(HEADER).map(ToString::to_string)
}

fn copy(number: u32) -> Value {
    json!({"headline": "Mine opens", "blocks": [{"text": format!("Shaft {number} opens.")}]})
}

/// Connects as the service's own editor.
async fn editor(service: &Service) -> Client {
    let seed = std::fs::read_to_string(service.data.join("nats-editor.nkey")).expect("the service makes it");
    let options = ConnectOptions::new().nkey(seed.trim().to_owned()).custom_inbox_prefix("_INBOX_editor");
    options.connect(&service.nats).await.expect("NATS listens")
}

#[tokio::test]
async fn the_trace_of_a_push_goes_out_with_its_change() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let service = Service::start(&folder.path().join("data"));
    let http = reqwest::Client::new();
    let public = async_nats::connect(&service.nats).await.expect("NATS listens");
    let mut changes = public.subscribe("wt.v1.change.>").await.expect("the public may");
    public.flush().await.expect("NATS listens");

    let push = async |number, header: Option<&str>| {
        let address = format!("{}/v1/stories?slug=mine&desk=world", service.http);
        let mut request = http.post(address).bearer_auth(service.owner_key()).json(&copy(number));
        if let Some(header) = header {
            request = request.header(HEADER, header);
        }
        let answer = request.send().await.expect("the service answers");
        assert!(answer.status().is_success(), "{}", answer.status());
    };
    push(1, Some(GIVEN)).await;
    assert_eq!(trace_of_next(&mut changes).await.as_deref(), Some(GIVEN));
    // Of the next push nobody said anything; of the one after it something that is no trace.
    push(2, None).await;
    assert_eq!(trace_of_next(&mut changes).await, None);
    push(3, Some("00-00000000000000000000000000000000-00f067aa0ba902b7-01")).await;
    assert_eq!(trace_of_next(&mut changes).await, None);

    let (editor, mut headers) = (editor(&service).await, HeaderMap::new());
    headers.insert(HEADER, GIVEN);
    headers.insert("Authorization", format!("Bearer {}", service.owner_key()).as_str());
    let request = json!({"query": {"story": "mine"}, "body": copy(4)}).to_string();
    let answer = editor.request_with_headers("wt.v1.desk.push", headers, request.into()).await;
    let answer = answer.expect("an answer");
    assert_eq!(
        answer.headers.as_ref().and_then(|given| given.get("Nats-Service-Error")),
        None::<&HeaderValue>
    );
    assert_eq!(trace_of_next(&mut changes).await.as_deref(), Some(GIVEN));
    let data = service.data.clone();
    service.stop();
    // Everything but NATS' own storage, where the header of the message is.
    for file in std::fs::read_dir(&data).expect("the data dir") {
        let path = file.expect("the data dir").path();
        if path.is_file() {
            assert!(!holds(&path, &GIVEN.as_bytes()[3..35]), "{} holds the trace", path.display());
        }
    }
}

fn holds(path: &Path, wanted: &[u8]) -> bool {
    let bytes = std::fs::read(path).expect("a file of the data dir");
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
