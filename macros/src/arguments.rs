//! The arguments of the attribute: tokens come in; the document's path and a generator with its options go out.

use std::path::Path;

use event_api_codegen::compat::{Compat, CompatError};
use event_api_codegen::{GenerateError, Generator, Side, UnknownEvents, nearest};
use proc_macro2::Span;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitBool, LitStr, Meta, Result, Token, Type, braced, bracketed, token};

const OPTIONS: [&str; 14] = [
    "side",
    "unknown_events",
    "exact",
    "allow_hosts",
    "map_remote",
    "replace",
    "rename",
    "derive",
    "format",
    "open_enum",
    "keep_unknown",
    "attr",
    "baseline",
    "compat",
];

/// `"spec/asyncapi.yaml", side = "publisher", …`, or `versions = ["spec/v1.yaml", …]` in the place of the path
pub(crate) struct Arguments {
    pub(crate) documents: Documents,
    pub(crate) generator: Generator,
    /// Where the names stand that options are about.
    names: Vec<Name>,
    /// Where the released versions are named.
    baseline: Option<Span>,
}

/// What is generated from.
pub(crate) enum Documents {
    /// One document.
    One(LitStr),
    /// Versions of one, the oldest first.
    Versions(Vec<LitStr>),
}

impl Documents {
    /// What to point at when one of them has errors.
    pub(crate) fn span(&self, of: Option<&Path>) -> Span {
        match self {
            Documents::One(path) => path.span(),
            Documents::Versions(paths) => {
                let is = |path: &&LitStr| of.is_some_and(|of| of == Path::new(&path.value()));
                let path = paths.iter().find(is).or_else(|| paths.last());
                path.map_or_else(Span::call_site, LitStr::span)
            }
        }
    }

    /// `versions = ["spec/v1.yaml", …]`, or a path.
    fn parse(input: ParseStream) -> Result<Self> {
        if input.peek(LitStr) {
            return Ok(Documents::One(input.parse()?));
        }
        let is_option = input.peek(Ident) && input.fork().parse::<Ident>()? == "versions";
        if !is_option {
            let message = "the path of an AsyncAPI document is missing: write `#[event_api(\"spec/asyncapi.yaml\")]`";
            return Err(Error::new(if input.is_empty() { Span::call_site() } else { input.span() }, message));
        }
        let option: Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        let paths;
        bracketed!(paths in input);
        let paths = paths.parse_terminated(|input| input.parse::<LitStr>(), Token![,])?;
        if paths.is_empty() {
            let message =
                "no version is listed: write `versions = [\"spec/v1.yaml\", \"spec/v2.yaml\"]`, the oldest first";
            return Err(Error::new(option.span(), message));
        }
        Ok(Documents::Versions(paths.into_iter().collect()))
    }
}

/// `"UserId"` in `replace = { "UserId" = … }`
struct Name {
    option: String,
    name: LitStr,
}

impl Arguments {
    /// What to point at when generation fails: the option that names nothing, else the document's path.
    pub(crate) fn culprit(&self, error: &GenerateError) -> Span {
        let (unused, path) = match error {
            GenerateError::Document(errors) => (errors.unused_options.as_slice(), Some(errors.path.as_path())),
            GenerateError::Compat(error) if !matches!(**error, CompatError::Incompatible(_)) => {
                return self.baseline.unwrap_or_else(|| self.documents.span(None));
            }
            _ => (&[][..], None),
        };
        let is = |name: &&Name| unused.iter().any(|it| it.option == name.option && it.name == name.name.value());
        self.names.iter().find(is).map_or_else(|| self.documents.span(path), |name| name.name.span())
    }
}

impl Parse for Arguments {
    fn parse(input: ParseStream) -> Result<Self> {
        let documents = Documents::parse(input)?;
        let mut arguments = Arguments { documents, generator: Generator::new(), names: Vec::new(), baseline: None };
        let mut seen: Vec<Ident> = Vec::new();
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let option: Ident = input.parse()?;
            if option == "versions" {
                let message = "`versions` stands in the place of the document's path: write \
                               `#[event_api(versions = [\"spec/v1.yaml\", \"spec/v2.yaml\"])]`, the oldest first";
                return Err(Error::new(option.span(), message));
            }
            if seen.contains(&option) {
                return Err(Error::new(option.span(), format!("the option `{option}` is set twice")));
            }
            arguments.option(&option, input)?;
            seen.push(option);
        }
        Ok(arguments)
    }
}

impl Arguments {
    /// `side = "publisher"`, from the `=` on.
    fn option(&mut self, option: &Ident, input: ParseStream) -> Result<()> {
        let name = option.to_string();
        if !OPTIONS.contains(&name.as_str()) {
            let help = match nearest(&name, OPTIONS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the options are `{}`", OPTIONS.join("`, `")),
            };
            return Err(Error::new(option.span(), format!("there is no option `{option}`; {help}")));
        }
        input.parse::<Token![=]>()?;
        match name.as_str() {
            "side" => {
                let sides = [("both", Side::Both), ("publisher", Side::Publisher), ("consumer", Side::Consumer)];
                let side = choice(option, input, &sides)?;
                self.change(|generator| generator.side(side));
            }
            "unknown_events" => {
                let policies = [("keep", UnknownEvents::Keep), ("refuse", UnknownEvents::Refuse)];
                let policy = choice(option, input, &policies)?;
                self.change(|generator| generator.unknown_events(policy));
            }
            "exact" => {
                if input.parse::<LitBool>()?.value {
                    self.change(Generator::exact);
                }
            }
            "baseline" => {
                let path: LitStr = input.parse()?;
                self.baseline = Some(path.span());
                self.change(|generator| generator.baseline(path.value()));
            }
            "compat" => {
                let mode = choice(option, input, &Compat::ALL)?;
                self.change(|generator| generator.compat(mode));
            }
            "allow_hosts" => {
                let hosts;
                bracketed!(hosts in input);
                for host in hosts.parse_terminated(string, Token![,])? {
                    self.change(|generator| generator.allow_host(host));
                }
            }
            "map_remote" => self.map(option, input, |input| Ok(vec![string(input)?]), Generator::map_remote)?,
            "replace" => self.map(option, input, |input| Ok(vec![rust::<Type>(input)?]), Generator::replace)?,
            "rename" => self.map(option, input, |input| Ok(vec![rust::<Ident>(input)?]), Generator::rename)?,
            "format" => self.map(option, input, |input| Ok(vec![rust::<Type>(input)?]), Generator::format)?,
            "open_enum" => self.names(option, input, Generator::open_enum)?,
            "keep_unknown" => self.names(option, input, Generator::keep_unknown)?,
            "derive" => self.map(option, input, list::<syn::Path>, Generator::derive)?,
            // The only one of `OPTIONS` that is left: `attr`.
            _ => self.map(option, input, list::<Meta>, Generator::attr)?,
        }
        Ok(())
    }

    /// `["Name", …]`
    fn names(&mut self, option: &Ident, input: ParseStream, set: fn(Generator, String) -> Generator) -> Result<()> {
        let names;
        bracketed!(names in input);
        for name in names.parse_terminated(|input| input.parse::<LitStr>(), Token![,])? {
            self.change(|generator| set(generator, name.value()));
            self.names.push(Name { option: option.to_string(), name });
        }
        Ok(())
    }

    /// `{ "Name" = value, … }`
    fn map(
        &mut self,
        option: &Ident,
        input: ParseStream,
        values: fn(ParseStream) -> Result<Vec<String>>,
        set: fn(Generator, String, String) -> Generator,
    ) -> Result<()> {
        let entries;
        braced!(entries in input);
        while !entries.is_empty() {
            let name: LitStr = entries.parse()?;
            if self.names.iter().any(|known| option == &known.option && known.name.value() == name.value()) {
                return Err(Error::new(name.span(), format!("`{option}` names \"{}\" twice", name.value())));
            }
            entries.parse::<Token![=]>()?;
            for value in values(&entries)? {
                self.change(|generator| set(generator, name.value(), value));
            }
            self.names.push(Name { option: option.to_string(), name });
            if !entries.is_empty() {
                entries.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn change(&mut self, change: impl FnOnce(Generator) -> Generator) {
        self.generator = change(std::mem::take(&mut self.generator));
    }
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
