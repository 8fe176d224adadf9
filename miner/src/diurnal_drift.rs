//! Diurnal drift: the mean move of a step by the hour and the kind of day; none for a price, much for a load or a
//! temperature.

use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::calendar_bins::CalendarBins;
use crate::decay_weights::decay_weights;
use crate::returns::{Returns, steps_in};

/// Half-life of a row's weight: the days grow longer, and with them the move of an hour changes.
const HALF_LIFE: Millis = Millis::days(45);
/// Less history than this shows no drift.
const MIN_HISTORY: Millis = Millis::days(21);
/// Weight of no drift in each bin, in rows.
const PRIOR_ROWS: f64 = 2.0;
/// Bins with fewer rows' worth of weight don't count in the test for a drift.
const MIN_EFFECTIVE_ROWS: f64 = 8.0;
/// Multiple of the F that chance alone gives, which the means have to exceed to be a drift.
const CHANCE_MULTIPLE: f64 = 1.5;

/// The mean move of each step by the calendar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiurnalDrift {
    calendar: CalendarBins,
    /// A mean move for each bin of the calendar.
    means: Vec<f64>,
}

/// Weighted sums of one bin's returns.
#[derive(Debug, Clone, Copy, Default)]
struct BinSums {
    weight: f64,
    squared_weight: f64,
    sum: f64,
    squares: f64,
}

impl DiurnalDrift {
    /// The drift of these returns; `None` where there is no more than chance would show.
    ///
    /// A bin of weighted mean m, variance v and n = (Σw)²/Σw² rows' worth of weight has F = (n − 1)·m²/v, whose
    /// expectation is (n − 1)/(n − 3) if nothing drifts (Fisher's F with 1 and n − 1 degrees of freedom). The means are
    /// shrunk by max(0, 1 − 1.5·ΣE[F]/ΣF), in the manner of James and Stein (1961).
    pub fn fit(returns: &Returns, step: Millis) -> Option<Self> {
        if returns.len() < steps_in(MIN_HISTORY, step) {
            return None;
        }
        let calendar = CalendarBins::for_step(step);
        let mut bins = vec![BinSums::default(); calendar.bin_count()];
        let weights = decay_weights(&returns.open_times, HALF_LIFE);
        let rows = weights.zip(calendar.bins_at(&returns.open_times));
        for ((weight, bin), change) in rows.zip(&*returns.values) {
            if let Some(bin) = bins.get_mut(bin) {
                bin.weight += weight;
                bin.squared_weight += weight * weight;
                bin.sum += weight * change;
                bin.squares += weight * change * change;
            }
        }
        let (mut f_sum, mut expected_f_sum) = (0.0, 0.0);
        for (f_statistic, expected) in bins.iter().filter_map(BinSums::f_statistic) {
            f_sum += f_statistic;
            expected_f_sum += expected;
        }
        // Without any usable bin this is NaN, and there is no drift.
        let shrinkage_factor = 1.0 - CHANCE_MULTIPLE * expected_f_sum / f_sum;
        let mean = |bin: &BinSums| shrinkage_factor * bin.sum / (bin.weight + PRIOR_ROWS);
        (shrinkage_factor > 0.0).then(|| Self {
            calendar,
            means: bins.iter().map(mean).collect(),
        })
    }

    /// The mean move of the step that opens at `open_time`.
    pub fn mean(&self, open_time: UnixMillis) -> f64 {
        let bin = self.calendar.bin(open_time);
        self.means.get(bin).copied().unwrap_or(0.0)
    }

    /// The returns without the drift. A variance from a bar's range doesn't depend on drift and stays as it is.
    #[must_use]
    pub fn subtract_from<'a>(&self, mut returns: Returns<'a>) -> Returns<'a> {
        let rows = returns.values.to_mut().iter_mut();
        let rows = rows.zip(returns.squared.to_mut());
        let rows = rows.zip(returns.range_variance.to_mut());
        for (((change, squared), range_variance), open_time) in rows.zip(&*returns.open_times) {
            *change -= self.mean(*open_time);
            let remaining = *change * *change;
            if range_variance == squared {
                *range_variance = remaining;
            }
            *squared = remaining;
        }
        returns
    }
}

impl BinSums {
    /// F and what it is by chance alone; `None` of constant returns, and of too few for F to be anywhere near that.
    fn f_statistic(&self) -> Option<(f64, f64)> {
        let mean = self.sum / self.weight;
        let variance = self.squares / self.weight - mean * mean;
        let rows = self.weight * self.weight / self.squared_weight;
        let f_statistic = (rows - 1.0) * mean * mean / variance;
        let usable = rows >= MIN_EFFECTIVE_ROWS && f_statistic.is_finite();
        usable.then(|| (f_statistic, (rows - 1.0) / (rows - 3.0)))
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::bar::Bar;
    use foretell_core::series::Unit;
    use foretell_core::testing::{MONDAY, STEP, price};
    use foretell_data::simulated_prices::simulate_prices;

    use super::*;

    const HOUR: Millis = Millis::hours(1);

    /// Ten weeks of hourly returns: `rise` in each morning hour and as much down in the evening, and noise of size 1.
    fn returns(rise: f64) -> Returns<'static> {
        let mut state = 88_172_645_463_325_252_u64;
        let mut noise = || {
            // xorshift64
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            4.0 * ((state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5)
        };
        let mut value = 0.0;
        let bars = (0..70 * 24).map(|index| {
            value += noise();
            value += match index % 24 {
                6..12 => rise,
                18..24 => -rise,
                _ => 0.0,
            };
            Bar::from_value(MONDAY + HOUR.times(index), price(value))
        });
        let bars: Vec<Bar> = bars.collect();
        Returns::compute(&bars, HOUR, Unit::Value, usize::MAX)
    }

    #[test]
    fn what_every_morning_brings_is_found() {
        let drift = DiurnalDrift::fit(&returns(3.0), HOUR).unwrap();
        let at = |hour| drift.mean(MONDAY + Millis::days(71) + HOUR.times(hour));
        assert!((at(8) - 3.0).abs() < 0.6, "{}", at(8));
        assert!((at(20) + 3.0).abs() < 0.6, "{}", at(20));
        assert!(at(14).abs() < 0.6, "{}", at(14));
    }

    #[test]
    fn noise_has_no_drift_and_a_flat_series_none_either() {
        assert_eq!(DiurnalDrift::fit(&returns(0.0), HOUR), None);
        let still = Returns {
            values: vec![0.0; 2_000].into(),
            open_times: (0..2_000).map(|i| MONDAY + HOUR.times(i)).collect(),
            ..Returns::default()
        };
        assert_eq!(DiurnalDrift::fit(&still, HOUR), None);
    }

    /// Short samples of fat-tailed returns with volatility clusters: where a careless test finds a drift.
    #[test]
    fn a_month_of_a_market_has_no_drift() {
        for seed in 0..10 {
            let prices = simulate_prices(seed, MONDAY, STEP, 30 * 288).unwrap();
            let returns = Returns::compute(prices.bars(), STEP, Unit::LogPrice, usize::MAX);
            assert_eq!(DiurnalDrift::fit(&returns, STEP), None, "seed {seed}");
        }
    }

    #[test]
    fn three_weeks_are_too_short_to_tell() {
        let mut returns = returns(3.0);
        returns.open_times.to_mut().truncate(20 * 24);
        returns.values.to_mut().truncate(20 * 24);
        assert_eq!(DiurnalDrift::fit(&returns, HOUR), None);
    }

    #[test]
    fn returns_without_their_drift_are_what_remains() {
        let before = returns(3.0);
        let drift = DiurnalDrift::fit(&before, HOUR).unwrap();
        let after = drift.subtract_from(before.clone());
        for (row, open_time) in before.open_times.iter().enumerate() {
            let expected = before.values[row] - drift.mean(*open_time);
            assert_eq!(after.values[row], expected);
            assert_eq!(after.squared[row], expected * expected);
            // Values have no range of their own.
            assert_eq!(after.range_variance[row], expected * expected);
        }
    }
}
