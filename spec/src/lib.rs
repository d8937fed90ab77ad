//! An AsyncAPI document as a value: read, resolved, upgraded to one model, validated and located.
//!
//! Text goes in ([`Loader`]), a [`Loaded`] comes out: the [`Document`] in the AsyncAPI 3 model whatever
//! version was written, every [`Diagnostic`] found on the way, and the [`Sources`] that turn a
//! [`Location`] into file, line and column. This crate knows nothing of Rust code.

pub mod avro;
pub mod compat;
mod diagnostic;
pub mod document;
mod loader;
mod near;
mod resolve;
pub mod rules;
pub mod schema;
mod source;
mod v2;
mod validate;
mod version;

pub use diagnostic::{Diagnostic, Label, Rule, Severity};
pub use document::Document;
pub use loader::{Loaded, LoadedSchema, Loader};
pub use near::nearest;
pub use resolve::{Disk, Fetch, Files};
pub use rules::ALL_RULES;
pub use source::{FileId, Key, LineColumn, Location, Node, Number, Object, Pointer, SourceFile, Sources, Span, Value};
pub use version::semantic_version;
