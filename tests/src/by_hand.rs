//! The types of a generated module as people write them with serde's derives: in comes the text of the module, out comes
//! the text of another one with the same structs, enums, newtypes, constructors and checks, whose JSON is left to serde.
//!
//! What serde's derives cannot say is left out (constants, rules, exact numbers, `null` against absence), so this is
//! less work for the compiler than a fair counterpart would be.

use std::collections::HashMap;
use std::io;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Fields, File, Item, ItemEnum, ItemImpl, ItemStruct};

/// The module, written with derives.
///
/// # Errors
/// When the text is not what is generated.
pub fn with_derives(text: &str) -> io::Result<String> {
    let File { items, .. } = syn::parse_file(text).map_err(io::Error::other)?;
    let wires: HashMap<String, Wire> = items.iter().filter_map(wire).collect();
    let mut out = TokenStream::new();
    for item in &items {
        match item {
            Item::Struct(item) => structure(item, wires.get(&item.ident.to_string()), &mut out),
            Item::Enum(item) => enumeration(item, wires.get(&item.ident.to_string()), &mut out),
            Item::Impl(item) if !asks_rules(item) => item.to_tokens(&mut out),
            _ => {}
        }
    }
    let unchecked = items.iter().filter_map(|item| match item {
        Item::Impl(item) if asks_rules(item) => Some(item.self_ty.to_token_stream().to_string()),
        _ => None,
    });
    for name in unchecked {
        let name = format_ident!("{name}");
        out.extend(quote! {
            impl #name {
                fn check<T: ?Sized>(_: &T) -> ::core::result::Result<(), ::event_api::Invalid> { Ok(()) }
            }
        });
    }
    let lints = quote!(#![allow(clippy::all, dead_code, missing_docs, non_camel_case_types, non_snake_case)]);
    let file = syn::parse2(quote!(#lints #out)).map_err(io::Error::other)?;
    Ok(prettyplease::unparse(&file))
}

/// What the macro call behind a type says of its JSON.
#[derive(Default)]
struct Wire {
    macro_name: String,
    /// `refuse`, `keep`, …
    others: String,
    /// The tag's name.
    member: String,
    /// Fields or variants.
    rows: Vec<Row>,
    has_rule: bool,
}

struct Row {
    name: Ident,
    mode: String,
    default: Option<TokenStream>,
    /// What stands behind `=`: string literals, as they are written.
    texts: Vec<String>,
}

/// The type's name, and what is said of it.
fn wire(item: &Item) -> Option<(String, Wire)> {
    let Item::Macro(item) = item else { return None };
    let macro_name = item.mac.path.segments.last()?.ident.to_string();
    let tokens: Vec<TokenTree> = item.mac.tokens.clone().into_iter().collect();
    let TokenTree::Ident(name) = tokens.first()? else { return None };
    if macro_name == "from_variants" {
        return None;
    }
    let mut wire = Wire { macro_name, ..Wire::default() };
    for token in &tokens[1..] {
        match token {
            TokenTree::Ident(word) if word == "rule" => wire.has_rule = true,
            TokenTree::Ident(word) if wire.others.is_empty() => wire.others = word.to_string(),
            TokenTree::Literal(text) => wire.member = text.to_string(),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
                wire.rows = tokens.split(|token| is_punct(token, ',')).filter_map(row).collect();
            }
            _ => {}
        }
    }
    Some((name.to_string(), wire))
}

fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// `required id = "id"`, `default("x") a = "a"`, `First = "first" | "1st"`
fn row(tokens: &[TokenTree]) -> Option<Row> {
    let at = tokens.iter().position(|token| is_punct(token, '='))?;
    let (left, right) = tokens.split_at(at);
    let TokenTree::Ident(name) = left.last()? else { return None };
    let default = left.iter().find_map(|token| match token {
        TokenTree::Group(group) => Some(group.stream()),
        _ => None,
    });
    let texts = right.iter().filter_map(|token| match token {
        TokenTree::Literal(text) => Some(text.to_string()),
        _ => None,
    });
    Some(Row { name: name.clone(), mode: left.first()?.to_string(), default, texts: texts.collect() })
}

/// Whether it checks with a rule.
fn asks_rules(item: &ItemImpl) -> bool {
    item.to_token_stream().to_string().contains("__rules")
}

fn derive() -> TokenStream {
    quote!(#[derive(::serde::Serialize, ::serde::Deserialize)])
}

fn literal(text: &str) -> TokenStream {
    text.parse().unwrap_or_default()
}

fn structure(item: &ItemStruct, wire: Option<&Wire>, out: &mut TokenStream) {
    let (attributes, visibility, name) = (&item.attrs, &item.vis, &item.ident);
    let derive = derive();
    let Some(wire) = wire else { return item.to_tokens(out) };
    match &item.fields {
        Fields::Unnamed(fields) if wire.macro_name == "wrapper" || wire.has_rule => {
            out.extend(quote!(#(#attributes)* #derive #[serde(transparent)] #visibility struct #name #fields;));
        }
        Fields::Unnamed(fields) => {
            let inner = fields.unnamed.iter().map(|field| &field.ty).next();
            let text = inner.to_token_stream().to_string();
            out.extend(quote! {
                #(#attributes)* #derive
                #[serde(try_from = #text, into = #text)]
                #visibility struct #name #fields;

                impl TryFrom<#inner> for #name {
                    type Error = ::event_api::Invalid;

                    fn try_from(value: #inner) -> ::core::result::Result<Self, ::event_api::Invalid> {
                        Self::check(&value)?;
                        Ok(Self(value))
                    }
                }

                impl From<#name> for #inner {
                    fn from(value: #name) -> Self {
                        value.0
                    }
                }
            });
        }
        _ => {
            let closed = (wire.others == "refuse").then(|| quote!(#[serde(deny_unknown_fields)]));
            let fields = item.fields.iter().map(|field| {
                let row = wire.rows.iter().find(|row| Some(&row.name) == field.ident.as_ref());
                let attributes = row.map(|row| field_attributes(name, row, &field.ty, out));
                // The members that are not declared have no row.
                let rest = (row.is_none() && wire.others == "keep").then(|| quote!(#[serde(flatten)]));
                quote!(#attributes #rest #field)
            });
            let fields: Vec<TokenStream> = fields.collect();
            out.extend(quote!(#(#attributes)* #derive #closed #visibility struct #name { #(#fields),* }));
        }
    }
}

/// The attributes of a field, and beside the struct the function that makes its default.
fn field_attributes(owner: &Ident, row: &Row, ty: &syn::Type, out: &mut TokenStream) -> TokenStream {
    let mut attributes = TokenStream::new();
    if let Some(text) = row.texts.first().filter(|text| row.name.unraw() != text.trim_matches('"')) {
        let text = literal(text);
        attributes.extend(quote!(#[serde(rename = #text)]));
    }
    if let Some(default) = &row.default {
        let name = format_ident!("default_{}_{}", owner, row.name.unraw());
        let path = name.to_string();
        attributes.extend(quote!(#[serde(default = #path)]));
        out.extend(quote!(fn #name() -> #ty { #default }));
    } else if row.mode != "required" {
        attributes.extend(quote!(#[serde(skip_serializing_if = "Option::is_none")]));
    }
    attributes
}

fn enumeration(item: &ItemEnum, wire: Option<&Wire>, out: &mut TokenStream) {
    let (attributes, visibility, name) = (&item.attrs, &item.vis, &item.ident);
    let derive = derive();
    let Some(wire) = wire else { return };
    let tagging = match wire.macro_name.as_str() {
        "union_by_member" => {
            let member = literal(&wire.member);
            quote!(#[serde(tag = #member)])
        }
        "union_by_kind" | "union_by_rule" => quote!(#[serde(untagged)]),
        _ => TokenStream::new(),
    };
    let variants = item.variants.iter().map(|variant| {
        let row = wire.rows.iter().find(|row| row.name == variant.ident);
        let texts: Vec<TokenStream> =
            row.map(|row| row.texts.iter().map(|text| literal(text)).collect()).unwrap_or_default();
        let names = match texts.as_slice() {
            [first, others @ ..] if matches!(wire.macro_name.as_str(), "string_enum" | "union_by_member") => {
                quote!(#[serde(rename = #first #(, alias = #others)*)])
            }
            _ => TokenStream::new(),
        };
        quote!(#names #variant)
    });
    out.extend(quote!(#(#attributes)* #derive #tagging #visibility enum #name { #(#variants),* }));
}
