//! Why a recording can't be written or read.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::layout::FILE_SUFFIX;
use crate::venue::VenueError;

/// Why a recording can't be written or read.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The disk says no.
    #[error("can't {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line that no recorder wrote.
    #[error("{path}, line {line}: not a line of a recording: {why}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// Nothing to replay.
    #[error("{0} holds no recording: expected folders of venues with files *{FILE_SUFFIX}")]
    Empty(PathBuf),
    /// A folder of something else.
    #[error("{path} is no folder of a venue")]
    Venue {
        /// The folder.
        path: PathBuf,
        /// What venues there are.
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
