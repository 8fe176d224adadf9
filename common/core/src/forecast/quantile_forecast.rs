//! A forecast as the distribution of moves at each step: what is scored, pooled and drawn.

use std::borrow::Cow;

use super::Forecast;
use crate::series::{MAX_MOVE, Unit};
use foretell_kernels::sort::sort_rows;

/// Number of common levels, (2k − 1)/198, on which fans of different K are pooled.
pub const POOL_LEVELS: usize = 99;

/// H rows of K ascending moves from the anchor, in bps (log prices) or the series' unit (values).
///
/// Value k of a row (from 1) stands at level (2k − 1)/2K.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantileForecast {
    k: usize,
    moves: Vec<f64>,
}

impl QuantileForecast {
    /// The fan of a forecast, seen from the anchor. Paths are sorted step by step.
    pub fn of(forecast: &Forecast, anchor: f64, unit: Unit) -> Self {
        let k = forecast.k().max(1);
        let mut moves = unit.changes(anchor, forecast.values());
        sort_rows(k, &mut moves);
        Self { k, moves }
    }

    /// A fan from H·K step-major finite moves; rows are sorted here.
    pub fn from_moves(k: usize, mut moves: Vec<f64>) -> Self {
        let k = k.max(1);
        sort_rows(k, &mut moves);
        for row in moves.chunks_exact_mut(k) {
            clamp_ascending(row);
        }
        Self { k, moves }
    }

    /// K, the number of values at each step.
    pub const fn k(&self) -> usize {
        self.k
    }

    /// The rows, step 1 first.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.moves.chunks_exact(self.k)
    }

    /// All moves, row after row.
    pub(crate) fn values(&self) -> &[f64] {
        &self.moves
    }

    /// The fan with its distances from the median times the `factor` of the step, from 0, which is above zero.
    pub(crate) fn widened(&self, factor: impl Fn(usize) -> f64) -> Self {
        let mut moves = Vec::with_capacity(self.moves.len());
        for (step, row) in self.rows().enumerate() {
            let (median, factor) = (quantile(row, 0.5), factor(step));
            let start = moves.len();
            moves.extend(row.iter().map(|x| median + factor * (x - median)));
            // Each of these operations keeps order.
            clamp_ascending(&mut moves[start..]);
        }
        Self { k: self.k, moves }
    }

    /// The same fan at K = [`POOL_LEVELS`]: linear between levels, flat outside.
    pub fn resampled(&self) -> Cow<'_, Self> {
        if self.k == POOL_LEVELS {
            return Cow::Borrowed(self);
        }
        let positions =
            (0..POOL_LEVELS).map(|j| LevelPosition::of(quantile_level(j, POOL_LEVELS), self.k));
        let positions: Vec<LevelPosition> = positions.collect();
        let mut moves = Vec::with_capacity(self.rows().len() * POOL_LEVELS);
        for row in self.rows() {
            moves.extend(positions.iter().map(|position| position.value(row)));
        }
        Cow::Owned(Self {
            k: POOL_LEVELS,
            moves,
        })
    }
}

/// Holds moves within the range of moves; the ends bound what lies between.
fn clamp_ascending(row: &mut [f64]) {
    let outside = |value: Option<&f64>| value.is_some_and(|value| value.abs() > MAX_MOVE);
    if outside(row.first()) || outside(row.last()) {
        for value in row {
            *value = value.clamp(-MAX_MOVE, MAX_MOVE);
        }
    }
}

/// Level of value `index` (from 0) among `k`: (2·index + 1)/2k.
pub fn quantile_level(index: usize, k: usize) -> f64 {
    (2 * index + 1) as f64 / (2 * k) as f64
}

/// The value of an ascending row at `level`: linear between its levels, flat outside them.
pub fn quantile(row: &[f64], level: f64) -> f64 {
    LevelPosition::of(level, row.len()).value(row)
}

/// Where a level stands in rows of one K, for all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LevelPosition {
    below: usize,
    above: usize,
    /// How far it is from the one to the other.
    fraction: f64,
}

impl LevelPosition {
    /// The place of `level` among `k` values.
    pub(crate) fn of(level: f64, k: usize) -> Self {
        // Position in units of "index", where value 0 stands at level 1/2K.
        let position = (level * k as f64 - 0.5).clamp(0.0, (k - 1) as f64);
        let below = position as usize;
        Self {
            below,
            above: (below + 1).min(k - 1),
            fraction: position - below as f64,
        }
    }

    /// The value there, of an ascending row of this K.
    pub(crate) fn value(&self, row: &[f64]) -> f64 {
        let below = row[self.below];
        below + self.fraction * (row[self.above] - below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_linear_between_levels_and_flat_outside() {
        // K = 2: levels 0.25 and 0.75.
        let row = [10.0, 20.0];
        assert_eq!(quantile(&row, 0.25), 10.0);
        assert_eq!(quantile(&row, 0.5), 15.0);
        assert_eq!(quantile(&row, 0.1), 10.0);
        assert_eq!(quantile(&row, 0.9), 20.0);
        assert_eq!(quantile(&[7.0], 0.3), 7.0);
    }

    #[test]
    fn resampling_keeps_what_already_stands_on_the_common_levels() {
        let row: Vec<f64> = (0..POOL_LEVELS).map(|j| (j * j) as f64).collect();
        let fan = QuantileForecast::from_moves(POOL_LEVELS, row);
        assert_eq!(*fan.resampled(), fan);
        let point = QuantileForecast::from_moves(1, vec![3.0, 4.0]);
        let pooled = point.resampled();
        assert_eq!(pooled.rows().len(), 2);
        assert!(pooled.rows().all(|row| row.iter().all(|v| *v == row[0])));
    }

    /// Half and twice the distances from the medians 2 and 30; what leaves the range of moves stops at its end.
    #[test]
    fn a_widened_fan_keeps_its_medians() {
        let fan = QuantileForecast::from_moves(3, vec![1.0, 2.0, 4.0, 20.0, 30.0, 50.0]);
        let widened = fan.widened(|step| [0.5, 2.0][step]);
        let rows: Vec<&[f64]> = widened.rows().collect();
        assert_eq!(rows, [&[1.5, 2.0, 3.0][..], &[10.0, 30.0, 70.0][..]]);
        let widest = QuantileForecast::from_moves(2, vec![-1e308, 1e308]).widened(|_| 1.5);
        assert_eq!(widest.rows().next(), Some(&[-MAX_MOVE, MAX_MOVE][..]));
    }

    #[test]
    fn moves_are_held_within_their_range() {
        for k in [1, 2, 3, 100] {
            let absurd = (0..2 * k).map(|i| if i % 2 == 0 { 1e308 } else { -1e308 });
            let fan = QuantileForecast::from_moves(k, absurd.collect());
            assert!(fan.rows().flatten().all(|x| x.abs() == MAX_MOVE));
        }
    }

    #[test]
    fn paths_are_sorted_step_by_step_as_moves() {
        let forecast = Forecast::new(
            super::super::ForecastKind::Paths,
            Unit::Value,
            2,
            2,
            vec![3.0, 1.0, 5.0, 9.0],
        )
        .unwrap();
        let fan = QuantileForecast::of(&forecast, 1.0, Unit::Value);
        let rows: Vec<&[f64]> = fan.rows().collect();
        assert_eq!(rows, [&[0.0, 2.0][..], &[4.0, 8.0][..]]);
    }
}
