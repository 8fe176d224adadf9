//! Why a recording can't be written or read.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::layout::FILE_SUFFIX;
use crate::venue::VenueError;

/// Why a recording can't be written or read.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// An operation on a file or folder failed.
    #[error("can't {doing} {path}")]
    Io {
        /// The operation, as a verb that fits before the path.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A line that isn't in the form that a recorder writes.
    #[error("{path}, line {line}: not a line of a recording: {why}")]
    Line {
        /// The file that holds it.
        path: PathBuf,
        /// The line's number in the file, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The folder holds no entry at all.
    #[error("{0} holds no recording: expected folders of venues with files *{FILE_SUFFIX}")]
    Empty(PathBuf),
    /// A folder in it isn't named after a venue.
    #[error("{path} is no folder of a venue")]
    Venue {
        /// The folder, by its path.
        path: PathBuf,
        /// The error that lists the venues.
        source: VenueError,
    },
}

/// The error of an operation that was `doing` something to `path`.
pub(super) fn io_error(
    doing: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> RecordingError {
    let path = path.to_owned();
    move |source| RecordingError::Io {
        doing,
        path,
        source,
    }
}
