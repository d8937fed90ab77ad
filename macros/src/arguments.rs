//! The arguments of the attribute: tokens come in; the document's path and a generator with its options go out.

use event_api_codegen::{Generator, Side, UnknownEvents, nearest};
use proc_macro2::Span;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitBool, LitStr, Meta, Path, Result, Token, Type, braced, bracketed, token};

const OPTIONS: [&str; 9] =
    ["side", "unknown_events", "exact", "allow_hosts", "map_remote", "replace", "rename", "derive", "attr"];

/// `"spec/asyncapi.yaml", side = "publisher", …`
pub(crate) struct Arguments {
    pub(crate) path: LitStr,
    pub(crate) generator: Generator,
}

impl Parse for Arguments {
    fn parse(input: ParseStream) -> Result<Self> {
        if !input.peek(LitStr) {
            let message = "the path of an AsyncAPI document is missing: write `#[event_api(\"spec/asyncapi.yaml\")]`";
            return Err(Error::new(if input.is_empty() { Span::call_site() } else { input.span() }, message));
        }
        let path = input.parse()?;
        let mut generator = Generator::new();
        let mut seen: Vec<Ident> = Vec::new();
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let name: Ident = input.parse()?;
            if seen.contains(&name) {
                return Err(Error::new(name.span(), format!("the option `{name}` is set twice")));
            }
            generator = option(generator, &name, input)?;
            seen.push(name);
        }
        Ok(Arguments { path, generator })
    }
}

fn option(generator: Generator, name: &Ident, input: ParseStream) -> Result<Generator> {
    let key = name.to_string();
    if !OPTIONS.contains(&key.as_str()) {
        let help = match nearest(&key, OPTIONS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the options are `{}`", OPTIONS.join("`, `")),
        };
        return Err(Error::new(name.span(), format!("there is no option `{name}`; {help}")));
    }
    input.parse::<Token![=]>()?;
    Ok(match key.as_str() {
        "side" => {
            let sides = [("both", Side::Both), ("publisher", Side::Publisher), ("consumer", Side::Consumer)];
            generator.side(choice(name, input, &sides)?)
        }
        "unknown_events" => {
            let policies = [("keep", UnknownEvents::Keep), ("refuse", UnknownEvents::Refuse)];
            generator.unknown_events(choice(name, input, &policies)?)
        }
        "exact" => {
            if input.parse::<LitBool>()?.value {
                generator.exact()
            } else {
                generator
            }
        }
        "allow_hosts" => {
            let hosts;
            bracketed!(hosts in input);
            let hosts = Punctuated::<LitStr, Token![,]>::parse_terminated(&hosts)?;
            hosts.iter().fold(generator, |generator, host| generator.allow_host(host.value()))
        }
        "map_remote" => each(map(input, string)?, generator, Generator::map_remote),
        "replace" => each(map(input, rust::<Type>)?, generator, Generator::replace),
        "rename" => each(map(input, rust::<Ident>)?, generator, Generator::rename),
        "derive" => each(flatten(map(input, list::<Path>)?), generator, Generator::derive),
        // The only one of `OPTIONS` that is left: `attr`.
        _ => each(flatten(map(input, list::<Meta>)?), generator, Generator::attr),
    })
}

fn each(
    entries: Vec<(String, String)>,
    generator: Generator,
    set: fn(Generator, String, String) -> Generator,
) -> Generator {
    entries.into_iter().fold(generator, |generator, (key, value)| set(generator, key, value))
}

fn flatten(entries: Vec<(String, Vec<String>)>) -> Vec<(String, String)> {
    let pairs = |(key, values): (String, Vec<String>)| values.into_iter().map(move |value| (key.clone(), value));
    entries.into_iter().flat_map(pairs).collect()
}

/// One of some words, as a string.
fn choice<T: Copy>(option: &Ident, input: ParseStream, choices: &[(&str, T)]) -> Result<T> {
    let word: LitStr = input.parse()?;
    let value = word.value();
    if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == value) {
        return Ok(*choice);
    }
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let mut message = format!("`{option}` cannot be \"{value}\"; ");
    message += &match nearest(&value, names.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("it is one of \"{}\"", names.join("\", \"")),
    };
    Err(Error::new(word.span(), message))
}

/// `{ "Name" = value, … }`
fn map<T>(input: ParseStream, value: fn(ParseStream) -> Result<T>) -> Result<Vec<(String, T)>> {
    let entries;
    braced!(entries in input);
    let mut found = Vec::new();
    while !entries.is_empty() {
        let key: LitStr = entries.parse()?;
        entries.parse::<Token![=]>()?;
        found.push((key.value(), value(&entries)?));
        if !entries.is_empty() {
            entries.parse::<Token![,]>()?;
        }
    }
    Ok(found)
}

/// `value`, or `[value, …]`
fn list<T: Parse + ToTokens>(input: ParseStream) -> Result<Vec<String>> {
    if !input.peek(token::Bracket) {
        return Ok(vec![rust::<T>(input)?]);
    }
    let values;
    bracketed!(values in input);
    Ok(values.parse_terminated(rust::<T>, Token![,])?.into_iter().collect())
}

fn string(input: ParseStream) -> Result<String> {
    Ok(input.parse::<LitStr>()?.value())
}

/// Rust, or a string of it, as text.
fn rust<T: Parse + ToTokens>(input: ParseStream) -> Result<String> {
    if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        let rust = text.parse::<T>().map_err(|error| {
            Error::new(text.span(), format!("`{}` is not the Rust that belongs here: {error}", text.value()))
        })?;
        return Ok(rust.to_token_stream().to_string());
    }
    Ok(input.parse::<T>()?.to_token_stream().to_string())
}
