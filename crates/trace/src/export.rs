//! Spans on their way out, by OTLP over HTTP (protobuf), as the environment of `OpenTelemetry` says.

use opentelemetry::global;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;

/// Why no spans can be sent.
#[derive(Debug, thiserror::Error)]
pub enum ExporterError {
    /// The environment asks for a protocol that is not built in.
    #[error("{name} asks for another protocol than http/protobuf: give the collector's address for that one")]
    Protocol {
        /// Where it does.
        name: &'static str,
    },
    /// The environment names an address that cannot be used.
    #[error("cannot send traces to what OTEL_EXPORTER_OTLP_ENDPOINT says: an http address is expected")]
    Build(#[source] ExporterBuildError),
}

/// Sends spans while it is there. Dropped, it sends what waits, for a bounded time.
#[derive(Debug)]
pub struct Exporter {
    provider: SdkTracerProvider,
}

/// Starts to send the spans of this process as `version` of the service, if the environment names a
/// collector: `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, unless
/// `OTEL_SDK_DISABLED` is `true` or `OTEL_TRACES_EXPORTER` is `none`. The other variables of OTLP, of the
/// sampler, of the batches and of the resource are heeded as `OpenTelemetry` says. Spans wait in a queue of
/// 2,048 and are dropped beyond that: nothing waits for a collector.
///
/// # Errors
/// [`ExporterError`]; then no spans are made, and everything else goes on.
pub fn export(version: &'static str) -> Result<Option<Exporter>, ExporterError> {
    let said = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let is = |name: &str, value: &str| said(name).is_some_and(|said| said.eq_ignore_ascii_case(value));
    let named = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
    if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
        return Ok(None);
    }
    if named.into_iter().all(|name| said(name).is_none()) {
        return Ok(None);
    }
    for name in ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] {
        if said(name).is_some() && !is(name, "http/protobuf") {
            return Err(ExporterError::Protocol { name });
        }
    }
    let exporter = SpanExporter::builder().with_http().build();
    let exporter = exporter.map_err(ExporterError::Build)?;
    let mut resource = Resource::builder();
    if said("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("writethru");
    }
    let resource = resource.with_attribute(opentelemetry::KeyValue::new("service.version", version)).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    global::set_tracer_provider(provider.clone());
    Ok(Some(Exporter { provider }))
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // What could not be sent is lost: the SDK has said so.
        let _ = self.provider.shutdown();
    }
}
