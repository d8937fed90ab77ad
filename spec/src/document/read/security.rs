//! Security requirements and schemes.

use indexmap::IndexMap;

use super::format::Format;
use super::{Fields, Reader, members};
use crate::diagnostic::Diagnostic;
use crate::document::{OAuthFlow, OAuthFlows, RequiredScheme, SecurityRequirement, SecurityScheme, SecuritySchemeKind};
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
                requirements.extend(self.requirement_by_names(&at));
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
        Some(SecurityRequirement { schemes: vec![RequiredScheme { name, scheme, scopes }] })
    }

    /// `- oauth: [read, write]`: all schemes of one object are needed together, and `{}` needs none.
    fn requirement_by_names(&mut self, at: &At<'a>) -> Option<SecurityRequirement> {
        if self.version.is_v3() {
            let message = "a security requirement of 3.x must be a Security Scheme Object or a reference to one";
            let help = "write `$ref: '#/components/securitySchemes/…'`; names with scopes are 2.x";
            self.found.push(Diagnostic::new(rules::WRONG_TYPE, message, &at.location()).help(help));
        }
        if at.node.as_object().is_none() {
            let message = format!("a Security Requirement Object must be an object, but is {}", at.node.kind());
            let help = "write the name of a scheme and its scopes: `- name: []`";
            self.found.push(Diagnostic::new(rules::WRONG_TYPE, message, &at.location()).help(help));
            return None;
        }
        let mut required = Vec::new();
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
            self.check_scopes(&name, &scopes, scheme.as_ref());
            let scopes = scopes.node.as_array().unwrap_or_default();
            let scopes = scopes.iter().filter_map(super::text).collect();
            required.push(RequiredScheme { name: Some(name), scheme, scopes });
        }
        Some(SecurityRequirement { schemes: required })
    }

    /// "If the security scheme is of type `oauth2` or `openIdConnect`, then the value is a list of scope names required
    /// for the execution. For other security scheme types, the array MUST be empty." (2.6, Security Requirement Object)
    fn check_scopes(&mut self, name: &str, at: &At<'a>, scheme: Option<&SecurityScheme>) {
        use SecuritySchemeKind::{OAuth2, OpenIdConnect, Other};
        let Some(scopes) = at.node.as_array() else {
            let message = format!("the scopes of `{name}` must be an array, but are {}", at.node.kind());
            let help = format!("write a list of scopes, which may be empty: `{name}: []`");
            self.found.push(Diagnostic::new(rules::WRONG_TYPE, message, &at.location()).help(help));
            return;
        };
        let Some(scheme) =
            scheme.filter(|scheme| !matches!(scheme.kind, OAuth2 { .. } | OpenIdConnect { .. } | Other(_)))
        else {
            return;
        };
        if !scopes.is_empty() {
            let message = format!("the security scheme `{name}` has no scopes");
            let diagnostic = Diagnostic::new(rules::UNEXPECTED_SCOPES, message, &at.location())
                .label(&scheme.location, "it is neither `oauth2` nor `openIdConnect`")
                .help(format!("write `{name}: []`"));
            self.found.push(diagnostic);
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
                location: fields.required_choice("in", &["user", "password"], &mut self.found),
            },
            "X509" => SecuritySchemeKind::X509,
            "symmetricEncryption" => SecuritySchemeKind::SymmetricEncryption,
            "asymmetricEncryption" => SecuritySchemeKind::AsymmetricEncryption,
            "httpApiKey" => SecuritySchemeKind::HttpApiKey {
                name: fields.required_string("name", &mut self.found).unwrap_or_default(),
                location: fields.required_choice("in", &["query", "header", "cookie"], &mut self.found),
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
                url: fields.required_formatted("openIdConnectUrl", Format::Url, &mut self.found).unwrap_or_default(),
                scopes: fields.strings("scopes", &mut self.found),
            },
            "plain" => SecuritySchemeKind::Plain,
            "scramSha256" => SecuritySchemeKind::ScramSha256,
            "scramSha512" => SecuritySchemeKind::ScramSha512,
            "gssapi" => SecuritySchemeKind::Gssapi,
            other => {
                match &kind_at {
                    Some(at) => {
                        let written =
                            super::text(at.node).map_or(at.node.kind().to_owned(), |text| format!("`{text}`"));
                        let message = format!("{written} is no type of a Security Scheme Object");
                        let help = match nearest(other, KINDS.iter().copied()) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("write one of {}", KINDS.join(", ")),
                        };
                        self.found.push(Diagnostic::new(rules::UNKNOWN_VALUE, message, &at.location()).help(help));
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
        if !fields.has(scopes) {
            fields.missing(if self.version.is_v3() { "availableScopes" } else { "scopes" }, &mut self.found);
        }
        let scopes = fields.map(scopes, &mut self.found);
        let available_scopes: IndexMap<_, _> =
            scopes.into_iter().map(|(name, at)| (name, super::text(at.node).unwrap_or_default())).collect();
        // The OAuth Flow Object says for each of its fields to which flows it belongs.
        for (url, flows) in [
            ("authorizationUrl", ["implicit", "authorizationCode"].as_slice()),
            ("tokenUrl", &["password", "clientCredentials", "authorizationCode"]),
        ] {
            if flows.contains(&name) && !fields.has(url) {
                fields.missing(url, &mut self.found);
            }
        }
        Some(OAuthFlow {
            authorization_url: fields.formatted("authorizationUrl", Format::Url, &mut self.found),
            token_url: fields.formatted("tokenUrl", Format::Url, &mut self.found),
            refresh_url: fields.formatted("refreshUrl", Format::Url, &mut self.found),
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
