//! Readers: how a type is read where serde's own implementation for it accepts more or less than JSON Schema does.
//!
//! Integers may be spelled `1.0`, numbers must not lose digits, and mapped formats are read by the letter of their RFCs.
//! Only types with such a part name a reader; all others are read by `Deserialize`.

use proc_macro2::TokenStream;
use quote::quote;

use super::path::ident;
use crate::ir::{KnownType, Type};

/// ` as List<Integer>`, or nothing for a type that reads itself.
pub(super) fn clause(ty: &Type) -> TokenStream {
    match reader(ty) {
        Some(reader) => quote!(as #reader),
        None => TokenStream::new(),
    }
}

fn reader(ty: &Type) -> Option<TokenStream> {
    let inside = |ty: &Type, name: &str| {
        let (name, inner) = (ident(name), reader(ty)?);
        Some(quote!(#name<#inner>))
    };
    match ty {
        Type::Integer(_) => Some(quote!(Integer)),
        Type::Number => Some(quote!(Number)),
        Type::Known(known) => {
            let name = ident(match known {
                KnownType::DateTime => "DateTime",
                KnownType::Date => "Date",
                KnownType::Uuid => "Uuid",
                KnownType::Ipv4 => "Ipv4",
                KnownType::Ipv6 => "Ipv6",
            });
            Some(quote!(#name))
        }
        Type::Nullable(inner) => inside(inner, "Maybe"),
        Type::List(inner) => inside(inner, "List"),
        Type::Map(inner) => inside(inner, "Map"),
        Type::Boxed(inner) => inside(inner, "Boxed"),
        Type::Tuple(items) => {
            if items.iter().all(|item| reader(item).is_none()) {
                return None;
            }
            let items = items.iter().map(|item| reader(item).unwrap_or_else(|| quote!(Same)));
            Some(quote!((#(#items,)*)))
        }
        // Avro's have coders of their own.
        Type::Avro(_)
        | Type::Named(_)
        | Type::String
        | Type::Bool
        | Type::Null
        | Type::Any
        | Type::Never
        | Type::Custom(_) => None,
    }
}
