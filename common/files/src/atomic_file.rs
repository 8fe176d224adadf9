//! The one way in which our programs write files that others read whole.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// How the names of unfinished files begin.
pub const UNFINISHED_PREFIX: &str = ".unfinished-";

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAccess {
    /// Everybody on this machine: mode 644, less what the process's umask takes.
    Public,
    /// Its owner alone: mode 600.
    Private,
}

impl FileAccess {
    const fn mode(self) -> u32 {
        match self {
            Self::Public => 0o644,
            Self::Private => 0o600,
        }
    }
}

/// Writes `path` whole, in place of what is there, and returns once that survives a power cut.
///
/// # Errors
/// What the system says of the folder or the disk; what was at `path` is then untouched, unless only the last step
/// failed, syncing the folder.
pub fn write_file(path: &Path, contents: &[u8], access: FileAccess) -> io::Result<()> {
    let mut file = AtomicFile::create(path, access)?;
    file.write_all(contents)?;
    file.commit()
}

/// As [`write_file`], but never in place of another file.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if there is something at `path`, also if it came a moment ago; or as [`write_file`].
pub fn create_file(path: &Path, contents: &[u8], access: FileAccess) -> io::Result<()> {
    let mut file = AtomicFile::create(path, access)?;
    file.write_all(contents)?;
    file.commit_new()
}

/// As [`write_file`], for what is written often: it isn't synced, so after a power cut it may be an older one, or empty.
///
/// # Errors
/// As [`write_file`].
pub fn replace_file(path: &Path, contents: &[u8], access: FileAccess) -> io::Result<()> {
    let mut file = AtomicFile::create(path, access)?;
    file.write_all(contents)?;
    file.unfinished.persist(path)?;
    Ok(())
}

/// Removes what killed processes left unfinished in a folder; only for one whose only writer is the caller.
///
/// # Errors
/// What the system says of the folder.
pub fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name
            .as_encoded_bytes()
            .starts_with(UNFINISHED_PREFIX.as_bytes())
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A file that takes its place only when it is complete; dropped before, it leaves nothing.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    unfinished: NamedTempFile,
}

impl AtomicFile {
    /// Begins a file that will be at `path`, in whose folder it is written.
    ///
    /// # Errors
    /// The folder doesn't exist or can't be written to.
    pub fn create(path: &Path, access: FileAccess) -> io::Result<Self> {
        let unfinished = Builder::new()
            .prefix(UNFINISHED_PREFIX)
            .permissions(Permissions::from_mode(access.mode()))
            .tempfile_in(folder_of(path))?;
        Ok(Self {
            path: path.to_owned(),
            unfinished,
        })
    }

    /// The open file, for writers that want one.
    pub fn as_file(&self) -> &File {
        self.unfinished.as_file()
    }

    /// Puts it in its place, and returns once that survives a power cut.
    ///
    /// # Errors
    /// As [`write_file`].
    pub fn commit(self) -> io::Result<()> {
        let Self { path, unfinished } = self;
        unfinished.as_file().sync_all()?;
        unfinished.persist(&path)?;
        sync_folder(&path)
    }

    /// As [`Self::commit`], but never in place of another file.
    ///
    /// # Errors
    /// As [`create_file`].
    pub fn commit_new(self) -> io::Result<()> {
        let Self { path, unfinished } = self;
        unfinished.as_file().sync_all()?;
        unfinished.persist_noclobber(&path)?;
        sync_folder(&path)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unfinished.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unfinished.flush()
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// A new name is durable only once its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        write_file(&path, b"one", FileAccess::Public).unwrap();
        write_file(&path, b"two", FileAccess::Public).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        replace_file(&path, b"three", FileAccess::Public).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(names(folder.path()), ["status.json"]);
    }

    #[test]
    fn only_its_owner_reads_a_private_file_whatever_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "shown").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        for write in [write_file, replace_file] {
            write(&path, b"secret", FileAccess::Private).unwrap();
            assert_eq!(mode(&path), 0o600);
            // At most what any process may be forbidden by its umask is missing.
            write(&path, b"shown", FileAccess::Public).unwrap();
            assert_eq!(mode(&path) | 0o044, 0o644);
        }
    }

    #[test]
    fn what_is_not_committed_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        write_file(&path, b"old", FileAccess::Public).unwrap();
        let mut file = AtomicFile::create(&path, FileAccess::Public).unwrap();
        file.write_all(b"ne").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        // As after a failed write.
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["report.html"]);
    }

    #[test]
    fn of_many_writers_at_once_one_creates_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let created: Vec<u8> = thread::scope(|scope| {
            let create = |content: u8| {
                let path = &path;
                scope.spawn(move || {
                    match create_file(path, &[content; 1000], FileAccess::Private) {
                        Ok(()) => Some(content),
                        Err(error) => {
                            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
                            None
                        }
                    }
                })
            };
            let writers: Vec<_> = (0..8).map(create).collect();
            writers
                .into_iter()
                .filter_map(|writer| writer.join().unwrap())
                .collect()
        });
        assert_eq!(created.len(), 1);
        assert_eq!(fs::read(&path).unwrap(), [created[0]; 1000]);
        assert_eq!(names(folder.path()), ["key"]);
    }

    #[test]
    fn what_a_killed_process_left_can_be_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head.json");
        let file = AtomicFile::create(&path, FileAccess::Public).unwrap();
        // As if killed: nothing is dropped.
        file.unfinished.keep().unwrap();
        fs::write(&path, "[]").unwrap();
        assert_eq!(names(folder.path()).len(), 2);
        remove_unfinished(folder.path()).unwrap();
        assert_eq!(names(folder.path()), ["head.json"]);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/report.html");
        let error = write_file(&path, b"", FileAccess::Public).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
