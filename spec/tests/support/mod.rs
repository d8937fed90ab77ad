//! What the suites share: documents of several files, and diagnostics as text.

// Each suite is a program of its own and uses some of this.
#![allow(dead_code)]
// Clippy lets only test functions unwrap; here it is their tools that do.
#![allow(clippy::unwrap_used)]

pub(crate) mod compat;

use std::fmt::Write as _;
use std::path::Path;

use event_api_spec::schema::{Keywords, SchemaId, SchemaKind};
use event_api_spec::{Diagnostic, Document, Loaded, Loader, Sources};

/// Loads a document from its text.
pub(crate) fn load(text: &str) -> Loaded {
    Loader::new().load_text("asyncapi.yaml", text)
}

/// Loads a document that must have nothing to complain about.
pub(crate) fn load_clean(text: &str) -> Document {
    clean(load(text))
}

/// The document, which must have nothing to complain about.
pub(crate) fn clean(loaded: Loaded) -> Document {
    let found = report(&loaded);
    assert!(found.is_empty(), "{found}");
    loaded.document.expect("a document without diagnostics is there")
}

/// Writes files to a new folder and loads the first of them.
pub(crate) fn load_files(files: &[(&str, &str)]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Loader::new().load(folder.path().join(files[0].0))
}

/// All diagnostics, one a line: `file:line:column severity rule: message (help)`.
pub(crate) fn report(loaded: &Loaded) -> String {
    lines(&loaded.diagnostics, &loaded.sources)
}

/// See [`report`].
pub(crate) fn lines(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut text = String::new();
    let folder = sources.files().next().and_then(|file| file.path().parent()).unwrap_or(Path::new(""));
    let folder = format!("{}/", folder.display());
    for diagnostic in diagnostics {
        if let Some(location) = diagnostic.location() {
            write!(text, "{} ", sources.display(location.span)).unwrap();
        }
        write!(text, "{} {}: {}", diagnostic.severity, diagnostic.rule.id, diagnostic.message).unwrap();
        if let Some(help) = &diagnostic.help {
            write!(text, " ({help})").unwrap();
        }
        text.push('\n');
    }
    if folder.len() > 1 { text.replace(&folder, "") } else { text }
}

/// The keywords of a schema, behind bare references.
pub(crate) fn keywords(document: &Document, id: SchemaId) -> &Keywords {
    match &document[document.schemas.follow(id)].kind {
        SchemaKind::Object(keywords) => keywords,
        SchemaKind::Bool(_) => panic!("a boolean schema has no keywords"),
    }
}

/// The header that every 3.x document begins with.
pub(crate) const HEAD: &str = "asyncapi: 3.0.0\ninfo: {title: Test, version: 1.0.0}\n";
