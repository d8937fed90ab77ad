//! Security: whether whoever could authenticate still can.
//!
//! Requirements are alternatives, any one of which suffices; none at all means that nobody has to authenticate.

use std::collections::BTreeSet;

use super::compare::Versions;
use super::fact::{Fact, Site};
use super::rules;
use crate::document::{OAuthFlow, SecurityRequirement, SecuritySchemeKind};
use crate::source::Location;

/// One way to authenticate.
struct Way {
    /// What programs must have for it.
    means: String,
    scopes: BTreeSet<String>,
}

fn ways(requirements: &[SecurityRequirement]) -> Vec<Way> {
    let way = |requirement: &SecurityRequirement| {
        let mut scopes: BTreeSet<String> = requirement.scopes.iter().cloned().collect();
        let means = match &requirement.scheme {
            Some(scheme) => {
                if let SecuritySchemeKind::OAuth2 { scopes: more, .. }
                | SecuritySchemeKind::OpenIdConnect { scopes: more, .. } = &scheme.kind
                {
                    scopes.extend(more.iter().cloned());
                }
                means(&scheme.kind)
            }
            None => requirement.name.clone().unwrap_or_default(),
        };
        Way { means, scopes }
    };
    requirements.iter().map(way).collect()
}

fn means(kind: &SecuritySchemeKind) -> String {
    match kind {
        SecuritySchemeKind::UserPassword => "user and password".to_owned(),
        SecuritySchemeKind::ApiKey { location } => format!("an API key in `{location}`"),
        SecuritySchemeKind::X509 => "an X.509 certificate".to_owned(),
        SecuritySchemeKind::SymmetricEncryption => "symmetric encryption".to_owned(),
        SecuritySchemeKind::AsymmetricEncryption => "asymmetric encryption".to_owned(),
        SecuritySchemeKind::HttpApiKey { name, location } => format!("an API key in the {location} `{name}`"),
        SecuritySchemeKind::Http { scheme, .. } => format!("HTTP `{}`", scheme.to_ascii_lowercase()),
        SecuritySchemeKind::OAuth2 { flows, .. } => {
            let flows = [
                ("implicit", &flows.implicit),
                ("password", &flows.password),
                ("client credentials", &flows.client_credentials),
                ("authorization code", &flows.authorization_code),
            ];
            let url = |flow: &OAuthFlow| flow.token_url.clone().or(flow.authorization_url.clone()).unwrap_or_default();
            let flows: Vec<String> = flows
                .into_iter()
                .filter_map(|(name, flow)| Some(format!("{name} at `{}`", url(flow.as_ref()?))))
                .collect();
            format!("OAuth 2.0 ({})", flows.join(", "))
        }
        SecuritySchemeKind::OpenIdConnect { url, .. } => format!("OpenID Connect at `{url}`"),
        SecuritySchemeKind::Plain => "SASL PLAIN".to_owned(),
        SecuritySchemeKind::ScramSha256 => "SCRAM-SHA-256".to_owned(),
        SecuritySchemeKind::ScramSha512 => "SCRAM-SHA-512".to_owned(),
        SecuritySchemeKind::Gssapi => "GSSAPI".to_owned(),
        SecuritySchemeKind::Other(name) => format!("`{name}`"),
    }
}

/// Compares what a server or an operation demands of those who connect.
pub(super) fn compare(
    versions: &mut Versions<'_, '_>,
    site: &Site,
    old: &[SecurityRequirement],
    new: &[SecurityRequirement],
    places: (&Location, &Location),
) {
    let (before, after) = (ways(old), ways(new));
    let mut facts = Vec::new();
    let help = "accept the old way beside the new one until everybody has moved";
    if before.is_empty() && !after.is_empty() {
        let all: Vec<&str> = after.iter().map(|way| way.means.as_str()).collect();
        let message =
            format!("{} is required now, and nothing was: programs of the old version are refused", all.join(" or "));
        facts.push(Fact::new(rules::SECURITY_REQUIRED, message).help(help));
    } else if after.is_empty() && !before.is_empty() {
        facts.push(Fact::new(rules::SECURITY_RELAXED, "nobody has to authenticate any more"));
    } else {
        for way in &before {
            // The one that demands least beyond what was demanded.
            let same = after.iter().filter(|other| other.means == way.means);
            let Some(other) = same.min_by_key(|other| other.scopes.difference(&way.scopes).count()) else {
                let message = format!("{} no longer suffices: programs of the old version are refused", way.means);
                facts.push(Fact::new(rules::SECURITY_REQUIRED, message).key(&way.means).help(help));
                continue;
            };
            let scopes: Vec<String> = other.scopes.difference(&way.scopes).map(|scope| format!("`{scope}`")).collect();
            if !scopes.is_empty() {
                let message = format!(
                    "{} needs the scope {} as well: tokens of old programs lack it",
                    way.means,
                    scopes.join(", ")
                );
                facts.push(
                    Fact::new(rules::SECURITY_SCOPE_ADDED, message)
                        .key(&way.means)
                        .help("grant the scope to everybody first"),
                );
            } else if other.scopes.len() < way.scopes.len() {
                let message = format!("{} needs fewer scopes", way.means);
                facts.push(Fact::new(rules::SECURITY_RELAXED, message).key(&way.means));
            }
        }
        for way in after.iter().filter(|way| !before.iter().any(|other| other.means == way.means)) {
            let message = format!("{} suffices as well", way.means);
            facts.push(Fact::new(rules::SECURITY_RELAXED, message).key(&way.means));
        }
    }
    for fact in facts {
        versions.facts.add(site, fact.old(places.0, "").new_at(places.1, ""));
    }
}
