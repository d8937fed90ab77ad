//! Reads the members of one object: asked for by name, with every wrong type and every unknown name reported.
//!
//! What generation can do without is a warning: real documents are sloppy in everything that nothing depends on.

use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::document::Extensions;
use crate::near::nearest;
use crate::resolve::At;
use crate::rules;
use crate::source::{Key, Location, Node, Pointer, Value};

/// A member that a reader has not asked for yet.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a Key,
    pub(crate) node: &'a Node,
    /// Where it is written.
    pub(crate) pointer: Pointer,
    pub(crate) taken: bool,
}

/// The members of one object.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    /// What the specification calls the object: `Info Object`.
    what: &'static str,
    location: Location,
    entries: Vec<Entry<'a>>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The members of `at`; reported and `None` when it is no object.
    pub(crate) fn of(at: &At<'a>, what: &'static str, found: &mut Findings) -> Option<Self> {
        let Some(entries) = entries(at) else {
            let message = format!("{} must be an object, but is {}", article(what), at.node.kind());
            let diagnostic = Diagnostic::new(rules::WRONG_TYPE, message, &at.location());
            found.push(diagnostic.severity(Severity::Error).help("write its fields, each with its name, below it"));
            return None;
        };
        Some(Self::from_entries(what, at.location(), entries))
    }

    /// The same for an object that nothing generated depends on, so that it may as well be missing.
    pub(crate) fn of_detail(at: &At<'a>, what: &'static str, found: &mut Findings) -> Option<Self> {
        let mut findings = Findings::default();
        let fields = Self::of(at, what, &mut findings);
        for diagnostic in findings.into_sorted() {
            found.push(diagnostic.severity(Severity::Warning).help("it is read as absent"));
        }
        fields
    }

    /// Members that were put together from several objects.
    pub(crate) fn from_entries(what: &'static str, location: Location, entries: Vec<Entry<'a>>) -> Self {
        Fields { what, location, entries, known: Vec::new() }
    }

    /// A member as it is, `null` included.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<At<'a>> {
        self.known.push(name);
        let entry = self.entries.iter_mut().find(|entry| !entry.taken && entry.key.name == name)?;
        entry.taken = true;
        Some(At::new(entry.node, entry.pointer.clone()))
    }

    /// A member that is not `null`.
    pub(crate) fn value(&mut self, name: &'static str, found: &mut Findings) -> Option<At<'a>> {
        let at = self.take(name)?;
        if at.node.value == Value::Null {
            let message = format!("`{name}` of {} is null", article(self.what));
            found.push(
                Diagnostic::new(rules::WRONG_TYPE, message, &at.location())
                    .help("it is read as absent: leave the field out"),
            );
            return None;
        }
        Some(at)
    }

    /// A member that must be there.
    pub(crate) fn required(&mut self, name: &'static str, found: &mut Findings) -> Option<At<'a>> {
        let value = self.value(name, found);
        if value.is_none() {
            self.missing(name, found);
        }
        value
    }

    /// Says that a member that must be there is not.
    pub(crate) fn missing(&self, name: &str, found: &mut Findings) {
        let message = format!("{} has no `{name}`", article(self.what));
        let diagnostic = Diagnostic::new(rules::MISSING_FIELD, message, &self.location);
        found.push(diagnostic.help(format!("add `{name}`: the specification requires it")));
    }

    /// A text. Numbers and booleans are taken by their spelling: `version: 1.0`.
    pub(crate) fn string(&mut self, name: &'static str, found: &mut Findings) -> Option<String> {
        let at = self.value(name, found)?;
        self.to_string(name, &at, found)
    }

    /// A text that must be there.
    pub(crate) fn required_string(&mut self, name: &'static str, found: &mut Findings) -> Option<String> {
        let at = self.required(name, found)?;
        self.to_string(name, &at, found)
    }

    pub(super) fn to_string(&self, name: &str, at: &At<'a>, found: &mut Findings) -> Option<String> {
        let text = text(at.node);
        if at.node.as_str().is_none() {
            let diagnostic = self.wrong_type(name, "a string", at);
            found.push(match &text {
                Some(text) => diagnostic.help(format!("it is read as the string; write it in quotes: \"{text}\"")),
                None => diagnostic,
            });
        }
        text
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, name: &'static str, found: &mut Findings) -> Option<bool> {
        let at = self.value(name, found)?;
        match (&at.node.value, at.node.as_str()) {
            (Value::Bool(value), _) => return Some(*value),
            (_, Some("true")) => return Some(true),
            (_, Some("false")) => return Some(false),
            _ => {}
        }
        found.push(self.wrong_type(name, "a boolean", &at));
        None
    }

    /// A number from 0.
    pub(crate) fn unsigned(&mut self, name: &'static str, found: &mut Findings) -> Option<u64> {
        let at = self.value(name, found)?;
        let number = match &at.node.value {
            Value::Number(number) => number.as_i128().and_then(|number| u64::try_from(number).ok()),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            found.push(self.wrong_type(name, "a whole number that is not negative", &at));
        }
        number
    }

    /// The elements of an array.
    pub(crate) fn list(&mut self, name: &'static str, found: &mut Findings) -> Option<Vec<At<'a>>> {
        let at = self.value(name, found)?;
        let Some(items) = at.node.as_array() else {
            found.push(self.wrong_type(name, "an array", &at));
            return None;
        };
        Some(items.iter().enumerate().map(|(index, node)| At::new(node, at.pointer.join(index))).collect())
    }

    /// Texts. Numbers and booleans are taken by their spelling.
    pub(crate) fn strings(&mut self, name: &'static str, found: &mut Findings) -> Vec<String> {
        let items = self.list(name, found).unwrap_or_default();
        let mut texts = Vec::with_capacity(items.len());
        for at in items {
            if at.node.as_str().is_none() {
                found.push(self.wrong_type(name, "an array of strings", &at));
            }
            texts.extend(text(at.node));
        }
        texts
    }

    /// The members of an object whose keys are names.
    pub(crate) fn map(&mut self, name: &'static str, found: &mut Findings) -> Vec<(String, At<'a>)> {
        let Some(at) = self.value(name, found) else { return Vec::new() };
        if at.node.as_object().is_none() {
            // An empty list where an empty map is meant, as some serialisers write it.
            let severity = match at.node.as_array() {
                Some([]) => Severity::Warning,
                _ => Severity::Error,
            };
            found.push(self.wrong_type(name, "an object", &at).severity(severity));
        }
        members(&at)
    }

    fn wrong_type(&self, name: &str, expected: &str, at: &At<'a>) -> Diagnostic {
        let message = format!("`{name}` of {} must be {expected}, but is {}", article(self.what), at.node.kind());
        Diagnostic::new(rules::WRONG_TYPE, message, &at.location()).help(format!("write {expected}, or leave it out"))
    }

    /// What the specification calls the object.
    pub(super) fn what(&self) -> &'static str {
        self.what
    }

    /// Where the object is written.
    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// A member that nobody has asked for yet, without asking for it.
    pub(crate) fn peek(&self, name: &str) -> Option<At<'a>> {
        let entry = self.entries.iter().find(|entry| !entry.taken && entry.key.name == name)?;
        Some(At::new(entry.node, entry.pointer.clone()))
    }

    /// Whether a member is there that nobody has asked for yet.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.peek(name).is_some()
    }

    /// The `x-` members. Reports every other one that nobody asked for.
    pub(crate) fn finish(self, found: &mut Findings) -> Extensions {
        let mut extensions = Extensions::new();
        for entry in self.entries.iter().filter(|entry| !entry.taken) {
            let name = &entry.key.name;
            if name.starts_with("x-") {
                extensions.insert(name.clone(), entry.node.clone());
                continue;
            }
            if name == "$ref" {
                continue;
            }
            let location = Location { span: entry.key.span, pointer: entry.pointer.clone() };
            let message = format!("{} has no field `{name}`", article(self.what));
            let help = match nearest(name, self.known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("leave it out, or call it `x-{name}` if it is your own"),
            };
            found.push(Diagnostic::new(rules::UNKNOWN_FIELD, message, &location).help(help));
        }
        extensions
    }
}

/// The members of an object; `None` when it is none.
pub(crate) fn entries<'a>(at: &At<'a>) -> Option<Vec<Entry<'a>>> {
    let object = at.node.as_object()?;
    let entry =
        |(key, node): (&'a Key, &'a Node)| Entry { key, node, pointer: at.pointer.join(&key.name), taken: false };
    Some(object.iter().map(entry).collect())
}

/// The members of an object by name; none when it is no object.
pub(crate) fn members<'a>(at: &At<'a>) -> Vec<(String, At<'a>)> {
    let entries = entries(at).unwrap_or_default();
    entries.into_iter().map(|entry| (entry.key.name.clone(), At::new(entry.node, entry.pointer))).collect()
}

/// A scalar as text.
pub(crate) fn text(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `an Info Object`, `a Server Object`.
pub(crate) fn article(what: &str) -> String {
    let is_vowel =
        what.starts_with(['A', 'E', 'I', 'O', 'U']) || ["HTTP", "MQTT"].iter().any(|name| what.starts_with(name));
    let article = if is_vowel { "an" } else { "a" };
    format!("{article} {what}")
}
