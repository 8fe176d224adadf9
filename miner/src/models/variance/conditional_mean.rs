//! The conditional mean: where the fan is centred, by a regression that is calibrated out of sample.
//!
//! Returns over their scale are regressed on features at a few horizons, on the first two thirds of the rows; the last
//! third gives the calibration slope, which for a price is next to 0.

use foretell_core::time::Millis;
use ndarray::{Array1, Array2, Axis, Slice};
use serde::{Deserialize, Serialize};

use super::standard_scaler::StandardScaler;
use crate::deseasonalised_returns::DeseasonalisedReturns;
use crate::features::FeatureSet;
use crate::models::model::ModelError;
use crate::prefix_sums::PrefixSums;
use crate::returns::Returns;

/// Largest calibration slope: the share of a prediction that the forecast is moved by.
const MAX_CALIBRATION_SLOPE: f64 = 0.08;
/// Largest conditional mean, in scales of its step.
const MAX_MEAN: f64 = 0.5;
/// Steps with a regression, as shares of the horizon.
const HORIZON_SHARES: [f64; 4] = [0.06, 0.25, 0.5, 1.0];

/// From standardised columns and centred targets (a column a horizon) to coefficients (a column a horizon).
pub type MultiTargetSolver = fn(&Array2<f64>, &Array2<f64>) -> Result<Array2<f64>, ModelError>;

/// How a conditional mean is learnt: features and regression.
#[derive(Clone, Copy)]
pub struct ConditionalMeanSpec {
    /// The features of the regression.
    pub features: FeatureSet,
    /// What solves it for all horizons at once.
    pub solve: MultiTargetSolver,
}

/// A fitted conditional mean.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConditionalMean {
    features: FeatureSet,
    scaler: StandardScaler,
    /// Steps with a regression, ascending.
    steps: Vec<usize>,
    /// Coefficients for each of these steps, times its calibration slope.
    weights: Vec<Vec<f64>>,
}

impl ConditionalMeanSpec {
    /// Learns the mean of returns over their scales (`horizon` of them a row).
    pub fn fit(
        &self,
        returns: &Returns,
        deseasonalised: &DeseasonalisedReturns,
        rows: &[usize],
        scales: &[f64],
        horizon: usize,
    ) -> Result<ConditionalMean, ModelError> {
        let raw: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| self.features.at(deseasonalised, *row))
            .collect();
        let scaler = StandardScaler::fit(&raw);
        let columns = scaler.transform(&raw);
        let mut steps: Vec<usize> = HORIZON_SHARES
            .map(|share| ((share * horizon as f64).round() as usize).max(1))
            .to_vec();
        steps.dedup();
        let cumulative_returns = PrefixSums::new(returns.values.iter().copied());
        let targets = Array2::from_shape_fn((rows.len(), steps.len()), |(i, j)| {
            let (row, step) = (rows[i], steps[j]);
            let scale = scales[(step - 1) * rows.len() + i];
            (cumulative_returns.sum(row + 1, row + 1 + step) / scale).clamp(-5.0, 5.0)
        });
        // Rows next to each other share their future: the last third starts a horizon after the first two end.
        let split = rows.len() * 2 / 3;
        let gap = rows.get(split).map_or(rows.len(), |row| {
            rows.partition_point(|r| *r < row + horizon)
        });
        let fitted = (self.solve)(
            &columns.slice_axis(Axis(0), Slice::from(..split)).to_owned(),
            &targets.slice_axis(Axis(0), Slice::from(..split)).to_owned(),
        )?;
        let later = columns.slice_axis(Axis(0), Slice::from(gap..));
        let weights = fitted.columns().into_iter().zip(targets.columns());
        let weights = weights.map(|(weights, targets)| {
            let targets = targets.slice_axis(Axis(0), Slice::from(gap..)).to_owned();
            let slope = calibration_slope(&later.dot(&weights), &targets);
            let calibrated = weights.iter().map(|weight| slope * weight);
            // Absurd prices may leave columns that no number describes.
            calibrated
                .map(|weight| if weight.is_finite() { weight } else { 0.0 })
                .collect()
        });
        Ok(ConditionalMean {
            features: self.features,
            weights: weights.collect(),
            scaler,
            steps,
        })
    }
}

/// The least-squares slope of targets on predictions, kept between 0 and [`MAX_CALIBRATION_SLOPE`].
fn calibration_slope(predicted: &Array1<f64>, targets: &Array1<f64>) -> f64 {
    let power = predicted.dot(predicted);
    if power > 0.0 {
        (predicted.dot(targets) / power).clamp(0.0, MAX_CALIBRATION_SLOPE)
    } else {
        0.0
    }
}

impl ConditionalMean {
    /// Returns that the longest window takes.
    pub fn lookback(&self, step: Millis) -> usize {
        self.features.lookback(step)
    }

    /// The mean of each step in scales, as known when `row` closed: linear between the steps with a regression.
    pub fn path(
        &self,
        deseasonalised: &DeseasonalisedReturns,
        row: usize,
        horizon: usize,
    ) -> Vec<f64> {
        let features = self
            .scaler
            .transform_row(&self.features.at(deseasonalised, row));
        let mut path = vec![0.0; horizon];
        let mut before = (0, 0.0);
        for (step, weights) in self.steps.iter().zip(&self.weights) {
            let value: f64 = weights.iter().zip(&features).map(|(w, x)| w * x).sum();
            let value = value.clamp(-MAX_MEAN, MAX_MEAN);
            let (from, start) = before;
            for i in from..*step {
                let fraction = (i + 1 - from) as f64 / (step - from) as f64;
                if let Some(mean) = path.get_mut(i) {
                    *mean = start + fraction * (value - start);
                }
            }
            before = (*step, value);
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_calibration_slope_is_that_of_least_squares() {
        // Σpy/Σp² = (0.05 + 0.05)/2 = 0.05.
        let slope = calibration_slope(&array![1.0, -1.0], &array![0.05, -0.05]);
        assert!((slope - 0.05).abs() < 1e-12);
        assert_eq!(
            calibration_slope(&array![1.0, -1.0], &array![-0.1, 0.1]),
            0.0
        );
        assert_eq!(
            calibration_slope(&array![1.0], &array![9.0]),
            MAX_CALIBRATION_SLOPE
        );
        assert_eq!(calibration_slope(&array![0.0], &array![1.0]), 0.0);
    }
}
