//! From nodes to the [`Document`]: one reader per kind of object, all errors collected.
//!
//! 3.x is read here; what 2.x writes differently is upgraded by [`crate::v2`] on the way. An object with an identity
//! is known by the address of its node, so that two references to it give one id.

pub(crate) mod binding;
mod channel;
mod choice;
mod components;
mod fields;
mod format;
mod info;
mod message;
mod operation;
mod payload;
mod protocols;
mod security;
mod server;
mod traits;

use std::collections::HashMap;

use indexmap::IndexMap;

pub(crate) use fields::{Fields, members, text};
use format::Format;

use super::{Channel, ChannelId, Components, Document, Info, Message, MessageId, Server, ServerId, SpecVersion};
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::near::nearest;
use crate::resolve::{At, Resolver, Store};
use crate::rules;
use crate::schema::read::SchemaReader;
use crate::source::{Location, Node, Pointer, Value};

/// Reads one document.
pub(crate) struct Reader<'a> {
    pub(crate) store: &'a Store,
    pub(crate) resolver: Resolver<'a>,
    pub(crate) found: Findings,
    pub(crate) version: SpecVersion,
    pub(crate) schemas: SchemaReader<'a>,
    avro: crate::avro::Schemas,
    avro_shared: crate::avro::Shared,
    /// The document itself.
    pub(crate) root: At<'a>,
    servers: Vec<Server>,
    channels: Vec<Channel>,
    messages: Vec<Message>,
    server_ids: HashMap<usize, ServerId>,
    channel_ids: HashMap<usize, ChannelId>,
    message_ids: HashMap<usize, MessageId>,
    /// How many nodes were copied because something refers to them.
    copied: usize,
    sizes: HashMap<usize, usize>,
}

/// How many nodes may be copied: objects that are held by value, once for each reference to them. Real documents stay
/// below a hundredth of it; without a limit, a megabyte of text could ask for a terabyte of memory.
const MAX_COPIED: usize = 1_000_000;

impl SpecVersion {
    pub(crate) fn is_v3(self) -> bool {
        self >= SpecVersion::V3_0
    }

    /// The version that a document states. Patch releases change no fields.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split(['.', '-']);
        let major = parts.next()?;
        Some(match (major, parts.next()?) {
            ("2", "0") => SpecVersion::V2_0,
            ("2", "1") => SpecVersion::V2_1,
            ("2", "2") => SpecVersion::V2_2,
            ("2", "3") => SpecVersion::V2_3,
            ("2", "4") => SpecVersion::V2_4,
            ("2", "5") => SpecVersion::V2_5,
            ("2", "6") => SpecVersion::V2_6,
            ("3", "0") => SpecVersion::V3_0,
            ("3", "1") => SpecVersion::V3_1,
            _ => return None,
        })
    }
}

/// Reads `root` as a document. `None` when it is none, which is reported.
pub(crate) fn document<'a>(
    store: &'a Store,
    mut resolver: Resolver<'a>,
    root: At<'a>,
    mut found: Findings,
) -> (Option<Document>, Resolver<'a>, Findings) {
    match version(&root, &mut found) {
        Some(version) => {
            let mut reader = Reader {
                store,
                resolver,
                found,
                version,
                schemas: SchemaReader::for_documents(),
                avro: crate::avro::Schemas::default(),
                avro_shared: crate::avro::Shared::default(),
                root,
                servers: Vec::new(),
                channels: Vec::new(),
                messages: Vec::new(),
                server_ids: HashMap::new(),
                channel_ids: HashMap::new(),
                message_ids: HashMap::new(),
                copied: 0,
                sizes: HashMap::new(),
            };
            let document = reader.document();
            resolver = reader.resolver;
            (document, resolver, reader.found)
        }
        None => (None, resolver, found),
    }
}

fn version(root: &At<'_>, found: &mut Findings) -> Option<SpecVersion> {
    const READ: &str = "AsyncAPI 2.0 to 2.6, 3.0 and 3.1 are read";
    let unsupported =
        |message: String, at: &At<'_>| Diagnostic::new(rules::UNSUPPORTED_VERSION, message, &at.location());
    let Some(object) = root.node.as_object() else {
        let message = format!("an AsyncAPI document must be an object, but is {}", root.node.kind());
        found.push(unsupported(message, root));
        return None;
    };
    let Some(at) = root.get("asyncapi") else {
        let mut diagnostic = unsupported("there is no `asyncapi`, so this is no AsyncAPI document".to_owned(), root);
        let names = object.iter().map(|(key, _)| key.name.as_str());
        diagnostic = match nearest("asyncapi", names) {
            Some(near) => diagnostic.help(format!("did you mean `asyncapi` by `{near}`?")),
            None => diagnostic.help(format!("begin it with `asyncapi: 3.0.0`; {READ}")),
        };
        found.push(diagnostic);
        return None;
    };
    let stated = text(at.node);
    let version = stated.as_deref().and_then(SpecVersion::parse);
    match (version, stated) {
        (Some(_), Some(stated)) if at.node.as_str().is_none() => {
            let message = format!("the version of the specification must be a string, but is {}", at.node.kind());
            let help = format!("write it in full: `asyncapi: {stated}.0`");
            found.push(Diagnostic::new(rules::WRONG_TYPE, message, &at.location()).help(help));
        }
        (None, Some(stated)) => {
            let message = format!("version `{stated}` of the specification is not supported");
            found.push(unsupported(message, &at).help(READ));
        }
        (None, None) => {
            let message = format!("the version of the specification must be a string, but is {}", at.node.kind());
            found.push(unsupported(message, &at).help(READ));
        }
        (Some(_), _) => {}
    }
    version
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Option<Document> {
        let root = self.root.clone();
        let mut fields = Fields::of(&root, "AsyncAPI document", &mut self.found)?;
        fields.take("asyncapi");
        let id = fields.formatted("id", Format::Uri, &mut self.found);
        let default_content_type = fields.string("defaultContentType", &mut self.found);
        let info = fields.required("info", &mut self.found);
        let mut info = self.info(info, &root);
        if !self.version.is_v3() {
            info.tags.extend(self.tags(&mut fields));
            let external_docs = self.external_docs_of(&mut fields);
            info.external_docs = info.external_docs.or(external_docs);
        }
        let mut servers = IndexMap::new();
        for (key, at) in self.named(&mut fields, "servers") {
            if let Some(server) = self.server(&at, Some(&key)) {
                servers.insert(key, server);
            }
        }
        if !self.version.is_v3() && !fields.has("channels") {
            fields.missing("channels", &mut self.found);
        }
        let mut channels = IndexMap::new();
        let mut operations = IndexMap::new();
        let members = self.named(&mut fields, "channels");
        if self.version.is_v3() {
            for (key, at) in members {
                if let Some(channel) = self.channel(&at, Some(&key)) {
                    channels.insert(key, channel);
                }
            }
            for (key, at) in self.named(&mut fields, "operations") {
                if let Some(operation) = self.operation(&at, &key) {
                    operations.insert(key, operation);
                }
            }
        } else {
            for (key, at) in members {
                if let Some(channel) = self.channel_v2(&at, &key, &mut operations) {
                    channels.insert(key, channel);
                }
            }
        }
        let components = match fields.value("components", &mut self.found) {
            Some(at) => self.components(&at),
            None => Components::default(),
        };
        let extensions = fields.finish(&mut self.found);
        let schemas = std::mem::take(&mut self.schemas).finish(&mut self.resolver, &mut self.found);
        Some(Document {
            version: self.version,
            location: root.location(),
            id,
            info,
            default_content_type,
            servers,
            channels,
            operations,
            components,
            schemas,
            avro: std::mem::take(&mut self.avro),
            extensions,
            server_arena: std::mem::take(&mut self.servers),
            channel_arena: std::mem::take(&mut self.channels),
            message_arena: std::mem::take(&mut self.messages),
        })
    }

    /// The object that `at` is or refers to, which must be one of `section` when its place tells what it is.
    pub(crate) fn dereference(&mut self, at: At<'a>, section: &'static str) -> Option<At<'a>> {
        let severity_of = |severity| if DETAILS.contains(&section) { Severity::Warning } else { severity };
        let Some(reference) = at.reference() else {
            let Some(wrong) = at.get("$ref") else { return Some(at) };
            let message = format!("a `$ref` must be a string, but is {}", wrong.node.kind());
            let diagnostic = Diagnostic::new(rules::WRONG_TYPE, message, &wrong.location());
            let help = format!("write where it leads, for example `$ref: '#/components/{section}/…'`");
            self.found.push(diagnostic.severity(severity_of(Severity::Error)).help(help));
            return None;
        };
        let from = at.get("$ref").unwrap_or_else(|| at.clone()).location();
        let target = match self.resolver.follow(at) {
            Ok(target) => target.at,
            Err(failure) => {
                let severity = severity_of(failure.severity);
                self.found.push(failure.severity(severity));
                return None;
            }
        };
        match kind_of(&target.pointer) {
            Some(kind) if kind != section => {
                let message = format!("`{reference}` leads to one of `{kind}`, where one of `{section}` is expected");
                let diagnostic = Diagnostic::new(rules::WRONG_REFERENCE_KIND, message, &from)
                    .label(&target.location(), "it leads here")
                    .help(format!("refer to one of `components/{section}`, or write the object itself"));
                self.found.push(diagnostic);
                None
            }
            // These are held once, however many refer to them.
            _ if ["servers", "channels", "messages"].contains(&section) => Some(target),
            _ => self.may_copy(&target, &from).then_some(target),
        }
    }

    /// Whether one more copy of `at` is within the limit.
    pub(crate) fn may_copy(&mut self, at: &At<'a>, from: &Location) -> bool {
        let size = *self.sizes.entry(at.address()).or_insert_with(|| size(at.node));
        let before = self.copied;
        self.copied = before.saturating_add(size);
        if self.copied > MAX_COPIED && before <= MAX_COPIED {
            let message = format!("references ask for more than {MAX_COPIED} copies of values");
            let help = "make what many objects refer to smaller; from here on, such references are ignored";
            self.found.push(Diagnostic::new(rules::EXPANSION_LIMIT, message, from).help(help));
        }
        self.copied <= MAX_COPIED
    }

    /// The members of a map of named objects. The map as a whole may be a reference: `schemas: {$ref: ./schemas.yaml}`.
    pub(crate) fn named(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Vec<(String, At<'a>)> {
        let is_reference = |at: &At<'a>| at.node.get("$ref").is_some_and(|reference| reference.as_str().is_some());
        match fields.peek(name).filter(is_reference) {
            Some(at) => {
                fields.take(name);
                match self.resolver.follow(at) {
                    Ok(target) => members(&target.at),
                    Err(failure) => {
                        self.found.push(*failure);
                        Vec::new()
                    }
                }
            }
            None => fields.map(name, &mut self.found),
        }
    }

    pub(crate) fn push_server(&mut self, at: &At<'a>, server: Server) -> ServerId {
        let id = ServerId(self.servers.len() as u32);
        self.servers.push(server);
        self.server_ids.insert(at.address(), id);
        id
    }

    pub(crate) fn push_channel(&mut self, at: &At<'a>, channel: Channel) -> ChannelId {
        let id = ChannelId(self.channels.len() as u32);
        self.channels.push(channel);
        self.channel_ids.insert(at.address(), id);
        id
    }

    pub(crate) fn known_channel(&self, at: &At<'a>) -> Option<ChannelId> {
        self.channel_ids.get(&at.address()).copied()
    }

    pub(crate) fn read_message(&self, id: MessageId) -> &Message {
        &self.messages[id.0 as usize]
    }
}

/// How many nodes a tree has. Its depth is bounded by the reader of the text.
fn size(node: &Node) -> usize {
    match &node.value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(object) => 1 + object.iter().map(|(_, node)| size(node)).sum::<usize>(),
        _ => 1,
    }
}

/// Which section of a document a pointer leads to, for places whose kind is certain.
pub(crate) fn kind_of(pointer: &Pointer) -> Option<&str> {
    let mut tokens = pointer.as_str().split('/').skip(1);
    let place = (tokens.next()?, tokens.next()?, tokens.next(), tokens.next());
    if tokens.next().is_some() {
        return None;
    }
    match place {
        ("components", section, Some(_), None) => Some(section).filter(|section| SECTIONS.contains(section)),
        (section @ ("servers" | "channels" | "operations"), _, None, None) => Some(section),
        ("channels", _, Some(section @ ("messages" | "parameters")), Some(_)) => Some(section),
        _ => None,
    }
}

/// The sections of `components`.
const SECTIONS: &[&str] = &[
    "channelBindings",
    "channels",
    "correlationIds",
    "externalDocs",
    "messageBindings",
    "messageTraits",
    "messages",
    "operationBindings",
    "operationTraits",
    "operations",
    "parameters",
    "replies",
    "replyAddresses",
    "schemas",
    "securitySchemes",
    "serverBindings",
    "serverVariables",
    "servers",
    "tags",
];

/// What nothing generated depends on: faults in it are warnings.
const DETAILS: &[&str] = &[
    "channelBindings",
    "externalDocs",
    "info",
    "messageBindings",
    "messageExamples",
    "operationBindings",
    "serverBindings",
    "tags",
];

/// An [`Info`] for a document that has none.
fn no_info(root: &At<'_>) -> Info {
    Info {
        location: root.location(),
        title: String::new(),
        version: String::new(),
        description: None,
        terms_of_service: None,
        contact: None,
        license: None,
        tags: Vec::new(),
        external_docs: None,
        extensions: IndexMap::new(),
    }
}
