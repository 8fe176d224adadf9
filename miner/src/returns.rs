//! Returns of a series: the change of each step, and measures of its variance.

use std::borrow::Cow;
use std::f64::consts::LN_2;
use std::ops::Range;

use foretell_core::bar::Bar;
use foretell_core::price::Price;
use foretell_core::series::Unit;
use foretell_core::time::{Millis, UnixMillis};
use foretell_kernels::vmath::{log, log_in_place};

/// Smallest believable volatility of one step of a log price: 0.1 bps, as the score has it.
const MIN_LOG_VOLATILITY: f64 = 1e-5;
/// The same of a value, as a share of its size: less than the digits that a forecast keeps.
const MIN_RELATIVE_VOLATILITY: f64 = 1e-9;
/// The same of a value that stands at 0.
const MIN_ABSOLUTE_VOLATILITY: f64 = 1e-12;

/// Larger returns and volumes count as this: the sums of their squares must stay finite.
const MAX_MAGNITUDE: f64 = 1e100;

/// One row for each bar whose predecessor is known, oldest first; a bar after a gap has no return and no row.
///
/// Returns are log returns, or plain differences for [`Unit::Value`]; variances are their squares. A part of returns
/// that are already computed borrows them.
#[derive(Debug, Clone, Default)]
pub struct Returns<'a> {
    /// Open time of each bar, ascending.
    pub open_times: Cow<'a, [UnixMillis]>,
    /// Return from the close of the bar before.
    pub values: Cow<'a, [f64]>,
    /// Square of the return.
    pub squared: Cow<'a, [f64]>,
    /// Variance from the bar's range (Garman-Klass), or `squared` where the bar has no range.
    pub range_variance: Cow<'a, [f64]>,
    /// Traded volume in base units, 0 or more.
    pub volume: Cow<'a, [f64]>,
}

impl<'a> Returns<'a> {
    /// The newest `count` returns of these bars, which are in order of time on the grid of `step`; of fewer, all.
    pub fn compute(bars: &[Bar], step: Millis, unit: Unit, count: usize) -> Returns<'static> {
        let follows = |before: &Bar, bar: &Bar| bar.open_time - before.open_time == step;
        let mut left = count;
        // From the newest back: what is older costs nothing.
        let start = bars.windows(2).rposition(|pair| {
            left -= usize::from(left > 0 && matches!(pair, [before, bar] if follows(before, bar)));
            left == 0
        });
        let pairs = bars[start.unwrap_or(0)..].windows(2);
        let pairs: Vec<(&Bar, &Bar)> = pairs
            .filter_map(|pair| match pair {
                [before, bar] if count > 0 && follows(before, bar) => Some((before, bar)),
                _ => None,
            })
            .collect();
        let bars = || pairs.iter().map(|(_, bar)| *bar);
        let closes = pairs.iter().map(|(before, bar)| (before.close, bar.close));
        let values = differences(unit, &closes);
        let squared: Vec<f64> = values.iter().map(|change| change * change).collect();
        let range_variance = match unit {
            Unit::LogPrice => {
                let ranges = differences(unit, &bars().map(|bar| (bar.low, bar.high)));
                let bodies = differences(unit, &bars().map(|bar| (bar.open, bar.close)));
                let rows = bars().zip(&squared).zip(ranges.iter().zip(&bodies));
                rows.map(|((bar, squared), (range, body))| {
                    if bar.high > bar.low {
                        garman_klass(*range, *body)
                    } else {
                        *squared
                    }
                })
                .collect()
            }
            Unit::Value => squared.clone(),
        };
        // The maximum is for a volume of NaN, which clamping keeps.
        let volume = bars().map(|bar| bar.volume.clamp(0.0, MAX_MAGNITUDE).max(0.0));
        Returns {
            open_times: bars().map(|bar| bar.open_time).collect(),
            values: values.into(),
            squared: squared.into(),
            range_variance: Cow::Owned(range_variance),
            volume: volume.collect(),
        }
    }

    /// These rows only, borrowed.
    pub fn slice(&'a self, rows: Range<usize>) -> Self {
        Self {
            open_times: Cow::Borrowed(&self.open_times[rows.clone()]),
            values: Cow::Borrowed(&self.values[rows.clone()]),
            squared: Cow::Borrowed(&self.squared[rows.clone()]),
            range_variance: Cow::Borrowed(&self.range_variance[rows.clone()]),
            volume: Cow::Borrowed(&self.volume[rows]),
        }
    }

    /// Number of rows: of bars whose predecessor is known.
    pub fn len(&self) -> usize {
        self.open_times.len()
    }

    /// Mean of range and squared return: the least noisy of the three measures of a row's variance.
    pub fn blended_variance(&self) -> Vec<f64> {
        let pairs = self.range_variance.iter().zip(&*self.squared);
        pairs
            .map(|(range_variance, squared)| 0.5 * (range_variance + squared))
            .collect()
    }

    /// Whether the `ahead` rows after `row` are the next steps, without a gap.
    pub fn is_contiguous(&self, row: usize, ahead: usize, step: Millis) -> bool {
        match (self.open_times.get(row), self.open_times.get(row + ahead)) {
            (Some(first), Some(last)) => *last - *first == step.times(ahead as i64),
            _ => false,
        }
    }
}

/// Smallest believable variance of one step of a series that stands at `last`.
pub fn variance_floor(unit: Unit, last: f64) -> f64 {
    let volatility = match unit {
        Unit::LogPrice => MIN_LOG_VOLATILITY,
        Unit::Value => (MIN_RELATIVE_VOLATILITY * last.abs()).max(MIN_ABSOLUTE_VOLATILITY),
    };
    volatility * volatility
}

/// Number of steps in `span`, at least 1.
pub fn steps_in(span: Millis, step: Millis) -> usize {
    let steps = span.get().checked_div(step.get()).unwrap_or(1);
    usize::try_from(steps).unwrap_or(1).max(1)
}

/// Log returns or plain differences, from the first price of each pair to the second.
fn differences(unit: Unit, pairs: &(impl Iterator<Item = (Price, Price)> + Clone)) -> Vec<f64> {
    let prices = || pairs.clone().map(|(from, to)| (from.get(), to.get()));
    match unit {
        Unit::LogPrice => {
            let mut changes: Vec<f64> = prices().map(|(from, to)| to / from).collect();
            // Prices at the two ends of what a double holds have no ratio.
            let ratios = changes.iter().zip(prices()).enumerate();
            let extreme: Vec<(usize, f64)> = ratios
                .filter(|(_, (ratio, _))| !ratio.is_normal())
                .map(|(row, (_, (from, to)))| (row, log(to) - log(from)))
                .collect();
            log_in_place(&mut changes);
            for (row, change) in extreme {
                changes[row] = change;
            }
            changes
        }
        Unit::Value => prices()
            .map(|(from, to)| (to - from).clamp(-MAX_MAGNITUDE, MAX_MAGNITUDE))
            .collect(),
    }
}

/// max(0, ½·ln(H/L)² − (2·ln 2 − 1)·ln(C/O)²) (Garman and Klass 1980).
fn garman_klass(range: f64, body: f64) -> f64 {
    (0.5 * range * range - (2.0 * LN_2 - 1.0) * body * body).max(0.0)
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::{STEP, price};

    use super::*;

    fn bar(index: i64, prices: [f64; 4]) -> Bar {
        let [open, high, low, close] = prices.map(price);
        Bar {
            open_time: UnixMillis::literal(STEP.times(index).get()),
            open,
            high,
            low,
            close,
            volume: 1.0,
        }
    }

    fn returns(unit: Unit, bars: impl IntoIterator<Item = Bar>) -> Returns<'static> {
        let bars: Vec<Bar> = bars.into_iter().collect();
        Returns::compute(&bars, STEP, unit, usize::MAX)
    }

    #[test]
    fn a_row_holds_the_return_and_the_range() {
        // Return ln(110/100) = 0.0953102, squared 0.00908403. Range ln(120/100) = 0.1823216, body ln(110/105) =
        // 0.0465200; ½·0.0332412 − 0.3862944·0.00216411 = 0.0166206 − 0.0008360 = 0.0157846.
        let bars = [bar(0, [100.0; 4]), bar(1, [105.0, 120.0, 100.0, 110.0])];
        let returns = returns(Unit::LogPrice, bars);
        assert_eq!(returns.len(), 1);
        assert!((returns.values[0] - 0.095_310_2).abs() < 1e-7);
        assert!((returns.squared[0] - 0.009_084_03).abs() < 1e-8);
        assert!((returns.range_variance[0] - 0.015_784_6).abs() < 1e-7);
        assert!((returns.blended_variance()[0] - 0.012_434_3).abs() < 1e-7);
    }

    #[test]
    fn without_a_range_the_squared_return_stands_in() {
        let flat = returns(Unit::LogPrice, [bar(0, [100.0; 4]), bar(1, [110.0; 4])]);
        assert_eq!(flat.range_variance, flat.squared);
        let prices = [-1.0, 4.0, -5.0, 2.0];
        let values = returns(Unit::Value, [bar(0, [-1.0; 4]), bar(1, prices)]);
        assert_eq!(*values.values, [3.0]);
        assert_eq!(*values.range_variance, [9.0]);
    }

    #[test]
    fn a_bar_after_a_gap_has_no_row() {
        let bars = [0, 1, 2, 5, 6].map(|index| bar(index, [100.0 + index as f64; 4]));
        let returns = returns(Unit::LogPrice, bars);
        let rows: Vec<i64> = returns
            .open_times
            .iter()
            .map(|t| t.get() / STEP.get())
            .collect();
        assert_eq!(rows, [1, 2, 6]);
        assert!(returns.is_contiguous(0, 1, STEP));
        assert!(!returns.is_contiguous(1, 1, STEP));
        assert!(!returns.is_contiguous(2, 1, STEP));
    }

    #[test]
    fn a_window_has_at_least_one_step() {
        assert_eq!(steps_in(Millis::hours(1), STEP), 12);
        assert_eq!(steps_in(Millis::hours(1), Millis::days(1)), 1);
        assert_eq!(steps_in(Millis::hours(1), Millis::ZERO), 1);
    }
}
