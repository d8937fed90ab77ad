//! The entrance for `build.rs`: options and a document's path come in; a file in `OUT_DIR`, and what cargo has to know
//! (files to watch, warnings), go out.

use std::env;
use std::fmt::{self, Debug, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};

use event_api_spec::SourceFile;

use crate::compat::Compat;
use crate::generator::{GenerateError, Generated, Generator};
use crate::settings::{Side, UnknownEvents};

/// Begins the generation of a document from a build script.
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), event_api_codegen::BuildError> {
///     event_api_codegen::configure().compile_as("user_service", "spec/asyncapi.yaml")
/// }
/// ```
///
/// and in the crate:
///
/// ```ignore
/// pub mod user_service {
///     event_api::include_api!("user_service");
/// }
/// ```
pub fn configure() -> Builder {
    Builder::default()
}

/// The options of a build script; see [`configure`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    generator: Generator,
    out_dir: Option<PathBuf>,
}

/// Why a build script failed. `main` shows an error by its [`Debug`] form, which therefore is the readable report.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nothing was generated.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// The name is no file name.
    #[error("`{0}` cannot be the name of a generated file: write a plain one, such as `user_service`")]
    Name(String),
    /// There is no place to write to.
    #[error("OUT_DIR is not set: call this from build.rs, or choose a folder with `out_dir`")]
    NoOutDir,
    /// The generated file could not be written.
    #[error("the generated code cannot be written to `{}`: {source}", path.display())]
    Write {
        /// The generated file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Debug for BuildError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl Builder {
    /// Which half of the contract to generate; both by default.
    #[must_use]
    pub fn side(self, side: Side) -> Self {
        self.with(|generator| generator.side(side))
    }

    /// What to do with event types that the document does not declare.
    #[must_use]
    pub fn unknown_events(self, policy: UnknownEvents) -> Self {
        self.with(|generator| generator.unknown_events(policy))
    }

    /// Takes schemas by the letter; see [`Generator::exact`].
    #[must_use]
    pub fn exact(self) -> Self {
        self.with(Generator::exact)
    }

    /// Reads what references below a URL name from a folder instead; see [`Generator::map_remote`].
    #[must_use]
    pub fn map_remote(self, url_prefix: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        self.with(|generator| generator.map_remote(url_prefix, folder))
    }

    /// Allows remote references to this host; see [`Generator::allow_host`].
    #[must_use]
    pub fn allow_host(self, host: impl Into<String>) -> Self {
        self.with(|generator| generator.allow_host(host))
    }

    /// Uses a type of your own, by its path, for a schema; see [`Generator::replace`].
    ///
    /// The path is read inside of a module within the one that has `include_api!`: begin it with `crate::`.
    #[must_use]
    pub fn replace(self, schema: impl Into<String>, path: impl Into<String>) -> Self {
        self.with(|generator| generator.replace(schema, path))
    }

    /// Gives a type another name; see [`Generator::rename`].
    #[must_use]
    pub fn rename(self, name: impl Into<String>, to: impl Into<String>) -> Self {
        self.with(|generator| generator.rename(name, to))
    }

    /// Adds a derive to a type, or to all (`*`); see [`Generator::derive`].
    #[must_use]
    pub fn derive(self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.with(|generator| generator.derive(name, path))
    }

    /// Adds an attribute to a type, or to all (`*`); see [`Generator::attr`].
    #[must_use]
    pub fn attr(self, name: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.with(|generator| generator.attr(name, attribute))
    }

    /// Uses a type of your own for all strings of a `format`; see [`Generator::format`] and [`Builder::replace`].
    #[must_use]
    pub fn format(self, format: impl Into<String>, path: impl Into<String>) -> Self {
        self.with(|generator| generator.format(format, path))
    }

    /// Lets an enum of strings, or all (`*`), take values that the document does not list; see
    /// [`Generator::open_enum`].
    #[must_use]
    pub fn open_enum(self, name: impl Into<String>) -> Self {
        self.with(|generator| generator.open_enum(name))
    }

    /// Lets a struct, or all (`*`), keep members that the document does not name; see [`Generator::keep_unknown`].
    #[must_use]
    pub fn keep_unknown(self, name: impl Into<String>) -> Self {
        self.with(|generator| generator.keep_unknown(name))
    }

    /// Generates only what is compatible with released versions, a document or a folder of them; see
    /// [`Generator::baseline`].
    ///
    /// ```no_run
    /// use event_api_codegen::compat::Compat;
    ///
    /// event_api_codegen::configure().baseline("spec/released").compat(Compat::Full).compile("spec/users.yaml")?;
    /// # Ok::<(), event_api_codegen::BuildError>(())
    /// ```
    #[must_use]
    pub fn baseline(self, path: impl Into<PathBuf>) -> Self {
        self.with(|generator| generator.baseline(path))
    }

    /// What must hold between released versions and the document; see [`Generator::compat`].
    #[must_use]
    pub fn compat(self, mode: Compat) -> Self {
        self.with(|generator| generator.compat(mode))
    }

    /// Writes to this folder instead of `OUT_DIR`. `include_api!` looks into `OUT_DIR` only.
    #[must_use]
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Generates the document at `path`, which is relative to the folder of `Cargo.toml`, under the name of its file:
    /// `spec/users.yaml` is what `include_api!("users")` includes.
    ///
    /// # Errors
    /// As [`Builder::compile_as`].
    pub fn compile(self, path: impl AsRef<Path>) -> Result<(), BuildError> {
        let path = path.as_ref();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.compile_as(&stem, path)
    }

    /// Generates the document at `path`, which is relative to the folder of `Cargo.toml`, as `name`: what
    /// `include_api!(name)` includes. The file is `name.rs`, written only when its content changes.
    ///
    /// When cargo runs it, it also tells cargo to run the script again when the document, or a file that it refers to,
    /// changes, and to show the document's warnings.
    ///
    /// # Errors
    /// When the document or an option has errors, all of which the error shows, or the file cannot be written.
    pub fn compile_as(self, name: &str, path: impl AsRef<Path>) -> Result<(), BuildError> {
        let path = path.as_ref();
        self.write(name, &[path], |generator| generator.document(path))
    }

    /// Generates several versions of a document side by side, the oldest first; see [`Generator::versions`].
    ///
    /// ```no_run
    /// // build.rs
    /// fn main() -> Result<(), event_api_codegen::BuildError> {
    ///     event_api_codegen::configure().compile_versions("user_service", &["spec/v1.yaml", "spec/v2.yaml"])
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Builder::compile_as`], and when the versions cannot be told apart.
    pub fn compile_versions<P: AsRef<Path>>(self, name: &str, paths: &[P]) -> Result<(), BuildError> {
        let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
        self.write(name, &paths, |generator| generator.versions(&paths))
    }

    fn write(
        self,
        name: &str,
        paths: &[&Path],
        generate: impl FnOnce(&Generator) -> Result<Generated, GenerateError>,
    ) -> Result<(), BuildError> {
        // A file in the folder, not somewhere else.
        if Path::new(name).file_name().is_none_or(|file| file != name) {
            return Err(BuildError::Name(name.to_owned()));
        }
        let cargo = Cargo::new();
        let generated = generate(&self.generator).inspect_err(|error| {
            // Also those that do not exist: they may appear.
            paths.iter().for_each(|path| cargo.watch(path));
            if let GenerateError::Document(errors) = error {
                cargo.watch_all(errors.sources.files().skip(1).map(SourceFile::path));
            }
        })?;
        for (sources, _) in generated.documents() {
            cargo.watch_all(sources.files().map(SourceFile::path));
        }
        // The folder of released versions among them: one more may stand there tomorrow.
        generated.compared_with.iter().for_each(|path| cargo.watch(path));
        cargo.warn(&generated);
        let folder = self.out_dir.or_else(|| env::var_os("OUT_DIR").map(PathBuf::from)).ok_or(BuildError::NoOutDir)?;
        let target = folder.join(format!("{name}.rs"));
        let text = generated.to_include()?;
        write_if_changed(&target, &text).map_err(|source| BuildError::Write { path: target, source })
    }

    fn with(mut self, change: impl FnOnce(Generator) -> Generator) -> Self {
        self.generator = change(self.generator);
        self
    }
}

/// A new modification time would compile the crate again for nothing.
fn write_if_changed(path: &Path, text: &str) -> io::Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

/// Speaks to cargo, if it is there.
struct Cargo {
    listens: bool,
}

impl Cargo {
    fn new() -> Self {
        // Cargo sets both for build scripts, and OUT_DIR for nothing else at run time.
        Cargo { listens: env::var_os("CARGO").is_some() && env::var_os("OUT_DIR").is_some() }
    }

    fn watch(&self, path: &Path) {
        self.say("rerun-if-changed", &path.display());
    }

    fn watch_all<'a>(&self, paths: impl Iterator<Item = &'a Path>) {
        // Texts from other hosts have no file. One that cargo does not find would make every build run the script.
        paths.filter(|path| path.is_file()).for_each(|path| self.watch(path));
    }

    fn warn(&self, generated: &Generated) {
        generated.warnings().for_each(|warning| self.say("warning", &warning));
    }

    // Standard output is how a build script speaks to cargo.
    #[allow(clippy::print_stdout, reason = "cargo reads a build script's standard output")]
    fn say(&self, what: &str, value: &dyn Display) {
        if self.listens {
            println!("cargo::{what}={value}");
        }
    }
}
