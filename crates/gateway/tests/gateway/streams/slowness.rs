//! Readers that do not read: they slow nobody, lose nothing, and get no word that was taken back.

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use writethru_gateway::limits::{DRAIN_TIME_MAX, STREAM_SEND_BUFFER_BYTES, STREAM_WINDOW_BYTES_MAX};

use super::client::{PATIENCE, Reader};
use crate::service::Service;

/// Bytes of a large change.
const LARGE_BYTES: usize = 240_000;

/// A connection that has asked for a stream and reads nothing by itself. Over HTTP/1.0: the body is what
/// comes up to the end.
async fn silent(service: &Service, address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream =
        socket.connect(service.base.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap();
    stream.write_all(format!("GET {address} HTTP/1.0\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    stream
}

/// Files a story that is more than the system keeps for somebody who does not read.
async fn file_large(service: &Service, slug: &str) {
    let text = "word ".repeat(LARGE_BYTES / 5);
    let copy = format!("Large\n\n{text}\n\nThe last words of {slug}.");
    service.file(&format!("/v1/stories?slug={slug}&desk=world"), &copy).await;
}

/// Reads from `stream` until `needle` has come, or its end; returns everything.
async fn read_until(stream: &mut TcpStream, needle: &str) -> String {
    let (mut read, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    let all = async {
        loop {
            let known = read.len();
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(count) => read.extend_from_slice(&piece[..count]),
            }
            let new = &read[known.saturating_sub(needle.len())..];
            if new.windows(needle.len()).any(|window| window == needle.as_bytes()) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("it comes");
    String::from_utf8_lossy(&read).into_owned()
}

fn slugs(read: &str) -> Vec<String> {
    let changes = read.lines().filter_map(|line| line.strip_prefix("data: "));
    let slugs = changes.map(|data| serde_json::from_str::<serde_json::Value>(data).unwrap());
    slugs.filter_map(|event| event["data"]["slug"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_reader_that_stands_still_slows_no_other_and_loses_and_repeats_nothing() {
    let service = Service::start().await;
    let mut still = silent(&service, "/v1/events?since=earliest").await;
    let mut other = Reader::open(&service, "/v1/events?since=earliest").await;
    assert_eq!(other.up_to_date().await, []);
    // More than is kept for the living: who stands still must read the views.
    let count = STREAM_WINDOW_BYTES_MAX / LARGE_BYTES + 8;
    let mut expected = Vec::new();
    for number in 0..count {
        let slug = format!("large-{number}");
        file_large(&service, &slug).await;
        assert_eq!(other.soon().await.json()["data"]["slug"], slug.as_str());
        expected.push(slug);
    }
    service.file("/v1/stories?slug=last&desk=world", "Last\n\nWords.").await;
    expected.push("last".to_owned());
    let read = read_until(&mut still, "\"slug\":\"last\"").await;
    let read = read + &read_until(&mut still, "\n\n").await;
    assert_eq!(slugs(&read), expected);
    // It is among the living again.
    service.file("/v1/stories?slug=live&desk=world", "Live\n\nWords.").await;
    assert!(read_until(&mut still, "\"slug\":\"live\"").await.contains("\"slug\":\"live\""));
    let metrics = service.get("/metrics").await;
    let dropped =
        metrics.text().lines().find_map(|line| line.strip_prefix("writethru_stream_dropped_total "));
    assert!(dropped.unwrap().parse::<u64>().unwrap() >= 1, "{dropped:?}");
    service.stop().await;
}

#[tokio::test]
async fn a_reader_that_stood_still_during_a_kill_gets_no_word_of_what_was_killed() {
    let service = Service::start().await;
    for address in ["/v1/events?since=earliest", "/v1/events?since=earliest&unit=utf16"] {
        let mut still = silent(&service, address).await;
        // It takes what the system keeps for it: part of the first change.
        for number in 0..4 {
            file_large(&service, &format!("large-{number}")).await;
        }
        service.file("/v1/stories?slug=quake&desk=world", "Poison canary\n\nFour dead.").await;
        let json = [("content-type", "application/json")];
        for slug in ["quake", "large-0"] {
            let address = format!("/v1/stories/{slug}/acts/kill");
            let killed = service.send(Method::POST, &address, &json, "{\"reason\":\"r\"}").await;
            assert!(killed.status.is_success(), "{killed:?}");
        }
        service.views.reached(service.log.head()).await;
        let read = read_until(&mut still, "nothing that ever comes").await;
        for words in ["canary", "The last words of large-0"] {
            assert!(!read.contains(words), "{words}: what was taken back has left");
        }
        // What was half handed over is broken off: its reader comes again and has the truth.
        assert!(read.len() < 4 * LARGE_BYTES, "{} bytes", read.len());
        let mut again = Reader::open(&service, address).await;
        let told = again.up_to_date().await;
        assert!(told.iter().all(|event| !event.data.contains("canary")));
        assert_eq!(told.last().unwrap().json()["data"]["status"], "killed");
        for slug in ["quake", "large-0"] {
            let address = format!("/v1/stories/{slug}/acts/restore");
            let restored = service.send(Method::POST, &address, &json, "{\"reason\":\"r\"}").await;
            assert!(restored.status.is_success(), "{restored:?}");
        }
        service.views.reached(service.log.head()).await;
    }
    service.stop().await;
}

#[tokio::test]
async fn a_reader_that_takes_nothing_for_long_is_broken_off_and_holds_up_no_shutdown() {
    let service = Service::start().await;
    let mut first = silent(&service, "/v1/events?since=earliest").await;
    for number in 0..=4 * STREAM_SEND_BUFFER_BYTES / LARGE_BYTES {
        file_large(&service, &format!("large-{number}")).await;
    }
    let mut other = Reader::open(&service, "/v1/events?since=earliest").await;
    let known = other.up_to_date().await.len();
    tokio::time::pause();
    // Nothing happens but time: it is broken off before the other hears that its stream lives thrice.
    for _ in 0..3 {
        assert_eq!(other.block().await.as_deref(), Some(": "));
    }
    tokio::time::resume();
    let read = read_until(&mut first, "nothing that ever comes").await;
    assert!(slugs_of_whole(&read) < known, "it was not broken off");
    let metrics = service.get("/metrics").await;
    let stuck = metrics.text().lines().find_map(|line| line.strip_prefix("writethru_stream_stuck_total "));
    assert!(stuck.unwrap().parse::<u64>().unwrap() >= 1, "{stuck:?}");
    service.stop().await;
}

#[tokio::test]
async fn a_reader_that_takes_nothing_holds_up_no_shutdown() {
    let mut service = Service::start().await;
    for number in 0..4 {
        file_large(&service, &format!("large-{number}")).await;
    }
    let mut still = silent(&service, "/v1/events?since=earliest").await;
    let mut first = [0; 1];
    still.read_exact(&mut first).await.unwrap();
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    service.shutdown.cancel();
    let serving = std::mem::replace(&mut service.serving, tokio::spawn(async { Ok(()) }));
    serving.await.unwrap().unwrap();
    assert!(began.elapsed() < DRAIN_TIME_MAX, "{:?}", began.elapsed());
    tokio::time::resume();
    service.stop().await;
}

/// Returns how many changes came whole.
fn slugs_of_whole(read: &str) -> usize {
    read.split("\n\n").filter(|block| block.contains("data: ") && block.ends_with('}')).count()
}
