//! Contract-first events: one AsyncAPI document becomes typed events, publishers and handlers, carried over plain
//! HTTP with only a database behind it.
//!
//! The way of an event: business code → [`Publisher`] → one append-only [`log`] → feed readers pull it, webhook
//! dispatchers push it → the [`consume`] pipeline → the generated handler trait.

mod address;
#[doc(hidden)]
pub mod codegen;
pub mod consume;
mod event;
pub mod feed;
#[cfg(feature = "client")]
mod http_client;
pub mod log;
#[cfg(feature = "server")]
mod problem;
mod publish;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "client", feature = "server"))]
pub mod webhook;

/// Any JSON value: what a schema that says nothing becomes.
pub use serde_json::Value as Json;
/// Times in generated types and in [`Metadata`] are of this crate.
pub use chrono;
/// `format: uuid`
pub use uuid::Uuid;

/// `format: date-time`: an instant with the offset that it was written with.
pub type DateTime = chrono::DateTime<chrono::FixedOffset>;

/// `format: date`
pub type Date = chrono::NaiveDate;

/// Generates the module from an AsyncAPI document.
#[cfg(feature = "macros")]
pub use event_api_macros::event_api;

/// Includes the code that `event_api_codegen::configure()` generated in `build.rs`, by its name.
///
/// ```ignore
/// pub mod user_service {
///     event_api::include_api!("user_service");
/// }
/// ```
#[macro_export]
macro_rules! include_api {
    ($name:literal) => {
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/", $name, ".rs"));
    };
}

pub use codegen::Invalid;
pub use consume::{Context, Handler, HandlerError, HandlerResult};
pub use event::{
    Channel, DecodeError, Envelope, Event, EventId, EventSet, Headers, Metadata, Position, RawEvent, Request,
    Transport, UnknownEvent,
};
pub use publish::{PublishError, Publisher, Receipt, Within};
