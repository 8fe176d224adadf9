//! Log variance over buckets of steps, regressed on features.

use std::ops::Range;

use foretell_core::time::Millis;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::standard_scaler::StandardScaler;
use crate::deseasonalised_returns::DeseasonalisedReturns;
use crate::features::{FeatureSet, log_variance};
use crate::models::model::ModelError;
use crate::order_statistics::winsorise;
use crate::prefix_sums::PrefixSums;

/// First steps of the buckets over which variance is predicted as one; the last bucket ends with the horizon.
const BUCKET_STARTS: [usize; 7] = [1, 2, 4, 7, 13, 25, 49];
/// How far outside the training's targets a predicted log variance may lie.
const EXTRAPOLATION_LIMIT: f64 = 1.0;
/// Share of the ratios of realised to predicted variance that is not cut down to the rest's largest.
const WINSOR_LEVEL: f64 = 0.999;

/// From standardised columns and a centred target to the columns' coefficients.
pub type RegressionSolver = fn(&Array2<f64>, &Array1<f64>) -> Result<Array1<f64>, ModelError>;

/// A fitted regression of each bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogVarianceRegression {
    features: FeatureSet,
    scaler: StandardScaler,
    buckets: Vec<HorizonBucket>,
}

impl LogVarianceRegression {
    /// Regresses the log of the mean variance to come on the features known at each of `rows`.
    ///
    /// `shrinkage` (0 to 1) shrinks each bucket's coefficients towards the mean of all.
    pub fn fit(
        features: FeatureSet,
        solve: RegressionSolver,
        shrinkage: f64,
        horizon: usize,
        deseasonalised: &DeseasonalisedReturns,
        rows: &[usize],
    ) -> Result<Self, ModelError> {
        let raw: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| features.at(deseasonalised, *row))
            .collect();
        let scaler = StandardScaler::fit(&raw);
        let columns = scaler.transform(&raw);
        let mut buckets = buckets(horizon)
            .map(|steps| HorizonBucket::fit(steps, solve, &columns, deseasonalised, rows))
            .collect::<Result<Vec<_>, _>>()?;
        if shrinkage > 0.0 {
            let count = buckets.len() as f64;
            let mean = |column: usize| {
                let weights = buckets.iter().map(|bucket| bucket.weights[column]);
                weights.sum::<f64>() / count
            };
            let means: Vec<f64> = (0..columns.ncols()).map(mean).collect();
            for bucket in &mut buckets {
                for (weight, mean) in bucket.weights.iter_mut().zip(&means) {
                    *weight += shrinkage * (mean - *weight);
                }
            }
        }
        for bucket in &mut buckets {
            bucket.fit_log_bias(&columns, deseasonalised, rows);
        }
        Ok(Self {
            features,
            scaler,
            buckets,
        })
    }

    /// Number of returns that the longest window takes.
    pub fn lookback(&self, step: Millis) -> usize {
        self.features.lookback(step)
    }

    /// Expected squared deseasonalised return of each step to come, as known when `row` closed.
    pub fn variances(&self, deseasonalised: &DeseasonalisedReturns, row: usize, out: &mut [f64]) {
        let features = self
            .scaler
            .transform_row(&self.features.at(deseasonalised, row));
        for bucket in &self.buckets {
            let variance = bucket.variance(&features);
            for step in bucket.steps.clone() {
                if let Some(out) = out.get_mut(step - 1) {
                    *out = variance;
                }
            }
        }
    }
}

/// The prediction of mean log variance over some steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct HorizonBucket {
    /// Steps after the row, counted from 1.
    steps: Range<usize>,
    weights: Vec<f64>,
    intercept: f64,
    /// Lowest and highest log variance that may be predicted.
    prediction_range: (f64, f64),
    /// Added to a predicted log variance to make it unbiased for squared returns.
    log_bias: f64,
}

impl HorizonBucket {
    fn fit(
        steps: Range<usize>,
        solve: RegressionSolver,
        columns: &Array2<f64>,
        deseasonalised: &DeseasonalisedReturns,
        rows: &[usize],
    ) -> Result<Self, ModelError> {
        let ahead = |row: &usize| {
            let mean = deseasonalised
                .blended_variance()
                .mean(row + steps.start, row + steps.end);
            log_variance(mean)
        };
        let mut targets: Array1<f64> = rows.iter().map(ahead).collect();
        let (lowest, highest) = targets.iter().fold((f64::MAX, f64::MIN), |(low, high), t| {
            (low.min(*t), high.max(*t))
        });
        let intercept = targets.mean().unwrap_or(0.0);
        targets -= intercept;
        Ok(Self {
            weights: solve(columns, &targets)?.to_vec(),
            intercept,
            prediction_range: (lowest - EXTRAPOLATION_LIMIT, highest + EXTRAPOLATION_LIMIT),
            log_bias: 0.0,
            steps,
        })
    }

    /// Sets the log bias: the logarithm of the mean ratio of squared returns to what is predicted.
    fn fit_log_bias(
        &mut self,
        columns: &Array2<f64>,
        deseasonalised: &DeseasonalisedReturns,
        rows: &[usize],
    ) {
        let ahead = |squared: &PrefixSums, row: usize| {
            squared.mean(row + self.steps.start, row + self.steps.end)
        };
        let mut ratios: Vec<f64> = columns
            .rows()
            .into_iter()
            .zip(rows)
            .map(|(columns, row)| {
                let predicted = self.log_variance(columns.iter().copied()).exp();
                ahead(deseasonalised.squared_returns(), *row).max(0.0) / predicted
            })
            .collect();
        winsorise(&mut ratios, WINSOR_LEVEL);
        let bias = ratios.iter().sum::<f64>() / ratios.len().max(1) as f64;
        self.log_bias = if bias > 0.0 { bias.ln() } else { 0.0 };
    }

    /// The regression's prediction from standardised features.
    fn log_variance(&self, features: impl Iterator<Item = f64>) -> f64 {
        let (lowest, highest) = self.prediction_range;
        let explained: f64 = self.weights.iter().zip(features).map(|(w, x)| w * x).sum();
        (self.intercept + explained).clamp(lowest, highest)
    }

    /// Expected squared deseasonalised return, from standardised features.
    fn variance(&self, features: &[f64]) -> f64 {
        (self.log_variance(features.iter().copied()) + self.log_bias).exp()
    }
}

/// The buckets of a horizon: none begins beyond it, the last ends with it.
fn buckets(horizon: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = BUCKET_STARTS
        .into_iter()
        .take_while(move |start| *start <= horizon);
    let ends = BUCKET_STARTS.into_iter().skip(1).chain([usize::MAX]);
    starts
        .zip(ends)
        .map(move |(start, end)| start..end.min(horizon + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_every_step_once() {
        for horizon in [1, 2, 5, 48, 49, 100, 1000] {
            let steps: Vec<usize> = buckets(horizon).flatten().collect();
            assert_eq!(steps, (1..=horizon).collect::<Vec<_>>());
        }
        assert_eq!(buckets(100).last(), Some(49..101));
        assert_eq!(buckets(5).last(), Some(4..6));
    }
}
