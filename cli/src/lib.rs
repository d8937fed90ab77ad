//! The command line: arguments in, a report on standard output and an exit status out.
//!
//! Nothing is decided here that the macro or a build script would decide differently: documents are loaded by
//! `event-api-spec`, and only rendering and exit statuses live in this crate.

mod args;
mod render;
mod validate;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing to complain about.
    Passed,
    /// The documents were read, and something is wrong with them.
    Failed,
    /// A file could not be read, or the result could not be written.
    CouldNotRun,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        // Usage errors are 2 as well: clap exits with it.
        ExitCode::from(match outcome {
            Outcome::Passed => 0,
            Outcome::Failed => 1,
            Outcome::CouldNotRun => 2,
        })
    }
}

/// Runs the command that the process arguments ask for.
pub fn main() -> ExitCode {
    let cli = Cli::parse_from(args::without_cargo_name(std::env::args_os()));
    let result = match cli.command {
        Command::Validate(args) => validate::run(&args, &mut io::stdout().lock()),
    };
    match result {
        Ok(outcome) => outcome.into(),
        // Whoever reads the report has closed it, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::Passed.into(),
        Err(error) => {
            // When standard error is closed as well, the exit status has to say it alone.
            let _ = writeln!(io::stderr(), "error: cannot write the report: {error}");
            Outcome::CouldNotRun.into()
        }
    }
}
