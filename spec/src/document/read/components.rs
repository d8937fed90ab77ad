//! The Components Object: everything in it is read, referenced or not.

use super::binding::Owner;
use super::{Fields, Reader, SECTIONS};
use crate::diagnostic::Diagnostic;
use crate::document::{Components, Payload};
use crate::resolve::At;
use crate::rules;
use crate::source::{Location, Node};

impl<'a> Reader<'a> {
    pub(super) fn components(&mut self, at: &At<'a>) -> Components {
        let mut components = Components::default();
        let Some(at) = self.dereference(at.clone(), "components") else { return components };
        let Some(mut fields) = Fields::of(&at, "Components Object", &mut self.found) else { return components };
        self.check_keys(&at);
        // Reads one section into one map.
        macro_rules! section {
            ($field:ident, $name:literal, |$key:ident, $at:ident| $read:expr) => {
                for ($key, $at) in self.named(&mut fields, $name) {
                    if let Some(object) = $read {
                        components.$field.insert($key, object);
                    }
                }
            };
        }
        for (key, at) in self.named(&mut fields, "schemas") {
            // 2.x has no place to say in which language a component is written; messages that refer to it say so.
            let is_avro = at.node.get("type").and_then(Node::as_str) == Some("record") && at.get("fields").is_some();
            let schema = if is_avro { Some(self.avro(at)) } else { self.payload(at, None, Some(key.clone())) };
            match schema {
                Some(Payload::Schema(schema)) => {
                    components.schemas.insert(key, schema);
                }
                Some(foreign) => {
                    components.foreign_schemas.insert(key, foreign);
                }
                None => {}
            }
        }
        section!(servers, "servers", |key, at| self.server(&at, Some(&key)));
        section!(server_variables, "serverVariables", |key, at| self.server_variable(at));
        section!(messages, "messages", |key, at| self.message(&at, Some(&key)));
        section!(parameters, "parameters", |key, at| self.parameter(at));
        section!(security_schemes, "securitySchemes", |key, at| self.security_scheme(at));
        section!(correlation_ids, "correlationIds", |key, at| self.correlation_id(at));
        section!(operation_traits, "operationTraits", |key, at| self.read_operation_trait(&at));
        section!(message_traits, "messageTraits", |key, at| self.read_message_trait(&at));
        section!(server_bindings, "serverBindings", |key, at| Some(self.bindings(at, Owner::Server)));
        section!(channel_bindings, "channelBindings", |key, at| Some(self.bindings(at, Owner::Channel)));
        section!(operation_bindings, "operationBindings", |key, at| Some(self.bindings(at, Owner::Operation)));
        section!(message_bindings, "messageBindings", |key, at| Some(self.bindings(at, Owner::Message)));
        if self.version.is_v3() {
            section!(channels, "channels", |key, at| self.channel(&at, Some(&key)));
            section!(operations, "operations", |key, at| self.operation(&at, &key));
            section!(replies, "replies", |key, at| self.reply(at));
            section!(reply_addresses, "replyAddresses", |key, at| self.reply_address(at));
            section!(external_docs, "externalDocs", |key, at| self.external_docs(at));
            section!(tags, "tags", |key, at| self.tag(at));
        } else {
            section!(channels, "channels", |key, at| self.unused_channel_v2(&at, &key));
        }
        components.extensions = fields.finish(&mut self.found);
        components
    }
    /// "All the fixed fields declared above are objects that MUST use keys that match the regular expression
    /// `^[a-zA-Z0-9\.\-_]+$`" (Components Object).
    fn check_keys(&mut self, at: &At<'a>) {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        for section in SECTIONS {
            let Some(section_at) = at.get(section).filter(|at| at.reference().is_none()) else { continue };
            let keys = section_at.node.as_object().into_iter().flat_map(|object| object.iter().map(|(key, _)| key));
            for key in keys.filter(|key| key.name.is_empty() || !key.name.chars().all(is_allowed)) {
                let mut allowed: String = key.name.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect();
                if allowed.is_empty() {
                    allowed.push_str("name");
                }
                let message = format!("`{}` is no key for `components/{section}`", key.name);
                let location = Location { span: key.span, pointer: section_at.pointer.join(&key.name) };
                let help = format!("write letters, digits, `.`, `-` and `_` only, for example `{allowed}`");
                self.found.push(Diagnostic::new(rules::INVALID_COMPONENT_KEY, message, &location).help(help));
            }
        }
    }
}
