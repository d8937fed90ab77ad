//! What the modules of several versions are called: after their files, so that a further version renames none of them.

use std::collections::HashSet;
use std::path::Path;

use crate::lower::names::field_name;

/// The module names for documents at these paths: `v1` for `spec/v1.yaml`. Where all files are called alike, as in
/// `spec/v1/asyncapi.yaml`, after their folders. The paths of two that would have one name are the error.
pub(super) fn of_modules(paths: &[&Path]) -> Result<Vec<String>, (usize, usize)> {
    let stem = |path: &&Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let stems: Vec<String> = paths.iter().map(stem).collect();
    let all_alike = stems.iter().collect::<HashSet<_>>().len() == 1 && (stems.len() > 1 || stems[0] == "asyncapi");
    let folder = |path: &&Path| path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let words = if all_alike { paths.iter().map(|path| folder(path).unwrap_or_default()).collect() } else { stems };
    let names: Vec<String> = words.iter().map(|word| module_name(word)).collect();
    for (index, name) in names.iter().enumerate() {
        if let Some(first) = names[..index].iter().position(|other| other == name) {
            return Err((first, index));
        }
    }
    Ok(names)
}

/// A version number is one with a `v` before it: `v1_2` for `1.2`.
fn module_name(word: &str) -> String {
    let word = if word.starts_with(|c: char| c.is_ascii_digit()) { format!("v{word}") } else { word.to_owned() };
    // Heck takes a number for the end of a word, and `v1.2` for two of them; only what separates is replaced.
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if plain && word.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let name = word.to_ascii_lowercase().replace(['.', '-'], "_");
        return if syn::parse_str::<syn::Ident>(&name).is_ok() { name } else { field_name(&word) };
    }
    field_name(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Result<Vec<String>, (usize, usize)> {
        of_modules(&paths.iter().map(Path::new).collect::<Vec<_>>())
    }

    #[test]
    fn modules_are_called_after_their_files() {
        assert_eq!(names(&["spec/v1.yaml", "spec/v2.json"]).unwrap(), ["v1", "v2"]);
        assert_eq!(names(&["1.2.yaml", "users-v2.1.yaml"]).unwrap(), ["v1_2", "users_v2_1"]);
        assert_eq!(names(&["type.yaml", "self.yaml", "Käse 3.yaml"]).unwrap(), ["r#type", "self_", "käse_3"]);
    }

    #[test]
    fn where_all_files_are_called_alike_their_folders_tell_them_apart() {
        assert_eq!(names(&["spec/v1/asyncapi.yaml", "spec/v2/asyncapi.yaml"]).unwrap(), ["v1", "v2"]);
        assert_eq!(names(&["spec/v1/asyncapi.yaml"]).unwrap(), ["v1"], "before there is a second one");
        assert_eq!(names(&["spec/v1.yaml"]).unwrap(), ["v1"]);
    }

    #[test]
    fn two_of_one_name_are_told() {
        assert_eq!(names(&["a/v1.yaml", "b/v1.yaml", "c/v2.yaml"]), Err((0, 1)));
        assert_eq!(names(&["v1.yaml", "v1.yaml"]), Err((0, 1)));
        assert_eq!(names(&["1.0.yaml", "1-0.yaml"]), Err((0, 1)));
    }
}
