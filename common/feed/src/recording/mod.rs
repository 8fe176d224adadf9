//! Raw frames and answers on disk and back: what was heard, exactly as it came, so that parsers and settlement can be tried
//! on it again.
//!
//! ```text
//! DIR/kraken/2026-11-25T13.000.jsonl.zst     one line a frame: {"recv_ns","socket","raw"}
//!                                            where some were lost: {"recv_ns","lost"}
//!                                            and one an answer over REST: {"recv_ns","path","status","body"}
//! DIR/settlement/2026-11-25T13.000.jsonl.zst one line an attempt to settle minutes from the answers before it
//! ```
//!
//! `recv_ns` is unique and rises over all venues of a recording: the order in which they were heard. The lines are of
//! the form that [`crate::decode`] reads, too.

mod minute_replay;
mod reader;
mod settlement_replay;
mod writer;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use minute_replay::{MinuteReplay, VenueMinuteCandle};
pub use reader::read_recording;
pub use settlement_replay::{
    MarketName, SETTLEMENT_FOLDER, SettledMinuteRecord, SettlementAttempt, SettlementReplay,
    settle_attempt,
};
pub use writer::Recorder;

/// What a recording's files end with.
const FILE_SUFFIX: &str = ".jsonl.zst";

/// A line of a recording, with the folder that it is in: a venue's, or [`SETTLEMENT_FOLDER`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingEntry {
    /// Name of the folder.
    pub venue: String,
    /// When it was heard; unique.
    pub recv_ns: i64,
    /// What was.
    pub content: RecordingContent,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingContent {
    /// A frame.
    Frame {
        /// The socket that it came on.
        socket: u64,
        /// Its text.
        raw: String,
    },
    /// So many frames came that couldn't be written.
    Lost(u64),
    /// An answer over REST.
    Response {
        /// Path and query that were asked.
        path: String,
        /// Its HTTP status.
        status: u16,
        /// Its body.
        body: String,
    },
    /// The answers since the attempt before are all that this one had.
    Attempt(SettlementAttempt),
}

/// A line as it is written: which keys are there says what it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum RecordingLine<'a> {
    Frame {
        recv_ns: i64,
        socket: u64,
        raw: Cow<'a, str>,
    },
    Lost {
        recv_ns: i64,
        lost: u64,
    },
    Response {
        recv_ns: i64,
        path: Cow<'a, str>,
        status: u16,
        body: Cow<'a, str>,
    },
    Attempt {
        recv_ns: i64,
        attempt: Cow<'a, SettlementAttempt>,
    },
}

impl<'a> RecordingLine<'a> {
    fn of(recv_ns: i64, content: &'a RecordingContent) -> Self {
        match content {
            RecordingContent::Frame { socket, raw } => Self::Frame {
                recv_ns,
                socket: *socket,
                raw: raw.into(),
            },
            RecordingContent::Lost(count) => Self::Lost {
                recv_ns,
                lost: *count,
            },
            RecordingContent::Response { path, status, body } => Self::Response {
                recv_ns,
                path: path.into(),
                status: *status,
                body: body.into(),
            },
            RecordingContent::Attempt(attempt) => Self::Attempt {
                recv_ns,
                attempt: Cow::Borrowed(attempt),
            },
        }
    }

    fn into_entry(self, venue: &str) -> RecordingEntry {
        let (recv_ns, content) = match self {
            Self::Frame {
                recv_ns,
                socket,
                raw,
            } => {
                let raw = raw.into_owned();
                (recv_ns, RecordingContent::Frame { socket, raw })
            }
            Self::Lost { recv_ns, lost } => (recv_ns, RecordingContent::Lost(lost)),
            Self::Response {
                recv_ns,
                path,
                status,
                body,
            } => {
                let (path, body) = (path.into_owned(), body.into_owned());
                (recv_ns, RecordingContent::Response { path, status, body })
            }
            Self::Attempt { recv_ns, attempt } => {
                (recv_ns, RecordingContent::Attempt(attempt.into_owned()))
            }
        };
        RecordingEntry {
            venue: venue.to_owned(),
            recv_ns,
            content,
        }
    }
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
    #[error("{0} holds no recording: expected folders of venues with files *{FILE_SUFFIX}")]
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
