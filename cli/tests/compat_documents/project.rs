//! A folder with documents, in which the program runs, so that paths are the same everywhere.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_event-api");

/// A document whose one event has a `total` of this type, and what else a test says.
pub(crate) fn document(version: &str, total: &str) -> String {
    format!(
        "asyncapi: 3.0.0\n\
         info: {{ title: Orders, version: {version} }}\n\
         channels:\n  \
           orders:\n    \
             address: orders\n    \
             messages:\n      \
               Placed:\n        \
                 payload:\n          \
                   type: object\n          \
                   required: [total]\n          \
                   properties:\n            \
                     total: {{ type: {total} }}\n\
         operations:\n  \
           place: {{ action: send, channel: {{ $ref: '#/channels/orders' }} }}\n"
    )
}

/// A document with an error on its third line.
pub(crate) const BROKEN: &str =
    "asyncapi: 3.0.0\ninfo: { title: Orders, version: 1.0.0 }\nchannels: { orders: { $ref: '#/gone' } }\n";

pub(crate) struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Project { folder: tempfile::tempdir().unwrap() };
        files.iter().for_each(|(name, text)| project.write(name, text));
        project
    }

    /// The same in a git repository, with everything in one commit on `main`.
    pub(crate) fn in_git(files: &[(&str, &str)]) -> Self {
        let project = Project::new(files);
        project.git("init --quiet --initial-branch main");
        project.commit("the first");
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git("add --all");
        assert!(git(self.path()).args(["commit", "--quiet", "-m", message]).status().unwrap().success());
    }

    /// Runs git with arguments between spaces.
    pub(crate) fn git(&self, args: &str) -> String {
        let output = git(self.path()).args(args.split(' ')).output().unwrap();
        assert!(output.status.success(), "git {args}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn compat(&self, args: &[&str]) -> Run {
        self.compat_in("", args)
    }

    /// Runs in a folder of the project.
    pub(crate) fn compat_in(&self, folder: &str, args: &[&str]) -> Run {
        let folder: PathBuf = self.path().join(folder);
        run(Command::new(PROGRAM).arg("compat").args(args).current_dir(folder))
    }
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Checks the exit status.
    #[track_caller]
    pub(crate) fn with(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.out, self.err);
        self
    }
}

pub(crate) fn run(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.env_remove("NO_COLOR").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { status: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// Git as nobody has configured it.
pub(crate) fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    let who = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "protocol.file.allow=always"];
    command.args(who).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    command
}
