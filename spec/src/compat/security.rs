//! Security: whether whoever could authenticate still can.
//!
//! Requirements are alternatives, any one of which suffices; the schemes of one are needed together; none at all means that
//! nobody has to authenticate.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::compare::Versions;
use super::fact::{Fact, Site};
use super::rules;
use crate::document::{OAuthFlow, RequiredScheme, SecurityRequirement, SecuritySchemeKind};
use crate::source::Location;

/// One way to authenticate: what programs must have for it, all of it at once, with the scopes of each.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way(BTreeMap<String, BTreeSet<String>>);

impl Way {
    fn new(requirement: &SecurityRequirement) -> Self {
        Way(requirement.schemes.iter().map(needed).collect())
    }

    /// The scopes that whoever could authenticate by `old` lacks for this; `None` when more than scopes is lacking.
    fn lacking<'w>(&'w self, old: &'w Way) -> Option<Vec<(&'w str, &'w str)>> {
        let mut lacking = Vec::new();
        for (means, scopes) in &self.0 {
            let had = old.0.get(means)?;
            lacking.extend(scopes.difference(had).map(|scope| (means.as_str(), scope.as_str())));
        }
        Some(lacking)
    }

    /// Whether everybody who could authenticate by `old` can by this.
    fn admits(&self, old: &Way) -> bool {
        self.lacking(old).is_some_and(|lacking| lacking.is_empty())
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<&str> = self.0.keys().map(String::as_str).collect();
        f.write_str(&all.join(" together with "))
    }
}

/// No requirement at all is one that needs nothing.
fn ways(requirements: &[SecurityRequirement]) -> Vec<Way> {
    match requirements {
        [] => vec![Way(BTreeMap::new())],
        _ => requirements.iter().map(Way::new).collect(),
    }
}

fn needed(required: &RequiredScheme) -> (String, BTreeSet<String>) {
    let mut scopes: BTreeSet<String> = required.scopes.iter().cloned().collect();
    let means = match &required.scheme {
        Some(scheme) => {
            if let SecuritySchemeKind::OAuth2 { scopes: more, .. }
            | SecuritySchemeKind::OpenIdConnect { scopes: more, .. } = &scheme.kind
            {
                scopes.extend(more.iter().cloned());
            }
            means(&scheme.kind)
        }
        None => required.name.clone().unwrap_or_default(),
    };
    (means, scopes)
}

/// Whether everybody who could authenticate for the old can for the new.
pub(super) fn admits_all(old: &[SecurityRequirement], new: &[SecurityRequirement]) -> bool {
    let after = ways(new);
    ways(old).iter().all(|way| after.iter().any(|other| other.admits(way)))
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
    for way in before.iter().filter(|way| !after.iter().any(|other| other.admits(way))) {
        // The one that demands least beyond what was demanded.
        let nearest = after.iter().filter_map(|other| other.lacking(way)).min_by_key(Vec::len);
        if let Some(lacking) = nearest {
            let mut by_means: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for (means, scope) in lacking {
                by_means.entry(means).or_default().push(format!("`{scope}`"));
            }
            for (means, scopes) in by_means {
                let message =
                    format!("{means} needs the scope {} as well: tokens of old programs lack it", scopes.join(", "));
                let fact = Fact::new(rules::SECURITY_SCOPE_ADDED, message).key(means);
                facts.push(fact.help("grant the scope to everybody first"));
            }
            continue;
        }
        let said = if way.0.is_empty() {
            let all: Vec<String> = after.iter().map(Way::to_string).collect();
            let was = if old.is_empty() { "nothing was" } else { "nothing had to be" };
            format!("{} is required now, and {was}", all.join(" or "))
        } else if let Some(other) = after.iter().find(|other| way.admits(other)) {
            let more: Vec<&str> =
                other.0.keys().filter(|means| !way.0.contains_key(*means)).map(String::as_str).collect();
            format!("{way} no longer suffices without {}", more.join(" and "))
        } else {
            format!("{way} no longer suffices")
        };
        let message = format!("{said}: programs of the old version are refused");
        facts.push(Fact::new(rules::SECURITY_REQUIRED, message).key(way.to_string()).help(help));
    }
    // What is demanded of those who had to bring nothing is no relief.
    let is_free = |way: &Way| way.0.is_empty();
    for way in after.iter().filter(|way| !before.iter().any(|other| is_free(other) || other.admits(way))) {
        let same = before.iter().find(|other| other.0.keys().eq(way.0.keys()));
        let message = match same {
            _ if is_free(way) => "nobody has to authenticate any more".to_owned(),
            Some(_) => format!("{way} needs fewer scopes"),
            None => format!("{way} suffices as well"),
        };
        facts.push(Fact::new(rules::SECURITY_RELAXED, message).key(way.to_string()));
    }
    let formats = |requirements: &[SecurityRequirement]| -> BTreeSet<(String, Option<String>)> {
        let schemes = requirements.iter().flat_map(|requirement| &requirement.schemes);
        let kinds = schemes.filter_map(|required| Some(&required.scheme.as_ref()?.kind));
        kinds
            .filter_map(|kind| match kind {
                SecuritySchemeKind::Http { bearer_format, .. } => Some((means(kind), bearer_format.clone())),
                _ => None,
            })
            .collect()
    };
    // A hint for people: whoever checks a token decides.
    if facts.is_empty() && formats(old) != formats(new) {
        facts.push(Fact::new(rules::DOCUMENTATION_CHANGED, "the format of bearer tokens is described otherwise"));
    }
    for fact in facts {
        versions.facts.add(site, fact.old(places.0, "").new_at(places.1, ""));
    }
}
