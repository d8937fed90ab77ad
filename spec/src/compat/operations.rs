//! Operations and their replies: what the application still does with which messages.
//!
//! On the wire an operation is nothing but its direction, its channel and its messages, so two operations that do together
//! what one did break nobody.

use std::collections::{HashMap, HashSet};

use super::compare::Versions;
use super::fact::{Fact, Site};
use super::finding::Direction;
use super::policy::sunset;
use super::{rules, security};
use crate::document::{Action, ChannelId, Document, MessageId, Operation, Reply, RuntimeExpression};

/// What an operation concerns: direction, channel, message.
type Flow = (bool, ChannelId, MessageId);

fn messages(document: &Document, operation: &Operation) -> Vec<MessageId> {
    let all = || operation.channel.map(|id| document[id].messages.values().copied().collect()).unwrap_or_default();
    operation.messages.clone().unwrap_or_else(all)
}

fn flows(document: &Document) -> HashSet<Flow> {
    let mut flows = HashSet::new();
    for operation in document.operations.values() {
        let Some(channel) = operation.channel else { continue };
        let is_sent = operation.action == Action::Send;
        flows.extend(messages(document, operation).into_iter().map(|message| (is_sent, channel, message)));
    }
    flows
}

/// Who misses it when the application stops doing it.
fn missing(action: Action) -> Direction {
    match action {
        Action::Send => Direction::Forward,
        Action::Receive => Direction::Backward,
    }
}

/// Compares all operations.
pub(super) fn compare(versions: &mut Versions<'_, '_>) {
    let (old, new) = (versions.old, versions.new);
    let (before, after) = (flows(old), flows(new));
    let mut taken: HashSet<&str> = HashSet::new();
    let mut left: Vec<&Operation> = Vec::new();
    for (key, operation) in &old.operations {
        match new.operations.get(key) {
            Some(other) => {
                taken.insert(key);
                pair(versions, operation, other, &before, &after);
            }
            None => left.push(operation),
        }
    }
    let mut doing: HashMap<(ChannelId, bool), Vec<&Operation>> = HashMap::new();
    for operation in new.operations.values() {
        let Some(channel) = operation.channel else { continue };
        doing.entry((channel, operation.action == Action::Send)).or_default().push(operation);
    }
    for operation in left {
        let channel = operation.channel.and_then(|id| versions.channels.get(&id).copied());
        // What is gone with its channel is said of the channel.
        let (Some(own), Some(channel)) = (operation.channel, channel) else { continue };
        let is_sent = operation.action == Action::Send;
        let lost: Vec<MessageId> = messages(old, operation)
            .into_iter()
            .filter(|message| {
                let counterpart = versions.messages.get(&(own, *message));
                counterpart.is_some_and(|counterpart| !after.contains(&(is_sent, channel, *counterpart)))
            })
            .collect();
        let candidates: &[&Operation] = doing.get(&(channel, is_sent)).map_or(&[], Vec::as_slice);
        if !lost.is_empty() || candidates.is_empty() {
            removed(versions, operation, None);
            continue;
        }
        let heir = candidates
            .iter()
            .find(|other| !old.operations.contains_key(&other.key) && !taken.contains(other.key.as_str()));
        if let Some(heir) = heir {
            taken.insert(&heir.key);
            if operation.is_named && heir.is_named && operation.key != heir.key {
                let site = site(versions, Some(operation), Some(heir));
                let message = format!("the operation's key is `{}` now, and was `{}`", heir.key, operation.key);
                let fact = Fact::new(rules::OPERATION_RENAMED, message);
                let fact = fact.old(&operation.location, "").new_at(&heir.location, "");
                versions.facts.add(&site, fact.help("nothing changes on the wire"));
            }
            pair(versions, operation, heir, &before, &after);
        } else if !candidates.iter().any(|other| replies_as(versions, operation, other)) {
            removed(versions, operation, Some("another one concerns its messages, but does not reply as it did"));
        } else if !candidates.iter().any(|other| security::admits_all(&operation.security, &other.security)) {
            removed(versions, operation, Some("another one concerns its messages, but demands more security"));
        }
    }
    let was_channel: HashMap<ChannelId, ChannelId> =
        versions.channels.iter().map(|(own, other)| (*other, *own)).collect();
    let done: HashSet<(ChannelId, bool)> = old
        .operations
        .values()
        .filter_map(|operation| Some((operation.channel?, operation.action == Action::Send)))
        .collect();
    for (key, operation) in &new.operations {
        let is_known = taken.contains(key.as_str()) || old.operations.contains_key(key);
        let Some(channel) = operation.channel.filter(|_| !is_known) else { continue };
        let Some(own) = was_channel.get(&channel) else { continue };
        let is_sent = operation.action == Action::Send;
        if !done.contains(&(*own, is_sent)) {
            let site = site(versions, None, Some(operation));
            let what = if is_sent { "sends on" } else { "receives from" };
            let message = format!("the application {what} the channel `{}` now", new[channel].key);
            versions.facts.add(&site, Fact::new(rules::OPERATION_ADDED, message).new_at(&operation.location, ""));
        }
    }
}

fn site(versions: &Versions<'_, '_>, old: Option<&Operation>, new: Option<&Operation>) -> Site {
    let key = new.or(old).map(|operation| operation.key.clone()).unwrap_or_default();
    let location = |operation: Option<&Operation>| operation.map(|operation| operation.location.clone());
    let mut site = versions.root.part(format!("operation `{key}`"), location(old).as_ref(), location(new).as_ref());
    // What is said of a channel is said of what is done on it.
    if let Some(channel) = old.and_then(|old| versions.channel_sites.get(&old.channel?)) {
        site.promise = channel.promise;
        site.is_draft |= channel.is_draft;
    }
    match old {
        Some(old) => site.with(&old.extensions),
        None => site,
    }
}

/// Whether whoever waits for the replies of one operation gets them from another one.
fn replies_as(versions: &Versions<'_, '_>, old: &Operation, new: &Operation) -> bool {
    let Some(before) = &old.reply else { return true };
    let Some(after) = &new.reply else { return false };
    let address = |reply: &Reply| reply.address.as_ref().map(|address| address.value_location.clone());
    if address(before) != address(after) {
        return false;
    }
    let (own, other) = match (before.channel, after.channel) {
        (None, None) => return true,
        (Some(own), Some(other)) if versions.channels.get(&own) == Some(&other) => (own, other),
        _ => return false,
    };
    let (had, has) = (answers(versions.old, before, own), answers(versions.new, after, other));
    let counterparts: Vec<Option<&MessageId>> =
        had.iter().map(|message| versions.messages.get(&(own, *message))).collect();
    counterparts.iter().flatten().all(|message| has.contains(message))
        && has.iter().all(|message| counterparts.contains(&Some(message)))
}

/// The messages that a reply may be.
fn answers(document: &Document, reply: &Reply, channel: ChannelId) -> Vec<MessageId> {
    let all = || document[channel].messages.values().copied().collect();
    reply.messages.clone().unwrap_or_else(all)
}

fn removed(versions: &mut Versions<'_, '_>, operation: &Operation, remains: Option<&str>) {
    let site = site(versions, Some(operation), None);
    let message = match (operation.action, remains) {
        (_, Some(remains)) => format!("the operation is gone: {remains}"),
        (Action::Send, None) => "the application no longer sends these messages: consumers wait in vain".to_owned(),
        (Action::Receive, None) => {
            "the application no longer receives these messages: those who send them are not heard".to_owned()
        }
    };
    let fact = Fact::new(rules::OPERATION_REMOVED, message)
        .direction(missing(operation.action))
        .old(&operation.location, "")
        .help("keep it until nobody needs it; `x-sunset` with a date announces its end")
        .sunset(sunset(&operation.extensions));
    versions.facts.add(&site, fact);
}

/// Two versions of one operation.
fn pair(
    versions: &mut Versions<'_, '_>,
    old: &Operation,
    new: &Operation,
    before: &HashSet<Flow>,
    after: &HashSet<Flow>,
) {
    let site = site(versions, Some(old), Some(new));
    let places = (&old.location, &new.location);
    if old.action != new.action {
        let message = match new.action {
            Action::Send => "the application sends now, and received before: nobody reads what others still send",
            Action::Receive => "the application receives now, and sent before: consumers wait in vain",
        };
        let help =
            "add an operation of another name; if the old direction was a slip, ignore this finding with that reason";
        versions.break_between(&site, rules::OPERATION_ACTION_CHANGED, message.to_owned(), places, help);
        return;
    }
    // Where the old channel is gone, that is the fact.
    let moved = match (old.channel.and_then(|own| versions.channels.get(&own)), new.channel) {
        (Some(own), Some(other)) => *own != other,
        _ => false,
    };
    if moved {
        let key =
            |document: &Document, id: Option<ChannelId>| id.map(|id| document[id].key.clone()).unwrap_or_default();
        let (was, is) = (key(versions.old, old.channel), key(versions.new, new.channel));
        let message = format!(
            "the operation uses the channel `{is}` now, and used `{was}`: programs of the two versions do not meet"
        );
        let help = "add an operation for the new channel, and keep this one until everybody has moved";
        versions.break_between(&site, rules::OPERATION_CHANNEL_CHANGED, message, places, help);
    } else {
        message_sets(versions, &site, old, new, before, after);
    }
    reply(versions, &site, old, new);
    security::compare(versions, &site, &old.security, &new.security, places);
    versions.bindings(&site, "operation", &old.bindings, &new.bindings, places);
    versions.words(
        &site,
        (&old.title, &old.summary, &old.description),
        (&new.title, &new.summary, &new.description),
        places,
    );
    versions.sunset(&site, &old.extensions, &new.extensions, places);
}

/// Which of the messages that both versions' channels carry the operations concern.
fn message_sets(
    versions: &mut Versions<'_, '_>,
    site: &Site,
    old: &Operation,
    new: &Operation,
    before: &HashSet<Flow>,
    after: &HashSet<Flow>,
) {
    let (Some(own), Some(other)) = (old.channel, new.channel) else { return };
    let (had, has) = (messages(versions.old, old), messages(versions.new, new));
    let is_sent = old.action == Action::Send;
    let mut facts = Vec::new();
    for (key, message) in &versions.old[own].messages {
        let Some(counterpart) = versions.messages.get(&(own, *message)) else { continue };
        let (was, is) = (had.contains(message), has.contains(counterpart));
        if was && !is && !after.contains(&(is_sent, other, *counterpart)) {
            let message = format!("the operation no longer concerns the message `{key}`");
            let fact = Fact::new(rules::OPERATION_MESSAGES_NARROWED, message).direction(missing(old.action));
            facts.push(fact.key(key).help("keep it until nobody needs it"));
        }
        if !was && is && !before.contains(&(is_sent, own, *message)) {
            let message = format!("the operation concerns the message `{key}` as well");
            facts.push(Fact::new(rules::OPERATION_MESSAGES_WIDENED, message).direction(Direction::Forward).key(key));
        }
    }
    for fact in facts {
        versions.facts.add(site, fact.old(&old.location, "").new_at(&new.location, ""));
    }
}

fn reply(versions: &mut Versions<'_, '_>, site: &Site, old: &Operation, new: &Operation) {
    let places = (&old.location, &new.location);
    match (&old.reply, &new.reply) {
        (None, None) => {}
        (None, Some(after)) => {
            let message = "those who ask by the new version wait for a reply that the old version does not give";
            let fact = Fact::new(rules::REPLY_ADDED, message).direction(Direction::Backward);
            let fact = fact.old(places.0, "").new_at(&after.location, "");
            versions.facts.add(site, fact.help("move those who reply first, or add an operation of another name"));
        }
        (Some(before), None) => {
            let message = "those who ask by the old version wait for a reply in vain";
            let fact = Fact::new(rules::REPLY_REMOVED, message).direction(Direction::Forward);
            let fact = fact.old(&before.location, "").new_at(places.1, "");
            versions.facts.add(site, fact.help("keep replying until nobody waits for it"));
        }
        (Some(before), Some(after)) => replies(versions, site, before, after),
    }
}

fn replies(versions: &mut Versions<'_, '_>, site: &Site, old: &Reply, new: &Reply) {
    let places = (&old.location, &new.location);
    let address = |reply: &Reply| reply.address.as_ref().map(|address| address.value_location.clone());
    let (was, is) = (address(old), address(new));
    if was != is {
        let shown = |expression: Option<Option<RuntimeExpression>>| match expression.flatten() {
            Some(RuntimeExpression::Header(pointer)) => format!("`$message.header#{pointer}`"),
            Some(RuntimeExpression::Payload(pointer)) => format!("`$message.payload#{pointer}`"),
            None => "nowhere".to_owned(),
        };
        let message = format!("the address for replies is at {} now, and was at {}", shown(is), shown(was));
        let help = "write it at both places until everybody has moved";
        versions.break_between(site, rules::REPLY_ADDRESS_CHANGED, message, places, help);
    }
    let (Some(own), Some(other)) = (old.channel, new.channel) else {
        if old.channel.is_some() != new.channel.is_some() {
            let message = "replies come over another channel".to_owned();
            versions.break_between(
                site,
                rules::REPLY_CHANNEL_CHANGED,
                message,
                places,
                "keep replying over the old channel",
            );
        }
        return;
    };
    let Some(counterpart) = versions.channels.get(&own) else { return };
    if *counterpart != other {
        let (was, is) = (&versions.old[own].key, &versions.new[other].key);
        let message = format!("replies come over the channel `{is}` now, and came over `{was}`");
        versions.break_between(
            site,
            rules::REPLY_CHANNEL_CHANGED,
            message,
            places,
            "reply over both until everybody has moved",
        );
        return;
    }
    let (had, has) = (answers(versions.old, old, own), answers(versions.new, new, other));
    let widened = |key: &String| {
        let message = format!("`{key}` is a reply now: those who ask by the old version do not know it");
        let fact = Fact::new(rules::REPLY_MESSAGES_WIDENED, message).direction(Direction::Forward);
        fact.key(key).help("move those who ask first")
    };
    let mut facts = Vec::new();
    for (key, message) in &versions.old[own].messages {
        let Some(counterpart) = versions.messages.get(&(own, *message)) else { continue };
        match (had.contains(message), has.contains(counterpart)) {
            (true, false) => {
                let message =
                    format!("`{key}` is no longer among the replies: those who ask by the new version do not know it");
                let fact = Fact::new(rules::REPLY_MESSAGES_NARROWED, message).direction(Direction::Backward);
                facts.push(fact.key(key).help("keep it among the replies until nobody gives it"));
            }
            (false, true) => facts.push(widened(key)),
            _ => {}
        }
    }
    // Those that the old channel did not carry at all.
    let known: HashSet<MessageId> =
        versions.old[own].messages.values().filter_map(|id| versions.messages.get(&(own, *id))).copied().collect();
    for (key, message) in &versions.new[other].messages {
        if has.contains(message) && !known.contains(message) {
            facts.push(widened(key));
        }
    }
    for fact in facts {
        versions.facts.add(site, fact.old(places.0, "").new_at(places.1, ""));
    }
}
