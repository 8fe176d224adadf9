//! A frame with one trade, read in one pass.

use std::fmt;

use foretell_kernels::decimal::JsonDecimal;
use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::event::{FrameError, MarketId, Side, Trade, TradeId, VenueEvent};
use crate::venue::json_fields::unix_millis;
use crate::venue::subscription::ChannelMap;
use crate::venue::validation::validate_trade;

/// `[420191,"te",[669000001,1700000000119,-0.0015,37000.1],17,1700000000125]`: channel, word, trade, the frame's number
/// and time.
pub(super) struct TradeFrame<'a> {
    channel: u64,
    row: TradeRow<'a>,
    number: Option<u64>,
}

struct TradeRow<'a> {
    id: u64,
    time: i64,
    size: JsonDecimal<'a>,
    price: JsonDecimal<'a>,
}

/// Whether a frame is `[channel,"te",[…` or `[channel,"tu",[…`.
pub(super) fn is_trade(frame: &str) -> bool {
    let Some(array) = frame.strip_prefix('[') else {
        return false;
    };
    let rest = array.trim_start_matches(|digit: char| digit.is_ascii_digit());
    rest.len() < array.len() && (rest.starts_with(r#","te",["#) || rest.starts_with(r#","tu",["#))
}

pub(super) fn on_trade(
    frame: &TradeFrame<'_>,
    channels: &ChannelMap,
    on: &mut dyn FnMut(VenueEvent<'_>),
) -> Result<(), FrameError> {
    if let Some(number) = frame.number {
        on(VenueEvent::Sequence(number));
    }
    let market = match channels.get(frame.channel) {
        Some((_, symbol)) => MarketId::symbol(symbol),
        None => MarketId::Channel(frame.channel),
    };
    let TradeRow {
        id,
        time,
        size,
        price,
    } = &frame.row;
    let (size, sold) = size.decimal().split_sign();
    on(VenueEvent::Trade(validate_trade(Trade {
        market,
        time: unix_millis(*time, "trade")?,
        price: price.decimal(),
        size,
        id: TradeId::Number(*id),
        taker: Some(taker_side(sold)),
    })?));
    Ok(())
}

pub(super) const fn taker_side(sold: bool) -> Side {
    if sold { Side::Sell } else { Side::Buy }
}

impl<'de: 'a, 'a> Deserialize<'de> for TradeFrame<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Frame;

        impl<'de> Visitor<'de> for Frame {
            type Value = TradeFrame<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("channel, word, trade")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let channel = next_element(&mut parts, 0)?;
                let _word: &str = next_element(&mut parts, 1)?;
                let row = next_element(&mut parts, 2)?;
                let number = parts.next_element()?;
                while parts.next_element::<IgnoredAny>()?.is_some() {}
                Ok(TradeFrame {
                    channel,
                    row,
                    number,
                })
            }
        }

        deserializer.deserialize_seq(Frame)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for TradeRow<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Row;

        impl<'de> Visitor<'de> for Row {
            type Value = TradeRow<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("id, time, size, price")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let row = TradeRow {
                    id: next_element(&mut parts, 0)?,
                    time: next_element(&mut parts, 1)?,
                    size: next_element(&mut parts, 2)?,
                    price: next_element(&mut parts, 3)?,
                };
                while parts.next_element::<IgnoredAny>()?.is_some() {}
                Ok(row)
            }
        }

        deserializer.deserialize_seq(Row)
    }
}

/// The next element of an array, at this place; an error if the array ends before it.
fn next_element<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
    parts: &mut A,
    place: usize,
) -> Result<T, A::Error> {
    let element = parts.next_element()?;
    element.ok_or_else(|| {
        let needed = place + 1;
        A::Error::custom(format!("{place} columns instead of at least {needed}"))
    })
}
