//! The `#[event_api]` attribute: arguments and a module come in, the module with the generated items goes out. What is
//! generated is decided in `event-api-codegen`; here are arguments, spans and the tracking of files, nothing else.

mod arguments;
mod expand;

use proc_macro::TokenStream;

use arguments::Arguments;

/// Generates the items of a module from an AsyncAPI document; `event_api::event_api` documents it.
#[proc_macro_attribute]
pub fn event_api(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let expanded = match syn::parse::<Arguments>(arguments) {
        Ok(arguments) => expand::module(&arguments, item.into()),
        Err(error) => expand::failed(&error, item.into()),
    };
    expanded.into()
}
