//! Servers: where programs connect, and how.

use super::compare::Versions;
use super::fact::{Fact, Site};
use super::policy::sunset;
use super::{pairing, rules, security};
use crate::document::{Server, ServerVariable};

/// Compares all servers.
pub(super) fn compare(versions: &mut Versions<'_, '_>) {
    let (old, new) = (versions.old, versions.new);
    let pairs = pairing::servers(old, new);
    let subject = |server: &Server| format!("server `{}`", server.key);
    for id in pairs.removed {
        let server = &old[id];
        let site = versions.root.part(subject(server), Some(&server.location), None).with(&server.extensions);
        let message = format!("the server at `{}` is gone: those who connect to it find nobody", address(server));
        let fact = Fact::new(rules::SERVER_REMOVED, message)
            .old(&server.location, "")
            .help("keep it until nobody uses it; `x-sunset` with a date announces its end")
            .sunset(sunset(&server.extensions));
        versions.facts.add(&site, fact);
    }
    for (before, after) in pairs.both {
        versions.servers.insert(before, after);
        let (old, new) = (&old[before], &new[after]);
        let site = versions.root.part(subject(new), Some(&old.location), Some(&new.location)).with(&old.extensions);
        pair(versions, &site, old, new);
    }
    for id in pairs.added {
        let server = &new[id];
        let site = versions.root.part(subject(server), None, Some(&server.location));
        let message = format!("the server at `{}` is new", address(server));
        versions.facts.add(&site, Fact::new(rules::SERVER_ADDED, message).new_at(&server.location, ""));
    }
}

fn path(server: &Server) -> &str {
    server.pathname.as_deref().unwrap_or_default().trim_matches('/')
}

fn address(server: &Server) -> String {
    match path(server) {
        "" => server.host.clone(),
        path => format!("{}/{path}", server.host),
    }
}

fn pair(versions: &mut Versions<'_, '_>, site: &Site, old: &Server, new: &Server) {
    let places = (&old.location, &new.location);
    if old.key != new.key {
        let message = format!("the server's key is `{}` now, and was `{}`", new.key, old.key);
        let fact = Fact::new(rules::SERVER_RENAMED, message).old(places.0, "").new_at(places.1, "");
        versions.facts.add(site, fact.help("nothing changes on the wire"));
    }
    let mut broken = |rule, what: &str, was: &str, is: &str, help: &str| {
        if was != is {
            let message =
                format!("{what} is `{is}` now, and was `{was}`: programs that know the old one do not connect");
            let fact = Fact::new(rule, message).old(places.0, was).new_at(places.1, is).help(help).key(what);
            versions.facts.add(site, fact);
        }
    };
    let keep = "add a server with the new one, and keep this until everybody has moved";
    broken(rules::SERVER_ADDRESS_CHANGED, "the address", &address(old), &address(new), keep);
    broken(rules::SERVER_PROTOCOL_CHANGED, "the protocol", &old.protocol, &new.protocol, keep);
    let version = |server: &Server| server.protocol_version.clone().unwrap_or_else(|| "any".to_owned());
    broken(rules::SERVER_PROTOCOL_CHANGED, "the protocol's version", &version(old), &version(new), keep);
    for (name, before) in &old.variables {
        // A variable that is no longer in the address is a change of the address.
        if let Some(after) = new.variables.get(name) {
            variable(versions, site, name, before, after);
        } else if address(new).contains(&format!("{{{name}}}")) {
            let message = format!("the variable `{name}` is no longer described");
            let fact = Fact::new(rules::SERVER_VARIABLE_WIDENED, message).old(&before.location, "");
            versions.facts.add(site, fact.new_at(&new.location, "").key(name));
        }
    }
    security::compare(versions, site, &old.security, &new.security, places);
    versions.bindings(site, "server", &old.bindings, &new.bindings, places);
    versions.words(
        site,
        (&old.title, &old.summary, &old.description),
        (&new.title, &new.summary, &new.description),
        places,
    );
    versions.sunset(site, &old.extensions, &new.extensions, places);
}

fn variable(versions: &mut Versions<'_, '_>, site: &Site, name: &str, old: &ServerVariable, new: &ServerVariable) {
    let without = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter().filter(|value| !others.contains(value)).map(|value| format!("`{value}`")).collect()
    };
    let (removed, added) = match (old.enum_values.as_slice(), new.enum_values.as_slice()) {
        ([], []) => (Vec::new(), Vec::new()),
        ([], _) => (vec!["anything else than is listed".to_owned()], Vec::new()),
        (_, []) => (Vec::new(), vec!["anything".to_owned()]),
        (before, after) => (without(before, after), without(after, before)),
    };
    let fact = |rule, message: String, key: &str| {
        Fact::new(rule, message).old(&old.location, "").new_at(&new.location, "").key(key)
    };
    if !removed.is_empty() {
        let message = format!("the variable `{name}` may no longer be {}", removed.join(", "));
        let help = "keep the values that are in use";
        versions.facts.add(site, fact(rules::SERVER_VARIABLE_CHANGED, message, "values").help(help));
    }
    if old.default != new.default {
        let written =
            |value: &Option<String>| value.as_ref().map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
        let message = format!(
            "the default of the variable `{name}` is {} now, and was {}: programs that rely on it connect elsewhere",
            written(&new.default),
            written(&old.default)
        );
        versions.facts.add(site, fact(rules::SERVER_VARIABLE_CHANGED, message, "default").help("keep the default"));
    }
    if !added.is_empty() {
        let message = format!("the variable `{name}` may now be {}", added.join(", "));
        versions.facts.add(site, fact(rules::SERVER_VARIABLE_WIDENED, message, "values"));
    }
}
