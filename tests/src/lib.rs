//! What the suites share: finding the collections of real documents, and compiling generated modules.

pub mod compile;
pub mod corpus;
