//! What one step of a series did: its return and how much it moved about.

use std::borrow::Cow;
use std::f64::consts::LN_2;
use std::ops::Range;

use foretell_core::bar::Bar;
use foretell_core::logarithm::{log, logs};
use foretell_core::price::Price;
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

/// Rows after which a weight that grows by a factor is computed anew.
const EXACT_EVERY: usize = 64;

/// Larger moves and volumes count as this: the sums of their squares must stay finite.
const LARGEST: f64 = 1e100;

/// One row for each bar whose predecessor is known, oldest first; a bar after a gap has no return and no row.
///
/// Returns are log returns, or plain differences for [`Unit::Value`]; variances are their squares. They are borrowed
/// from a history that [knows](History::with_moves) them, and made of its bars otherwise.
#[derive(Debug, Clone, Default)]
pub struct Moves<'a> {
    /// When each bar opened.
    pub opened: Cow<'a, [UnixMillis]>,
    /// Return from the close before.
    pub returns: Cow<'a, [f64]>,
    /// Its square.
    pub squared: Cow<'a, [f64]>,
    /// Variance from the bar's range (Garman-Klass), or `squared` where the bar has no range.
    pub ranged: Cow<'a, [f64]>,
    /// Traded volume.
    pub volume: Cow<'a, [f64]>,
}

impl<'a> Moves<'a> {
    /// The moves of a whole history.
    pub fn of(history: &'a History) -> Self {
        Self::last(history, usize::MAX)
    }

    /// The newest `count` moves of a history, or as many as there are.
    pub fn last(history: &'a History, count: usize) -> Self {
        let Some(all) = history.moves() else {
            return Self::made(history, count);
        };
        let (Some(first), Some(last)) = (history.bars().first(), history.bars().last()) else {
            return Self::default();
        };
        let known = |bar: &Bar| {
            all.opened
                .partition_point(|opened| *opened <= bar.open_time)
        };
        let end = known(last);
        all.rows(known(first).max(end.saturating_sub(count))..end)
    }

    /// The same, made of the bars themselves.
    pub fn made(history: &History, count: usize) -> Moves<'static> {
        let bars = history.bars();
        let follows = |before: &Bar, bar: &Bar| bar.open_time - before.open_time == history.step();
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
        let unit = history.unit();
        let closes = pairs.iter().map(|(before, bar)| (before.close, bar.close));
        let returns = differences(unit, &closes);
        let squared: Vec<f64> = returns.iter().map(|change| change * change).collect();
        let ranged = match unit {
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
        let volume = bars().map(|bar| bar.volume.clamp(0.0, LARGEST).max(0.0));
        Moves {
            opened: bars().map(|bar| bar.open_time).collect(),
            returns: returns.into(),
            squared: squared.into(),
            ranged: Cow::Owned(ranged),
            volume: volume.collect(),
        }
    }

    fn rows(&'a self, rows: Range<usize>) -> Self {
        Self {
            opened: Cow::Borrowed(&self.opened[rows.clone()]),
            returns: Cow::Borrowed(&self.returns[rows.clone()]),
            squared: Cow::Borrowed(&self.squared[rows.clone()]),
            ranged: Cow::Borrowed(&self.ranged[rows.clone()]),
            volume: Cow::Borrowed(&self.volume[rows]),
        }
    }

    /// What remains without the drift. A bar's range is about how much it moved about and stays what it is.
    #[must_use]
    pub fn less(mut self, drift: &Drift) -> Self {
        let rows = self.returns.to_mut().iter_mut().zip(self.squared.to_mut());
        let rows = rows.zip(self.ranged.to_mut());
        for (((change, squared), ranged), opened) in rows.zip(&*self.opened) {
            *change -= drift.mean(*opened);
            let remaining = *change * *change;
            if ranged == squared {
                *ranged = remaining;
            }
            *squared = remaining;
        }
        self
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.opened.len()
    }

    /// Mean of range and squared return: the least noisy of the three measures of a row's variance.
    pub fn blended(&self) -> Vec<f64> {
        let pairs = self.ranged.iter().zip(&*self.squared);
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

/// 0.5^(age / half-life) of each of these ascending times, the last one's age being 0.
pub fn halving(times: &[UnixMillis], half_life: Millis) -> impl Iterator<Item = f64> {
    let newest = times.last().copied().unwrap_or_default();
    let halved = move |span: Millis| 0.5_f64.powf(span.0 as f64 / half_life.0 as f64);
    let (mut before, mut spacing, mut growth) = (newest, Millis(0), 1.0);
    let mut weight = 1.0;
    times.iter().enumerate().map(move |(row, time)| {
        // A power is a call. Steps of one length grow by one factor, whose error is begun anew before it adds up.
        let passed = *time - before;
        if row % EXACT_EVERY == 0 {
            weight = halved(newest - *time);
        } else {
            if passed != spacing {
                (spacing, growth) = (passed, halved(Millis(-passed.0)));
            }
            weight *= growth;
        }
        before = *time;
        weight
    })
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
            logs(&mut changes);
            for (row, change) in extreme {
                changes[row] = change;
            }
            changes
        }
        Unit::Value => prices()
            .map(|(from, to)| (to - from).clamp(-LARGEST, LARGEST))
            .collect(),
    }
}

/// max(0, ½·ln(H/L)² − (2·ln 2 − 1)·ln(C/O)²) (Garman and Klass 1980).
fn garman_klass(range: f64, body: f64) -> f64 {
    (0.5 * range * range - (2.0 * LN_2 - 1.0) * body * body).max(0.0)
}

#[cfg(test)]
mod tests {
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

    fn moves(unit: Unit, bars: impl IntoIterator<Item = Bar>) -> Moves<'static> {
        let mut history = History::new(STEP, unit);
        history.extend(bars).unwrap();
        Moves::made(&history, usize::MAX)
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
        assert_eq!(*values.returns, [3.0]);
        assert_eq!(*values.ranged, [9.0]);
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
        assert_eq!(*Moves::last(&history, 5).returns, all.returns[14..]);
    }

    #[test]
    fn moves_that_a_history_knows_are_those_of_its_bars() {
        let bars = [0, 1, 2, 5, 6, 7, 8].map(|index| bar(index, [100.0 + index as f64; 4]));
        let mut plain = History::new(STEP, Unit::LogPrice);
        plain.extend(bars).unwrap();
        let knowing = plain.clone().with_moves();
        for from in 0..9 {
            for to in from..10 {
                let at = |index| UnixMillis(STEP.times(index).0);
                let (plain, knowing) = (
                    plain.between(at(from), at(to)),
                    knowing.between(at(from), at(to)),
                );
                for count in [0, 1, 2, 9] {
                    let (made, known) = (Moves::last(&plain, count), Moves::last(&knowing, count));
                    assert_eq!(made.opened, known.opened, "{from} {to} {count}");
                    assert_eq!(made.returns, known.returns);
                    assert_eq!(made.volume, known.volume);
                }
            }
        }
    }

    #[test]
    fn weights_halve_with_every_half_life() {
        let times: Vec<UnixMillis> = (0..500)
            .map(|index| UnixMillis(STEP.times(index + index / 100 * 7).0))
            .collect();
        let newest = times[499];
        for (weight, time) in halving(&times, Millis::hours(5)).zip(&times) {
            let age = (newest - *time).0 as f64 / Millis::hours(5).0 as f64;
            let expected = 0.5_f64.powf(age);
            assert!((weight / expected - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn a_window_has_at_least_one_step() {
        assert_eq!(steps_in(Millis::hours(1), STEP), 12);
        assert_eq!(steps_in(Millis::hours(1), Millis::days(1)), 1);
        assert_eq!(steps_in(Millis::hours(1), Millis(0)), 1);
    }
}
