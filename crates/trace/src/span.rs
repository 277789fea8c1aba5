//! A step of a trace: recorded with the feature `otel`, and without it only the context that goes on.

use std::fmt;

use crate::TraceContext;

/// What a step is to those beside it (`OpenTelemetry`, span kinds).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It answers a request.
    Server,
    /// It happens inside.
    Internal,
    /// It sends what others take later.
    Producer,
    /// It takes what was sent.
    Consumer,
}

/// A step of a trace, from when it is made until it is dropped.
pub struct Span {
    parent: Option<TraceContext>,
    #[cfg(feature = "otel")]
    span: opentelemetry::global::BoxedSpan,
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Span").field("context", &self.context()).finish_non_exhaustive()
    }
}

impl Span {
    /// Begins to answer a request that came with the context `parent`; with `otel`, one that came without
    /// begins a trace. The name is made only if it is used.
    pub fn request(name: impl FnOnce() -> String, parent: Option<TraceContext>) -> Self {
        #[cfg(feature = "otel")]
        return Self { parent, span: spans::begin(name(), Kind::Server, parent) };
        #[cfg(not(feature = "otel"))]
        {
            drop(name);
            Self { parent }
        }
    }

    /// Begins a step after `parent`; `None` where there is no trace.
    pub fn child(name: &'static str, kind: Kind, parent: Option<TraceContext>) -> Option<Self> {
        let parent = Some(parent?);
        #[cfg(feature = "otel")]
        return Some(Self { parent, span: spans::begin(name, kind, parent) });
        #[cfg(not(feature = "otel"))]
        {
            let _ = (name, kind);
            Some(Self { parent })
        }
    }

    /// Returns what comes after this step is a part of. Where no spans are made, that is what this one is a
    /// part of.
    pub fn context(&self) -> Option<TraceContext> {
        #[cfg(feature = "otel")]
        return spans::context(&self.span).or(self.parent);
        #[cfg(not(feature = "otel"))]
        self.parent
    }

    /// Says something of the step: an id, a number; never words of a story.
    pub fn say(&mut self, name: &'static str, value: impl fmt::Display) {
        #[cfg(feature = "otel")]
        spans::say(&mut self.span, name, &value);
        #[cfg(not(feature = "otel"))]
        let _ = (name, value);
    }

    /// Says that the step has failed.
    pub fn fail(&mut self) {
        #[cfg(feature = "otel")]
        spans::fail(&mut self.span);
    }
}

#[cfg(feature = "otel")]
mod spans {
    use std::borrow::Cow;
    use std::fmt::Display;

    use opentelemetry::global::{self, BoxedSpan};
    use opentelemetry::trace::{
        Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
        Tracer,
    };
    use opentelemetry::{Context, KeyValue};

    use super::Kind;
    use crate::TraceContext;

    /// Who makes the spans.
    const SCOPE: &str = "writethru";

    pub(super) fn begin(
        name: impl Into<Cow<'static, str>>,
        kind: Kind,
        parent: Option<TraceContext>,
    ) -> BoxedSpan {
        let tracer = global::tracer(SCOPE);
        let builder = tracer.span_builder(name).with_kind(match kind {
            Kind::Server => SpanKind::Server,
            Kind::Internal => SpanKind::Internal,
            Kind::Producer => SpanKind::Producer,
            Kind::Consumer => SpanKind::Consumer,
        });
        let mut context = Context::new();
        if let Some((trace, span, flags)) = parent.map(|parent| parent.parts()) {
            let (trace, span) = (TraceId::from_bytes(trace), SpanId::from_bytes(span));
            let flags = TraceFlags::new(flags);
            let remote = SpanContext::new(trace, span, flags, true, TraceState::default());
            context = context.with_remote_span_context(remote);
        }
        tracer.build_with_context(builder, &context)
    }

    pub(super) fn context(span: &BoxedSpan) -> Option<TraceContext> {
        let of = span.span_context();
        TraceContext::new(of.trace_id().to_bytes(), of.span_id().to_bytes(), of.trace_flags().to_u8())
    }

    pub(super) fn say(span: &mut BoxedSpan, name: &'static str, value: &dyn Display) {
        if span.is_recording() {
            span.set_attribute(KeyValue::new(name, value.to_string()));
        }
    }

    pub(super) fn fail(span: &mut BoxedSpan) {
        span.set_status(Status::error(""));
    }
}
