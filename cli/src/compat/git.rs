//! Versions of files in git: a ref and a path come in; the files of that commit go out, through the `git` program, and
//! without touching the work tree.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use event_api_spec::{Disk, Files, nearest};

/// A commit of the repository that a document is in.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    /// The top folder of the work tree, absolute and without symbolic links.
    top: PathBuf,
    /// The commit's hash.
    hash: String,
}

/// Where a document was in a commit.
pub(crate) enum Was {
    /// At the same path.
    Here,
    /// At another one, relative to the top of the work tree: git sees that it was renamed.
    At(PathBuf),
    /// Nowhere: it is new.
    Nowhere,
}

/// Why a commit cannot be read.
#[derive(Debug)]
pub(crate) struct GitError {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl GitError {
    fn new(message: impl Into<String>) -> Self {
        GitError { message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Commit {
    /// The commit that `reference` names in the repository of the file `document`; `None` for `HEAD` of a repository that
    /// has no commit yet.
    pub(crate) fn of(reference: &str, document: &Path) -> Result<Option<Self>, GitError> {
        let folder = document.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = folder
            .canonicalize()
            .map_err(|error| GitError::new(format!("the folder `{}` cannot be read: {error}", folder.display())))?;
        let top = text(&git(&folder, ["rev-parse", "--show-toplevel"])?).map_err(|said| {
            let error = GitError::new(format!("`{}` is in no work tree of git: {said}", document.display()));
            error.help("compare two files instead: `compat OLD NEW`")
        })?;
        let top = Path::new(&top).canonicalize().unwrap_or_else(|_| PathBuf::from(top));
        let wanted = format!("{reference}^{{commit}}");
        let found = git(&top, ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
        match text(&found) {
            Ok(hash) if !hash.is_empty() => Ok(Some(Commit { top, hash })),
            // A branch is checked out, and nothing has been committed to it.
            _ if reference == "HEAD" && text(&git(&top, ["symbolic-ref", "--quiet", "HEAD"])?).is_ok() => Ok(None),
            _ => Err(unknown(reference, &top)),
        }
    }

    /// Where the document at `path` was.
    pub(crate) fn find(&self, path: &Path) -> Result<Was, GitError> {
        let Some(inner) = self.inner(path) else {
            let top = self.top.display();
            return Err(GitError::new(format!("`{}` is not in the repository at `{top}`", path.display())));
        };
        if self.is_file(path) {
            return Ok(Was::Here);
        }
        // Renames between the commit and the work tree, as far as git knows the new file.
        let args = ["diff", "--no-ext-diff", "--name-status", "--find-renames", "--diff-filter=R", "-z", &self.hash];
        let renamed = git(&self.top, args)?;
        let mut fields = renamed.stdout.split(|byte| *byte == 0).map(path_of_bytes);
        while let (Some(_), Some(old), Some(new)) = (fields.next(), fields.next(), fields.next()) {
            if new == inner {
                return Ok(Was::At(old));
            }
        }
        Ok(Was::Nowhere)
    }

    /// What the commit has and the work tree has not, at this path or, as far as git sees it, at another; relative to the
    /// top.
    pub(crate) fn gone(&self) -> Result<Vec<PathBuf>, GitError> {
        let args = ["diff", "--no-ext-diff", "--name-only", "--find-renames", "--diff-filter=D", "-z", &self.hash];
        let listed = git(&self.top, args)?;
        let names = listed.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(path_of_bytes).collect())
    }

    /// The path of something in the work tree, seen from the current folder.
    pub(crate) fn outer(&self, inner: &Path) -> PathBuf {
        let absolute = self.top.join(inner);
        let here = std::env::current_dir().and_then(|here| here.canonicalize());
        match here.ok().and_then(|here| absolute.strip_prefix(here).ok().map(Path::to_owned)) {
            Some(path) => path,
            None => absolute,
        }
    }

    /// The path within the repository; `None` when it is outside of it.
    fn inner(&self, path: &Path) -> Option<PathBuf> {
        // The file may not be there any more, but some folder above it is; that one may be a symbolic link.
        let absolute = std::path::absolute(path).ok()?;
        let (mut here, mut rest) = (absolute.as_path(), PathBuf::new());
        loop {
            let parent = here.parent()?;
            rest = Path::new(here.file_name()?).join(&rest);
            if let Ok(real) = parent.canonicalize() {
                // Joining nothing would leave a slash at the end.
                let joined: PathBuf = real.join(rest).components().collect();
                return joined.strip_prefix(&self.top).ok().map(Path::to_owned);
            }
            here = parent;
        }
    }

    /// What git has at a path of the commit: symbolic links are followed, filters are not run.
    fn blob(&self, inner: &Path) -> Result<Vec<u8>, String> {
        let inner = inner.to_str().ok_or("has a name that is not UTF-8")?.replace(std::path::MAIN_SEPARATOR, "/");
        if inner.contains('\n') {
            return Err("has a name with a line break, which git cannot be asked for".to_owned());
        }
        let output = self.cat_file(&inner).map_err(|error| format!("cannot be read from git: {error}"))?;
        if !output.status.success() {
            return Err(format!("cannot be read from git: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        // `<hash> blob <size>\n<content>\n`
        let line = output.stdout.iter().position(|byte| *byte == b'\n').unwrap_or(output.stdout.len());
        let header = String::from_utf8_lossy(&output.stdout[..line]).into_owned();
        let mut words = header.rsplit(' ');
        match (words.next().and_then(|size| size.parse::<usize>().ok()), words.next()) {
            (Some(size), Some("blob")) => {
                let content = output.stdout.get(line + 1..line + 1 + size);
                content.map(<[u8]>::to_vec).ok_or_else(|| "cannot be read from git: the answer is too short".to_owned())
            }
            (Some(_), Some("tree")) => Err("is not a file".to_owned()),
            // A symbolic link out of the repository, to nothing, or to itself.
            (Some(_), Some("symlink" | "dangling" | "loop" | "notdir")) => {
                Err("is a symbolic link that leads nowhere in that commit".to_owned())
            }
            _ => Err("does not exist in that commit".to_owned()),
        }
    }

    fn cat_file(&self, inner: &str) -> io::Result<Output> {
        let mut child = command(&self.top)
            .args(["cat-file", "--batch", "--follow-symlinks"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            writeln!(stdin, "{}:{inner}", self.hash)?;
        }
        child.wait_with_output()
    }
}

impl Files for Commit {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        match self.inner(path) {
            Some(inner) => self.blob(&inner),
            // What is outside of the repository has no versions.
            None => Disk.read(path),
        }
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let Some(inner) = self.inner(&folder.join("any")).and_then(|path| path.parent().map(Path::to_owned)) else {
            return Disk.names(folder);
        };
        let tree = format!("{}:{}", self.hash, inner.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"));
        let listed = git(&self.top, ["ls-tree", "--name-only", "-z", &tree]);
        let names = listed.map(|output| output.stdout).unwrap_or_default();
        names.split(|byte| *byte == 0).filter_map(|name| String::from_utf8(name.to_vec()).ok()).collect()
    }
}

/// A ref that is not there, with what to do about it.
fn unknown(reference: &str, top: &Path) -> GitError {
    let error = GitError::new(format!("git knows no commit `{reference}` in `{}`", top.display()));
    let is_shallow = git(top, ["rev-parse", "--is-shallow-repository"]).ok().and_then(|said| text(&said).ok());
    if is_shallow.as_deref() == Some("true") {
        return error.help(
            "the clone is shallow, so that other commits are not there: check out with `fetch-depth: 0` (GitHub), set \
             `GIT_DEPTH: 0` (GitLab), or run `git fetch --unshallow`",
        );
    }
    if let Some((remote, branch)) = reference.split_once('/')
        && let Ok(remotes) = git(top, ["remote"])
        && String::from_utf8_lossy(&remotes.stdout).lines().any(|line| line == remote)
    {
        return error.help(format!("fetch it first: `git fetch {remote} {branch}`"));
    }
    let refs = git(top, ["for-each-ref", "--format=%(refname:short)"]).map(|output| output.stdout).unwrap_or_default();
    let refs = String::from_utf8_lossy(&refs).into_owned();
    match nearest(reference, refs.lines()) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help("name a branch, a tag or a commit, such as `origin/main`"),
    }
}

fn git<I: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = I>) -> Result<Output, GitError> {
    command(folder).args(args).stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => GitError::new("`git`, which has the old version, is not installed")
            .help("compare two files instead: `compat OLD NEW`"),
        _ => GitError::new(format!("`git`, which has the old version, cannot be run: {error}")),
    })
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0");
    // Hooks have these, relative to another folder. The repository is that of the document.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_PREFIX", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    command
}

/// What a command printed, or what it complained about.
fn text(output: &Output) -> Result<String, String> {
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
}

#[cfg(unix)]
fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from(String::from_utf8_lossy(bytes).into_owned()))
}
