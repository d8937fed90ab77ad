//! What options say about the types of a document: names come in as they would be, and go out as the user wants them.
//!
//! An option names its type by the name that is generated without options, or by a pointer into the document. One that
//! names nothing is an error, and so is a name that cannot be given.

use std::collections::{BTreeMap, BTreeSet};

use event_api_spec::schema::{SchemaId, SchemaKind};
use event_api_spec::{Diagnostic, Severity};

use super::conjunction::Conjunction;
use super::names::{fold, type_name};
use super::types::Lowering;
use crate::ir::Additions;
use crate::rules;
use crate::settings::UnusedOption;

/// Up to how many types a report of an option that names none tells.
const MAX_NAMES: usize = 20;

impl Lowering<'_> {
    /// Claims the first free one of `candidates`, or the name that an option gives in its place.
    pub(super) fn claim(&mut self, candidates: impl IntoIterator<Item = String>, pointer: &str) -> String {
        if let Some(name) = self.rename_by(pointer) {
            return self.give(&name, pointer, &[""]);
        }
        let name = self.scope.claim(candidates);
        match self.rename_by(&name) {
            Some(new) => {
                self.scope.release(&name);
                self.give(&new, &name, &[""])
            }
            None => name,
        }
    }

    /// The name that the option `rename` gives to what `key` names; once, since one name is for one thing.
    pub(super) fn rename_by(&mut self, key: &str) -> Option<String> {
        let new = self.settings.rename.get(key)?.clone();
        self.used_options.insert(format!("rename {key}")).then_some(new)
    }

    /// Whether the option `rename` names one of the keys.
    pub(super) fn is_renamed(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.settings.rename.contains_key(*key))
    }

    /// Claims exactly this name, with everything that is called after it.
    pub(super) fn give(&mut self, new: &str, key: &str, suffixes: &[&str]) -> String {
        for suffix in suffixes {
            let name = format!("{new}{suffix}");
            if self.scope.is_free(&name) {
                self.scope.claim([name]);
            } else {
                let owner = self.owner(&name);
                let message =
                    format!("the option `rename` calls `{key}` `{new}`, but the name `{name}` belongs to {owner}");
                let help = "choose a name that is free, or rename the other one too".to_owned();
                self.diagnose(Diagnostic::without_location(rules::INVALID_OPTION, message).help(help));
            }
        }
        new.to_owned()
    }

    /// Whose name it is, in words.
    fn owner(&self, name: &str) -> String {
        let name = fold(name);
        let is_same = |other: &str| fold(other) == name;
        if let Some((schema, _)) = self.reserved.iter().find(|(_, reserved)| is_same(reserved)) {
            return format!("the schema `{}`", self.pointer(*schema));
        }
        if let Some((_, definition)) = self.types.iter().find(|(_, definition)| is_same(&definition.name)) {
            return match &definition.docs.source {
                Some(source) => format!("the type of {source}"),
                None => "another type".to_owned(),
            };
        }
        if self.items.iter().any(|item| name.starts_with(&fold(item))) {
            return "what is generated for a channel".to_owned();
        }
        "the generated code itself, or to another type that was renamed".to_owned()
    }

    /// What options add to the item of this name or pointer; `*` stands for all types.
    pub(super) fn additions(&mut self, keys: &[&str]) -> Additions {
        let settings = self.settings;
        Additions {
            derives: self.listed_values(&settings.derive, "derive", keys),
            attributes: self.listed_values(&settings.attr, "attr", keys),
        }
    }

    fn listed_values(&mut self, options: &BTreeMap<String, Vec<String>>, option: &str, keys: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for key in keys {
            if let Some(values) = options.get(*key) {
                self.used_options.insert(format!("{option} {key}"));
                for value in values {
                    if !found.contains(value) {
                        found.push(value.clone());
                    }
                }
            }
        }
        found
    }

    /// Whether an option that lists types has the one of this name or pointer.
    pub(super) fn is_listed(&mut self, list: &BTreeSet<String>, option: &str, name: &str, pointer: &str) -> bool {
        let found = ["*", name, pointer].into_iter().find(|key| list.contains(*key));
        if let Some(key) = found {
            self.used_options.insert(format!("{option} {key}"));
        }
        found.is_some()
    }

    /// The user's own type for a schema.
    pub(super) fn replacement(&mut self, schema: SchemaId) -> Option<String> {
        if self.settings.replace.is_empty() {
            return None;
        }
        let pointer = self.pointer(schema);
        let by_name = self.schemas[schema].name.as_deref().map(type_name);
        for key in [Some(pointer), by_name].into_iter().flatten() {
            if let Some(path) = self.settings.replace.get(&key) {
                self.used_options.insert(format!("replace {key}"));
                return Some(path.clone());
            }
        }
        None
    }

    /// The schema that another one only points at, by a reference or by an `allOf` of one reference: what stands beside
    /// it describes, but restricts nothing.
    pub(super) fn essence(&self, schema: SchemaId) -> SchemaId {
        let mut target = self.schemas.follow(schema);
        let mut all: Option<Conjunction> = None;
        // As deep as documents go; a cycle of them says nothing.
        for _ in 0..16 {
            let SchemaKind::Object(keywords) = &self.schemas[target].kind else { break };
            let [only] = keywords.all_of.as_slice() else { break };
            let inner = self.schemas.follow(*only);
            let all = all.get_or_insert_with(|| Conjunction::of(self.schemas, schema));
            if inner == *only || *all != Conjunction::of(self.schemas, inner) {
                break;
            }
            target = inner;
        }
        target
    }

    /// Refuses options that name nothing.
    pub(super) fn report_unused_options(&mut self) -> Vec<UnusedOption> {
        let mut unused = Vec::new();
        let settings = self.settings;
        let keys = settings.replace.keys().map(|key| ("replace", key));
        let keys = keys.chain(settings.rename.keys().map(|key| ("rename", key)));
        let keys = keys.chain(settings.derive.keys().map(|key| ("derive", key)));
        let keys = keys.chain(settings.attr.keys().map(|key| ("attr", key)));
        let keys = keys.chain(settings.open_enums.iter().map(|key| ("open_enum", key)));
        let keys = keys.chain(settings.keep_unknown.iter().map(|key| ("keep_unknown", key)));
        for (option, key) in keys {
            if key != "*" && !self.used_options.contains(&format!("{option} {key}")) {
                let help = self.help_with_name(key);
                let message = format!("the option `{option}` names `{key}`, which is no type of this document");
                unused.push(UnusedOption { option, name: key.clone() });
                self.diagnose(
                    Diagnostic::without_location(rules::UNUSED_OPTION, message).severity(Severity::Error).help(help),
                );
            }
        }
        let used = std::mem::take(&mut self.used_formats);
        for format in settings.formats.keys().filter(|format| !used.contains(format.as_str())) {
            unused.push(UnusedOption { option: "format", name: format.clone() });
            let message = format!("the option `format` names `{format}`, which no string of this document has");
            let help = "name a `format` of a string without `pattern` or lengths";
            self.diagnose(
                Diagnostic::without_location(rules::UNUSED_OPTION, message).severity(Severity::Error).help(help),
            );
        }
        unused
    }

    fn help_with_name(&self, key: &str) -> String {
        let types = self.types.iter().map(|(_, definition)| definition.name.as_str());
        let names: Vec<&str> = types.chain(self.items.iter().map(String::as_str)).collect();
        if let Some(near) = event_api_spec::nearest(key, names.iter().copied()) {
            return format!("did you mean `{near}`?");
        }
        let few = names.len().min(MAX_NAMES);
        let more = if names.len() > few { ", …" } else { "" };
        let names = names[..few].join(", ");
        format!(
            "name a generated type or a schema's pointer such as `#/components/schemas/User`; the types here are: {names}{more}"
        )
    }
}
