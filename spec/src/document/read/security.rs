//! Security requirements and schemes.

use indexmap::IndexMap;

use super::{Fields, Reader, members};
use crate::diagnostic::Diagnostic;
use crate::document::{OAuthFlow, OAuthFlows, SecurityRequirement, SecurityScheme, SecuritySchemeKind};
use crate::near::nearest;
use crate::resolve::At;
use crate::rules;

impl<'a> Reader<'a> {
    /// The member `security`: names with scopes in 2.x, schemes in 3.x.
    pub(crate) fn security(&mut self, fields: &mut Fields<'a>) -> Vec<SecurityRequirement> {
        let listed = fields.list("security", &mut self.found).unwrap_or_default();
        let mut requirements = Vec::new();
        for at in listed {
            let is_scheme = at.reference().is_some() || at.node.get("type").is_some();
            if is_scheme {
                requirements.extend(self.requirement(at));
            } else {
                self.requirement_by_name(&at, &mut requirements);
            }
        }
        requirements
    }

    fn requirement(&mut self, at: At<'a>) -> Option<SecurityRequirement> {
        let at = self.dereference(at, "securitySchemes")?;
        let name = at.component().map(|(_, name)| name);
        let scheme = self.security_scheme(at);
        let scopes = match scheme.as_ref().map(|scheme| &scheme.kind) {
            Some(SecuritySchemeKind::OAuth2 { scopes, .. } | SecuritySchemeKind::OpenIdConnect { scopes, .. }) => {
                scopes.clone()
            }
            _ => Vec::new(),
        };
        Some(SecurityRequirement { name, scheme, scopes })
    }

    /// `- oauth: [read, write]`
    fn requirement_by_name(&mut self, at: &At<'a>, requirements: &mut Vec<SecurityRequirement>) {
        if self.version.is_v3() {
            let message = "a security requirement of 3.x must be a Security Scheme Object or a reference to one";
            let help = "write `$ref: '#/components/securitySchemes/…'`; names with scopes are 2.x";
            self.found.push(Diagnostic::new(rules::WRONG_TYPE, message, &at.location()).help(help));
        }
        let schemes = self.root.get("components").and_then(|components| components.get("securitySchemes"));
        for (name, scopes) in members(at) {
            let scheme = match schemes.as_ref().and_then(|schemes| schemes.get(&name)) {
                Some(scheme) if !self.may_copy(&scheme, &scopes.location()) => None,
                Some(scheme) => self.security_scheme(scheme),
                None => {
                    let message = format!("there is no security scheme `{name}`");
                    let mut diagnostic = Diagnostic::new(rules::UNDEFINED_SECURITY_SCHEME, message, &scopes.location());
                    let names = schemes.as_ref().and_then(|schemes| schemes.node.as_object());
                    let names = names.into_iter().flat_map(|object| object.iter().map(|(key, _)| key.name.as_str()));
                    diagnostic = match nearest(&name, names) {
                        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                        None => diagnostic.help(format!("define it in `components/securitySchemes/{name}`")),
                    };
                    self.found.push(diagnostic);
                    None
                }
            };
            let scopes = scopes.node.as_array().unwrap_or_default();
            let scopes = scopes.iter().filter_map(super::text).collect();
            requirements.push(SecurityRequirement { name: Some(name), scheme, scopes });
        }
    }

    pub(super) fn security_scheme(&mut self, at: At<'a>) -> Option<SecurityScheme> {
        let at = self.dereference(at, "securitySchemes")?;
        let mut fields = Fields::of(&at, "Security Scheme Object", &mut self.found)?;
        let kind_at = fields.value("type", &mut self.found);
        let description = fields.string("description", &mut self.found);
        let name = kind_at.as_ref().and_then(|at| super::text(at.node)).unwrap_or_default();
        let kind = match name.as_str() {
            "userPassword" => SecuritySchemeKind::UserPassword,
            "apiKey" => SecuritySchemeKind::ApiKey {
                location: fields.required_string("in", &mut self.found).unwrap_or_default(),
            },
            "X509" => SecuritySchemeKind::X509,
            "symmetricEncryption" => SecuritySchemeKind::SymmetricEncryption,
            "asymmetricEncryption" => SecuritySchemeKind::AsymmetricEncryption,
            "httpApiKey" => SecuritySchemeKind::HttpApiKey {
                name: fields.required_string("name", &mut self.found).unwrap_or_default(),
                location: fields.required_string("in", &mut self.found).unwrap_or_default(),
            },
            "http" => SecuritySchemeKind::Http {
                scheme: fields.required_string("scheme", &mut self.found).unwrap_or_default(),
                bearer_format: fields.string("bearerFormat", &mut self.found),
            },
            "oauth2" => SecuritySchemeKind::OAuth2 {
                flows: fields.required("flows", &mut self.found).map(|at| self.flows(&at)).unwrap_or_default(),
                scopes: fields.strings("scopes", &mut self.found),
            },
            "openIdConnect" => SecuritySchemeKind::OpenIdConnect {
                url: fields.required_string("openIdConnectUrl", &mut self.found).unwrap_or_default(),
                scopes: fields.strings("scopes", &mut self.found),
            },
            "plain" => SecuritySchemeKind::Plain,
            "scramSha256" => SecuritySchemeKind::ScramSha256,
            "scramSha512" => SecuritySchemeKind::ScramSha512,
            "gssapi" => SecuritySchemeKind::Gssapi,
            other => {
                match &kind_at {
                    Some(at) => {
                        let message = format!("`{other}` is no type of a Security Scheme Object");
                        let mut diagnostic = Diagnostic::new(rules::UNKNOWN_VALUE, message, &at.location());
                        if let Some(near) = nearest(other, KINDS.iter().copied()) {
                            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
                        }
                        self.found.push(diagnostic);
                    }
                    None => fields.missing("type", &mut self.found),
                }
                SecuritySchemeKind::Other(other.to_owned())
            }
        };
        Some(SecurityScheme { location: at.location(), description, kind, extensions: fields.finish(&mut self.found) })
    }

    fn flows(&mut self, at: &At<'a>) -> OAuthFlows {
        let Some(mut fields) = Fields::of_detail(at, "OAuth Flows Object", &mut self.found) else {
            return OAuthFlows::default();
        };
        let flows = OAuthFlows {
            implicit: self.flow(&mut fields, "implicit"),
            password: self.flow(&mut fields, "password"),
            client_credentials: self.flow(&mut fields, "clientCredentials"),
            authorization_code: self.flow(&mut fields, "authorizationCode"),
        };
        fields.finish(&mut self.found);
        flows
    }

    fn flow(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<OAuthFlow> {
        let at = fields.value(name, &mut self.found)?;
        let mut fields = Fields::of_detail(&at, "OAuth Flow Object", &mut self.found)?;
        let scopes = if fields.has("scopes") && !fields.has("availableScopes") { "scopes" } else { "availableScopes" };
        let scopes = fields.map(scopes, &mut self.found);
        let available_scopes: IndexMap<_, _> =
            scopes.into_iter().map(|(name, at)| (name, super::text(at.node).unwrap_or_default())).collect();
        Some(OAuthFlow {
            authorization_url: fields.string("authorizationUrl", &mut self.found),
            token_url: fields.string("tokenUrl", &mut self.found),
            refresh_url: fields.string("refreshUrl", &mut self.found),
            available_scopes,
            extensions: fields.finish(&mut self.found),
        })
    }
}

const KINDS: &[&str] = &[
    "userPassword",
    "apiKey",
    "X509",
    "symmetricEncryption",
    "asymmetricEncryption",
    "httpApiKey",
    "http",
    "oauth2",
    "openIdConnect",
    "plain",
    "scramSha256",
    "scramSha512",
    "gssapi",
];
