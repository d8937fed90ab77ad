//! From the arguments and the annotated item to what the compiler sees.

use std::path::{Path, PathBuf};

use event_api_codegen::{Generated, SourceFile};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Item, ItemMod, LitStr, Result};

use crate::arguments::{Arguments, Documents};

/// The module with the generated items behind its own.
pub(crate) fn module(arguments: &Arguments, item: TokenStream) -> TokenStream {
    let module = match inline_module(item.clone()) {
        Ok(module) => module,
        // What stands there is kept, so that only this is reported.
        Err(error) => return with_error(&error, item),
    };
    match generate(arguments) {
        Ok((generated, tracked)) => {
            let lints = generated.lints();
            let items = &generated.tokens();
            extended(module, &lints, &quote!(#tracked #items))
        }
        Err(error) => extended(module, &TokenStream::new(), &error.into_compile_error()),
    }
}

/// The item as it is, and an error of the arguments.
pub(crate) fn failed(error: &Error, item: TokenStream) -> TokenStream {
    with_error(error, item)
}

fn with_error(error: &Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}

fn inline_module(item: TokenStream) -> Result<ItemMod> {
    let write = "write `mod name {}` below the attribute";
    match syn::parse2(item)? {
        Item::Mod(module) if module.content.is_some() => Ok(module),
        Item::Mod(module) => {
            let message = format!("the module stands in a file of its own, which the attribute cannot fill; {write}");
            Err(Error::new_spanned(module, message))
        }
        other => Err(Error::new_spanned(other, format!("this is no module; {write}"))),
    }
}

/// What is generated, and the items that make the compiler watch the files.
fn generate(arguments: &Arguments) -> Result<(Generated, TokenStream)> {
    let at_path = |message: String| Error::new(arguments.documents.span(None), message);
    // Not the folder of the process: that is the workspace's.
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).ok_or_else(|| {
        at_path("CARGO_MANIFEST_DIR is not set: set it to the folder that the path is relative to".to_owned())
    })?;
    let generator = arguments.generator.clone().relative_to(&folder);
    let generated = match &arguments.documents {
        Documents::One(path) => generator.document(path.value()),
        Documents::Versions(paths) => generator.versions(&paths.iter().map(LitStr::value).collect::<Vec<_>>()),
    };
    let generated = generated.map_err(|error| Error::new(arguments.culprit(&error), error))?;
    let mut tracked = TokenStream::new();
    let read = generated.documents().flat_map(|(sources, _)| sources.files()).map(SourceFile::path);
    for path in read.chain(generated.compared_with.iter().map(PathBuf::as_path)) {
        let path = folder.join(path);
        // Texts from other hosts have no file.
        if path.is_file() {
            tracked.extend(track(&path).map_err(at_path)?);
        }
    }
    Ok((generated, tracked))
}

/// The only way in which stable Rust lets an attribute say that a build depends on a file.
fn track(path: &Path) -> std::result::Result<TokenStream, String> {
    match path.to_str() {
        Some(path) => Ok(quote!(
            const _: &[u8] = ::core::include_bytes!(#path);
        )),
        None => Err(format!("`{}` is no UTF-8 path, so that its changes cannot be watched", path.display())),
    }
}

/// The module with lints in front of it and items at its end.
fn extended(mut module: ItemMod, lints: &TokenStream, items: &TokenStream) -> TokenStream {
    if let Some((_, content)) = &mut module.content {
        content.push(Item::Verbatim(items.clone()));
    }
    quote!(#lints #module)
}

#[cfg(test)]
mod tests {
    use event_api_codegen::{Generator, configure};
    use quote::quote;

    use super::*;

    const DOCUMENT: &str = "tests/trybuild/spec/asyncapi.yaml";

    fn items(text: &str) -> Vec<Item> {
        syn::parse_file(text).unwrap().items
    }

    fn printed(items: Vec<Item>) -> String {
        let mut file: syn::File = syn::parse_quote!();
        file.items = items;
        // Documentation is one attribute in tokens and a comment a line in a file: only its words are compared.
        let comment = |line: &str| {
            line.trim().trim_start_matches("///").trim_start_matches("/**").trim_end_matches("*/").trim().to_owned()
        };
        let text = prettyplease::unparse(&file);
        text.lines().map(comment).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }

    fn content(item: Item) -> Vec<Item> {
        match item {
            Item::Mod(ItemMod { content: Some((_, items)), .. }) => items,
            other => panic!("no module: {}", quote!(#other)),
        }
    }

    fn by_attribute() -> String {
        let arguments = syn::parse2(quote!(#DOCUMENT, rename = { "NameChanged" = Renamed })).unwrap();
        let module = module(
            &arguments,
            quote!(
                pub mod users {}
            ),
        );
        let mut items = content(syn::parse2(module).unwrap());
        // One for the document, one for the file that it refers to.
        let tracked: Vec<Item> = items.drain(..2).collect();
        assert!(tracked.iter().all(|item| matches!(item, Item::Const(item) if item.ident == "_")));
        printed(items)
    }

    fn by_build_script() -> String {
        let folder = tempfile::tempdir().unwrap();
        configure().rename("NameChanged", "Renamed").out_dir(folder.path()).compile_as("users", DOCUMENT).unwrap();
        let text = std::fs::read_to_string(folder.path().join("users.rs")).unwrap();
        printed(content(items(&text).remove(0)))
    }

    /// What the command line writes, as its own tests show.
    fn as_file() -> String {
        let generated = Generator::new().rename("NameChanged", "Renamed").document(DOCUMENT).unwrap();
        printed(items(&generated.to_file().unwrap()))
    }

    #[test]
    fn all_entrances_generate_the_same_items() {
        let expected = as_file();
        assert!(expected.contains("pub struct Renamed"), "{expected}");
        assert_eq!(by_attribute(), expected);
        assert_eq!(by_build_script(), expected);
    }

    #[test]
    fn all_entrances_generate_the_same_versions() {
        const VERSIONS: [&str; 2] = ["tests/trybuild/spec/v1.yaml", "tests/trybuild/spec/v2.yaml"];
        let (first, second) = (VERSIONS[0], VERSIONS[1]);
        let arguments = syn::parse2(quote!(versions = [#first, #second], derive = { "*" = Eq })).unwrap();
        let module = module(
            &arguments,
            quote!(
                pub mod users {}
            ),
        );
        let mut by_attribute = content(syn::parse2(module).unwrap());
        let tracked = by_attribute.drain(..2).count();

        let folder = tempfile::tempdir().unwrap();
        configure().derive("*", "Eq").out_dir(folder.path()).compile_versions("users", &VERSIONS).unwrap();
        let text = std::fs::read_to_string(folder.path().join("users.rs")).unwrap();
        let by_build_script = content(items(&text).remove(0));

        let as_file = Generator::new().derive("*", "Eq").versions(&VERSIONS).unwrap().to_file().unwrap();
        let expected = printed(items(&as_file));
        assert!(expected.contains("pub use super::v2::UserDeleted;"), "{expected}");
        assert_eq!((printed(by_attribute), tracked), (expected.clone(), VERSIONS.len()));
        assert_eq!(printed(by_build_script), expected);
    }

    #[test]
    fn a_module_of_its_own_file_is_refused() {
        let arguments = syn::parse2(quote!(#DOCUMENT)).unwrap();
        let expanded = module(
            &arguments,
            quote!(
                mod users;
            ),
        )
        .to_string();
        assert!(expanded.contains("write `mod name {}` below the attribute"), "{expanded}");
    }

    #[test]
    fn what_stands_in_the_module_is_kept_also_beside_an_error() {
        let arguments = syn::parse2(quote!("missing.yaml")).unwrap();
        let expanded = module(
            &arguments,
            quote!(
                mod users {
                    pub struct Own;
                }
            ),
        )
        .to_string();
        assert!(expanded.contains("pub struct Own") && expanded.contains("compile_error"), "{expanded}");
    }
}
