//! Rules mean what schemas mean: the official JSON Schema test suite, each schema as a rule, each instance checked by
//! it. Rules are built here while the test runs, keyword by keyword; the generator writes the same ones as statics.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
#![allow(clippy::print_stdout, reason = "a suite that is not there is a visible skip")]

use std::path::{Path, PathBuf};

use event_api::codegen::rules::{Json, Kind, Marks, Rule};
use event_api::codegen::{Decimal, Pattern};
use event_api_spec::schema::{Dialect, JsonType, Keywords, SchemaId, SchemaKind, Schemas};
use event_api_spec::{Loader, Node, Number, Value as NodeValue};
use serde_json::Value;

/// What is on purpose decided differently, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("validate definition against metaschema", METASCHEMA),
    ("remote ref, containing refs itself", METASCHEMA),
    ("recursiveRef: ", DYNAMIC),
    ("dynamicRef: ", DYNAMIC),
    ("with $recursiveRef", DYNAMIC),
    ("with $dynamicRef", DYNAMIC),
    ("custom metaschema with with no validation vocabulary", "vocabularies are not read; every keyword asserts"),
];

const METASCHEMA: &str = "the schema of schemas is remote, and remote references are refused; nothing is asserted then";
const DYNAMIC: &str = "dynamic references are read as references to their initial target";

/// References to a schema within itself are followed this often. Statics refer to themselves; what a test builds cannot.
const UNROLLED: usize = 4;

/// Makes statics of schemas, for as long as the test runs.
struct Builder<'s> {
    schemas: &'s Schemas,
    under_way: Vec<SchemaId>,
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn leak_list<T>(values: impl IntoIterator<Item = T>) -> &'static [T] {
    values.into_iter().collect::<Vec<_>>().leak()
}

fn text(text: &str) -> &'static str {
    String::from(text).leak()
}

fn pattern(source: &str) -> &'static Pattern {
    leak(Pattern::new(text(source)))
}

fn json(node: &Node) -> Json {
    match &node.value {
        NodeValue::Null => Json::Null,
        NodeValue::Bool(value) => Json::Bool(*value),
        NodeValue::Number(number) => match number.as_str().parse() {
            Ok(integer) => Json::Int(integer),
            Err(_) => Json::Number(text(number.as_str())),
        },
        NodeValue::String(value) => Json::Str(text(value)),
        NodeValue::Array(items) => Json::Array(leak_list(items.iter().map(json))),
        NodeValue::Object(members) => {
            Json::Object(leak_list(members.iter().map(|(key, value)| (text(&key.name), json(value)))))
        }
    }
}

fn kind(json_type: JsonType) -> Kind {
    match json_type {
        JsonType::Null => Kind::Null,
        JsonType::Boolean => Kind::Boolean,
        JsonType::Integer => Kind::Integer,
        JsonType::Number => Kind::Number,
        JsonType::String => Kind::String,
        JsonType::Array => Kind::Array,
        JsonType::Object => Kind::Object,
    }
}

impl Builder<'_> {
    fn rule(&mut self, id: SchemaId) -> Rule {
        if self.under_way.iter().filter(|other| **other == id).count() >= UNROLLED {
            return Rule::Anything;
        }
        self.under_way.push(id);
        let rule = match &self.schemas[id].kind {
            SchemaKind::Bool(true) => Rule::Anything,
            SchemaKind::Bool(false) => Rule::Nothing,
            SchemaKind::Object(keywords) => {
                let mut rules = Vec::new();
                self.in_place(keywords, &mut rules);
                assertions(keywords, &mut rules);
                self.arrays(keywords, self.schemas[id].dialect, &mut rules);
                self.objects(keywords, &mut rules);
                Rule::All(rules.leak())
            }
        };
        self.under_way.pop();
        Rule::See(leak(rule))
    }

    fn leaked(&mut self, id: SchemaId) -> &'static Rule {
        leak(self.rule(id))
    }

    fn rules(&mut self, ids: &[SchemaId]) -> &'static [Rule] {
        leak_list(ids.iter().map(|id| self.rule(*id)))
    }

    fn in_place(&mut self, keywords: &Keywords, rules: &mut Vec<Rule>) {
        let references = [keywords.reference, keywords.dynamic_reference];
        references.into_iter().flatten().for_each(|id| rules.push(self.rule(id)));
        if !keywords.all_of.is_empty() {
            rules.push(Rule::All(self.rules(&keywords.all_of)));
        }
        if !keywords.any_of.is_empty() {
            rules.push(Rule::AnyOf(self.rules(&keywords.any_of)));
        }
        if !keywords.one_of.is_empty() {
            rules.push(Rule::OneOf(self.rules(&keywords.one_of)));
        }
        if let Some(id) = keywords.not {
            rules.push(Rule::Not(self.leaked(id)));
        }
        if let Some(id) = keywords.if_schema {
            rules.push(Rule::If {
                condition: self.leaked(id),
                then: keywords.then_schema.map_or(&Rule::Anything, |id| self.leaked(id)),
                otherwise: keywords.else_schema.map_or(&Rule::Anything, |id| self.leaked(id)),
            });
        }
    }

    fn arrays(&mut self, keywords: &Keywords, dialect: Dialect, rules: &mut Vec<Rule>) {
        if !keywords.prefix_items.is_empty() || keywords.items.is_some() {
            let prefix = self.rules(&keywords.prefix_items);
            rules.push(Rule::Items { prefix, rest: keywords.items.map(|id| self.leaked(id)) });
        }
        if let Some(id) = keywords.contains {
            let marks = if dialect == Dialect::Draft2020 { Marks::Evaluated } else { Marks::Nothing };
            let (min, max) = (keywords.min_contains.unwrap_or(1), keywords.max_contains.unwrap_or(u64::MAX));
            rules.push(Rule::Contains { rule: self.leaked(id), min, max, marks });
        }
        if let Some(id) = keywords.unevaluated_items {
            rules.push(Rule::UnevaluatedItems(self.leaked(id)));
        }
    }

    fn objects(&mut self, keywords: &Keywords, rules: &mut Vec<Rule>) {
        let named = keywords.properties.iter().map(|(name, id)| (text(name), self.rule(*id)));
        let properties = leak_list(named);
        let named = keywords.pattern_properties.iter().map(|(source, id)| (pattern(source), self.rule(*id)));
        let patterns = leak_list(named);
        let additional = keywords.additional_properties.map(|id| self.leaked(id));
        if !properties.is_empty() || !patterns.is_empty() || additional.is_some() {
            rules.push(Rule::Members { properties, patterns, additional });
        }
        if let Some(id) = keywords.property_names {
            rules.push(Rule::Names(self.leaked(id)));
        }
        let needed = keywords.dependent_required.iter();
        let needed = needed.map(|(name, names)| (text(name), Rule::Required(leak_list(names.iter().map(|n| text(n))))));
        let dependent = leak_list(needed);
        if !dependent.is_empty() {
            rules.push(Rule::Dependent(dependent));
        }
        let dependent = leak_list(keywords.dependent_schemas.iter().map(|(name, id)| (text(name), self.rule(*id))));
        if !dependent.is_empty() {
            rules.push(Rule::Dependent(dependent));
        }
        if let Some(id) = keywords.unevaluated_properties {
            rules.push(Rule::UnevaluatedMembers(self.leaked(id)));
        }
    }
}

/// The keywords that need no other schema.
fn assertions(keywords: &Keywords, rules: &mut Vec<Rule>) {
    if let Some(types) = &keywords.types {
        rules.push(Rule::Type(leak_list(types.iter().copied().map(kind))));
    }
    if let Some(values) = &keywords.enum_values {
        rules.push(Rule::Values(leak_list(values.iter().map(json))));
    }
    if let Some(value) = &keywords.const_value {
        rules.push(Rule::Values(leak_list([json(value)])));
    }
    let decimal = |number: &Number| Decimal::parse(number.as_str());
    rules.extend(keywords.minimum.as_ref().map(decimal).map(Rule::Minimum));
    rules.extend(keywords.maximum.as_ref().map(decimal).map(Rule::Maximum));
    rules.extend(keywords.exclusive_minimum.as_ref().map(decimal).map(Rule::Above));
    rules.extend(keywords.exclusive_maximum.as_ref().map(decimal).map(Rule::Below));
    rules.extend(keywords.multiple_of.as_ref().map(decimal).map(Rule::MultipleOf));
    let limits = |min: Option<u64>, max: Option<u64>| {
        (min.is_some() || max.is_some()).then(|| (min.unwrap_or(0), max.unwrap_or(u64::MAX)))
    };
    let length = limits(keywords.min_length, keywords.max_length);
    rules.extend(length.map(|(min, max)| Rule::Length { min, max }));
    let items = limits(keywords.min_items, keywords.max_items);
    rules.extend(items.map(|(min, max)| Rule::ItemCount { min, max }));
    let members = limits(keywords.min_properties, keywords.max_properties);
    rules.extend(members.map(|(min, max)| Rule::MemberCount { min, max }));
    rules.extend(keywords.pattern.as_ref().map(|source| Rule::Pattern(pattern(source))));
    rules.extend(keywords.unique_items.then_some(Rule::UniqueItems));
    if !keywords.required.is_empty() {
        rules.push(Rule::Required(leak_list(keywords.required.iter().map(|name| text(name)))));
    }
}

fn suite() -> Option<PathBuf> {
    let folder = std::env::var_os("EVENT_API_JSON_SCHEMA_SUITE")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/json-schema-test-suite"));
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no JSON Schema test suite at {}", folder.display());
    None
}

/// The cases of one draft that are decided differently, as `file: group: case`.
fn run(draft: &str, dialect: Dialect) -> Option<(usize, Vec<String>)> {
    let suite = suite()?;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(suite.join("tests").join(draft)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let loader = Loader::new().map_remote("http://localhost:1234/", suite.join("remotes"));
    let (mut count, mut wrong) = (0, Vec::new());
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let groups: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for group in groups.as_array().unwrap() {
            let loaded = loader.load_schema_text("schema.json", &group["schema"].to_string(), dialect);
            let Some(root) = loaded.root else { continue };
            let rule = Builder { schemas: &loaded.schemas, under_way: Vec::new() }.rule(root);
            for case in group["tests"].as_array().unwrap() {
                count += 1;
                let name = path.file_stem().unwrap().to_string_lossy();
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let line = format!("{name}: {}: {}", text(&group["description"]), text(&case["description"]));
                let accepted = rule.accepts(&case["data"]);
                if Some(accepted) != case["valid"].as_bool() && !EXCEPTIONS.iter().any(|(part, _)| line.contains(part))
                {
                    wrong.push(line);
                }
                // What is told and what is decided must be the same, and a refusal names a keyword.
                match rule.check(&case["data"]) {
                    Ok(()) => assert!(accepted),
                    Err(error) => assert!(!accepted && error.to_string().ends_with("`)"), "{error}"),
                }
            }
        }
    }
    Some((count, wrong))
}

#[test]
fn rules_decide_draft_07_as_the_official_suite_has_it() {
    let Some((count, wrong)) = run("draft7", Dialect::Draft7) else { return };
    assert!(count > 900, "{count}");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn rules_decide_draft_2019_09_as_the_official_suite_has_it() {
    let Some((count, wrong)) = run("draft2019-09", Dialect::Draft2019) else { return };
    assert!(count > 1200, "{count}");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn rules_decide_draft_2020_12_as_the_official_suite_has_it() {
    let Some((count, wrong)) = run("draft2020-12", Dialect::Draft2020) else { return };
    assert!(count > 1200, "{count}");
    assert_eq!(wrong, Vec::<String>::new());
}
