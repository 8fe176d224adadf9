//! Raw frames on disk and back: what was heard, exactly as it came, so that a parser can be tried on it again.
//!
//! ```text
//! DIR/kraken/2026-11-25T13.000.jsonl.zst     one line a frame: {"recv_ns","socket","raw"}
//!                                            and where some were lost: {"recv_ns","lost"}
//! ```
//!
//! `recv_ns` is unique and rises over all venues of a recording: the order in which they were heard. The lines are of
//! the form that [`crate::decode`] reads, too.

mod reader;
mod tape;
mod writer;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use reader::frames;
pub use tape::{Tape, VenueMinute};
pub use writer::Recorder;

/// What a recording's files end with.
const SUFFIX: &str = ".jsonl.zst";

/// A line of a recording, with the venue whose folder it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Name of the venue.
    pub venue: String,
    /// When it was heard; unique.
    pub recv_ns: i64,
    /// What was.
    pub heard: Heard,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A frame.
    Frame {
        /// The socket that it came on.
        socket: u64,
        /// Its text.
        raw: String,
    },
    /// So many frames came that couldn't be written.
    Lost(u64),
}

/// A line as it is written.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    recv_ns: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    socket: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<std::borrow::Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<u64>,
}

/// Why a recording can't be written or read.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The disk says no.
    #[error("can't {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Where.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line that no recorder wrote.
    #[error("{path}, line {line}: not a line of a recording: {why}")]
    Line {
        /// The file.
        path: std::path::PathBuf,
        /// The line's number.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// Nothing to replay.
    #[error("{0} holds no recording: expected folders of venues with files *{SUFFIX}")]
    Empty(std::path::PathBuf),
    /// A folder of something else.
    #[error("{path} is no folder of a venue")]
    Venue {
        /// The folder.
        path: std::path::PathBuf,
        /// What venues there are.
        source: crate::venue::VenueError,
    },
}

#[cfg(test)]
mod tests;
