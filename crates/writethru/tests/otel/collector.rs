//! A collector of traces: takes what is exported by OTLP over HTTP, and reads of the protobuf what the tests
//! look at (`opentelemetry/proto/trace/v1/trace.proto`).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How long what must come may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is looked at of a span. Ids are in hexadecimal; a parent that there is not is empty.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) name: String,
}

/// A collector, listening.
pub(crate) struct Collector {
    /// Its address, for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub(crate) address: String,
    spans: Receiver<Span>,
}

impl Collector {
    /// Starts one on any free port.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, spans) = sync_channel(4_096);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let sender = sender.clone();
                std::thread::spawn(move || take(connection, &sender));
            }
        });
        Self { address, spans }
    }

    /// Returns one that does not listen.
    pub(crate) fn gone() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        Self { address, spans: sync_channel(1).1 }
    }

    /// Returns every span that has come since the last call, once they are `enough`.
    #[track_caller]
    pub(crate) fn until(&self, enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let deadline = Instant::now() + PATIENCE;
        let mut spans = Vec::new();
        while !enough(&spans) {
            let left = deadline.saturating_duration_since(Instant::now());
            spans.push(self.spans.recv_timeout(left).unwrap_or_else(|_| panic!("only {spans:?} came")));
        }
        spans
    }
}

/// Answers every request on a connection, until it ends.
fn take(connection: TcpStream, sender: &SyncSender<Span>) -> Option<()> {
    let mut writer = connection.try_clone().ok()?;
    let mut reader = BufReader::new(connection);
    loop {
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        writer
            .write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
            )
            .ok()?;
        spans(&body).into_iter().try_for_each(|span| sender.send(span).ok())?;
    }
}

/// Returns the spans of an `ExportTraceServiceRequest`.
fn spans(request: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_resource in fields(request, 1) {
        let resource = fields(of_resource, 1);
        let attributes = resource.iter().flat_map(|resource| fields(resource, 1));
        let service =
            attributes.filter(|attribute| text(attribute, 1) == "service.name").flat_map(|attribute| {
                fields(attribute, 2).into_iter().map(|value| text(value, 1)).collect::<Vec<_>>()
            });
        let service: String = service.collect();
        let of_scopes = fields(of_resource, 2);
        for span in of_scopes.iter().flat_map(|of_scope| fields(of_scope, 2)) {
            let (trace, id, parent) = (hex(span, 1), hex(span, 2), hex(span, 4));
            spans.push(Span { service: service.clone(), trace, id, parent, name: text(span, 5) });
        }
    }
    spans
}

fn text(message: &[u8], number: u64) -> String {
    fields(message, number).iter().map(|bytes| String::from_utf8_lossy(bytes)).collect()
}

fn hex(message: &[u8], number: u64) -> String {
    fields(message, number).concat().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the fields of a message that have this number and a length, in order (protobuf's wire format).
fn fields(mut message: &[u8], number: u64) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let length = match tag & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)).unwrap(),
            5 => 4,
            other => panic!("no wire type: {other}"),
        };
        let (field, rest) = message.split_at(length);
        message = rest;
        if tag >> 3 == number && tag & 7 == 2 {
            found.push(field);
        }
    }
    found
}

fn varint(message: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first().expect("a whole number");
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}
