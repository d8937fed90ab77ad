//! The arguments of every command.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use event_api_codegen::compat::Compat;

/// Contract-first events: check AsyncAPI documents and generate Rust from them.
#[derive(Debug, Parser)]
#[command(name = "event-api", bin_name = "event-api", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(ValidateArgs),
    Generate(Box<GenerateArgs>),
    Compat(CompatArgs),
}

/// Report everything that is wrong with AsyncAPI documents
///
/// Exit status: 0 when the documents are valid, 1 when they are not, 2 when a file cannot be read.
#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    /// The documents, YAML or JSON, AsyncAPI 2.0 to 3.1
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,

    /// Fail on warnings too
    #[arg(long)]
    pub(crate) strict: bool,

    /// Read references below URL from FOLDER; remote references are refused otherwise
    #[arg(long, value_name = "URL=FOLDER", value_parser = mirror)]
    pub(crate) map_remote: Vec<(String, PathBuf)>,
}

/// Generate Rust from an AsyncAPI document, or from bare JSON Schemas
///
/// The result is a file of its own: save it as `src/user_service.rs` and declare it with `mod user_service;`. It is the
/// code that the attribute and a build script generate with the same options.
///
/// Several documents are versions of one, the oldest first: each becomes a module called after its file, and handlers of
/// the newest version get the events of all.
///
/// Exit status: 0 when the code was generated (with --check, when it is up to date), 1 when the document or one of the
/// schemas has errors (or the code is stale), 2 when a file cannot be read or written.
#[derive(Args, Clone, Debug)]
pub(crate) struct GenerateArgs {
    /// The document, YAML or JSON, AsyncAPI 2.0 to 3.1; or its versions, the oldest first
    #[arg(value_name = "FILE", required_unless_present_any = ["schema", "schemas"])]
    #[arg(conflicts_with_all = ["schema", "name", "schemas"])]
    pub(crate) files: Vec<PathBuf>,

    /// Generate the types of this bare JSON Schema instead
    #[arg(long, value_name = "FILE", requires = "name")]
    pub(crate) schema: Option<PathBuf>,

    /// What the type of the whole schema is called
    #[arg(long, value_name = "NAME", requires = "schema")]
    pub(crate) name: Option<String>,

    /// Generate a module for each of many bare JSON Schemas, one a line
    ///
    /// A line is {"name": "User", "schema": {...}}, and may have a "dialect" (draft-07, 2019-09 or 2020-12) for a schema
    /// without $schema. A schema that fails is a line of JSON on standard error, and does not stop the others.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with_all = ["schema", "name"])]
    pub(crate) schemas: Option<PathBuf>,

    /// Write to this file, only when its content changes, instead of standard output
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,

    /// Write nothing; fail when the file of --output is stale
    #[arg(long, requires = "output")]
    pub(crate) check: bool,

    /// Take schemas by the letter: one without `type` accepts values of every type
    #[arg(long)]
    pub(crate) exact: bool,

    /// Which half of the contract to generate
    #[arg(long, value_enum, default_value_t = Side::Both)]
    pub(crate) side: Side,

    /// What to do with event types that the document does not declare
    #[arg(long, value_enum, default_value_t = UnknownEvents::Keep)]
    pub(crate) unknown_events: UnknownEvents,

    /// Use a type of your own for a schema, such as UserId=crate::UserId
    ///
    /// NAME is the name of a type, or the pointer of a schema such as #/components/schemas/UserId.
    #[arg(long, value_name = "NAME=TYPE", value_parser = pair)]
    pub(crate) replace: Vec<(String, String)>,

    /// Give a type, or the enum of a channel's events, another name
    ///
    /// NAME may also be the pointer of a channel or operation such as #/channels/orders. NEW is taken as it is; one that
    /// something else has is an error.
    #[arg(long, value_name = "NAME=NEW", value_parser = pair)]
    pub(crate) rename: Vec<(String, String)>,

    /// Add a derive to a type, or to all with * as NAME
    #[arg(long, value_name = "NAME=PATH", value_parser = pair)]
    pub(crate) derive: Vec<(String, String)>,

    /// Add an attribute, without #[…], to a type, or to all with * as NAME
    #[arg(long, value_name = "NAME=ATTRIBUTE", value_parser = pair)]
    pub(crate) attr: Vec<(String, String)>,

    /// Use a type of your own for all strings of a format, such as duration=crate::Duration
    #[arg(long, value_name = "FORMAT=TYPE", value_parser = pair)]
    pub(crate) format_type: Vec<(String, String)>,

    /// Give an enum of strings, or all with *, a variant Other for values that the document does not list
    #[arg(long, value_name = "NAME")]
    pub(crate) open_enum: Vec<String>,

    /// Let a struct, or all with *, keep members that the document does not name
    #[arg(long, value_name = "NAME")]
    pub(crate) keep_unknown: Vec<String>,

    /// Fetch references to this host with curl; remote references are refused otherwise
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_host: Vec<String>,

    /// Read references below URL from FOLDER
    #[arg(long, value_name = "URL=FOLDER", value_parser = mirror)]
    pub(crate) map_remote: Vec<(String, PathBuf)>,
}

/// Tell whether a change to an AsyncAPI document breaks anybody, with an event that proves it
///
/// Two files are an old version and a new one. With --against or --history, also by `event-api.toml`, every file is a
/// document to compare with earlier versions of itself.
///
/// Exit status: 0 when the change is compatible, 1 when it is not or when that could not be decided, 2 when a version
/// cannot be read or has errors.
#[derive(Args, Debug)]
#[command(override_usage = "event-api compat [OPTIONS] OLD NEW\n       \
    event-api compat [OPTIONS] --against REF FILE...\n       \
    event-api compat [OPTIONS] --history DIR FILE...\n       \
    event-api compat --schemas FILE [--strict]")]
pub(crate) struct CompatArgs {
    /// The documents, YAML or JSON, AsyncAPI 2.0 to 3.1
    #[arg(value_name = "FILE", required_unless_present = "schemas", conflicts_with = "schemas")]
    pub(crate) files: Vec<PathBuf>,

    /// Compare with the version in this commit, such as origin/main, or with another file of it: origin/main:old.yaml
    #[arg(long, value_name = "REF[:PATH]", conflicts_with = "schemas")]
    pub(crate) against: Option<String>,

    /// Compare with the released versions in this folder, ordered by `info.version`
    #[arg(long, value_name = "DIR", conflicts_with = "schemas")]
    pub(crate) history: Option<PathBuf>,

    /// What must hold; by default what event-api.toml says, else the document, else full
    #[arg(long, value_name = "MODE", value_parser = mode(), conflicts_with = "schemas")]
    pub(crate) mode: Option<Compat>,

    /// Take schemas as they are written: an object without `additionalProperties` may have any members
    #[arg(long)]
    pub(crate) strict: bool,

    /// Pass when it could not be decided whether something breaks
    #[arg(long, conflicts_with = "schemas")]
    pub(crate) allow_undecided: bool,

    /// How to report
    #[arg(long, value_enum, default_value_t = CompatFormat::Human, conflicts_with = "schemas")]
    pub(crate) format: CompatFormat,

    /// Settings and ignore entries; by default event-api.toml beside or above the document
    #[arg(long, value_name = "FILE", conflicts_with = "schemas")]
    pub(crate) config: Option<PathBuf>,

    /// Read references below URL from FOLDER; remote references are refused otherwise
    #[arg(long, value_name = "URL=FOLDER", value_parser = mirror, conflicts_with = "schemas")]
    pub(crate) map_remote: Vec<(String, PathBuf)>,

    /// Decide pairs of schemas instead, each a line {"id": …, "writer": SCHEMA, "reader": SCHEMA}; - is standard input
    ///
    /// Exit status: 0 when every pair was answered (the answers are in the output), 2 when a line or the file cannot be
    /// read.
    #[arg(long, value_name = "FILE")]
    pub(crate) schemas: Option<PathBuf>,
}

/// How the report of a comparison is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompatFormat {
    /// For people, with excerpts
    Human,
    /// One JSON object
    Json,
    /// Workflow commands: annotations in a GitHub pull request
    Github,
    /// Code quality report: annotations in a GitLab merge request
    Gitlab,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for whatever shows results of tests
    Junit,
    /// A comment for a pull request
    Markdown,
}

/// Which half of the contract is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// Publisher and handler traits
    Both,
    /// Only what publishes
    Publisher,
    /// Only what handles
    Consumer,
}

/// What becomes of events that are not declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnknownEvents {
    /// The variant `Unknown` keeps them
    Keep,
    /// They do not decode
    Refuse,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people, with excerpts
    Human,
    /// One JSON object
    Json,
    /// Workflow commands: annotations in a GitHub pull request
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

fn mode() -> impl TypedValueParser<Value = Compat> {
    PossibleValuesParser::new(Compat::ALL.map(|(name, _)| name)).try_map(|name| name.parse::<Compat>())
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected a name, `=` and a value, such as UserId=crate::UserId".to_owned()),
    }
}

fn mirror(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((url, folder)) if !url.is_empty() && !folder.is_empty() => Ok((url.to_owned(), folder.into())),
        _ => Err("expected URL=FOLDER, such as https://schemas.example.com/=vendor/schemas".to_owned()),
    }
}

/// The arguments without the command's own name, which cargo passes as the first one.
pub(crate) fn without_cargo_name(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    args.enumerate().filter(|(index, arg)| !(*index == 1 && arg == "event-api")).map(|(_, arg)| arg)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, without_cargo_name};

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn both_names_take_the_same_arguments() {
        for line in ["cargo-event-api event-api validate a.yaml", "event-api validate a.yaml"] {
            Cli::try_parse_from(without_cargo_name(line.split(' ').map(Into::into))).unwrap();
        }
    }
}
