//! The tree under construction: what both readers feed, and where the limits are watched.

use super::Source;
use crate::diagnostic::{Diagnostic, Findings};
use crate::rules;
use crate::source::{Key, Location, Node, Object, Pointer, Span, Value};

/// How deep objects and arrays may be nested. Everything behind the reader may recurse over a tree.
pub(super) const MAX_DEPTH: usize = 128;

/// How long the keys on the way to a value may be together. Locations carry their pointer, so without a bound a text
/// of one megabyte could ask for gigabytes of pointers.
const MAX_PATH: usize = 4096;

/// So many duplicate keys are reported one by one.
const MAX_DUPLICATES: usize = 100;

/// The tree is refused; the reason was reported.
pub(super) struct LimitReached;

/// An object or array that is still open.
struct Frame {
    start: usize,
    /// Where its last child ends.
    end: usize,
    /// How many levels the deepest closed child has.
    height: usize,
    /// Whether it stands where a key must stand.
    as_key: bool,
    anchor: usize,
    contents: Contents,
}

enum Contents {
    Array(Vec<Node>),
    Object { entries: Vec<(Key, Node)>, key: Option<Key>, merges: Vec<Node> },
}

/// A value that was closed.
pub(super) struct Closed {
    /// The value.
    pub(super) node: Node,
    /// Levels of nesting in it: 0 for scalars.
    pub(super) height: usize,
    /// The anchor it was given, 0 for none.
    pub(super) anchor: usize,
    /// Whether it is a key.
    as_key: bool,
}

/// The tree under construction.
pub(super) struct Tree<'a> {
    source: Source<'a>,
    frames: Vec<Frame>,
    path: usize,
    duplicates: usize,
    root: Option<Node>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(source: Source<'a>) -> Self {
        Tree { source, frames: Vec::new(), path: 0, duplicates: 0, root: None }
    }

    /// Whether everything that was opened is closed.
    pub(super) fn is_complete(&self) -> bool {
        self.frames.is_empty() && self.root.is_some()
    }

    pub(super) fn into_root(self) -> Option<Node> {
        self.root
    }

    /// Whether the next thing must be a key.
    pub(super) fn expects_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame { contents: Contents::Object { key: None, .. }, .. }))
    }

    /// Where the key whose value comes next ends.
    pub(super) fn key_end(&self) -> Option<usize> {
        match &self.frames.last()?.contents {
            Contents::Object { key: Some(key), .. } => Some(key.span.end as usize),
            _ => None,
        }
    }

    /// How many objects and arrays are open.
    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// The JSON Pointer of the value that comes next.
    pub(super) fn pointer(&self) -> Pointer {
        self.frames.iter().fold(Pointer::root(), |pointer, frame| match &frame.contents {
            Contents::Array(items) => pointer.join(items.len()),
            Contents::Object { key: Some(key), .. } => pointer.join(&key.name),
            Contents::Object { key: None, .. } => pointer,
        })
    }

    pub(super) fn location(&self, span: Span) -> Location {
        self.source.location(span, self.pointer())
    }

    pub(super) fn open_array(&mut self, start: usize, anchor: usize, found: &mut Findings) -> Result<(), LimitReached> {
        self.open(start, anchor, Contents::Array(Vec::new()), found)
    }

    pub(super) fn open_object(
        &mut self,
        start: usize,
        anchor: usize,
        found: &mut Findings,
    ) -> Result<(), LimitReached> {
        self.open(start, anchor, Contents::Object { entries: Vec::new(), key: None, merges: Vec::new() }, found)
    }

    fn open(
        &mut self,
        start: usize,
        anchor: usize,
        contents: Contents,
        found: &mut Findings,
    ) -> Result<(), LimitReached> {
        if self.frames.len() == MAX_DEPTH {
            return Err(self.too_deep(start, found));
        }
        let as_key = self.expects_key();
        self.frames.push(Frame { start, end: start, height: 0, as_key, anchor, contents });
        Ok(())
    }

    /// Reports that what begins at `start` would be nested too deeply.
    pub(super) fn too_deep(&self, start: usize, found: &mut Findings) -> LimitReached {
        let location = self.source.location(self.source.rest_of_line(start), Pointer::root());
        found.push(
            Diagnostic::new(rules::NESTING_LIMIT, format!("nested more than {MAX_DEPTH} levels deep"), &location)
                .help("move inner parts to `components` and refer to them with `$ref`"),
        );
        LimitReached
    }

    /// Names the member whose value comes next.
    pub(super) fn key(&mut self, name: String, span: Span, found: &mut Findings) -> Result<(), LimitReached> {
        self.path += name.len();
        if self.path > MAX_PATH {
            let message = format!("the keys on the way to this value are longer than {MAX_PATH} bytes together");
            found.push(
                Diagnostic::new(rules::NESTING_LIMIT, message, &self.source.location(span, Pointer::root()))
                    .help("shorten the keys, or nest less deeply"),
            );
            return Err(LimitReached);
        }
        if let Some(Frame { contents: Contents::Object { key, .. }, .. }) = self.frames.last_mut() {
            *key = Some(Key { name, span });
        }
        Ok(())
    }

    /// Takes the value that comes next as what `<<` merges into the open object.
    pub(super) fn add_merge(&mut self, node: Node) {
        let end = node.span.end as usize;
        if let Some(frame) = self.frames.last_mut() {
            frame.end = frame.end.max(end);
            if let Contents::Object { key, merges, .. } = &mut frame.contents {
                self.path -= key.take().map_or(0, |key| key.name.len());
                merges.push(node);
            }
        }
    }

    /// The key whose value comes next, if there is one.
    pub(super) fn pending_key(&self) -> Option<&Key> {
        match &self.frames.last()?.contents {
            Contents::Object { key, .. } => key.as_ref(),
            Contents::Array(_) => None,
        }
    }

    /// Adds a value that nothing more will be added to.
    pub(super) fn value(&mut self, node: Node, height: usize) {
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return;
        };
        frame.end = frame.end.max(node.span.end as usize);
        frame.height = frame.height.max(height);
        match &mut frame.contents {
            Contents::Array(items) => items.push(node),
            Contents::Object { entries, key, .. } => {
                if let Some(key) = key.take() {
                    self.path -= key.name.len();
                    entries.push((key, node));
                }
            }
        }
    }

    /// Notes that the innermost open object or array reaches at least to `end`.
    pub(super) fn extend(&mut self, end: usize) {
        if let Some(frame) = self.frames.last_mut() {
            frame.end = frame.end.max(end);
        }
    }

    /// Closes the innermost object or array. `bracket` is the end of its closing bracket, if it has one.
    pub(super) fn close(&mut self, bracket: Option<usize>, found: &mut Findings) -> Option<Closed> {
        let frame = self.frames.pop()?;
        let end = bracket.unwrap_or(0).max(frame.end);
        let span = self.source.span(frame.start, end);
        let value = match frame.contents {
            Contents::Array(items) => Value::Array(items),
            Contents::Object { entries, merges, .. } => {
                let entries = self.unique(entries, found);
                Value::Object(self.merged(entries, merges, found))
            }
        };
        let node = Node { span, value };
        Some(Closed { node, height: frame.height + 1, anchor: frame.anchor, as_key: frame.as_key })
    }

    /// Puts a closed value where it belongs: into what is open around it, or as a key that cannot be one.
    pub(super) fn place(&mut self, closed: Closed, found: &mut Findings) -> Result<(), LimitReached> {
        if !closed.as_key {
            self.value(closed.node, closed.height);
            return Ok(());
        }
        let span = closed.node.span;
        let message = format!("{} cannot be a key", closed.node.kind());
        let help = "use a string as the key; a key in braces, as in `{name}`, must be quoted";
        found.push(Diagnostic::new(rules::COMPLEX_KEY, message, &self.location(span)).help(help));
        // The member is kept under a name nobody asks for, so that its value is still read.
        self.key(format!("({} as a key)", closed.node.kind()), span, found)
    }

    /// Of members with one name, the first; the others are reported.
    fn unique(&mut self, entries: Vec<(Key, Node)>, found: &mut Findings) -> Vec<(Key, Node)> {
        let Some(repeated) = repeated_members(&entries) else { return entries };
        let object = self.pointer();
        let mut kept: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
        for ((key, node), first) in entries.into_iter().zip(repeated) {
            let Some(first) = first else {
                kept.push((key, node));
                continue;
            };
            self.duplicates += 1;
            if self.duplicates > MAX_DUPLICATES {
                continue;
            }
            let location = self.source.location(key.span, object.join(&key.name));
            let diagnostic = Diagnostic::new(rules::DUPLICATE_KEY, format!("duplicate key `{}`", key.name), &location)
                .label(&self.source.location(first, object.join(&key.name)), "first given here")
                .help("keep one of the two, or rename one; the first is used");
            found.push(diagnostic);
        }
        kept
    }

    /// Adds what `<<` brings: members that the object does not have itself (YAML 1.1, the merge key type).
    fn merged(&self, entries: Vec<(Key, Node)>, merges: Vec<Node>, found: &mut Findings) -> Object {
        let mut names: std::collections::HashSet<String> = if merges.is_empty() {
            std::collections::HashSet::new()
        } else {
            entries.iter().map(|(key, _)| key.name.clone()).collect()
        };
        let mut object = Object::default();
        for (key, node) in entries {
            object.push(key, node);
        }
        let sources = merges.into_iter().flat_map(|merge| match merge.value {
            Value::Array(items) => items,
            _ => vec![merge],
        });
        for source in sources {
            let Value::Object(members) = source.value else {
                let message = format!("`<<` merges an object or a list of objects, not {}", source.kind());
                let location = self.location(source.span);
                found.push(
                    Diagnostic::new(rules::INVALID_MERGE, message, &location)
                        .help("point `<<` at an anchored object, or quote it if it is a name: `\"<<\"`"),
                );
                continue;
            };
            for (key, node) in members.into_entries() {
                if names.insert(key.name.clone()) {
                    object.push(key, node);
                }
            }
        }
        object
    }
}

/// For each member where its name was given first, if it was given before; `None` when all names are unique.
fn repeated_members(entries: &[(Key, Node)]) -> Option<Vec<Option<Span>>> {
    // Nearly all objects are small and without duplicates: no allocation for them.
    const SMALL: usize = 12;
    if entries.len() <= SMALL {
        let unique =
            entries.iter().enumerate().all(|(i, (key, _))| entries[..i].iter().all(|(k, _)| k.name != key.name));
        if unique {
            return None;
        }
    }
    let mut first = std::collections::HashMap::with_capacity(entries.len());
    let mut any = false;
    let repeated = entries
        .iter()
        .map(|(key, _)| match first.entry(key.name.as_str()) {
            std::collections::hash_map::Entry::Occupied(entry) => {
                any = true;
                Some(*entry.get())
            }
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(key.span);
                None
            }
        })
        .collect();
    any.then_some(repeated)
}
