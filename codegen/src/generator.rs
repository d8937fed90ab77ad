//! The one core of all three entrances: options, a document's path, and out come tokens or text.

use std::path::{Path, PathBuf};

use event_api_spec::schema::Dialect;
use event_api_spec::{Diagnostic, Loader, Severity, Sources};
use proc_macro2::TokenStream;
use quote::quote;

use crate::compat::{Check, Compat, CompatError};
use crate::ir::Api;
use crate::settings::{Settings, Side, UnknownEvents, UnusedOption};
use crate::{emit, fetch, lower, print, report, rules};

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
    /// Warnings and remarks; errors are [`GenerateError::Document`].
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read, the document first: a build is stale when any of them changes.
    pub sources: Sources,
    /// What else decided about the result, and makes a build stale: released versions, the folder that they are in, and
    /// `event-api.toml`. Empty without [`Generator::baseline`].
    pub compared_with: Vec<PathBuf>,
    /// How many schema positions became an untyped JSON value although the schema says more.
    pub fallbacks: usize,
    api: Api,
    settings: Settings,
}

/// Why nothing was generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The document (or an option about it) has errors.
    #[error("{0}")]
    Document(Box<DocumentErrors>),
    /// The document is not compatible with its released versions, or could not be compared with them.
    #[error("{0}")]
    Compat(#[from] Box<CompatError>),
    /// The generated tokens are no Rust: a fault of the generator or of an option's value.
    #[error("the generated code is not valid Rust, which is a bug in event-api: {0}")]
    Syntax(#[from] syn::Error),
}

/// The errors of a document, with everything that is needed to show them; displayed, they are the whole report.
#[derive(Debug)]
pub struct DocumentErrors {
    /// The document.
    pub path: PathBuf,
    /// Every finding, of all severities.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read.
    pub sources: Sources,
    /// The options that name nothing in the document; each has a diagnostic as well.
    pub unused_options: Vec<UnusedOption>,
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

    /// Takes relative paths as relative to `folder`, not to where the process runs. Generated documentation and errors
    /// show them as they are written, so that they are the same on every machine.
    #[must_use]
    pub fn relative_to(mut self, folder: impl Into<PathBuf>) -> Self {
        self.settings.folder = folder.into();
        self
    }

    /// Reads what references below a URL name from a folder instead: `https://schemas.example.com/` from
    /// `vendor/schemas`.
    #[must_use]
    pub fn map_remote(mut self, url_prefix: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        self.settings.mirrors.push((url_prefix.into(), folder.into()));
        self
    }

    /// Allows remote references to this host. They are fetched with `curl`, at every generation; see
    /// [`Generator::map_remote`] for builds that never touch the network.
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

    /// Gives the type of this name, or of the schema with this pointer, another name: exactly this one, so a name that
    /// something else has is an error.
    ///
    /// Event enums (`OrdersEvents`, or `#/channels/orders`, or an operation's pointer) are renamed together with the
    /// traits, the adapter and the address that are called after them; an address struct (`OrdersEventsAddress`) also
    /// alone.
    #[must_use]
    pub fn rename(mut self, name: impl Into<String>, to: impl Into<String>) -> Self {
        self.settings.rename.insert(name.into(), to.into());
        self
    }

    /// Adds a derive to the type of this name, to the one made of the schema with this pointer, or to all (`*`). Event
    /// enums and address structs get those that name them, and have no part in `*`.
    #[must_use]
    pub fn derive(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.settings.derive.entry(name.into()).or_default().push(path.into());
        self
    }

    /// Adds an attribute, written without `#[…]`, to the type of this name, to the one made of the schema with this
    /// pointer, or to all (`*`), as [`Generator::derive`] does.
    #[must_use]
    pub fn attr(mut self, name: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.settings.attr.entry(name.into()).or_default().push(attribute.into());
        self
    }

    /// Uses a type of your own, by its path, for all strings of a `format` (`duration`, or one of your own). It must
    /// implement serde's traits as a string, `Clone`, `Debug` and `PartialEq`.
    #[must_use]
    pub fn format(mut self, format: impl Into<String>, path: impl Into<String>) -> Self {
        self.settings.formats.insert(format.into(), path.into());
        self
    }

    /// Gives the enum of this name, or of the schema with this pointer, or all enums of strings (`*`) a variant
    /// `Other(String)` for values that the document does not list: for consumers that must bear new values.
    #[must_use]
    pub fn open_enum(mut self, name: impl Into<String>) -> Self {
        self.settings.open_enums.insert(name.into());
        self
    }

    /// Lets the struct of this name, or of the schema with this pointer, or all structs (`*`) keep the members that the
    /// document does not name, for whoever passes events on.
    #[must_use]
    pub fn keep_unknown(mut self, name: impl Into<String>) -> Self {
        self.settings.keep_unknown.insert(name.into());
        self
    }

    /// Generates only what is compatible with released versions: a document, or a folder of them. Otherwise the error is
    /// the report. Settings and ignore entries are those of `event-api.toml` beside or above the document.
    #[must_use]
    pub fn baseline(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.baseline = Some(path.into());
        self
    }

    /// What must hold between the released versions and the document. Without it `event-api.toml` says so, else the
    /// document (`x-compatibility`), else it is [`Compat::Full`]. Needs a [`Generator::baseline`].
    #[must_use]
    pub fn compat(mut self, mode: Compat) -> Self {
        self.settings.compat = Some(mode);
        self
    }

    fn loader(&self) -> Loader {
        let loader = Loader::new().relative_to(&self.settings.folder);
        let hosts = self.settings.remote_hosts.iter();
        let loader = hosts.fold(loader.fetcher(fetch::curl), |loader, host| loader.allow_host(host));
        self.settings.mirrors.iter().fold(loader, |loader, (url, folder)| loader.map_remote(url, folder))
    }

    /// Generates the module of a document.
    ///
    /// # Errors
    /// When the document or an option has errors; the error carries all of them.
    pub fn document(&self, path: impl AsRef<Path>) -> Result<Generated, GenerateError> {
        let path = path.as_ref();
        let mut loaded = self.loader().load(path);
        loaded.diagnostics.extend(self.check_options());
        let mut compared_with = Vec::new();
        if let Some(baseline) = &self.settings.baseline
            && !has_errors(&loaded.diagnostics)
        {
            let check = Check { baseline, mode: self.settings.compat, folder: &self.settings.folder };
            compared_with = check.run(path, &loaded, &self.loader()).map_err(Box::new)?;
        }
        let lowered = match &loaded.document {
            Some(document) if !has_errors(&loaded.diagnostics) => {
                lower::document(document, &loaded.sources, &self.settings)
            }
            _ => return Err(failed(path, loaded.diagnostics, loaded.sources, Vec::new())),
        };
        let generated = self.finish(path, lowered, loaded.diagnostics, loaded.sources)?;
        Ok(Generated { compared_with, ..generated })
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
            _ => return Err(failed(path, loaded.diagnostics, loaded.sources, Vec::new())),
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
            return Err(failed(path, diagnostics, sources, lowered.unused_options));
        }
        let (api, settings) = (lowered.api, self.settings.clone());
        let fallbacks = lowered.fallbacks;
        Ok(Generated { diagnostics, sources, compared_with: Vec::new(), fallbacks, api, settings })
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
        for (key, path) in &self.settings.formats {
            if syn::parse_str::<syn::Type>(path).is_err() {
                refuse("format", key, path, "type");
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
        if let (Some(mode), None) = (self.settings.compat, &self.settings.baseline) {
            let message = format!("the option `compat` is `{mode}`, but there is no `baseline` to compare with");
            let help = "name a released version, or the folder that they are in: `baseline = \"spec/released\"`";
            found.push(Diagnostic::without_location(rules::INVALID_OPTION, message).help(help));
        }
        found
    }
}

impl Generated {
    /// The warnings, each as a line of text: for an entrance that has no better way to show them.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let warnings = self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning);
        warnings.map(|warning| report::line(warning, &self.sources))
    }

    /// The items of the module.
    pub fn tokens(&self) -> TokenStream {
        emit::api(&self.api, &self.settings)
    }

    /// The module as a formatted file of its own (`mod user_service;`). Works on several threads, so it is not for the
    /// inside of a procedural macro.
    ///
    /// # Errors
    /// When the tokens are no Rust, which is a bug.
    pub fn to_file(&self) -> Result<String, GenerateError> {
        let lints = print::text(emit::module_lints(&quote!(!)))?;
        Ok(format!("{}\n\n{lints}\n{}", self.header(), print::module(&self.api, &self.settings)?))
    }

    /// The items as formatted text to be included in a module (`include_api!`). Works on several threads, so it is not
    /// for the inside of a procedural macro.
    ///
    /// # Errors
    /// When the tokens are no Rust, which is a bug.
    pub fn to_include(&self) -> Result<String, GenerateError> {
        let items = print::module(&self.api, &self.settings)?;
        // The lints of a module need one to stand on.
        let module = print::text(self.within_module(&TokenStream::new()))?;
        let module = module.replacen("mod generated {}", &format!("mod generated {{\n\n{items}}}\n"), 1);
        Ok(format!("{}\n\n{module}", self.header()))
    }

    /// The attribute that silences lints of style, for a module that holds the items.
    pub fn lints(&self) -> TokenStream {
        emit::module_lints(&quote!())
    }

    /// The items behind a private module, so that lints can be silenced where inner attributes cannot stand.
    pub fn to_module_items(&self) -> TokenStream {
        self.within_module(&self.tokens())
    }

    fn within_module(&self, items: &TokenStream) -> TokenStream {
        let lints = self.lints();
        quote! {
            #lints
            mod generated {
                #items
            }
            #[allow(unreachable_pub, unused_imports, reason = "generated code")]
            pub use generated::*;
        }
    }

    fn header(&self) -> String {
        let Api { source, title, version, .. } = &self.api;
        let version = if version.is_empty() { String::new() } else { format!(", version {version}") };
        let origin = emit::visible(&format!("{source} ({title}{version})"));
        format!("// Generated by event-api from {origin}. Do not edit: change the document.")
    }
}

fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

fn failed(
    path: &Path,
    diagnostics: Vec<Diagnostic>,
    sources: Sources,
    unused_options: Vec<UnusedOption>,
) -> GenerateError {
    GenerateError::Document(Box::new(DocumentErrors { path: path.to_owned(), diagnostics, sources, unused_options }))
}
