//! How certain it is that a miner beats the reference.

use std::collections::VecDeque;

use super::advantage::Advantage;
use crate::rules::EvidenceRules;
use crate::time::{Millis, UnixMillis};

/// Mean advantage, its standard error, and the part of it that counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// μ: mean advantage, a round's weight halving with every half-life before the latest.
    pub mean: f64,
    /// Heteroscedasticity- and autocorrelation-consistent standard error of μ (Newey & West 1987).
    pub standard_error: f64,
    /// Scored rounds, misses included.
    pub rounds: usize,
    /// e = max(0, μ − z·se − margin); 0 with too few rounds. Only e > 0 is eligible for pay.
    pub value: f64,
}

impl Evidence {
    /// The evidence in advantages ordered by origin; `None` of none.
    pub fn from_advantages(
        advantages: &[Advantage],
        window: EvidenceWindow,
        rules: &EvidenceRules,
    ) -> Option<Self> {
        EvidenceSums::from_advantages(advantages, window).evidence(rules)
    }
}

/// How fast evidence forgets, and how far apart rounds still depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvidenceWindow {
    /// L: autocovariances count up to this lag; see [`lags()`].
    pub lags: usize,
    /// A round's weight halves with every half-life between it and the latest.
    pub half_life: Millis,
}

/// What [`Evidence`] is made of, kept up to date round by round in O(L) each.
///
/// With weights ω that are 1 for the latest round, and x the advantage less the first one,
///
/// ```text
///   se²·(Σω)² = Σ_{|l| ≤ L} (1 − |l|/(L + 1))·Σ_t ω_t·ω_{t−l}·(x_t − μ)(x_{t−l} − μ)  =  p − μ·q + μ²·r
/// ```
///
/// is a polynomial of the mean μ. A later round only scales its three coefficients (and those of the l = 0 term alone)
/// down and adds to them.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceSums {
    window: EvidenceWindow,
    latest: UnixMillis,
    rounds: usize,
    /// The first advantage, from which the others are measured, so that digits don't cancel.
    first: f64,
    /// Σω.
    weight: f64,
    /// Σω·x.
    weighted: f64,
    /// se²·(Σω)².
    all_lags: Polynomial,
    /// Its l = 0 term alone.
    lag_zero: Polynomial,
    /// ω and x of the last L rounds, the latest first.
    recent: VecDeque<(f64, f64)>,
}

/// p − μ·q + μ²·r.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Polynomial {
    p: f64,
    q: f64,
    r: f64,
}

impl EvidenceSums {
    /// The sums of no rounds.
    pub const fn new(window: EvidenceWindow) -> Self {
        Self {
            window,
            latest: UnixMillis::MIN,
            rounds: 0,
            first: 0.0,
            weight: 0.0,
            weighted: 0.0,
            all_lags: Polynomial::ZERO,
            lag_zero: Polynomial::ZERO,
            recent: VecDeque::new(),
        }
    }

    /// The sums of advantages ordered by origin.
    pub fn from_advantages(advantages: &[Advantage], window: EvidenceWindow) -> Self {
        let mut sums = Self::new(window);
        for advantage in advantages {
            sums.add(advantage);
        }
        sums
    }

    /// Half-life and lags of these sums.
    pub const fn window(&self) -> EvidenceWindow {
        self.window
    }

    /// Number of rounds added.
    pub const fn rounds(&self) -> usize {
        self.rounds
    }

    /// Adds a round that is later than all before it.
    pub fn add(&mut self, advantage: &Advantage) {
        if self.rounds == 0 {
            self.first = advantage.value;
        } else {
            let passed = (advantage.origin - self.latest).get() as f64;
            self.fade(libm::exp2(-passed / self.window.half_life.get() as f64));
        }
        self.latest = advantage.origin;
        self.rounds += 1;
        let x = advantage.value - self.first;
        self.weight += 1.0;
        self.weighted += x;
        self.lag_zero.add(1.0, x, x);
        self.all_lags.add(1.0, x, x);
        let lags_plus_one = self.window.lags as f64 + 1.0;
        for ((weight, earlier), lag) in self.recent.iter().zip(1..) {
            // Both signs of the lag.
            let bartlett = 2.0 * (1.0 - f64::from(lag) / lags_plus_one);
            self.all_lags.add(bartlett * weight, x, *earlier);
        }
        self.recent.push_front((1.0, x));
        self.recent.truncate(self.window.lags);
    }

    /// The evidence so far; `None` of no rounds.
    pub fn evidence(&self, rules: &EvidenceRules) -> Option<Evidence> {
        if self.rounds == 0 {
            return None;
        }
        let above_first = self.weighted / self.weight;
        let mean = self.first + above_first;
        let (all_lags, lag_zero) = (self.all_lags.at(above_first), self.lag_zero.at(above_first));
        let long_run = if all_lags < 0.0 {
            lag_zero.max(0.0)
        } else {
            all_lags
        };
        let standard_error = f64::sqrt(long_run) / self.weight;
        let value = if self.rounds < rules.min_rounds {
            0.0
        } else {
            (mean - rules.standard_errors * standard_error - rules.margin).max(0.0)
        };
        Some(Evidence {
            mean,
            standard_error,
            rounds: self.rounds,
            value,
        })
    }

    fn fade(&mut self, by: f64) {
        self.weight *= by;
        self.weighted *= by;
        for polynomial in [&mut self.all_lags, &mut self.lag_zero] {
            polynomial.p *= by * by;
            polynomial.q *= by * by;
            polynomial.r *= by * by;
        }
        for (weight, _) in &mut self.recent {
            *weight *= by;
        }
    }
}

impl Polynomial {
    const ZERO: Self = Self {
        p: 0.0,
        q: 0.0,
        r: 0.0,
    };

    /// Adds weight·(x − μ)(y − μ).
    fn add(&mut self, weight: f64, x: f64, y: f64) {
        self.p += weight * (x * y);
        self.q += weight * (x + y);
        self.r += weight;
    }

    fn at(&self, mean: f64) -> f64 {
        self.p - mean * (self.q - mean * self.r)
    }
}

/// L = 2·⌈span of a round / interval between rounds⌉: rounds further apart share no realised price.
pub fn lags(span: Millis, interval: Millis) -> usize {
    let overlapping = -(-span).whole(interval);
    usize::try_from(overlapping).map_or(0, |rounds| rounds.saturating_mul(2))
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
                origin: UnixMillis::EPOCH + Millis::minutes(30).times(i),
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

    fn evidence_of(values: &[f64], lags: usize, rules: &EvidenceRules) -> Option<Evidence> {
        let window = EvidenceWindow {
            lags,
            half_life: rules.half_life,
        };
        Evidence::from_advantages(&every_half_hour(values), window, rules)
    }

    /// μ and se² as they are defined, from all rounds at once.
    fn by_definition(advantages: &[Advantage], lags: usize, half_life: Millis) -> (f64, f64) {
        let latest = advantages.last().unwrap().origin;
        let weights: Vec<f64> = advantages
            .iter()
            .map(|a| f64::exp2((a.origin - latest).get() as f64 / half_life.get() as f64))
            .collect();
        let total: f64 = weights.iter().sum();
        let pairs = || weights.iter().map(|w| w / total).zip(advantages);
        let mean = pairs().map(|(w, a)| w * a.value).sum();
        let psi: Vec<f64> = pairs().map(|(w, a)| w * (a.value - mean)).collect();
        let at_lag = |l: usize| psi.iter().zip(&psi[l..]).map(|(x, y)| x * y).sum::<f64>();
        let bartlett = |l: usize| 1.0 - l as f64 / (lags + 1) as f64;
        let others = (1..=lags.min(psi.len() - 1)).map(|l| 2.0 * bartlett(l) * at_lag(l));
        (mean, at_lag(0) + others.sum::<f64>())
    }

    /// Half-life of one interval: weights 1/3, 2/3; A = 0.3, 0: μ = 0.1; ψ = (1/3)(0.2), (2/3)(−0.1) =
    /// ±0.2/3; L = 1: se² = 2·(0.2/3)² + 2·½·(−(0.2/3)²) = (0.2/3)², se = 0.2/3; e = 0.1 − 0.2/3 − 0.002.
    #[test]
    fn worked_by_hand() {
        let rules = EvidenceRules {
            half_life: Millis::minutes(30),
            standard_errors: 1.0,
            ..rules(2)
        };
        let evidence = evidence_of(&[0.3, 0.0], 1, &rules).unwrap();
        assert!((evidence.mean - 0.1).abs() < 1e-15);
        assert!((evidence.standard_error - 0.2 / 3.0).abs() < 1e-15);
        assert!((evidence.value - (0.1 - 0.2 / 3.0 - 0.002)).abs() < 1e-15);
    }

    #[test]
    fn a_round_of_500_minutes_every_half_hour_has_34_lags() {
        assert_eq!(lags(Millis::minutes(500), Millis::minutes(30)), 34);
        assert_eq!(lags(Millis::minutes(60), Millis::minutes(60)), 2);
    }

    #[test]
    fn steady_skill_counts_only_after_enough_rounds() {
        let steady = [0.02; 240];
        let count = |n: usize| evidence_of(&steady[..n], 34, &rules(240)).unwrap().value;
        assert_eq!(count(239), 0.0);
        assert!((count(240) - 0.018).abs() < 1e-12);
        assert_eq!(evidence_of(&[], 34, &rules(240)), None);
    }

    proptest! {
        /// A thousand rounds at any distances: the sums kept up to date give what the definition gives.
        #[test]
        fn sums_kept_up_to_date_give_what_the_definition_gives(
            rounds in prop::collection::vec((-0.3..0.3f64, 1i64..200), 1..1000),
            lags in 0usize..100,
            half_life_hours in 1i64..500,
        ) {
            let mut origin = UnixMillis::EPOCH;
            let advantages: Vec<Advantage> = rounds
                .into_iter()
                .map(|(value, minutes)| {
                    origin = origin + Millis::minutes(minutes);
                    Advantage { origin, value }
                })
                .collect();
            let half_life = Millis::hours(half_life_hours);
            let (mean, variance) = by_definition(&advantages, lags, half_life);
            let window = EvidenceWindow { lags, half_life };
            let evidence = Evidence::from_advantages(&advantages, window, &rules(1)).unwrap();
            prop_assert!((evidence.mean - mean).abs() < 1e-13);
            // Bartlett's sum is no negative number but for rounding.
            let squared = evidence.standard_error * evidence.standard_error;
            prop_assert!((squared - variance).abs() < 1e-13, "{} {}", squared, variance);
        }

        #[test]
        fn the_error_is_finite_and_scales_with_the_advantages(
            values in prop::collection::vec(-0.2..0.2f64, 1..60),
            lags in 0usize..40,
        ) {
            let one = evidence_of(&values, lags, &rules(1)).unwrap();
            let doubled: Vec<f64> = values.iter().map(|v| 2.0 * v).collect();
            let two = evidence_of(&doubled, lags, &rules(1)).unwrap();
            prop_assert!(one.standard_error.is_finite());
            prop_assert!((two.standard_error - 2.0 * one.standard_error).abs() < 1e-12);
            prop_assert!((two.mean - 2.0 * one.mean).abs() < 1e-12);
        }
    }
}
