//! How sure we are that a miner beats the reference.

use super::Advantage;
use super::lanes::dot;
use crate::rules::EvidenceRules;

/// Mean advantage, its standard error, and what of it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// μ: mean advantage, a round's weight halving with every half-life before the latest.
    pub mean: f64,
    /// Heteroscedasticity- and autocorrelation-consistent standard error of μ (Newey & West 1987).
    pub standard_error: f64,
    /// Scored rounds, misses included.
    pub rounds: usize,
    /// e = max(0, μ − se − margin); 0 with too few rounds. Only e > 0 is eligible for pay.
    pub value: f64,
}

impl Evidence {
    /// The evidence in advantages ordered by origin; `lags` is L, see [`lags`]. `None` of none.
    ///
    /// `ψ_t = w_t·(A_t − μ)`, `Σw = 1`; `se² = Σ_{|l| ≤ L} (1 − |l|/(L + 1))·Σ_t ψ_t·ψ_{t−l}`, or its l = 0
    /// term should that come out negative.
    pub fn of(advantages: &[Advantage], lags: usize, rules: &EvidenceRules) -> Option<Self> {
        let latest = advantages.last()?.origin;
        let mut weights: Vec<f64> = advantages
            .iter()
            .map(|a| libm::exp2((a.origin - latest).0 as f64 / rules.half_life.0 as f64))
            .collect();
        let total: f64 = weights.iter().sum();
        for weight in &mut weights {
            *weight /= total;
        }
        let mean: f64 = weights
            .iter()
            .zip(advantages)
            .map(|(w, a)| w * a.value)
            .sum();
        let psi: Vec<f64> = weights
            .iter()
            .zip(advantages)
            .map(|(w, a)| w * (a.value - mean))
            .collect();
        let standard_error = f64::sqrt(long_run_sum(&psi, lags));
        let rounds = advantages.len();
        let value = if rounds < rules.min_rounds {
            0.0
        } else {
            (mean - standard_error - rules.margin).max(0.0)
        };
        Some(Self {
            mean,
            standard_error,
            rounds,
            value,
        })
    }
}

/// L = 2·⌈span of a round / interval between rounds⌉: rounds further apart share no realised price.
pub const fn lags(span_ms: i64, interval_ms: i64) -> usize {
    let overlapping = (span_ms + interval_ms - 1) / interval_ms;
    2 * overlapping as usize
}

/// Bartlett-weighted sum of autocovariances of centred terms, at least its own l = 0 term's sign.
pub(super) fn long_run_sum(psi: &[f64], lags: usize) -> f64 {
    let at_lag = |l: usize| dot(psi, &psi[l..]);
    let variance = at_lag(0);
    let mut sum = variance;
    for l in 1..=lags.min(psi.len().saturating_sub(1)) {
        let bartlett = 1.0 - l as f64 / (lags + 1) as f64;
        sum += 2.0 * bartlett * at_lag(l);
    }
    if sum < 0.0 { variance } else { sum }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::RulesVersion;
    use crate::time::{Millis, UnixMillis};

    fn every_half_hour(values: &[f64]) -> Vec<Advantage> {
        (0..)
            .zip(values)
            .map(|(i, &value)| Advantage {
                origin: UnixMillis(0) + Millis::minutes(30).times(i),
                value,
            })
            .collect()
    }

    fn rules(min_rounds: usize) -> EvidenceRules {
        EvidenceRules {
            min_rounds,
            ..RulesVersion::V1.rules().evidence
        }
    }

    /// Half-life of one interval: weights 1/3, 2/3; A = 0.3, 0: μ = 0.1; ψ = (1/3)(0.2), (2/3)(−0.1) =
    /// ±0.2/3; L = 1: se² = 2·(0.2/3)² + 2·½·(−(0.2/3)²) = (0.2/3)², se = 0.2/3; e = 0.1 − 0.2/3 − 0.002.
    #[test]
    fn worked_by_hand() {
        let rules = EvidenceRules {
            half_life: Millis::minutes(30),
            ..rules(2)
        };
        let evidence = Evidence::of(&every_half_hour(&[0.3, 0.0]), 1, &rules).unwrap();
        assert!((evidence.mean - 0.1).abs() < 1e-15);
        assert!((evidence.standard_error - 0.2 / 3.0).abs() < 1e-15);
        assert!((evidence.value - (0.1 - 0.2 / 3.0 - 0.002)).abs() < 1e-15);
    }

    #[test]
    fn a_round_of_500_minutes_every_half_hour_has_34_lags() {
        assert_eq!(lags(Millis::minutes(500).0, Millis::minutes(30).0), 34);
        assert_eq!(lags(Millis::minutes(60).0, Millis::minutes(60).0), 2);
    }

    #[test]
    fn steady_skill_counts_only_after_enough_rounds() {
        let steady = every_half_hour(&vec![0.02; 240]);
        let count = |n: usize| Evidence::of(&steady[..n], 34, &rules(240)).unwrap().value;
        assert_eq!(count(239), 0.0);
        assert!((count(240) - 0.018).abs() < 1e-12);
        assert_eq!(Evidence::of(&[], 34, &rules(240)), None);
    }

    proptest! {
        #[test]
        fn the_error_is_finite_and_scales_with_the_advantages(
            values in prop::collection::vec(-0.2..0.2f64, 1..60),
            lags in 0usize..40,
        ) {
            let one = Evidence::of(&every_half_hour(&values), lags, &rules(1)).unwrap();
            let doubled: Vec<f64> = values.iter().map(|v| 2.0 * v).collect();
            let two = Evidence::of(&every_half_hour(&doubled), lags, &rules(1)).unwrap();
            prop_assert!(one.standard_error.is_finite());
            prop_assert!((two.standard_error - 2.0 * one.standard_error).abs() < 1e-12);
            prop_assert!((two.mean - 2.0 * one.mean).abs() < 1e-12);
        }
    }
}
