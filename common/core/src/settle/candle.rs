//! A venue's candles of one minute, and which of them count.

use crate::bar::Bar;
use crate::price::Price;
use crate::time::Millis;

/// Span of a venue's candle, and the span at whose end a price settles.
pub const MINUTE: Millis = Millis::minutes(1);

/// Why a venue's candle does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidCandle {
    /// It doesn't start on a whole minute.
    OffTheMinute,
    /// Nothing was traded.
    NoVolume,
    /// `low ≤ open, close ≤ high` doesn't hold, or a price isn't positive.
    Inconsistent,
}

/// The candle's close, if the candle is valid.
///
/// Whether it is *final* is not looked at: that shows by a later candle of the same venue.
pub fn valid_close(candle: &Bar) -> Result<Price, InvalidCandle> {
    let Bar {
        open_time,
        open,
        high,
        low,
        close,
        volume,
    } = candle;
    if open_time.past_step(MINUTE) != Millis::ZERO {
        return Err(InvalidCandle::OffTheMinute);
    }
    if volume.is_nan() || *volume <= 0.0 {
        return Err(InvalidCandle::NoVolume);
    }
    let inside = |price: &Price| low <= price && price <= high;
    if low.get() > 0.0 && inside(open) && inside(close) {
        Ok(*close)
    } else {
        Err(InvalidCandle::Inconsistent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::price;
    use crate::time::UnixMillis;

    fn candle(open: f64, high: f64, low: f64, close: f64, volume: f64) -> Bar {
        Bar {
            open_time: UnixMillis::literal(60_000),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume,
        }
    }

    #[test]
    fn a_valid_candle_gives_its_close() {
        let close = valid_close(&candle(2.0, 4.0, 1.0, 3.0, 0.5)).unwrap();
        assert_eq!(close.get(), 3.0);
        assert!(valid_close(&candle(2.0, 2.0, 2.0, 2.0, 0.5)).is_ok());
    }

    #[test]
    fn each_flaw_has_its_name() {
        let flaws = [
            (candle(2.0, 4.0, 1.0, 3.0, 0.0), InvalidCandle::NoVolume),
            (candle(2.0, 4.0, 1.0, 3.0, -1.0), InvalidCandle::NoVolume),
            (
                candle(2.0, 4.0, 1.0, 3.0, f64::NAN),
                InvalidCandle::NoVolume,
            ),
            (candle(5.0, 4.0, 1.0, 3.0, 1.0), InvalidCandle::Inconsistent),
            (candle(0.5, 4.0, 1.0, 3.0, 1.0), InvalidCandle::Inconsistent),
            (candle(2.0, 4.0, 1.0, 5.0, 1.0), InvalidCandle::Inconsistent),
            (candle(2.0, 4.0, 1.0, 0.5, 1.0), InvalidCandle::Inconsistent),
            (candle(2.0, 4.0, 0.0, 3.0, 1.0), InvalidCandle::Inconsistent),
            (
                candle(-2.0, -1.0, -3.0, -2.0, 1.0),
                InvalidCandle::Inconsistent,
            ),
        ];
        for (candle, flaw) in flaws {
            assert_eq!(valid_close(&candle), Err(flaw), "{candle:?}");
        }
        let late = Bar {
            open_time: UnixMillis::literal(60_001),
            ..candle(2.0, 4.0, 1.0, 3.0, 1.0)
        };
        assert_eq!(valid_close(&late), Err(InvalidCandle::OffTheMinute));
    }
}
