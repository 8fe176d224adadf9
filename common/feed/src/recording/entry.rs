//! What a recording holds: entries in the order in which they were received.

use super::settlement_attempt::SettlementAttempt;

/// A line of a recording, with the folder that it is in: a venue's, or [`SETTLEMENT_FOLDER`](super::SETTLEMENT_FOLDER).
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
