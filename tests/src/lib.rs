//! What the suites share: finding the collections of real documents, comparing types with their schemas, compiling
//! generated modules, and measuring.

pub mod compile;
pub mod contract;
pub mod corpus;
pub mod measure;
