//! Typed Rust from an AsyncAPI document.
//!
//! The pipeline is `Document → ir::Api → tokens → prettyplease`. The three entrances (the `#[event_api]` attribute,
//! [`configure`] for `build.rs`, and the command line) are thin and share [`Generator`], so they cannot differ.

mod emit;
mod generator;
mod ir;
mod lower;
pub mod rules;
mod settings;

pub use generator::{DocumentErrors, GenerateError, Generated, Generator};
pub use settings::{Side, UnknownEvents};
