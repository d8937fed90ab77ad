//! From the arguments and the annotated item to what the compiler sees.

use std::path::{Path, PathBuf};

use event_api_codegen::Generated;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Item, ItemMod, Result};

use crate::arguments::Arguments;

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
            let items = &generated.tokens;
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
    let at_path = |message: String| Error::new(arguments.path.span(), message);
    // Not the folder of the process: that is the workspace's.
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).ok_or_else(|| {
        at_path("CARGO_MANIFEST_DIR is not set: set it to the folder that the path is relative to".to_owned())
    })?;
    let generator = arguments.generator.clone().relative_to(&folder);
    let generated = generator.document(arguments.path.value()).map_err(|error| at_path(error.to_string()))?;
    let mut tracked = TokenStream::new();
    for file in generated.sources.files() {
        let path = folder.join(file.path());
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
