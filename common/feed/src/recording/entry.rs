//! What a recording holds: entries in the order of arrival.

use super::settlement_attempt::SettlementAttempt;

/// A line of a recording, with the folder that it is in: a venue's, or [`SETTLEMENT_FOLDER`](super::SETTLEMENT_FOLDER).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingEntry {
    /// Name of the venue, or of the folder of attempts.
    pub venue: String,
    /// When it came, in nanoseconds since 1970 by our clock; unique in the recording, so a little later if need be.
    pub recv_ns: i64,
    /// The frame, answer, attempt or count of lost frames.
    pub content: RecordingContent,
}

/// What came, or what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingContent {
    /// A WebSocket message.
    Frame {
        /// Number of the socket that it came on, from 1 for each venue and run of the recorder.
        socket: u64,
        /// The message as it came.
        raw: String,
    },
    /// This many frames came here that couldn't be written in time.
    Lost(u64),
    /// An answer over REST, of any status.
    Response {
        /// Path and query of the request.
        path: String,
        /// HTTP status.
        status: u16,
        /// Body as it came.
        body: String,
    },
    /// An attempt to settle. Its answers are those since the attempt before it.
    Attempt(SettlementAttempt),
}
