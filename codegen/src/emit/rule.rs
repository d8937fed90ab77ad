//! Rules as statics: data that the runtime walks, in a module of its own at the end of the generated one.

use std::collections::HashSet;

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use serde_json::Value;

use super::path::ident;
use crate::ir::{Api, Check, Kind, Rule, RuleId, Tagging};

/// The module of the rules that types need, and those that these refer to; nothing where no type needs any.
pub(super) fn module(api: &Api) -> Option<TokenStream> {
    let needed = needed(api);
    if needed.is_empty() {
        return None;
    }
    let statics =
        api.types.rules.iter().enumerate().filter(|(index, _)| needed.contains(&RuleId(*index))).map(|(_, named)| {
            let (name, rule) = (ident(&named.name), rule(&named.rule, api));
            quote!(pub(super) static #name: Rule = #rule;)
        });
    Some(quote! {
        #[doc = " What the document says of values that their types alone do not."]
        mod __rules {
            use ::event_api::codegen::rules::*;

            #(#statics)*
        }
    })
}

/// The static of a rule, from outside of the module.
pub(super) fn path(id: RuleId, api: &Api) -> TokenStream {
    let name = ident(&api.types.rules[id.0].name);
    quote!(__rules::#name)
}

fn needed(api: &Api) -> HashSet<RuleId> {
    let mut todo = Vec::new();
    for (_, definition) in api.types.iter() {
        match &definition.kind {
            Kind::Newtype(newtype) => todo.extend(newtype.checks.iter().filter_map(|check| match check {
                Check::Rule(id) => Some(*id),
                _ => None,
            })),
            Kind::Union(union) => {
                if let Tagging::Rule { rules, .. } = &union.tagging {
                    todo.extend(rules);
                }
            }
            _ => {}
        }
    }
    let mut needed = HashSet::new();
    while let Some(id) = todo.pop() {
        if needed.insert(id) {
            references(&api.types.rules[id.0].rule, &mut todo);
        }
    }
    needed
}

fn references(rule: &Rule, found: &mut Vec<RuleId>) {
    if let Rule::See(id) = rule {
        found.push(*id);
    }
    rule.parts().into_iter().for_each(|part| references(part, found));
}

fn rule(rule: &Rule, api: &Api) -> TokenStream {
    let one = |inner: &Rule| self::rule(inner, api);
    let list = |rules: &[Rule]| {
        let rules = rules.iter().map(one);
        quote!(&[#(#rules),*])
    };
    let pairs = |rules: &[(String, Rule)]| {
        let rules = rules.iter().map(|(name, rule)| {
            let rule = one(rule);
            quote!((#name, #rule))
        });
        quote!(&[#(#rules),*])
    };
    let optional = |inner: &Option<Box<Rule>>| match inner {
        Some(inner) => {
            let inner = one(inner);
            quote!(Some(&#inner))
        }
        None => quote!(None),
    };
    match rule {
        Rule::Anything => quote!(Rule::Anything),
        Rule::Nothing => quote!(Rule::Nothing),
        Rule::All(rules) => {
            let rules = list(rules);
            quote!(Rule::All(#rules))
        }
        Rule::AnyOf(rules) => {
            let rules = list(rules);
            quote!(Rule::AnyOf(#rules))
        }
        Rule::OneOf(rules) => {
            let rules = list(rules);
            quote!(Rule::OneOf(#rules))
        }
        Rule::Not(inner) => {
            let inner = one(inner);
            quote!(Rule::Not(&#inner))
        }
        Rule::If { condition, then, otherwise } => {
            let (condition, then, otherwise) = (one(condition), one(then), one(otherwise));
            quote!(Rule::If { condition: &#condition, then: &#then, otherwise: &#otherwise })
        }
        Rule::Type(types) => {
            let kinds = types.iter().map(|json_type| ident(kind(*json_type)));
            quote!(Rule::Type(&[#(Kind::#kinds),*]))
        }
        Rule::Values(values) => {
            let values = values.iter().map(json);
            quote!(Rule::Values(&[#(#values),*]))
        }
        Rule::Length { min, max } => counted(quote!(Length), *min, *max),
        Rule::ItemCount { min, max } => counted(quote!(ItemCount), *min, *max),
        Rule::MemberCount { min, max } => counted(quote!(MemberCount), *min, *max),
        Rule::Pattern(text) => quote!(Rule::Pattern(pattern!(#text))),
        Rule::Bounds { min, max, above, below } => {
            let bounds = [("minimum", min), ("maximum", max), ("above", above), ("below", below)];
            let bounds: Vec<TokenStream> = bounds
                .into_iter()
                .filter_map(|(name, bound)| {
                    let (name, bound) = (ident(name), bound.as_ref()?);
                    Some(quote!(Rule::#name(#bound)))
                })
                .collect();
            match bounds.as_slice() {
                [single] => single.clone(),
                several => quote!(Rule::All(&[#(#several),*])),
            }
        }
        Rule::MultipleOf(of) => quote!(Rule::multiple_of(#of)),
        Rule::Items { prefix, rest: Some(rest) } if prefix.is_empty() => {
            let rest = one(rest);
            quote!(Rule::items(&#rest))
        }
        Rule::Items { prefix, rest } => {
            let (prefix, rest) = (list(prefix), optional(rest));
            quote!(Rule::Items { prefix: #prefix, rest: #rest })
        }
        Rule::UniqueItems => quote!(Rule::UniqueItems),
        Rule::Contains { rule, min: 1, max: None, evaluates: true } => {
            let rule = one(rule);
            quote!(Rule::contains(&#rule))
        }
        Rule::Contains { rule, min, max, evaluates } => {
            let (rule, max) = (one(rule), most(*max));
            let min = Literal::u64_unsuffixed(*min);
            let marks = if *evaluates { quote!(Marks::Evaluated) } else { quote!(Marks::Nothing) };
            quote!(Rule::Contains { rule: &#rule, min: #min, max: #max, marks: #marks })
        }
        Rule::Members { properties, patterns, additional: None } if patterns.is_empty() => {
            let properties = pairs(properties);
            quote!(Rule::properties(#properties))
        }
        Rule::Members { properties, patterns, additional } => {
            let (properties, additional) = (pairs(properties), optional(additional));
            let patterns = patterns.iter().map(|(pattern, rule)| {
                let rule = one(rule);
                quote!((pattern!(#pattern), #rule))
            });
            quote!(Rule::Members { properties: #properties, patterns: &[#(#patterns),*], additional: #additional })
        }
        Rule::Required(names) => quote!(Rule::Required(&[#(#names),*])),
        Rule::Names(names) => {
            let names = one(names);
            quote!(Rule::Names(&#names))
        }
        Rule::Dependent(rules) => {
            let rules = pairs(rules);
            quote!(Rule::Dependent(#rules))
        }
        Rule::UnevaluatedMembers(inner) => {
            let inner = one(inner);
            quote!(Rule::UnevaluatedMembers(&#inner))
        }
        Rule::UnevaluatedItems(inner) => {
            let inner = one(inner);
            quote!(Rule::UnevaluatedItems(&#inner))
        }
        Rule::See(id) => {
            let name = ident(&api.types.rules[id.0].name);
            quote!(Rule::See(&#name))
        }
    }
}

fn counted(name: TokenStream, min: u64, max: Option<u64>) -> TokenStream {
    let (min, max) = (Literal::u64_unsuffixed(min), most(max));
    quote!(Rule::#name { min: #min, max: #max })
}

fn most(max: Option<u64>) -> TokenStream {
    max.map(Literal::u64_unsuffixed).map_or_else(|| quote!(u64::MAX), |max| quote!(#max))
}

fn kind(json_type: event_api_spec::schema::JsonType) -> &'static str {
    use event_api_spec::schema::JsonType;
    match json_type {
        JsonType::Null => "Null",
        JsonType::Boolean => "Boolean",
        JsonType::Integer => "Integer",
        JsonType::Number => "Number",
        JsonType::String => "String",
        JsonType::Array => "Array",
        JsonType::Object => "Object",
    }
}

/// `Json::Str("x")`
fn json(value: &Value) -> TokenStream {
    literal(value, &quote!(Json::))
}

/// `Str("x")`, `Int(1)`, `Bool(true)`, `Number("1.5")`, …: a value as the variant of the runtime's `Json`.
pub(super) fn variant(value: &Value) -> TokenStream {
    literal(value, &TokenStream::new())
}

fn literal(value: &Value, json: &TokenStream) -> TokenStream {
    let variant = match value {
        Value::Null => quote!(Null),
        Value::Bool(value) => quote!(Bool(#value)),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => {
                let magnitude = Literal::u64_unsuffixed(integer.unsigned_abs());
                if integer < 0 { quote!(Int(-#magnitude)) } else { quote!(Int(#magnitude)) }
            }
            None => {
                let text = number.to_string();
                quote!(Number(#text))
            }
        },
        Value::String(text) => quote!(Str(#text)),
        Value::Array(items) => {
            let items = items.iter().map(|item| literal(item, json));
            quote!(Array(&[#(#items),*]))
        }
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let value = literal(value, json);
                quote!((#name, #value))
            });
            quote!(Object(&[#(#members),*]))
        }
    };
    quote!(#json #variant)
}
