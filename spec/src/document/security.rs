//! Security schemes.

use indexmap::IndexMap;

use super::Extensions;
use crate::source::Location;

/// One way to authenticate: all of its schemes at once. Without any, nobody has to authenticate (2.x: `{}`).
#[derive(Clone, Debug)]
pub struct SecurityRequirement {
    /// The schemes: one in 3.x, any number of them in 2.x.
    pub schemes: Vec<RequiredScheme>,
}

/// A scheme that a way to authenticate needs, and the scopes it must grant.
#[derive(Clone, Debug)]
pub struct RequiredScheme {
    /// The key in `components/securitySchemes`, when the scheme stands there.
    pub name: Option<String>,
    /// The scheme; `None` when the requirement names one that does not exist (which was reported).
    pub scheme: Option<SecurityScheme>,
    /// The scopes: of the requirement in 2.x, of the scheme in 3.x.
    pub scopes: Vec<String>,
}

/// The Security Scheme Object.
#[derive(Clone, Debug)]
pub struct SecurityScheme {
    /// Where it is written.
    pub location: Location,
    /// `description`
    pub description: Option<String>,
    /// `type` and what belongs to it.
    pub kind: SecuritySchemeKind,
    /// `x-…`
    pub extensions: Extensions,
}

/// `type` of a security scheme and the fields that belong to it.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "a document has a handful of them, and a box would be in every reader's way"
)]
pub enum SecuritySchemeKind {
    /// `userPassword`
    UserPassword,
    /// `apiKey`: in the `user` or `password` of the connection.
    ApiKey {
        /// `in`
        location: String,
    },
    /// `X509`
    X509,
    /// `symmetricEncryption`
    SymmetricEncryption,
    /// `asymmetricEncryption`
    AsymmetricEncryption,
    /// `httpApiKey`
    HttpApiKey {
        /// `name` of the header, query parameter or cookie
        name: String,
        /// `in`: `header`, `query` or `cookie`
        location: String,
    },
    /// `http`
    Http {
        /// `scheme`: `basic`, `bearer`, …
        scheme: String,
        /// `bearerFormat`
        bearer_format: Option<String>,
    },
    /// `oauth2`
    OAuth2 {
        /// `flows`
        flows: OAuthFlows,
        /// `scopes` (3.x)
        scopes: Vec<String>,
    },
    /// `openIdConnect`
    OpenIdConnect {
        /// `openIdConnectUrl`
        url: String,
        /// `scopes` (3.x)
        scopes: Vec<String>,
    },
    /// `plain`
    Plain,
    /// `scramSha256`
    ScramSha256,
    /// `scramSha512`
    ScramSha512,
    /// `gssapi`
    Gssapi,
    /// A type that the specification does not know (which was reported).
    Other(String),
}

/// The OAuth Flows Object.
#[derive(Clone, Debug, Default)]
pub struct OAuthFlows {
    /// `implicit`
    pub implicit: Option<OAuthFlow>,
    /// `password`
    pub password: Option<OAuthFlow>,
    /// `clientCredentials`
    pub client_credentials: Option<OAuthFlow>,
    /// `authorizationCode`
    pub authorization_code: Option<OAuthFlow>,
}

/// The OAuth Flow Object.
#[derive(Clone, Debug, Default)]
pub struct OAuthFlow {
    /// `authorizationUrl`
    pub authorization_url: Option<String>,
    /// `tokenUrl`
    pub token_url: Option<String>,
    /// `refreshUrl`
    pub refresh_url: Option<String>,
    /// `availableScopes` (3.x), `scopes` (2.x): name → description
    pub available_scopes: IndexMap<String, String>,
    /// `x-…`
    pub extensions: Extensions,
}
