//! The dialects' own schemas as files: references to them are answered without a network.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::{fs, io};

use referencing::meta;
use serde_json::Value;

/// The URLs below which the dialects' own schemas are found.
pub const METASCHEMAS: [&str; 2] = ["http://json-schema.org/", "https://json-schema.org/"];

static ALL: [&LazyLock<Arc<Value>>; 16] = [
    &meta::DRAFT7,
    &meta::DRAFT201909,
    &meta::DRAFT201909_APPLICATOR,
    &meta::DRAFT201909_CONTENT,
    &meta::DRAFT201909_CORE,
    &meta::DRAFT201909_FORMAT,
    &meta::DRAFT201909_META_DATA,
    &meta::DRAFT201909_VALIDATION,
    &meta::DRAFT202012,
    &meta::DRAFT202012_APPLICATOR,
    &meta::DRAFT202012_CONTENT,
    &meta::DRAFT202012_CORE,
    &meta::DRAFT202012_FORMAT_ANNOTATION,
    &meta::DRAFT202012_META_DATA,
    &meta::DRAFT202012_UNEVALUATED,
    &meta::DRAFT202012_VALIDATION,
];

/// The dialects' own schemas.
pub fn metaschemas() -> impl Iterator<Item = &'static Value> {
    ALL.into_iter().map(|schema| &***schema)
}

/// Writes them to a folder, each where its URL has it below [`METASCHEMAS`].
///
/// # Errors
/// When a file cannot be written.
pub fn write_metaschemas(folder: &Path) -> io::Result<()> {
    for schema in metaschemas() {
        let id = schema.get("$id").and_then(Value::as_str).unwrap_or_default();
        let below = METASCHEMAS.iter().find_map(|url| id.strip_prefix(url)).unwrap_or(id);
        let path = folder.join(below.trim_end_matches('#'));
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, schema.to_string())?;
    }
    Ok(())
}
