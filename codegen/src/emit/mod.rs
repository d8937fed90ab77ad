//! From the intermediate representation to tokens.
//!
//! Everything that the generated code names is `::event_api::…` or from `core` and `std`, so a user adds one crate.
//! What people read (types, enums, traits) is written out; how types are read and written as JSON is said in one line
//! each to the macros of `event_api::codegen`.

mod avro;
mod docs;
mod events;
mod history;
mod path;
mod read;
mod rule;
mod types;

use proc_macro2::TokenStream;
use quote::quote;

use crate::ir::{Api, DefinitionId, Module};
use crate::settings::Settings;
pub(crate) use docs::visible;
use path::Paths;

/// An item of the module, with everything that belongs to it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item {
    /// The events of a channel, by index.
    Set(usize),
    /// A type.
    Type(DefinitionId),
    /// The accessors of correlation ids.
    CorrelationIds,
    /// Conversions from types of earlier versions, by index.
    Upcast(usize),
    /// What types alone do not say.
    Rules,
}

/// All items, in their order.
pub(crate) fn items(api: &Api) -> Vec<Item> {
    let sets = (0..api.sets.len()).map(Item::Set);
    let types = api.types.iter().map(|(id, _)| Item::Type(id));
    let upcasts = api.module.iter().flat_map(|module| 0..module.upcasts.len()).map(Item::Upcast);
    sets.chain(types).chain([Item::CorrelationIds]).chain(upcasts).chain([Item::Rules]).collect()
}

/// The items of the module.
pub(crate) fn api(api: &Api, settings: &Settings) -> TokenStream {
    Emitter::new(api, settings).tokens(&items(api))
}

/// Emits items, in whatever parts they are asked for.
pub(crate) struct Emitter<'a> {
    api: &'a Api,
    settings: &'a Settings,
    paths: Paths,
}

impl<'a> Emitter<'a> {
    pub(crate) fn new(api: &'a Api, settings: &'a Settings) -> Self {
        Emitter { api, settings, paths: Paths::new(api) }
    }

    pub(crate) fn tokens(&self, items: &[Item]) -> TokenStream {
        let Emitter { api, settings, paths } = self;
        let mut tokens = TokenStream::new();
        for item in items {
            match item {
                Item::Set(index) => tokens.extend(events::set(&api.sets[*index], api, paths, settings)),
                Item::Type(id) => tokens.extend(match (api.reused(*id), api.types.avro.get(id)) {
                    (Some(reused), _) => history::reuse(reused, &api.types[*id]),
                    (None, Some(avro)) => avro::definition(&api.types[*id], avro, api, paths),
                    (None, None) => types::definition(&api.types[*id], api, paths),
                }),
                Item::Upcast(index) => tokens.extend(history::upcast(*index, api, paths)),
                Item::CorrelationIds => tokens.extend(events::correlation_ids(api, paths)),
                Item::Rules => tokens.extend(rule::module(api)),
            }
        }
        tokens
    }
}

/// The module of one of several versions.
pub(crate) fn version(api: &Api, items: &TokenStream) -> TokenStream {
    let Some(module) = &api.module else { return items.clone() };
    let name = path::ident(&module.name);
    let docs = format!(" Version {} of the document: `{}`.", visible(&api.version), visible(&api.source));
    quote! {
        #[doc = #docs]
        #[allow(unused_imports, reason = "generated code")]
        pub mod #name {
            #items
        }
    }
}

/// The items of the newest version, beside the modules of all.
pub(crate) fn newest(module: &Module) -> TokenStream {
    let name = path::ident(&module.name);
    quote! {
        #[allow(unreachable_pub, unused_imports, reason = "generated code")]
        pub use #name::*;
    }
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
