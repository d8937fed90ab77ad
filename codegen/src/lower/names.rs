//! Names: from what a document calls a thing to what Rust may call it, without clashes.
//!
//! A name is claimed from a [`Scope`], which never gives the same name twice and treats names that differ only in
//! case or separators as the same. Claims are made in a fixed order (named schemas, then channels and messages, then
//! anonymous schemas by position), so adding a message does not rename what was there.

use std::borrow::Cow;
use std::collections::HashSet;

use heck::{ToKebabCase, ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};

/// A set of names that must differ.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    taken: HashSet<String>,
}

impl Scope {
    /// A scope in which some names are taken from the start.
    pub(crate) fn with_reserved(names: &[&str]) -> Self {
        let mut scope = Scope::default();
        for name in names {
            scope.taken.insert(fold(name));
        }
        scope
    }

    /// The first free one of `candidates`; with none free, the last one with the smallest free number behind it.
    pub(crate) fn claim(&mut self, candidates: impl IntoIterator<Item = String>) -> String {
        let mut last = String::new();
        for candidate in candidates {
            if self.taken.insert(fold(&candidate)) {
                return candidate;
            }
            last = candidate;
        }
        // `Foo2` beside `Foo`; a name that ends with a digit gets a separator, so that `Foo1` does not become `Foo12`.
        let separator = if last.ends_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
        let mut number = 2u32;
        loop {
            let candidate = format!("{last}{separator}{number}");
            if self.taken.insert(fold(&candidate)) {
                return candidate;
            }
            number += 1;
        }
    }

    /// Gives a name back that nothing has been called.
    pub(crate) fn release(&mut self, name: &str) {
        self.taken.remove(&fold(name));
    }

    /// Whether the name is free.
    pub(crate) fn is_free(&self, name: &str) -> bool {
        !self.taken.contains(&fold(name))
    }
}

/// Names that differ only in case, separators or rawness are one name: two identifiers like that in one module are
/// legal Rust, and a trap.
pub(super) fn fold(name: &str) -> String {
    name.trim_start_matches("r#").chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

/// A type, trait or variant name: `UserSignedUp`.
pub(crate) fn type_name(text: &str) -> String {
    let name = words(text).to_upper_camel_case();
    let name = sanitize(&name, 'N');
    if name == "Self" { "Self_".to_owned() } else { name }
}

/// A field, method or argument name: `user_id`, `r#type`.
pub(crate) fn field_name(text: &str) -> String {
    let name = words(text).to_snake_case();
    let name = sanitize(&name, 'n');
    match name.as_str() {
        // Keywords that cannot be raw identifiers.
        "self" | "super" | "crate" => format!("{name}_"),
        _ if is_keyword(&name) => format!("r#{name}"),
        _ => name,
    }
}

/// The name of a constant or static: `USER_ID`.
pub(crate) fn constant_name(text: &str) -> String {
    sanitize(&words(text).to_shouty_snake_case(), 'N')
}

/// How long the words of an event set's name may be before they are only the last ones of an address.
const MAX_SET_WORDS: usize = 32;

/// What the set of a channel with this key is called, without its suffix, best first. A key that is an address says
/// it in its last literal segments: `UserSignedUp` for `user/{id}/signed-up`.
pub(crate) fn set_words(key: &str) -> Vec<String> {
    let full = type_name(key);
    if !key.contains(['/', '{']) && full.len() <= MAX_SET_WORDS {
        return vec![full];
    }
    let literals: Vec<String> = key.split(['/', '.', ':']).filter_map(literal_word).collect();
    let mut short = String::new();
    for (index, word) in literals.iter().rev().enumerate() {
        if index >= 2 && short.len() + word.len() > MAX_SET_WORDS {
            break;
        }
        short.insert_str(0, word);
    }
    let mut names = vec![short, literals.concat(), full];
    names.retain(|name| !name.is_empty());
    names.dedup();
    names
}

/// What a segment of an address says beside its parameters; nothing for wildcards, mere numbers, and the word that the
/// set's name ends with anyway.
fn literal_word(segment: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = segment;
    while let Some((literal, behind)) = rest.split_once('{') {
        text.push_str(literal);
        text.push(' ');
        rest = behind.split_once('}').map_or("", |(_, behind)| behind);
    }
    text.push_str(rest);
    let says_something = text.chars().any(char::is_alphabetic);
    let is_suffix = ["event", "events"].iter().any(|word| text.trim().eq_ignore_ascii_case(word));
    (says_something && !is_suffix).then(|| type_name(&text))
}

/// A path segment: `user-events`.
pub(crate) fn segment_name(text: &str) -> String {
    let name = words(text).to_kebab_case();
    if name.is_empty() { "channel".to_owned() } else { name }
}

/// The text with symbols that carry the meaning spelled out: `+1` and `-1` differ, and so do `<` and `>`.
fn words(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && text.bytes().any(|b| b != b'_') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let has_letters = text.chars().any(char::is_alphanumeric);
    let mut previous_alphanumeric = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{b5}' {
            // The micro sign of units. Its capital is a Greek letter that looks like `M`, which rustc warns of.
            out.push_str("micro ");
            continue;
        }
        let before_digit = chars.peek().is_some_and(char::is_ascii_digit);
        match symbol(c) {
            Some(word) if !has_letters || (matches!(c, '+' | '-') && before_digit && !previous_alphanumeric) => {
                out.push(' ');
                out.push_str(word);
                out.push(' ');
            }
            _ => out.push(c),
        }
        previous_alphanumeric = c.is_alphanumeric();
    }
    Cow::Owned(out)
}

fn symbol(c: char) -> Option<&'static str> {
    Some(match c {
        '+' => "plus",
        '-' => "minus",
        '*' => "star",
        '/' => "slash",
        '%' => "percent",
        '=' => "equals",
        '<' => "less",
        '>' => "greater",
        '!' => "not",
        '?' => "question",
        '&' => "and",
        '|' => "or",
        '^' => "caret",
        '~' => "tilde",
        '#' => "hash",
        '@' => "at",
        '$' => "dollar",
        '.' => "dot",
        ',' => "comma",
        ':' => "colon",
        ';' => "semicolon",
        '_' => "underscore",
        ' ' => "space",
        '(' => "open",
        ')' => "close",
        '°' => "degree",
        '€' => "euro",
        _ => return None,
    })
}

/// Keeps what Rust allows in an identifier; a digit in front gets a letter before it.
fn sanitize(name: &str, prefix: char) -> String {
    let mut out = String::with_capacity(name.len() + 1);
    for c in name.chars() {
        if is_identifier_character(c) {
            out.push(c);
        }
    }
    match out.chars().next() {
        None => if prefix.is_uppercase() { "Empty" } else { "empty" }.to_owned(),
        Some(first) if first.is_numeric() || !is_identifier_start(first) => format!("{prefix}{out}"),
        Some(_) => out,
    }
}

fn is_identifier_start(c: char) -> bool {
    c == '_' || unicode_ident::is_xid_start(c)
}

fn is_identifier_character(c: char) -> bool {
    unicode_ident::is_xid_continue(c)
}

/// Keywords of all editions, strict and reserved (The Rust Reference, "Keywords"), that can be raw identifiers.
fn is_keyword(name: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
        "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
        "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type",
        "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    KEYWORDS.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_what_rust_allows() {
        let types = ["user/signed_up", "self", "404", "+1", "-1", "", "größe", "日本", "HTTPServer", "<", "a.b-c"];
        let expected =
            ["UserSignedUp", "Self_", "N404", "Plus1", "Minus1", "Empty", "Größe", "日本", "HttpServer", "Less", "ABC"];
        assert_eq!(types.map(type_name), expected);
        let fields = ["type", "self", "userID", "2nd", "@id", "gen", "$ref", "", "x-y"];
        let expected = ["r#type", "self_", "user_id", "n2nd", "id", "r#gen", "r#ref", "empty", "x_y"];
        assert_eq!(fields.map(field_name), expected);
        assert_eq!(segment_name("user/{id}/signedUp"), "user-id-signed-up");
    }

    #[test]
    fn sets_of_addresses_are_called_by_what_those_end_with() {
        assert_eq!(set_words("userEvents"), ["UserEvents"]);
        assert_eq!(set_words("com.acme.users"), ["ComAcmeUsers"]);
        assert_eq!(set_words("user/{id}/signed-up"), ["UserSignedUp", "UserIdSignedUp"]);
        assert_eq!(set_words("{a}/{b}"), ["AB"]);
        let long = "smartylighting/streetlights/1/0/event/{streetlightId}/lighting/measured";
        assert_eq!(set_words(long)[0], "StreetlightsLightingMeasured");
    }

    #[test]
    fn a_scope_never_gives_a_name_twice() {
        let mut scope = Scope::with_reserved(&["Event"]);
        assert_eq!(scope.claim(["Foo".to_owned()]), "Foo");
        assert_eq!(scope.claim(["foo".to_owned()]), "foo2");
        assert_eq!(scope.claim(["Foo".to_owned(), "BarFoo".to_owned()]), "BarFoo");
        assert_eq!(scope.claim(["Event".to_owned()]), "Event2");
        assert_eq!(scope.claim(["Foo1".to_owned()]), "Foo1");
        assert_eq!(scope.claim(["Foo1".to_owned()]), "Foo1_2");
    }
}
