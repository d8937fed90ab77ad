//! Compiled programs are asked: questions go to the standard input of each, and answers come back line by line.
//!
//! A program that ends or hangs on a question is started again for the questions behind it.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use super::build::Built;
use super::{Answer, Module, SchemaNumber};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Compiled types that say what they make of JSON texts.
#[derive(Debug)]
pub struct Verdicts {
    programs: Vec<PathBuf>,
    /// The program of a module, and its number in there.
    places: HashMap<Module, (usize, usize)>,
    types: Vec<Result<Module, String>>,
}

impl Verdicts {
    pub(super) fn new(built: Built, mut types: Vec<Result<Module, String>>) -> Self {
        for of_schema in &mut types {
            if let Some(error) = of_schema.as_ref().ok().and_then(|module| built.failed.get(module)) {
                *of_schema = Err(format!("does not compile: {error}"));
            }
        }
        let mut places = HashMap::new();
        let mut programs = Vec::new();
        for (program, modules) in built.programs {
            let here = modules.into_iter().enumerate();
            places.extend(here.map(|(number, module)| (module, (programs.len(), number))));
            programs.push(program);
        }
        Verdicts { programs, places, types }
    }

    /// Why there is no type of a schema; `None` when there is one.
    pub fn failure(&self, schema: SchemaNumber) -> Option<&str> {
        self.types[schema.0].as_ref().err().map(String::as_str)
    }

    /// What each type makes of each text, in the order of the questions.
    ///
    /// # Errors
    /// When a program cannot be run.
    pub fn ask(&self, questions: &[(SchemaNumber, &str)]) -> io::Result<Vec<Answer>> {
        let mut answers = Vec::with_capacity(questions.len());
        let mut of_program = vec![Vec::new(); self.programs.len()];
        for (index, (schema, text)) in questions.iter().enumerate() {
            answers.push(match &self.types[schema.0] {
                Err(error) => Answer::NoType(error.clone()),
                Ok(module) => match self.places.get(module) {
                    Some((program, number)) => {
                        // A line break is white space in JSON; in a string it cannot stand.
                        let line = format!("{number}\t{}\n", text.replace(['\n', '\r'], " "));
                        of_program[*program].push((index, line));
                        Answer::Crashed(String::new())
                    }
                    None => Answer::NoType("was not compiled".to_owned()),
                },
            });
        }
        for (program, questions) in self.programs.iter().zip(of_program) {
            let mut rest = questions.as_slice();
            while !rest.is_empty() {
                let lines: String = rest.iter().map(|(_, line)| line.as_str()).collect();
                let given = answer_lines(program, lines)?;
                let complete = given.len() == rest.len();
                for ((index, _), line) in rest.iter().zip(&given) {
                    answers[*index] = parse(line);
                }
                rest = &rest[given.len()..];
                if !complete && let Some(((index, _), behind)) = rest.split_first() {
                    answers[*index] = Answer::Crashed("the program ended or gave no answer in time".to_owned());
                    rest = behind;
                }
            }
        }
        Ok(answers)
    }
}

fn parse(line: &str) -> Answer {
    let (word, text) = line.split_once('\t').unwrap_or((line, ""));
    let text = text.to_owned();
    match word {
        "accepted" => Answer::Accepted(text),
        "refused" => Answer::Refused(text),
        "differs" => Answer::Differs(text),
        "unwritable" | "unreadable" => Answer::Lost(text),
        _ => Answer::Crashed(text),
    }
}

/// The lines that the program says until it ends, or hangs.
fn answer_lines(program: &Path, input: String) -> io::Result<Vec<String>> {
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let expected = input.lines().count();
    let (sender, receiver) = mpsc::channel();
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    // When the program ends early, what is left cannot be written; the answers tell.
    let writing = thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
    let reading = thread::spawn(move || {
        let lines = stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines());
        for line in lines.map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let lines = receive(&receiver, expected);
    end(&mut child)?;
    // Both end with the program.
    _ = writing.join();
    _ = reading.join();
    Ok(lines)
}

fn receive(receiver: &Receiver<String>, expected: usize) -> Vec<String> {
    let mut lines = Vec::with_capacity(expected);
    while lines.len() < expected {
        match receiver.recv_timeout(PATIENCE) {
            Ok(line) => lines.push(line),
            Err(_) => break,
        }
    }
    lines
}

fn end(child: &mut Child) -> io::Result<()> {
    if child.try_wait()?.is_none() {
        _ = child.kill();
    }
    child.wait().map(drop)
}
