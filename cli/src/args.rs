//! The arguments of every command.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Contract-first events: check AsyncAPI documents.
#[derive(Debug, Parser)]
#[command(name = "event-api", bin_name = "event-api", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(ValidateArgs),
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
