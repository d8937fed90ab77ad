//! Where files come from: a path goes in, its bytes come out. The disk is one such place; another version of a repository
//! is one as well, so that all files of a document are of the same version.

use std::path::Path;

/// The largest file that is read. The largest real document known has a fiftieth of it.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Reads files; see [`Loader::files`](crate::Loader::files).
///
/// Paths are those of the document and of its references, joined to the folder of
/// [`Loader::relative_to`](crate::Loader::relative_to).
pub trait Files: Send + Sync {
    /// The content of the file at `path`, or why there is none, as the end of a sentence that begins with the path:
    /// `does not exist`.
    fn read(&self, path: &Path) -> Result<Vec<u8>, String>;

    /// Whether there is a file at `path`.
    fn is_file(&self, path: &Path) -> bool {
        self.read(path).is_ok()
    }

    /// The names in a folder, for suggestions when a file is not there. None by default.
    fn names(&self, _folder: &Path) -> Vec<String> {
        Vec::new()
    }
}

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "does not exist".to_owned(),
            _ => format!("cannot be read: {error}"),
        })?;
        if !metadata.is_file() {
            return Err("is not a file".to_owned());
        }
        if metadata.len() > MAX_FILE_BYTES {
            return Err(format!("is larger than {} MiB", MAX_FILE_BYTES >> 20));
        }
        std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        // `read_dir` of nothing fails, but `.` is meant.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }
}
