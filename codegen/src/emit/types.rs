//! Named types: what people see of them, and the line that says how they are JSON.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, format_ident, quote};
use serde_json::Value;

use super::docs;
use super::path::{Paths, ident};
use super::{read, rule};
use crate::ir::{
    Additional, Additions, Api, Check, Definition, Field, Kind, Newtype, Presence, Struct, Tagging, TupleStruct, Type,
    Union, ValueEnum,
};

/// A definition with everything that belongs to it.
pub(super) fn definition(definition: &Definition, api: &Api, paths: &Paths) -> TokenStream {
    match &definition.kind {
        Kind::Struct(object) => structure(definition, object, api, paths),
        Kind::ValueEnum(values) => value_enum(definition, values, api, paths),
        Kind::Union(union) => union_enum(definition, union, api, paths),
        Kind::Newtype(newtype) => new_type(definition, newtype, api, paths),
        Kind::Tuple(tuple) => tuple_struct(definition, tuple, api, paths),
        // Lowering replaces every pending definition before it ends.
        Kind::Pending => TokenStream::new(),
    }
}

/// Documentation, derives and attributes of a definition.
pub(super) fn head(definition: &Definition, derives: &[&str], api: &Api) -> TokenStream {
    let docs = match &definition.kind {
        Kind::Newtype(newtype) => {
            let mut docs = definition.docs.clone();
            docs.notes.extend(check_note(newtype, api));
            docs::attributes(&docs)
        }
        _ => docs::attributes(&definition.docs),
    };
    let derives = self::derives(derives, &definition.additions);
    quote!(#docs #derives)
}

/// The derives of an item, and what options add to it.
pub(super) fn derives(derives: &[&str], additions: &Additions) -> TokenStream {
    let own = derives.iter().map(|name| ident(name).into_token_stream());
    // Options are checked when they are read, so these parse.
    let more = additions.derives.iter().filter(|path| !derives.contains(&path.as_str()));
    let derives = own.chain(more.filter_map(|path| path.parse::<TokenStream>().ok()));
    let attributes = additions.attributes.iter().filter_map(|text| text.parse::<TokenStream>().ok());
    quote!(#[derive(#(#derives),*)] #(#[#attributes])*)
}

fn structure(definition: &Definition, object: &Struct, api: &Api, paths: &Paths) -> TokenStream {
    let name = ident(&definition.name);
    let all_optional = object.fields.iter().all(|field| field.presence == Presence::Optional);
    let mut derives = vec!["Clone", "Debug", "PartialEq"];
    if all_optional {
        derives.push("Default");
    }
    let head = head(definition, &derives, api);
    let fields = object.fields.iter().map(|field| struct_field(field, api, paths));
    let string = paths.string();
    let (others, rest) = match &object.additional {
        Additional::Ignore => (quote!(ignore), None),
        Additional::Refuse => (quote!(refuse), None),
        Additional::Keep { field, ty } => {
            let (field, reader) = (ident(field), read::clause(ty));
            let ty = paths.ty(ty, api);
            let docs = " Members that the document does not name.";
            let declaration = quote!(#[doc = #docs] pub #field: ::std::collections::BTreeMap<#string, #ty>,);
            (quote!(keep(#field #reader)), Some(declaration))
        }
    };
    let members = object.fields.iter().map(|field| member(field, api));
    let constants = object.constants.iter().map(|constant| {
        let (wire_name, value) = (&constant.wire_name, rule::variant(&constant.value));
        quote!(#wire_name = #value)
    });
    let constants = (!object.constants.is_empty()).then(|| quote!(, [#(#constants),*]));
    let members = (!object.fields.is_empty()).then(|| quote!(, { #(#members,)* }));
    let constructor = constructor(object, &name, api, paths);
    quote! {
        #head
        pub struct #name {
            #(#fields)*
            #rest
        }

        #constructor

        ::event_api::codegen::object!(#name, #others #constants #members);
    }
}

/// More arguments than this are easier to read as a struct literal.
const MAX_ARGUMENTS: usize = 7;

/// `new`, which takes what is required and leaves out the rest: a literal sets that by `..Order::new(id)`.
fn constructor(object: &Struct, name: &proc_macro2::Ident, api: &Api, paths: &Paths) -> Option<TokenStream> {
    let required = object.fields.iter().filter(|field| field.presence == Presence::Required);
    let count = required.clone().count();
    let rest = match &object.additional {
        Additional::Keep { field, .. } => Some(ident(field)),
        _ => None,
    };
    if count == 0 || count > MAX_ARGUMENTS || (count == object.fields.len() && rest.is_none()) {
        return None;
    }
    let arguments = required.map(|field| {
        let (name, ty) = (ident(&field.name), paths.ty(&field.ty, api));
        quote!(#name: #ty)
    });
    let values = object.fields.iter().map(|field| {
        let name = ident(&field.name);
        match &field.presence {
            Presence::Required => quote!(#name),
            Presence::Optional | Presence::OptionalOrNull => quote!(#name: None),
            Presence::Default(value) => {
                let value = default_value(value, &field.ty, api);
                quote!(#name: #value)
            }
        }
    });
    let rest = rest.map(|field| quote!(#field: ::std::collections::BTreeMap::new(),));
    Some(quote! {
        impl #name {
            /// With what is required; the rest is absent, or has its default.
            pub fn new(#(#arguments),*) -> Self {
                Self { #(#values,)* #rest }
            }
        }
    })
}

pub(super) fn struct_field(field: &Field, api: &Api, paths: &Paths) -> TokenStream {
    let docs = docs::attributes(&field.docs);
    let name = ident(&field.name);
    let ty = paths.ty(&field.ty, api);
    let ty = match (&field.presence, &field.ty) {
        (Presence::Optional, Type::Nullable(_)) => ty,
        (Presence::Optional | Presence::OptionalOrNull, _) => {
            let option = paths.option();
            quote!(#option<#ty>)
        }
        _ => ty,
    };
    quote!(#docs pub #name: #ty,)
}

/// `optional nick = "nick"`
fn member(field: &Field, api: &Api) -> TokenStream {
    let name = ident(&field.name);
    let wire_name = &field.wire_name;
    let mode = match (&field.presence, &field.ty) {
        (Presence::Required, _) => quote!(required),
        (Presence::Optional, Type::Nullable(_)) => quote!(nullable),
        (Presence::Optional, _) => quote!(optional),
        (Presence::OptionalOrNull, _) => quote!(maybe_null),
        (Presence::Default(value), ty) => {
            let value = default_value(value, ty, api);
            quote!(default(#value))
        }
    };
    let reader = read::clause(&field.ty);
    quote!(#mode #name = #wire_name #reader)
}

fn default_value(value: &Value, ty: &Type, api: &Api) -> TokenStream {
    match (value, ty) {
        (Value::String(text), Type::String) => quote!(#text.to_owned()),
        (Value::Number(number), Type::Number) => {
            let literal = Literal::f64_unsuffixed(number.as_f64().unwrap_or_default().abs());
            if number.as_f64().is_some_and(f64::is_sign_negative) { quote!(-#literal) } else { quote!(#literal) }
        }
        (value, Type::Named(id)) => {
            let definition = &api.types[*id];
            let name = ident(&definition.name);
            let variant = match &definition.kind {
                Kind::ValueEnum(values) => values.variants.iter().find(|variant| variant.value == *value),
                _ => None,
            };
            // Lowering gives a default only where the enum has the value.
            variant.map_or_else(TokenStream::new, |variant| {
                let variant = ident(&variant.name);
                quote!(#name::#variant)
            })
        }
        (value, _) => plain_literal(value),
    }
}

/// An integer or a boolean.
fn plain_literal(value: &Value) -> TokenStream {
    value.to_string().parse().unwrap_or_default()
}

pub(super) fn value_enum(definition: &Definition, values: &ValueEnum, api: &Api, paths: &Paths) -> TokenStream {
    let name = ident(&definition.name);
    let derives: &[&str] = match values.other {
        None => &["Clone", "Copy", "Debug", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"],
        Some(_) => &["Clone", "Debug", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"],
    };
    let head = head(definition, derives, api);
    let string = paths.string();
    let other = values.other.as_deref().map(ident);
    let other_variant =
        other.as_ref().map(|other| quote!(#[doc = " A value that the document does not list."] #other(#string),));
    let open = other.map(|other| quote!(, open #other));
    let variants = values.variants.iter().map(|variant| {
        let name = ident(&variant.name);
        let docs = match variant.value.as_str() {
            Some(text) => format!(" `{}`", docs::visible(&text.replace('`', "'"))),
            None => format!(" `{}`", docs::visible(&variant.value.to_string().replace('`', "'"))),
        };
        quote!(#[doc = #docs] #name,)
    });
    let json = if values.is_string() {
        let pairs = values.variants.iter().map(|variant| {
            let (name, text) = (ident(&variant.name), variant.value.as_str());
            quote!(#name = #text)
        });
        quote!(::event_api::codegen::string_enum!(#name #open { #(#pairs,)* });)
    } else {
        let pairs = values.variants.iter().map(|variant| {
            let (name, value) = (ident(&variant.name), rule::variant(&variant.value));
            quote!(#name = #value)
        });
        quote!(::event_api::codegen::scalar_enum!(#name { #(#pairs,)* });)
    };
    quote! {
        #head
        pub enum #name { #(#variants)* #other_variant }

        #json
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
    let names: Vec<_> = union.variants.iter().map(|variant| ident(&variant.name)).collect();
    let json = match &union.tagging {
        Tagging::Member { wire_name, values, is_constant } => {
            let checked = (!is_constant).then(|| quote!(checked));
            let pairs = names.iter().zip(values).map(|(name, values)| quote!(#name = #(#values)|*));
            quote!(::event_api::codegen::union_by_member!(#name, #wire_name, #checked { #(#pairs,)* });)
        }
        Tagging::JsonType(kinds) => {
            let pairs = union.variants.iter().zip(kinds).map(|(variant, kinds)| {
                let (name, reader) = (ident(&variant.name), read::clause(&variant.ty));
                let kinds = kinds.iter().map(|kind| ident(visitor_kind(*kind)));
                quote!(#name = #(#kinds)|* #reader)
            });
            quote!(::event_api::codegen::union_by_kind!(#name { #(#pairs,)* });)
        }
        // Emitted by `avro.rs`.
        Tagging::Branch(_) => TokenStream::new(),
        Tagging::Rule { exactly_one, rules } => {
            let which = ident(if *exactly_one { "only" } else { "first" });
            let pairs = union.variants.iter().zip(rules).map(|(variant, id)| {
                let (name, rule, reader) = (ident(&variant.name), rule::path(*id, api), read::clause(&variant.ty));
                quote!(#name = #rule #reader)
            });
            quote!(::event_api::codegen::union_by_rule!(#name, #which { #(#pairs,)* });)
        }
    };
    let conversions = union.variants.iter().filter(|variant| {
        let same = union.variants.iter().filter(|other| other.ty == variant.ty).count();
        same == 1 && matches!(&variant.ty, Type::Named(_) | Type::String | Type::Number | Type::Integer(_))
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

        #json
        #conversions
    }
}

fn visitor_kind(json_type: event_api_spec::schema::JsonType) -> &'static str {
    use event_api_spec::schema::JsonType;
    match json_type {
        JsonType::Null => "null",
        JsonType::Boolean => "boolean",
        JsonType::Integer | JsonType::Number => "number",
        JsonType::String => "string",
        JsonType::Array => "array",
        JsonType::Object => "object",
    }
}

fn new_type(definition: &Definition, newtype: &Newtype, api: &Api, paths: &Paths) -> TokenStream {
    let name = ident(&definition.name);
    let inner = paths.ty(&newtype.inner, api);
    let derives: &[&str] = match &newtype.inner {
        Type::String => &["Clone", "Debug", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"],
        Type::Integer(_) => &["Clone", "Copy", "Debug", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"],
        Type::Number => &["Clone", "Copy", "Debug", "PartialEq", "PartialOrd"],
        _ => &["Clone", "Debug", "PartialEq"],
    };
    let head = head(definition, derives, api);
    let reader = read::clause(&newtype.inner);
    if newtype.checks.is_empty() {
        return quote! {
            #head
            pub struct #name(pub #inner);

            ::event_api::codegen::wrapper!(#name(#inner) #reader);
        };
    }
    let is_scalar = matches!(newtype.inner, Type::String | Type::Bool | Type::Integer(_) | Type::Number);
    if let ([Check::Rule(id)], false) = (newtype.checks.as_slice(), is_scalar) {
        let rule = rule::path(*id, api);
        return quote! {
            #head
            pub struct #name(#inner);

            ::event_api::codegen::newtype!(#name(#inner) #reader, rule #rule);
        };
    }
    let checks = checks(&newtype.checks, &newtype.inner, api);
    let json = match &newtype.inner {
        Type::String => quote!(::event_api::codegen::string_newtype!(#name);),
        _ => quote!(::event_api::codegen::newtype!(#name(#inner) #reader);),
    };
    let (result, checked) = match &newtype.inner {
        Type::String => (paths.result(), quote!(str)),
        _ => (paths.result(), quote!(#inner)),
    };
    quote! {
        #head
        pub struct #name(#inner);

        impl #name {
            fn check(value: &#checked) -> #result<(), ::event_api::Invalid> {
                #checks
                Ok(())
            }
        }

        #json
    }
}

/// What must be true of a value, as a sentence, and how to make and read the newtype, whose methods a macro writes.
fn check_note(newtype: &Newtype, api: &Api) -> Option<String> {
    let (mut is, mut has, mut does) = (Vec::new(), Vec::new(), Vec::new());
    for check in &newtype.checks {
        match check {
            Check::MinLength(n) => has.push(format!("at least {}", counted(*n, "character"))),
            Check::MaxLength(n) => has.push(format!("at most {}", counted(*n, "character"))),
            Check::Pattern(pattern) => does.push(format!("match `{}`", pattern.replace('`', "'"))),
            Check::MinInteger(n) => is.push(format!("at least {n}")),
            Check::MaxInteger(n) => is.push(format!("at most {n}")),
            Check::Min(n) => is.push(format!("at least {n}")),
            Check::Max(n) => is.push(format!("at most {n}")),
            Check::ExclusiveMin(n) => is.push(format!("more than {n}")),
            Check::ExclusiveMax(n) => is.push(format!("less than {n}")),
            Check::MultipleOfInteger(n) => is.push(format!("a multiple of {n}")),
            Check::MultipleOf(n) => is.push(format!("a multiple of {n}")),
            Check::MinItems(n) => has.push(format!("at least {}", counted(*n, "item"))),
            Check::MaxItems(n) => has.push(format!("at most {}", counted(*n, "item"))),
            Check::MinProperties(n) => has.push(format!("at least {}", counted(*n, "member"))),
            Check::MaxProperties(n) => has.push(format!("at most {}", counted(*n, "member"))),
            Check::UniqueItems => does.push("repeat no item".to_owned()),
            Check::Rule(id) => {
                let keywords = api.types.rules[id.0].rule.keywords().into_iter();
                let keywords: Vec<String> = keywords.map(|keyword| format!("`{keyword}`")).collect();
                does.push(format!("do as the schema's {} says", enumeration(&keywords)));
            }
            Check::Keys(patterns) => {
                let patterns: Vec<String> =
                    patterns.iter().map(|pattern| format!("`{}`", pattern.replace('`', "'"))).collect();
                has.push(format!("only members whose names match {}", patterns.join(" or ")));
            }
        }
    }
    let groups = [("be", is), ("have", has)].into_iter().filter(|(_, words)| !words.is_empty());
    let groups: Vec<String> =
        groups.map(|(verb, words)| format!("{verb} {}", enumeration(&words))).chain(does).collect();
    let made = match &newtype.inner {
        Type::String => "`new` checks it, `as_str` gives the text",
        _ => "`new` checks it, `get` gives the value",
    };
    (!groups.is_empty()).then(|| format!("Must {}: {made}.", enumeration(&groups)))
}

/// `a, b and c`
fn enumeration(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The statements that check `value`.
fn checks(checks: &[Check], inner: &Type, api: &Api) -> TokenStream {
    let mut out = TokenStream::new();
    let lengths = checks.iter().fold((None, None), |(min, max), check| match check {
        Check::MinLength(n) => (Some(min.unwrap_or(0).max(*n)), max),
        Check::MaxLength(n) => (min, Some(max.unwrap_or(u64::MAX).min(*n))),
        _ => (min, max),
    });
    if lengths != (None, None) {
        let (min, max) = limits(lengths.0, lengths.1);
        out.extend(quote!(::event_api::codegen::check_length(value, #min, #max)?;));
    }
    let (mut patterns, mut sets) = (0, 0);
    for check in checks {
        match check {
            Check::Pattern(pattern) => {
                patterns += 1;
                let name = if patterns == 1 { ident("PATTERN") } else { format_ident!("PATTERN_{patterns}") };
                out.extend(quote! {
                    static #name: ::event_api::codegen::Pattern = ::event_api::codegen::Pattern::new(#pattern);
                    #name.check(value)?;
                });
            }
            Check::Rule(id) => {
                let rule = rule::path(*id, api);
                out.extend(quote!(::event_api::codegen::check_rule(value, &#rule)?;));
            }
            Check::UniqueItems => out.extend(quote!(::event_api::codegen::check_unique(value)?;)),
            Check::Keys(patterns) => {
                let count = patterns.len();
                sets += 1;
                let name = if sets == 1 { ident("PATTERNS") } else { format_ident!("PATTERNS_{sets}") };
                out.extend(quote! {
                    static #name: [::event_api::codegen::Pattern; #count] =
                        [#(::event_api::codegen::Pattern::new(#patterns)),*];
                    ::event_api::codegen::check_keys(value, &#name)?;
                });
            }
            Check::MultipleOfInteger(of) => {
                let of = Literal::i128_unsuffixed(of.abs());
                out.extend(quote!(::event_api::codegen::check_integer_multiple(*value, #of)?;));
            }
            Check::MultipleOf(of) => out.extend(quote!(::event_api::codegen::check_multiple(*value, #of)?;)),
            _ => {}
        }
    }
    out.extend(integer_bounds(checks, inner));
    out.extend(number_bounds(checks));
    let items = count(checks, |check| match check {
        Check::MinItems(n) => Some((Some(*n), None)),
        Check::MaxItems(n) => Some((None, Some(*n))),
        _ => None,
    });
    if let Some((min, max)) = items {
        out.extend(quote!(::event_api::codegen::check_item_count(value, #min, #max)?;));
    }
    let members = count(checks, |check| match check {
        Check::MinProperties(n) => Some((Some(*n), None)),
        Check::MaxProperties(n) => Some((None, Some(*n))),
        _ => None,
    });
    if let Some((min, max)) = members {
        out.extend(quote!(::event_api::codegen::check_member_count(value, #min, #max)?;));
    }
    out
}

fn count(
    checks: &[Check],
    limit: impl Fn(&Check) -> Option<(Option<u64>, Option<u64>)>,
) -> Option<(TokenStream, TokenStream)> {
    let (mut min, mut max) = (None, None);
    let mut any = false;
    for (low, high) in checks.iter().filter_map(limit) {
        any = true;
        min = min.max(low);
        max = [max, high].into_iter().flatten().min();
    }
    any.then(|| limits(min, max))
}

/// Both limits, the absent ones as those that restrict nothing.
fn limits(min: Option<u64>, max: Option<u64>) -> (TokenStream, TokenStream) {
    let min = Literal::u64_unsuffixed(min.unwrap_or(0));
    let max = max.map(Literal::u64_unsuffixed);
    (quote!(#min), max.map_or_else(|| quote!(u64::MAX), |max| quote!(#max)))
}

fn integer_bounds(checks: &[Check], inner: &Type) -> Option<TokenStream> {
    let Type::Integer(integer) = inner else { return None };
    let min = checks.iter().find_map(|check| if let Check::MinInteger(n) = check { Some(*n) } else { None });
    let max = checks.iter().find_map(|check| if let Check::MaxInteger(n) = check { Some(*n) } else { None });
    if min.is_none() && max.is_none() {
        return None;
    }
    let (low, high) = integer.range();
    let name = ident(integer.name());
    let bound = |bound: Option<i128>, limit: i128, constant: &str| match bound {
        Some(n) => {
            let n: TokenStream = n.to_string().parse().unwrap_or_default();
            quote!(#n)
        }
        None => {
            debug_assert!(limit == low || limit == high);
            let constant = ident(constant);
            quote!(#name::#constant.into())
        }
    };
    let (min, max) = (bound(min, low, "MIN"), bound(max, high, "MAX"));
    Some(quote!(::event_api::codegen::check_integer_bounds(*value, #min, #max)?;))
}

/// The tightest of each kind.
fn number_bounds(checks: &[Check]) -> Option<TokenStream> {
    let tightest = |pick: fn(&Check) -> Option<&String>, least: bool| {
        let bounds =
            checks.iter().filter_map(pick).filter_map(|text| text.parse::<f64>().ok().map(|value| (value, text)));
        let bound = bounds.reduce(|a, b| if (a.0 < b.0) == least { a } else { b });
        bound.map_or_else(
            || quote!(None),
            |(_, text)| {
                let value = float(text);
                quote!(Some(#value))
            },
        )
    };
    let any = checks
        .iter()
        .any(|c| matches!(c, Check::Min(_) | Check::Max(_) | Check::ExclusiveMin(_) | Check::ExclusiveMax(_)));
    if !any {
        return None;
    }
    let min = tightest(|check| if let Check::Min(n) = check { Some(n) } else { None }, false);
    let max = tightest(|check| if let Check::Max(n) = check { Some(n) } else { None }, true);
    let above = tightest(|check| if let Check::ExclusiveMin(n) = check { Some(n) } else { None }, false);
    let below = tightest(|check| if let Check::ExclusiveMax(n) = check { Some(n) } else { None }, true);
    Some(quote!(::event_api::codegen::check_number_bounds(*value, #min, #max, #above, #below)?;))
}

/// A number as a literal of `f64`, infinite where it is too large for one.
fn float(text: &str) -> TokenStream {
    let value: f64 = text.parse().unwrap_or(f64::INFINITY);
    if value.is_infinite() {
        return if value > 0.0 { quote!(f64::INFINITY) } else { quote!(f64::NEG_INFINITY) };
    }
    let literal = Literal::f64_unsuffixed(value.abs());
    if value.is_sign_negative() { quote!(-#literal) } else { quote!(#literal) }
}

fn tuple_struct(definition: &Definition, tuple: &TupleStruct, api: &Api, paths: &Paths) -> TokenStream {
    let name = ident(&definition.name);
    let head = head(definition, &["Clone", "Debug", "PartialEq"], api);
    let option = paths.option();
    let names: Vec<_> = (1..=tuple.items.len()).map(|index| ident(&format!("item{index}"))).collect();
    let fields = names.iter().zip(&tuple.items).enumerate().map(|(index, (name, ty))| {
        let ty = paths.ty(ty, api);
        let ty = if index < tuple.min_items { ty } else { quote!(#option<#ty>) };
        let docs = format!(" Item {} of the array.", index + 1);
        quote!(#[doc = #docs] pub #name: #ty,)
    });
    let rest_field = tuple.rest.as_ref().map(|ty| {
        let list = paths.ty(&Type::List(Box::new(ty.clone())), api);
        quote!(#[doc = " Further items."] pub rest: #list,)
    });
    let rest = tuple.rest.as_ref().map(|ty| {
        let reader = read::clause(ty);
        quote!(, rest rest #reader)
    });
    let items = names.iter().enumerate().map(|(index, name)| {
        let mode = if index < tuple.min_items { quote!(required) } else { quote!(optional) };
        let reader = read::clause(&tuple.items[index]);
        quote!(#mode #name #reader)
    });
    quote! {
        #head
        pub struct #name {
            #(#fields)*
            #rest_field
        }

        ::event_api::codegen::tuple!(#name, [#(#items),*] #rest);
    }
}
