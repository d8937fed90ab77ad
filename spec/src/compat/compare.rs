//! One pair of versions: what all parts of a comparison share, and the order in which they are compared.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::fact::{Fact, Facts, Site};
use super::finding::Direction;
use super::policy::{Promise, sunset};
use super::schemas::Comparing;
use super::unsaid::StandIns;
use super::{Comparison, Mode, bindings, channels, messages, operations, rules, servers};
use crate::document::{
    Bindings, ChannelId, Document, EventTypes, Extensions, Message, MessageId, Payload, ServerId, SpecVersion,
    TypedBinding,
};
use crate::schema::{Reading, SchemaId, Schemas};
use crate::source::{Location, Node, Sources, Value};

/// A version and its schemas as they are meant.
#[derive(Debug)]
pub(super) struct Version<'d> {
    pub(super) document: &'d Document,
    schemas: Schemas,
    stand_ins: StandIns,
    event_types: EventTypes<'d>,
    sources: Option<&'d Sources>,
}

impl<'d> Version<'d> {
    /// With the files that it was read from.
    pub(super) fn read_from(mut self, sources: &'d Sources) -> Self {
        self.sources = Some(sources);
        self
    }

    /// Whether another version was read from the same texts.
    fn has_files_of(&self, other: &Self) -> bool {
        match (self.sources, other.sources) {
            (Some(own), Some(others)) => own.files().map(|file| file.text()).eq(others.files().map(|file| file.text())),
            _ => false,
        }
    }

    pub(super) fn new(document: &'d Document, reading: Reading) -> Self {
        let mut schemas = match reading {
            Reading::Declared => document.schemas.as_meant(Self::roots(document)).into_owned(),
            Reading::AsWritten => document.schemas.clone(),
        };
        let stand_ins = StandIns::add(&mut schemas, &document.location);
        Version { document, schemas, stand_ins, event_types: EventTypes::new(document), sources: None }
    }

    /// The schemas that describe values.
    fn roots(document: &Document) -> Vec<SchemaId> {
        let mut roots: Vec<SchemaId> = Vec::new();
        for message in document.channels.values().flat_map(|id| document[*id].messages.values()) {
            roots.extend(roots_of(&document[*message]));
        }
        for message in document.components.messages.values() {
            roots.extend(roots_of(&document[*message]));
        }
        for channel in document.channels.values() {
            let channel = &document[*channel];
            roots.extend(channel.parameters.values().filter_map(|parameter| parameter.schema));
            roots.extend(roots_in(&channel.bindings));
        }
        roots.extend(document.operations.values().flat_map(|operation| roots_in(&operation.bindings)));
        roots.sort_unstable();
        roots.dedup();
        roots
    }
}

fn roots_of(message: &Message) -> Vec<SchemaId> {
    let schema = |payload: &Option<Payload>| match payload {
        Some(Payload::Schema(id)) => Some(*id),
        _ => None,
    };
    let own = schema(&message.payload).into_iter().chain(schema(&message.headers));
    own.chain(roots_in(&message.bindings)).collect()
}

fn roots_in(bindings: &Bindings) -> Vec<SchemaId> {
    let schemas = |binding: &TypedBinding| match binding {
        TypedBinding::HttpOperation(http) => vec![http.query],
        TypedBinding::HttpMessage(http) => vec![http.headers],
        TypedBinding::WebSocketChannel(ws) => vec![ws.query, ws.headers],
        TypedBinding::KafkaMessage(kafka) => vec![kafka.key],
        TypedBinding::MqttMessage(mqtt) => vec![mqtt.correlation_data],
        _ => Vec::new(),
    };
    bindings.values().filter_map(|binding| binding.typed.as_ref()).flat_map(schemas).flatten().collect()
}

/// A pair of versions that is being compared.
#[derive(Debug)]
pub(super) struct Versions<'d, 'c> {
    pub(super) old: &'d Document,
    pub(super) new: &'d Document,
    pub(super) old_stand_ins: StandIns,
    pub(super) new_stand_ins: StandIns,
    /// Whether both were read from the same files: then so is what references lead to that nobody follows.
    pub(super) are_files_same: bool,
    pub(super) old_types: &'d EventTypes<'d>,
    pub(super) new_types: &'d EventTypes<'d>,
    pub(super) schemas: Comparing<'d>,
    pub(super) facts: Facts<'c>,
    /// The documents as a whole.
    pub(super) root: Site,
    pub(super) channels: HashMap<ChannelId, ChannelId>,
    /// What is promised of the old version's channels, and of their operations with them.
    pub(super) channel_sites: HashMap<ChannelId, Site>,
    pub(super) servers: IndexMap<ServerId, ServerId>,
    /// By channel and message of the old version.
    pub(super) messages: HashMap<(ChannelId, MessageId), MessageId>,
    /// Messages of the old version that were compared.
    pub(super) compared: HashSet<MessageId>,
}

/// What is said of words for people.
pub(super) const CHANGED_WORDS: &str = "titles, descriptions or examples have changed";

/// Titles, summaries and descriptions.
type Words<'w> = (&'w Option<String>, &'w Option<String>, &'w Option<String>);
type Places<'w> = (&'w Location, &'w Location);

/// Compares a pair of versions.
pub(super) fn compare<'c>(
    comparison: &'c Comparison,
    baseline: usize,
    old: &Version<'_>,
    new: &Version<'_>,
) -> Facts<'c> {
    let mut versions = Versions::new(comparison, baseline, old, new);
    let (before, after) = (versions.old, versions.new);
    let root = versions.root.clone();
    let written = (Promise::written(&before.extensions), Promise::written(&after.extensions));
    let promised = versions.promised(&root, written, (&before.location, &after.location));
    if let (None, Some(promise)) = (comparison.mode, promised) {
        versions.root.promise = promise;
    }
    let info = (&before.info, &after.info);
    let title = (Some(info.0.title.clone()), Some(info.1.title.clone()));
    versions.words(
        &root,
        (&title.0, &None, &info.0.description),
        (&title.1, &None, &info.1.description),
        (&info.0.location, &info.1.location),
    );
    servers::compare(&mut versions);
    channels::compare(&mut versions);
    unused_messages(&mut versions);
    operations::compare(&mut versions);
    versions.facts
}

/// Messages that no channel of the old version carries: libraries of messages have only such.
fn unused_messages(versions: &mut Versions<'_, '_>) {
    let (old, new) = (versions.old, versions.new);
    let carried: HashSet<MessageId> =
        old.channels.values().flat_map(|id| old[*id].messages.values().copied()).collect();
    for (key, before) in &old.components.messages {
        if carried.contains(before) || versions.compared.contains(before) {
            continue;
        }
        let Some(after) = new.components.messages.get(key) else { continue };
        let places = (&old[*before].location, &new[*after].location);
        let subject = format!("message `{key}` of the components");
        let site = versions.root.part(subject, Some(places.0), Some(places.1)).with(&old[*before].extensions);
        messages::compare(versions, &site, *before, *after);
    }
}

impl<'d, 'c> Versions<'d, 'c> {
    fn new(comparison: &'c Comparison, baseline: usize, old: &'d Version<'d>, new: &'d Version<'d>) -> Self {
        let (before, after) = (old.document, new.document);
        let root = Site {
            subject: "the document".to_owned(),
            old: Some(before.location.pointer.clone()),
            new: Some(after.location.pointer.clone()),
            promise: Promise::of(comparison.mode.unwrap_or_default()),
            is_draft: false,
        };
        // Until its version counts, all of a draft may change.
        let root = root.with(&before.extensions).with(&before.info.extensions);
        Versions {
            old: before,
            new: after,
            old_stand_ins: old.stand_ins,
            new_stand_ins: new.stand_ins,
            are_files_same: old.has_files_of(new),
            old_types: &old.event_types,
            new_types: &new.event_types,
            schemas: Comparing::new(&old.schemas, &new.schemas, comparison.reading),
            facts: Facts::new(comparison, baseline),
            root,
            channels: HashMap::new(),
            channel_sites: HashMap::new(),
            servers: IndexMap::new(),
            messages: HashMap::new(),
            compared: HashSet::new(),
        }
    }

    /// Whether one of the documents is of AsyncAPI 2 and the other is not: then keys are not the author's on one side.
    pub(super) fn is_upgrade(&self) -> bool {
        (self.old.version < SpecVersion::V3_0) != (self.new.version < SpecVersion::V3_0)
    }

    /// What two versions promise of something together: a promise cannot be taken back by the change that breaks it.
    pub(super) fn promised(
        &mut self,
        site: &Site,
        written: (Option<Promise>, Option<Promise>),
        places: Places<'_>,
    ) -> Option<Promise> {
        let (before, after) = match written {
            (None, None) => return None,
            // Who said nothing promised what is promised of everything else.
            (before, after) => {
                let before = before.unwrap_or(site.promise);
                (before, after.unwrap_or(before))
            }
        };
        let both = before.and(after);
        if both != after {
            let message = "`x-compatibility` promises less than before, which counts from the next version on";
            let fact = Fact::new(rules::COMPATIBILITY_WEAKENED, message);
            self.facts.add(site, fact.old(places.0, "").new_at(places.1, ""));
        }
        Some(both)
    }

    /// Whether a node that is compared as it is written refers to what may have changed.
    pub(super) fn may_refer_to_other(&self, node: &Node) -> bool {
        !self.are_files_same && has_references(node)
    }

    /// Notes that what is said to people has changed.
    pub(super) fn words(&mut self, site: &Site, old: Words<'_>, new: Words<'_>, places: Places<'_>) {
        if old != new {
            let fact = Fact::new(rules::DOCUMENTATION_CHANGED, CHANGED_WORDS);
            self.facts.add(site, fact.old(places.0, "").new_at(places.1, ""));
        }
    }

    /// Notes that something was announced to go.
    pub(super) fn sunset(&mut self, site: &Site, old: &Extensions, new: &Extensions, places: Places<'_>) {
        let (before, after) = (sunset(old), sunset(new));
        if let Some(date) = after.filter(|_| before != after) {
            let fact = Fact::new(rules::DEPRECATED, format!("it is announced to go on {date}"));
            self.facts.add(site, fact.old(places.0, "").new_at(places.1, ""));
        }
    }

    pub(super) fn bindings(
        &mut self,
        site: &Site,
        of: &'static str,
        old: &Bindings,
        new: &Bindings,
        places: Places<'_>,
    ) {
        bindings::compare(self, site, of, old, new, places);
    }

    /// A break that concerns programs of both versions.
    pub(super) fn break_between(
        &mut self,
        site: &Site,
        rule: rules::Rule,
        message: String,
        places: Places<'_>,
        help: &str,
    ) {
        let fact = Fact::new(rule, message).direction(Direction::Both).help(help);
        self.facts.add(site, fact.old(places.0, "").new_at(places.1, ""));
    }
}

/// Whether there is a `$ref` anywhere in it.
fn has_references(node: &Node) -> bool {
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        match &node.value {
            Value::Object(object) => {
                if object.iter().any(|(key, _)| key.name == "$ref") {
                    return true;
                }
                open.extend(object.iter().map(|(_, node)| node));
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    false
}

/// What was promised of the whole document, for the report.
pub(super) fn mode_of(comparison: &Comparison, old: Option<&Document>, new: &Document) -> Mode {
    let written = |document: &Document| Promise::written(&document.extensions);
    let before = old.and_then(written);
    let promise = match (before, written(new)) {
        (Some(before), Some(after)) => Some(before.and(after)),
        // An old version that said nothing promised everything.
        (None, Some(after)) if old.is_some() => Some(after.and(Promise::of(Mode::default()))),
        (one, other) => one.or(other),
    };
    comparison.mode.or(promise.map(Promise::mode)).unwrap_or_default()
}
