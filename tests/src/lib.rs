//! What the suites share: finding the collections of real documents and schemas, comparing types with their schemas,
//! compiling generated modules, asking them for verdicts, and measuring.

pub mod batch;
pub mod by_hand;
mod cargo;
pub mod child;
pub mod compile;
pub mod contract;
pub mod corpus;
pub mod get;
pub mod measure;
pub mod oracle;
pub mod random;
pub mod round_trip;
pub mod schema;
pub mod schema_suite;
pub mod scratch;
pub mod trial;
