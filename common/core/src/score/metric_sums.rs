//! The sums behind the reported metrics: of unclamped, unweighted moves in bps (log prices) or the series' unit.

use serde::{Deserialize, Serialize};

use super::crps::{crps, mean};
use crate::forecast::{LevelPosition, QuantileForecast};

/// Medians within this part of a step's scale σ_T·√i of the anchor have no direction: they differ from it by rounding.
const NO_DIRECTION: f64 = 1e-9;

/// The sums of one forecast's metrics in one round, or of many.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricSums {
    /// Steps with a settled price.
    pub steps: u64,
    /// Σ over steps of (mean of the K values − realised)².
    pub squared_error: f64,
    /// Σ over steps of |median − realised|.
    pub absolute_error: f64,
    /// Σ over steps of the CRPS.
    pub crps: f64,
    /// Rounds that have a direction: the realised move of the last step isn't zero, and its median is beyond 1e-9 of the
    /// step's scale.
    pub directional_rounds: u64,
    /// Rounds in which the two have the same sign.
    pub directional_hits: u64,
    /// Steps that fell into the central 50 % interval; `None` below K = 2.
    pub inside_50: Option<CoverageCount>,
    /// Steps that fell into the central 80 % interval; `None` below K = 5.
    pub inside_80: Option<CoverageCount>,
    /// Steps that fell into the central 95 % interval; `None` below K = 20.
    pub inside_95: Option<CoverageCount>,
}

/// How often a central interval held the realised move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CoverageCount {
    /// Steps whose realised move is inside, ends included.
    pub inside: u64,
    /// Steps with a settled price.
    pub total: u64,
}

impl MetricSums {
    /// The sums of one forecast against the realised moves, `None` for a gap, in a round whose volatility isn't known: the
    /// largest realised move is the scale that direction is judged by.
    pub fn from_forecast(fan: &QuantileForecast, moves: &[Option<f64>]) -> Self {
        let mut metric_sums = Self::new(fan.k());
        let last = moves.len();
        let scale = moves.iter().flatten().fold(0.0, |a: f64, y| a.max(y.abs()));
        let positions = RowSummaryPositions::new(fan.k());
        for ((row, y), i) in fan.rows().zip(moves).zip(1..) {
            if let Some(y) = *y {
                metric_sums.add_step(
                    &RowSummary::new(row, &positions),
                    y,
                    crps(row, y),
                    (i == last).then_some(scale),
                );
            }
        }
        metric_sums
    }

    /// The sums of no steps; K decides which intervals there are.
    pub(super) fn new(k: usize) -> Self {
        Self {
            inside_50: (k >= 2).then(CoverageCount::default),
            inside_80: (k >= 5).then(CoverageCount::default),
            inside_95: (k >= 20).then(CoverageCount::default),
            ..Self::default()
        }
    }

    /// Takes in one step: the summary of its row, the realised move, their CRPS, and its scale if it is the last.
    pub(super) fn add_step(&mut self, row: &RowSummary, y: f64, crps: f64, last: Option<f64>) {
        let RowSummary {
            mean,
            median,
            central,
        } = *row;
        self.steps += 1;
        self.squared_error += (mean - y) * (mean - y);
        self.absolute_error += (median - y).abs();
        self.crps += crps;
        let intervals = [
            &mut self.inside_50,
            &mut self.inside_80,
            &mut self.inside_95,
        ];
        for (coverage, (low, high)) in intervals.into_iter().zip(central) {
            if let Some(coverage) = coverage {
                coverage.inside += u64::from(low <= y && y <= high);
                coverage.total += 1;
            }
        }
        if let Some(scale) = last {
            self.add_direction(median, y, scale);
        }
    }

    /// Takes in the direction of the last step's median and of its realised move; `scale` is the step's σ_T·√i.
    pub(super) fn add_direction(&mut self, median: f64, y: f64, scale: f64) {
        if median.abs() > NO_DIRECTION * scale && y != 0.0 {
            self.directional_rounds += 1;
            self.directional_hits += u64::from((median > 0.0) == (y > 0.0));
        }
    }

    /// Takes in the sums of other rounds.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.squared_error += other.squared_error;
        self.absolute_error += other.absolute_error;
        self.crps += other.crps;
        self.directional_rounds += other.directional_rounds;
        self.directional_hits += other.directional_hits;
        for (sum, more) in [
            (&mut self.inside_50, other.inside_50),
            (&mut self.inside_80, other.inside_80),
            (&mut self.inside_95, other.inside_95),
        ] {
            if let Some(more) = more {
                let sum = sum.get_or_insert_default();
                sum.inside += more.inside;
                sum.total += more.total;
            }
        }
    }

    /// Root of the mean squared error of the forecast's mean, in the moves' unit; `None` without a settled step.
    pub fn rmse(&self) -> Option<f64> {
        self.per_step(self.squared_error).map(f64::sqrt)
    }

    /// Mean absolute error of the forecast's median, in the moves' unit; `None` without a settled step.
    pub fn mae(&self) -> Option<f64> {
        self.per_step(self.absolute_error)
    }

    /// Mean CRPS, in the moves' unit; `None` without a settled step.
    pub fn mean_crps(&self) -> Option<f64> {
        self.per_step(self.crps)
    }

    /// Share of rounds whose last realised move has the sign of the median; `None` if no round has a direction.
    pub fn directional_accuracy(&self) -> Option<f64> {
        (self.directional_rounds > 0)
            .then(|| self.directional_hits as f64 / self.directional_rounds as f64)
    }

    fn per_step(&self, sum: f64) -> Option<f64> {
        (self.steps > 0).then(|| sum / self.steps as f64)
    }
}

/// What metrics need of a row of ascending values, beside its CRPS.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowSummary {
    mean: f64,
    median: f64,
    /// Ends of the central 50, 80 and 95 % intervals.
    central: [(f64, f64); 3],
}

/// The positions of median and intervals in rows of one K.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowSummaryPositions {
    median: LevelPosition,
    central: [(LevelPosition, LevelPosition); 3],
}

impl RowSummaryPositions {
    /// The positions among `k` values.
    pub(super) fn new(k: usize) -> Self {
        Self {
            median: LevelPosition::new(0.5, k),
            central: [0.50, 0.80, 0.95].map(|share| {
                let tail = (1.0 - share) / 2.0;
                (
                    LevelPosition::new(tail, k),
                    LevelPosition::new(1.0 - tail, k),
                )
            }),
        }
    }
}

impl RowSummary {
    /// The summary of a row.
    pub(super) fn new(row: &[f64], positions: &RowSummaryPositions) -> Self {
        let central = positions.central;
        Self {
            mean: mean(row),
            median: positions.median.value(row),
            central: central.map(|(low, high)| (low.value(row), high.value(row))),
        }
    }

    /// The summary of the row times `scale`, which is above zero.
    pub(super) fn scaled_by(&self, scale: f64) -> Self {
        Self {
            mean: self.mean * scale,
            median: self.median * scale,
            central: self.central.map(|(low, high)| (low * scale, high * scale)),
        }
    }
}

impl CoverageCount {
    /// Share of steps inside; `None` of no steps.
    pub fn share(self) -> Option<f64> {
        (self.total > 0).then(|| self.inside as f64 / self.total as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps, K = 2 (levels ¼ and ¾). Step 1: values 0, 4 against 1: mean 2, median 2, CRPS
    /// (1 + 3)/2 − 2·4/8 = 1. Step 2: values 2, 6 against −1: CRPS (3 + 7)/2 − 1 = 4, outside.
    #[test]
    fn worked_by_hand() {
        let fan = QuantileForecast::from_moves(2, vec![0.0, 4.0, 2.0, 6.0]);
        let metric_sums = MetricSums::from_forecast(&fan, &[Some(1.0), Some(-1.0)]);
        assert_eq!(metric_sums.rmse(), Some(f64::sqrt((1.0 + 25.0) / 2.0)));
        assert_eq!(metric_sums.mae(), Some(3.0));
        assert_eq!(metric_sums.mean_crps(), Some(2.5));
        assert_eq!(metric_sums.directional_accuracy(), Some(0.0));
        assert_eq!(
            metric_sums.inside_50.and_then(CoverageCount::share),
            Some(0.5)
        );
        assert_eq!((metric_sums.inside_80, metric_sums.inside_95), (None, None));
    }

    #[test]
    fn a_flat_median_has_no_direction() {
        let fan = QuantileForecast::from_moves(1, vec![0.0]);
        assert_eq!(
            MetricSums::from_forecast(&fan, &[Some(3.0)]).directional_accuracy(),
            None
        );
        // A median that differs from the anchor by rounding, as 1e-14 does, has none either.
        for median in [1e-14, -1e-9, 2e-9] {
            let fan = QuantileForecast::from_moves(2, vec![median - 2.0, median + 2.0]);
            let sums = MetricSums::from_forecast(&fan, &[Some(3.0)]);
            assert_eq!(sums.directional_accuracy(), None, "{median}");
        }
        let fan = QuantileForecast::from_moves(1, vec![4e-9]);
        let sums = MetricSums::from_forecast(&fan, &[Some(3.0)]);
        assert_eq!(sums.directional_accuracy(), Some(1.0));
        assert_eq!(MetricSums::default().rmse(), None);
    }
}
