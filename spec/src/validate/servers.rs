//! Servers and their variables.

use std::collections::BTreeSet;

use super::addresses::values_in_enum;
use super::{Context, template};
use crate::diagnostic::{Diagnostic, Findings};
use crate::document::Server;
use crate::near::nearest;
use crate::rules;

pub(super) fn check(context: &Context<'_>, found: &mut Findings) {
    for server in &context.document.server_arena {
        check_variables(context, server, found);
        for (name, variable) in &server.variables {
            values_in_enum(
                context,
                &format!("server variable `{name}`"),
                &variable.location,
                &variable.enum_values,
                variable.default.as_deref(),
                &variable.examples,
                found,
            );
        }
    }
}

fn check_variables(context: &Context<'_>, server: &Server, found: &mut Findings) {
    let mut used = BTreeSet::new();
    // A 2.x `url` may hold its protocol in a variable as well.
    for text in [Some(&server.host), server.pathname.as_ref(), Some(&server.protocol)].into_iter().flatten() {
        let Some(names) = template::names(text) else { return };
        used.extend(names);
    }
    let declared = || server.variables.keys().map(String::as_str);
    for &name in used.iter().filter(|name| !server.variables.contains_key(**name)) {
        let message = format!("server `{}` uses the variable `{name}`, which is not declared", server.key);
        let help = match nearest(name, declared().filter(|name| !used.contains(name))) {
            Some(near) => format!("`{near}` is declared and not used: give both one name"),
            None => format!("declare `{name}` under `variables` of the server"),
        };
        let uses = |field: &&str| {
            let text = context.places.text(&server.location, field).unwrap_or_default();
            text.contains(&format!("{{{name}}}"))
        };
        let field = ["url", "host", "pathname"].into_iter().find(uses);
        let at = context.places.value(&server.location, field.as_slice());
        found.push(Diagnostic::new(rules::UNDEFINED_SERVER_VARIABLE, message, &at).help(help));
    }
    for name in declared().filter(|name| !used.contains(name)) {
        // The protocol of a 2.x `url` is not kept where `protocol` says it too.
        if context.places.text(&server.location, "url").is_some_and(|url| url.contains(&format!("{{{name}}}"))) {
            continue;
        }
        let message = format!("the variable `{name}` does not occur in the host or path of server `{}`", server.key);
        let help = match nearest(name, used.iter().copied().filter(|name| !server.variables.contains_key(*name))) {
            Some(near) => format!("the server uses `{{{near}}}`: give both one name"),
            None => format!("write `{{{name}}}` where it belongs, or remove the variable"),
        };
        let at = context.places.key(&server.location, &["variables", name]);
        found.push(Diagnostic::new(rules::UNUSED_SERVER_VARIABLE, message, &at).help(help));
    }
}
