//! With what a document is compared: arguments and settings come in, old versions go out.

use std::path::{Path, PathBuf};

use event_api_codegen::compat::{Config, Released, read_released};
use event_api_spec::{Files, Loader};

use super::Fault;
use super::git::{Commit, GitError, Was};
use crate::args::CompatArgs;

/// Files that are gone of which it is looked whether they were documents; each is read by a process.
const MAX_GONE: usize = 20;

/// A document, and where its old versions are.
pub(crate) struct Plan {
    pub(crate) document: PathBuf,
    pub(crate) config: Option<Config>,
    /// One old version.
    old: Option<PathBuf>,
    /// A folder of them.
    history: Option<PathBuf>,
    /// A commit that has one, and its path there when that is said.
    against: Option<String>,
    /// What a reader of the report should know of the choice.
    notes: Vec<String>,
}

/// Old versions, oldest first.
#[derive(Default)]
pub(crate) struct Baselines {
    pub(crate) released: Vec<Released>,
    /// Where each of them is from.
    pub(crate) origins: Vec<Origin>,
    /// What a reader of the report should know of them.
    pub(crate) notes: Vec<String>,
}

/// Where a version is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file that is there.
    Disk,
    /// A commit: there may be another file at its path by now, or none.
    Git,
}

/// What the arguments ask for, one plan a document.
pub(crate) fn plans(args: &CompatArgs) -> Vec<Result<Plan, Fault>> {
    let is_pair = args.against.is_none() && args.history.is_none() && args.files.len() == 2;
    if let ([old, new], true) = (&args.files[..], is_pair) {
        let plan = config(args, new).map(|config| {
            let notes = config.as_ref().and_then(|config| set_aside(config, old, new)).into_iter().collect();
            let (document, old) = (new.clone(), Some(old.clone()));
            Plan { document, config, old, history: None, against: None, notes }
        });
        return vec![plan];
    }
    args.files.iter().map(|document| plan(args, document)).collect()
}

/// Two files are an old and a new version also where settings say what to compare documents with, which whoever names two
/// documents (by a pattern, say) has to know.
fn set_aside(config: &Config, old: &Path, new: &Path) -> Option<String> {
    let flag = match (&config.compat.against, &config.compat.history) {
        (Some(against), _) => format!("--against {against}"),
        (None, Some(_)) => "--history FOLDER".to_owned(),
        (None, None) => return None,
    };
    let (old, new) = (old.display(), new.display());
    Some(format!(
        "`{old}` counts as the old version of `{new}`, since two files are given, and what event-api.toml says to compare \
         with does not; `{flag}` compares each with earlier versions of itself"
    ))
}

fn plan(args: &CompatArgs, document: &Path) -> Result<Plan, Fault> {
    let config = config(args, document)?;
    let settings = config.as_ref();
    let history = args.history.clone().or_else(|| {
        let config = settings?;
        Some(config.folder().join(config.compat.history.as_deref()?))
    });
    let against = args.against.clone().or_else(|| settings?.compat.against.clone());
    if history.is_none() && against.is_none() {
        let message = format!("there is nothing to compare `{}` with", document.display());
        return Err(Fault::new(document, message).help(
            "name an old version (`compat OLD NEW`), a git ref (`--against origin/main`) or a folder of released versions \
             (`--history spec/released`), or set one in event-api.toml",
        ));
    }
    Ok(Plan { document: document.to_owned(), config, old: None, history, against, notes: Vec::new() })
}

fn config(args: &CompatArgs, document: &Path) -> Result<Option<Config>, Fault> {
    let config = match &args.config {
        Some(path) => Config::read(path).map(Some),
        None => Config::find(document),
    };
    config.map_err(|error| Fault::new(document, error.to_string()))
}

impl Plan {
    /// Reads the old versions.
    pub(crate) fn read(&self, loader: &Loader) -> Result<Baselines, Fault> {
        let mut baselines = Baselines { notes: self.notes.clone(), ..Baselines::default() };
        let fault = |error| Fault::released(&self.document, error);
        if let Some(old) = &self.old {
            if old.is_dir() {
                let message = format!("`{}`, the old version, is a folder", old.display());
                return Err(Fault::new(&self.document, message).help("compare with all versions in it: `--history`"));
            }
            baselines.add(read_released(old, Path::new(""), loader).map_err(fault)?, Origin::Disk);
        }
        if let Some(history) = &self.history {
            if !history.is_dir() {
                let message = format!("`{}`, where released versions should be, is no folder", history.display());
                return Err(Fault::new(&self.document, message).help("put each released version into it as a file"));
            }
            baselines.add(read_released(history, Path::new(""), loader).map_err(fault)?, Origin::Disk);
        }
        if let Some(against) = &self.against {
            let (reference, path) = match against.split_once(':') {
                Some((reference, path)) => (reference, Some(path)),
                None => (against.as_str(), None),
            };
            self.read_git(reference, path, loader, &mut baselines)?;
        }
        Ok(baselines)
    }

    fn read_git(
        &self,
        reference: &str,
        path: Option<&str>,
        loader: &Loader,
        baselines: &mut Baselines,
    ) -> Result<(), Fault> {
        let document = &self.document;
        let fault = |error| Fault::git(document, error);
        let shown = document.display();
        let Some(commit) = Commit::of(reference, document).map_err(fault)? else {
            let note = format!("nothing has been committed yet: `{shown}` is new, and can break nobody");
            baselines.notes.push(note);
            return Ok(());
        };
        let old = match path {
            // As git has it: from the top, or with `./` from here.
            Some(path) if path.starts_with("./") || path.starts_with("../") => PathBuf::from(path),
            Some(path) => commit.outer(Path::new(path)),
            None => match commit.find(document).map_err(fault)? {
                Was::Here => document.clone(),
                Was::At(old) => {
                    let old = commit.outer(&old);
                    let note =
                        format!("`{shown}` was `{}` in `{reference}`: git sees that it was renamed", old.display());
                    baselines.notes.push(note);
                    old
                }
                Was::Nowhere => {
                    let note = format!("`{shown}` is not in `{reference}`: as a new document, it can break nobody");
                    baselines.notes.push(note);
                    baselines.notes.extend(moved(&commit, reference, document).map_err(fault)?);
                    return Ok(());
                }
            },
        };
        let loaded = loader.clone().files(commit).load(&old);
        if loaded.has_errors() || loaded.document.is_none() {
            return Err(Fault::invalid(document, &format!("`{}` in `{reference}`", old.display()), loaded));
        }
        baselines.add(vec![Released::new(reference, loaded)], Origin::Git);
        Ok(())
    }
}

/// What to do when a new document is an old one that was moved, which git does not see while it does not know the new file.
fn moved(commit: &Commit, reference: &str, document: &Path) -> Result<Option<String>, GitError> {
    let mut gone = commit.gone()?;
    // One of the same name is the most likely.
    gone.sort_by_key(|path| path.file_name() != document.file_name());
    let is_document = |path: &&PathBuf| {
        let is_text = path.extension().is_some_and(|kind| ["yaml", "yml", "json"].iter().any(|other| kind == *other));
        let says = |text: Vec<u8>| {
            String::from_utf8_lossy(&text).lines().any(|line| {
                let line = line.trim_start().trim_start_matches(['{', ' ', '"', '\'']);
                line.starts_with("asyncapi")
            })
        };
        is_text && commit.read(&commit.outer(path)).is_ok_and(says)
    };
    let note = gone.iter().take(MAX_GONE).find(is_document).map(|old| {
        let (old, shown) = (old.display(), document.display());
        format!(
            "`{reference}` has `{old}`, which is not here any more: if it is `{shown}` now, compare with it by `--against \
             {reference}:{old}`, or tell git of the new file with `git add {shown}`"
        )
    });
    Ok(note)
}

impl Baselines {
    fn add(&mut self, released: Vec<Released>, origin: Origin) {
        self.origins.extend(released.iter().map(|_| origin));
        self.released.extend(released);
    }
}
