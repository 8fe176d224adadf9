//! Models of variance: what the honest miners of a population run.
//!
//! Compact forms of what works on bitcoin: log variance over several windows regressed on the past (Corsi 2009), moving
//! averages, trailing means; each with or without seasonal factors, and with the empirical distribution of its own
//! errors. Fitted on bars before a given one only.

use foretell_core::forecast::POOL_LEVELS;
use foretell_core::time::Millis;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::least_squares::least_squares;
use super::seasonal_factors::SeasonalFactors;
use super::variance_sums::{VarianceLevel, VarianceSums};
use crate::historical_market::HistoricalMarket;

/// First step (from 1) of each bucket of the horizon, and the step at which its distribution is measured.
const BUCKETS: [(usize, usize); 7] = [
    (1, 1),
    (2, 3),
    (4, 6),
    (7, 12),
    (13, 24),
    (25, 48),
    (49, 100),
];
/// Bars between two rows of the training set.
const ROW_EVERY: usize = 6;
/// Keeps logarithms finite, in units of a typical variance.
const VARIANCE_OFFSET: f64 = 1e-3;

/// The distribution of a move, given its variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum InnovationDistribution {
    /// Symmetrised quantiles of the model's own past errors, by bucket of the horizon.
    Empirical,
    /// A normal distribution.
    Gaussian,
    /// Student's t with ν degrees of freedom, times a scale.
    StudentT(f64, f64),
}

/// A model before it is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedModelSpec {
    /// How the level of variance is forecast.
    pub level: VarianceLevel,
    /// Whether hours and kinds of day have factors of their own.
    pub seasonal: bool,
    /// Shape of the distribution.
    pub distribution: InnovationDistribution,
    /// Span before the fit that training rows come from.
    pub training_span: Millis,
}

/// A fitted model.
#[derive(Debug)]
pub struct SimulatedModel {
    spec: SimulatedModelSpec,
    seasonal_factors: SeasonalFactors,
    /// Coefficients by bucket, constant first; it includes the correction of the exponential's bias.
    coefficients: Vec<Vec<f64>>,
    /// [`POOL_LEVELS`] quantiles by bucket.
    quantiles: Vec<Vec<f64>>,
    /// Variances of the past relative to the seasonal factors.
    sums: VarianceSums,
}

impl SimulatedModelSpec {
    /// The model fitted on the bars before bar `now`; forecasts may be made up to bar `until`.
    pub fn fit(&self, market: &HistoricalMarket, now: usize, until: usize) -> SimulatedModel {
        let seasonal_factors = if self.seasonal {
            SeasonalFactors::estimate(market, now)
        } else {
            SeasonalFactors::flat()
        };
        let first = now
            .saturating_sub(market.bars_in(self.training_span) + market.bars_in(Millis::days(8)));
        let mut model = SimulatedModel {
            spec: *self,
            sums: VarianceSums::new(market, &seasonal_factors, self.level, first, until),
            seasonal_factors,
            coefficients: Vec::new(),
            quantiles: Vec::new(),
        };
        let horizon = market.series.grid.horizon;
        let start = first + market.bars_in(Millis::days(8));
        let rows: Vec<usize> = (start..now.saturating_sub(horizon))
            .step_by(ROW_EVERY)
            .collect();
        model.coefficients = model.regress(&rows, horizon);
        model.quantiles = model.innovation_quantiles(market, &rows);
        model
    }
}

impl SimulatedModel {
    /// Scale of the move to each step, in bps, as known when the first `known` bars are complete.
    pub fn scales(&self, market: &HistoricalMarket, known: usize) -> Vec<f64> {
        let features = self.features(known);
        let mut variance = 0.0;
        (0..market.series.grid.horizon)
            .map(|step| {
                let bucket = bucket(step + 1);
                let factor = self.seasonal_factors.factor(market, known + step);
                variance += self.relative_variance(&features, bucket) * factor;
                libm::sqrt(variance)
            })
            .collect()
    }

    /// Quantiles of the move to `step` (from 1) in units of its scale.
    pub fn quantiles(&self, step: usize) -> &[f64] {
        &self.quantiles[bucket(step)]
    }

    /// Inputs of a forecast when `known` bars are complete: log variances, for a regression after a constant.
    fn features(&self, known: usize) -> Vec<f64> {
        let sums = &self.sums;
        match self.spec.level {
            VarianceLevel::HarRegression(windows) => [1.0]
                .into_iter()
                .chain(windows.iter().map(|window| {
                    let bars = sums.bars_in(*window);
                    log(sums.mean(&sums.ranged, known.saturating_sub(bars), known))
                }))
                .collect(),
            VarianceLevel::Ewma(_) => vec![log(sums.ewma[known - 1 - sums.first])],
            VarianceLevel::TrailingMean(span) => {
                let bars = sums.bars_in(span);
                vec![log(sums.mean(
                    &sums.blended,
                    known.saturating_sub(bars),
                    known,
                ))]
            }
        }
    }

    /// Variance of one bar in a bucket, before seasonal factors.
    fn relative_variance(&self, features: &[f64], bucket: usize) -> f64 {
        let weights = &self.coefficients[bucket];
        libm::exp(weights.iter().zip(features).map(|(w, x)| w * x).sum())
    }

    /// Coefficients by bucket.
    fn regress(&self, rows: &[usize], horizon: usize) -> Vec<Vec<f64>> {
        if !matches!(self.spec.level, VarianceLevel::HarRegression(_)) {
            return vec![vec![1.0]; BUCKETS.len()];
        }
        let sums = &self.sums;
        let inputs: Vec<Vec<f64>> = rows.iter().map(|row| self.features(*row)).collect();
        let bucket_coefficients = |(first, last): (usize, usize)| {
            let (first, last) = (first.min(horizon), last.min(horizon));
            let targets: Vec<f64> = rows
                .iter()
                .map(|row| sums.mean(&sums.blended, row + first - 1, row + last))
                .collect();
            let logs: Vec<f64> = targets.iter().map(|target| log(*target)).collect();
            let mut weights = least_squares(&inputs, &logs);
            // The exponential of a mean logarithm is biased down: corrected by the mean ratio on the training rows.
            let ratios = inputs.iter().zip(&targets).map(|(x, target)| {
                target / libm::exp(weights.iter().zip(x).map(|(w, x)| w * x).sum())
            });
            weights[0] += log(ratios.sum::<f64>() / rows.len().max(1) as f64);
            weights
        };
        BUCKETS.into_iter().map(bucket_coefficients).collect()
    }

    /// [`POOL_LEVELS`] quantiles by bucket, in units of the scale.
    fn innovation_quantiles(&self, market: &HistoricalMarket, rows: &[usize]) -> Vec<Vec<f64>> {
        let horizon = market.series.grid.horizon;
        let symmetric = |inverse: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let level = |k: usize| (2 * k + 1) as f64 / (2 * POOL_LEVELS) as f64;
            (0..POOL_LEVELS).map(|k| inverse(level(k))).collect()
        };
        match self.spec.distribution {
            InnovationDistribution::Gaussian => {
                vec![symmetric(&|p| Normal::standard().inverse_cdf(p)); BUCKETS.len()]
            }
            InnovationDistribution::StudentT(freedom, scale) => {
                let t = StudentsT::new(0.0, 1.0, freedom);
                let row = symmetric(&|p| t.as_ref().map_or(0.0, |t| scale * t.inverse_cdf(p)));
                vec![row; BUCKETS.len()]
            }
            InnovationDistribution::Empirical => {
                let mut errors: Vec<Vec<f64>> = vec![Vec::new(); BUCKETS.len()];
                for row in rows {
                    let scales = self.scales(market, *row);
                    let mut moved = 0.0;
                    let mut at = 0;
                    for (errors, (_, measured)) in errors.iter_mut().zip(BUCKETS) {
                        let measured = measured.min(horizon);
                        while at < measured {
                            moved += market.log_return(row + at);
                            at += 1;
                        }
                        errors.push((moved / scales[measured - 1]).abs());
                    }
                }
                let sorted = errors.into_iter().map(|mut errors| {
                    errors.sort_unstable_by(f64::total_cmp);
                    let magnitude = |p: f64| {
                        let at = (p * errors.len() as f64) as usize;
                        errors
                            .get(at.min(errors.len().saturating_sub(1)))
                            .copied()
                            .unwrap_or(0.0)
                    };
                    symmetric(&|p| {
                        let size = magnitude((2.0 * p - 1.0).abs());
                        if p < 0.5 {
                            -size
                        } else if p > 0.5 {
                            size
                        } else {
                            0.0
                        }
                    })
                });
                sorted.collect()
            }
        }
    }
}

fn log(variance: f64) -> f64 {
    libm::log(variance.max(0.0) + VARIANCE_OFFSET)
}

/// The bucket of a step, from 1.
fn bucket(step: usize) -> usize {
    BUCKETS
        .iter()
        .rposition(|(first, _)| *first <= step)
        .unwrap_or(0)
}
