//! Typed Rust from an AsyncAPI document.
//!
//! The pipeline is `Document → ir::Api → tokens → prettyplease`. The three entrances (the `#[event_api]` attribute,
//! [`configure`] for `build.rs`, and the command line) are thin and share [`Generator`], so they cannot differ.
//!
//! A crate that generates in its build script:
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), event_api_codegen::BuildError> {
//!     event_api_codegen::configure()
//!         .derive("*", "Eq")
//!         .replace("UserId", "crate::UserId")
//!         .compile_as("user_service", "spec/asyncapi.yaml")
//! }
//! ```
//!
//! has the generated items where it includes them:
//!
//! ```ignore
//! // src/lib.rs, with the crate `event-api`
//! pub mod user_service {
//!     event_api::include_api!("user_service");
//! }
//! ```

mod build;
pub mod compat;
mod emit;
mod fetch;
mod generator;
mod ir;
mod layout;
mod lower;
mod print;
mod report;
pub mod rules;
mod settings;

/// A file that was read; see [`Generated::sources`].
pub use event_api_spec::SourceFile;
/// The name of some that a wrong one is most likely a slip of: what the entrances suggest.
pub use event_api_spec::nearest;

pub use build::{BuildError, Builder, configure};
pub use generator::{DocumentErrors, GenerateError, Generated, Generator};
pub use settings::{Side, UnknownEvents, UnusedOption};
