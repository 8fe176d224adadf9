//! The distribution of a standardised move at one step: how large |z| is at each probability.

use serde::{Deserialize, Serialize};

use super::probability_grid::{PROBABILITY_COUNT, probability_grid};
use super::student_t::StudentTables;
use crate::order_statistics::OrderStatistics;

/// The sample's own quantiles are at least this share of Student's t: returns that were mostly 0 keep some spread.
const MIN_STUDENT_SHARE: f64 = 0.25;

/// |z| at each of the [`probability_grid`], ascending; z is symmetric about 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResidualDistribution(pub Vec<f64>);

/// How residual distributions are learnt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResidualDistributionSpec {
    /// Weight of the sample's own quantiles; the rest is Student's t.
    pub empirical_weight: f64,
    /// Steps on either side over which distributions are averaged.
    pub smoothing_steps: usize,
}

/// Where the K quantiles of a forecast stand among the [`probability_grid`].
#[derive(Debug, Clone)]
pub struct QuantileInterpolator {
    k: usize,
    /// For each quantile above the median: the point below it, and the way to the next.
    upper: Vec<(usize, f64)>,
}

impl ResidualDistributionSpec {
    /// The distribution of these |z|, which aren't negative.
    pub fn fit(&self, magnitudes: &[f64], student_tables: &StudentTables) -> ResidualDistribution {
        let positions = probability_grid().map(|p| RankPosition::new(p, magnitudes.len()));
        let ranks = positions
            .iter()
            .flat_map(|position| [position.below, position.above]);
        let order_statistics = OrderStatistics::new(
            magnitudes,
            ranks.chain(StudentTables::ranks(magnitudes.len())),
        );
        let student = student_tables.fit(&order_statistics);
        let blended = positions.iter().zip(student).map(|(position, t)| {
            let own = position
                .quantile(&order_statistics)
                .max(MIN_STUDENT_SHARE * t);
            self.empirical_weight * own + (1.0 - self.empirical_weight) * t
        });
        ResidualDistribution(blended.collect())
    }

    /// Each distribution averaged with those of its neighbouring steps.
    pub fn smooth(&self, distributions: Vec<ResidualDistribution>) -> Vec<ResidualDistribution> {
        if self.smoothing_steps == 0 {
            return distributions;
        }
        let around = |step: usize| {
            // As many on either side, so that no step is biased towards later or earlier ones.
            let reach = self
                .smoothing_steps
                .min(step)
                .min(distributions.len() - 1 - step);
            &distributions[step - reach..=step + reach]
        };
        let mean = |neighbours: &[ResidualDistribution]| {
            let count = neighbours.len() as f64;
            let at = |j: usize| {
                neighbours
                    .iter()
                    .map(|distribution| distribution.0[j])
                    .sum::<f64>()
                    / count
            };
            ResidualDistribution((0..PROBABILITY_COUNT).map(at).collect())
        };
        (0..distributions.len())
            .map(|step| mean(around(step)))
            .collect()
    }
}

impl QuantileInterpolator {
    /// The places of K quantiles at levels (2k − 1)/2K.
    pub fn new(k: usize) -> Self {
        let points = probability_grid();
        let upper = (k.div_ceil(2)..k).map(|index| {
            // P(|z| ≤ q) of the quantile at level (2·index + 1)/2K.
            let p = (2 * index + 1) as f64 / k as f64 - 1.0;
            let above = points
                .partition_point(|point| *point <= p)
                .min(PROBABILITY_COUNT - 1);
            let (low, high) = (points[above - 1], points[above]);
            (above - 1, ((p - low) / (high - low)).min(1.0))
        });
        Self {
            k,
            upper: upper.collect(),
        }
    }

    /// The K quantiles of a distribution, ascending.
    pub fn quantiles(&self, distribution: &ResidualDistribution) -> Vec<f64> {
        let magnitudes = &distribution.0;
        let mut quantiles = vec![0.0; self.k];
        let (lower, upper) = quantiles.split_at_mut(self.k.div_ceil(2));
        for (quantile, (point, fraction)) in upper.iter_mut().zip(&self.upper) {
            *quantile =
                magnitudes[*point] + fraction * (magnitudes[point + 1] - magnitudes[*point]);
        }
        // Where K is odd, the median stays 0.
        for (quantile, mirrored) in lower.iter_mut().zip(upper.iter().rev()) {
            *quantile = -mirrored;
        }
        quantiles
    }
}

/// Where a quantile stands in a sample: between two order statistics, on a straight line.
#[derive(Debug, Clone, Copy)]
struct RankPosition {
    below: usize,
    above: usize,
    /// Position between the two, from 0 to 1.
    fraction: f64,
}

impl RankPosition {
    /// The place of probability `p` in a sample of this size.
    fn new(p: f64, count: usize) -> Self {
        let last = count.saturating_sub(1);
        let position = (p * count as f64 - 0.5).clamp(0.0, last as f64);
        let below = position as usize;
        Self {
            below,
            above: (below + 1).min(last),
            fraction: position - below as f64,
        }
    }

    /// The quantile of this sample; 0 of an empty one.
    fn quantile(&self, sample: &OrderStatistics) -> f64 {
        let [below, above] = [self.below, self.above].map(|rank| sample.get(rank).unwrap_or(0.0));
        below + self.fraction * (above - below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// |z| uniform on [0, 1]: its quantiles are the probabilities themselves.
    fn uniform() -> Vec<f64> {
        (0..20_000)
            .map(|i| (f64::from(i) + 0.5) / 20_000.0)
            .collect()
    }

    #[test]
    fn the_samples_own_distribution_is_its_quantiles() {
        let spec = ResidualDistributionSpec {
            empirical_weight: 1.0,
            smoothing_steps: 0,
        };
        let distribution = spec.fit(&uniform(), &StudentTables::new());
        for (magnitude, p) in distribution.0.iter().zip(probability_grid()) {
            assert!((magnitude - p).abs() < 1e-4);
        }
        // K = 4: levels ⅛, ⅜, ⅝, ⅞, |z| at probabilities ¼ and ¾.
        let quantiles = QuantileInterpolator::new(4).quantiles(&distribution);
        for (quantile, expected) in quantiles.iter().zip([-0.75, -0.25, 0.25, 0.75]) {
            assert!((quantile - expected).abs() < 1e-4);
        }
    }

    #[test]
    fn quantiles_of_any_k_are_in_order_and_symmetric() {
        let distribution = ResidualDistribution(probability_grid().map(|p| p * p).to_vec());
        for k in [1, 2, 3, 99, 100, 1000] {
            let quantiles = QuantileInterpolator::new(k).quantiles(&distribution);
            assert_eq!(quantiles.len(), k);
            assert!(quantiles.is_sorted());
            assert_eq!(quantiles[0], -quantiles[k - 1]);
        }
        assert_eq!(QuantileInterpolator::new(1).quantiles(&distribution), [0.0]);
    }

    #[test]
    fn smoothing_keeps_the_ends_and_averages_between() {
        let distributions = [0.0, 3.0, 6.0, 30.0]
            .map(|magnitude| ResidualDistribution(vec![magnitude; PROBABILITY_COUNT]));
        let spec = ResidualDistributionSpec {
            empirical_weight: 1.0,
            smoothing_steps: 1,
        };
        let smooth = spec.smooth(distributions.to_vec());
        let magnitudes: Vec<f64> = smooth
            .iter()
            .map(|distribution| distribution.0[0])
            .collect();
        assert_eq!(magnitudes, [0.0, 3.0, 13.0, 30.0]);
    }
}
