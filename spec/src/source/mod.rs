//! Files and what is written in them: text in, a tree of spanned [`Node`]s out.
//!
//! A [`Span`] is two byte offsets in a file; [`Sources`] keeps the texts and turns a span into line and
//! column when somebody wants to read it. A [`Pointer`] is the JSON Pointer (RFC 6901) of a node in its file.

mod decimal;
mod location;
mod node;
mod pointer;
mod read;

pub use location::{FileId, LineColumn, Location, SourceFile, Sources, Span};
pub use node::{Key, Node, Number, Object, Value};
pub use pointer::Pointer;
pub(crate) use pointer::percent_decode;
pub(crate) use read::read;
