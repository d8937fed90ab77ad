//! Messages: how they are encoded, where their correlation ids stand, and their payloads and headers.

use std::collections::BTreeSet;

use super::avro;
use super::compare::Versions;
use super::fact::{Fact, Site};
use super::finding::Direction;
use super::rules;
use super::schemas::Part;
use super::unsaid::{OneSided, Suits, Unsaid};
use crate::document::{Document, Message, MessageId, Payload, RuntimeExpression, SchemaFormat};
use crate::schema::{Reading, SchemaId, same_value};
use crate::source::Location;

/// Compares two versions of a message.
pub(super) fn compare(versions: &mut Versions<'_, '_>, site: &Site, before: MessageId, after: MessageId) {
    let (old, new) = (&versions.old[before], &versions.new[after]);
    let places = (&old.location, &new.location);
    content_type(versions, site, old, new);
    correlation_id(versions, site, old, new);
    headers(versions, site, old, new);
    payload(versions, site, old, new);
    versions.bindings(site, "message", &old.bindings, &new.bindings, places);
    versions.sunset(site, &old.extensions, &new.extensions, places);
    let words = |message: &Message| message.description.clone();
    versions.words(site, (&old.title, &old.summary, &words(old)), (&new.title, &new.summary, &words(new)), places);
}

/// What is assumed where neither the message nor the document says anything.
const JSON: &str = "application/json";

fn content_type(versions: &mut Versions<'_, '_>, site: &Site, old: &Message, new: &Message) {
    let effective = |document: &Document, message: &Message| -> String {
        let written = message.content_type.as_ref().or(document.default_content_type.as_ref());
        written.cloned().unwrap_or_else(|| JSON.to_owned())
    };
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (before, after) = (effective(versions.old, old), effective(versions.new, new));
    let parameters = |text: &str| -> BTreeSet<String> {
        text.split(';').skip(1).map(|part| part.trim().to_ascii_lowercase()).filter(|part| !part.is_empty()).collect()
    };
    if essence(&before) == essence(&after) && parameters(&before) != parameters(&after) {
        let message = format!("the content type is `{after}` now, and was `{before}`");
        let fact = Fact::new(rules::CONTENT_TYPE_NOTED, message)
            .old(&old.location, before.clone())
            .new_at(&new.location, after.clone())
            .help("look whether programs of the two versions read each other's");
        versions.facts.add(site, fact);
    }
    if essence(&before) != essence(&after) {
        let message = format!(
            "the content type is `{after}` now, and was `{before}`: programs of the two versions do not read each other's"
        );
        let fact = Fact::new(rules::CONTENT_TYPE_CHANGED, message)
            .direction(Direction::Both)
            .old(&old.location, before)
            .new_at(&new.location, after)
            .help("add a message of another name in the new encoding");
        versions.facts.add(site, fact);
    }
}

fn correlation_id(versions: &mut Versions<'_, '_>, site: &Site, old: &Message, new: &Message) {
    let place = |message: &Message| message.correlation_id.as_ref().map(|id| id.value_location.clone());
    let shown = |expression: Option<Option<RuntimeExpression>>| match expression.flatten() {
        Some(RuntimeExpression::Header(pointer)) => format!("`$message.header#{pointer}`"),
        Some(RuntimeExpression::Payload(pointer)) => format!("`$message.payload#{pointer}`"),
        None => "nowhere".to_owned(),
    };
    let (before, after) = (place(old), place(new));
    if before == after {
        return;
    }
    let at = |message: &Message| {
        message.correlation_id.as_ref().map_or_else(|| message.location.clone(), |id| id.location.clone())
    };
    let (was, is) = (shown(before.clone()), shown(after));
    let fact = match before {
        None => Fact::new(rules::CORRELATION_ID_ADDED, format!("the correlation id is at {is}")),
        Some(_) => {
            let message = format!("the correlation id is at {is} now, and was at {was}: answers are not recognised");
            Fact::new(rules::CORRELATION_ID_CHANGED, message)
                .direction(Direction::Both)
                .help("write it at both places until everybody has moved")
        }
    };
    versions.facts.add(site, fact.old(&at(old), was).new_at(&at(new), is));
}

fn payload(versions: &mut Versions<'_, '_>, site: &Site, old: &Message, new: &Message) {
    match (&old.payload, &new.payload) {
        (None, None) => {}
        (Some(before), Some(after)) => both(versions, site, Part::Payload, before, after),
        (None, Some(after)) => {
            let at = location(versions.new, after);
            let message = "consumers of the new version refuse old events: nothing was said of the payload, and now it has a schema";
            let fact = Fact::new(rules::PAYLOAD_ADDED, message).direction(Direction::Backward);
            let help = "if the schema describes what was always sent, ignore this finding with that reason";
            versions.facts.add(site, fact.old(&old.location, "").new_at(&at, "").help(help));
        }
        (Some(before), None) => {
            let at = location(versions.old, before);
            let message = "consumers of the old version refuse new events: the payload may now be anything";
            let fact = Fact::new(rules::PAYLOAD_REMOVED, message).direction(Direction::Forward);
            versions.facts.add(site, fact.old(&at, "").new_at(&new.location, "").help("keep describing it"));
        }
    }
}

fn headers(versions: &mut Versions<'_, '_>, site: &Site, old: &Message, new: &Message) {
    let (known, place, other) = match (&old.headers, &new.headers) {
        (None, None) => return,
        (Some(before), Some(after)) => return both(versions, site, Part::Headers, before, after),
        (None, Some(after)) => (after, location(versions.new, after), &old.location),
        (Some(before), None) => (before, location(versions.old, before), &new.location),
    };
    let is_new = new.headers.is_some();
    // Headers in another language than JSON Schema are not read.
    let one = match known {
        Payload::Schema(id) if is_new => Some(OneSided::New(*id)),
        Payload::Schema(id) => Some(OneSided::Gone(*id)),
        _ => None,
    };
    let suits = match one {
        Some(one) => versions.suits(one, Unsaid::Members),
        None => Suits::Undecided(format!("{} is not read", language(known))),
    };
    let said = if is_new { "the headers are described now" } else { "the headers are no longer described" };
    let reading = versions.facts.reading();
    let fact = match (suits, is_new) {
        (Suits::All, true) => Fact::new(rules::SCHEMA_CHANGED, format!("{said}, and none of them must be there")),
        (Suits::All, false) => Fact::new(rules::SCHEMA_CHANGED, format!("{said}, and none of them had to be there")),
        (Suits::NotAll(example), true) => {
            let why = match reading {
                Reading::Declared => "headers are required, and there were none",
                Reading::AsWritten => "headers are described, and they could be anything",
            };
            Fact::new(rules::HEADERS_ADDED, format!("consumers of the new version refuse old events: {why}"))
                .counterexamples(example.into_iter().collect())
                .direction(Direction::Backward)
                .help("make the headers optional")
        }
        (Suits::NotAll(example), false) => {
            let why = match reading {
                Reading::Declared => "headers that they require are gone",
                Reading::AsWritten => "the headers may now be anything",
            };
            Fact::new(rules::HEADERS_REMOVED, format!("consumers of the old version refuse new events: {why}"))
                .counterexamples(example.into_iter().collect())
                .direction(Direction::Forward)
                .help("keep sending them")
        }
        (Suits::Undecided(reason), _) => {
            let message = format!("{said}, and it could not be decided whether that is compatible: {reason}");
            Fact::new(rules::SCHEMA_UNDECIDED, message)
                .direction(if is_new { Direction::Backward } else { Direction::Forward })
                .help("look at the change, and ignore this finding with a reason if it breaks nobody")
        }
    };
    let (before, after) = if is_new { (other, &place) } else { (&place, other) };
    versions.facts.add(site, fact.old(before, "").new_at(after, "").key("headers"));
}

fn location(document: &Document, payload: &Payload) -> Location {
    match payload {
        Payload::Schema(id) => document[document.schemas.follow(*id)].location.clone(),
        Payload::Avro(ty) => ty.location.clone(),
        Payload::Foreign { location, .. } => location.clone(),
    }
}

fn both(versions: &mut Versions<'_, '_>, site: &Site, part: Part, before: &Payload, after: &Payload) {
    let (old_at, new_at) = (location(versions.old, before), location(versions.new, after));
    match (before, after) {
        (Payload::Schema(old), Payload::Schema(new)) => {
            let (old, new): (SchemaId, SchemaId) = (*old, *new);
            versions.schemas.compare(&mut versions.facts, site, part, old, new);
        }
        (Payload::Avro(old), Payload::Avro(new)) => {
            avro::compare(&mut versions.facts, site, (&versions.old.avro, old), (&versions.new.avro, new));
        }
        (Payload::Foreign { format, node, .. }, Payload::Foreign { format: other, node: other_node, .. })
            if format == other =>
        {
            let is_same = same_value(node, other_node);
            if !is_same || versions.may_refer_to_other(node) {
                let said = match is_same {
                    false => "the schema has changed",
                    true => "the schema refers to others, which may have changed",
                };
                let message = format!(
                    "{said}, and it could not be decided whether it is compatible: {} is not read",
                    language(before)
                );
                let fact = Fact::new(rules::SCHEMA_UNDECIDED, message).direction(Direction::Both);
                let help = "look at the change, and ignore this finding with a reason, or describe the payload in JSON Schema or Avro";
                versions.facts.add(site, fact.old(&old_at, "").new_at(&new_at, "").help(help));
            }
        }
        _ => {
            let (was, is) = (language(before), language(after));
            let message = format!(
                "the schema is in {is} now, and was in {was}: programs of the two versions do not read each other's"
            );
            let fact = Fact::new(rules::SCHEMA_LANGUAGE_CHANGED, message).direction(Direction::Both);
            let help = "add a message of another name; if only the description has changed and not what is sent, ignore this finding with that reason";
            versions.facts.add(site, fact.old(&old_at, was).new_at(&new_at, is).help(help));
        }
    }
}

fn language(payload: &Payload) -> String {
    match payload {
        Payload::Schema(_) => "JSON Schema".to_owned(),
        Payload::Avro(_) | Payload::Foreign { format: SchemaFormat::Avro, .. } => "Avro".to_owned(),
        Payload::Foreign { format: SchemaFormat::Protobuf, .. } => "Protobuf".to_owned(),
        Payload::Foreign { format: SchemaFormat::Raml, .. } => "RAML".to_owned(),
        Payload::Foreign { format: SchemaFormat::Other(name), .. } => format!("`{name}`"),
        Payload::Foreign { format, .. } => format!("{format:?}"),
    }
}
