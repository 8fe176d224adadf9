//! Numbers and names that no trade or candle can have.

use foretell_core::time::Millis;
use foretell_kernels::decimal::Decimal;

use super::json_fields::malformed;
use crate::event::{FrameError, MarketId, RawCandle, Trade, TradeId};

/// Longest symbol, trade id or category of any venue.
const MAX_NAME_BYTES: usize = 64;
/// Longest number, in characters.
const MAX_NUMBER_BYTES: usize = 64;
/// Prices, sizes and volumes are at most this, in whatever currency.
const LARGEST: f64 = 1e18;
/// And those that are above zero at least this.
const SMALLEST: f64 = 1e-18;
/// The longest spacing of candles of any venue.
const LONGEST_STEP: Millis = Millis::days(31);

/// The trade, if price and size are above zero and in range, and its names are no longer than names are.
#[inline]
pub(super) fn validate_trade(trade: Trade<'_>) -> Result<Trade<'_>, FrameError> {
    for (name, number) in [("price", trade.price), ("size", trade.size)] {
        check_positive("trade", name, number)?;
    }
    check_market("trade", &trade.market)?;
    if let TradeId::Text(id) = trade.id {
        check_name("trade", "id", id)?;
    }
    Ok(trade)
}

/// The candle, if its prices are above zero and its volume isn't below, all in range, and its names are no longer than
/// names are.
pub(super) fn validate_candle(candle: RawCandle<'_>) -> Result<RawCandle<'_>, FrameError> {
    let prices = [
        ("open", candle.open),
        ("high", candle.high),
        ("low", candle.low),
        ("close", candle.close),
    ];
    for (name, number) in prices {
        check_positive("candle", name, number)?;
    }
    let volume = candle.volume;
    if volume.split_sign().1 {
        return Err(malformed("candle", format!("volume {volume} is below 0")));
    }
    if volume.is_positive() {
        check_positive("candle", "volume", volume)?;
    } else if volume.as_str().len() > MAX_NUMBER_BYTES {
        return Err(malformed("candle", "volume is too long"));
    }
    if let Some(market) = &candle.market {
        check_market("candle", market)?;
    }
    if let Some(category) = &candle.category {
        check_name("candle", "category", category)?;
    }
    match candle.step {
        Some(step) if step <= Millis::literal(0) || step > LONGEST_STEP => {
            Err(malformed("candle", format!("length {step}")))
        }
        _ => Ok(candle),
    }
}

#[inline]
fn check_positive(what: &'static str, name: &str, number: Decimal<'_>) -> Result<(), FrameError> {
    if !number.is_positive() {
        let number = short(number);
        return Err(malformed(what, format!("{name} {number} is not above 0")));
    }
    if is_surely_in_range(number) || is_in_range(number) {
        return Ok(());
    }
    let number = short(number);
    let why = format!("{name} {number} is not within {SMALLEST:e} to {LARGEST:e}");
    Err(malformed(what, why))
}

/// Whether a number above zero is in range by its length alone, as nearly all are.
#[inline]
fn is_surely_in_range(number: Decimal<'_>) -> bool {
    let text = number.as_str();
    text.len() <= 16 && !text.bytes().any(|byte| matches!(byte, b'e' | b'E'))
}

#[inline(never)]
fn is_in_range(number: Decimal<'_>) -> bool {
    let fits = number.as_str().len() <= MAX_NUMBER_BYTES;
    fits && (SMALLEST..=LARGEST).contains(&number.to_f64())
}

/// The beginning of a number, as it was written.
fn short(number: Decimal<'_>) -> &str {
    let text = number.as_str();
    text.get(..MAX_NUMBER_BYTES).unwrap_or(text)
}

#[inline]
fn check_market(what: &'static str, market: &MarketId<'_>) -> Result<(), FrameError> {
    match market {
        MarketId::Symbol(symbol) => check_name(what, "symbol", symbol),
        MarketId::Channel(_) => Ok(()),
    }
}

#[inline]
fn check_name(what: &'static str, name: &str, text: &str) -> Result<(), FrameError> {
    if text.len() <= MAX_NAME_BYTES && !text.bytes().any(|byte| byte.is_ascii_control()) {
        return Ok(());
    }
    let bytes = text.len();
    Err(malformed(
        what,
        format!("{name} of {bytes} bytes: {text:?}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), FrameError> {
        check_positive("trade", "price", Decimal::new(text).unwrap())
    }

    #[test]
    fn numbers_have_a_range_and_a_length() {
        for text in [
            "1",
            "0.00000000000001",
            "9999999999999999",
            "1e18",
            "1E-18",
            "42397.23000000000000",
        ] {
            assert!(check(text).is_ok(), "{text}");
        }
        let long = format!("1{}", "0".repeat(400));
        let small = format!("0.{}1", "0".repeat(400));
        let precise = format!("1.{}", "0".repeat(400));
        for text in [
            "1e19", "1E-19", "1e40", "-1", "0", "0.0", "1e-40", &long, &small, &precise,
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_have_a_length_and_no_control_characters() {
        assert!(check_name("trade", "id", &"x".repeat(64)).is_ok());
        assert!(check_name("trade", "id", &"x".repeat(65)).is_err());
        assert!(check_name("trade", "symbol", "a\u{1b}[2J").is_err());
    }
}
