//! The one core of all three entrances: options, a document's path, and out come tokens or text.

use std::path::{Path, PathBuf};

use event_api_spec::schema::Dialect;
use event_api_spec::{Diagnostic, Loader, Severity, Sources};
use proc_macro2::TokenStream;
use quote::quote;

use crate::ir::Api;
use crate::settings::{Settings, Side, UnknownEvents};
use crate::{emit, lower, rules};

/// Generates Rust from a document.
///
/// ```no_run
/// let generated = event_api_codegen::Generator::new().document("spec/asyncapi.yaml")?;
/// println!("{}", generated.to_file()?);
/// # Ok::<(), event_api_codegen::GenerateError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Generator {
    settings: Settings,
}

/// What was generated.
#[derive(Debug)]
#[non_exhaustive]
pub struct Generated {
    /// The items of the module.
    pub tokens: TokenStream,
    /// Warnings and remarks; errors are [`GenerateError::Document`].
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read, the document first: a build is stale when any of them changes.
    pub sources: Sources,
    /// How many schema positions became an untyped JSON value although the schema says more.
    pub fallbacks: usize,
    title: String,
    version: String,
    source: String,
}

/// Why nothing was generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The document (or an option about it) has errors.
    #[error("{} cannot be generated: {}", .0.path.display(), .0.count())]
    Document(Box<DocumentErrors>),
    /// The generated tokens are no Rust: a fault of the generator or of an option's value.
    #[error("the generated code is not valid Rust, which is a bug in event-api: {0}")]
    Syntax(#[from] syn::Error),
}

/// The errors of a document, with everything that is needed to show them.
#[derive(Debug)]
pub struct DocumentErrors {
    /// The document.
    pub path: PathBuf,
    /// Every finding, of all severities.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read.
    pub sources: Sources,
}

impl DocumentErrors {
    fn count(&self) -> String {
        match self.diagnostics.iter().filter(|d| d.severity == Severity::Error).count() {
            1 => "1 error".to_owned(),
            count => format!("{count} errors"),
        }
    }
}

impl Generator {
    /// A generator with default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which half of the contract to generate; both by default.
    #[must_use]
    pub fn side(mut self, side: Side) -> Self {
        self.settings.side = side;
        self
    }

    /// What to do with event types that the document does not declare.
    #[must_use]
    pub fn unknown_events(mut self, policy: UnknownEvents) -> Self {
        self.settings.unknown_events = policy;
        self
    }

    /// Takes schemas by the letter: one without `type` accepts values of every type, whatever its keywords speak of.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.settings.exact = true;
        self
    }

    /// Allows remote references to this host.
    #[must_use]
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.settings.remote_hosts.push(host.into());
        self
    }

    /// Uses a type of your own, by its path, for the schema of this name (`UserId`) or pointer
    /// (`#/components/schemas/UserId`). It must implement serde's traits, `Clone`, `Debug` and `PartialEq`.
    #[must_use]
    pub fn replace(mut self, schema: impl Into<String>, path: impl Into<String>) -> Self {
        self.settings.replace.insert(schema.into(), path.into());
        self
    }

    /// Gives the type of this name, or of the schema with this pointer, another name.
    #[must_use]
    pub fn rename(mut self, name: impl Into<String>, to: impl Into<String>) -> Self {
        self.settings.rename.insert(name.into(), to.into());
        self
    }

    /// Adds a derive to the type of this name, to the one made of the schema with this pointer, or to all (`*`).
    #[must_use]
    pub fn derive(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.settings.derive.entry(name.into()).or_default().push(path.into());
        self
    }

    /// Adds an attribute, written without `#[…]`, to the type of this name, to the one made of the schema with this
    /// pointer, or to all (`*`).
    #[must_use]
    pub fn attr(mut self, name: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.settings.attr.entry(name.into()).or_default().push(attribute.into());
        self
    }

    fn loader(&self) -> Loader {
        self.settings.remote_hosts.iter().fold(Loader::new(), |loader, host| loader.allow_host(host))
    }

    /// Generates the module of a document.
    ///
    /// # Errors
    /// When the document or an option has errors; the error carries all of them.
    pub fn document(&self, path: impl AsRef<Path>) -> Result<Generated, GenerateError> {
        let path = path.as_ref();
        let mut loaded = self.loader().load(path);
        loaded.diagnostics.extend(self.check_options());
        let lowered = match &loaded.document {
            Some(document) if !has_errors(&loaded.diagnostics) => {
                lower::document(document, &loaded.sources, &self.settings)
            }
            _ => return Err(failed(path, loaded.diagnostics, loaded.sources)),
        };
        self.finish(path, lowered, loaded.diagnostics, loaded.sources)
    }

    /// Generates the types of one bare JSON Schema, the one of the whole called `name`.
    ///
    /// # Errors
    /// When the schema or an option has errors; the error carries all of them.
    pub fn schema(&self, path: impl AsRef<Path>, name: &str) -> Result<Generated, GenerateError> {
        let path = path.as_ref();
        let mut loaded = self.loader().load_schema(path, Dialect::Draft7);
        loaded.diagnostics.extend(self.check_options());
        let lowered = match loaded.root {
            Some(root) if !has_errors(&loaded.diagnostics) => {
                lower::schema(root, name, &loaded.schemas, &loaded.sources, &self.settings)
            }
            _ => return Err(failed(path, loaded.diagnostics, loaded.sources)),
        };
        self.finish(path, lowered, loaded.diagnostics, loaded.sources)
    }

    fn finish(
        &self,
        path: &Path,
        lowered: lower::Lowered,
        mut diagnostics: Vec<Diagnostic>,
        sources: Sources,
    ) -> Result<Generated, GenerateError> {
        diagnostics.extend(lowered.diagnostics);
        if has_errors(&diagnostics) {
            return Err(failed(path, diagnostics, sources));
        }
        let tokens = emit::api(&lowered.api, &self.settings);
        let Api { title, version, source, .. } = lowered.api;
        Ok(Generated { tokens, diagnostics, sources, fallbacks: lowered.fallbacks, title, version, source })
    }

    /// Paths, derives and attributes that are no Rust would only be found by the compiler, in generated code.
    fn check_options(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut refuse = |option: &str, key: &str, value: &str, what: &str| {
            let message = format!("the option `{option}` for `{key}` has the value `{value}`, which is no {what}");
            let help = format!("write a {what} as it would stand in Rust code");
            found.push(Diagnostic::without_location(rules::INVALID_OPTION, message).help(help));
        };
        for (key, path) in &self.settings.replace {
            if syn::parse_str::<syn::Type>(path).is_err() {
                refuse("replace", key, path, "type");
            }
        }
        for (key, paths) in &self.settings.derive {
            for path in paths.iter().filter(|path| syn::parse_str::<syn::Path>(path).is_err()) {
                refuse("derive", key, path, "path");
            }
        }
        for (key, attributes) in &self.settings.attr {
            for text in attributes.iter().filter(|text| syn::parse_str::<syn::Meta>(text).is_err()) {
                refuse("attr", key, text, "attribute");
            }
        }
        for (key, name) in &self.settings.rename {
            if syn::parse_str::<syn::Ident>(name).is_err() {
                refuse("rename", key, name, "identifier");
            }
        }
        found
    }
}

impl Generated {
    /// The module as a formatted file of its own (`mod user_service;`).
    ///
    /// # Errors
    /// When the tokens are no Rust, which is a bug.
    pub fn to_file(&self) -> Result<String, GenerateError> {
        let tokens = &self.tokens;
        let lints = emit::module_lints(&quote!(!));
        self.format(quote!(#lints #tokens))
    }

    /// The items as formatted text to be included in a module (`include_api!`).
    ///
    /// # Errors
    /// When the tokens are no Rust, which is a bug.
    pub fn to_include(&self) -> Result<String, GenerateError> {
        let tokens = self.to_module_items();
        self.format(tokens)
    }

    /// The items behind a private module, so that lints can be silenced where inner attributes cannot stand.
    pub fn to_module_items(&self) -> TokenStream {
        let tokens = &self.tokens;
        let lints = emit::module_lints(&quote!());
        quote! {
            #lints
            mod generated {
                #tokens
            }
            #[allow(unreachable_pub, unused_imports, reason = "generated code")]
            pub use generated::*;
        }
    }

    fn format(&self, tokens: TokenStream) -> Result<String, GenerateError> {
        let file = syn::parse2(tokens)?;
        let version = if self.version.is_empty() { String::new() } else { format!(", version {}", self.version) };
        let origin = emit::visible(&format!("{} ({}{version})", self.source, self.title));
        let header = format!("// Generated by event-api from {origin}. Do not edit: change the document.\n\n");
        Ok(header + &prettyplease::unparse(&file))
    }
}

fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

fn failed(path: &Path, diagnostics: Vec<Diagnostic>, sources: Sources) -> GenerateError {
    GenerateError::Document(Box::new(DocumentErrors { path: path.to_owned(), diagnostics, sources }))
}
