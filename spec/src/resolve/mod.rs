//! `$ref`: from the text of a reference to the node that it means, across files.
//!
//! What comes in is a reference and the [`Base`] it stands in; what goes out is a [`Target`]. Files are read when
//! something refers to them, once. Remote ones only when their host is allowed: a build must not touch the network
//! unasked.

mod at;
mod files;
mod identifiers;
mod store;
mod uri;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

pub(crate) use at::At;
pub use files::{Disk, Files};
pub(crate) use identifiers::declared_dialect;
use store::File;
pub(crate) use store::Store;

use crate::diagnostic::{Diagnostic, Findings};
use crate::rules;
use crate::schema::Dialect;
use crate::source::{self, FileId, Location, Node, Pointer, Sources, percent_decode};

/// How many references may follow on each other before it counts as a cycle.
const MAX_CHAIN: usize = 100;

/// Up to how many names a report of a missing one tells.
const MAX_NAMES: usize = 8;

/// Gets the text behind a URL.
///
/// This crate has no HTTP client; whoever allows remote references brings one.
pub trait Fetch: Send + Sync {
    /// The text behind `url`, or what went wrong, as a sentence.
    fn fetch(&self, url: &str) -> Result<String, String>;
}

impl<F: Fn(&str) -> Result<String, String> + Send + Sync> Fetch for F {
    fn fetch(&self, url: &str) -> Result<String, String> {
        self(url)
    }
}

/// What may be read, and from where.
#[derive(Clone)]
pub(crate) struct Access {
    /// What relative paths are relative to: the folder of the process when it is empty.
    pub(crate) folder: PathBuf,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) hosts: Vec<String>,
    pub(crate) mirrors: Vec<(String, PathBuf)>,
    pub(crate) fetcher: Option<Arc<dyn Fetch>>,
}

impl Default for Access {
    fn default() -> Self {
        Access { folder: PathBuf::new(), files: Arc::new(Disk), hosts: Vec::new(), mirrors: Vec::new(), fetcher: None }
    }
}

impl Access {
    /// A file beside one that does not exist, of which the name is a slip.
    fn near(&self, path: &Path) -> Option<PathBuf> {
        let wanted = self.folder.join(path);
        if self.files.is_file(&wanted) {
            return None;
        }
        let mut names = self.files.names(wanted.parent()?);
        names.sort();
        let name = path.file_name()?.to_str()?;
        // What is there, but is no file, is no slip.
        let others = names.iter().map(String::as_str).filter(|other| *other != name);
        let near = crate::near::nearest(name, others)?;
        Some(path.with_file_name(near))
    }

    /// The text of a file, or why there is none.
    fn read_text(&self, path: &Path) -> Result<String, String> {
        let bytes = self.files.read(&self.folder.join(path))?;
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            format!("is not UTF-8 text (byte {at})")
        })
    }
}

/// What relative references are relative to.
#[derive(Debug)]
pub(crate) struct Base<'a> {
    /// The absolute URI: of the file, or what the nearest `$id` makes of it.
    pub(crate) uri: String,
    /// Where `#` leads.
    pub(crate) root: At<'a>,
    pub(crate) file: FileId,
    /// Whether the file mentions `$id`, `$anchor` or the like; if not, nobody needs to look for them.
    has_identifiers: bool,
    /// Whether `uri` comes from an `$id`.
    is_resource: bool,
}

/// Where a reference leads.
#[derive(Clone, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) at: At<'a>,
    pub(crate) base: Rc<Base<'a>>,
}

/// Why a reference leads nowhere, for the caller to report.
pub(crate) type Failure = Box<Diagnostic>;

/// Reads files and follows references.
pub(crate) struct Resolver<'a> {
    store: &'a Store,
    access: Access,
    pub(crate) sources: Sources,
    /// What is wrong with the files themselves.
    pub(crate) found: Findings,
    /// There are few files, and a base is asked for often: no hashing.
    bases: BTreeMap<FileId, Rc<Base<'a>>>,
    /// By absolute URI; `None` when the file could not be read, which was reported.
    by_uri: HashMap<String, Option<FileId>>,
    identifiers: HashMap<String, Target<'a>>,
    /// The members of large objects by name, so that many references into one do not each search all of it.
    indexes: HashMap<usize, HashMap<&'a str, &'a Node>>,
    /// Whether schemas are read to the letter of their dialect.
    strict: bool,
    dialect: Dialect,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(store: &'a Store, access: Access, strict: bool, dialect: Dialect) -> Self {
        Resolver {
            store,
            access,
            sources: Sources::default(),
            found: Findings::default(),
            bases: BTreeMap::new(),
            by_uri: HashMap::new(),
            identifiers: HashMap::new(),
            indexes: HashMap::new(),
            strict,
            dialect,
        }
    }

    /// Reads the file at `path` from disk.
    pub(crate) fn open(&mut self, path: &Path) -> Option<Target<'a>> {
        match self.access.read_text(path) {
            Ok(text) => self.add(path.to_owned(), uri::of_path(&self.access.folder.join(path)), text.into()),
            Err(reason) => {
                let message = format!("`{}` cannot be read: {reason}", path.display());
                let mut finding = Diagnostic::without_location(rules::UNREADABLE_FILE, message);
                if let Some(near) = self.access.near(path) {
                    finding = finding.help(format!("did you mean `{}`?", near.display()));
                }
                self.found.push(finding);
                None
            }
        }
    }

    /// Takes a text as the content of `path`.
    pub(crate) fn add_text(&mut self, path: &Path, text: &str) -> Option<Target<'a>> {
        self.add(path.to_owned(), uri::of_path(&self.access.folder.join(path)), text.into())
    }

    fn add(&mut self, path: PathBuf, uri: String, text: Arc<str>) -> Option<Target<'a>> {
        let id = self.sources.add(path, text.clone());
        let has_identifiers = ["$id", "$anchor", "$dynamicAnchor"].iter().any(|name| text.contains(name));
        let root = source::read(id, &text, &mut self.found);
        let Some(root) = root else {
            self.by_uri.insert(uri, None);
            return None;
        };
        let file = self.store.files.push(File { uri, root });
        self.by_uri.insert(file.uri.clone(), Some(id));
        let root = At::new(&file.root, Pointer::root());
        let base =
            Rc::new(Base { uri: file.uri.clone(), root: root.clone(), file: id, has_identifiers, is_resource: false });
        self.bases.insert(id, base.clone());
        if has_identifiers {
            let only_schemas = self.strict || file.root.get("asyncapi").is_none();
            let mut search = identifiers::Search::new(only_schemas);
            search.schema(root.node, &base, self.dialect);
            for (uri, at, base) in search.found {
                self.identifiers.entry(uri).or_insert(Target { at, base });
            }
        }
        let base = self.enter(&base, &root);
        Some(Target { at: root, base })
    }

    /// The tree that a file was read into; `None` when it could not be read.
    pub(crate) fn tree(&self, file: FileId) -> Option<&'a Node> {
        self.bases.get(&file).map(|base| base.root.node)
    }

    /// The base of a file as a whole.
    pub(crate) fn base(&self, file: FileId) -> Rc<Base<'a>> {
        // Whoever has a node has it from a file that was added.
        self.bases[&file].clone()
    }

    /// The base inside of `at`.
    pub(crate) fn enter(&mut self, base: &Rc<Base<'a>>, at: &At<'a>) -> Rc<Base<'a>> {
        if !base.has_identifiers || self.member(at.node, "$id").is_none() {
            return base.clone();
        }
        let dialect = declared_dialect(at.node).unwrap_or(self.dialect);
        identifiers::enter(base, at, dialect, self.strict)
    }

    /// Where one reference leads. The target may be a reference itself.
    pub(crate) fn resolve(
        &mut self,
        reference: &str,
        base: &Rc<Base<'a>>,
        from: &Location,
    ) -> Result<Target<'a>, Failure> {
        self.resolve_within(reference, base, from, MAX_CHAIN)
    }

    fn resolve_within(
        &mut self,
        reference: &str,
        base: &Rc<Base<'a>>,
        from: &Location,
        budget: usize,
    ) -> Result<Target<'a>, Failure> {
        let (file_part, fragment) = match reference.split_once('#') {
            Some((file, fragment)) => (file, fragment),
            None => (reference, ""),
        };
        let resource = if file_part.is_empty() {
            Target { at: base.root.clone(), base: base.clone() }
        } else {
            self.resource(reference, file_part, base, from)?
        };
        if fragment.is_empty() {
            return Ok(resource);
        }
        let Some(pointer) = Pointer::from_fragment(fragment) else {
            let anchor = format!("{}#{fragment}", resource.base.uri);
            return self.identifiers.get(&anchor).cloned().ok_or_else(|| {
                let help = "write `#/` and the path to the object, such as `#/components/schemas/User`";
                unresolved(format!("`{reference}` leads nowhere: there is no anchor `{fragment}`"), from)
                    .help(help)
                    .into()
            });
        };
        match self.walk(&resource, &pointer, from, budget) {
            Ok(target) => Ok(target),
            Err(missing) => {
                // Documents put an `$id` on a schema and go on to mean the whole file by `#`.
                if resource.base.is_resource && !self.strict {
                    let base = self.base(resource.base.file);
                    let whole = Target { at: base.root.clone(), base };
                    if let Ok(target) = self.walk(&whole, &pointer, from, budget) {
                        return Ok(target);
                    }
                }
                Err(missing.report(reference, &self.sources, from).into())
            }
        }
    }

    fn walk(
        &mut self,
        start: &Target<'a>,
        pointer: &Pointer,
        from: &Location,
        budget: usize,
    ) -> Result<Target<'a>, Missing<'a>> {
        let mut here = start.clone();
        let mut tokens: VecDeque<String> = pointer.tokens().collect();
        while let Some(token) = tokens.pop_front() {
            let mut child = self.child(&here.at, &token);
            // Strictly, a pointer does not look through references. Everybody writes such pointers.
            let mut budget = budget;
            while child.is_none() && budget > 0 {
                let Some(reference) = here.at.reference() else { break };
                budget -= 1;
                let from = here.at.location();
                match self.resolve_within(reference, &here.base.clone(), &from, budget) {
                    Ok(target) => here = target,
                    Err(_) => break,
                }
                child = self.child(&here.at, &token);
            }
            let child = match child {
                Some(child) => child,
                None => match unescaped(&here.at, &token, &mut tokens) {
                    Some(child) => {
                        let name = child.pointer.last().unwrap_or_default();
                        let message = format!("the reference does not escape the slashes of `{name}`");
                        let help = "write `~1` for a slash that belongs to a name";
                        self.found.push(Diagnostic::new(rules::UNESCAPED_POINTER, message, from).help(help));
                        child
                    }
                    None => return Err(Missing { parent: here.at, token }),
                },
            };
            let base = self.enter(&here.base, &child);
            here = Target { at: child, base };
        }
        Ok(here)
    }

    fn child(&mut self, parent: &At<'a>, token: &str) -> Option<At<'a>> {
        if parent.node.as_object().is_none() {
            return parent.child(token);
        }
        Some(At::new(self.member(parent.node, token)?, parent.pointer.join(token)))
    }

    /// A member of an object that may be large and searched often.
    fn member(&mut self, node: &'a Node, name: &str) -> Option<&'a Node> {
        let object = node.as_object()?;
        if object.len() <= 50 {
            return object.get(name);
        }
        let index = self.indexes.entry(std::ptr::from_ref(node) as usize);
        let index = index.or_insert_with(|| object.iter().map(|(key, node)| (key.name.as_str(), node)).collect());
        index.get(name).copied()
    }

    /// The root of the file or embedded resource that the part before `#` names.
    fn resource(
        &mut self,
        reference: &str,
        file_part: &str,
        base: &Rc<Base<'a>>,
        from: &Location,
    ) -> Result<Target<'a>, Failure> {
        let wanted = uri::join(&base.uri, file_part);
        if let Some(target) = self.identifiers.get(&wanted) {
            return Ok(target.clone());
        }
        let physical = self.base(base.file);
        let is_remote = uri::scheme(&wanted).is_some_and(|scheme| scheme != "file");
        let mut path = None;
        if !is_remote {
            let decoded = percent_decode(file_part).unwrap_or_else(|| file_part.to_owned());
            path = Some((self.path_of(&decoded, &physical), uri::join(&physical.uri, &decoded)));
        } else if base.is_resource && uri::scheme(file_part).is_none() && !self.strict {
            // `$id: https://example.com/user` beside `$ref: ./address.yaml` means the file beside this one.
            let candidate = self.path_of(file_part, &physical);
            if self.access.files.is_file(&self.access.folder.join(&candidate)) {
                path = Some((candidate, uri::join(&physical.uri, file_part)));
            }
        }
        let known = path.as_ref().map_or(&wanted, |(_, uri)| uri);
        match self.by_uri.get(known) {
            Some(Some(id)) => {
                let base = self.base(*id);
                let at = base.root.clone();
                let base = self.enter(&base, &at);
                return Ok(Target { at, base });
            }
            Some(None) => {
                let message = format!("`{reference}` leads to a file that cannot be read");
                return Err(unresolved(message, from).into());
            }
            None => {}
        }
        let (path, uri, text) = match path {
            Some((path, uri)) => match self.access.read_text(&path) {
                Ok(text) => (path, uri, text),
                Err(reason) => {
                    let message = format!("`{reference}` leads nowhere: `{}` {reason}", path.display());
                    let help = "file references are relative to the folder of the file that they stand in";
                    return Err(unresolved(message, from).help(help).into());
                }
            },
            None => {
                let (path, text) = self.remote(reference, &wanted, from)?;
                (path, wanted.clone(), text)
            }
        };
        self.add(path, uri, text.into()).ok_or_else(|| {
            let message = format!("`{reference}` leads to a file that cannot be read");
            unresolved(message, from).into()
        })
    }

    /// The path of a reference to a file, as the user would name it.
    fn path_of(&self, reference: &str, base: &Base<'a>) -> PathBuf {
        if let Some(path) = uri::to_path(reference) {
            return path;
        }
        let referring = self.sources.file(base.file).path();
        uri::normalise(&referring.parent().unwrap_or(Path::new("")).join(reference))
    }

    fn remote(&self, reference: &str, url: &str, from: &Location) -> Result<(PathBuf, String), Failure> {
        let mirror = self.access.mirrors.iter().find_map(|(prefix, folder)| {
            let rest = url.strip_prefix(prefix.as_str())?;
            Some(uri::normalise(&folder.join(rest.trim_start_matches('/'))))
        });
        if let Some(path) = mirror {
            return self.access.read_text(&path).map(|text| (path.clone(), text)).map_err(|reason| {
                let message = format!("`{reference}` leads nowhere: `{}` {reason}", path.display());
                unresolved(message, from).into()
            });
        }
        let Some(host) = uri::host(url) else {
            let message = format!("`{reference}` leads nowhere: nothing is identified by `{url}`");
            return Err(unresolved(message, from).into());
        };
        let refused = |message: String, help: String| {
            Box::new(Diagnostic::new(rules::REMOTE_REFERENCE, message, from).help(help))
        };
        if !self.access.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
            return Err(refused(
                format!("`{reference}` stands on another host, and references to `{host}` are not allowed"),
                format!("copy the file beside the document and refer to it relatively, or allow the host `{host}`"),
            ));
        }
        let Some(fetcher) = &self.access.fetcher else {
            return Err(refused(
                format!("`{reference}` cannot be fetched: `{host}` is allowed, but there is no fetcher"),
                "copy the file beside the document and refer to it relatively, or give the loader a fetcher".to_owned(),
            ));
        };
        let text = fetcher.fetch(url).map_err(|reason| {
            refused(format!("`{reference}` cannot be fetched: {reason}"), format!("check that `{url}` can be reached"))
        })?;
        Ok((PathBuf::from(url), text))
    }

    /// Follows references to an object that is none.
    pub(crate) fn follow(&mut self, at: At<'a>) -> Result<Target<'a>, Failure> {
        let base = self.base(at.node.span.file);
        let mut here = Target { at, base };
        let mut seen = Vec::new();
        while let Some(reference) = here.at.reference() {
            let from = here.at.get("$ref").unwrap_or_else(|| here.at.clone()).location();
            if seen.contains(&here.at.address()) || seen.len() >= MAX_CHAIN {
                return Err(cycle(reference, &from).into());
            }
            seen.push(here.at.address());
            here = self.resolve(reference, &here.base.clone(), &from)?;
        }
        Ok(here)
    }
}

/// The member whose key has slashes that the pointer does not escape: `/messages/user/created` for `user/created`.
/// Nothing else can be meant when the pointer leads nowhere otherwise.
fn unescaped<'a>(parent: &At<'a>, token: &str, rest: &mut VecDeque<String>) -> Option<At<'a>> {
    let mut key = token.to_owned();
    for taken in 1..=rest.len() {
        key.push('/');
        key.push_str(&rest[taken - 1]);
        if let Some(child) = parent.get(&key) {
            rest.drain(..taken);
            return Some(child);
        }
    }
    None
}

/// The finding for references that only lead to each other.
pub(crate) fn cycle(reference: &str, from: &Location) -> Diagnostic {
    Diagnostic::new(rules::REFERENCE_CYCLE, format!("`{reference}` leads back to itself"), from)
        .help("let one of the references of the circle be an object instead")
}

fn unresolved(message: String, from: &Location) -> Diagnostic {
    Diagnostic::new(rules::UNRESOLVED_REFERENCE, message, from)
}

/// Where a pointer ended.
struct Missing<'a> {
    parent: At<'a>,
    token: String,
}

impl Missing<'_> {
    fn report(self, reference: &str, sources: &Sources, from: &Location) -> Diagnostic {
        let file = sources.file(self.parent.node.span.file).path().display();
        let place = match self.parent.pointer.as_str() {
            "" => "at the top level".to_owned(),
            pointer => format!("in `{pointer}`"),
        };
        let of_file =
            if self.parent.node.span.file == from.span.file { String::new() } else { format!(" of `{file}`") };
        let message = format!("`{reference}` leads nowhere: there is no `{}` {place}{of_file}", self.token);
        let mut diagnostic = unresolved(message, from);
        if let Some(object) = self.parent.node.as_object() {
            let names = || object.iter().map(|(key, _)| key.name.as_str());
            diagnostic = match crate::near::nearest(&self.token, names()) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None if (1..=MAX_NAMES).contains(&object.len()) => {
                    let names: Vec<&str> = names().collect();
                    diagnostic.help(format!("what there is: `{}`", names.join("`, `")))
                }
                None => diagnostic.help(format!("define `{}` there, or correct the reference", self.token)),
            };
        }
        diagnostic
    }
}
