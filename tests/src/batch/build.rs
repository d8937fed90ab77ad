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

/// These programs are compiled more often than they run.
const PROFILE: &str = "\
[profile.dev]
opt-level = 0
debug = false
incremental = false
";

/// Where the packages of a batch are.
#[derive(Debug)]
pub(super) struct Workspace {
    name: String,
    directory: PathBuf,
    target: PathBuf,
}

/// What was compiled.
#[derive(Debug)]
pub(super) struct Built {
    /// The programs, with the modules of each in the order of their numbers in it.
    pub(super) programs: Vec<(PathBuf, Vec<usize>)>,
    /// The modules that do not compile, and the first error of each.
    pub(super) failed: BTreeMap<usize, String>,
}

/// The errors of packages that name no module.
type Unexplained = BTreeMap<usize, String>;

impl Workspace {
    pub(super) fn new(scratch: &Path, name: &str) -> Self {
        Workspace { name: name.to_owned(), directory: scratch.join(name), target: scratch.join("batches") }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Compiles the modules.
    pub(super) fn programs(&self, modules: &[String]) -> io::Result<Built> {
        let all: Vec<usize> = (0..modules.len()).collect();
        let mut parts = spread(&all);
        let mut failed = BTreeMap::new();
        while !parts.is_empty() {
            self.write(&parts, modules)?;
            let errors = cargo::run(&self.directory, &self.target, &["build", "--keep-going"])?;
            if errors.is_empty() {
                break;
            }
            let unexplained = self.blame(errors, &mut failed)?;
            parts = without_failures(parts, &unexplained, &mut failed);
        }
        let programs = parts.into_iter().enumerate().map(|(index, part)| (self.program(index), part)).collect();
        Ok(Built { programs, failed })
    }

    /// The name of a package, and of the program that it becomes: one that no other batch has.
    fn package(&self, index: usize) -> String {
        format!("{}-{index}", self.name)
    }

    fn package_index(&self, package: &str) -> Option<usize> {
        package.strip_prefix(&self.name)?.strip_prefix('-')?.parse().ok()
    }

    fn program(&self, index: usize) -> PathBuf {
        self.target.join("debug").join(format!("{}{}", self.package(index), std::env::consts::EXE_SUFFIX))
    }

    /// Finds the modules of errors.
    fn blame(&self, errors: cargo::Errors, failed: &mut BTreeMap<usize, String>) -> io::Result<Unexplained> {
        let mut unexplained = Unexplained::new();
        let mut explained = BTreeSet::new();
        for ((package, module), error) in errors {
            let Some(part) = self.package_index(&package) else {
                return Err(io::Error::other(format!("an error outside of the modules: {error}")));
            };
            match module.strip_prefix('m').and_then(|number| number.parse().ok()) {
                Some(module) => {
                    explained.insert(part);
                    failed.insert(module, error);
                }
                None => {
                    unexplained.insert(part, error);
                }
            }
        }
        // An error that follows from another goes with it.
        unexplained.retain(|part, _| !explained.contains(part));
        Ok(unexplained)
    }

    fn write(&self, parts: &[Vec<usize>], modules: &[String]) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let packages: Vec<String> = (0..parts.len()).map(|index| self.package(index)).collect();
        let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {packages:?}\n\n{PROFILE}");
        cargo::write(&self.directory.join("Cargo.toml"), &manifest)?;
        cargo::copy_lock(&self.directory)?;
        for (package, part) in packages.iter().zip(parts) {
            write_package(&self.directory.join(package), package, part, modules)?;
        }
        Ok(())
    }
}

/// As many packages as are needed, of about the same size.
fn spread(modules: &[usize]) -> Vec<Vec<usize>> {
    let packages = modules.len().div_ceil(MODULES_PER_PACKAGE).max(1);
    modules.chunks(modules.len().div_ceil(packages).max(1)).map(<[usize]>::to_vec).collect()
}

/// The packages for another attempt. One that fails without naming a module is halved; when it has only one module, that
/// is it.
fn without_failures(
    parts: Vec<Vec<usize>>,
    unexplained: &Unexplained,
    failed: &mut BTreeMap<usize, String>,
) -> Vec<Vec<usize>> {
    let mut next = Vec::new();
    for (index, mut part) in parts.into_iter().enumerate() {
        part.retain(|module| !failed.contains_key(module));
        match (unexplained.get(&index), part.as_slice()) {
            (_, []) => {}
            (None, _) => next.push(part),
            (Some(error), [single]) => {
                failed.insert(*single, error.clone());
            }
            (Some(_), several) => {
                let (left, right) = several.split_at(several.len() / 2);
                next.extend([left.to_vec(), right.to_vec()]);
            }
        }
    }
    next
}

fn write_package(folder: &Path, name: &str, part: &[usize], modules: &[String]) -> io::Result<()> {
    let source = folder.join("src");
    fs::create_dir_all(&source)?;
    cargo::write(&folder.join("Cargo.toml"), &cargo::package(name)?)?;
    cargo::write(&source.join("verdict.rs"), VERDICT)?;
    let mut declared = String::from("mod verdict;\n");
    let mut checks = String::new();
    for module in part {
        // In the module, so that an error about the type is one of the module.
        let check = "pub(crate) const CHECK: crate::verdict::Check = crate::verdict::check::<Root>;";
        cargo::write(&source.join(format!("m{module}.rs")), &format!("{}\n{check}\n", modules[*module]))?;
        declared.push_str(&format!("mod m{module};\n"));
        checks.push_str(&format!("        m{module}::CHECK,\n"));
    }
    let main = format!("{declared}\nfn main() {{\n    verdict::answer(&[\n{checks}    ]);\n}}\n");
    cargo::write(&source.join("main.rs"), &main)
}
