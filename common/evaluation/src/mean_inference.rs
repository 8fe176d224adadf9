//! How sure a mean over rounds is whose outcomes overlap: equal-weighted cosine inference.
//!
//! Lazarus, Lewis, Stock & Watson (2018), "HAR Inference: Recommendations for Practice", JBES 36: the long-run variance is the
//! mean of B squared cosine sums of the lowest frequencies, and the statistic is compared with Student's t of B degrees of
//! freedom. A Bartlett sum with normal critical values calls far more than 5 % of nulls significant at our lengths.

mod cosine_sums;
#[cfg(test)]
mod size_tests;

use foretell_core::journal::Genesis;
use foretell_core::pool::Advantage;
use foretell_core::time::{Millis, UnixMillis};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Dependence that is allowed for beyond the overlap: days that differ.
const PERSISTENCE: Millis = Millis::hours(48);
/// Shortest sample, in lags of the overlap, that says anything: B would be too small below it.
const MIN_LAGS: usize = 10;
/// Cosines of the shortest sample whose overlap binds.
const USUAL_COSINES: usize = 5;
/// Fewest cosines: critical values of fewer are too large to say anything.
const MIN_COSINES: usize = 3;
/// Most cosines: more change a critical value by less than 2 %.
const MAX_COSINES: usize = 40;
/// Rounds older than this many half-lives weigh a millionth of the latest.
const MAX_HALF_LIVES: i64 = 20;

/// A mean over rounds, with what is known of its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanInference {
    /// The mean, weighted where the rounds are.
    pub mean: f64,
    /// Its standard error, which allows for dependence.
    pub standard_error: f64,
    /// B, the degrees of freedom of mean/standard error under Student's t.
    pub degrees_of_freedom: usize,
}

/// How rounds of a series depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundDependence {
    overlap: usize,
    lags: usize,
}

impl RoundDependence {
    /// Rounds of this series: `h` that one horizon overlaps, and dependence up to max(2h, 48 h).
    pub fn of_series(genesis: &Genesis) -> Self {
        let rounds_in = |span: Millis| {
            let every = genesis.round_every.get().max(1) as usize;
            (span.get().max(0) as usize).div_ceil(every)
        };
        Self::new(
            rounds_in(genesis.series.grid.span()),
            rounds_in(PERSISTENCE),
        )
    }

    /// `overlap` rounds share a realised price with the next one, and dependence is allowed for up to `lags` rounds.
    pub fn new(overlap: usize, lags: usize) -> Self {
        let overlap = overlap.max(1);
        Self {
            overlap,
            lags: lags.max(2 * overlap),
        }
    }

    /// h: rounds that one horizon overlaps, 1 at least.
    pub const fn overlap(self) -> usize {
        self.overlap
    }

    /// Rounds up to which dependence is allowed for: max(2h, 48 h).
    pub const fn lags(self) -> usize {
        self.lags
    }

    /// Fewest rounds of which anything is said: ten times the 2h lags of the overlap.
    pub const fn min_rounds(self) -> usize {
        MIN_LAGS * 2 * self.overlap
    }

    /// B for `rounds` of equal weight; `None` where nothing can be said.
    ///
    /// ⌊0.41·T^⅔⌋ at most, as Lazarus et al. choose it. Overlap of h rounds makes the spectrum fall to 0 at the frequency
    /// 2π/h, and the highest that is used is πB/T, so B is T/(2·lags) at most, or 5, which at T ≥ 20h is no more than
    /// T/(4h): an eighth of the way to that zero.
    fn cosines(self, rounds: usize) -> Option<usize> {
        if rounds < self.min_rounds() {
            return None;
        }
        let within_band = (rounds / (2 * self.lags)).max(USUAL_COSINES);
        let cosines = least_error(rounds).min(within_band).min(MAX_COSINES);
        (cosines >= MIN_COSINES).then_some(cosines)
    }

    /// B where the latest of `rounds` weighs as much as one of `effective` equal ones would.
    fn weighted_cosines(self, rounds: usize, effective: f64) -> Option<usize> {
        let within_band = (effective / (4 * self.overlap) as f64) as usize;
        let cosines = self.cosines(rounds)?.min(USUAL_COSINES).min(within_band);
        (cosines >= MIN_COSINES).then_some(cosines)
    }
}

/// ⌊0.41·T^⅔⌋: Lazarus et al. (2018), equation 4.
fn least_error(rounds: usize) -> usize {
    (0.41 * libm::cbrt((rounds * rounds) as f64)) as usize
}

impl MeanInference {
    /// The mean of `values` in order of time; `None` of too few, or of values that don't vary.
    pub fn of_rounds(values: &[f64], dependence: RoundDependence) -> Option<Self> {
        let cosines = dependence.cosines(values.len())?;
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
        let sums = cosine_sums::equal_weights(&centred, cosines);
        // Σ of 2/T·(Σ d·cos)², of which V is the mean; V/T is the mean's variance.
        let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
        let variance = 2.0 / count * squares / cosines as f64;
        Self::new(mean, (variance / count).sqrt(), cosines, values)
    }

    /// The mean of advantages by origin, a round's weight halving with every half-life before the latest, as
    /// [`Evidence`](foretell_core::pool::Evidence) has it; `None` of too few, or of values that don't vary.
    ///
    /// With weights ω the cosines are of Σω² up to a round instead of time, made orthogonal (in the inner product Σω²·f·g)
    /// to 1 and 1/ω, so that for independent rounds the sums Σω·f·A are uncorrelated with each other and with the mean.
    pub fn of_advantages(
        advantages: &[Advantage],
        half_life: Millis,
        dependence: RoundDependence,
    ) -> Option<Self> {
        let latest = advantages.last()?.origin;
        let oldest = UnixMillis::saturating(
            latest
                .get()
                .saturating_sub(half_life.get().saturating_mul(MAX_HALF_LIVES)),
        );
        let recent = &advantages[advantages.partition_point(|a| a.origin < oldest)..];
        let weights: Vec<f64> = recent
            .iter()
            .map(|a| libm::exp2(-((latest - a.origin).get() as f64) / half_life.get() as f64))
            .collect();
        let values: Vec<f64> = recent.iter().map(|advantage| advantage.value).collect();
        let total: f64 = weights.iter().sum();
        let effective: f64 = weights.iter().map(|weight| weight * weight).sum();
        let cosines = dependence.weighted_cosines(values.len(), effective)?;
        let weighted: f64 = weights
            .iter()
            .zip(&values)
            .map(|(w, value)| w * value)
            .sum();
        let mean = weighted / total;
        let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
        let sums = cosine_sums::weighted(&centred, &weights, cosines);
        if sums.len() < MIN_COSINES {
            return None;
        }
        let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
        let standard_error = (squares / sums.len() as f64).sqrt() / total;
        Self::new(mean, standard_error, sums.len(), &values)
    }

    /// The plain mean of independent values: their standard error, with n − 1 degrees of freedom; `None` below two.
    pub fn of_independent(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count < 2 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let standard_error = (squares / (count * (count - 1)) as f64).sqrt();
        Some(Self {
            mean,
            standard_error,
            degrees_of_freedom: count - 1,
        })
    }

    /// `None` where values differ by rounding alone.
    fn new(mean: f64, standard_error: f64, cosines: usize, values: &[f64]) -> Option<Self> {
        let size = values.iter().fold(0.0, |a: f64, value| a.max(value.abs()));
        (standard_error > 1e-14 * size).then_some(Self {
            mean,
            standard_error,
            degrees_of_freedom: cosines,
        })
    }

    /// Mean over standard error.
    pub fn t(&self) -> f64 {
        self.mean / self.standard_error
    }

    /// Two-sided p-value of a mean of 0.
    pub fn p_value(&self) -> f64 {
        match self.distribution() {
            Some(distribution) => 2.0 * distribution.cdf(-self.t().abs()),
            None => 1.0,
        }
    }

    /// Half the width of the interval that holds the true mean in 95 % of all cases.
    pub fn half_width(&self) -> f64 {
        let quantile = self.distribution().map(|d| d.inverse_cdf(0.975));
        quantile.unwrap_or(f64::INFINITY) * self.standard_error
    }

    fn distribution(&self) -> Option<StudentsT> {
        StudentsT::new(0.0, 1.0, self.degrees_of_freedom as f64).ok()
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::{MONDAY, STEP};

    use super::*;

    /// T = 20, h = 1: B = ⌊0.41·20^⅔⌋ = ⌊3.02⌋ = 3. d = +1 in the first half, −1 in the second: the cosine sum of odd j is
    /// Σ 2·cos(πj(2t + 1)/40) over t < 10 = sin(πj/2)/sin(πj/40), of even j it is 0; d̄ = 0.
    #[test]
    fn worked_by_hand() {
        let d: Vec<f64> = (0..20).map(|i| if i < 10 { 1.0 } else { -1.0 }).collect();
        let inference = MeanInference::of_rounds(&d, RoundDependence::new(1, 2)).unwrap();
        let sum = |j: f64| 1.0 / (std::f64::consts::PI * j / 40.0).sin();
        let variance = 2.0 / 20.0 * (sum(1.0).powi(2) + sum(3.0).powi(2)) / 3.0;
        assert!((inference.standard_error - (variance / 20.0).sqrt()).abs() < 1e-12);
        assert_eq!((inference.t(), inference.p_value()), (0.0, 1.0));
        // t₃ at 97.5 % is 3.1824.
        let factor = inference.half_width() / inference.standard_error;
        assert!((factor - 3.1824).abs() < 1e-4, "{factor}");
    }

    #[test]
    fn frequencies_follow_length_overlap_and_persistence() {
        // Half-hourly rounds of 8 h 20 min: h = 17, 96 lags.
        let live = RoundDependence::new(17, 96);
        let cosines = [339, 340, 960, 1_500, 17_520].map(|rounds| live.cosines(rounds));
        assert_eq!(cosines, [None, Some(5), Some(5), Some(7), Some(40)]);
        // h = 1: ⌊0.41·T^⅔⌋ where no persistence is allowed for.
        let apart = RoundDependence::new(1, 2);
        assert_eq!(
            [19, 20, 40, 100].map(|rounds| apart.cosines(rounds)),
            [None, Some(3), Some(4), Some(8)]
        );
        assert_eq!(live.weighted_cosines(17_520, 346.0), Some(5));
        assert_eq!(live.weighted_cosines(340, 217.0), Some(3));
        assert_eq!(live.weighted_cosines(340, 200.0), None);
    }

    #[test]
    fn what_does_not_vary_has_no_error_to_speak_of() {
        let dependence = RoundDependence::new(1, 2);
        for value in [0.0, 0.1, 1.0] {
            assert_eq!(MeanInference::of_rounds(&[value; 30], dependence), None);
            let advantages = advantages(&[value; 30]);
            let half_life = Millis::days(1);
            assert_eq!(
                MeanInference::of_advantages(&advantages, half_life, dependence),
                None
            );
        }
        assert_eq!(MeanInference::of_rounds(&[], dependence), None);
        assert_eq!(
            MeanInference::of_advantages(&[], Millis::days(1), dependence),
            None
        );
        assert_eq!(MeanInference::of_independent(&[1.0]), None);
    }

    /// Weights that hardly differ: as good as none.
    #[test]
    fn a_long_half_life_gives_the_plain_mean() {
        let values: Vec<f64> = (0..60).map(|i| f64::from(i * 7 % 11) - 3.0).collect();
        let dependence = RoundDependence::new(1, 2);
        let weighted =
            MeanInference::of_advantages(&advantages(&values), Millis::days(1_000_000), dependence);
        let (weighted, plain) = (
            weighted.unwrap(),
            MeanInference::of_rounds(&values, dependence).unwrap(),
        );
        assert!((weighted.mean - plain.mean).abs() < 1e-3);
        assert_eq!(weighted.degrees_of_freedom, 5);
    }

    fn advantages(values: &[f64]) -> Vec<Advantage> {
        (0..)
            .zip(values)
            .map(|(i, value)| Advantage {
                origin: MONDAY + STEP.times(i),
                value: *value,
            })
            .collect()
    }
}
