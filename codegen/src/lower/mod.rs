//! From a document to the intermediate representation: names, types, channels.

mod array;
mod avro;
mod channels;
mod conjunction;
pub(crate) mod history;
pub(crate) mod names;
mod object;
mod options;
mod recursion;
mod residual;
mod rule;
mod scalar;
mod shadow;
mod shape;
mod types;
mod union;

use event_api_spec::document::Document;
use event_api_spec::schema::{SchemaId, Schemas};
use event_api_spec::{Diagnostic, Sources};

use crate::ir::Api;
use crate::settings::{Settings, UnusedOption};

/// What came of lowering.
pub(crate) struct Lowered {
    pub(crate) api: Api,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// How many schema positions became an untyped JSON value although the schema says more.
    pub(crate) fallbacks: usize,
    /// The options that name nothing in the document, each of which has a diagnostic.
    pub(crate) unused_options: Vec<UnusedOption>,
}

/// Lowers a document.
pub(crate) fn document(document: &Document, sources: &Sources, settings: &Settings) -> Lowered {
    with_deep_stack(|| lower_document(document, sources, settings))
}

/// Lowering follows references, and a document may chain more of them than the stack of a compiler's thread bears.
/// How deep it goes is limited (see `types`), and this is enough for that.
const STACK_BYTES: usize = 128 << 20;

fn with_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        match thread.spawn_scoped(scope, work) {
            Ok(handle) => handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            // Not the document's doing: the system has neither memory nor a thread left to build anything with.
            Err(error) => panic!("no thread could be started: {error}"),
        }
    })
}

fn lower_document(document: &Document, sources: &Sources, settings: &Settings) -> Lowered {
    let mut types = types::Lowering::new(&document.schemas, sources, settings);
    let sets = channels::lower(document, &mut types);
    let mut lowered = types.finish();
    lowered.api.sets = sets;
    shadow::separate(&mut lowered.api);
    lowered.api.title.clone_from(&document.info.title);
    lowered.api.version.clone_from(&document.info.version);
    lowered.api.description.clone_from(&document.info.description);
    lowered.api.source = sources.file(document.location.span.file).path().display().to_string();
    lowered
}

/// Lowers one bare schema; its type is called `name`, or an alias of that name stands for it.
pub(crate) fn schema(root: SchemaId, name: &str, schemas: &Schemas, sources: &Sources, settings: &Settings) -> Lowered {
    let mut lowered = with_deep_stack(|| {
        let mut types = types::Lowering::new(schemas, sources, settings);
        types.lower_root(root, name);
        types.finish()
    });
    shadow::separate(&mut lowered.api);
    lowered.api.title = name.to_owned();
    lowered.api.source = sources.file(schemas[root].location.span.file).path().display().to_string();
    lowered
}
