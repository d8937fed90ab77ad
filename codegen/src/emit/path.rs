//! Paths of types: short where nothing in the module shadows them, absolute where something does.

use std::collections::HashSet;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

use crate::ir::{Api, AvroType, DefinitionId, KnownType, Type};

/// How types are written in this module.
pub(super) struct Paths {
    taken: HashSet<String>,
}

impl Paths {
    pub(super) fn new(api: &Api) -> Self {
        let types = api.types.iter().map(|(_, definition)| definition.name.clone());
        let sets = api.sets.iter().map(|set| set.name.clone());
        Paths { taken: types.chain(sets).collect() }
    }

    fn prelude(&self, name: &str, absolute: TokenStream) -> TokenStream {
        if self.taken.contains(name) {
            absolute
        } else {
            let name = ident(name);
            quote!(#name)
        }
    }

    /// A trait of the prelude.
    pub(super) fn name(&self, name: &'static str) -> TokenStream {
        let module = if name == "Clone" { ident("clone") } else { ident("marker") };
        let absolute = ident(name);
        self.prelude(name, quote!(::core::#module::#absolute))
    }

    pub(super) fn string(&self) -> TokenStream {
        self.prelude("String", quote!(::std::string::String))
    }

    pub(super) fn option(&self) -> TokenStream {
        self.prelude("Option", quote!(::core::option::Option))
    }

    pub(super) fn result(&self) -> TokenStream {
        self.prelude("Result", quote!(::core::result::Result))
    }

    fn vec(&self) -> TokenStream {
        self.prelude("Vec", quote!(::std::vec::Vec))
    }

    fn boxed(&self) -> TokenStream {
        self.prelude("Box", quote!(::std::boxed::Box))
    }

    fn avro(&self, ty: &AvroType) -> TokenStream {
        match ty {
            AvroType::Float => quote!(f32),
            AvroType::Bytes | AvroType::SizedBytes(_) => {
                let vec = self.vec();
                quote!(#vec<u8>)
            }
            AvroType::Array(size) => {
                let size = Literal::u64_unsuffixed(*size);
                quote!([u8; #size])
            }
            AvroType::UuidFixed { .. } => quote!(::event_api::Uuid),
            AvroType::Date => quote!(::event_api::Date),
            AvroType::Time(_) => quote!(::event_api::avro::TimeOfDay),
            AvroType::Timestamp(_) => quote!(::event_api::avro::Timestamp),
            AvroType::LocalTimestamp(_) => quote!(::event_api::avro::LocalTimestamp),
            AvroType::Decimal { precision, scale, .. } => {
                let (precision, scale) = (Literal::u32_unsuffixed(*precision), Literal::u32_unsuffixed(*scale));
                quote!(::event_api::avro::Decimal<#precision, #scale>)
            }
            AvroType::Duration { .. } => quote!(::event_api::avro::Duration),
            // Checked to be a type when the options were read.
            AvroType::Custom { path, .. } => path.parse().unwrap_or_else(|_| quote!(compile_error!("not a type"))),
        }
    }

    /// The type as it is written where it is used.
    pub(super) fn ty(&self, ty: &Type, api: &Api) -> TokenStream {
        self.ty_with(ty, &|id| {
            let name = ident(&api.types[id].name);
            quote!(#name)
        })
    }

    /// The type, with named ones written as `name` says.
    pub(super) fn ty_with(&self, ty: &Type, name: &dyn Fn(DefinitionId) -> TokenStream) -> TokenStream {
        match ty {
            Type::Named(id) => name(*id),
            Type::String => self.string(),
            Type::Bool => quote!(bool),
            Type::Integer(integer) => {
                let name = ident(integer.name());
                quote!(#name)
            }
            Type::Number => quote!(f64),
            Type::Null => quote!(()),
            Type::Any => quote!(::event_api::Json),
            Type::Never => quote!(::event_api::codegen::Never),
            Type::Nullable(inner) => {
                let (option, inner) = (self.option(), self.ty_with(inner, name));
                quote!(#option<#inner>)
            }
            Type::List(item) => {
                let (vec, item) = (self.vec(), self.ty_with(item, name));
                quote!(#vec<#item>)
            }
            Type::Map(value) => {
                let (string, value) = (self.string(), self.ty_with(value, name));
                quote!(::std::collections::BTreeMap<#string, #value>)
            }
            Type::Tuple(items) => {
                let items = items.iter().map(|item| self.ty_with(item, name));
                quote!((#(#items,)*))
            }
            Type::Boxed(inner) => {
                let (boxed, inner) = (self.boxed(), self.ty_with(inner, name));
                quote!(#boxed<#inner>)
            }
            Type::Known(known) => match known {
                KnownType::DateTime => quote!(::event_api::DateTime),
                KnownType::Date => quote!(::event_api::Date),
                KnownType::Uuid => quote!(::event_api::Uuid),
                KnownType::Ipv4 => quote!(::std::net::Ipv4Addr),
                KnownType::Ipv6 => quote!(::std::net::Ipv6Addr),
            },
            Type::Avro(avro) => self.avro(avro),
            // Checked to be a type when the options were read.
            Type::Custom(path) => path.parse().unwrap_or_else(|_| quote!(compile_error!("not a type"))),
        }
    }
}

/// An identifier; `r#type` becomes a raw one.
pub(super) fn ident(name: &str) -> Ident {
    match name.strip_prefix("r#") {
        Some(raw) => Ident::new_raw(raw, Span::call_site()),
        None => Ident::new(name, Span::call_site()),
    }
}
