//! A frame that is an array: trades and candles of a numbered channel, snapshots and heartbeats.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::candle_row::read_candle;
use super::trade_frame::taker_side;
use crate::event::{
    FrameError, IgnoredMessage, MarketId, StatusMessage, Trade, TradeId, VenueEvent,
};
use crate::venue::json_fields::{
    Row, columns, malformed, parse_count, parse_integer, read_json, unix_millis,
};
use crate::venue::subscription::ChannelMap;
use crate::venue::validation::validate_trade;

/// `{"channel":"trades","symbol":"tBTCUSD"}` in the place of a channel number: some recordings have it, whose first
/// frames are missing.
#[derive(Deserialize)]
struct InlineChannel<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    symbol: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

/// What the first element of an array stands for: channel and market.
struct ArrayChannel<'a> {
    channel: Cow<'a, str>,
    market: MarketId<'a>,
}

pub(super) type Parts<'a> = SmallVec<[&'a RawValue; 5]>;

pub(super) fn read_array(
    parts: &Parts<'_>,
    channels: &ChannelMap,
    on: &mut dyn FnMut(VenueEvent<'_>),
) -> Result<(), FrameError> {
    let [number, second, rest @ ..] = parts.as_slice() else {
        return Err(malformed("array", "fewer than 2 elements"));
    };
    let word = second
        .get()
        .strip_prefix('"')
        .and_then(|word| word.strip_suffix('"'));
    let (payload, tail) = match word {
        None => (Some(second), rest),
        Some("hb") => (None, rest),
        Some(_) => match rest {
            [payload, tail @ ..] => (Some(payload), tail),
            [] => return Err(malformed("array", "a word and nothing else")),
        },
    };
    if let Some(number) = tail.first() {
        on(VenueEvent::Sequence(read_json(number.get(), "array")?));
    }
    let source = array_channel(number, channels)?;
    match (word, payload) {
        (_, None) => on(VenueEvent::Status(StatusMessage::Heartbeat { time: None })),
        (Some("te" | "tu"), Some(payload)) => {
            let row: Row<'_> = read_json(payload.get(), "trade")?;
            on(VenueEvent::Trade(read_trade(source.market, &row)?));
        }
        (Some(other), _) => on(VenueEvent::Ignored(IgnoredMessage::kind(other.to_owned()))),
        (None, Some(payload)) => match source.channel.as_ref() {
            "trades" => {
                for row in &rows(payload.get(), "trades")? {
                    on(VenueEvent::Trade(read_trade(source.market.clone(), row)?));
                }
            }
            "candles" => {
                for row in &rows(payload.get(), "candles")? {
                    on(VenueEvent::Candle(read_candle(&source.market, row)?));
                }
            }
            other => on(VenueEvent::Ignored(IgnoredMessage::kind(other.to_owned()))),
        },
    }
    Ok(())
}

/// The channel and market behind an array's first element.
fn array_channel<'a>(
    number: &'a RawValue,
    channels: &'a ChannelMap,
) -> Result<ArrayChannel<'a>, FrameError> {
    if number.get().starts_with('{') {
        let named: InlineChannel<'_> = read_json(number.get(), "channel")?;
        let market = named.symbol.or(named.key).unwrap_or_default();
        return Ok(ArrayChannel {
            channel: named.channel,
            market: MarketId::Symbol(market),
        });
    }
    let number = read_json(number.get(), "channel")?;
    Ok(match channels.get(number) {
        Some((channel, symbol)) => ArrayChannel {
            channel: channel.into(),
            market: MarketId::symbol(symbol),
        },
        None => ArrayChannel {
            channel: "unknown channel".into(),
            market: MarketId::Channel(number),
        },
    })
}

/// A snapshot's rows, or the one row of an update.
fn rows<'a>(payload: &'a str, what: &'static str) -> Result<SmallVec<[Row<'a>; 1]>, FrameError> {
    let inner = payload.trim_start().strip_prefix('[').map(str::trim_start);
    match inner {
        Some(inner) if inner.starts_with(['[', ']']) => read_json(payload, what),
        _ => Ok(std::iter::once(read_json(payload, what)?).collect()),
    }
}

/// `[669000001,1700000000119,-0.0015,37000.1]`: id, ms, size (negative if the taker sold), price.
fn read_trade<'a>(market: MarketId<'a>, row: &Row<'a>) -> Result<Trade<'a>, FrameError> {
    let [id, time, size, price] = columns(row, [0, 1, 2, 3], "trade")?;
    let id = parse_count(id.as_str(), "trade")?;
    let (size, sold) = size.split_sign();
    validate_trade(Trade {
        market,
        time: unix_millis(parse_integer(time.as_str(), "trade")?, "trade")?,
        price,
        size,
        id: TradeId::Number(id),
        taker: Some(taker_side(sold)),
    })
}
