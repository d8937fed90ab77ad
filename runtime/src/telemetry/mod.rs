//! What the library tells about its work, for those who run it: spans, the trace context that events carry, and metrics.
//!
//! Spans are [`tracing`]'s, with the attributes of OpenTelemetry's semantic conventions for messaging; they cost next to
//! nothing where nobody listens. With the feature `opentelemetry`, publishing writes the W3C trace context of its span
//! into the event, and handling goes on in it, whichever transport lies between. With the feature `metrics`, the numbers
//! of [`metric`] go to whatever recorder of the `metrics` crate the service has installed.

pub mod metric;
#[cfg(feature = "metrics")]
pub(crate) mod record;
#[cfg(not(feature = "metrics"))]
#[path = "record_nothing.rs"]
pub(crate) mod record;
mod span;
#[cfg(feature = "opentelemetry")]
mod trace_context;
#[cfg(not(feature = "opentelemetry"))]
#[path = "no_trace_context.rs"]
mod trace_context;

#[cfg(feature = "client")]
pub(crate) use span::delivering;
pub(crate) use span::{Sending, fail, processing};
