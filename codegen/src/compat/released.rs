//! Released versions: a file or a folder comes in; the documents, oldest first, go out.

use std::fmt;
use std::path::{Path, PathBuf};

use event_api_spec::compat::Baseline;
use event_api_spec::{Loaded, Loader, semantic_version};

use crate::report;

/// A released version of a document.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Released {
    /// What reports call it: its path, or a git ref.
    pub name: String,
    /// The document, which has no errors when it comes from [`read_released`].
    pub loaded: Loaded,
}

impl Released {
    /// A version, and what to call it.
    pub fn new(name: impl Into<String>, loaded: Loaded) -> Self {
        Released { name: name.into(), loaded }
    }

    /// It as one to compare with.
    pub fn baseline(&self) -> Baseline<'_> {
        Baseline::new(&self.name, &self.loaded)
    }

    /// Its `info.version`.
    pub fn version(&self) -> &str {
        self.loaded.document.as_ref().map_or("", |document| &document.info.version)
    }
}

/// Released versions cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReleasedError {
    /// The file or folder cannot be read.
    #[error("`{}`, with which the document is to be compared, {}", path.display(), why(source))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// No file of the folder is a document.
    #[error("there is no AsyncAPI document in `{}` to compare with; put the released versions there", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A document has errors.
    #[error("{0}")]
    Invalid(Box<InvalidVersion>),
    /// It cannot be told which version is older.
    #[error(
        "`{}` has the version `{version}`, which is no semantic version (such as 1.4.0): its place among the released \
         versions is unknown", path.display()
    )]
    NoOrder {
        /// The document.
        path: PathBuf,
        /// Its `info.version`.
        version: String,
    },
}

/// A version that has errors, with everything that is needed to show them; displayed, it is the whole report.
#[derive(Debug)]
#[non_exhaustive]
pub struct InvalidVersion {
    /// The document.
    pub path: PathBuf,
    /// What was found in it.
    pub loaded: Loaded,
}

/// The same words on every system for what happens most.
fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "does not exist".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

impl InvalidVersion {
    /// A version that has errors.
    pub fn new(path: impl Into<PathBuf>, loaded: Loaded) -> Self {
        InvalidVersion { path: path.into(), loaded }
    }
}

impl fmt::Display for InvalidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing can be compared with `{}`: ", self.path.display())?;
        report::errors(f, &self.loaded.diagnostics, &self.loaded.sources)
    }
}

/// Reads the document at `path`, or all versions of a document in the folder `path`, oldest first.
///
/// In a folder, a version is a YAML or JSON file with the member `asyncapi`, or such a file in a folder of its own
/// (`released/1.2.0/asyncapi.yaml`); what it refers to may be beside it. Versions are ordered by `info.version`, as
/// Semantic Versioning has it. `path` is relative to `folder`, and so are the loader's paths.
///
/// # Errors
///
/// When nothing is there, a version has errors, or several cannot be brought into an order.
pub fn read_released(path: &Path, folder: &Path, loader: &Loader) -> Result<Vec<Released>, ReleasedError> {
    let unreadable = |source| ReleasedError::Unreadable { path: path.to_owned(), source };
    let metadata = std::fs::metadata(folder.join(path)).map_err(unreadable)?;
    if !metadata.is_dir() {
        return Ok(vec![load(path, loader)?]);
    }
    let mut files = Vec::new();
    for name in names(&folder.join(path)).map_err(unreadable)? {
        let version = path.join(&name);
        if folder.join(&version).is_dir() {
            let inner = names(&folder.join(&version)).map_err(unreadable)?;
            files.extend(inner.into_iter().map(|name| version.join(name)));
        } else {
            files.push(version);
        }
    }
    let mut released = Vec::new();
    for file in files.iter().filter(|file| is_document(&folder.join(file))) {
        let version = load(file, loader)?;
        let order = semantic_version(version.version());
        released.push((order, file, version));
    }
    if released.is_empty() {
        return Err(ReleasedError::Empty { path: path.to_owned() });
    }
    if released.len() > 1
        && let Some((_, file, version)) = released.iter().find(|(order, ..)| order.is_none())
    {
        let version = version.version().to_owned();
        return Err(ReleasedError::NoOrder { path: (*file).clone(), version });
    }
    released.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    Ok(released.into_iter().map(|(.., version)| version).collect())
}

fn load(path: &Path, loader: &Loader) -> Result<Released, ReleasedError> {
    let loaded = loader.load(path);
    if loaded.has_errors() || loaded.document.is_none() {
        return Err(ReleasedError::Invalid(Box::new(InvalidVersion { path: path.to_owned(), loaded })));
    }
    Ok(Released::new(path.display().to_string(), loaded))
}

fn names(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<PathBuf> = entries.into_iter().map(|entry| entry.file_name().into()).collect();
    names.sort();
    Ok(names)
}

/// Whether a file is a document, and not a part that documents refer to. One that cannot be read counts as one, so that
/// loading it says what is wrong.
fn is_document(path: &Path) -> bool {
    let has_extension = path.extension().is_some_and(|it| it == "yaml" || it == "yml" || it == "json");
    has_extension && path.is_file() && std::fs::read_to_string(path).map_or(true, |text| says_asyncapi(&text))
}

/// Whether a text has a key `asyncapi` that may be a member of its root.
fn says_asyncapi(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find("asyncapi") {
        let before = rest[..at].trim_end_matches(['"', '\'']).trim_end_matches([' ', '\t']).chars().next_back();
        rest = &rest[at + "asyncapi".len()..];
        let is_key = rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':');
        if is_key && before.is_none_or(|c| matches!(c, '\n' | '\r' | '{' | ',' | '\u{feff}')) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(version: &str) -> String {
        format!("asyncapi: 3.0.0\ninfo: {{ title: Users, version: {version} }}\n")
    }

    fn folder(files: &[(&str, String)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join("released").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn read(folder: &tempfile::TempDir) -> Result<Vec<Released>, ReleasedError> {
        let loader = Loader::new().relative_to(folder.path());
        read_released(Path::new("released"), folder.path(), &loader)
    }

    #[test]
    fn versions_are_in_the_order_of_semantic_versioning() {
        let folder = folder(&[
            ("a.yaml", document("1.10.0")),
            ("b.yml", document("1.9.0")),
            (
                "c.json",
                "{\"asyncapi\": \"3.0.0\", \"info\": {\"title\": \"Users\", \"version\": \"2.0.0-rc.1\"}}".into(),
            ),
            ("d/asyncapi.yaml", document("v1.2")),
            ("common.yaml", "schemas: { asyncapi_user: { type: string } }".into()),
            ("README.md", "asyncapi: no".into()),
        ]);
        let released = read(&folder).unwrap();
        let versions: Vec<&str> = released.iter().map(Released::version).collect();
        assert_eq!(versions, ["v1.2", "1.9.0", "1.10.0", "2.0.0-rc.1"]);
        assert_eq!(released[0].name, Path::new("released/d/asyncapi.yaml").display().to_string());
    }

    #[test]
    fn what_cannot_be_ordered_or_read_is_an_error() {
        let unordered = folder(&[("a.yaml", document("1.0.0")), ("b.yaml", document("monday"))]);
        assert!(matches!(read(&unordered), Err(ReleasedError::NoOrder { version, .. }) if version == "monday"));
        let alone = folder(&[("b.yaml", document("monday"))]);
        assert_eq!(read(&alone).unwrap().len(), 1);
        let none = folder(&[("common.yaml", "type: string".into())]);
        assert!(matches!(read(&none), Err(ReleasedError::Empty { .. })));
        let broken = folder(&[("a.yaml", (document("1.0.0") + "channels: { $ref: gone.yaml }\n"))]);
        let said = read(&broken).unwrap_err().to_string();
        assert!(said.starts_with("nothing can be compared with `released/a.yaml`: 1 error"), "{said}");
        assert!(matches!(read(&tempfile::tempdir().unwrap()), Err(ReleasedError::Unreadable { .. })));
    }
}
