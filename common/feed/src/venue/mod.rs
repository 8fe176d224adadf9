//! What is particular to a venue, without I/O: what it is told, what its messages and answers say.
//!
//! Adding a venue is one file here and one line in [`ALL`].

mod binance;
mod binance_us;
mod bitfinex;
mod bitstamp;
mod bybit;
mod coinbase_advanced;
mod coinbase_exchange;
mod gemini;
mod json_fields;
mod kraken;
mod okx;
mod replay;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use foretell_core::time::{Millis, UnixMillis};
use thiserror::Error;

pub use binance::Binance;
pub use binance_us::BinanceUs;
pub use bitfinex::Bitfinex;
pub use bitstamp::Bitstamp;
pub use bybit::Bybit;
pub use coinbase_advanced::CoinbaseAdvanced;
pub use coinbase_exchange::CoinbaseExchange;
pub use foretell_core::settle::QuoteCurrency;
pub use gemini::Gemini;
pub use kraken::Kraken;
pub use okx::Okx;
pub use replay::{CandlePage, ReplaySource};

use crate::candle::{self, Candle};
use crate::event::{self, Ack, FrameError, VenueEvent};

/// Every venue.
pub const ALL: [&dyn Venue; 10] = [
    &Binance,
    &BinanceUs,
    &Bitfinex,
    &Bitstamp,
    &Bybit,
    &CoinbaseAdvanced,
    &CoinbaseExchange,
    &Gemini,
    &Kraken,
    &Okx,
];

/// The REST half: candles.
pub trait CandleSource: Send + Sync {
    /// The venue's name, as configuration and messages say it.
    fn name(&self) -> &'static str;

    /// Scheme and host when none is configured, without a trailing slash; empty if one must be configured.
    fn default_host(&self) -> &'static str;

    /// Most candles in one answer.
    fn page_size(&self) -> usize;

    /// Path and query that ask for candles with open times in `[from, to)`. The answer may hold others too, and
    /// the forming one; of a range longer than a [page](Self::page_size), venues differ in what they give.
    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError>;

    /// As [`candles_path`](Self::candles_path), of the venue's archive; `None` where there is only one door.
    fn archive_candles_path(&self, query: &CandleQuery<'_>) -> Option<Result<String, VenueError>> {
        let _: &CandleQuery<'_> = query;
        None
    }

    /// Hands each candle of an answer to `on`, in the answer's order.
    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(event::RawCandle<'_>),
    ) -> Result<(), VenueError>;

    /// The longest spacing whose candles add up to whole UTC days.
    fn day_step(&self) -> Millis {
        Millis::days(1)
    }

    /// The candles in an answer to a [`CandleQuery`] of the spot market, oldest first, the forming one too.
    fn parse_candles(&self, body: &[u8]) -> Result<Vec<Candle>, VenueError> {
        let venue = self.name();
        let malformed = |why: String| VenueError::Malformed { venue, why };
        let text = str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
        let mut candles = Vec::new();
        let mut fault = None;
        self.read_candles(text, &mut |texts| {
            if let Some(category) = &texts.category {
                fault.get_or_insert(format!("category {category} instead of spot"));
            }
            match candle::parse_bar(&texts) {
                Ok(bar) => candles.push(Candle {
                    bar,
                    closed: texts.closed,
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

/// An exchange: live trades over WebSocket beside its candles.
pub trait Venue: CandleSource {
    /// What its prices are in, when nothing else is configured.
    fn default_quote(&self) -> QuoteCurrency;

    /// The pair as the WebSocket interface writes it.
    fn symbol(&self, pair: &Pair) -> String;

    /// The pair as the REST interface writes it.
    fn rest_symbol(&self, pair: &Pair) -> String {
        self.symbol(pair)
    }

    /// What the venue's WebSocket interface promises and demands.
    fn limits(&self) -> VenueLimits;

    /// What to say so that the trades of these symbols are sent, and what will acknowledge it.
    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription>;

    /// Hands everything that a frame says to `on`. A pure function of the frame and of the channels that earlier
    /// frames of the connection named.
    fn read_frame(
        &self,
        frame: &str,
        channels: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError>;
}

/// What a venue's WebSocket interface promises and demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VenueLimits {
    /// Address when none is configured.
    pub url: &'static str,
    /// What keeps the connection alive and proves that it is.
    pub ping: Ping,
    /// Without a single byte for so long, the connection is dead.
    pub byte_timeout: Millis,
    /// Without a heartbeat, a pong or anything else in words for so long, it is dead.
    pub message_timeout: Millis,
    /// The venue cuts every connection at this age.
    pub max_age: Option<Millis>,
    /// How many connections may be opened in how long.
    pub connect_limit: RateLimit,
    /// What shows that something was missed.
    pub gap_detection: GapDetection,
}

/// What a client sends to keep a connection alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ping {
    /// A message in the venue's protocol, so often.
    Message(Millis, &'static str),
    /// The WebSocket's own ping, so often.
    Frame(Millis),
}

/// A number of things in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many.
    pub count: usize,
    /// In how long.
    pub per: Millis,
}

/// What shows that something was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapDetection {
    /// Trade ids of a market are consecutive.
    TradeIds,
    /// Frames of a connection are numbered.
    FrameNumbers,
    /// Nothing does.
    Unavailable,
}

/// A request for topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The message.
    pub text: String,
    /// The acknowledgements that it brings, each of which must come.
    pub acks: Vec<Ack<'static>>,
}

/// Numbers by which the frames of a connection name its channels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelMap {
    named: BTreeMap<u64, (String, String)>,
}

/// What is traded for what, written `BTC/USD`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// What is bought and sold, in capitals.
    pub base: String,
    /// What it is paid with, in capitals.
    pub quote: String,
}

/// The text is no pair.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no pair: write BASE/QUOTE, such as BTC/USD")]
pub struct PairError(String);

/// Which candles are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CandleQuery<'a> {
    /// The pair or series, as the venue's REST interface writes it.
    pub symbol: &'a str,
    /// Spacing.
    pub step: Millis,
    /// First open time.
    pub from: UnixMillis,
    /// Open times are below this.
    pub to: UnixMillis,
}

/// Why a venue can't be asked or understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VenueError {
    /// It has no candles of this spacing.
    #[error("{venue} has no candles of {} s", step.0 / 1000)]
    Step {
        /// The venue.
        venue: &'static str,
        /// The spacing asked for.
        step: Millis,
    },
    /// The answer is not what its protocol says.
    #[error("{venue} answered something else than candles: {why}")]
    Malformed {
        /// The venue.
        venue: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The venue refused the request in its own words.
    #[error("{venue} refused: {why}")]
    Refused {
        /// The venue.
        venue: &'static str,
        /// Its words.
        why: String,
    },
    /// No such venue.
    #[error("no venue is called {0:?}; there are {names}", names = names())]
    Unknown(String),
}

/// The exchange of this name.
pub fn by_name(name: &str) -> Result<&'static dyn Venue, VenueError> {
    let venue = ALL.into_iter().find(|venue| venue.name() == name);
    venue.ok_or_else(|| VenueError::Unknown(name.to_owned()))
}

/// The exchange of this name, or the replay venue.
pub fn candle_source(name: &str) -> Result<&'static dyn CandleSource, VenueError> {
    if name == ReplaySource.name() {
        return Ok(&ReplaySource);
    }
    by_name(name).map(|venue| venue as &dyn CandleSource)
}

/// All names, in words.
fn names() -> String {
    let exchanges = ALL.map(CandleSource::name).join(", ");
    format!("{exchanges} and {}", ReplaySource.name())
}

impl ChannelMap {
    /// Remembers the number that an acknowledgement gave to a channel.
    pub fn register(&mut self, ack: &Ack<'_>) {
        if let Ack::Topic {
            channel,
            symbol,
            number: Some(number),
        } = ack
        {
            let named = (channel.clone().into_owned(), symbol.clone().into_owned());
            self.named.insert(*number, named);
        }
    }

    /// Channel and symbol behind a number.
    pub fn get(&self, number: u64) -> Option<(&str, &str)> {
        let (channel, symbol) = self.named.get(&number)?;
        Some((channel, symbol))
    }
}

impl Pair {
    /// The pair of these two, in capitals.
    pub fn new(base: &str, quote: &str) -> Self {
        Self {
            base: base.to_uppercase(),
            quote: quote.to_uppercase(),
        }
    }

    /// Base and quote with this between them.
    fn joined(&self, between: &str) -> String {
        format!("{}{between}{}", self.base, self.quote)
    }
}

impl FromStr for Pair {
    type Err = PairError;

    fn from_str(text: &str) -> Result<Self, PairError> {
        let currency = |text: &str| !text.is_empty() && text.chars().all(char::is_alphanumeric);
        match text.split_once('/') {
            Some((base, quote)) if currency(base) && currency(quote) => Ok(Self::new(base, quote)),
            _ => Err(PairError(text.to_owned())),
        }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined("/"))
    }
}

impl fmt::Debug for dyn Venue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
