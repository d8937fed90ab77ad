//! What the modules of several versions are called: after their files, so that a further version renames none of them.

use std::collections::HashSet;
use std::path::Path;

use crate::lower::names::field_name;

/// The file name that says nothing.
const USUAL: &str = "asyncapi";

/// The module names for documents at these paths and of these versions: `v1` for `spec/v1.yaml`. One that is called as
/// documents usually are, or as all others, is called after its folder where that is a version (`spec/v1/asyncapi.yaml`),
/// else after the first number of its version, which is what its file will be called when the next one comes. The places
/// of two that would have one name are the error.
pub(super) fn of_modules(documents: &[(&Path, &str)]) -> Result<Vec<String>, (usize, usize)> {
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let stems: HashSet<String> = documents.iter().map(|(path, _)| stem(path)).collect();
    let all_alike = stems.len() == 1 && documents.len() > 1;
    let name = |(path, version): &(&Path, &str)| {
        let stem = stem(path);
        if stem != USUAL && !all_alike {
            return module_name(&stem);
        }
        let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let folder =
            folder.filter(|folder| folder.trim_start_matches(['v', 'V']).starts_with(|c: char| c.is_ascii_digit()));
        module_name(&folder.or_else(|| major(version)).unwrap_or(stem))
    };
    let names: Vec<String> = documents.iter().map(name).collect();
    for (index, name) in names.iter().enumerate() {
        if let Some(first) = names[..index].iter().position(|other| other == name) {
            return Err((first, index));
        }
    }
    Ok(names)
}

/// `v2` of `2.1.0`, and `v0.3` of `0.3.1`: what may break is what counts.
fn major(version: &str) -> Option<String> {
    let mut numbers = version.split('.');
    let major: u64 = numbers.next()?.parse().ok()?;
    let minor = numbers.next().and_then(|minor| minor.parse::<u64>().ok());
    Some(match (major, minor) {
        (0, Some(minor)) => format!("v0.{minor}"),
        (major, _) => format!("v{major}"),
    })
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

    fn names(documents: &[(&str, &str)]) -> Result<Vec<String>, (usize, usize)> {
        of_modules(&documents.iter().map(|(path, version)| (Path::new(path), *version)).collect::<Vec<_>>())
    }

    #[test]
    fn modules_are_called_after_their_files() {
        assert_eq!(names(&[("spec/v1.yaml", "1.0.0"), ("spec/v2.json", "3.0.0")]).unwrap(), ["v1", "v2"]);
        assert_eq!(names(&[("1.2.yaml", ""), ("users-v2.1.yaml", "")]).unwrap(), ["v1_2", "users_v2_1"]);
        let unusual = names(&[("type.yaml", ""), ("self.yaml", ""), ("Käse 3.yaml", "")]);
        assert_eq!(unusual.unwrap(), ["r#type", "self_", "käse_3"]);
    }

    #[test]
    fn where_files_say_nothing_their_folders_do_or_their_versions() {
        assert_eq!(names(&[("v1/asyncapi.yaml", "1.0.0"), ("v2/asyncapi.yaml", "2.0.0")]).unwrap(), ["v1", "v2"]);
        assert_eq!(names(&[("a/users.yaml", "1.0.0"), ("b/users.yaml", "0.3.1")]).unwrap(), ["v1", "v0_3"]);
        assert_eq!(names(&[("spec/v1.yaml", "1.4.0"), ("spec/asyncapi.yaml", "2.0.0")]).unwrap(), ["v1", "v2"]);
        assert_eq!(names(&[("spec/asyncapi.yaml", "1.4.0")]).unwrap(), ["v1"], "as when a second one comes");
        assert_eq!(names(&[("asyncapi.yaml", "draft")]).unwrap(), ["asyncapi"]);
    }

    #[test]
    fn two_of_one_name_are_told() {
        assert_eq!(names(&[("a/v1.yaml", ""), ("b/v1.yaml", ""), ("c/v2.yaml", "")]), Err((0, 1)));
        assert_eq!(names(&[("v1.yaml", ""), ("asyncapi.yaml", "1.3.0")]), Err((0, 1)));
        assert_eq!(names(&[("1.0.yaml", ""), ("1-0.yaml", "")]), Err((0, 1)));
    }
}
