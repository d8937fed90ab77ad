//! The W3C trace context of a span, as an event carries it: `00-{trace id}-{span id}-{flags}` (W3C Trace Context, §3.2).

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The context of `span`, where a subscriber keeps one for it; of the current span, where it wants none of ours.
pub(super) fn of(span: &Span) -> Option<String> {
    let context = if span.is_disabled() { Span::current().context() } else { span.context() };
    let context = context.span().span_context().clone();
    context.is_valid().then(|| {
        let flags = context.trace_flags() & TraceFlags::SAMPLED;
        format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), flags.to_u8())
    })
}

/// Makes `span` a child of the span that is given. What is no trace context is ignored, as the recommendation has it.
pub(super) fn go_on(span: &Span, traceparent: Option<&str>) {
    let Some(parent) = traceparent.and_then(parse) else { return };
    // Fails where no subscriber keeps contexts, or the span is filtered out: then there is nothing to go on in.
    let _ = span.set_parent(Context::new().with_remote_span_context(parent));
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // Later versions may have more parts; version ff is forbidden.
    let known = hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    if !(known && hex(trace, 32) && hex(span, 16) && hex(flags, 2)) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

fn hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::parse;

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_context_is_read() {
        let context = parse(VALID).unwrap();
        assert_eq!(context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.span_id().to_string(), "b7ad6b7169203331");
        assert!(context.is_sampled() && context.is_remote());
        assert!(parse(&format!("cc{}-what-comes-later", &VALID[2..])).is_some());
    }

    #[test]
    fn what_is_no_trace_context_is_none() {
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319ä-b7ad6b7169203331-01",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
