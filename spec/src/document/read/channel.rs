//! Channels and parameters.

use indexmap::IndexMap;

use super::binding::Owner;
use super::{Fields, Reader};
use crate::diagnostic::{Diagnostic, Severity};
use crate::document::{Channel, ChannelId, Parameter, ServerId};
use crate::resolve::At;
use crate::rules;
use crate::schema::Dialect;
use crate::source::Value;

impl<'a> Reader<'a> {
    /// The 3.x channel that `at` is or refers to. `key` is its key in the map that holds it.
    pub(super) fn channel(&mut self, at: &At<'a>, key: Option<&str>) -> Option<ChannelId> {
        let at = self.dereference(at.clone(), "channels")?;
        if let Some(id) = self.known_channel(&at) {
            return Some(id);
        }
        let mut fields = Fields::of(&at, "Channel Object", &mut self.found)?;
        let address = match fields.take("address") {
            // `null` is how 3.x says that the address is unknown until run time.
            Some(at) if at.node.value == Value::Null => None,
            Some(at) => {
                let address = super::text(at.node);
                if at.node.as_str().is_none() {
                    let message =
                        format!("`address` of a Channel Object must be a string or null, but is {}", at.node.kind());
                    let help = "write a string, or `null` when the address is only known at run time";
                    self.found.push(Diagnostic::new(rules::WRONG_TYPE, message, &at.location()).help(help));
                }
                if let Some(address) = &address {
                    self.check_address(address, &at);
                }
                address
            }
            None => None,
        };
        let mut channel = Channel {
            location: at.location(),
            key: key.map(str::to_owned).or_else(|| at.pointer.last()).unwrap_or_default(),
            title: fields.string("title", &mut self.found),
            summary: fields.string("summary", &mut self.found),
            description: fields.string("description", &mut self.found),
            messages: IndexMap::new(),
            servers: self.servers_by_reference(&mut fields),
            parameters: self.parameters(&mut fields, address.as_deref()),
            tags: self.tags(&mut fields),
            external_docs: self.external_docs_of(&mut fields),
            bindings: self.bindings_of(&mut fields, Owner::Channel),
            extensions: IndexMap::new(),
            address,
        };
        for (key, at) in self.named(&mut fields, "messages") {
            if let Some(message) = self.message(&at, Some(&key)) {
                channel.messages.insert(key, message);
            }
        }
        channel.extensions = fields.finish(&mut self.found);
        Some(self.push_channel(&at, channel))
    }

    fn servers_by_reference(&mut self, fields: &mut Fields<'a>) -> Vec<ServerId> {
        let listed = fields.list("servers", &mut self.found).unwrap_or_default();
        let mut servers = Vec::new();
        for at in listed {
            match at.node.as_str() {
                Some(name) => {
                    let message = "a channel of 3.x refers to its servers";
                    let help = format!("write `$ref: '#/servers/{name}'`; names alone are 2.x");
                    self.found.push(Diagnostic::new(rules::WRONG_TYPE, message, &at.location()).help(help));
                    servers.extend(self.server_by_name(name, &at));
                }
                None => servers.extend(self.server(&at, None)),
            }
        }
        servers
    }

    /// A server of the document by its key.
    pub(crate) fn server_by_name(&mut self, name: &str, from: &At<'a>) -> Option<ServerId> {
        match self.root.get("servers").and_then(|servers| servers.get(name)) {
            Some(at) => self.server(&at, Some(name)),
            None => {
                let message = format!("there is no server `{name}`");
                let help = format!("define it in `servers/{name}`");
                self.found.push(Diagnostic::new(rules::UNDEFINED_SERVER, message, &from.location()).help(help));
                None
            }
        }
    }

    /// The member `parameters`, in the order in which the address uses them, then the others.
    pub(crate) fn parameters(&mut self, fields: &mut Fields<'a>, address: Option<&str>) -> IndexMap<String, Parameter> {
        let mut parameters = IndexMap::new();
        for (name, at) in self.named(fields, "parameters") {
            if let Some(parameter) = self.parameter(at) {
                parameters.insert(name, parameter);
            }
        }
        let names = address_parameters(address.unwrap_or_default()).unwrap_or_default();
        parameters.sort_by_cached_key(|name, _| names.iter().position(|used| used == name).unwrap_or(names.len()));
        parameters
    }

    pub(super) fn parameter(&mut self, at: At<'a>) -> Option<Parameter> {
        let at = self.dereference(at, "parameters")?;
        let mut fields = Fields::of(&at, "Parameter Object", &mut self.found)?;
        let mut parameter = Parameter {
            location: at.location(),
            description: fields.string("description", &mut self.found),
            enum_values: Vec::new(),
            default: None,
            examples: Vec::new(),
            value_location: fields.value("location", &mut self.found).and_then(|at| self.expression(&at)),
            schema: None,
            extensions: IndexMap::new(),
        };
        if self.version.is_v3() {
            parameter.enum_values = fields.strings("enum", &mut self.found);
            parameter.default = fields.string("default", &mut self.found);
            parameter.examples = fields.strings("examples", &mut self.found);
        }
        if let Some(schema) = fields.value("schema", &mut self.found) {
            if self.version.is_v3() {
                let message = "a Parameter Object of 3.x has no field `schema`";
                let help = "write `enum`, `default` and `examples` beside `description`: parameters are strings";
                self.found.push(Diagnostic::new(rules::UNKNOWN_FIELD, message, &schema.location()).help(help));
            }
            self.upgrade_parameter(&schema, &mut parameter);
            parameter.schema = Some(self.schema(schema, Dialect::default(), None));
        }
        parameter.extensions = fields.finish(&mut self.found);
        Some(parameter)
    }

    /// Says when an address is no template.
    pub(crate) fn check_address(&mut self, address: &str, at: &At<'a>) {
        if let Err(reason) = address_parameters(address) {
            let message = format!("`{address}` is no valid address: {reason}");
            let help = "write parameters as `{name}`, with a name and both braces";
            self.found.push(
                Diagnostic::new(rules::INVALID_ADDRESS, message, &at.location()).help(help).severity(Severity::Warning),
            );
        }
    }
}

/// The names of the parameters in an address, or why it is none.
pub(crate) fn address_parameters(address: &str) -> Result<Vec<String>, &'static str> {
    let mut names = Vec::new();
    let mut rest = address;
    while let Some(open) = rest.find(['{', '}']) {
        if rest[open..].starts_with('}') {
            return Err("a brace is closed that was not opened");
        }
        let inner = &rest[open + 1..];
        let Some(close) = inner.find('}') else { return Err("a brace is not closed") };
        let name = &inner[..close];
        if name.is_empty() {
            return Err("a parameter has no name");
        }
        if name.contains('{') {
            return Err("a brace is opened inside of another");
        }
        names.push(name.to_owned());
        rest = &inner[close + 1..];
    }
    Ok(names)
}
