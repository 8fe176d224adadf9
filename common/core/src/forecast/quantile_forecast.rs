//! A forecast as the distribution of moves at each step: what is scored, pooled and plotted.

use std::borrow::Cow;

use foretell_kernels::sort::sort_rows;

use super::levels::{LevelPosition, POOL_LEVELS, quantile, quantile_level};
use super::matrix::Forecast;
use crate::series::{MAX_MOVE, Unit};

/// H rows of K ascending moves from the anchor, in bps (log prices) or the series' unit (values).
///
/// Value k of a row (from 1) stands at level (2k − 1)/2K.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantileForecast {
    k: usize,
    moves: Vec<f64>,
}

impl QuantileForecast {
    /// The moves of a forecast from the anchor. Paths are sorted step by step.
    pub fn from_forecast(forecast: &Forecast, anchor: f64, unit: Unit) -> Self {
        let k = forecast.k().max(1);
        let mut moves = unit.changes(anchor, forecast.values());
        sort_rows(k, &mut moves);
        Self { k, moves }
    }

    /// The forecast of H·K step-major finite moves; rows are sorted here.
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

    /// The K moves of each step, step 1 first.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.moves.chunks_exact(self.k)
    }

    /// All H·K moves, step-major.
    pub(crate) fn values(&self) -> &[f64] {
        &self.moves
    }

    /// The same medians, with distances from them times `factor(step)`, which is above zero; steps count from 0.
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

    /// The same distribution at K = [`POOL_LEVELS`]: linear between levels, flat outside.
    pub fn resampled(&self) -> Cow<'_, Self> {
        if self.k == POOL_LEVELS {
            return Cow::Borrowed(self);
        }
        let positions =
            (0..POOL_LEVELS).map(|j| LevelPosition::new(quantile_level(j, POOL_LEVELS), self.k));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::ForecastKind;

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
            ForecastKind::Paths,
            Unit::Value,
            2,
            2,
            vec![3.0, 1.0, 5.0, 9.0],
        )
        .unwrap();
        let fan = QuantileForecast::from_forecast(&forecast, 1.0, Unit::Value);
        let rows: Vec<&[f64]> = fan.rows().collect();
        assert_eq!(rows, [&[0.0, 2.0][..], &[4.0, 8.0][..]]);
    }
}
