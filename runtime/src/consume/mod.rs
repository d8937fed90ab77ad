//! Consuming: one pipeline for every transport.

mod handler;

pub use handler::{Context, Disposition, Handler, HandlerError, HandlerResult};
