//! Numbers that no trade or candle can have.

use super::json_fields::malformed;
use crate::event::{FrameError, RawCandle, Trade};

/// The trade, if price and size are above zero.
#[inline]
pub(super) fn validate_trade(trade: Trade<'_>) -> Result<Trade<'_>, FrameError> {
    for (name, number) in [("price", trade.price), ("size", trade.size)] {
        if !number.is_positive() {
            return Err(malformed(
                "trade",
                format!("{name} {number} is not above 0"),
            ));
        }
    }
    Ok(trade)
}

/// The candle, if its prices are above zero and its volume isn't below.
pub(super) fn validate_candle(candle: RawCandle<'_>) -> Result<RawCandle<'_>, FrameError> {
    let prices = [
        ("open", candle.open),
        ("high", candle.high),
        ("low", candle.low),
        ("close", candle.close),
    ];
    for (name, number) in prices {
        if !number.is_positive() {
            return Err(malformed(
                "candle",
                format!("{name} {number} is not above 0"),
            ));
        }
    }
    if candle.volume.split_sign().1 {
        let volume = candle.volume;
        return Err(malformed("candle", format!("volume {volume} is below 0")));
    }
    Ok(candle)
}
