//! Servers and their variables.

use indexmap::IndexMap;

use super::{Bindings, Extensions, ExternalDocs, SecurityRequirement, Tag};
use crate::source::Location;

/// The Server Object. A 2.x `url` is split into host, path and, where it has one, protocol.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where it is written.
    pub location: Location,
    /// The key in `servers`.
    pub key: String,
    /// `host`, with variables in braces
    pub host: String,
    /// `pathname`
    pub pathname: Option<String>,
    /// `protocol`
    pub protocol: String,
    /// `protocolVersion`
    pub protocol_version: Option<String>,
    /// `title`
    pub title: Option<String>,
    /// `summary`
    pub summary: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `variables`
    pub variables: IndexMap<String, ServerVariable>,
    /// `security`: any one of them suffices.
    pub security: Vec<SecurityRequirement>,
    /// `tags`
    pub tags: Vec<Tag>,
    /// `externalDocs`
    pub external_docs: Option<ExternalDocs>,
    /// `bindings`
    pub bindings: Bindings,
    /// `x-…`
    pub extensions: Extensions,
}

/// The Server Variable Object.
#[derive(Clone, Debug)]
pub struct ServerVariable {
    /// Where it is written.
    pub location: Location,
    /// `enum`
    pub enum_values: Vec<String>,
    /// `default`
    pub default: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `examples`
    pub examples: Vec<String>,
    /// `x-…`
    pub extensions: Extensions,
}
