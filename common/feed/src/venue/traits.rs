//! What is implemented for every venue, without I/O: candles over REST, and trades over WebSocket beside them.

use std::fmt;

use foretell_core::settle::QuoteCurrency;
use foretell_core::time::{Millis, UnixMillis};

use super::error::VenueError;
use super::json_fields;
use super::limits::VenueLimits;
use super::pair::Pair;
use super::subscription::{ChannelMap, Subscription};
use crate::candle::{self, Candle};
use crate::event::{FrameError, RawCandle, VenueEvent};

/// Which candles to request: those of a symbol with open times in `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CandleQuery<'a> {
    /// The pair or series, as the venue's REST interface writes it.
    pub symbol: &'a str,
    /// Length of each candle.
    pub step: Millis,
    /// The first open time, on the grid of `step`.
    pub from: UnixMillis,
    /// All open times are before this.
    pub to: UnixMillis,
}

/// Which candles an answer may hold beside those that a [`CandleQuery`] asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerRange {
    /// None but a few around them.
    Asked,
    /// Later ones too, up to now: the request has no end.
    AskedOrLater,
    /// All that the venue has: the request has neither beginning nor end.
    Any,
}

/// A venue's REST interface for candles.
pub trait CandleSource: Send + Sync {
    /// The venue's name in configuration, records and messages.
    fn name(&self) -> &'static str;

    /// Scheme and host when none is configured, without a trailing slash; empty if one must be configured.
    fn default_host(&self) -> &'static str;

    /// The most candles that one answer can hold.
    fn page_size(&self) -> usize;

    /// Path and query string that request candles with open times in `[from, to)`. The answer may hold others too, and
    /// the forming one; of a range longer than a [page](Self::page_size), venues differ in what they give.
    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError>;

    /// As [`candles_path`](Self::candles_path), of the venue's archive; `None` where the usual path reaches all candles.
    fn archive_candles_path(&self, query: &CandleQuery<'_>) -> Option<Result<String, VenueError>> {
        let _: &CandleQuery<'_> = query;
        None
    }

    /// Which candles an answer may hold beside those asked for; others are refused.
    fn answer_range(&self) -> AnswerRange {
        AnswerRange::Asked
    }

    /// Whether a text has the form of an answer of candles, whatever is in its rows: what tells a message from it.
    fn has_candles(&self, body: &str) -> bool {
        json_fields::is_array_of_arrays(body)
    }

    /// Hands each candle of an answer to `on`, in the answer's order.
    fn read_candles(&self, body: &str, on: &mut dyn FnMut(RawCandle<'_>))
    -> Result<(), VenueError>;

    /// The longest spacing whose candles add up to whole UTC days.
    fn day_step(&self) -> Millis {
        Millis::days(1)
    }

    /// The candles in an answer to a [`CandleQuery`] of the spot market, oldest first, the forming one too.
    fn parse_candles(&self, body: &[u8]) -> Result<Vec<Candle>, VenueError> {
        let venue = self.name();
        let malformed = |why: String| VenueError::malformed(venue, why);
        let text = str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
        let mut candles = Vec::new();
        let mut fault = None;
        self.read_candles(text, &mut |raw| {
            if let Some(category) = &raw.category {
                fault.get_or_insert(format!("category {category} instead of spot"));
            }
            match candle::parse_bar(&raw) {
                Ok(bar) => candles.push(Candle {
                    bar,
                    closed: raw.closed,
                }),
                Err(why) => {
                    fault.get_or_insert(why);
                }
            }
        })?;
        match fault {
            None => Ok(candle::normalize_page(candles)),
            Some(why) => Err(malformed(why)),
        }
    }
}

/// An exchange: candles over REST, and live trades over WebSocket.
pub trait Venue: CandleSource {
    /// The currency of its prices if none is configured.
    fn default_quote(&self) -> QuoteCurrency;

    /// The pair as the WebSocket interface writes it.
    fn symbol(&self, pair: &Pair) -> String;

    /// The pair as the REST interface writes it.
    fn rest_symbol(&self, pair: &Pair) -> String {
        self.symbol(pair)
    }

    /// What the venue's WebSocket interface promises and demands.
    fn limits(&self) -> VenueLimits;

    /// The messages that subscribe to the trades of these symbols, with the acknowledgements that they bring.
    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription>;

    /// Hands every event of a frame to `on`. A pure function of the frame and of the channels that earlier
    /// frames of the connection named.
    fn read_frame(
        &self,
        frame: &str,
        channels: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError>;
}

impl fmt::Debug for dyn Venue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
