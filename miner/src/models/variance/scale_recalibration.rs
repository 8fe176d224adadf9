//! Online recalibration: scales are corrected by how large the newest returns turned out over what was expected of them.
//!
//! The correction follows the past as it settles, as adaptive conformal inference does (Gibbs and Candès 2021), but
//! for the scale of all quantiles instead of one interval.

use foretell_core::series::Grid;
use foretell_core::time::Millis;
use serde::{Deserialize, Serialize};

use super::probability_grid::probability_grid;
use super::residual_distribution::ResidualDistribution;
use crate::diurnal_profile::DiurnalProfile;
use crate::prefix_sums::PrefixSums;
use crate::returns::{Returns, steps_in};

/// Time between two past origins whose moves are compared.
const ORIGIN_SPACING: Millis = Millis::hours(1);
/// Steps whose moves are compared, as shares of the horizon.
const STEP_SHARES: [f64; 4] = [0.1, 0.25, 0.5, 1.0];

/// How far scales follow the newest returns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScaleRecalibration {
    /// Newest span, whose origins are compared.
    pub span: Millis,
    /// Power of the ratio of realised to expected magnitude that scales are multiplied by: 1 follows it fully.
    pub strength: f64,
}

impl ScaleRecalibration {
    /// Number of returns that it takes beyond those that dynamics look back on.
    pub fn lookback(&self, step: Millis, horizon: usize) -> usize {
        steps_in(self.span, step) + horizon
    }

    /// The factor on the scales of a forecast from the last of `returns`.
    ///
    /// `variances` writes the variances that were expected of the steps after a row, diurnal profile apart.
    pub fn factor(
        &self,
        grid: &Grid,
        returns: &Returns,
        diurnal_profile: &DiurnalProfile,
        residual_distributions: &[ResidualDistribution],
        mut variances: impl FnMut(usize, &mut [f64]),
    ) -> f64 {
        let horizon = grid.horizon;
        let newest = returns.len().saturating_sub(1);
        let every = steps_in(ORIGIN_SPACING, grid.step);
        let steps = STEP_SHARES.map(|share| ((share * horizon as f64).round() as usize).max(1));
        let cumulative_returns = PrefixSums::new(returns.values.iter().copied());
        let mut expected_variances = vec![0.0; horizon];
        let (mut realised, mut expected) = (0.0, 0.0);
        let origins = (1..=steps_in(self.span, grid.step) / every)
            .filter_map(|back| newest.checked_sub(horizon + (back - 1) * every));
        for row in origins.filter(|row| returns.is_contiguous(*row, horizon, grid.step)) {
            variances(row, &mut expected_variances);
            let mut total = 0.0;
            for (step, variance) in (1..).zip(&expected_variances) {
                total += variance * diurnal_profile.factor(returns.open_times[row + step]);
                if steps.contains(&step) && total > 0.0 {
                    realised +=
                        cumulative_returns.sum(row + 1, row + 1 + step).abs() / total.sqrt();
                    expected += mean_magnitude(&residual_distributions[step - 1]);
                }
            }
        }
        let ratio = realised / expected;
        if ratio.is_normal() {
            ratio.powf(self.strength)
        } else {
            1.0
        }
    }
}

/// E|z| of a distribution, by the trapezoid rule over its probabilities; beyond the last, |z| counts as the last.
fn mean_magnitude(distribution: &ResidualDistribution) -> f64 {
    let probabilities = probability_grid();
    let spans = probabilities.windows(2).zip(distribution.0.windows(2));
    let within: f64 = spans
        .map(|(p, magnitude)| (p[1] - p[0]) * 0.5 * (magnitude[0] + magnitude[1]))
        .sum();
    let beyond = 1.0 - probabilities[probabilities.len() - 1];
    within + beyond * distribution.0.last().copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::probability_grid::PROBABILITY_COUNT;
    use super::*;

    #[test]
    fn the_mean_magnitude_of_a_uniform_distribution_is_a_half() {
        let uniform = ResidualDistribution(probability_grid().to_vec());
        assert_eq!(uniform.0.len(), PROBABILITY_COUNT);
        assert!((mean_magnitude(&uniform) - 0.5).abs() < 1e-3);
    }
}
