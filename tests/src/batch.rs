//! Many schemas at once: generated, compiled into a few programs, and asked for verdicts.
//!
//! Schemas go in ([`Batch::add`]); what comes out ([`Batch::build`]) is a [`Verdicts`], which says of a JSON text what the
//! generated type makes of it. A schema that cannot be generated, or whose code does not compile, takes none of the
//! others with it: every question about it has the answer [`Answer::NoType`].

mod build;
mod run;

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::{fs, io};

use event_api_codegen::{GenerateError, Generator};
use event_api_spec::Severity;

pub use run::Verdicts;

use build::Workspace;

/// Schemas to be compiled together.
#[derive(Debug)]
pub struct Batch {
    workspace: Workspace,
    mirrors: Vec<(String, PathBuf)>,
    /// What became of each schema, in the order in which they were added.
    types: Vec<Result<Module, String>>,
    /// The texts of the modules; schemas that generate the same code share one.
    modules: Vec<String>,
    known: HashMap<String, Module>,
}

/// A schema of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaNumber(usize);

/// The place of a module's text.
type Module = usize;

/// How schemas without `type` are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// By the letter: they accept values of every type.
    Exact,
    /// As documents mean it: keywords that belong to one type imply it.
    Implied,
}

/// What a generated type makes of a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was read, and written again as this text, which reads back as the same value.
    Accepted(String),
    /// It was not read: the error.
    Refused(String),
    /// It was read, and something is wrong afterwards: it cannot be written, or what is written does not read back.
    Lost(String),
    /// The same is accepted as a text and refused as a `serde_json::Value`, or the other way round.
    Differs(String),
    /// The program panicked, overflowed its stack, or gave no answer in time.
    Crashed(String),
    /// There is no type: the schema was not generated, or what was generated does not compile.
    NoType(String),
}

impl Answer {
    /// Whether the type accepts the text; `None` when it has no opinion.
    pub fn accepts(&self) -> Option<bool> {
        match self {
            Answer::Accepted(_) | Answer::Lost(_) => Some(true),
            Answer::Refused(_) => Some(false),
            Answer::Differs(_) | Answer::Crashed(_) | Answer::NoType(_) => None,
        }
    }
}

impl Batch {
    /// An empty batch that works below `scratch`, in a folder of this name. Batches with the same scratch folder share
    /// what they depend on, so that it is compiled once.
    pub fn new(scratch: &Path, name: &str) -> Self {
        let workspace = Workspace::new(scratch, name);
        Batch { workspace, mirrors: Vec::new(), types: Vec::new(), modules: Vec::new(), known: HashMap::new() }
    }

    /// Reads what references below a URL name from a folder.
    #[must_use]
    pub fn map_remote(mut self, url: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        self.mirrors.push((url.into(), folder.into()));
        self
    }

    /// Generates the type of a schema. The dialect is the one that its `$schema` names, else draft-07.
    ///
    /// # Errors
    /// When the schema cannot be written down for the generator.
    pub fn add(&mut self, schema: &str, reading: Reading) -> io::Result<SchemaNumber> {
        let folder = self.workspace.directory().join("schemas");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("schema.json"), schema)?;
        let mut generator = Generator::new().relative_to(&folder);
        if reading == Reading::Exact {
            generator = generator.exact();
        }
        for (url, folder) in &self.mirrors {
            generator = generator.map_remote(url, folder);
        }
        Ok(self.push(generate(&generator)))
    }

    /// Adds a module that was generated already, and has the type `Root`.
    pub fn add_module(&mut self, text: impl Into<String>) -> SchemaNumber {
        self.push(Ok(text.into()))
    }

    fn push(&mut self, text: Result<String, String>) -> SchemaNumber {
        self.types.push(text.map(|text| {
            *self.known.entry(text).or_insert_with_key(|text| {
                self.modules.push(text.clone());
                self.modules.len() - 1
            })
        }));
        SchemaNumber(self.types.len() - 1)
    }

    /// Compiles all that was added.
    ///
    /// # Errors
    /// When cargo cannot be run, or fails without a reason.
    pub fn build(self) -> io::Result<Verdicts> {
        let built = self.workspace.programs(&self.modules)?;
        Ok(Verdicts::new(built, self.types))
    }
}

/// The code of `schema.json`; every failure is a text, panics included.
fn generate(generator: &Generator) -> Result<String, String> {
    let result = panic::catch_unwind(AssertUnwindSafe(|| match generator.schema(Path::new("schema.json"), "Root") {
        Ok(generated) => generated.to_file().map_err(|error| error.to_string()),
        Err(GenerateError::Document(errors)) => {
            let mut of_schema = errors.diagnostics.iter().filter(|found| found.severity == Severity::Error);
            Err(of_schema.next().map_or_else(String::new, |error| error.message.clone()))
        }
        Err(error) => Err(error.to_string()),
    }));
    result.unwrap_or_else(|payload| {
        let said = payload.downcast_ref::<String>().cloned();
        let said = said.or_else(|| payload.downcast_ref::<&str>().map(|said| (*said).to_owned()));
        Err(format!("the generator panicked: {}", said.unwrap_or_default()))
    })
}
