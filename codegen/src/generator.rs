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
///
/// Of several versions of a document, the fields are about the newest; [`Generated::documents`] has those of all.
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
    /// The versions before it, the oldest first.
    earlier: Vec<Generated>,
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
        self.finish_document(path, self.lower(path, self.settings.baseline.as_deref())?)
    }

    /// Generates several versions of a document, the oldest first: a module each, called after its file (`v1` for
    /// `spec/v1.yaml`), and the newest one's items beside them. Types that are the same in two versions are one type;
    /// for those that are not, the compiler asks for an `Upcast`; and handlers of the newest version get the events of
    /// all of them.
    ///
    /// An option is about all versions that have what it names.
    ///
    /// # Errors
    /// When a document or an option has errors, or when the versions cannot be told apart. The error is that of one
    /// document, the first that has any.
    pub fn versions<P: AsRef<Path>>(&self, paths: &[P]) -> Result<Generated, GenerateError> {
        let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
        // Earlier versions are released: it is the newest that must go well with what is.
        let baseline = |index| self.settings.baseline.as_deref().filter(|_| index + 1 == paths.len());
        let lowered = paths.iter().enumerate().map(|(index, path)| self.lower(path, baseline(index)));
        let mut versions = lowered.collect::<Result<Vec<_>, _>>()?;
        keep_used_options(&mut versions);
        let mut all = Vec::with_capacity(versions.len());
        for (path, lowered) in paths.iter().zip(versions) {
            all.push(self.finish_document(path, lowered)?);
        }
        let mut apis: Vec<Api> = all.iter_mut().map(|generated| std::mem::take(&mut generated.api)).collect();
        let connected = lower::history::connect(&mut apis, &paths, self.settings.side);
        all.iter_mut().zip(apis).for_each(|(generated, api)| generated.api = api);
        match (connected, all.pop()) {
            (Ok(warnings), Some(mut newest)) => {
                newest.diagnostics.extend(warnings);
                Ok(Generated { earlier: all, ..newest })
            }
            (Err(mut found), Some(newest)) => {
                found.extend(newest.diagnostics);
                Err(failed(paths.last().copied().unwrap_or(Path::new("")), found, newest.sources, Vec::new()))
            }
            (_, None) => {
                let message = "no version of a document is named";
                let found = Diagnostic::without_location(rules::INVALID_OPTION, message);
                let found = found.help("name the documents, the oldest first");
                Err(failed(Path::new(""), vec![found], Sources::default(), Vec::new()))
            }
        }
    }

    /// Reads a document, compares it with `baseline` if there is one, and lowers it.
    fn lower(&self, path: &Path, baseline: Option<&Path>) -> Result<Lowered, GenerateError> {
        let mut loaded = self.loader().load(path);
        loaded.diagnostics.extend(self.check_options());
        let mut compared_with = Vec::new();
        if let Some(baseline) = baseline
            && !has_errors(&loaded.diagnostics)
        {
            let check = Check { baseline, mode: self.settings.compat, folder: &self.settings.folder };
            compared_with = check.run(path, &loaded, &self.loader()).map_err(Box::new)?;
        }
        match &loaded.document {
            Some(document) if !has_errors(&loaded.diagnostics) => {
                let lowered = lower::document(document, &loaded.sources, &self.settings);
                Ok(Lowered { lowered, diagnostics: loaded.diagnostics, sources: loaded.sources, compared_with })
            }
            _ => Err(failed(path, loaded.diagnostics, loaded.sources, Vec::new())),
        }
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

    fn finish_document(&self, path: &Path, lowered: Lowered) -> Result<Generated, GenerateError> {
        let Lowered { lowered, diagnostics, sources, compared_with } = lowered;
        let generated = self.finish(path, lowered, diagnostics, sources)?;
        Ok(Generated { compared_with, ..generated })
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
        Ok(Generated { diagnostics, sources, compared_with: Vec::new(), fallbacks, api, settings, earlier: Vec::new() })
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
    /// The files and the findings of each document that was read: of all versions, the oldest first, or of the only one.
    pub fn documents(&self) -> impl Iterator<Item = (&Sources, &[Diagnostic])> {
        self.versions().map(|version| (&version.sources, version.diagnostics.as_slice()))
    }

    /// All versions, the oldest first, or the only one.
    fn versions(&self) -> impl Iterator<Item = &Generated> {
        self.earlier.iter().chain([self])
    }

    /// The warnings, each as a line of text: for an entrance that has no better way to show them.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.documents().flat_map(|(sources, found)| {
            let warnings = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning);
            warnings.map(|warning| report::line(warning, sources))
        })
    }

    /// The items of the module.
    pub fn tokens(&self) -> TokenStream {
        let Some(newest) = &self.api.module else { return emit::api(&self.api, &self.settings) };
        let versions = self.versions().map(|version| {
            let items = emit::api(&version.api, &version.settings);
            emit::version(&version.api, &items)
        });
        let newest = emit::newest(newest);
        quote!(#(#versions)* #newest)
    }

    /// The module as a formatted file of its own (`mod user_service;`). Works on several threads, so it is not for the
    /// inside of a procedural macro.
    ///
    /// # Errors
    /// When the tokens are no Rust, which is a bug.
    pub fn to_file(&self) -> Result<String, GenerateError> {
        let lints = print::text(emit::module_lints(&quote!(!)))?;
        Ok(format!("{}\n\n{lints}\n{}", self.header(), self.items()?))
    }

    /// The items as formatted text to be included in a module (`include_api!`). Works on several threads, so it is not
    /// for the inside of a procedural macro.
    ///
    /// # Errors
    /// When the tokens are no Rust, which is a bug.
    pub fn to_include(&self) -> Result<String, GenerateError> {
        // The lints of a module need one to stand on.
        let module = filled(&print::text(self.within_module(&TokenStream::new()))?, "generated", &self.items()?);
        Ok(format!("{}\n\n{module}", self.header()))
    }

    /// The items, formatted.
    fn items(&self) -> Result<String, GenerateError> {
        let Some(newest) = &self.api.module else { return Ok(print::module(&self.api, &self.settings)?) };
        let mut text = String::new();
        for Generated { api, settings, .. } in self.versions() {
            let items = print::module(api, settings)?;
            let module = print::text(emit::version(api, &TokenStream::new()))?;
            let name = api.module.as_ref().map(|module| module.name.as_str()).unwrap_or_default();
            text.push_str(&filled(&module, name, &items));
        }
        text.push_str(&print::text(emit::newest(newest))?);
        Ok(text)
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
        let origins: Vec<String> = self.versions().map(|version| version.api.origin()).collect();
        let documents = if origins.len() == 1 { "the document" } else { "the documents" };
        format!("// Generated by event-api from {}. Do not edit: change {documents}.", origins.join(", "))
    }
}

/// A printed module without items, with items in it.
fn filled(module: &str, name: &str, items: &str) -> String {
    module.replacen(&format!("mod {name} {{}}"), &format!("mod {name} {{\n\n{items}}}\n"), 1)
}

/// A document that was read and lowered.
struct Lowered {
    lowered: lower::Lowered,
    diagnostics: Vec<Diagnostic>,
    sources: Sources,
    compared_with: Vec<PathBuf>,
}

/// An option need not name something in every version.
fn keep_used_options(versions: &mut [Lowered]) {
    let everywhere: Vec<UnusedOption> = match versions.split_first() {
        Some((first, others)) => {
            let unused = first.lowered.unused_options.iter();
            let unused =
                unused.filter(|option| others.iter().all(|other| other.lowered.unused_options.contains(option)));
            unused.cloned().collect()
        }
        None => return,
    };
    for Lowered { lowered, .. } in versions {
        // Each has a finding of this rule, in the same order.
        let mut options = std::mem::take(&mut lowered.unused_options).into_iter();
        lowered.diagnostics.retain(|finding| {
            finding.rule.id != rules::UNUSED_OPTION.id
                || options.next().is_some_and(|option| everywhere.contains(&option))
        });
        lowered.unused_options.clone_from(&everywhere);
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
