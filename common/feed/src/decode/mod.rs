//! Recorded messages in; one normalised line per trade, candle, status, ignored message or error out.
//!
//! A line of input is a frame or a REST answer, plain or wrapped as `{dir,t,raw}`, `{recv_ns,raw}` or
//! `{path,body}`. It goes through the very parser that live sockets go through.

mod input;
mod line;

use foretell_core::time::UnixMillis;

use self::input::{InputMessage, unwrap_line};
pub use self::line::{DecodedContent, DecodedLine, unsupported_line};
use self::line::{candle_line, duplicate_content, emit_event, error_content, ignored_content};
use crate::bounded_lines::MAX_LINE_BYTES;
use crate::event::{IgnoredMessage, VenueEvent};
use crate::stream::{FeedEvent, SocketNumbering, StreamStats, VenueStream};
use crate::venue::{Venue, VenueError};

/// Decodes the messages of a file, one after the other.
#[derive(Debug)]
pub struct Decoder {
    stream: VenueStream,
    numbering: SocketNumbering,
    line: u64,
}

impl Decoder {
    /// A decoder of this venue's messages.
    pub fn new(venue: &'static dyn Venue) -> Self {
        Self {
            stream: VenueStream::new(venue),
            numbering: SocketNumbering::default(),
            line: 0,
        }
    }

    /// Counts of the frames so far; REST answers don't count.
    pub const fn stats(&self) -> &StreamStats {
        self.stream.stats()
    }

    /// Hands each output line of the next input line to `on`. A blank input line has none.
    pub fn decode_line(&mut self, input: &[u8], on: &mut dyn FnMut(&DecodedLine<'_>)) {
        if input.len() > MAX_LINE_BYTES {
            return self.skip_line(on);
        }
        self.line += 1;
        let (venue, line) = (self.stream.venue().name(), self.line);
        let mut emit = |content: DecodedContent<'_>| {
            on(&DecodedLine {
                venue,
                content,
                line,
            });
        };
        let text = match str::from_utf8(input) {
            Ok(text) => text.trim(),
            Err(error) => return emit(error_content("not_json", &error.to_string())),
        };
        if text.is_empty() {
            return;
        }
        match unwrap_line(text) {
            InputMessage::NotFromVenue(what) => emit(ignored_content(what)),
            InputMessage::Message(text) => self.decode_message(&text, false, &mut emit),
            InputMessage::Response(text) => self.decode_message(&text, true, &mut emit),
        }
    }

    /// As [`decode_line`](Self::decode_line), of a line that is too long to be read.
    pub fn skip_line(&mut self, on: &mut dyn FnMut(&DecodedLine<'_>)) {
        self.line += 1;
        let why = format!("more than {MAX_LINE_BYTES} bytes in one message");
        on(&DecodedLine {
            venue: self.stream.venue().name(),
            content: error_content("malformed", &why),
            line: self.line,
        });
    }

    fn decode_message(
        &mut self,
        text: &str,
        is_response: bool,
        emit: &mut dyn FnMut(DecodedContent<'_>),
    ) {
        // No frame of a venue looks like its REST answer of candles.
        let latest = match latest_candle(self.stream.venue(), text) {
            Ok(latest) => latest,
            Err(error) => {
                match error {
                    VenueError::Malformed { why, .. }
                        if is_response || self.stream.venue().has_candles(text) =>
                    {
                        emit(error_content("malformed", &why));
                    }
                    VenueError::Refused { why, .. } if is_response => {
                        emit(error_content("refused", &why));
                    }
                    VenueError::Refused { why, .. } => self.decode_frame(text, Some(&why), emit),
                    _ => self.decode_frame(text, None, emit),
                }
                return;
            }
        };
        let Some(latest) = latest else {
            return emit(ignored_content("answer without candles"));
        };
        let read = self.stream.venue().read_candles(text, &mut |mut candle| {
            if candle.open_time < latest {
                candle.closed.get_or_insert(true);
            }
            emit(DecodedContent::Candle(candle_line(&candle)));
        });
        if let Err(error) = read {
            emit(error_content("malformed", &error.to_string()));
        }
    }

    /// Emits the events of a frame; one that would be ignored is a refusal where `refusal` has the reason.
    fn decode_frame(
        &mut self,
        text: &str,
        refusal: Option<&str>,
        emit: &mut dyn FnMut(DecodedContent<'_>),
    ) {
        let result =
            self.stream
                .process_frame(&mut self.numbering, text, &mut |event| match event {
                    FeedEvent::Venue(VenueEvent::Ignored(IgnoredMessage::Kind(_)))
                        if refusal.is_some() =>
                    {
                        emit(error_content("refused", refusal.unwrap_or_default()));
                    }
                    FeedEvent::Venue(event) => emit_event(&event, emit),
                    FeedEvent::Duplicate(trade) => emit(duplicate_content(&trade)),
                    // Recordings leave frames out on purpose, so missing ones are counted without a line.
                    FeedEvent::Missed(_) => {}
                });
        if let Err(error) = result {
            emit(error_content(error.name(), &error.to_string()));
        }
    }
}

/// Start of the latest candle in a REST answer.
fn latest_candle(venue: &dyn Venue, text: &str) -> Result<Option<UnixMillis>, VenueError> {
    let mut latest = None;
    venue.read_candles(text, &mut |candle| {
        latest = latest.max(Some(candle.open_time));
    })?;
    Ok(latest)
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
