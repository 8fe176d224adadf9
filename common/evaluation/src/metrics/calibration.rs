//! How well the spread of forecasts fits the outcomes.

use foretell_core::forecast::QuantileForecast;

use super::interval_score::{self, row_weighted_interval_score};
use super::pit::{self, PitHistogram};

/// Sums over many forecasts. All `Option`s are `None` where all of them have too small a K.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CalibrationSums {
    /// Where the realised moves fell in their forecasts.
    pub pit: PitHistogram,
    interval_score: f64,
    steps: u64,
}

impl CalibrationSums {
    /// The sums of one forecast against the realised moves, `None` for a gap; `None` of a forecast with too small a K.
    pub fn from_forecast(fan: &QuantileForecast, moves: &[Option<f64>]) -> Option<Self> {
        let mut calibration = Self::default();
        calibration.add(fan, moves);
        (!is_coarse(fan)).then_some(calibration)
    }

    /// Takes in a forecast and the realised moves, `None` for a gap.
    pub fn add(&mut self, fan: &QuantileForecast, moves: &[Option<f64>]) {
        if is_coarse(fan) {
            return;
        }
        for (row, y) in fan.rows().zip(moves) {
            let Some(y) = *y else { continue };
            self.pit.add(row, y);
            if let Some(score) = row_weighted_interval_score(row, y) {
                self.interval_score += score;
                self.steps += 1;
            }
        }
    }

    /// Mean weighted interval score over steps, in the moves' unit.
    pub fn weighted_interval_score(&self) -> Option<f64> {
        (self.steps > 0).then(|| self.interval_score / self.steps as f64)
    }

    /// Takes in the sums of other forecasts.
    pub fn merge(&mut self, other: &Self) {
        self.pit.merge(&other.pit);
        self.interval_score += other.interval_score;
        self.steps += other.steps;
    }
}

/// Whether K is too small for either sum.
fn is_coarse(fan: &QuantileForecast) -> bool {
    fan.k() < pit::MIN_K.min(interval_score::MIN_K)
}
