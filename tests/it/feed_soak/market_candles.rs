//! The candles of one market of a venue.

use std::collections::BTreeMap;

use foretell_core::bar::Bar;
use foretell_testkit::CandleTexts;

/// Candles are kept for so many minutes: longer than any attempt looks back.
const KEPT_MINUTES: usize = 26 * 60;

/// A market of a venue: its candles by the start of their minute.
#[derive(Default)]
pub struct MarketCandles {
    /// The venue's own, as it would write them now.
    pub candles: BTreeMap<i64, CandleTexts>,
    /// What was received of them last.
    pub received: BTreeMap<i64, Bar>,
}

impl MarketCandles {
    /// Adds the candle of a minute, in which nobody trades without a price, and forgets what is old.
    pub fn add_minute(&mut self, start: i64, price: Option<f64>, digits: usize) {
        let candle = price.map(|price| (start, candle(start, price, digits)));
        self.candles.extend(candle);
        if self.candles.len() > KEPT_MINUTES {
            self.candles.pop_first();
        }
        if self.received.len() > KEPT_MINUTES {
            self.received.pop_first();
        }
    }
}

/// Multiplies the four prices of a candle.
pub fn multiply_prices(minute: &mut CandleTexts, by: f64) {
    for price in &mut minute.1[..4] {
        *price = format!("{:.7}", price.parse::<f64>().unwrap() * by);
    }
}

/// The candle of a minute at this price.
fn candle(start: i64, price: f64, digits: usize) -> CandleTexts {
    let tick = 10_f64.powi(-(digits as i32));
    let prices = [price, price + tick, price - tick, price];
    let [open, high, low, close] = prices.map(|value| format!("{value:.digits$}"));
    (start, [open, high, low, close, "3.5".to_owned()])
}
