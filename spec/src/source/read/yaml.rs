//! YAML 1.2 into the tree, from the events of `saphyr-parser`.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as Marks, StrInput, Tag};

use super::Source;
use super::offsets::Offsets;
use super::relax::{join_flow_lines, quoted_length};
use super::scalar::{self, Scalar};
use super::tree::{LimitReached, MAX_DEPTH, Tree};
use crate::diagnostic::{Diagnostic, Findings};
use crate::rules;
use crate::source::{Node, Span, Value};

/// How many bytes anchored values and their copies may take altogether: far beyond any honest document, and
/// far below what hurts.
const COPY_BUDGET: usize = 64 << 20;

/// The prefix of the tags that YAML itself defines.
const CORE: &str = "tag:yaml.org,2002:";

/// Reads the first document of a stream.
pub(super) fn read(source: Source<'_>, found: &mut Findings) -> Option<Node> {
    let text = &source.text[source.start..];
    let mut strict = Findings::default();
    let outcome = read_as(source, text, &mut strict);
    if let Err(Stop::Syntax(error)) = &outcome
        && error.info().contains("invalid indentation")
        && let Some(joined) = join_flow_lines(text)
    {
        let mut relaxed = Findings::default();
        if let Ok(node) = read_as(source, &joined, &mut relaxed) {
            let at = Offsets::new(text, source.start).byte(error.marker().index());
            found.push(under_indented(source, at));
            found.append(relaxed);
            return node;
        }
    }
    found.append(strict);
    outcome.ok().flatten()
}

/// Reads the first document of `text`, whose characters stand at the same indices as those of the source.
fn read_as<'a>(source: Source<'a>, text: &'a str, found: &mut Findings) -> Result<Option<Node>, Stop> {
    let mut reader = Reader {
        source,
        offsets: Offsets::new(&source.text[source.start..], source.start),
        tree: Tree::new(source),
        anchors: HashMap::new(),
        copied: 0,
    };
    let mut parser = Parser::new_from_str(text);
    match reader.document(&mut parser, found) {
        Ok(true) => {}
        Ok(false) => {
            found.push(reader.empty());
            return Ok(None);
        }
        Err(Stop::Limit) => return Err(Stop::Limit),
        Err(Stop::Syntax(error)) => {
            // The scanner has a limit of its own for what it must look ahead.
            if error.info().contains("recursion limit") {
                reader.tree.too_deep(reader.offsets.byte(error.marker().index()), found);
            } else {
                found.push(reader.syntax(&error));
            }
            return Err(Stop::Syntax(error));
        }
    }
    if let Some(diagnostic) = reader.second_document(&mut parser) {
        found.push(diagnostic);
    }
    Ok(reader.tree.into_root())
}

fn under_indented(source: Source<'_>, at: usize) -> Diagnostic {
    let location = source.location(source.rest_of_line(at), Default::default());
    Diagnostic::new(rules::FLOW_INDENTATION, "this line is indented less than the block it belongs to", &location)
        .help("indent every line between the brackets, and the closing bracket, deeper than the key before them")
}

/// Why reading ends before the document does.
enum Stop {
    Limit,
    Syntax(ScanError),
}

impl From<LimitReached> for Stop {
    fn from(_: LimitReached) -> Self {
        Stop::Limit
    }
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        Stop::Syntax(error)
    }
}

/// A value that aliases can name.
struct Anchored {
    node: Node,
    height: usize,
    weight: usize,
}

struct Reader<'a> {
    source: Source<'a>,
    offsets: Offsets,
    tree: Tree<'a>,
    anchors: HashMap<usize, Anchored>,
    copied: usize,
}

impl<'a> Reader<'a> {
    /// Reads events up to the end of the first document. `false` when there is none.
    fn document(&mut self, parser: &mut Parser<'a, StrInput<'a>>, found: &mut Findings) -> Result<bool, Stop> {
        while let Some(event) = parser.next_event() {
            let (event, marks) = event?;
            match event {
                Event::Scalar(text, style, anchor, tag) => {
                    let is_root = self.tree.depth() == 0;
                    if is_root && text.is_empty() && style == ScalarStyle::Plain {
                        return Ok(false);
                    }
                    self.scalar(text, style, anchor, tag, marks, found)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.check_collection_tag(tag, "seq", marks, found);
                    self.tree.open_array(self.sequence_start(marks), anchor, found)?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.check_collection_tag(tag, "map", marks, found);
                    self.tree.open_object(self.offsets.byte(marks.start.index()), anchor, found)?;
                }
                Event::SequenceEnd => self.close(marks, b']', found)?,
                Event::MappingEnd => self.close(marks, b'}', found)?,
                Event::Alias(anchor) => self.alias(anchor, marks, found)?,
                Event::DocumentEnd => return Ok(self.tree.is_complete()),
                Event::StreamEnd => return Ok(false),
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
            }
        }
        Ok(false)
    }

    fn span(&self, marks: Marks) -> Span {
        self.source.span(self.offsets.byte(marks.start.index()), self.offsets.byte(marks.end.index()))
    }

    /// Where a sequence begins. The mark of one whose dashes are not indented below its key is behind the first dash.
    fn sequence_start(&self, marks: Marks) -> usize {
        let start = self.offsets.byte(marks.start.index());
        let before = self.source.text[..start].trim_end_matches([' ', '\t']);
        if self.tree.pending_key().is_some() && before.ends_with('-') { before.len() - 1 } else { start }
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        marks: Marks,
        found: &mut Findings,
    ) -> Result<(), Stop> {
        let mut span = self.span(marks);
        let start = span.start as usize;
        match style {
            // A block scalar's last mark is at the next token.
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let visible = self.source.text[start..span.end as usize].trim_end().len();
                span = self.source.span(start, start + visible);
            }
            // A quoted scalar's last mark is behind the blanks and the comment that follow it.
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                span = self.source.span(start, quoted_end(self.source.text, start));
            }
            // A value that is not there stands behind its key's colon.
            ScalarStyle::Plain if text.is_empty() && anchor == 0 && tag.is_none() => {
                let at = start + usize::from(self.source.text[start..].starts_with(':'));
                let at = self.tree.key_end().map_or(at, |key_end| at.max(key_end).min(key_end + 1));
                span = self.source.span(at, at);
            }
            _ => {}
        }
        let is_plain = style == ScalarStyle::Plain;
        if self.tree.expects_key() {
            let name = text.into_owned();
            if anchor != 0 {
                self.remember(anchor, &Node { span, value: Value::String(name.clone()) }, 0, span, found)?;
            }
            return Ok(self.tree.key(name, span, found)?);
        }
        let value = self.resolve(text.into_owned(), is_plain, tag, span, found);
        self.add(Node { span, value }, 0, anchor, found)
    }

    /// Adds a finished value, as a member, an item, the root, or what `<<` merges.
    fn add(&mut self, node: Node, height: usize, anchor: usize, found: &mut Findings) -> Result<(), Stop> {
        if anchor != 0 {
            self.remember(anchor, &node, height, node.span, found)?;
        }
        if self.is_merge() {
            self.tree.add_merge(node);
        } else {
            self.tree.value(node, height);
        }
        Ok(())
    }

    /// Whether the value that comes next belongs to a merge key: `<<`, unquoted. A quoted one is a name like any other.
    fn is_merge(&self) -> bool {
        self.tree
            .pending_key()
            .is_some_and(|key| key.name == "<<" && self.source.text[key.span.start as usize..].starts_with("<<"))
    }

    fn close(&mut self, marks: Marks, bracket: u8, found: &mut Findings) -> Result<(), Stop> {
        let at = self.offsets.byte(marks.start.index());
        let bracket = (self.source.text.as_bytes().get(at) == Some(&bracket)).then_some(at + 1);
        let Some(closed) = self.tree.close(bracket, found) else { return Ok(()) };
        if closed.anchor != 0 {
            self.remember(closed.anchor, &closed.node, closed.height, closed.node.span, found)?;
        }
        if self.is_merge() {
            self.tree.add_merge(closed.node);
            return Ok(());
        }
        Ok(self.tree.place(closed, found)?)
    }

    fn alias(&mut self, anchor: usize, marks: Marks, found: &mut Findings) -> Result<(), Stop> {
        let span = self.span(marks);
        let Some(anchored) = self.anchors.get(&anchor) else {
            // The anchor exists, or the parser would have refused the alias; so it is not closed yet.
            let location = self.tree.location(span);
            found.push(
                Diagnostic::new(rules::ALIAS_LIMIT, "this alias stands within the value that it names", &location)
                    .help("use `$ref` for recursive schemas; a YAML alias is a copy and cannot contain itself"),
            );
            return Err(Stop::Limit);
        };
        let (height, weight) = (anchored.height, anchored.weight);
        if self.tree.depth() + height > MAX_DEPTH {
            return Err(self.tree.too_deep(span.start as usize, found).into());
        }
        if self.copied.saturating_add(weight) > COPY_BUDGET {
            return Err(self.over_budget(span, found));
        }
        self.copied += weight;
        let node = anchored.node.clone();
        if !self.tree.expects_key() {
            // The copy keeps the spans of the original, so that findings within it point to what must be changed.
            self.add(node, height, 0, found)?;
            self.tree.extend(span.end as usize);
            return Ok(());
        }
        let name = match node.value {
            Value::String(name) => name,
            Value::Number(number) => number.as_str().to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Null => "null".to_owned(),
            Value::Array(_) | Value::Object(_) => {
                let message = format!("{} cannot be a key", node.kind());
                let location = self.tree.location(span);
                found.push(Diagnostic::new(rules::COMPLEX_KEY, message, &location).help("use a string as the key"));
                format!("({} as a key)", node.kind())
            }
        };
        Ok(self.tree.key(name, span, found)?)
    }

    fn remember(
        &mut self,
        anchor: usize,
        node: &Node,
        height: usize,
        span: Span,
        found: &mut Findings,
    ) -> Result<(), Stop> {
        let weight = weight(node);
        if self.copied.saturating_add(weight) > COPY_BUDGET {
            return Err(self.over_budget(span, found));
        }
        self.copied += weight;
        self.anchors.insert(anchor, Anchored { node: node.clone(), height, weight });
        Ok(())
    }

    fn over_budget(&self, span: Span, found: &mut Findings) -> Stop {
        let message = format!("aliases make this document larger than {} MiB", COPY_BUDGET >> 20);
        let location = self.tree.location(span);
        found.push(
            Diagnostic::new(rules::ALIAS_LIMIT, message, &location)
                .help("use `$ref` instead of YAML aliases; a reference is not a copy"),
        );
        Stop::Limit
    }

    /// The value of a scalar: by its tag, else by its style and text.
    fn resolve(
        &self,
        text: String,
        is_plain: bool,
        tag: Option<Cow<'_, Tag>>,
        span: Span,
        found: &mut Findings,
    ) -> Value {
        let Some(tag) = tag else {
            return if is_plain { self.finite(scalar::plain(text), span, found) } else { Value::String(text) };
        };
        let name = format!("{}{}", tag.handle, tag.suffix);
        let Some(core) = name.strip_prefix(CORE) else {
            // `!` alone is the non-specific tag: the scalar is a string.
            if name != "!" {
                self.unknown_tag(&name, span, found);
                return if is_plain { self.finite(scalar::plain(text), span, found) } else { Value::String(text) };
            }
            return Value::String(text);
        };
        let resolved = match core {
            "str" | "binary" | "timestamp" => return Value::String(text),
            "null" => scalar::is_null(&text).then_some(Value::Null),
            "bool" => scalar::boolean(&text).map(Value::Bool),
            "int" | "float" => match self.finite(scalar::number(text.clone()), span, found) {
                Value::Number(number) if core == "float" || number.as_i128().is_some() => Some(Value::Number(number)),
                _ => None,
            },
            _ => {
                self.unknown_tag(&name, span, found);
                return Value::String(text);
            }
        };
        resolved.unwrap_or_else(|| {
            let message = format!("`{text}` is no value for the tag `!!{core}`");
            found.push(
                Diagnostic::new(rules::INVALID_TAG, message, &self.tree.location(span))
                    .help("remove the tag or correct the value"),
            );
            Value::String(text)
        })
    }

    fn finite(&self, scalar: Scalar, span: Span, found: &mut Findings) -> Value {
        match scalar {
            Scalar::Value(value) => value,
            Scalar::Unrepresentable => {
                let text = &self.source.text[span.start as usize..span.end as usize];
                let message = format!("JSON has no number `{text}`, so it is read as a string");
                found.push(
                    Diagnostic::new(rules::UNREPRESENTABLE_NUMBER, message, &self.tree.location(span))
                        .help("leave the keyword out for an unlimited range, or quote the value if a string is meant"),
                );
                Value::String(text.to_owned())
            }
        }
    }

    fn check_collection_tag(&self, tag: Option<Cow<'_, Tag>>, expected: &str, marks: Marks, found: &mut Findings) {
        let Some(tag) = tag else { return };
        let name = format!("{}{}", tag.handle, tag.suffix);
        if name != "!" && name.strip_prefix(CORE) != Some(expected) {
            self.unknown_tag(&name, self.span(marks), found);
        }
    }

    fn unknown_tag(&self, name: &str, span: Span, found: &mut Findings) {
        let shown = name.strip_prefix(CORE).map_or_else(|| name.to_owned(), |core| format!("!!{core}"));
        found.push(
            Diagnostic::new(rules::UNKNOWN_TAG, format!("the tag `{shown}` is ignored"), &self.tree.location(span))
                .help("write the value without a tag"),
        );
    }

    fn empty(&self) -> Diagnostic {
        let location = self.source.location(self.source.rest_of_line(self.source.text.len()), Default::default());
        Diagnostic::new(rules::EMPTY_DOCUMENT, "the file is empty", &location)
            .help("an AsyncAPI document begins with `asyncapi: 3.0.0`")
    }

    /// Whether something follows the first document.
    fn second_document(&self, parser: &mut Parser<'a, StrInput<'a>>) -> Option<Diagnostic> {
        let (event, start) = parser.next_event()?.ok()?;
        if !matches!(event, Event::DocumentStart(_)) {
            return None;
        }
        // `---` at the end of the file starts a document that holds nothing.
        if let Some(Ok((Event::Scalar(text, ScalarStyle::Plain, 0, None), _))) = parser.next_event()
            && text.is_empty()
        {
            return None;
        }
        let span = self.source.rest_of_line(self.offsets.byte(start.start.index()));
        let location = self.source.location(span, Default::default());
        Some(
            Diagnostic::new(rules::MULTIPLE_DOCUMENTS, "the file holds a second document, which is ignored", &location)
                .help("put each document into a file of its own"),
        )
    }

    fn syntax(&self, error: &ScanError) -> Diagnostic {
        let at = self.offsets.byte(error.marker().index());
        let span = self.source.rest_of_line(at);
        let location = self.tree.location(span);
        let diagnostic = Diagnostic::new(rules::YAML_SYNTAX, format!("not valid YAML: {}", error.info()), &location);
        diagnostic.help(advice(error.info()))
    }
}

/// Where the quoted scalar ends whose properties, or else whose opening quote, begin at `start`.
fn quoted_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    // Anchors and tags, and what separates them.
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\'' | b'"' => break,
            b'#' => at += bytes[at..].iter().take_while(|&&b| b != b'\n').count(),
            b'&' | b'!' => at += bytes[at..].iter().take_while(|b| !b.is_ascii_whitespace()).count(),
            _ => at += 1,
        }
    }
    at + quoted_length(text.get(at..).unwrap_or_default())
}

/// What to do about a syntax error.
fn advice(info: &str) -> &'static str {
    const ADVICE: &[(&str, &str)] = &[
        ("tab", "indent with spaces; YAML does not allow tabs there"),
        ("mapping values are not allowed", "quote a value that contains `: `, or put the nested key on its own line"),
        ("simple key expect", "every key needs a `:` behind it, and lines of one object the same indentation"),
        ("indentation", "indent the line like its siblings"),
        ("unexpected end of stream", "close the quote"),
        ("unknown anchor", "define the anchor before the alias, or quote a value that begins with `*`"),
        ("unexpected character", "quote a value that begins with this character"),
        ("block sequence entries", "put the list on its own lines, indented below its key"),
        ("expected key", "indent the line like its siblings; every line of an object is `key: value`"),
        ("expected '-'", "indent the line like its siblings; every entry of a list begins with `- `"),
        ("byte order mark", "remove the byte order mark (U+FEFF)"),
        ("recursion limit", "nest less deeply"),
        ("flow", "look for a missing or surplus comma, quote or bracket"),
        ("bracket", "look for a missing or surplus bracket"),
        ("comment", "put a space before `#`, or quote the value if `#` belongs to it"),
        ("anchor", "quote a value that begins with `&` or `*`"),
        ("tag", "quote a value that begins with `!`"),
    ];
    ADVICE
        .iter()
        .find(|(part, _)| info.contains(part))
        .map_or("look here or on the line before for wrong indentation or a missing quote", |(_, advice)| advice)
}

/// About how many bytes a value takes.
fn weight(node: &Node) -> usize {
    let own = size_of::<Node>();
    match &node.value {
        Value::Null | Value::Bool(_) => own,
        Value::Number(number) => own + number.as_str().len(),
        Value::String(text) => own + text.len(),
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + own,
        Value::Object(object) => {
            object.iter().map(|(key, node)| size_of_val(key) + key.name.len() + weight(node)).sum::<usize>() + own
        }
    }
}
