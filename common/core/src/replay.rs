//! Settled prices from a replay of bars: a bar's close is the price of its end, a missing bar is a gap.

use std::collections::BTreeMap;

use crate::bar::Bar;
use crate::price::Price;
use crate::rules::ScoreRules;
use crate::series::Series;
use crate::settle::Settlement;
use crate::time::UnixMillis;
use crate::volatility::EwmaVolatility;

/// Bars of a series as the prices of record.
#[derive(Debug, Clone)]
pub struct ReplayedPrices {
    series: Series,
    /// Close and σ_T by the instant at which the bar closed.
    closes: BTreeMap<UnixMillis, (Price, Option<f64>)>,
}

impl ReplayedPrices {
    /// The prices of these bars, which are in time order on the series' step.
    pub fn new(series: Series, bars: &[Bar], rules: &ScoreRules) -> Self {
        let mut volatility = EwmaVolatility::new(&series.grid, series.unit, rules);
        let closes = bars
            .iter()
            .map(|bar| {
                volatility.observe(bar);
                let known = (bar.close, volatility.sigma());
                (bar.close_time(series.grid.step), known)
            })
            .collect();
        Self { series, closes }
    }

    /// What the round at `origin` settles to. Its volatility looks at no bar after the origin.
    pub fn settlement(&self, origin: UnixMillis) -> Settlement {
        let grid = &self.series.grid;
        let close = |t: UnixMillis| self.closes.get(&t).map(|(price, _)| *price);
        // The volatility is that of the last bar at or before the origin, whether or not one closes there.
        let last_known = self.closes.range(..=origin).next_back();
        Settlement {
            anchor: close(origin),
            volatility: last_known.and_then(|(_, (_, sigma))| *sigma),
            closes: (1..=grid.horizon)
                .map(|i| close(grid.target(origin, i)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RulesVersion;
    use crate::series::Unit;
    use crate::testing::{STEP, btc_usd, price};

    /// The squares of these numbers, each as the bar that opens so many steps after 0, in rounds of two steps.
    fn prices(bars: impl IntoIterator<Item = i64>) -> ReplayedPrices {
        let series = Series {
            unit: Unit::Value,
            ..btc_usd(2)
        };
        let bars: Vec<Bar> = bars
            .into_iter()
            .map(|i| Bar::from_value(at(i), price((i * i) as f64)))
            .collect();
        let rules = ScoreRules {
            volatility_min_returns: 2,
            ..RulesVersion::V1Replay.rules().score
        };
        ReplayedPrices::new(series, &bars, &rules)
    }

    fn at(i: i64) -> UnixMillis {
        UnixMillis::EPOCH + STEP.times(i)
    }

    #[test]
    fn the_close_of_a_bar_is_the_price_of_its_end() {
        let settlement = prices(0..10).settlement(at(4));
        assert_eq!(settlement.anchor, Price::new(9.0).ok());
        assert_eq!(
            settlement.closes,
            [Price::new(16.0).ok(), Price::new(25.0).ok()]
        );
    }

    #[test]
    fn a_missing_bar_is_a_gap() {
        let settlement = prices([0, 1, 2, 3, 5]).settlement(at(4));
        assert_eq!(settlement.closes, [None, Price::new(25.0).ok()]);
        let settlement = prices([0, 1, 2, 4, 5]).settlement(at(4));
        assert_eq!(settlement.anchor, None);
        assert!(settlement.volatility.is_some());
    }

    #[test]
    fn the_future_does_not_change_the_volatility() {
        let short = prices(0..5).settlement(at(4)).volatility;
        assert_eq!(short, prices(0..50).settlement(at(4)).volatility);
        assert_eq!(prices(0..5).settlement(at(2)).volatility, None);
    }
}
