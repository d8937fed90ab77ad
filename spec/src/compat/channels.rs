//! Channels: their addresses, parameters, servers and the messages that they carry.

use std::collections::HashMap;

use super::compare::Versions;
use super::fact::{Fact, Site};
use super::finding::Direction;
use super::pairing::{self, Carried, Pairs, parameters_in, shape_of, wire_names};
use super::policy::{Promise, sunset};
use super::rules;
use super::schemas::Part;
use super::unsaid::{OneSided, Suits, Unsaid};
use crate::document::{Action, Channel, ChannelId, Document, MessageId, Parameter, Payload, ServerId};
use crate::near::nearest;
use crate::source::Location;

/// Who writes on a channel, as far as operations and replies say.
#[derive(Clone, Copy, Debug, Default)]
struct Roles {
    sends: bool,
    receives: bool,
}

impl Roles {
    fn add(&mut self, is_sent: bool) {
        self.sends |= is_sent;
        self.receives |= !is_sent;
    }
}

/// The roles of channels (`None`) and of their messages.
type RolesOf = HashMap<(ChannelId, Option<MessageId>), Roles>;

fn roles(document: &Document) -> RolesOf {
    let mut roles = RolesOf::new();
    let mut add = |channel: Option<ChannelId>, messages: Option<&Vec<MessageId>>, is_sent: bool| {
        let Some(channel) = channel else { return };
        roles.entry((channel, None)).or_default().add(is_sent);
        let all = || document[channel].messages.values().copied().collect();
        for message in messages.cloned().unwrap_or_else(all) {
            roles.entry((channel, Some(message))).or_default().add(is_sent);
        }
    };
    for operation in document.operations.values() {
        let is_sent = operation.action == Action::Send;
        add(operation.channel, operation.messages.as_ref(), is_sent);
        if let Some(reply) = &operation.reply {
            add(reply.channel, reply.messages.as_ref(), !is_sent);
        }
    }
    roles
}

/// Whom it concerns when something of a channel goes: those who read it when the application writes, those who write it
/// when the application reads. A channel without operations is taken as one that the application writes.
fn gone(roles: Roles) -> Direction {
    match (roles.sends, roles.receives) {
        (_, false) => Direction::Forward,
        (false, true) => Direction::Backward,
        (true, true) => Direction::Both,
    }
}

/// Compares all channels; which belong together, and what their messages are paired with.
pub(super) fn compare(versions: &mut Versions<'_, '_>) {
    let (old, new) = (versions.old, versions.new);
    let (old_roles, new_roles) = (roles(old), roles(new));
    let role = |old: Option<ChannelId>, new: Option<ChannelId>| {
        let of = |roles: &RolesOf, id: Option<ChannelId>| {
            id.and_then(|id| roles.get(&(id, None)).copied()).unwrap_or_default()
        };
        let (before, after) = (of(&old_roles, old), of(&new_roles, new));
        Roles { sends: before.sends || after.sends, receives: before.receives || after.receives }
    };
    let pairs = pairing::channels(old, new);
    let id = |document: &Document, index: usize| {
        *document.channels.get_index(index).map(|(_, id)| id).unwrap_or(&ChannelId(0))
    };
    let successors = Successors::new(old, new, &pairs.added);
    for index in &pairs.removed {
        let id = id(old, *index);
        removed(versions, id, &successors, gone(role(Some(id), None)));
    }
    for (before, after) in &pairs.both {
        let (before, after) = (id(old, *before), id(new, *after));
        versions.channels.insert(before, after);
    }
    for (before, after) in &pairs.both {
        let (before, after) = (id(old, *before), id(new, *after));
        let gone = gone(role(Some(before), Some(after)));
        pair(versions, before, after, gone, &old_roles);
    }
    for index in &pairs.added {
        let channel = &new[id(new, *index)];
        let site = versions.root.part(subject(channel), None, Some(&channel.location));
        let message = match &channel.address {
            Some(address) => format!("the channel at `{address}` is new"),
            None => "the channel is new".to_owned(),
        };
        versions.facts.add(&site, Fact::new(rules::CHANNEL_ADDED, message).new_at(&channel.location, ""));
    }
}

fn subject(channel: &Channel) -> String {
    format!("channel `{}`", channel.key)
}

/// New channels of which names are compared with those of removed ones. Where more are new, everything is called otherwise,
/// and all names against all others take long.
const MAX_NAMES: usize = 100;

/// What removed channels may have become.
struct Successors<'d> {
    added: Vec<&'d Channel>,
    /// The new channels of operations that have moved, by the channel where they were.
    moved: HashMap<ChannelId, &'d str>,
}

impl<'d> Successors<'d> {
    fn new(old: &Document, new: &'d Document, added: &[usize]) -> Self {
        let added: Vec<&Channel> =
            added.iter().filter_map(|index| new.channels.get_index(*index)).map(|(_, id)| &new[*id]).collect();
        let keys: HashMap<_, &str> = added.iter().map(|channel| (&channel.location, channel.key.as_str())).collect();
        let mut moved = HashMap::new();
        for operation in old.operations.values() {
            let other = new.operations.get(&operation.key).and_then(|other| other.channel);
            if let (Some(own), Some(other)) = (operation.channel, other)
                && let Some(key) = keys.get(&new[other].location)
            {
                moved.entry(own).or_insert(*key);
            }
        }
        Successors { added, moved }
    }

    /// One that is called almost the same.
    fn near(&self, key: &str) -> Option<&'d str> {
        if self.added.len() > MAX_NAMES {
            return None;
        }
        let is_longer = |a: &str, b: &str| b.len() >= 4 && a.to_lowercase().starts_with(&b.to_lowercase());
        let keys = || self.added.iter().map(|channel| channel.key.as_str());
        nearest(key, keys()).or_else(|| keys().find(|other| is_longer(other, key) || is_longer(key, other)))
    }
}

fn removed(versions: &mut Versions<'_, '_>, id: ChannelId, successors: &Successors<'_>, direction: Direction) {
    let channel = &versions.old[id];
    let mut site = versions.root.part(subject(channel), Some(&channel.location), None).with(&channel.extensions);
    if let Some(promise) = Promise::written(&channel.extensions) {
        site.promise = promise;
    }
    let who = match direction {
        Direction::Forward => "those who read it find nothing",
        Direction::Backward => "those who write to it find nobody",
        Direction::Both => "those who read it find nothing, and those who write to it nobody",
    };
    // An operation that has moved to a new channel says what has become of it.
    let successor = successors.moved.get(&id).copied().or_else(|| successors.near(&channel.key));
    let help = match successor {
        Some(other) => format!("if it has become `{other}`, keep its key or its address until everybody has moved"),
        None => "keep it until nobody uses it; `x-sunset` with a date announces its end".to_owned(),
    };
    let fact = Fact::new(rules::CHANNEL_REMOVED, format!("the channel is gone: {who}"))
        .direction(direction)
        .old(&channel.location, "")
        .help(help)
        .sunset(sunset(&channel.extensions));
    versions.facts.add(&site, fact);
}

/// Two versions of one channel.
fn pair(versions: &mut Versions<'_, '_>, before: ChannelId, after: ChannelId, gone: Direction, roles: &RolesOf) {
    let (old, new) = (&versions.old[before], &versions.new[after]);
    let mut site = versions.root.part(subject(new), Some(&old.location), Some(&new.location)).with(&old.extensions);
    let promises = (Promise::written(&old.extensions), Promise::written(&new.extensions));
    site.promise = versions.promised(&site, promises, (&old.location, &new.location)).unwrap_or(site.promise);
    versions.channel_sites.insert(before, site.clone());
    if old.address != new.address {
        address(versions, &site, old, new);
    }
    let shape = |channel: &Channel| channel.address.as_deref().map(shape_of);
    if old.key != new.key && shape(old) == shape(new) && !versions.is_upgrade() {
        let message = format!("the channel's key is `{}` now, and was `{}`", new.key, old.key);
        let fact = Fact::new(rules::CHANNEL_RENAMED, message).old(&old.location, "").new_at(&new.location, "");
        versions
            .facts
            .add(&site, fact.help("generated types and modules are called after it; nothing changes on the wire"));
    }
    parameters(versions, &site, old, new);
    servers(versions, &site, old, new, gone);
    versions.bindings(&site, "channel", &old.bindings, &new.bindings, (&old.location, &new.location));
    versions.words(
        &site,
        (&old.title, &old.summary, &old.description),
        (&new.title, &new.summary, &new.description),
        (&old.location, &new.location),
    );
    versions.sunset(&site, &old.extensions, &new.extensions, (&old.location, &new.location));
    messages(versions, &site, before, after, roles);
}

fn address(versions: &mut Versions<'_, '_>, site: &Site, old: &Channel, new: &Channel) {
    let shape = |channel: &Channel| channel.address.as_deref().map(shape_of);
    if shape(old) != shape(new) {
        let written = |address: &Option<String>| {
            address.as_ref().map_or_else(|| "unknown until run time".to_owned(), |address| format!("`{address}`"))
        };
        let (before, after) = (written(&old.address), written(&new.address));
        let message = format!("the address is {after} now, and was {before}: programs of the two versions do not meet");
        let fact = Fact::new(rules::CHANNEL_ADDRESS_CHANGED, message)
            .direction(Direction::Both)
            .old(&old.location, before)
            .new_at(&new.location, after)
            .help("add a channel with the new address, and keep the old one until everybody has moved");
        versions.facts.add(site, fact);
        return;
    }
    let names = (
        parameters_in(old.address.as_deref().unwrap_or_default()),
        parameters_in(new.address.as_deref().unwrap_or_default()),
    );
    for (before, after) in names.0.into_iter().zip(names.1).filter(|(before, after)| before != after) {
        let message = format!("the parameter `{after}` was called `{before}`");
        let fact =
            Fact::new(rules::PARAMETER_RENAMED, message).old(&old.location, "").new_at(&new.location, "").key(after);
        versions
            .facts
            .add(site, fact.help("nothing changes on the wire; fields of generated addresses are called after it"));
    }
}

fn parameters(versions: &mut Versions<'_, '_>, site: &Site, old: &Channel, new: &Channel) {
    let shape = |channel: &Channel| channel.address.as_deref().map(shape_of);
    let is_same_address = shape(old) == shape(new);
    let mut renamed: HashMap<&str, &str> = HashMap::new();
    if is_same_address && let (Some(before), Some(after)) = (&old.address, &new.address) {
        renamed.extend(parameters_in(before).into_iter().zip(parameters_in(after)));
    }
    let new_name = |name: &str| renamed.get(name).copied().unwrap_or(name).to_owned();
    for (name, before) in &old.parameters {
        match new.parameters.get(&new_name(name)) {
            Some(after) => parameter(versions, site, name, before, after),
            // What the address says is said of the address.
            None if is_same_address => {
                let fact =
                    Fact::new(rules::PARAMETER_REMOVED, format!("the parameter `{name}` is no longer described"));
                versions.facts.add(site, fact.old(&before.location, "").new_at(&new.location, "").key(name));
                values(versions, site, name, Some(before), None, (&before.location, &new.location));
            }
            None => {}
        }
    }
    for (name, after) in &new.parameters {
        let is_known = old.parameters.keys().any(|before| new_name(before) == *name);
        if !is_known && is_same_address {
            let fact = Fact::new(rules::PARAMETER_ADDED, format!("the parameter `{name}` is described now"));
            versions.facts.add(site, fact.old(&old.location, "").new_at(&after.location, "").key(name));
            values(versions, site, name, None, Some(after), (&old.location, &after.location));
        }
    }
}

/// Which values a parameter may have; a version that does not describe it allows any.
fn values(
    versions: &mut Versions<'_, '_>,
    site: &Site,
    name: &str,
    old: Option<&Parameter>,
    new: Option<&Parameter>,
    places: (&Location, &Location),
) {
    let fact = |rule, message: String| Fact::new(rule, message).old(places.0, "").new_at(places.1, "").key(name);
    let quoted = |values: Vec<&String>| values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    let without =
        |some: &[String], others: &[String]| quoted(some.iter().filter(|value| !others.contains(value)).collect());
    let listed = |parameter: Option<&Parameter>| parameter.map_or_else(Vec::new, |known| known.enum_values.clone());
    let schema = |parameter: Option<&Parameter>| parameter.and_then(|known| known.schema);
    let (before, after) = (listed(old), listed(new));
    let (removed, added) = match (before.as_slice(), after.as_slice()) {
        ([], []) => (String::new(), String::new()),
        ([], _) => ("any others than are listed".to_owned(), String::new()),
        (_, []) => (String::new(), "any".to_owned()),
        (before, after) => (without(before, after), without(after, before)),
    };
    let narrowed = |what: &str| {
        let message = format!("`{name}` may no longer be {what}: the new version refuses addresses of the old one");
        fact(rules::PARAMETER_VALUES_NARROWED, message)
            .direction(Direction::Backward)
            .help("keep the values that are in use")
    };
    let widened = |what: &str| {
        let message = format!("`{name}` may now be {what}: types of the old version do not know it");
        fact(rules::PARAMETER_VALUES_WIDENED, message).direction(Direction::Forward)
    };
    if !removed.is_empty() {
        versions.facts.add(site, narrowed(&removed));
    }
    if !added.is_empty() {
        versions.facts.add(site, widened(&added));
    }
    if let (Some(before), Some(after)) = (schema(old), schema(new)) {
        versions.schemas.compare(&mut versions.facts, site, Part::Parameter, before, after);
        return;
    }
    // What is listed was compared.
    let Some(one) = OneSided::of(schema(old), schema(new)).filter(|_| before.is_empty() && after.is_empty()) else {
        return;
    };
    match (versions.suits(one, Unsaid::Text), one) {
        (Suits::All, _) => {}
        (Suits::NotAll(example), OneSided::New(_)) => {
            let fact = narrowed("what its schema does not accept").counterexamples(example.into_iter().collect());
            versions.facts.add(site, fact);
        }
        (Suits::NotAll(example), OneSided::Gone(_)) => {
            let fact = widened("what its schema did not accept").counterexamples(example.into_iter().collect());
            versions.facts.add(site, fact);
        }
        (Suits::Undecided(reason), _) => {
            let message = format!(
                "only one version has a schema for `{name}`, and it could not be decided whether that is compatible: {reason}"
            );
            let fact = fact(rules::SCHEMA_UNDECIDED, message).direction(one.direction());
            versions
                .facts
                .add(site, fact.help("look at the change, and ignore this finding with a reason if it breaks nobody"));
        }
    }
}

fn parameter(versions: &mut Versions<'_, '_>, site: &Site, name: &str, old: &Parameter, new: &Parameter) {
    let fact = |rule, message: String| Fact::new(rule, message).old(&old.location, "").new_at(&new.location, "");
    values(versions, site, name, Some(old), Some(new), (&old.location, &new.location));
    if old.default != new.default {
        let written =
            |value: &Option<String>| value.as_ref().map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
        let message =
            format!("the default of `{name}` is {} now, and was {}", written(&new.default), written(&old.default));
        versions.facts.add(site, fact(rules::PARAMETER_DEFAULT_CHANGED, message));
    }
    if old.value_location != new.value_location {
        let message = format!("the value of `{name}` stands elsewhere in the message");
        let fact = fact(rules::PARAMETER_LOCATION_CHANGED, message).direction(Direction::Both);
        versions.facts.add(site, fact.help("keep the value where it was, too"));
    }
}

fn servers(versions: &mut Versions<'_, '_>, site: &Site, old: &Channel, new: &Channel, gone: Direction) {
    let all = |document: &Document, channel: &Channel| -> Vec<ServerId> {
        if channel.servers.is_empty() { document.servers.values().copied().collect() } else { channel.servers.clone() }
    };
    // A server that came or went is a fact of its own.
    let (before, after) = (all(versions.old, old), all(versions.new, new));
    let mut facts = Vec::new();
    for id in &before {
        let Some(counterpart) = versions.servers.get(id) else { continue };
        if !after.contains(counterpart) {
            let message = format!("the channel is no longer on the server `{}`", versions.old[*id].key);
            let fact =
                Fact::new(rules::CHANNEL_SERVER_REMOVED, message).direction(gone).key(versions.old[*id].key.clone());
            facts.push(fact.help("keep it there until nobody uses it"));
        }
    }
    for (id, counterpart) in &versions.servers {
        if after.contains(counterpart) && !before.contains(id) {
            let message = format!("the channel is on the server `{}` as well", versions.new[*counterpart].key);
            facts.push(Fact::new(rules::CHANNEL_SERVER_ADDED, message).key(versions.new[*counterpart].key.clone()));
        }
    }
    for fact in facts {
        versions.facts.add(site, fact.old(&old.location, "").new_at(&new.location, ""));
    }
}

fn messages(versions: &mut Versions<'_, '_>, site: &Site, before: ChannelId, after: ChannelId, roles: &RolesOf) {
    let (old, new) = (versions.old, versions.new);
    let (channel, other) = (&old[before], &new[after]);
    let names = (wire_names(versions.old_types, channel), wire_names(versions.new_types, other));
    let pairs = pairing::messages((old, channel, &names.0), (new, other, &names.1));
    let part = |word: &str, key: &str| format!("message `{key}` of {word}");
    let name = |channel: &Channel, names: &[String], (index, _): Carried| {
        let key = channel.messages.get_index(index).map(|(key, _)| key.clone()).unwrap_or_default();
        (names.get(index).cloned().unwrap_or_default(), key)
    };
    for carried in &pairs.removed {
        let message = &old[carried.1];
        let (wire, _) = name(channel, &names.0, *carried);
        let gone = gone(roles.get(&(before, Some(carried.1))).copied().unwrap_or_default());
        let site = site.part(part(&site.subject, &wire), Some(&message.location), None).with(&message.extensions);
        let who = match gone {
            Direction::Forward => "consumers wait for it in vain",
            Direction::Backward => "those who still send it are not understood",
            Direction::Both => "those who wait for it wait in vain, and those who send it are not understood",
        };
        let renamed = same_payload(versions, *carried, &pairs);
        let help = match renamed.map(|other_carried| name(other, &names.1, other_carried).0) {
            Some(other) => format!("if `{other}` is meant to be the same, keep its name: `name: {wire}`"),
            None => "keep sending it until nobody reads it; `x-sunset` with a date announces its end".to_owned(),
        };
        let fact = Fact::new(rules::MESSAGE_REMOVED, format!("the message is gone: {who}"))
            .direction(gone)
            .old(&message.location, "")
            .new_at(&other.location, "")
            .help(help)
            .sunset(sunset(&message.extensions));
        versions.facts.add(&site, fact);
    }
    for (a, b) in &pairs.both {
        let ((old_wire, old_key), (new_wire, new_key)) = (name(channel, &names.0, *a), name(other, &names.1, *b));
        let (message, other_message) = (&old[a.1], &new[b.1]);
        let site = site
            .part(part(&site.subject, &new_wire), Some(&message.location), Some(&other_message.location))
            .with(&message.extensions);
        versions.messages.insert((before, a.1), b.1);
        versions.compared.insert(a.1);
        let places = (&message.location, &other_message.location);
        if old_wire != new_wire {
            let text = format!(
                "the event is called `{new_wire}` on the wire now, and was `{old_wire}`: programs of the two versions do not know each other's"
            );
            let fact =
                Fact::new(rules::MESSAGE_NAME_CHANGED, text).direction(Direction::Both).old(places.0, old_wire.clone());
            versions.facts.add(
                &site,
                fact.new_at(places.1, new_wire.clone())
                    .help(format!("keep the name (`name: {old_wire}`), or add the new event beside the old")),
            );
        } else if old_key != new_key && old_wire == new_wire && !versions.is_upgrade() {
            let text = format!("the message's key is `{new_key}` now, and was `{old_key}`");
            let fact = Fact::new(rules::MESSAGE_RENAMED, text).old(places.0, "").new_at(places.1, "");
            versions.facts.add(&site, fact.help("nothing changes on the wire"));
        }
        super::messages::compare(versions, &site, a.1, b.1);
    }
    for carried in &pairs.added {
        let message = &new[carried.1];
        let (wire, _) = name(other, &names.1, *carried);
        let site = site.part(part(&site.subject, &wire), None, Some(&message.location));
        let text = "the message is new: programs of the old version do not know it, and skip it or refuse it";
        let fact = Fact::new(rules::MESSAGE_ADDED, text).direction(Direction::Forward).old(&channel.location, "");
        let help =
            "generated consumers refuse unknown events unless they were told to skip them; move the consumers first";
        versions.facts.add(&site, fact.new_at(&message.location, "").help(help).key(wire));
    }
}

/// The only added message with the same payload as a removed one: perhaps it was renamed.
fn same_payload(versions: &mut Versions<'_, '_>, removed: Carried, pairs: &Pairs<Carried>) -> Option<Carried> {
    let Some(Payload::Schema(payload)) = &versions.old[removed.1].payload else { return None };
    let mut same = Vec::new();
    for added in &pairs.added {
        if let Some(Payload::Schema(other)) = &versions.new[added.1].payload
            && versions.schemas.is_interchangeable(*payload, *other)
        {
            same.push(*added);
        }
    }
    match same.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}
