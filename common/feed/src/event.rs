//! What a venue's message says, in one form for all venues. Everything is borrowed from the frame.

use std::borrow::Cow;
use std::fmt;

use foretell_core::time::{Millis, UnixMillis};
use foretell_kernels::decimal::Decimal;
use thiserror::Error;

/// One thing that a message says. A frame may say several.
#[derive(Debug, Clone, PartialEq)]
pub enum VenueEvent<'a> {
    /// A trade on the order book.
    Trade(Trade<'a>),
    /// A candle, finished or forming.
    Candle(RawCandle<'a>),
    /// Something about the connection itself.
    Status(StatusMessage<'a>),
    /// The venue refused what was asked: an unknown symbol, a rejected subscription.
    Refused(Cow<'a, str>),
    /// Nothing that prices need.
    Ignored(IgnoredMessage<'a>),
    /// The frame's number on its connection: the next frame's is one more.
    Sequence(u64),
}

/// A trade on the order book.
#[derive(Debug, Clone, PartialEq)]
pub struct Trade<'a> {
    /// What was traded.
    pub market: MarketId<'a>,
    /// When, by the venue's clock.
    pub time: UnixMillis,
    /// Quote units per base unit; above zero.
    pub price: Decimal<'a>,
    /// Base units; above zero.
    pub size: Decimal<'a>,
    /// Identifies the trade within its market.
    pub id: TradeId<'a>,
    /// Who crossed the spread.
    pub taker: Option<Side>,
}

/// A candle, finished or forming.
#[derive(Debug, Clone, PartialEq)]
pub struct RawCandle<'a> {
    /// What was traded; `None` where a REST answer leaves it to the request.
    pub market: Option<MarketId<'a>>,
    /// Product line, where a venue names one other than spot in its answer.
    pub category: Option<Cow<'a, str>>,
    /// Start.
    pub open_time: UnixMillis,
    /// Length, where the message says it.
    pub step: Option<Millis>,
    /// First price.
    pub open: Decimal<'a>,
    /// Highest price.
    pub high: Decimal<'a>,
    /// Lowest price.
    pub low: Decimal<'a>,
    /// Last price.
    pub close: Decimal<'a>,
    /// Base units traded.
    pub volume: Decimal<'a>,
    /// Whether it is finished; `None` where the message can't tell.
    pub closed: Option<bool>,
}

/// What a trade or candle is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MarketId<'a> {
    /// The venue's symbol.
    Symbol(Cow<'a, str>),
    /// A channel number whose subscription wasn't seen.
    Channel(u64),
}

/// Identifies a trade within its market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TradeId<'a> {
    /// A number.
    Number(u64),
    /// Anything else.
    Text(&'a str),
}

/// Who crossed the spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The buyer.
    Buy,
    /// The seller.
    Sell,
}

/// Something about the connection itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusMessage<'a> {
    /// The venue's first words.
    Welcome,
    /// A subscription stands.
    Subscribed(Ack<'a>),
    /// The venue is alive.
    Heartbeat {
        /// When, by the venue's clock.
        time: Option<UnixMillis>,
    },
    /// The answer to our ping.
    Pong,
    /// The venue is going to hang up: connect anew.
    Restart,
    /// The venue isn't trading.
    Down,
    /// The venue is trading.
    Up,
}

/// What a subscription's acknowledgement names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ack<'a> {
    /// The number of our request.
    Request(u64),
    /// A channel of a symbol.
    Topic {
        /// Channel, in the venue's word.
        channel: Cow<'a, str>,
        /// Symbol; empty for channels that have none.
        symbol: Cow<'a, str>,
        /// The number by which frames will name it.
        number: Option<u64>,
    },
}

/// A message that prices don't need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IgnoredMessage<'a> {
    /// A kind of message on a protocol that we speak.
    Kind(Cow<'a, str>),
    /// A protocol that we don't speak.
    UnsupportedProtocol(&'static str),
    /// Trades away from the order book: blocks, auctions, transfers.
    OffBook(Cow<'a, str>),
}

/// Why a frame is not what its protocol says. It never ends a connection by itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Not JSON, nor a plain word of the protocol.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// A kind that we know, with something in it that can't be.
    #[error("malformed {what}: {why}")]
    Malformed {
        /// The kind of message.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl<'a> RawCandle<'a> {
    /// The candle of these five numbers (open, high, low, close, volume), of a market and spacing that aren't named.
    pub const fn from_ohlcv(
        open_time: UnixMillis,
        [open, high, low, close, volume]: [Decimal<'a>; 5],
        closed: Option<bool>,
    ) -> Self {
        Self {
            market: None,
            category: None,
            open_time,
            step: None,
            open,
            high,
            low,
            close,
            volume,
            closed,
        }
    }
}

impl FrameError {
    /// A short name for counters and machines.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "not_json",
            Self::Malformed { .. } => "malformed",
        }
    }
}

impl<'a> MarketId<'a> {
    /// The market of this symbol.
    pub fn symbol(symbol: impl Into<Cow<'a, str>>) -> Self {
        Self::Symbol(symbol.into())
    }
}

impl Side {
    /// The other side.
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// `buy` or `sell`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

impl fmt::Display for TradeId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Ack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(number) => write!(f, "request {number}"),
            Self::Topic {
                channel, symbol, ..
            } if symbol.is_empty() => f.write_str(channel),
            Self::Topic {
                channel, symbol, ..
            } => write!(f, "{channel} {symbol}"),
        }
    }
}

impl Ack<'_> {
    /// The same, borrowing nothing.
    pub fn into_owned(self) -> Ack<'static> {
        match self {
            Self::Request(number) => Ack::Request(number),
            Self::Topic {
                channel,
                symbol,
                number,
            } => Ack::Topic {
                channel: channel.into_owned().into(),
                symbol: symbol.into_owned().into(),
                number,
            },
        }
    }

    /// Whether this acknowledges what `expected` awaits; channel numbers are the venue's to choose.
    pub fn matches(&self, expected: &Ack<'_>) -> bool {
        match (self, expected) {
            (Self::Request(number), Ack::Request(expected)) => number == expected,
            (
                Self::Topic {
                    channel, symbol, ..
                },
                Ack::Topic {
                    channel: expected_channel,
                    symbol: expected_symbol,
                    ..
                },
            ) => channel == expected_channel && symbol == expected_symbol,
            _ => false,
        }
    }
}

impl IgnoredMessage<'_> {
    /// The kind, protocol or sort of trade.
    pub fn name(&self) -> &str {
        match self {
            Self::Kind(name) | Self::OffBook(name) => name,
            Self::UnsupportedProtocol(name) => name,
        }
    }
}
