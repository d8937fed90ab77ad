//! The entrance: a path or a text goes in, a document (or a bare schema), its diagnostics and its sources come out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::document::{self, Document};
use crate::resolve::{Access, Fetch, Files, Resolver, Store, Target};
use crate::schema::read::SchemaReader;
use crate::schema::{Dialect, SchemaId, Schemas};
use crate::source::Sources;
use crate::validate;

/// Loads documents.
///
/// Files that a document refers to are read from disk, or from where [`Loader::files`] says. References to other hosts are refused unless their host is
/// allowed or mirrored: a build must not touch the network unasked.
///
/// ```
/// let loaded = event_api_spec::Loader::new().load_text(
///     "asyncapi.yaml",
///     "{asyncapi: 3.0.0, info: {title: Users, version: 1.0.0}, channels: {users: {address: users}}}",
/// );
/// assert!(!loaded.has_errors());
/// assert_eq!(loaded.document.unwrap().info.title, "Users");
/// ```
#[derive(Clone, Default)]
pub struct Loader {
    access: Access,
}

/// What came of loading a document.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The document; `None` when there is too little of it to say anything about it. What can be read is read, also
    /// when there are errors: look at [`Loaded::has_errors`] before generating from it.
    pub document: Option<Document>,
    /// Everything that was found, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Every file that was read, the document itself first.
    pub sources: Sources,
}

/// What came of loading a bare JSON Schema.
#[derive(Clone, Debug)]
pub struct LoadedSchema {
    /// The schema that the file is; `None` when it could not be read.
    pub root: Option<SchemaId>,
    /// It, and every schema in it or that it refers to.
    pub schemas: Schemas,
    /// Everything that was found, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Every file that was read, the schema itself first.
    pub sources: Sources,
}

impl Loaded {
    /// Whether anything was found that makes generated code impossible or wrong.
    pub fn has_errors(&self) -> bool {
        has_errors(&self.diagnostics)
    }
}

impl LoadedSchema {
    /// Whether anything was found that makes generated code impossible or wrong.
    pub fn has_errors(&self) -> bool {
        has_errors(&self.diagnostics)
    }
}

fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

impl Loader {
    /// A loader that reads local files only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes relative paths as relative to `folder`, not to where the process runs. They are displayed as they are
    /// written.
    #[must_use]
    pub fn relative_to(mut self, folder: impl Into<PathBuf>) -> Self {
        self.access.folder = folder.into();
        self
    }

    /// Reads files from somewhere else than the disk: from a commit, for example.
    ///
    /// ```
    /// use std::path::Path;
    /// use event_api_spec::{Files, Loader};
    ///
    /// struct Vendored;
    ///
    /// impl Files for Vendored {
    ///     fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
    ///         match path.to_str() {
    ///             Some("asyncapi.yaml") => Ok(b"{asyncapi: 3.0.0, info: {title: Users, version: 1.0.0}}".to_vec()),
    ///             _ => Err("does not exist".to_owned()),
    ///         }
    ///     }
    /// }
    ///
    /// let loaded = Loader::new().files(Vendored).load("asyncapi.yaml");
    /// assert_eq!(loaded.document.unwrap().info.title, "Users");
    /// ```
    #[must_use]
    pub fn files(mut self, files: impl Files + 'static) -> Self {
        self.access.files = Arc::new(files);
        self
    }

    /// Allows references to a host, such as `schemas.example.com`. Needs a [`Loader::fetcher`].
    #[must_use]
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.access.hosts.push(host.into());
        self
    }

    /// What gets the text of a reference to an allowed host.
    #[must_use]
    pub fn fetcher(mut self, fetcher: impl Fetch + 'static) -> Self {
        self.access.fetcher = Some(Arc::new(fetcher));
        self
    }

    /// Looks for everything below a URL in a local folder instead: `https://schemas.example.com/` in `vendor/schemas`.
    #[must_use]
    pub fn map_remote(mut self, url_prefix: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        self.access.mirrors.push((url_prefix.into(), folder.into()));
        self
    }

    /// Loads the document at `path`, YAML or JSON.
    pub fn load(&self, path: impl AsRef<Path>) -> Loaded {
        self.document(|resolver| resolver.open(path.as_ref()))
    }

    /// Loads a document from its text. `path` is what relative references are relative to and what is displayed.
    pub fn load_text(&self, path: impl AsRef<Path>, text: &str) -> Loaded {
        self.document(|resolver| resolver.add_text(path.as_ref(), text))
    }

    /// Loads a bare JSON Schema, read to the letter of its dialect: the one its `$schema` names, else `dialect`.
    pub fn load_schema(&self, path: impl AsRef<Path>, dialect: Dialect) -> LoadedSchema {
        self.schema(dialect, |resolver| resolver.open(path.as_ref()))
    }

    /// Loads a bare JSON Schema from its text; see [`Loader::load_schema`] and [`Loader::load_text`].
    pub fn load_schema_text(&self, path: impl AsRef<Path>, text: &str, dialect: Dialect) -> LoadedSchema {
        self.schema(dialect, |resolver| resolver.add_text(path.as_ref(), text))
    }

    fn document(&self, open: impl for<'a> FnOnce(&mut Resolver<'a>) -> Option<Target<'a>>) -> Loaded {
        let store = Store::default();
        let mut resolver = Resolver::new(&store, self.access.clone(), false, Dialect::default());
        let mut found = Findings::default();
        let mut document = None;
        if let Some(root) = open(&mut resolver) {
            (document, resolver, found) = document::read::document(&store, resolver, root.at, found);
            if let Some(document) = &document {
                validate::check(document, &resolver, &mut found);
            }
        }
        found.append(std::mem::take(&mut resolver.found));
        let sources = resolver.sources;
        Loaded { document, diagnostics: found.into_sorted(), sources }
    }

    fn schema(
        &self,
        dialect: Dialect,
        open: impl for<'a> FnOnce(&mut Resolver<'a>) -> Option<Target<'a>>,
    ) -> LoadedSchema {
        let store = Store::default();
        let mut resolver = Resolver::new(&store, self.access.clone(), true, dialect);
        let mut found = Findings::default();
        let mut root = None;
        let mut schemas = Schemas::default();
        if let Some(target) = open(&mut resolver) {
            let mut reader = SchemaReader::for_schemas();
            root = Some(reader.add(target, dialect, None));
            schemas = reader.finish(&mut resolver, &mut found);
        }
        found.append(std::mem::take(&mut resolver.found));
        let sources = resolver.sources;
        LoadedSchema { root, schemas, diagnostics: found.into_sorted(), sources }
    }
}
