//! An entry as a line of JSON.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::entry::{RecordingContent, RecordingEntry};
use super::settlement_attempt::SettlementAttempt;

/// A line as it is written: told apart by its keys.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum RecordingLine<'a> {
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

impl RecordingEntry {
    /// The entry in a line of a file in the folder `venue`.
    ///
    /// # Errors
    /// The line is neither a frame, an answer, an attempt of a recorder nor a mark of lost frames; in words.
    pub fn from_line(venue: &str, line: &str) -> Result<Self, String> {
        let line: RecordingLine<'_> = serde_json::from_str(line)
            .map_err(|_| "neither a frame, an answer, an attempt nor a mark of lost ones")?;
        let entry = line.into_entry(venue);
        match &entry.content {
            RecordingContent::Attempt(attempt) => match attempt.fault() {
                Some(fault) => Err(format!("not an attempt of a recorder: {fault}")),
                None => Ok(entry),
            },
            _ => Ok(entry),
        }
    }

    /// The line, without an end, that [`from_line`](Self::from_line) reads as this entry.
    ///
    /// # Errors
    /// Serialising strings and whole numbers has no error to give.
    pub fn to_line(&self) -> serde_json::Result<String> {
        serde_json::to_string(&RecordingLine::from_content(self.recv_ns, &self.content))
    }
}

impl<'a> RecordingLine<'a> {
    pub(super) fn from_content(recv_ns: i64, content: &'a RecordingContent) -> Self {
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
