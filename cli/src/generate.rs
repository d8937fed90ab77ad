//! `generate`: options and a document, or schemas, come in; a Rust file goes out, and findings go to standard error.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use event_api_codegen::{GenerateError, Generated, Generator};
use event_api_spec::{Diagnostic, Severity, Sources, rules};

use crate::Outcome;
use crate::args::{GenerateArgs, Side, UnknownEvents};
use crate::batch;
use crate::render::{self, Stream};
use crate::validate::Counts;

pub(crate) fn run(args: &GenerateArgs, out: &mut impl Write, err: &mut impl Write) -> io::Result<Outcome> {
    if let Some(path) = &args.schemas {
        return run_batch(path, args, out, err);
    }
    let generated = match generate(args) {
        Ok(generated) => generated,
        Err(GenerateError::Document(errors)) => {
            report(&errors.diagnostics, &errors.sources, err)?;
            let counts = Counts::of(&errors.diagnostics);
            writeln!(err, "`{}`: {}; nothing was generated", errors.path.display(), render::summary(counts))?;
            return Ok(if is_unreadable(&errors.diagnostics) { Outcome::CouldNotRun } else { Outcome::Failed });
        }
        Err(error) => return fault(&error, err),
    };
    for (sources, found) in generated.documents() {
        report(found, sources, err)?;
    }
    let text = match generated.to_file() {
        Ok(text) => text,
        Err(error) => return fault(&error, err),
    };
    deliver(&text, args, out, err)
}

/// Many schemas: those that can be generated are, whatever becomes of the others.
fn run_batch(path: &Path, args: &GenerateArgs, out: &mut impl Write, err: &mut impl Write) -> io::Result<Outcome> {
    let lines = match std::fs::read_to_string(path) {
        Ok(lines) => lines,
        Err(error) => {
            writeln!(err, "error: `{}` cannot be read: {error}", path.display())?;
            return Ok(Outcome::CouldNotRun);
        }
    };
    let batch = batch::generate(path, &lines, &batch_generator(args)?, err)?;
    Ok(match deliver(&batch.text, args, out, err)? {
        Outcome::Passed if batch.failed => Outcome::Failed,
        outcome => outcome,
    })
}

/// Puts the file where it was asked for, or compares it with what is there.
fn deliver(text: &str, args: &GenerateArgs, out: &mut impl Write, err: &mut impl Write) -> io::Result<Outcome> {
    match &args.output {
        None => {
            out.write_all(text.as_bytes())?;
            out.flush()?;
            Ok(Outcome::Passed)
        }
        Some(path) if args.check => check(path, text, err),
        Some(path) => write(path, text, err),
    }
}

fn generate(args: &GenerateArgs) -> Result<Generated, GenerateError> {
    let generator = generator(args);
    match (&args.schema, &args.name, args.files.as_slice()) {
        (Some(schema), Some(name), _) => generator.schema(schema, name),
        (_, _, [file]) => generator.document(file),
        (_, _, versions) => generator.versions(versions),
    }
}

fn generator(args: &GenerateArgs) -> Generator {
    let mut generator = Generator::new()
        .side(match args.side {
            Side::Both => event_api_codegen::Side::Both,
            Side::Publisher => event_api_codegen::Side::Publisher,
            Side::Consumer => event_api_codegen::Side::Consumer,
        })
        .unknown_events(match args.unknown_events {
            UnknownEvents::Keep => event_api_codegen::UnknownEvents::Keep,
            UnknownEvents::Refuse => event_api_codegen::UnknownEvents::Refuse,
        });
    if args.exact {
        generator = generator.exact();
    }
    for (name, ty) in &args.replace {
        generator = generator.replace(name, ty);
    }
    for (name, new) in &args.rename {
        generator = generator.rename(name, new);
    }
    for (name, path) in &args.derive {
        generator = generator.derive(name, path);
    }
    for (name, attribute) in &args.attr {
        generator = generator.attr(name, attribute);
    }
    for (format, ty) in &args.format_type {
        generator = generator.format(format, ty);
    }
    for name in &args.open_enum {
        generator = generator.open_enum(name);
    }
    for name in &args.keep_unknown {
        generator = generator.keep_unknown(name);
    }
    for host in &args.allow_host {
        generator = generator.allow_host(host);
    }
    for (url, folder) in &args.map_remote {
        generator = generator.map_remote(url, folder);
    }
    generator
}

/// The generator of a batch, which works in another folder than the one that the user is in.
fn batch_generator(args: &GenerateArgs) -> io::Result<Generator> {
    let absolute = |(url, folder): &(String, PathBuf)| Ok((url.clone(), std::path::absolute(folder)?));
    let map_remote = args.map_remote.iter().map(absolute).collect::<io::Result<_>>()?;
    Ok(generator(&GenerateArgs { map_remote, ..args.clone() }))
}

/// Errors and warnings. Remarks are for `validate`: here they would stand between people and their code.
fn report(diagnostics: &[Diagnostic], sources: &Sources, err: &mut impl Write) -> io::Result<()> {
    let shown = diagnostics.iter().filter(|diagnostic| diagnostic.severity > Severity::Info);
    render::diagnostics(shown, sources, Stream::Error, err)
}

/// Whether the file could not be read at all, as opposed to one that it refers to.
fn is_unreadable(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|found| found.rule.id == rules::UNREADABLE_FILE.id && found.labels.is_empty())
}

fn check(path: &Path, text: &str, err: &mut impl Write) -> io::Result<Outcome> {
    let why = match std::fs::read(path) {
        Ok(old) if old == text.as_bytes() => return Ok(Outcome::Passed),
        Ok(_) => "is stale",
        Err(error) if error.kind() == io::ErrorKind::NotFound => "does not exist",
        Err(error) => {
            writeln!(err, "error: `{}` cannot be read: {error}", path.display())?;
            return Ok(Outcome::CouldNotRun);
        }
    };
    writeln!(err, "error: `{}` {why}; to generate it, run:\n  {}", path.display(), same_without_check())?;
    Ok(Outcome::Failed)
}

/// What the user ran, but for `--check`.
fn same_without_check() -> String {
    let mut command = String::from("cargo event-api");
    let args = crate::args::without_cargo_name(std::env::args_os()).skip(1);
    for arg in args.filter(|arg| arg != "--check") {
        let arg = arg.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:".contains(c);
        // Writing to a string cannot fail.
        let _ = if !arg.is_empty() && arg.chars().all(plain) {
            write!(command, " {arg}")
        } else {
            write!(command, " '{}'", arg.replace('\'', r"'\''"))
        };
    }
    command
}

fn write(path: &Path, text: &str, err: &mut impl Write) -> io::Result<Outcome> {
    if std::fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(Outcome::Passed);
    }
    match std::fs::write(path, text) {
        Ok(()) => Ok(Outcome::Passed),
        Err(error) => {
            writeln!(err, "error: `{}` cannot be written: {error}", path.display())?;
            Ok(Outcome::CouldNotRun)
        }
    }
}

fn fault(error: &GenerateError, err: &mut impl Write) -> io::Result<Outcome> {
    writeln!(err, "error: {error}")?;
    Ok(Outcome::CouldNotRun)
}
