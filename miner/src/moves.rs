//! What one step of a series did: its return and how much it moved about.

use std::f64::consts::LN_2;

use foretell_core::bar::Bar;
use foretell_core::series::Unit;
use foretell_core::time::{Millis, UnixMillis};

use crate::drift::Drift;
use crate::history::History;

/// Smallest believable volatility of one step of a log price: 0.1 bps, as the score has it.
const LOG_FLOOR: f64 = 1e-5;
/// The same of a value, as a share of its size: less than the digits that a forecast keeps.
const VALUE_FLOOR: f64 = 1e-9;
/// The same of a value at zero.
const ZERO_FLOOR: f64 = 1e-12;

/// Larger moves and volumes count as this: the sums of their squares must stay finite.
const LARGEST: f64 = 1e100;

/// One row for each bar whose predecessor is known, oldest first; a bar after a gap has no return and no row.
///
/// Returns are log returns, or plain differences for [`Unit::Value`]; variances are their squares.
#[derive(Debug, Clone, Default)]
pub struct Moves {
    /// When each bar opened.
    pub opened: Vec<UnixMillis>,
    /// Return from the close before.
    pub returns: Vec<f64>,
    /// Its square.
    pub squared: Vec<f64>,
    /// Variance from the bar's range (Garman-Klass), or `squared` where the bar has no range.
    pub ranged: Vec<f64>,
    /// Traded volume.
    pub volume: Vec<f64>,
}

impl Moves {
    /// The moves of a whole history.
    pub fn of(history: &History) -> Self {
        Self::last(history, usize::MAX)
    }

    /// The newest `count` moves of a history, or as many as there are.
    pub fn last(history: &History, count: usize) -> Self {
        let bars = history.bars();
        let follows = |before: &Bar, bar: &Bar| bar.open_time - before.open_time == history.step();
        let mut left = count;
        // From the newest back: what is older costs nothing.
        let start = bars.windows(2).rposition(|pair| {
            left -= usize::from(left > 0 && matches!(pair, [before, bar] if follows(before, bar)));
            left == 0
        });
        let bars = &bars[start.unwrap_or(0)..];
        let most = count.min(bars.len());
        let mut moves = Self {
            opened: Vec::with_capacity(most),
            returns: Vec::with_capacity(most),
            squared: Vec::with_capacity(most),
            ranged: Vec::with_capacity(most),
            volume: Vec::with_capacity(most),
        };
        for pair in bars.windows(2) {
            let [before, bar] = pair else { continue };
            if !follows(before, bar) || count == 0 {
                continue;
            }
            let change = difference(history.unit(), before.close.get(), bar.close.get());
            let squared = change * change;
            moves.opened.push(bar.open_time);
            moves.returns.push(change);
            moves.squared.push(squared);
            moves
                .ranged
                .push(garman_klass(history.unit(), bar).unwrap_or(squared));
            // The maximum is for a volume of NaN, which clamping keeps.
            moves.volume.push(bar.volume.clamp(0.0, LARGEST).max(0.0));
        }
        moves
    }

    /// What remains without the drift. A bar's range is about how much it moved about and stays what it is.
    #[must_use]
    pub fn less(mut self, drift: &Drift) -> Self {
        for (row, opened) in self.opened.iter().enumerate() {
            let change = self.returns[row] - drift.mean(*opened);
            let squared = change * change;
            if self.ranged[row] == self.squared[row] {
                self.ranged[row] = squared;
            }
            (self.returns[row], self.squared[row]) = (change, squared);
        }
        self
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.opened.len()
    }

    /// Mean of range and squared return: the least noisy of the three measures of a row's variance.
    pub fn blended(&self) -> Vec<f64> {
        let pairs = self.ranged.iter().zip(&self.squared);
        pairs
            .map(|(ranged, squared)| 0.5 * (ranged + squared))
            .collect()
    }

    /// Whether the `ahead` rows after `row` are the next steps, without a gap.
    pub fn unbroken(&self, row: usize, ahead: usize, step: Millis) -> bool {
        match (self.opened.get(row), self.opened.get(row + ahead)) {
            (Some(first), Some(last)) => *last - *first == step.times(ahead as i64),
            _ => false,
        }
    }
}

/// Smallest believable variance of one step of a series that stands at `last`.
pub fn variance_floor(unit: Unit, last: f64) -> f64 {
    let volatility = match unit {
        Unit::LogPrice => LOG_FLOOR,
        Unit::Value => (VALUE_FLOOR * last.abs()).max(ZERO_FLOOR),
    };
    volatility * volatility
}

/// Number of steps in `span`, at least 1.
pub fn steps_in(span: Millis, step: Millis) -> usize {
    let steps = span.0.checked_div(step.0).unwrap_or(1);
    usize::try_from(steps).unwrap_or(1).max(1)
}

/// Log return or plain difference.
fn difference(unit: Unit, from: f64, to: f64) -> f64 {
    match unit {
        Unit::LogPrice => {
            let ratio = to / from;
            // Prices at the two ends of what a double holds have no ratio.
            if ratio.is_normal() {
                ratio.ln()
            } else {
                to.ln() - from.ln()
            }
        }
        Unit::Value => (to - from).clamp(-LARGEST, LARGEST),
    }
}

/// max(0, ½·ln(H/L)² − (2·ln 2 − 1)·ln(C/O)²) (Garman and Klass 1980); `None` of a bar without a range.
fn garman_klass(unit: Unit, bar: &Bar) -> Option<f64> {
    if unit == Unit::Value || bar.high <= bar.low {
        return None;
    }
    let range = difference(unit, bar.low.get(), bar.high.get());
    let body = difference(unit, bar.open.get(), bar.close.get());
    Some((0.5 * range * range - (2.0 * LN_2 - 1.0) * body * body).max(0.0))
}

#[cfg(test)]
mod tests {
    use foretell_core::price::Price;

    use super::*;

    const STEP: Millis = Millis::minutes(5);

    fn bar(index: i64, prices: [f64; 4]) -> Bar {
        let [open, high, low, close] = prices.map(|price| Price::new(price).unwrap());
        Bar {
            open_time: UnixMillis(STEP.times(index).0),
            open,
            high,
            low,
            close,
            volume: 1.0,
        }
    }

    fn moves(unit: Unit, bars: impl IntoIterator<Item = Bar>) -> Moves {
        let mut history = History::new(STEP, unit);
        history.extend(bars).unwrap();
        Moves::of(&history)
    }

    #[test]
    fn a_row_holds_the_return_and_the_range() {
        // Return ln(110/100) = 0.0953102, squared 0.00908403. Range ln(120/100) = 0.1823216, body ln(110/105) =
        // 0.0465200; ½·0.0332412 − 0.3862944·0.00216411 = 0.0166206 − 0.0008360 = 0.0157846.
        let bars = [bar(0, [100.0; 4]), bar(1, [105.0, 120.0, 100.0, 110.0])];
        let moves = moves(Unit::LogPrice, bars);
        assert_eq!(moves.len(), 1);
        assert!((moves.returns[0] - 0.095_310_2).abs() < 1e-7);
        assert!((moves.squared[0] - 0.009_084_03).abs() < 1e-8);
        assert!((moves.ranged[0] - 0.015_784_6).abs() < 1e-7);
        assert!((moves.blended()[0] - 0.012_434_3).abs() < 1e-7);
    }

    #[test]
    fn without_a_range_the_squared_return_stands_in() {
        let flat = moves(Unit::LogPrice, [bar(0, [100.0; 4]), bar(1, [110.0; 4])]);
        assert_eq!(flat.ranged, flat.squared);
        let prices = [-1.0, 4.0, -5.0, 2.0];
        let values = moves(Unit::Value, [bar(0, [-1.0; 4]), bar(1, prices)]);
        assert_eq!(values.returns, [3.0]);
        assert_eq!(values.ranged, [9.0]);
    }

    #[test]
    fn a_bar_after_a_gap_has_no_row() {
        let bars = [0, 1, 2, 5, 6].map(|index| bar(index, [100.0 + index as f64; 4]));
        let moves = moves(Unit::LogPrice, bars);
        let rows: Vec<i64> = moves.opened.iter().map(|t| t.0 / STEP.0).collect();
        assert_eq!(rows, [1, 2, 6]);
        assert!(moves.unbroken(0, 1, STEP));
        assert!(!moves.unbroken(1, 1, STEP));
        assert!(!moves.unbroken(2, 1, STEP));
    }

    #[test]
    fn the_newest_rows_are_the_end_of_all_rows() {
        let mut history = History::new(STEP, Unit::LogPrice);
        let bars = (0..20).map(|index| bar(index, [100.0 + index as f64; 4]));
        history.extend(bars).unwrap();
        let all = Moves::of(&history);
        assert_eq!(Moves::last(&history, 5).returns, all.returns[14..]);
    }

    #[test]
    fn a_window_has_at_least_one_step() {
        assert_eq!(steps_in(Millis::hours(1), STEP), 12);
        assert_eq!(steps_in(Millis::hours(1), Millis::days(1)), 1);
        assert_eq!(steps_in(Millis::hours(1), Millis(0)), 1);
    }
}
