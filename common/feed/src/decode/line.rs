//! The lines that decoding gives: one JSON object each, of the same shape for every venue.

use std::borrow::Cow;

use foretell_core::time::{Millis, UnixMillis};
use serde::Serialize;

use crate::event::{
    Ack, IgnoredMessage, MarketId, RawCandle, Side, StatusMessage, Trade, VenueEvent,
};

const UNSUPPORTED: &str = "protocol that is not spoken";

/// One normalised line of output.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecodedLine<'a> {
    /// Name of the venue.
    pub venue: &'a str,
    /// Its content, under the key `kind`.
    #[serde(flatten)]
    pub content: DecodedContent<'a>,
    /// Number of the input line, from 1.
    pub line: u64,
}

/// The content of a line, by kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DecodedContent<'a> {
    /// A trade on the order book that wasn't received before.
    Trade(TradeLine<'a>),
    /// A candle, finished or forming.
    Candle(CandleLine<'a>),
    /// The state of the connection or of the venue.
    Status(StatusLine<'a>),
    /// A message that prices don't need.
    Ignored(IgnoredLine<'a>),
    /// Malformed, or refused by the venue.
    Error(ErrorLine<'a>),
}

/// A trade. Numbers are decimal text in the venue's own digits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TradeLine<'a> {
    symbol: Option<&'a str>,
    /// The channel's number where the file doesn't name its symbol.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<u64>,
    time_ms: i64,
    price: Cow<'a, str>,
    size: Cow<'a, str>,
    id: String,
    taker: Option<&'static str>,
}

/// A candle. Numbers are decimal text in the venue's own digits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CandleLine<'a> {
    symbol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    /// Open time.
    time_ms: i64,
    step_ms: Option<i64>,
    open: Cow<'a, str>,
    high: Cow<'a, str>,
    low: Cow<'a, str>,
    close: Cow<'a, str>,
    volume: Cow<'a, str>,
    /// Whether it is finished; `null` where the message doesn't say.
    closed: Option<bool>,
}

/// A message about the connection or the venue's state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusLine<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ms: Option<i64>,
}

/// A message that prices don't need.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IgnoredLine<'a> {
    /// Why: the kind of message, or `duplicate trade`.
    what: &'a str,
    /// The protocol, if it is one that isn't supported.
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    trade: Option<TradeLine<'a>>,
}

/// A malformed message, or the venue's text of a refusal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorLine<'a> {
    error: &'a str,
    message: Cow<'a, str>,
}

/// The line of any message of a venue whose protocol isn't supported.
pub fn unsupported_line(venue: &str, line: u64) -> DecodedLine<'_> {
    let content = DecodedContent::Ignored(IgnoredLine {
        what: UNSUPPORTED,
        protocol: Some(venue),
        trade: None,
    });
    DecodedLine {
        venue,
        content,
        line,
    }
}

pub(super) fn emit_event(event: &VenueEvent<'_>, emit: &mut dyn FnMut(DecodedContent<'_>)) {
    match event {
        VenueEvent::Trade(trade) => emit(DecodedContent::Trade(trade_line(trade))),
        VenueEvent::Candle(candle) => emit(DecodedContent::Candle(candle_line(candle))),
        VenueEvent::Status(status) => emit(DecodedContent::Status(status_line(status))),
        VenueEvent::Refused(why) => emit(error_content("refused", why)),
        VenueEvent::Ignored(IgnoredMessage::UnsupportedProtocol(protocol)) => {
            emit(DecodedContent::Ignored(IgnoredLine {
                what: UNSUPPORTED,
                protocol: Some(protocol),
                trade: None,
            }));
        }
        VenueEvent::Ignored(kind) => emit(ignored_content(kind.name())),
        VenueEvent::Sequence(_) => {}
    }
}

pub(super) fn ignored_content(what: &str) -> DecodedContent<'_> {
    DecodedContent::Ignored(IgnoredLine {
        what,
        protocol: None,
        trade: None,
    })
}

pub(super) fn error_content<'a>(error: &'a str, message: &'a str) -> DecodedContent<'a> {
    DecodedContent::Error(ErrorLine {
        error,
        message: message.into(),
    })
}

fn trade_line<'a>(trade: &'a Trade<'_>) -> TradeLine<'a> {
    let (symbol, channel) = symbol_and_channel(Some(&trade.market));
    TradeLine {
        symbol,
        channel,
        time_ms: trade.time.get(),
        price: trade.price.to_plain_string(),
        size: trade.size.to_plain_string(),
        id: trade.id.to_string(),
        taker: trade.taker.map(Side::name),
    }
}

pub(super) fn candle_line<'a>(candle: &'a RawCandle<'_>) -> CandleLine<'a> {
    let (symbol, _) = symbol_and_channel(candle.market.as_ref());
    CandleLine {
        symbol,
        category: candle.category.as_deref(),
        time_ms: candle.open_time.get(),
        step_ms: candle.step.map(Millis::get),
        open: candle.open.to_plain_string(),
        high: candle.high.to_plain_string(),
        low: candle.low.to_plain_string(),
        close: candle.close.to_plain_string(),
        volume: candle.volume.to_plain_string(),
        closed: candle.closed,
    }
}

fn symbol_and_channel<'a>(market: Option<&'a MarketId<'_>>) -> (Option<&'a str>, Option<u64>) {
    match market {
        Some(MarketId::Symbol(symbol)) => (Some(symbol), None),
        Some(MarketId::Channel(number)) => (None, Some(*number)),
        None => (None, None),
    }
}

fn status_line<'a>(status: &'a StatusMessage<'_>) -> StatusLine<'a> {
    let (name, topic, time) = match status {
        StatusMessage::Welcome => ("welcome", None, None),
        StatusMessage::Subscribed(ack) => ("subscribed", Some(ack), None),
        StatusMessage::Heartbeat { time } => ("heartbeat", None, *time),
        StatusMessage::Pong => ("pong", None, None),
        StatusMessage::Restart => ("restart", None, None),
        StatusMessage::Down => ("down", None, None),
        StatusMessage::Up => ("up", None, None),
    };
    let symbol = topic.and_then(|ack| match ack {
        Ack::Topic { symbol, .. } if !symbol.is_empty() => Some(symbol.as_ref()),
        _ => None,
    });
    StatusLine {
        status: name,
        topic: topic.map(ToString::to_string),
        symbol,
        time_ms: time.map(UnixMillis::get),
    }
}

/// The line of a trade that was received before.
pub(super) fn duplicate_content<'a>(trade: &'a Trade<'_>) -> DecodedContent<'a> {
    DecodedContent::Ignored(IgnoredLine {
        what: "duplicate trade",
        protocol: None,
        trade: Some(trade_line(trade)),
    })
}
