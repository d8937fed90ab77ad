//! The fidelity contract as a table: a generated type and the schema it was made of must agree on every value.
//!
//! The schema's opinion comes from `event_api_spec::schema::Checker`, the type's from its `Deserialize`. What the type
//! accepts is also written, must then be valid by the schema, and must read back as the same value.

use std::fmt::Debug;
use std::path::Path;

use event_api_spec::document::Document;
use event_api_spec::schema::{Checker, Dialect, SchemaKind};
use event_api_spec::{Loader, Node};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The schemas of one of the documents under `documents/`.
#[derive(Debug)]
pub struct Contract {
    document: Document,
    disagreements: Vec<String>,
}

impl Contract {
    /// Loads `documents/{name}.yaml`.
    ///
    /// # Panics
    /// When it has errors.
    pub fn of(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("documents/{name}.yaml"));
        let loaded = Loader::new().load(path);
        assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
        let Some(document) = loaded.document else { panic!("{name} is no document") };
        Contract { document, disagreements: Vec::new() }
    }

    /// Compares the type `T` with the schema of this name: both accept all of `accepted` and refuse all of `refused`.
    pub fn check<T>(&mut self, schema: &str, accepted: &[&str], refused: &[&str])
    where
        T: DeserializeOwned + Serialize + PartialEq + Debug,
    {
        for text in accepted {
            if !self.is_valid(schema, text) {
                self.disagree(schema, text, "the table is wrong: the schema refuses it");
            }
            self.accepts::<T>(schema, text);
        }
        for text in refused {
            if self.is_valid(schema, text) {
                self.disagree(schema, text, "the table is wrong: the schema accepts it");
            }
            self.refuses::<T>(schema, text);
        }
    }

    /// The type refuses these texts, which the schema accepts because it takes formats for annotations.
    pub fn refuses_formats<T: DeserializeOwned + Debug>(&mut self, schema: &str, refused: &[&str]) {
        for text in refused {
            self.refuses::<T>(schema, text);
        }
    }

    /// Ends the comparison.
    ///
    /// # Panics
    /// When there were disagreements; the message lists all.
    pub fn holds(self) {
        assert!(self.disagreements.is_empty(), "\n{}", self.disagreements.join("\n"));
    }

    fn accepts<T: DeserializeOwned + Serialize + PartialEq + Debug>(&mut self, schema: &str, text: &str) {
        let value = match serde_json::from_str::<T>(text) {
            Ok(value) => value,
            Err(error) => return self.disagree(schema, text, &format!("the type refuses it: {error}")),
        };
        match serde_json::from_str(text).and_then(serde_json::from_value::<T>) {
            Ok(same) if same == value => {}
            other => self.disagree(schema, text, &format!("read from a value it is {other:?}")),
        }
        let written = match serde_json::to_string(&value) {
            Ok(written) => written,
            Err(error) => return self.disagree(schema, text, &format!("it cannot be written: {error}")),
        };
        if !self.is_valid(schema, &written) {
            self.disagree(schema, text, &format!("the schema refuses what is written: {written}"));
        }
        match serde_json::from_str::<T>(&written) {
            Ok(again) if again == value => {}
            other => self.disagree(schema, text, &format!("it was {value:?}, and after {written} is {other:?}")),
        }
    }

    fn refuses<T: DeserializeOwned + Debug>(&mut self, schema: &str, text: &str) {
        if let Ok(value) = serde_json::from_str::<T>(text) {
            self.disagree(schema, text, &format!("the type accepts it as {value:?}"));
        }
        let from_value = serde_json::from_str(text).map(serde_json::from_value::<T>);
        if let Ok(Ok(value)) = from_value {
            self.disagree(schema, text, &format!("the type accepts it from a value as {value:?}"));
        }
    }

    fn is_valid(&self, schema: &str, text: &str) -> bool {
        let Some(id) = self.document.components.schemas.get(schema) else { panic!("there is no schema {schema}") };
        Checker::new(&self.document.schemas).is_valid(*id, &node(text))
    }

    fn disagree(&mut self, schema: &str, text: &str, what: &str) {
        self.disagreements.push(format!("{schema} and {text}: {what}"));
    }
}

/// A JSON text as a node: the constant of a schema that consists of it.
fn node(text: &str) -> Node {
    let schema = format!("{{\"const\": {text}}}");
    let loaded = Loader::new().load_schema_text("value.json", &schema, Dialect::Draft7);
    let keywords = loaded.root.map(|root| &loaded.schemas[root].kind);
    match keywords {
        Some(SchemaKind::Object(keywords)) => match &keywords.const_value {
            Some(node) => node.clone(),
            None => panic!("{text} is no JSON: {:?}", loaded.diagnostics),
        },
        _ => panic!("{text} is no JSON: {:?}", loaded.diagnostics),
    }
}
