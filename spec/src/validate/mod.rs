//! The semantic rules: what the parts of a document say about each other.
//!
//! What comes in is a document whose objects were read one by one, each with its own faults reported already; what
//! goes out are findings about names that lead nowhere, values that do not fit their schemas and schemas that nothing
//! fits. One small file a group of rules.

mod addresses;
mod examples;
mod expressions;
mod messages;
mod objects;
mod operations;
mod places;
mod schemas;
mod servers;
mod template;

use crate::diagnostic::Findings;
use crate::document::Document;
use crate::resolve::Resolver;
use crate::schema::Checker;
use places::Places;

/// Checks a document. `resolver` has read the files that it consists of.
pub(crate) fn check<'a>(document: &'a Document, resolver: &'a Resolver<'a>, found: &mut Findings) {
    let mut checker = Checker::new(&document.schemas);
    let context = Context { document, places: Places::new(resolver) };
    servers::check(&context, found);
    addresses::check(&context, found);
    messages::check(&context, found);
    objects::check(&context, found);
    operations::check(&context, found);
    expressions::check(&context, found);
    schemas::check(&context, found);
    examples::check(&context, &mut checker, found);
}

/// What every rule looks at.
struct Context<'a> {
    document: &'a Document,
    places: Places<'a>,
}

/// `a`, `b` and `c`, in code quotes.
fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const MOST: usize = 8;
    let mut names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.len() > MOST {
        let others = names.len() - MOST;
        names.truncate(MOST);
        return format!("{} and {others} others", names.join(", "));
    }
    match names.pop() {
        Some(last) if !names.is_empty() => format!("{} and {last}", names.join(", ")),
        Some(only) => only,
        None => String::new(),
    }
}
