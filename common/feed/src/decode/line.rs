//! The lines that decoding gives: one JSON object each, the same shape for every venue.

use std::borrow::Cow;

use serde::Serialize;

use crate::event::{Ack, Candle, Event, Ignored, Market, Side, Status, Trade};

const UNSPOKEN: &str = "protocol that is not spoken";

/// One normalised line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line<'a> {
    /// The venue.
    pub venue: &'a str,
    /// What it is.
    #[serde(flatten)]
    pub said: Said<'a>,
    /// The message's number in its file, from 1.
    pub line: u64,
}

/// What a line of output says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Said<'a> {
    /// A trade.
    Trade(TradeLine<'a>),
    /// A candle.
    Candle(CandleLine<'a>),
    /// Something about the connection.
    Status(StatusLine<'a>),
    /// Nothing that prices need.
    Ignored(IgnoredLine<'a>),
    /// Malformed, or refused by the venue.
    Error(ErrorLine<'a>),
}

/// A trade. Numbers are decimal text in the venue's own digits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TradeLine<'a> {
    symbol: Option<&'a str>,
    /// The channel's number where the file doesn't tell its symbol.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<u64>,
    time_ms: i64,
    price: Cow<'a, str>,
    size: Cow<'a, str>,
    id: String,
    taker: Option<&'static str>,
}

/// A candle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CandleLine<'a> {
    symbol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    /// Its start.
    time_ms: i64,
    step_ms: Option<i64>,
    open: Cow<'a, str>,
    high: Cow<'a, str>,
    low: Cow<'a, str>,
    close: Cow<'a, str>,
    volume: Cow<'a, str>,
    /// `null` where the message can't tell.
    closed: Option<bool>,
}

/// Something about the connection.
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
    /// The protocol, if it is one that isn't spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    trade: Option<TradeLine<'a>>,
}

/// A malformed message, or a refusal in the venue's words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorLine<'a> {
    error: &'a str,
    message: Cow<'a, str>,
}

/// What is said of each message of a venue whose protocol isn't spoken.
pub fn unspoken(venue: &str, line: u64) -> Line<'_> {
    let said = Said::Ignored(IgnoredLine {
        what: UNSPOKEN,
        protocol: Some(venue),
        trade: None,
    });
    Line { venue, said, line }
}

pub(super) fn say_event(event: &Event<'_>, say: &mut dyn FnMut(Said<'_>)) {
    match event {
        Event::Trade(trade) => say(Said::Trade(trade_line(trade))),
        Event::Candle(candle) => say(Said::Candle(candle_line(candle))),
        Event::Status(status) => say(Said::Status(status_line(status))),
        Event::Refused(why) => say(fault("refused", why)),
        Event::Ignored(Ignored::Protocol(protocol)) => say(Said::Ignored(IgnoredLine {
            what: UNSPOKEN,
            protocol: Some(protocol),
            trade: None,
        })),
        Event::Ignored(kind) => say(ignored(kind.name())),
        Event::Sequence(_) => {}
    }
}

pub(super) fn ignored(what: &str) -> Said<'_> {
    Said::Ignored(IgnoredLine {
        what,
        protocol: None,
        trade: None,
    })
}

pub(super) fn fault<'a>(error: &'a str, message: &'a str) -> Said<'a> {
    Said::Error(ErrorLine {
        error,
        message: message.into(),
    })
}

fn trade_line<'a>(trade: &'a Trade<'_>) -> TradeLine<'a> {
    let (symbol, channel) = named(Some(&trade.market));
    TradeLine {
        symbol,
        channel,
        time_ms: trade.time.0,
        price: trade.price.plain(),
        size: trade.size.plain(),
        id: trade.id.to_string(),
        taker: trade.taker.map(Side::name),
    }
}

pub(super) fn candle_line<'a>(candle: &'a Candle<'_>) -> CandleLine<'a> {
    let (symbol, _) = named(candle.market.as_ref());
    CandleLine {
        symbol,
        category: candle.category.as_deref(),
        time_ms: candle.open_time.0,
        step_ms: candle.step.map(|step| step.0),
        open: candle.open.plain(),
        high: candle.high.plain(),
        low: candle.low.plain(),
        close: candle.close.plain(),
        volume: candle.volume.plain(),
        closed: candle.closed,
    }
}

fn named<'a>(market: Option<&'a Market<'_>>) -> (Option<&'a str>, Option<u64>) {
    match market {
        Some(Market::Symbol(symbol)) => (Some(symbol), None),
        Some(Market::Channel(number)) => (None, Some(*number)),
        None => (None, None),
    }
}

fn status_line<'a>(status: &'a Status<'_>) -> StatusLine<'a> {
    let (word, topic, time) = match status {
        Status::Welcome => ("welcome", None, None),
        Status::Subscribed(ack) => ("subscribed", Some(ack), None),
        Status::Heartbeat { time } => ("heartbeat", None, *time),
        Status::Pong => ("pong", None, None),
        Status::Restart => ("restart", None, None),
        Status::Down => ("down", None, None),
        Status::Up => ("up", None, None),
    };
    let symbol = topic.and_then(|ack| match ack {
        Ack::Topic { symbol, .. } if !symbol.is_empty() => Some(symbol.as_ref()),
        _ => None,
    });
    StatusLine {
        status: word,
        topic: topic.map(ToString::to_string),
        symbol,
        time_ms: time.map(|time| time.0),
    }
}

/// The line of a trade that was heard before.
pub(super) fn duplicate<'a>(trade: &'a Trade<'_>) -> Said<'a> {
    Said::Ignored(IgnoredLine {
        what: "duplicate trade",
        protocol: None,
        trade: Some(trade_line(trade)),
    })
}
