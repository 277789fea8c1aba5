//! Every limit, on both sides of it.

use reqwest::Method;
use writethru_gateway::limits::{COPY_BYTES_MAX, DRAIN_BYTES_MAX, HISTORY_MAX, QUERY_BYTES_MAX, STORIES_MAX};

use crate::service::Service;

/// Copy JSON of exactly `bytes` bytes: JSON may hold any white space.
fn copy_of(bytes: usize) -> Vec<u8> {
    let mut copy = br#"{"headline":"Long","blocks":[{"text":"Word."}]}"#.to_vec();
    copy.resize(bytes, b' ');
    copy
}

#[tokio::test]
async fn copy_up_to_the_limit_is_taken_and_a_byte_more_is_refused_by_name() {
    let service = Service::start().await;
    let json = [("content-type", "application/json")];
    let address = "/v1/stories?slug=long&desk=world";
    let most = service.send(Method::POST, address, &json, copy_of(COPY_BYTES_MAX)).await;
    assert_eq!(most.status, 201);
    for bytes in [COPY_BYTES_MAX + 1, 3 * COPY_BYTES_MAX] {
        let answer = service.send(Method::POST, address, &json, copy_of(bytes)).await;
        assert_eq!(answer.status, 413);
        let problem = answer.problem("too-large");
        assert_eq!((&problem["limit"], &problem["actual"]), (&COPY_BYTES_MAX.into(), &bytes.into()));
    }
    service.stop().await;
}

#[tokio::test]
async fn copy_that_says_it_is_enormous_is_refused_before_it_is_read() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let service = Service::start().await;
    let address = service.base.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/stories?slug=a&desk=b HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        DRAIN_BYTES_MAX + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("/problems/too-large"), "{answer}");
    service.stop().await;
}

#[tokio::test]
async fn pages_and_queries_have_a_most() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", "Talks\n\nWords.").await;
    for (address, most) in
        [("/v1/stories", STORIES_MAX), ("/v1/stories/talks/history", HISTORY_MAX), ("/v1/changes", 500)]
    {
        assert_eq!(service.get(&format!("{address}?limit={most}")).await.status, 200);
        for limit in [0, most + 1] {
            let answer = service.get(&format!("{address}?limit={limit}")).await;
            assert_eq!(answer.problem("bad-request")["place"], "query parameter limit", "{address} {limit}");
        }
    }
    let note = "n".repeat(QUERY_BYTES_MAX);
    let answer = service.post(&format!("/v1/stories/talks?note={note}"), &[], "Talks\n\nMore.").await;
    assert_eq!(answer.problem("too-large")["limit"], QUERY_BYTES_MAX);
    service.stop().await;
}

#[tokio::test]
async fn an_article_over_its_own_limit_is_refused_by_name() {
    let service = Service::start().await;
    let block = format!("{}.\n\n", "word ".repeat(50_000));
    let copy = format!("Long\n\n{}", block.repeat(20));
    let answer = service.post("/v1/stories?slug=long&desk=world", &[], &copy).await;
    let problem = answer.problem("bad-copy");
    assert!(problem["detail"].as_str().unwrap().contains("the limit is 4194304"), "{problem}");
    service.stop().await;
}
