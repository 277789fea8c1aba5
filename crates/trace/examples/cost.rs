//! What a trace costs an update: the four steps inside the service, with nothing stored in between.
//!
//! `cargo run --release -p writethru-trace --features export --example cost`; with
//! `OTEL_EXPORTER_OTLP_ENDPOINT` the spans are sent there. It refuses to say more than a mean.
#![expect(clippy::print_stdout, reason = "it is for people")]

use std::time::Instant;

use writethru_trace::{Kind, Span, TraceContext, advance, begun, done};

const UPDATES: u32 = 100_000;

fn update(number: u32, given: Option<TraceContext>) {
    let key = ([7; 16], u64::from(number));
    let request = Span::request(|| "POST /v1/stories".to_owned(), given);
    let _ = Span::child("decide", Kind::Internal, request.context());
    if let Some(append) = Span::child("append", Kind::Internal, request.context())
        && let Some(context) = append.context()
    {
        begun(key, context);
    }
    let _ = advance("project", Kind::Internal, key);
    let _ = advance("publish", Kind::Producer, key);
    done(key);
}

fn measure(what: &str, given: Option<TraceContext>) {
    let began = Instant::now();
    for number in 0..UPDATES {
        update(number, given);
    }
    println!("{what}: {:?} an update", began.elapsed() / UPDATES);
}

fn main() {
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().ok();
    measure("no exporter, no trace given", None);
    measure("no exporter, a trace goes along", given);
    #[cfg(feature = "export")]
    {
        let exporter = writethru_trace::export("0").expect("the environment names a collector");
        if exporter.is_some() {
            measure("an exporter, five spans", given);
        }
    }
}
