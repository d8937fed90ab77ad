//! Typed Rust from an AsyncAPI document.
//!
//! The pipeline is `Document → ir::Api → tokens → prettyplease`. The three entrances (the `#[event_api]` attribute,
//! [`configure`] for `build.rs`, and the command line) are thin and share [`Generator`], so they cannot differ.

mod build;
mod emit;
mod fetch;
mod generator;
mod ir;
mod lower;
mod report;
pub mod rules;
mod settings;

/// The name of some that a wrong one is most likely a slip of: what the entrances suggest.
pub use event_api_spec::nearest;

pub use build::{BuildError, Builder, configure};
pub use generator::{DocumentErrors, GenerateError, Generated, Generator};
pub use settings::{Side, UnknownEvents};
