//! The data directory of a miner, which is its owner's alone, and whether the last try to write to it succeeded.

use std::error::Error;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;

/// Name of the file that a probe writes and removes.
const PROBE_FILE: &str = ".probe";
/// Bytes that a probe writes: about a payload's, so that a disk with room for a probe has room for one.
const PROBE_BYTES: usize = 256 << 10;

/// Why the last try to write to the data directory failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path} can't be written to: {why}; check serve.data")]
pub struct DataFolderError {
    /// Path of the directory.
    pub path: PathBuf,
    /// The errors of that try, as text.
    pub why: String,
}

/// The directory, and how the last try to write to it ended.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// `None` before the first try.
    last_try: Mutex<Option<Result<(), DataFolderError>>>,
}

impl DataFolder {
    /// The directory at `path`; one that isn't there is created for its owner alone (mode 700).
    ///
    /// # Errors
    /// It can't be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Self {
            path: path.to_owned(),
            last_try: Mutex::new(None),
        })
    }

    /// Whether something could be written now, by the last try; a directory that was never tried is thought to be fine.
    ///
    /// # Errors
    /// Why the last try failed.
    pub fn writable(&self) -> Result<(), DataFolderError> {
        self.last_try().clone().unwrap_or(Ok(()))
    }

    /// Whether nothing was tried yet, or the last try failed: then a [probe](Self::probe) is worth its bytes.
    pub fn needs_probe(&self) -> bool {
        !matches!(*self.last_try(), Some(Ok(())))
    }

    /// Notes how a try to write there ended, whoever made it.
    pub fn note(&self, failure: Option<&dyn Error>) {
        let outcome = failure.map_or(Ok(()), |error| {
            let mut why = error.to_string();
            let mut source = error.source();
            while let Some(error) = source {
                why += &format!(": {error}");
                source = error.source();
            }
            let path = self.path.clone();
            Err(DataFolderError { path, why })
        });
        *self.last_try() = Some(outcome);
    }

    /// Writes as many bytes as a payload has, removes them, and notes how that went. It waits for the disk.
    pub fn probe(&self) {
        let path = self.path.join(PROBE_FILE);
        let write = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&path)?;
            let written = file
                .write_all(&vec![0; PROBE_BYTES])
                .and_then(|()| file.sync_data());
            fs::remove_file(&path)?;
            written
        };
        let tried: io::Result<()> = write();
        self.note(tried.as_ref().err().map(|error| error as &dyn Error));
    }

    /// A panic elsewhere leaves it whole: it is only ever replaced.
    fn last_try(&self) -> MutexGuard<'_, Option<Result<(), DataFolderError>>> {
        self.last_try.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_directory_is_its_owners_alone() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        DataFolder::create(&path).unwrap();
        for path in [&path, &parent.path().join("a")] {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", path.display());
        }
        DataFolder::create(&path).unwrap();
    }

    #[test]
    fn it_knows_how_the_last_try_ended() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let folder = DataFolder::create(&path).unwrap();
        assert!(folder.needs_probe() && folder.writable().is_ok());
        folder.probe();
        assert!(!folder.needs_probe() && folder.writable().is_ok());
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);

        fs::remove_dir(&path).unwrap();
        folder.probe();
        let error = folder.writable().unwrap_err().to_string();
        assert!(error.ends_with("check serve.data"), "{error}");
        assert!(folder.needs_probe());
        folder.note(None);
        assert!(folder.writable().is_ok());
    }
}
