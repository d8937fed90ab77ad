//! Payloads and headers: which schema language, and then the schema.

use super::Reader;
use crate::avro;
use crate::diagnostic::{Diagnostic, Severity};
use crate::document::{Payload, SchemaFormat};
use crate::resolve::{At, Target};
use crate::rules;
use crate::schema::{Dialect, SchemaId};

impl SchemaFormat {
    /// The language that a `schemaFormat` names.
    pub(crate) fn parse(text: &str) -> Self {
        let lower = text.trim().to_ascii_lowercase();
        let (media_type, parameters) = lower.split_once(';').unwrap_or((&lower, ""));
        let media_type = media_type.trim();
        let name = media_type.trim_end_matches("+json").trim_end_matches("+yaml");
        match name {
            "application/vnd.aai.asyncapi" | "application/json" | "application/yaml" | "application/x-yaml" => {
                SchemaFormat::JsonSchema(Dialect::Draft7)
            }
            "application/schema" | "application/schema-instance" => SchemaFormat::JsonSchema(match parameters {
                _ if parameters.contains("2020-12") => Dialect::Draft2020,
                _ if parameters.contains("2019-09") => Dialect::Draft2019,
                _ => Dialect::Draft7,
            }),
            "application/vnd.oai.openapi" => SchemaFormat::JsonSchema(match parameters {
                _ if parameters.contains("version=3.1") || parameters.contains("version=3.2") => Dialect::Draft2020,
                _ => Dialect::OpenApi30,
            }),
            "application/vnd.apache.avro" => SchemaFormat::Avro,
            "application/vnd.google.protobuf" => SchemaFormat::Protobuf,
            "application/raml" => SchemaFormat::Raml,
            _ => SchemaFormat::Other(text.to_owned()),
        }
    }

    /// Whether schemas in it are read.
    fn is_read(&self) -> bool {
        matches!(self, SchemaFormat::JsonSchema(_) | SchemaFormat::Avro)
    }

    fn name(&self) -> &str {
        match self {
            SchemaFormat::JsonSchema(_) => "JSON Schema",
            SchemaFormat::Avro => "Avro",
            SchemaFormat::Protobuf => "Protobuf",
            SchemaFormat::Raml => "RAML",
            SchemaFormat::Other(name) => name,
        }
    }
}

impl<'a> Reader<'a> {
    /// A payload or headers, whose language `format` names, or the object itself (3.x Multi Format Schema Object).
    ///
    /// `name` is what the schema is called unless its place says so.
    pub(crate) fn payload(&mut self, at: At<'a>, format: Option<&At<'a>>, name: Option<String>) -> Option<Payload> {
        let language = format.and_then(|at| self.language(at));
        let (language, at, own_name) = match (language, format) {
            (Some(SchemaFormat::JsonSchema(dialect)), _) => {
                // What a reference leads to may be the wrapper all the same.
                let (wrapped, at, name) = self.unwrapped(at);
                (wrapped.unwrap_or(SchemaFormat::JsonSchema(dialect)), at, name)
            }
            (Some(SchemaFormat::Avro), _) => {
                let (_, at, _) = self.unwrapped(at);
                return Some(self.avro(at));
            }
            (Some(foreign), Some(format)) => {
                self.unsupported(&foreign, format);
                return Some(self.foreign(foreign, at));
            }
            _ => {
                let (wrapped, at, name) = self.unwrapped(at);
                (wrapped.unwrap_or(SchemaFormat::JsonSchema(Dialect::default())), at, name)
            }
        };
        match language {
            SchemaFormat::JsonSchema(dialect) => Some(Payload::Schema(self.schema(at, dialect, own_name.or(name)))),
            SchemaFormat::Avro => Some(self.avro(at)),
            foreign => Some(self.foreign(foreign, at)),
        }
    }

    /// A schema in JSON Schema. A bare reference is the schema that it refers to.
    pub(crate) fn schema(&mut self, at: At<'a>, dialect: Dialect, name: Option<String>) -> SchemaId {
        let is_bare = at.reference().is_some() && at.node.as_object().is_some_and(|object| object.len() == 1);
        if is_bare && super::kind_of(&at.pointer).is_none() {
            // Failures are reported by the reader of schemas, which takes the reference instead.
            if let Ok(target) = self.resolver.follow(at.clone()) {
                let is_schema = super::kind_of(&target.at.pointer).is_none_or(|kind| kind == "schemas");
                if is_schema && target.at.node.get("schemaFormat").is_none() {
                    let name = name.or_else(|| self.schema_name(&at, &target.at));
                    return self.schemas.add(target, dialect, name);
                }
            }
        }
        let base = self.resolver.base(at.node.span.file);
        self.schemas.add(Target { at, base }, dialect, name)
    }

    /// What a schema behind a reference is called.
    fn schema_name(&self, from: &At<'a>, target: &At<'a>) -> Option<String> {
        match target.pointer.as_str() {
            "" if target.node.span.file != from.node.span.file => self.file_stem(target),
            _ => crate::schema::read::referred_name(target),
        }
    }

    /// Takes a `{schemaFormat, schema}` apart, behind references.
    fn unwrapped(&mut self, at: At<'a>) -> (Option<SchemaFormat>, At<'a>, Option<String>) {
        if at.node.as_object().is_none() {
            return (None, at, None);
        }
        let target = match at.reference() {
            // Failures are reported by whoever reads the reference itself.
            Some(_) => match self.resolver.follow(at.clone()) {
                Ok(target) => target.at,
                Err(_) => return (None, at, None),
            },
            None => at.clone(),
        };
        let (Some(format), Some(schema)) = (target.get("schemaFormat"), target.get("schema")) else {
            return (None, at, None);
        };
        let name = target.component().map(|(_, name)| name);
        let language = self.language(&format);
        if let Some(foreign) = language.as_ref().filter(|language| !language.is_read()) {
            self.unsupported(foreign, &format);
        }
        (language, schema, name)
    }

    fn language(&mut self, at: &At<'a>) -> Option<SchemaFormat> {
        let text = at.node.as_str();
        if text.is_none() {
            let message = format!("`schemaFormat` must be a string, but is {}", at.node.kind());
            let help = "write a media type, for example `application/schema+json;version=draft-07`";
            self.found.push(Diagnostic::new(rules::WRONG_TYPE, message, &at.location()).help(help));
        }
        text.map(SchemaFormat::parse)
    }

    fn unsupported(&mut self, format: &SchemaFormat, at: &At<'a>) {
        let message = format!("schemas in {} are not read", format.name());
        let help = "the event carries untyped JSON; to get a type, describe it in JSON Schema (draft-07, 2019-09, \
                    2020-12), OpenAPI 3.0 or Avro";
        self.found.push(Diagnostic::new(rules::UNSUPPORTED_SCHEMA_FORMAT, message, &at.location()).help(help));
    }

    /// A schema in Avro; untyped where it is none, or in a place that cannot be reached.
    pub(super) fn avro(&mut self, at: At<'a>) -> Payload {
        let outside = at.reference().is_some() && self.resolver.follow(at.clone()).is_err();
        if outside {
            return self.foreign(SchemaFormat::Avro, at);
        }
        let schema = avro::read(at.clone(), &mut self.avro, &mut self.avro_shared, &mut self.resolver, &mut self.found);
        match schema {
            Some(schema) => Payload::Avro(schema),
            None => self.foreign(SchemaFormat::Avro, at),
        }
    }

    /// A schema of another language, with its reference followed where that is possible.
    fn foreign(&mut self, format: SchemaFormat, at: At<'a>) -> Payload {
        let mut location = at.location();
        let mut node = at.node.clone();
        if at.reference().is_some() {
            match self.resolver.follow(at) {
                Ok(target) => {
                    location = target.at.location();
                    node = target.at.node.clone();
                }
                // The payload is untyped either way.
                Err(failure) => self.found.push(failure.severity(Severity::Warning)),
            }
        }
        Payload::Foreign { format, location, node }
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, SchemaFormat};

    #[test]
    fn schema_formats_are_told_apart_by_name_and_version() {
        let json = SchemaFormat::JsonSchema;
        for (text, expected) in [
            ("application/vnd.aai.asyncapi+yaml;version=3.0.0", json(Dialect::Draft7)),
            ("application/schema+json;version=draft-07", json(Dialect::Draft7)),
            ("application/schema+json;version=draft/2020-12", json(Dialect::Draft2020)),
            ("application/schema+yaml;version=2019-09", json(Dialect::Draft2019)),
            ("application/vnd.oai.openapi+json;version=3.0.0", json(Dialect::OpenApi30)),
            ("application/vnd.apache.avro+json;version=1.9.0", SchemaFormat::Avro),
            ("application/vnd.google.protobuf;version=3", SchemaFormat::Protobuf),
            ("application/raml+yaml;version=1.0", SchemaFormat::Raml),
            ("application/xml", SchemaFormat::Other("application/xml".to_owned())),
        ] {
            assert_eq!(SchemaFormat::parse(text), expected, "{text}");
        }
    }
}
