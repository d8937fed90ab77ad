//! Channels, messages and operations: the event sets of a module.

use std::collections::{HashMap, HashSet};

use event_api_spec::document::{
    Action, Channel, ChannelId, CorrelationId, Document, EventTypes, Message, MessageId, Operation, Parameter, Payload,
    Reply, RuntimeExpression, SchemaFormat, TypedBinding,
};
use event_api_spec::{Diagnostic, FileId, Location};
use indexmap::IndexMap;

use super::avro::AvroLowering;
use super::names::{Scope, field_name, segment_name, set_words, type_name};
use super::object::as_struct;
use super::types::{Lowering, source_of};
use crate::ir::{
    Accessor, Address, AddressPart, Docs, Event, EventSet, Kind, Presence, Transport, Type, ValueEnum, ValueVariant,
};
use crate::rules;

/// Methods that every publisher and handler trait has, and those of `Publisher` itself, which would be called in the
/// place of a message's method of the same name.
const RESERVED_METHODS: &[&str] = &[
    "publish",
    "publish_all",
    "unknown",
    "handle",
    "address",
    "clone",
    "id",
    "subject",
    "time",
    "traceparent",
    "within",
];
/// Variants that every event enum may have.
const RESERVED_VARIANTS: &[&str] = &["Unknown"];

/// What is generated for a set of events, by what its name ends with.
const SUFFIXES: &[&str] = &["", "Publisher", "Handler", "Adapter", "Address"];

/// A message's payload and headers, lowered once however many channels carry it.
#[derive(Clone)]
struct Parts {
    payload: Option<Type>,
    headers: Option<Type>,
}

struct Channels<'d, 'l, 'a> {
    document: &'d Document,
    types: &'l mut Lowering<'a>,
    event_types: EventTypes<'d>,
    avro: AvroLowering<'d>,
    parts: HashMap<MessageId, Parts>,
    /// The set that stands for all messages of a channel.
    set_of_channel: HashMap<ChannelId, usize>,
    sets: Vec<EventSet>,
    paths: Scope,
    /// The enums of parameters, by where they are declared.
    parameters: HashMap<(FileId, String), Type>,
}

/// Lowers every channel of the document, and the types of its components, whether or not a channel uses them.
pub(super) fn lower(document: &Document, types: &mut Lowering<'_>) -> Vec<EventSet> {
    types.reserve(document.components.schemas.iter().map(|(name, schema)| (*schema, name.as_str())));
    let mut channels = Channels {
        document,
        types,
        event_types: EventTypes::new(document),
        avro: AvroLowering::new(&document.avro),
        parts: HashMap::new(),
        set_of_channel: HashMap::new(),
        sets: Vec::new(),
        paths: Scope::default(),
        parameters: HashMap::new(),
    };
    // Names of channels are claimed before those of anonymous types: a new message renames no channel.
    let named: Vec<(ChannelId, String)> = document
        .channels
        .iter()
        .map(|(key, id)| (*id, channels.claim_set_name(key, &pointer(&document[*id].location))))
        .collect();
    for (id, name) in named {
        channels.lower_channel(id, name);
    }
    for operation in document.operations.values() {
        channels.lower_restricted(operation);
    }
    for operation in document.operations.values() {
        channels.lower_reply(operation);
    }
    channels.claim_payloads();
    for (key, id) in &document.components.messages {
        channels.parts(*id, key, "");
    }
    for (name, schema) in &document.components.foreign_schemas {
        if let Payload::Avro(schema) = schema {
            channels.avro.payload(schema, name, channels.types);
        }
    }
    let sets = channels.sets;
    for (name, schema) in &document.components.schemas {
        types.lower(*schema, name.clone());
    }
    sets
}

impl Channels<'_, '_, '_> {
    /// `UserEvents` for the channel `userEvents`, `OrdersEvents` for `orders`: one rule, so that neither depends on
    /// what else is in the document. `pointer` is what options may name it by.
    fn claim_set_name(&mut self, key: &str, pointer: &str) -> String {
        let free = |scope: &Scope, name: &str| SUFFIXES.iter().all(|suffix| scope.is_free(&format!("{name}{suffix}")));
        let with_suffix = |word: String| if word.ends_with("Events") { word } else { format!("{word}Events") };
        let candidates: Vec<String> = set_words(key).into_iter().map(with_suffix).collect();
        let free_one = candidates.iter().find(|name| free(&self.types.scope, name)).cloned();
        // With a number where types of the document have all of its names.
        let numbered = || {
            let last = candidates.last().map_or("Events", String::as_str);
            let base = last.strip_suffix("Events").unwrap_or(last);
            let mut names = (2..).map(|number| format!("{base}{number}Events"));
            names.find(|name| free(&self.types.scope, name)).unwrap_or_default()
        };
        let name = free_one.unwrap_or_else(numbered);
        let keys = [pointer, name.as_str()];
        let new = keys.into_iter().find_map(|key| Some((key.to_owned(), self.types.rename_by(key)?)));
        let name = match new {
            Some((key, new)) => self.types.give(&new, &key, SUFFIXES),
            None => {
                for suffix in SUFFIXES {
                    self.types.scope.claim([format!("{name}{suffix}")]);
                }
                name
            }
        };
        self.types.items.push(name.clone());
        name
    }

    fn lower_channel(&mut self, id: ChannelId, name: String) {
        let document = self.document;
        let channel = &document[id];
        let events = self.events(&name, channel.messages.iter().map(|(key, id)| (key.as_str(), *id)));
        let mut docs = channel_docs(channel);
        docs.source = Some(source_of(self.types.sources, &channel.location));
        for operation in document.operations.values().filter(|operation| operation.channel == Some(id)) {
            docs.notes.push(operation_note(operation));
        }
        let additions = self.types.additions(&[&name, &pointer(&channel.location)]);
        let set = EventSet {
            additions,
            is_part: false,
            typed_address: self.address(&name, channel),
            channel_name: self.paths.claim([segment_name(&channel.key)]),
            title: feed_title(document, channel),
            address: channel.address.clone(),
            events,
            transports: transports(document, id),
            docs,
            name,
        };
        self.set_of_channel.insert(id, self.sets.len());
        self.sets.push(set);
    }

    /// A set of its own for an operation that is restricted to some of its channel's messages.
    fn lower_restricted(&mut self, operation: &Operation) {
        let (Some(channel), Some(messages)) = (operation.channel, &operation.messages) else { return };
        let mut docs = Docs {
            summary: operation.title.clone().or_else(|| operation.summary.clone()),
            description: operation.description.clone(),
            ..Docs::default()
        };
        docs.notes.push(operation_note(operation));
        docs.source = Some(source_of(self.types.sources, &operation.location));
        self.restricted(channel, messages, &operation.key, &operation.location, docs);
    }

    /// The set for some messages of a channel: the channel's own when they are all of it.
    fn restricted(
        &mut self,
        channel: ChannelId,
        messages: &[MessageId],
        key: &str,
        location: &Location,
        docs: Docs,
    ) -> Option<usize> {
        let whole = *self.set_of_channel.get(&channel)?;
        let all = &self.document[channel].messages;
        let chosen: IndexMap<&str, MessageId> = all
            .iter()
            .filter(|(_, message)| messages.contains(message))
            .map(|(key, message)| (key.as_str(), *message))
            .collect();
        if chosen.len() == all.len() {
            return Some(whole);
        }
        if chosen.is_empty() {
            return None;
        }
        let pointer = pointer(location);
        let name = self.claim_set_name(key, &pointer);
        let additions = self.types.additions(&[&name, &pointer]);
        let of_channel = self.sets[whole].clone();
        let channel = &self.document[channel];
        // The same event has the same type, variant and method name here as in the channel's set.
        let events = of_channel
            .events
            .iter()
            .zip(channel.messages.values())
            .filter(|(_, message)| chosen.values().any(|chosen| chosen == *message))
            .map(|(event, _)| Event { owns_payload: false, ..event.clone() })
            .collect();
        // The address is the channel's.
        self.sets.push(EventSet { name, docs, events, additions, is_part: true, ..of_channel });
        Some(self.sets.len() - 1)
    }

    /// Connects requests with the set of their replies.
    fn lower_reply(&mut self, operation: &Operation) {
        let Some(reply) = &operation.reply else { return };
        let Some(request_channel) = operation.channel else { return };
        let Some(reply_set) = self.reply_set(operation, reply) else { return };
        let Some(&requests) = self.set_of_channel.get(&request_channel) else { return };
        let document = self.document;
        let asked = document[request_channel].messages.values();
        for (event, message) in self.sets[requests].events.iter_mut().zip(asked) {
            let asks = operation.messages.as_ref().is_none_or(|messages| messages.contains(message));
            if asks && !event.replies.contains(&reply_set) {
                event.replies.push(reply_set.clone());
            }
        }
    }

    fn reply_set(&mut self, operation: &Operation, reply: &Reply) -> Option<String> {
        let channel = reply.channel?;
        let index = match &reply.messages {
            Some(messages) => {
                let docs = Docs {
                    summary: Some(format!("Replies to the operation `{}`.", operation.key)),
                    source: Some(source_of(self.types.sources, &reply.location)),
                    ..Docs::default()
                };
                let key = format!("{} reply", operation.key);
                self.restricted(channel, messages, &key, &reply.location, docs)?
            }
            None => *self.set_of_channel.get(&channel)?,
        };
        Some(self.sets[index].name.clone())
    }

    fn events<'m>(&mut self, set: &str, messages: impl Iterator<Item = (&'m str, MessageId)>) -> Vec<Event> {
        let document = self.document;
        let mut variants = Scope::with_reserved(RESERVED_VARIANTS);
        let mut methods = Scope::with_reserved(RESERVED_METHODS);
        let messages: Vec<(&str, MessageId)> = messages.collect();
        let mut events = Vec::new();
        for ((key, id), event_type) in messages.iter().copied().zip(self.event_types.of(messages.iter().copied())) {
            let message = &document[id];
            if let Some(name) = &event_type.instead_of {
                let text = format!("two messages of one channel are named `{name}`");
                let help = format!("the event type of the second one is its key, `{key}`; give it a name of its own");
                self.types.diagnose(Diagnostic::new(rules::AMBIGUOUS_EVENT_TYPE, text, &message.location).help(help));
            }
            let event_type = event_type.name;
            let word = type_name(&event_type);
            let variant = variants.claim([word.clone(), format!("{word}Event")]);
            let method = methods.claim([field_name(&event_type), field_name(&format!("{event_type}_event"))]);
            let parts = self.parts(id, &event_type, set);
            let mut docs = message_docs(message);
            docs.source = Some(source_of(self.types.sources, &message.location));
            if variant != event_type {
                docs.notes.push(format!("Event type on the wire: `{event_type}`."));
            }
            let correlation_id = message.correlation_id.as_ref().and_then(|id| self.accessor(id, &parts));
            events.push(Event {
                variant,
                method,
                docs,
                payload: parts.payload,
                headers: parts.headers,
                owns_payload: false,
                correlation_id,
                replies: Vec::new(),
                is_request: false,
                event_type,
            });
        }
        events
    }

    fn parts(&mut self, id: MessageId, word: &str, set: &str) -> Parts {
        if let Some(parts) = self.parts.get(&id) {
            return parts.clone();
        }
        let document = self.document;
        let message = &document[id];
        let name = type_name(word);
        let headers_name = self.trait_word(message).unwrap_or_else(|| name.clone());
        let headers_name =
            if headers_name.ends_with("Headers") { headers_name } else { format!("{headers_name}Headers") };
        let parts = Parts {
            payload: message.payload.as_ref().map(|payload| {
                let position = self.part_name(&name, "Payload", set, message);
                self.lower_payload(payload, &position, &name, message)
            }),
            headers: message.headers.as_ref().map(|headers| {
                let position = self.part_name(&headers_name, "", set, message);
                self.lower_payload(headers, &position, &name, message)
            }),
        };
        self.parts.insert(id, parts.clone());
        parts
    }

    /// What the trait is called from which a message has its headers: all messages with that trait share their type.
    fn trait_word(&self, message: &Message) -> Option<String> {
        let Some(Payload::Schema(schema)) = &message.headers else { return None };
        let pointer = self.types.schemas[*schema].location.pointer.to_string();
        let name = pointer.strip_prefix("/components/messageTraits/")?.strip_suffix("/headers")?;
        Some(type_name(&name.replace("~1", "/").replace("~0", "~")))
    }

    /// What a payload or headers without a name of their own are called: as the message is; else what they are, beside a
    /// schema of that name; else after the channel too, beside messages of that name in others.
    fn part_name(&self, name: &str, suffix: &str, set: &str, message: &Message) -> String {
        let channel = set.strip_suffix("Events").unwrap_or(set);
        let mut names = [name.to_owned(), format!("{name}{suffix}"), format!("{channel}{name}")];
        let is_schema = self.document.components.schemas.keys().any(|key| type_name(key) == name);
        let is_inline = message.location.pointer.to_string().starts_with("/channels/");
        if is_inline && !is_schema {
            names.swap(1, 2);
        }
        let free = names.iter().find(|name| self.types.scope.is_free(name));
        free.unwrap_or(&names[1]).clone()
    }

    fn lower_payload(&mut self, payload: &Payload, position: &str, name: &str, message: &Message) -> Type {
        match payload {
            Payload::Schema(schema) => self.types.lower(*schema, position),
            Payload::Avro(schema) => self.avro.payload(schema, position, self.types),
            Payload::Foreign { format, location, .. } => {
                let what = message.name.as_deref().unwrap_or(name);
                if *format == SchemaFormat::Avro {
                    let text = format!("the Avro schema of message `{what}` could not be read");
                    let help = "the event carries an untyped JSON value; what is wrong is said at the schema";
                    self.types.diagnose(Diagnostic::new(rules::FOREIGN_SCHEMA, text, location).help(help));
                    return Type::Any;
                }
                let language = match format {
                    SchemaFormat::Protobuf => "Protobuf".to_owned(),
                    SchemaFormat::Raml => "RAML".to_owned(),
                    SchemaFormat::Other(name) => format!("`{name}`"),
                    other => format!("{other:?}"),
                };
                let text = format!("the schema of message `{what}` is written in {language}, which is not read");
                let help = "the event carries an untyped JSON value; describe it in JSON Schema or Avro to get a type";
                self.types.diagnose(Diagnostic::new(rules::FOREIGN_SCHEMA, text, location).help(help));
                Type::Any
            }
        }
    }

    /// The way to a correlation id through structs, each step a declared member.
    fn accessor(&mut self, id: &CorrelationId, parts: &Parts) -> Option<Accessor> {
        let (in_headers, pointer, start) = match id.value_location.as_ref()? {
            RuntimeExpression::Header(pointer) => (true, pointer, parts.headers.as_ref()),
            RuntimeExpression::Payload(pointer) => (false, pointer, parts.payload.as_ref()),
        };
        let mut ty = start.cloned();
        let mut fields = Vec::new();
        for token in pointer.tokens() {
            let field = match &ty {
                Some(Type::Named(id)) => as_struct(&self.types.types, *id)
                    .and_then(|object| object.fields.iter().find(|field| field.wire_name == token)),
                _ => None,
            };
            match field {
                Some(field) => {
                    let nullable = matches!(field.ty, Type::Nullable(_));
                    fields.push((field.name.clone(), nullable || field.presence == Presence::Optional));
                    ty = Some(match &field.ty {
                        Type::Nullable(inner) => (**inner).clone(),
                        other => other.clone(),
                    });
                }
                None => {
                    let what = if in_headers { "headers" } else { "payload" };
                    let message = format!("the correlation id's location leads to no declared member of the {what}");
                    let help = format!("declare `{token}` in the schema of the {what} to get an accessor for it");
                    self.types
                        .diagnose(Diagnostic::new(rules::CORRELATION_ID_NOWHERE, message, &id.location).help(help));
                    return None;
                }
            }
        }
        if fields.is_empty() {
            return None;
        }
        Some(Accessor { in_headers, fields, ty: ty?, description: id.description.clone() })
    }

    fn address(&mut self, set: &str, channel: &Channel) -> Option<Address> {
        let template = channel.address.as_deref()?;
        let mut parts = Vec::new();
        let mut scope = Scope::default();
        let mut rest = template;
        while let Some((literal, behind)) = rest.split_once('{') {
            let (name, behind) = behind.split_once('}')?;
            if !literal.is_empty() {
                parts.push(AddressPart::Literal(literal.to_owned()));
            }
            let parameter = channel.parameters.get(name);
            let ty = self.parameter_type(set, name, parameter);
            let docs = Docs { description: parameter.and_then(|p| p.description.clone()), ..Docs::default() };
            parts.push(AddressPart::Parameter { field: scope.claim([field_name(name)]), ty, docs });
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(AddressPart::Literal(rest.to_owned()));
        }
        let has_parameters = parts.iter().any(|part| matches!(part, AddressPart::Parameter { .. }));
        has_parameters.then(|| {
            let name = format!("{set}Address");
            let name = match self.types.rename_by(&name) {
                Some(new) => {
                    self.types.scope.release(&name);
                    self.types.give(&new, &name, &[""])
                }
                None => name,
            };
            self.types.items.push(name.clone());
            Address { additions: self.types.additions(&[&name]), name, parts }
        })
    }

    fn parameter_type(&mut self, set: &str, name: &str, parameter: Option<&Parameter>) -> Type {
        let Some(parameter) = parameter.filter(|parameter| !parameter.enum_values.is_empty()) else {
            return Type::String;
        };
        let pointer = pointer(&parameter.location);
        let place = (parameter.location.span.file, pointer.clone());
        if let Some(ty) = self.parameters.get(&place) {
            return ty.clone();
        }
        let mut scope = Scope::default();
        let variants = parameter
            .enum_values
            .iter()
            .map(|value| ValueVariant { name: scope.claim([type_name(value)]), value: value.clone().into() })
            .collect();
        // One that channels share is called as it is, others after their channel.
        let shared = parameter.location.pointer.to_string().starts_with("/components/").then(|| type_name(name));
        let base = set.strip_suffix("Events").unwrap_or(set);
        let own = format!("{base}{}", type_name(name));
        let name = self.types.claim(shared.into_iter().chain([own]), &pointer);
        let additions = self.types.additions(&["*", &name, &pointer]);
        let settings = self.types.settings;
        let is_open = self.types.is_listed(&settings.open_enums, "open_enum", &name, &pointer);
        let other = is_open.then(|| scope.claim(["Other".to_owned()]));
        let definition = crate::ir::Definition {
            name,
            docs: Docs {
                description: parameter.description.clone(),
                source: Some(source_of(self.types.sources, &parameter.location)),
                ..Docs::default()
            },
            kind: Kind::ValueEnum(ValueEnum { variants, other }),
            additions,
        };
        let ty = Type::Named(self.types.types.add(definition));
        self.parameters.insert(place, ty.clone());
        ty
    }

    /// A payload type that stands for one message of the whole document can say which, and one that is answered alike
    /// wherever it is asked can say by what.
    fn claim_payloads(&mut self) {
        let mut uses: HashMap<Type, Vec<Vec<String>>> = HashMap::new();
        let channel_sets: Vec<usize> = (0..self.sets.len()).filter(|index| !self.sets[*index].is_part).collect();
        for index in &channel_sets {
            for event in &self.sets[*index].events {
                if let Some(payload @ Type::Named(_)) = &event.payload {
                    uses.entry(payload.clone()).or_default().push(event.replies.clone());
                }
            }
        }
        let mut requests = HashSet::new();
        for index in channel_sets {
            for event in &mut self.sets[index].events {
                let Some(payload) = &event.payload else { continue };
                let Some(uses) = uses.get(payload) else { continue };
                event.owns_payload = uses.len() == 1 && event.headers.is_none();
                let answered_alike = event.replies.len() == 1 && uses.iter().all(|replies| *replies == event.replies);
                event.is_request = answered_alike && requests.insert(payload.clone());
            }
        }
    }
}

/// What options name a thing of the document by.
fn pointer(location: &Location) -> String {
    format!("#{}", location.pointer)
}

fn channel_docs(channel: &Channel) -> Docs {
    let summary = channel.title.clone().or_else(|| channel.summary.clone());
    let unnamed = summary.is_none() && channel.description.is_none();
    Docs {
        summary: summary.or_else(|| unnamed.then(|| format!("The events of the channel `{}`.", channel.key))),
        description: channel.description.clone().or_else(|| channel.summary.clone()),
        ..Docs::default()
    }
}

fn message_docs(message: &Message) -> Docs {
    let summary = message.summary.clone().or_else(|| message.title.clone());
    Docs { summary, description: message.description.clone(), ..Docs::default() }
}

fn operation_note(operation: &Operation) -> String {
    let verb = match operation.action {
        Action::Send => "sends",
        Action::Receive => "receives",
    };
    let summary = operation.summary.as_deref().or(operation.title.as_deref()).map(str::trim);
    match summary.filter(|summary| !summary.is_empty()) {
        Some(summary) => format!("The application {verb} them (operation `{}`): {summary}", operation.key),
        None => format!("The application {verb} them (operation `{}`).", operation.key),
    }
}

fn feed_title(document: &Document, channel: &Channel) -> String {
    let channel = channel.title.as_deref().unwrap_or(&channel.key);
    format!("{}: {channel}", document.info.title)
}

/// `x-event-api: { transports: [feed, webhook] }` on the channel, else the http bindings of its operations, else both.
fn transports(document: &Document, id: ChannelId) -> Vec<Transport> {
    let channel = &document[id];
    let stated = channel.extensions.get("x-event-api").and_then(|node| node.get("transports"));
    if let Some(items) = stated.and_then(event_api_spec::Node::as_array) {
        let stated: Vec<Transport> = items
            .iter()
            .filter_map(|item| match item.as_str()? {
                "feed" => Some(Transport::Feed),
                "webhook" => Some(Transport::Webhook),
                _ => None,
            })
            .collect();
        if !stated.is_empty() {
            return stated;
        }
    }
    let mut bound = Vec::new();
    for operation in document.operations.values().filter(|operation| operation.channel == Some(id)) {
        let Some(binding) = operation.bindings.get("http") else { continue };
        let Some(TypedBinding::HttpOperation(http)) = &binding.typed else { continue };
        let transport = match http.method.as_deref() {
            Some(method) if method.eq_ignore_ascii_case("get") => Transport::Feed,
            Some(method) if method.eq_ignore_ascii_case("post") => Transport::Webhook,
            _ => continue,
        };
        if !bound.contains(&transport) {
            bound.push(transport);
        }
    }
    if bound.is_empty() { vec![Transport::Feed, Transport::Webhook] } else { bound }
}
