//! Candles as REST answers give them: a whole page, oldest first, each finished, forming, or unknown to be either.

use foretell_core::bar::Bar;
use foretell_core::price::Price;

use crate::event;

/// A candle of a REST answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candle {
    /// Open time, prices in the venue's quote currency, and volume in base units.
    pub bar: Bar,
    /// Whether it is finished: because the venue marks it so, or because the same answer holds a later one.
    /// `None` where neither is the case.
    pub closed: Option<bool>,
}

/// The candles of an answer, oldest first; of candles with the same start, the last one given counts.
pub fn normalize_page(mut candles: Vec<Candle>) -> Vec<Candle> {
    candles.sort_by_key(|candle| candle.bar.open_time);
    candles.dedup_by(|later, kept| {
        let same = later.bar.open_time == kept.bar.open_time;
        if same {
            *kept = *later;
        }
        same
    });
    if let [earlier @ .., _newest] = candles.as_mut_slice() {
        for candle in earlier {
            candle.closed.get_or_insert(true);
        }
    }
    candles
}

/// The bar with these numbers as `f64`; the error says which price or volume is out of range.
pub fn parse_bar(candle: &event::RawCandle<'_>) -> Result<Bar, String> {
    let open_time = candle.open_time;
    let price = |text: foretell_kernels::decimal::Decimal<'_>| {
        Price::new(text.to_f64()).map_err(|error| format!("candle {open_time}: {error}"))
    };
    Ok(Bar {
        open_time,
        open: price(candle.open)?,
        high: price(candle.high)?,
        low: price(candle.low)?,
        close: price(candle.close)?,
        volume: price(candle.volume)?.get(),
    })
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::price;
    use foretell_core::time::UnixMillis;

    use super::*;

    fn candle(at: i64, value: f64, closed: Option<bool>) -> Candle {
        Candle {
            bar: Bar::from_value(UnixMillis::saturating(at), price(value)),
            closed,
        }
    }

    #[test]
    fn a_page_is_in_order_and_a_later_candle_closes_those_before() {
        let given = vec![
            candle(3, 30.0, None),
            candle(2, 20.0, None),
            candle(1, 10.0, Some(false)),
            candle(2, 21.0, None),
        ];
        let expected = [
            candle(1, 10.0, Some(false)),
            candle(2, 21.0, Some(true)),
            candle(3, 30.0, None),
        ];
        assert_eq!(normalize_page(given), expected);
        assert_eq!(normalize_page(Vec::new()), []);
    }
}
