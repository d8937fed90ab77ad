//! What the suites share: finding the collections of real documents, comparing types with their schemas, and compiling
//! generated modules.

pub mod compile;
pub mod contract;
pub mod corpus;
