//! Types of Avro payloads: the same structs and enums as others, and a line that says how they are Avro's JSON.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::docs;
use super::path::{Paths, ident};
use super::types::{head, struct_field, value_enum};
use crate::ir::{Api, AvroDefinition, AvroType, Definition, Kind, Newtype, Presence, Struct, Tagging, Type, Union};

/// A definition with everything that belongs to it.
pub(super) fn definition(definition: &Definition, avro: &AvroDefinition, api: &Api, paths: &Paths) -> TokenStream {
    let items = match &definition.kind {
        Kind::Struct(object) => structure(definition, object, avro, api, paths),
        Kind::ValueEnum(values) => value_enum(definition, values, api, paths),
        Kind::Union(union) => union_enum(definition, union, api, paths),
        Kind::Newtype(newtype) => new_type(definition, newtype, api, paths),
        // Lowering replaces every pending definition, and makes no tuples of Avro schemas.
        Kind::Pending | Kind::Tuple(_) => TokenStream::new(),
    };
    let name = ident(&definition.name);
    let schema = avro.schema.as_ref().map(|schema| {
        let schema = raw(schema);
        quote!(::event_api::codegen::avro_payload!(#name, #schema);)
    });
    quote!(#items #schema)
}

fn structure(definition: &Definition, object: &Struct, avro: &AvroDefinition, api: &Api, paths: &Paths) -> TokenStream {
    let name = ident(&definition.name);
    let head = head(definition, &["Clone", "Debug", "PartialEq"], api);
    let fields = object.fields.iter().map(|field| struct_field(field, api, paths));
    let members = object.fields.iter().enumerate().map(|(index, field)| {
        let (name, wire_name) = (ident(&field.name), &field.wire_name);
        let aliases = avro.aliases.get(index).into_iter().flatten();
        let coder = coder(&field.ty, api);
        let default = match &field.presence {
            Presence::Default(value) => {
                let text = raw(&value.to_string());
                Some(quote!(or #text))
            }
            _ => None,
        };
        quote!(#name = #wire_name #(| #aliases)* by (#coder) #default,)
    });
    quote! {
        #head
        pub struct #name {
            #(#fields)*
        }

        ::event_api::codegen::avro_record!(#name { #(#members)* });
    }
}

fn union_enum(definition: &Definition, union: &Union, api: &Api, paths: &Paths) -> TokenStream {
    let name = ident(&definition.name);
    let head = head(definition, &["Clone", "Debug", "PartialEq"], api);
    let variants = union.variants.iter().map(|variant| {
        let docs = docs::attributes(&variant.docs);
        let (name, ty) = (ident(&variant.name), paths.ty(&variant.ty, api));
        quote!(#docs #name(#ty),)
    });
    let names: &[String] = match &union.tagging {
        Tagging::Branch(names) => names,
        _ => &[],
    };
    let branches = union.variants.iter().zip(names).map(|(variant, branch)| {
        let (name, coder) = (ident(&variant.name), coder(&variant.ty, api));
        quote!(#name = #branch by (#coder),)
    });
    let conversions = union.variants.iter().filter(|variant| {
        let same = union.variants.iter().filter(|other| other.ty == variant.ty).count();
        same == 1 && matches!(&variant.ty, Type::Named(_) | Type::String | Type::Number | Type::Integer(_) | Type::Bool)
    });
    let conversions: TokenStream = conversions
        .map(|variant| {
            let (variant, ty) = (ident(&variant.name), paths.ty(&variant.ty, api));
            quote!(#variant(#ty),)
        })
        .collect();
    let conversions =
        (!conversions.is_empty()).then(|| quote!(::event_api::codegen::from_variants!(#name { #conversions });));
    quote! {
        #head
        pub enum #name { #(#variants)* }

        ::event_api::codegen::avro_union!(#name { #(#branches)* });
        #conversions
    }
}

fn new_type(definition: &Definition, newtype: &Newtype, api: &Api, paths: &Paths) -> TokenStream {
    let name = ident(&definition.name);
    let inner = paths.ty(&newtype.inner, api);
    let coder = coder(&newtype.inner, api);
    match &newtype.inner {
        Type::Avro(AvroType::SizedBytes(size)) => {
            let head = head(definition, &["Clone", "Debug", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"], api);
            let size = Literal::u64_unsuffixed(*size);
            // Private: the length is the type's promise.
            quote! {
                #head
                pub struct #name(#inner);

                ::event_api::codegen::avro_sized_bytes!(#name[#size]);
            }
        }
        other => {
            let head = match other {
                Type::Avro(AvroType::Array(_)) => {
                    head(definition, &["Clone", "Copy", "Debug", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"], api)
                }
                _ => head(definition, &["Clone", "Debug", "PartialEq"], api),
            };
            quote! {
                #head
                pub struct #name(pub #inner);

                ::event_api::codegen::avro_newtype!(#name(#inner), #coder);
            }
        }
    }
}

/// How values of the type are written. The macros know the module of coders as `__avro`.
fn coder(ty: &Type, api: &Api) -> TokenStream {
    match ty {
        Type::Number => quote!(__avro::Double),
        Type::Boxed(inner) => coder(inner, api),
        Type::Nullable(inner) => {
            let inner_coder = coder(inner, api);
            match branch(inner, api) {
                Some(name) => quote!(__avro::Optional(#name, #inner_coder)),
                None => quote!(__avro::NullOr(#inner_coder)),
            }
        }
        Type::List(inner) => quote_of("Each", inner, api),
        Type::Map(inner) => quote_of("Values", inner, api),
        Type::Named(id) => match api.types.avro.get(id).and_then(|avro| avro.default.as_deref()) {
            Some(variant) => {
                let (name, variant) = (ident(&api.types[*id].name), ident(variant));
                quote!(__avro::OrDefault(#name::#variant))
            }
            None => quote!(__avro::Same),
        },
        Type::Avro(avro) => match avro {
            AvroType::Float => quote!(__avro::Float),
            AvroType::Bytes | AvroType::SizedBytes(_) => quote!(__avro::ByteText),
            AvroType::Array(_) => quote!(__avro::ByteArray),
            AvroType::UuidFixed { .. } => quote!(__avro::UuidFixed),
            AvroType::Date => quote!(__avro::Days),
            AvroType::Time(unit) => with_unit("TimeOf", *unit),
            AvroType::Timestamp(unit) => with_unit("TimestampOf", *unit),
            AvroType::LocalTimestamp(unit) => with_unit("LocalTimestampOf", *unit),
            AvroType::Decimal { fixed: None, .. } => quote!(__avro::DecimalText),
            AvroType::Decimal { fixed: Some((_, size)), .. } => {
                let size = Literal::u64_unsuffixed(*size);
                quote!(__avro::DecimalFixed(#size))
            }
            AvroType::Duration { .. } => quote!(__avro::DurationFixed),
            AvroType::Custom { .. } => quote!(__avro::Same),
        },
        _ => quote!(__avro::Same),
    }
}

/// A container's coder; its own where its parts are written as they say themselves.
fn quote_of(container: &str, inner: &Type, api: &Api) -> TokenStream {
    let container = ident(container);
    let inner = coder(inner, api);
    if inner.to_string() == quote!(__avro::Same).to_string() { inner } else { quote!(__avro::#container(#inner)) }
}

fn with_unit(name: &str, per_second: u32) -> TokenStream {
    let name = ident(name);
    let per_second = Literal::u32_unsuffixed(per_second);
    quote!(__avro::#name(#per_second))
}

/// A raw string literal, in which JSON reads as JSON.
fn raw(text: &str) -> Literal {
    let longest = text.split('"').skip(1).map(|rest| rest.len() - rest.trim_start_matches('#').len()).max();
    let hashes = longest.map_or(String::new(), |longest| "#".repeat(longest + 1));
    format!("r{hashes}\"{text}\"{hashes}").parse().unwrap_or_else(|_| Literal::string(text))
}

/// What the type is called as a branch of a union; `None` for a union, which names its branches itself.
fn branch<'a>(ty: &'a Type, api: &'a Api) -> Option<&'a str> {
    Some(match ty {
        Type::Bool => "boolean",
        Type::Integer(integer) if integer.name() == "i32" => "int",
        Type::Integer(_) => "long",
        Type::Number => "double",
        Type::List(_) => "array",
        Type::Map(_) => "map",
        Type::Boxed(inner) => return branch(inner, api),
        Type::Named(id) => match (&api.types[*id].kind, api.types.avro.get(id)) {
            (Kind::Union(_), _) | (_, None) => return None,
            (_, Some(avro)) => &avro.branch,
        },
        Type::Avro(avro) => match avro {
            AvroType::Float => "float",
            AvroType::Bytes | AvroType::Decimal { fixed: None, .. } => "bytes",
            AvroType::Date => "int",
            AvroType::Time(1_000) => "int",
            AvroType::Time(_) | AvroType::Timestamp(_) | AvroType::LocalTimestamp(_) => "long",
            AvroType::Decimal { fixed: Some((branch, _)), .. }
            | AvroType::UuidFixed { branch }
            | AvroType::Duration { branch }
            | AvroType::Custom { branch, .. } => branch,
            // Only inside of a newtype with a name.
            AvroType::Array(_) | AvroType::SizedBytes(_) => "fixed",
        },
        _ => "string",
    })
}
