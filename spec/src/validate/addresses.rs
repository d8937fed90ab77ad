//! Channel addresses and their parameters.

use super::{Context, listed, template};
use crate::diagnostic::{Diagnostic, Findings};
use crate::document::{Channel, Parameter};
use crate::near::nearest;
use crate::rules;
use crate::source::Location;

pub(super) fn check(context: &Context<'_>, found: &mut Findings) {
    for channel in &context.document.channel_arena {
        if let Some(address) = &channel.address {
            check_parameters(context, channel, address, found);
            check_query(context, channel, address, found);
        }
        for (name, parameter) in &channel.parameters {
            check_values(context, name, parameter, found);
        }
    }
}

fn check_parameters(context: &Context<'_>, channel: &Channel, address: &str, found: &mut Findings) {
    let Some(used) = template::names(address) else { return };
    let declared = || channel.parameters.keys().map(String::as_str);
    for &name in used.iter().filter(|name| !channel.parameters.contains_key(**name)) {
        let message =
            format!("the address of channel `{}` uses the parameter `{name}`, which is not declared", channel.key);
        let unused = declared().filter(|name| !used.contains(name));
        let help = match nearest(name, unused) {
            Some(near) => format!("`{near}` is declared and not used: give both one name"),
            None => format!("declare `{name}` under `parameters` of the channel"),
        };
        let at = address_location(context, channel);
        found.push(Diagnostic::new(rules::UNDEFINED_PARAMETER, message, &at).help(help));
    }
    for name in declared().filter(|name| !used.contains(name)) {
        let message = format!("the parameter `{name}` does not occur in the address `{address}`");
        let help = match nearest(name, used.iter().copied().filter(|name| !channel.parameters.contains_key(*name))) {
            Some(near) => format!("the address uses `{{{near}}}`: give both one name"),
            None => format!("write `{{{name}}}` in the address, or remove the parameter"),
        };
        let at = context.places.key(&channel.location, &["parameters", name]);
        found.push(Diagnostic::new(rules::UNUSED_PARAMETER, message, &at).help(help));
    }
}

fn check_query(context: &Context<'_>, channel: &Channel, address: &str, found: &mut Findings) {
    // A protocol's own wildcards stand alone (`#`) or between slashes; a fragment follows a name.
    let query = address.contains('?');
    let fragment = address
        .split_once('#')
        .is_some_and(|(path, behind)| !behind.is_empty() && !path.is_empty() && !path.ends_with(['/', '.']));
    if query || fragment {
        let part = if query { "query" } else { "fragment" };
        let message = format!("the address `{address}` of channel `{}` has a {part}", channel.key);
        let help = "describe query parameters in the `ws` or `http` binding; an address is a path or topic only";
        let at = address_location(context, channel);
        found.push(Diagnostic::new(rules::ADDRESS_WITH_QUERY, message, &at).help(help));
    }
}

fn check_values(context: &Context<'_>, name: &str, parameter: &Parameter, found: &mut Findings) {
    let owner = format!("parameter `{name}`");
    values_in_enum(
        context,
        &owner,
        &parameter.location,
        &parameter.enum_values,
        parameter.default.as_deref(),
        &parameter.examples,
        found,
    );
}

/// Defaults and examples of something whose values are enumerated.
pub(super) fn values_in_enum(
    context: &Context<'_>,
    owner: &str,
    location: &Location,
    allowed: &[String],
    default: Option<&str>,
    examples: &[String],
    found: &mut Findings,
) {
    if allowed.is_empty() {
        return;
    }
    let mut refuse = |what: &str, value: &str, at: &Location| {
        let message = format!("the {what} `{value}` of {owner} is not one of its values");
        let help = match nearest(value, allowed.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of {}, or add it to `enum`", listed(allowed.iter().map(String::as_str))),
        };
        found.push(Diagnostic::new(rules::VALUE_NOT_IN_ENUM, message, at).help(help));
    };
    if let Some(default) = default.filter(|value| !allowed.iter().any(|allowed| allowed == value)) {
        refuse("default", default, &context.places.value(location, &["default"]));
    }
    for (index, example) in examples.iter().enumerate().filter(|(_, value)| !allowed.contains(value)) {
        refuse("example", example, &context.places.value(location, &["examples", &index.to_string()]));
    }
}

/// Where a channel's address is written: in 2.x, its key.
fn address_location(context: &Context<'_>, channel: &Channel) -> Location {
    if context.places.has(&channel.location, "address") {
        context.places.value(&channel.location, &["address"])
    } else {
        context.places.key(&channel.location, &[])
    }
}
