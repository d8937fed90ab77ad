//! What a module has to do with other versions of its document: types that are those of another module, how events of
//! earlier versions are read, and conversions of types in which only others differ.

use proc_macro2::TokenStream;
use quote::quote;

use super::path::{Paths, ident};
use super::read;
use crate::ir::{
    Api, Boxing, Construction, Conversion, Definition, DefinitionId, EarlierEvent, EarlierHeaders, EventSet, Members,
    Module, Reused, Type,
};

/// `pub use super::v2::Item;`
pub(super) fn reuse(reused: &Reused, definition: &Definition) -> TokenStream {
    let (module, name) = (ident(&reused.module), ident(&reused.name));
    let own = ident(&definition.name);
    let renamed = (own != name).then(|| quote!(as #own));
    quote!(pub use super::#module::#name #renamed;)
}

/// `, earlier ["1.0.0"; "Merged" in []] { … }`: a row for each event that an earlier version has otherwise, and before
/// them the events that not all earlier versions have.
pub(super) fn earlier_events(set: &EventSet, api: &Api, paths: &Paths) -> Option<TokenStream> {
    let module = api.module.as_ref()?;
    let index = api.sets.iter().position(|other| other.name == set.name)?;
    let rows = module.events.get(index)?;
    if module.version == 0 {
        return None;
    }
    let context = Context { module, paths };
    let number = |version: &usize| &module.versions[*version].number;
    let all: Vec<usize> = (0..module.version).collect();
    let partly = module.declared.get(index).into_iter().flatten().zip(&set.events);
    let partly: Vec<TokenStream> = partly
        .filter(|(declared, _)| **declared != all)
        .map(|(declared, event)| {
            let (event_type, versions) = (&event.event_type, declared.iter().map(number));
            quote!(#event_type in [#(#versions),*])
        })
        .collect();
    let partly = (!partly.is_empty()).then(|| quote!(; #(#partly)*));
    let versions = all.iter().map(number);
    let rows = rows.iter().map(|row| context.row(row, set));
    Some(quote!(, earlier [#(#versions),* #partly] { #(#rows,)* }))
}

/// `impl Upcast<v1::Order> for Order`, member by member.
pub(super) fn upcast(index: usize, api: &Api, paths: &Paths) -> Option<TokenStream> {
    let module = api.module.as_ref()?;
    let upcast = module.upcasts.get(index)?;
    let context = Context { module, paths };
    let old = context.named(upcast.from.version, upcast.from.ty);
    let new = ident(&api.types[upcast.to].name);
    let made = context.members(&upcast.members, &old);
    let result = paths.result();
    Some(quote! {
        impl ::event_api::Upcast<#old> for #new {
            fn upcast(old: #old) -> #result<Self, ::event_api::UpcastError> {
                #made
            }
        }
    })
}

/// Whether the compiler knows from the context which type is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// It does.
    Known,
    /// It has to be told.
    Stated,
}

struct Context<'a> {
    module: &'a Module,
    paths: &'a Paths,
}

impl Context<'_> {
    /// `"1.0.0" "NameChanged" (payload: super::v1::NameChanged) => UserEvents::NameChanged(…)`
    fn row(&self, row: &EarlierEvent, set: &EventSet) -> TokenStream {
        let event = &set.events[row.event];
        let (version, event_type) = (&self.module.versions[row.version].number, &event.event_type);
        let payload = row.payload.as_ref().map(|payload| {
            let (ty, reader) = (self.ty(row.version, payload), read::clause(payload));
            quote!(payload: #ty #reader)
        });
        let headers = row.headers.as_ref().map(|headers| {
            let ty = match headers {
                EarlierHeaders::Declared(headers) => self.ty(row.version, headers),
                EarlierHeaders::Raw => quote!(::event_api::Headers),
            };
            quote!([headers: #ty])
        });
        let (name, variant) = (ident(&set.name), ident(&event.variant));
        let start = if row.payload.is_some() { quote!(payload) } else { quote!(()) };
        let payload_made = self.steps(&row.payload_steps, start);
        let headers_made = self.steps(&row.header_steps, quote!(headers));
        let made = match (&event.payload, &event.headers) {
            (Some(_), None) => quote!(#name::#variant(#payload_made)),
            (None, None) => quote!(#name::#variant),
            (Some(_), Some(_)) => {
                let (payload, headers) = (field("payload", &payload_made), field("headers", &headers_made));
                quote!(#name::#variant { #payload, #headers })
            }
            (None, Some(_)) => {
                let headers = field("headers", &headers_made);
                quote!(#name::#variant { #headers })
            }
        };
        quote!(#version #event_type (#payload) #headers => #made)
    }

    fn steps(&self, steps: &[Conversion], value: TokenStream) -> TokenStream {
        let Some((last, before)) = steps.split_last() else { return value };
        let value = before.iter().fold(value, |value, step| self.converted(step, value, Target::Stated));
        self.converted(last, value, Target::Known)
    }

    /// The value in the later version. It may end the function with an error.
    fn converted(&self, conversion: &Conversion, value: TokenStream, target: Target) -> TokenStream {
        let each = |inner: &Conversion| self.converted(inner, quote!(value), target);
        match conversion {
            Conversion::Same => value,
            Conversion::Upcast { from, to } => match target {
                Target::Known => quote!(::event_api::Upcast::upcast(#value)?),
                Target::Stated => {
                    let (from, to) = (self.ty(from.version, &from.ty), self.ty(to.version, &to.ty));
                    quote!(<#to as ::event_api::Upcast<#from>>::upcast(#value)?)
                }
            },
            Conversion::List(inner) => {
                let inner = each(inner);
                quote!(::event_api::codegen::upcast_list(#value, |value| Ok(#inner))?)
            }
            Conversion::Map(inner) => {
                let inner = each(inner);
                quote!(::event_api::codegen::upcast_map(#value, |value| Ok(#inner))?)
            }
            Conversion::Nullable(inner) => {
                let inner = each(inner);
                quote!(::event_api::codegen::upcast_option(#value, |value| Ok(#inner))?)
            }
            Conversion::Tuple(items) => {
                let items = items.iter().enumerate().map(|(index, item)| {
                    let index = proc_macro2::Literal::usize_unsuffixed(index);
                    self.converted(item, quote!(value.#index), target)
                });
                quote!({ let value = #value; (#(#items,)*) })
            }
            Conversion::Boxed { from, to, inner } => {
                let value = if *from == Boxing::Boxed { quote!(*#value) } else { value };
                let inner = self.converted(inner, value, target);
                if *to == Boxing::Boxed { quote!(::std::boxed::Box::new(#inner)) } else { inner }
            }
        }
    }

    fn members(&self, members: &Members, old: &TokenStream) -> TokenStream {
        match members {
            Members::Fields(fields) => {
                let fields = fields.iter().map(|(from, to, conversion)| {
                    let (from, to) = (ident(from), ident(to));
                    let value = self.converted(conversion, quote!(old.#from), Target::Known);
                    quote!(#to: #value)
                });
                quote!(Ok(Self { #(#fields,)* }))
            }
            Members::Values(values, other) => {
                let arms = values.iter().map(|(from, to)| {
                    let (from, to) = (ident(from), ident(to));
                    quote!(#old::#from => Self::#to)
                });
                let other = other.as_ref().map(|(from, to)| {
                    let (from, to) = (ident(from), ident(to));
                    quote!(#old::#from(value) => Self::#to(value),)
                });
                quote!(Ok(match old { #(#arms,)* #other }))
            }
            Members::Variants(variants) => {
                let arms = variants.iter().map(|(from, to, conversion)| {
                    let (from, to) = (ident(from), ident(to));
                    let value = self.converted(conversion, quote!(value), Target::Known);
                    quote!(#old::#from(value) => Self::#to(#value))
                });
                quote!(Ok(match old { #(#arms,)* }))
            }
            Members::Inner(conversion, Construction::Plain) => {
                let value = self.converted(conversion, quote!(old.0), Target::Known);
                quote!(Ok(Self(#value)))
            }
            Members::Inner(conversion, Construction::Checked) => {
                let value = self.converted(conversion, quote!(old.into_inner()), Target::Known);
                quote!(Ok(Self::new(#value)?))
            }
        }
    }

    /// A type of a version as it is written in this module.
    fn ty(&self, version: usize, ty: &Type) -> TokenStream {
        self.paths.ty_with(ty, &|id| self.named(version, id))
    }

    fn named(&self, version: usize, DefinitionId(index): DefinitionId) -> TokenStream {
        let of = &self.module.versions[version];
        let name = ident(&of.names[index]);
        if version == self.module.version {
            return quote!(#name);
        }
        let module = ident(&of.module);
        quote!(super::#module::#name)
    }
}

/// `payload: value`, or `payload` alone.
fn field(name: &str, value: &TokenStream) -> TokenStream {
    let field = ident(name);
    if value.to_string() == name { quote!(#field) } else { quote!(#field: #value) }
}
