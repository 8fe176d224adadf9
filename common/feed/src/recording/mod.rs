//! Raw frames and REST answers on disk and back, exactly as they came, so that parsers and settlement can be run on them
//! again.
//!
//! ```text
//! DIR/kraken/2026-11-25T13.000.jsonl.zst     one line a frame: {"recv_ns","socket","raw"}
//!                                            where some were lost: {"recv_ns","lost"}
//!                                            and one an answer over REST: {"recv_ns","path","status","body"}
//! DIR/settlement/2026-11-25T13.000.jsonl.zst one line an attempt to settle minutes from the answers before it
//! ```
//!
//! `recv_ns` is unique and rises over all venues of a recording: the order of arrival. [`crate::decode`] reads these
//! lines, too.

mod entry;
mod error;
mod layout;
mod line;
mod minute_replay;
mod reader;
mod settlement_attempt;
mod settlement_replay;
mod writer;

pub use entry::{RecordingContent, RecordingEntry};
pub use error::RecordingError;
pub use layout::SETTLEMENT_FOLDER;
pub use minute_replay::{MinuteReplay, VenueMinuteCandle};
pub use reader::read_recording;
pub use settlement_attempt::{MarketName, SettledMinuteRecord, SettlementAttempt, settle_attempt};
pub use settlement_replay::SettlementReplay;
pub use writer::Recorder;

#[cfg(test)]
mod tests;
