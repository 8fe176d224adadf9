//! Recorded messages in, one normalised line a trade, candle, status, ignored message or error out.
//!
//! A line of input is a frame or a REST answer, plain or wrapped as `{dir,t,raw}`, `{recv_ns,raw}` or
//! `{path,body}`. It goes through the very parser that live sockets go through.

mod line;

use std::borrow::Cow;

use foretell_core::time::UnixMillis;
use serde::Deserialize;
use serde_json::value::RawValue;

pub use self::line::{Line, Said, unspoken};
use self::line::{candle_line, duplicate, fault, ignored, say_event};
use crate::event::{Event, Ignored};
use crate::stream::{Counts, Heard, Numbering, Stream};
use crate::venue::{Venue, VenueError};

/// Decodes the messages of a file, one after the other.
#[derive(Debug)]
pub struct Decoder {
    stream: Stream,
    numbering: Numbering,
    line: u64,
}

/// A recorder's line around a message.
#[derive(Deserialize)]
struct Wrapper<'a> {
    #[serde(borrow)]
    dir: Option<Cow<'a, str>>,
    #[serde(borrow)]
    recv_ns: Option<&'a RawValue>,
    #[serde(borrow)]
    raw: Option<&'a RawValue>,
    #[serde(borrow)]
    path: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// What a line of input holds.
enum Content<'a> {
    /// A message, perhaps a REST answer.
    Message(Cow<'a, str>),
    /// A REST answer.
    Answer(Cow<'a, str>),
    /// Something that the venue didn't say.
    Ours(&'static str),
}

impl Decoder {
    /// A decoder of this venue's messages.
    pub fn new(venue: &'static dyn Venue) -> Self {
        Self {
            stream: Stream::new(venue),
            numbering: Numbering::default(),
            line: 0,
        }
    }

    /// What has been seen so far.
    pub const fn counts(&self) -> &Counts {
        self.stream.counts()
    }

    /// Hands each thing that the next line of the file says to `on`. Blank lines say nothing.
    pub fn line(&mut self, input: &[u8], on: &mut dyn FnMut(&Line<'_>)) {
        self.line += 1;
        let (venue, line) = (self.stream.venue().name(), self.line);
        let mut say = |said: Said<'_>| on(&Line { venue, said, line });
        let text = match str::from_utf8(input) {
            Ok(text) => text.trim(),
            Err(error) => return say(fault("not_json", &error.to_string())),
        };
        if text.is_empty() {
            return;
        }
        match unwrapped(text) {
            Content::Ours(what) => say(ignored(what)),
            Content::Message(text) => self.message(&text, false, &mut say),
            Content::Answer(text) => self.message(&text, true, &mut say),
        }
    }

    fn message(&mut self, text: &str, is_answer: bool, say: &mut dyn FnMut(Said<'_>)) {
        // Candles of REST answers look like no frame of the same venue.
        let latest = match latest_candle(self.stream.venue(), text) {
            Ok(latest) => latest,
            Err(error) => {
                match error {
                    VenueError::Malformed { why, .. } if is_answer || is_rows(text) => {
                        say(fault("malformed", &why));
                    }
                    VenueError::Refused { why, .. } if is_answer => say(fault("refused", &why)),
                    VenueError::Refused { why, .. } => self.frame(text, Some(&why), say),
                    _ => self.frame(text, None, say),
                }
                return;
            }
        };
        let Some(latest) = latest else {
            return say(ignored("answer without candles"));
        };
        let read = self.stream.venue().read_candles(text, &mut |mut candle| {
            if candle.open_time < latest {
                candle.closed.get_or_insert(true);
            }
            say(Said::Candle(candle_line(&candle)));
        });
        if let Err(error) = read {
            say(fault("malformed", &error.to_string()));
        }
    }

    /// Says what a frame says; `refusal` stands in for a frame that says nothing.
    fn frame(&mut self, text: &str, refusal: Option<&str>, say: &mut dyn FnMut(Said<'_>)) {
        let heard = self
            .stream
            .hear(&mut self.numbering, text, &mut |heard| match heard {
                Heard::Event(Event::Ignored(Ignored::Kind(_))) if refusal.is_some() => {
                    say(fault("refused", refusal.unwrap_or_default()));
                }
                Heard::Event(event) => say_event(&event, say),
                Heard::Duplicate(trade) => say(duplicate(&trade)),
                // Recordings leave frames out, so what is missing is counted and not said line by line.
                Heard::Missed(_) => {}
            });
        if let Err(error) = heard {
            say(fault(error.name(), &error.to_string()));
        }
    }
}

/// Whether a text begins as rows of rows do.
fn is_rows(text: &str) -> bool {
    let inner = text.strip_prefix('[').map(str::trim_start);
    inner.is_some_and(|inner| inner.starts_with('['))
}

/// Start of the latest candle in a REST answer.
fn latest_candle(venue: &dyn Venue, text: &str) -> Result<Option<UnixMillis>, VenueError> {
    let mut latest = None;
    venue.read_candles(text, &mut |candle| {
        latest = latest.max(Some(candle.open_time));
    })?;
    Ok(latest)
}

/// The message inside a line.
fn unwrapped(text: &str) -> Content<'_> {
    let Ok(wrapper) = serde_json::from_str::<Wrapper<'_>>(text) else {
        return Content::Message(text.into());
    };
    match wrapper {
        Wrapper {
            dir: Some(dir),
            raw,
            ..
        } => match (dir.as_ref(), raw) {
            ("in", Some(raw)) => Content::Message(inner(raw)),
            ("open", _) => Content::Ours("connection opened"),
            _ => Content::Ours("sent by the client"),
        },
        Wrapper {
            recv_ns: Some(_),
            raw: Some(raw),
            ..
        } => Content::Message(inner(raw)),
        Wrapper {
            path: Some(_),
            body: Some(body),
            ..
        } => Content::Answer(inner(body)),
        _ => Content::Message(text.into()),
    }
}

/// A message that stands as text, or as it is.
fn inner(raw: &RawValue) -> Cow<'_, str> {
    match serde_json::from_str::<String>(raw.get()) {
        Ok(text) => text.into(),
        Err(_) => raw.get().into(),
    }
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
