//! The second opinion: the `jsonschema` crate as a validator with the choices of the fidelity contract.
//!
//! Formats are assertions only where a Rust type stands for them; references below a URL are read from a folder.

mod implied;
mod metaschemas;

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::{Draft, Retrieve, Uri, ValidationOptions, Validator};
use serde_json::Value;

pub use implied::with_implied_types;
pub use metaschemas::{METASCHEMAS, metaschemas, write_metaschemas};

use crate::batch::Reading;

/// The formats that are mapped to a Rust type, and assertions therefore.
pub const MAPPED_FORMATS: [&str; 5] = ["date-time", "date", "uuid", "ipv4", "ipv6"];

/// How an oracle reads schemas.
#[derive(Clone, Debug)]
pub struct Oracle {
    draft: Draft,
    reading: Reading,
    mirror: Option<(String, PathBuf)>,
}

/// What is valid by a schema.
#[derive(Debug)]
pub struct Judge {
    validator: Validator,
    oracle: Oracle,
    schema: Value,
}

impl Oracle {
    /// For schemas of a draft that name none themselves.
    pub fn new(draft: Draft, reading: Reading) -> Self {
        Oracle { draft, reading, mirror: None }
    }

    /// Reads what references below a URL name from a folder.
    #[must_use]
    pub fn map_remote(mut self, url: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        self.mirror = Some((url.into(), folder.into()));
        self
    }

    /// The judge of a schema.
    ///
    /// # Errors
    /// When the schema is none, or a reference leads nowhere.
    pub fn judge(&self, schema: &Value) -> Result<Judge, String> {
        let whole = schema.clone();
        let schema = self.prepared(schema);
        let options: ValidationOptions = jsonschema::options();
        // A schema that names its dialect is read in that.
        let names_dialect = schema.get("$schema").is_some();
        let options = if names_dialect { options } else { options.with_draft(self.draft) };
        // Draft-07 does not have `uuid`, and the types do in every dialect.
        let options = options.with_format("uuid", is_uuid).should_validate_formats(true);
        let options = options.with_retriever(self.clone());
        let validator = options.build(&schema).map_err(|error| error.to_string())?;
        Ok(Judge { validator, oracle: self.clone(), schema: whole })
    }

    /// The schema as it is meant: with implied types where they are read, and without formats that are annotations.
    fn prepared(&self, schema: &Value) -> Value {
        let mut schema = match self.reading {
            Reading::Exact => schema.clone(),
            Reading::Implied => with_implied_types(schema),
        };
        implied::each_schema(&mut schema, &mut |keywords| {
            let format = keywords.get("format").and_then(Value::as_str);
            let is_mapped = format.is_some_and(|format| MAPPED_FORMATS.contains(&format));
            if self.reading == Reading::Exact || !is_mapped {
                keywords.remove("format");
            }
        });
        schema
    }

    fn read(&self, uri: &str) -> Option<Value> {
        let (url, folder) = self.mirror.as_ref()?;
        let below = uri.strip_prefix(url.as_str())?;
        let text = fs::read_to_string(Path::new(folder).join(below.trim_end_matches('#'))).ok()?;
        serde_json::from_str(&text).ok()
    }
}

/// The schema without formats: where no Rust type stands for one (beside a `pattern`, within `not`), it is an annotation.
pub fn without_formats(mut schema: Value) -> Value {
    implied::each_schema(&mut schema, &mut |keywords| {
        keywords.remove("format");
    });
    schema
}

/// RFC 9562, section 4.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(index, c)| match index {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

impl Retrieve for Oracle {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let found = self.read(uri.as_str()).ok_or_else(|| format!("nothing stands for `{uri}`"))?;
        Ok(self.prepared(&found))
    }
}

impl Judge {
    /// Whether the schema accepts a value.
    pub fn accepts(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    /// Whether a part of the schema accepts a value; also when that cannot be said.
    pub(crate) fn part_accepts(&self, part: &Value, value: &Value) -> bool {
        let mut part = part.clone();
        if let (Value::Object(part), Value::Object(whole)) = (&mut part, &self.schema) {
            for keyword in ["$schema", "$id", "definitions", "$defs"] {
                if let Some(value) = whole.get(keyword) {
                    part.entry(keyword).or_insert_with(|| value.clone());
                }
            }
        }
        self.oracle.judge(&part).map_or(true, |part| part.accepts(value))
    }

    /// Whether keywords beside `$ref` say nothing.
    pub(crate) fn ignores_siblings(&self) -> bool {
        match self.schema.get("$schema").and_then(Value::as_str) {
            Some(dialect) => dialect.contains("/draft-0"),
            None => self.oracle.draft == Draft::Draft7,
        }
    }
}

#[cfg(test)]
mod tests {
    use jsonschema::Draft;
    use serde_json::json;

    use super::{MAPPED_FORMATS, Oracle};
    use crate::batch::Reading;

    #[test]
    fn formats_are_assertions_only_where_a_type_stands_for_them() {
        for draft in [Draft::Draft7, Draft::Draft201909, Draft::Draft202012] {
            let accepts = |format: &str| {
                let schema = json!({ "properties": { "a": { "format": format } } });
                Oracle::new(draft, Reading::Implied).judge(&schema).unwrap().accepts(&json!({ "a": "none" }))
            };
            let annotations: Vec<_> = MAPPED_FORMATS.iter().filter(|format| accepts(format)).collect();
            assert!(annotations.is_empty(), "{draft:?} {annotations:?}");
            assert!(accepts("email") && accepts("time") && accepts("unheard-of"));
        }
    }
}
