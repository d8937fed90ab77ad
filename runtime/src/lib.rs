//! Contract-first events: one AsyncAPI document becomes typed events, publishers and handlers, carried over plain
//! HTTP with only a database behind it.
//!
//! The way of an event: business code → [`Publisher`] → one append-only [`log`] → feed readers pull it, webhook
//! dispatchers push it → the [`consume`] pipeline → the generated handler trait.

mod address;
pub mod avro;
#[doc(hidden)]
pub mod codegen;
pub mod consume;
mod event;
pub mod feed;
mod generate;
#[cfg(feature = "client")]
mod http_client;
pub mod log;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "server")]
mod problem;
mod publish;
#[cfg(feature = "client")]
mod roots;
#[cfg(feature = "sqlite")]
mod sqlite;
pub mod telemetry;
mod upcast;
#[cfg(any(feature = "client", feature = "server"))]
pub mod webhook;

/// Times in generated types and in [`Metadata`] are of this crate.
pub use chrono;
/// Any JSON value: what a schema that says nothing becomes.
pub use serde_json::Value as Json;
/// `format: uuid`
pub use uuid::Uuid;

/// `format: date-time`: an instant with the offset that it was written with.
pub type DateTime = chrono::DateTime<chrono::FixedOffset>;

/// `format: date`
pub type Date = chrono::NaiveDate;

pub use codegen::Invalid;
pub use consume::{Context, Handler, HandlerError, HandlerResult, Handling};
pub use event::{
    Channel, DecodeError, Envelope, Event, EventId, EventSet, Headers, Metadata, Position, RawEvent, Request,
    Transport, UnknownEvent,
};
#[cfg(feature = "macros")]
pub use generate::event_api;
pub use publish::{PublishError, PublishResult, Publisher, Publishing, Receipt, Within};
#[cfg(feature = "client")]
pub use roots::CertificateError;
pub use upcast::{Upcast, UpcastError};
