//! The events of venues' messages, in one form for all venues, borrowed from the frame.

use std::borrow::Cow;
use std::fmt;

use foretell_core::time::{Millis, UnixMillis};
use foretell_kernels::decimal::Decimal;
use thiserror::Error;

use crate::venue_text::quoted_cow;

/// One event of a frame or REST answer; a frame may have several.
#[derive(Debug, Clone, PartialEq)]
pub enum VenueEvent<'a> {
    /// A trade between two orders of the book; never a block, auction or transfer.
    Trade(Trade<'a>),
    /// A candle, which the venue may send again while it forms.
    Candle(RawCandle<'a>),
    /// The state of the connection or of the venue.
    Status(StatusMessage<'a>),
    /// The venue's text of a refusal, as far as it is fit to be shown: an unknown symbol, a rejected subscription.
    Refused(Cow<'a, str>),
    /// A message that prices don't need.
    Ignored(IgnoredMessage<'a>),
    /// The frame's number on its connection: the next frame's is one more.
    Sequence(u64),
}

/// A trade between two orders of the book.
#[derive(Debug, Clone, PartialEq)]
pub struct Trade<'a> {
    /// The market that it happened on.
    pub market: MarketId<'a>,
    /// Time of the trade by the venue's clock.
    pub time: UnixMillis,
    /// Quote units per base unit; above zero.
    pub price: Decimal<'a>,
    /// Base units traded; above zero.
    pub size: Decimal<'a>,
    /// The venue's id of the trade, unique within the market.
    pub id: TradeId<'a>,
    /// The side of the order that crossed the spread, where the venue says it.
    pub taker: Option<Side>,
}

/// A candle, finished or forming, in the venue's own digits.
#[derive(Debug, Clone, PartialEq)]
pub struct RawCandle<'a> {
    /// The market; `None` where a REST answer doesn't repeat it.
    pub market: Option<MarketId<'a>>,
    /// Product line, where a venue names one other than spot in its answer.
    pub category: Option<Cow<'a, str>>,
    /// Start of the candle.
    pub open_time: UnixMillis,
    /// Length, where the message has it.
    pub step: Option<Millis>,
    /// Price of the first trade.
    pub open: Decimal<'a>,
    /// Highest price.
    pub high: Decimal<'a>,
    /// Lowest price.
    pub low: Decimal<'a>,
    /// Price of the last trade.
    pub close: Decimal<'a>,
    /// Base units traded.
    pub volume: Decimal<'a>,
    /// Whether it is finished; `None` where the message doesn't say.
    pub closed: Option<bool>,
}

/// The market of a trade or candle.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MarketId<'a> {
    /// The symbol, as the venue writes it.
    Symbol(Cow<'a, str>),
    /// A channel whose subscription, and so its symbol, wasn't seen.
    Channel(u64),
}

/// A venue's id of a trade, unique within its market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TradeId<'a> {
    /// A whole number; most venues count them up.
    Number(u64),
    /// Digits beyond 64 bits, or letters.
    Text(&'a str),
}

/// A side of a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The buyer's side.
    Buy,
    /// The seller's side.
    Sell,
}

/// A message about the connection or the venue's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusMessage<'a> {
    /// The greeting on a new connection.
    Welcome,
    /// A subscription is acknowledged.
    Subscribed(Ack<'a>),
    /// The venue shows that the connection works.
    Heartbeat {
        /// When it was sent by the venue's clock, where the message has it.
        time: Option<UnixMillis>,
    },
    /// The answer to a ping in the venue's own protocol.
    Pong,
    /// The venue will close the connection soon; open another.
    Restart,
    /// The venue has stopped trading, for maintenance say.
    Down,
    /// The venue trades.
    Up,
}

/// What identifies an acknowledgement of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ack<'a> {
    /// The number that our request had.
    Request(u64),
    /// The subscribed channel and symbol.
    Topic {
        /// The venue's name of the channel.
        channel: Cow<'a, str>,
        /// Symbol; empty for channels that have none.
        symbol: Cow<'a, str>,
        /// The number that stands for the channel in later frames, where the venue gives one.
        number: Option<u64>,
    },
}

/// A message that prices don't need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IgnoredMessage<'a> {
    /// The kind of a message of a supported protocol.
    Kind(Cow<'a, str>),
    /// The name of a protocol that isn't supported.
    UnsupportedProtocol(&'static str),
    /// The kind of a trade away from the order book: block, auction, transfer.
    OffBook(Cow<'a, str>),
}

/// Why a frame is not what its protocol says. It never ends a connection by itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Neither JSON nor a bare word of the protocol.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// A known kind of message with an impossible or missing field.
    #[error("malformed {what}: {why}")]
    Malformed {
        /// The kind of message, for messages of ours.
        what: &'static str,
        /// Which field is wrong, and how.
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

impl<'a> VenueEvent<'a> {
    /// A refusal with this text of the venue, of which no more is kept than is fit to be shown.
    pub fn refused(why: impl Into<Cow<'a, str>>) -> Self {
        Self::Refused(quoted_cow(why))
    }
}

impl<'a> IgnoredMessage<'a> {
    /// A message of this kind, of whose name no more is kept than is fit to be shown.
    pub fn kind(name: impl Into<Cow<'a, str>>) -> Self {
        Self::Kind(quoted_cow(name))
    }
}

impl FrameError {
    /// `not_json` or `malformed`, for counters and decoded lines.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "not_json",
            Self::Malformed { .. } => "malformed",
        }
    }
}

impl<'a> MarketId<'a> {
    /// The market with this symbol.
    pub fn symbol(symbol: impl Into<Cow<'a, str>>) -> Self {
        Self::Symbol(symbol.into())
    }
}

impl Side {
    /// The counterparty's side.
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
    /// The same acknowledgement with text of its own.
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
