//! From the intermediate representation to tokens.
//!
//! Everything that the generated code names is `::event_api::…` or from `core` and `std`, so a user adds one crate.
//! What people read (types, enums, traits) is written out; how types are read and written as JSON is said in one line
//! each to the macros of `event_api::codegen`.

mod avro;
mod docs;
mod events;
mod path;
mod types;

use proc_macro2::TokenStream;
use quote::quote;

use crate::ir::Api;
use crate::settings::Settings;
pub(crate) use docs::visible;
use path::Paths;

/// The items of the module.
pub(crate) fn api(api: &Api, settings: &Settings) -> TokenStream {
    let paths = Paths::new(api);
    let mut items = TokenStream::new();
    for set in &api.sets {
        items.extend(events::set(set, api, &paths, settings));
    }
    for (id, definition) in api.types.iter() {
        items.extend(match api.types.avro.get(&id) {
            Some(avro) => avro::definition(definition, avro, api, &paths),
            None => types::definition(definition, api, &paths),
        });
    }
    items.extend(events::correlation_ids(api, &paths));
    items
}

/// The lint attribute of a generated module, inner with `!`: style lints speak to those who write code, and a service
/// need not use every type of a contract.
pub(crate) fn module_lints(inner: &TokenStream) -> TokenStream {
    quote! {
        # #inner [allow(
            clippy::all,
            clippy::pedantic,
            clippy::nursery,
            dead_code,
            missing_docs,
            non_camel_case_types,
            non_snake_case,
            unreachable_pub,
            deprecated,
            rustdoc::all,
            reason = "generated code"
        )]
    }
}
