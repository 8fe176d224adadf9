//! A candle as a row of numbers, over WebSocket and REST: `[time, open, close, high, low, volume]`.

use foretell_core::time::Millis;

use crate::event::{FrameError, MarketId, RawCandle};
use crate::venue::json_fields::{Row, columns, first_instant};
use crate::venue::step_names::step_from_name;
use crate::venue::validation::validate_candle;

/// The venue's names of the spacings of candles.
pub(super) const STEPS: [(Millis, &str); 6] = [
    (Millis::minutes(1), "1m"),
    (Millis::minutes(5), "5m"),
    (Millis::minutes(15), "15m"),
    (Millis::minutes(30), "30m"),
    (Millis::hours(1), "1h"),
    (Millis::days(1), "1D"),
];

/// A row of the channel `trade:1m:tBTCUSD`.
pub(super) fn read_candle<'a>(
    market: &MarketId<'a>,
    row: &Row<'a>,
) -> Result<RawCandle<'a>, FrameError> {
    let (market, step) = match market {
        MarketId::Symbol(key) => {
            let mut words = key.splitn(3, ':').skip(1);
            let step = words.next().and_then(|word| step_from_name(word, &STEPS));
            let symbol = words.next().map(|symbol| symbol.to_owned().into());
            (
                MarketId::Symbol(symbol.unwrap_or_else(|| key.clone())),
                step,
            )
        }
        MarketId::Channel(number) => (MarketId::Channel(*number), None),
    };
    Ok(RawCandle {
        market: Some(market),
        step,
        ..read_row(row)?
    })
}

pub(super) fn read_row<'a>(row: &Row<'a>) -> Result<RawCandle<'a>, FrameError> {
    let open_time = first_instant(row, "candle")?;
    let numbers = columns(row, [1, 3, 4, 2, 5], "candle")?;
    validate_candle(RawCandle::from_ohlcv(open_time, numbers, None))
}
