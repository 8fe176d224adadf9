//! The file of the local ledger: one JSON object with its version, replaced as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use foretell_core::error_kind::ErrorKind;
use foretell_files::{FileAccess, write_file};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ledger::Ledger;

/// Version of the file's format. Version 1 had other keys.
const VERSION: u64 = 2;

/// What is wrong with the ledger's file; it is left as it was.
#[derive(Debug, Error)]
pub enum LedgerFileError {
    /// The system can't read or write it.
    #[error(
        "can't {action} the ledger file {path}: check that its folder exists and is writable, and that the disk isn't \
         full"
    )]
    Io {
        /// What failed: `read` or `write`.
        action: &'static str,
        /// The ledger's file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is no ledger, or a damaged one.
    #[error(
        "{path} holds no ledger: restore it from a copy, or move it away to start a new local network"
    )]
    Malformed {
        /// The ledger's file.
        path: PathBuf,
        /// The line and column where it stops being a ledger.
        source: serde_json::Error,
    },
    /// Its format is of another version.
    #[error(
        "{path} holds a ledger of version {found}, this program reads version {VERSION}: use the program that \
         wrote it, or move it away to start a new local network"
    )]
    Version {
        /// The ledger's file.
        path: PathBuf,
        /// The version that it states.
        found: u64,
    },
}

impl LedgerFileError {
    /// Whether it passes by itself: a disk that is full may have room again, a file that is no ledger stays none.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } => ErrorKind::Transient,
            Self::Malformed { .. } | Self::Version { .. } => ErrorKind::Permanent,
        }
    }
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct LedgerFile<L> {
    version: u64,
    ledger: L,
}

/// The part of [`LedgerFile`] that every version has.
#[derive(Deserialize)]
struct LedgerFileHeader {
    version: u64,
}

/// The ledger in the file `path`; `None` if there is no file.
pub fn read(path: &Path) -> Result<Option<Ledger>, LedgerFileError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(LedgerFileError::Io {
                action: "read",
                path: path.to_owned(),
                source,
            });
        }
    };
    parse(path, &bytes).map(Some)
}

/// The ledger in the bytes of a file, which errors call `path`.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Ledger, LedgerFileError> {
    let malformed = |source| LedgerFileError::Malformed {
        path: path.to_owned(),
        source,
    };
    let LedgerFileHeader { version } = serde_json::from_slice(bytes).map_err(malformed)?;
    if version != VERSION {
        return Err(LedgerFileError::Version {
            path: path.to_owned(),
            found: version,
        });
    }
    let stored: LedgerFile<Ledger> = serde_json::from_slice(bytes).map_err(malformed)?;
    Ok(stored.ledger)
}

/// Replaces the file's content by this ledger.
pub fn write(path: &Path, ledger: &Ledger) -> Result<(), LedgerFileError> {
    let stored = LedgerFile {
        version: VERSION,
        ledger,
    };
    serde_json::to_vec(&stored)
        .map_err(io::Error::from)
        .and_then(|bytes| write_file(path, &bytes, FileAccess::Private))
        .map_err(|source| LedgerFileError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::hotkey;
    use tempfile::TempDir;

    use super::*;
    use crate::metagraph::Hyperparameters;

    #[test]
    fn a_file_that_is_no_ledger_is_named_and_left_as_it_is() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger.json");
        assert!(matches!(read(&path), Ok(None)));
        let ledger = Ledger::genesis(Hyperparameters::default(), hotkey(1), hotkey(1).into());
        write(&path, &ledger).unwrap();
        assert_eq!(read(&path).unwrap(), Some(ledger));
        let whole = fs::read_to_string(&path).unwrap();
        assert!(whole.starts_with("{\"version\":2,"));

        let half = &whole[..whole.len() / 2];
        for content in ["", "[]", "{\"version\":2}", half] {
            fs::write(&path, content).unwrap();
            let error = read(&path).unwrap_err();
            assert!(
                matches!(error, LedgerFileError::Malformed { .. }),
                "{content:?}: {error}"
            );
            let message = error.to_string();
            assert!(message.contains("ledger.json") && message.contains("move it away"));
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        for (other, content) in [
            (1, "{\"version\":1,\"ledger\":{}}"),
            (3, "{\"version\":3,\"state\":{}}"),
        ] {
            fs::write(&path, content).unwrap();
            let error = read(&path).unwrap_err();
            assert!(
                matches!(error, LedgerFileError::Version { found, .. } if found == other),
                "{content}: {error}"
            );
        }
    }
}
