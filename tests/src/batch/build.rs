//! Modules become programs: texts come in, and paths of programs go out, with what did not compile.
//!
//! The modules are spread over several packages of one workspace, which cargo compiles at the same time. When some do not
//! compile they are taken out, and the rest is compiled again; an error that names no module is found by halving.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::cargo;

/// How many modules one package has: few enough for two to be compiled at a time without running out of memory.
const MODULES_PER_PACKAGE: usize = 150;

/// What every program has beside its modules.
const VERDICT: &str = include_str!("../../programs/verdict.rs");

const PROFILE: &str = "\
[profile.dev]
opt-level = 0
debug = false
incremental = false
";

/// What was compiled.
#[derive(Debug)]
pub(super) struct Built {
    /// The programs, with the modules of each in the order of their numbers in it.
    pub(super) programs: Vec<(PathBuf, Vec<usize>)>,
    /// The modules that do not compile, and the first error of each.
    pub(super) failed: BTreeMap<usize, String>,
}

/// Compiles the modules below `directory`.
pub(super) fn programs(directory: &Path, modules: &[String]) -> io::Result<Built> {
    let all: Vec<usize> = (0..modules.len()).collect();
    let mut parts: Vec<Vec<usize>> = spread(&all);
    let mut failed = BTreeMap::new();
    loop {
        write(directory, &parts, modules)?;
        let errors =
            if parts.is_empty() { cargo::Errors::new() } else { cargo::run(directory, &["build", "--keep-going"])? };
        if errors.is_empty() {
            let program = |index| directory.join(format!("target/debug/part{index}{}", std::env::consts::EXE_SUFFIX));
            let programs = parts.into_iter().enumerate().map(|(index, part)| (program(index), part)).collect();
            return Ok(Built { programs, failed });
        }
        let mut unexplained = BTreeSet::new();
        let mut explained = BTreeSet::new();
        for ((package, module), error) in errors {
            let part: usize = match package.strip_prefix("part").and_then(|number| number.parse().ok()) {
                Some(part) => part,
                None => return Err(io::Error::other(format!("an error outside of the modules: {error}"))),
            };
            match module.strip_prefix('m').and_then(|number| number.parse::<usize>().ok()) {
                Some(module) => {
                    explained.insert(part);
                    failed.insert(module, error);
                }
                None => {
                    unexplained.insert((part, error));
                }
            }
        }
        let mut next = Vec::new();
        for (index, mut part) in parts.into_iter().enumerate() {
            part.retain(|module| !failed.contains_key(module));
            let blame = unexplained.iter().find(|(part, _)| *part == index && !explained.contains(part));
            match (blame, part.as_slice()) {
                (_, []) => {}
                (None, _) => next.push(part),
                (Some((_, error)), [single]) => {
                    failed.insert(*single, error.clone());
                }
                (Some(_), several) => {
                    let (left, right) = several.split_at(several.len() / 2);
                    next.extend([left.to_vec(), right.to_vec()]);
                }
            }
        }
        parts = next;
    }
}

/// As many packages as are needed, of about the same size.
fn spread(modules: &[usize]) -> Vec<Vec<usize>> {
    let packages = modules.len().div_ceil(MODULES_PER_PACKAGE).max(1);
    modules.chunks(modules.len().div_ceil(packages).max(1)).map(<[usize]>::to_vec).collect()
}

fn write(directory: &Path, parts: &[Vec<usize>], modules: &[String]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let members: Vec<String> = (0..parts.len()).map(|index| format!("part{index}")).collect();
    let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n\n{PROFILE}");
    cargo::write(&directory.join("Cargo.toml"), &manifest)?;
    cargo::copy_lock(directory)?;
    for (name, part) in members.iter().zip(parts) {
        let folder = directory.join(name);
        let source = folder.join("src");
        fs::create_dir_all(&source)?;
        cargo::write(&folder.join("Cargo.toml"), &cargo::package(name)?)?;
        cargo::write(&source.join("verdict.rs"), VERDICT)?;
        let mut declared = String::from("mod verdict;\n");
        let mut checks = String::new();
        for module in part {
            // In the module, so that an error about the type is one of the module.
            let text = format!(
                "{}\npub(crate) const CHECK: crate::verdict::Check = crate::verdict::check::<Root>;\n",
                modules[*module]
            );
            cargo::write(&source.join(format!("m{module}.rs")), &text)?;
            declared.push_str(&format!("mod m{module};\n"));
            checks.push_str(&format!("        m{module}::CHECK,\n"));
        }
        let main = format!("{declared}\nfn main() {{\n    verdict::answer(&[\n{checks}    ]);\n}}\n");
        cargo::write(&source.join("main.rs"), &main)?;
    }
    Ok(())
}
