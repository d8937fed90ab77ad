//! The `#[event_api]` attribute: arguments and a module come in, the module with the generated items goes out. What is
//! generated is decided in `event-api-codegen`; here are arguments, spans and the tracking of files, nothing else.

mod arguments;
mod expand;

use proc_macro::TokenStream;

use arguments::Arguments;

/// Generates the items of a module from an AsyncAPI document.
///
/// ```ignore
/// #[event_api::event_api("spec/asyncapi.yaml")]
/// pub mod user_service {}
/// ```
///
/// The path is relative to the folder of the crate's `Cargo.toml`. The document, and every file that it refers to, is
/// tracked: the next build after an edit generates anew. An error of the document is a compile error that shows file,
/// line, column and what to do. Warnings cannot be shown by an attribute; `cargo event-api validate` shows them.
///
/// Items that stand in the module already are kept, in front of the generated ones. Lints of style are off for the
/// whole module, because nobody edits generated code.
///
/// # Options
///
/// Options follow the path, in any order:
///
/// ```ignore
/// #[event_api::event_api(
///     "spec/asyncapi.yaml",
///     side = "consumer",
///     unknown_events = "refuse",
///     exact = true,
///     allow_hosts = ["schemas.example.com"],
///     replace = { "UserId" = crate::UserId },
///     rename = { "Foo" = Account },
///     derive = { "*" = [Eq, Hash] },
///     attr = { "#/components/schemas/User" = [must_use] },
/// )]
/// pub mod user_service {}
/// ```
///
/// | option | effect |
/// | --- | --- |
/// | `side` | `"both"` (default), or only what the `"publisher"` or the `"consumer"` needs |
/// | `unknown_events` | event types that are not declared: `"keep"` (default) as the variant `Unknown`, or `"refuse"` |
/// | `exact` | with `true`, a schema without `type` accepts values of every type, whatever its keywords speak of |
/// | `allow_hosts` | hosts on which references may stand; remote references are refused otherwise |
/// | `replace` | a type of your own for a schema; it implements serde's traits, `Clone`, `Debug` and `PartialEq` |
/// | `rename` | another name for a type |
/// | `derive` | further derives of a type, one or a list |
/// | `attr` | further attributes of a type, one or a list, without `#[…]` |
///
/// The last four name a type by its name (`"UserId"`), a schema by its pointer (`"#/components/schemas/UserId"`), and
/// `derive` and `attr` every type by `"*"`. What they are set to is Rust, or a string of Rust. Paths in it mean what
/// they would mean inside of the module, so those that begin with `crate::` are the clearest.
#[proc_macro_attribute]
pub fn event_api(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let expanded = match syn::parse::<Arguments>(arguments) {
        Ok(arguments) => expand::module(&arguments, item.into()),
        Err(error) => expand::failed(&error, item.into()),
    };
    expanded.into()
}
