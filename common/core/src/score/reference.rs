//! The built-in forecast that everybody must beat.

use std::cmp::Ordering;
use std::f64::consts::PI;
use std::sync::Arc;

use super::metric_sums::{MetricSums, RowSummary, RowSummaryPositions};
use super::scaled_crps::Score;
use crate::forecast::QuantileForecast;
use crate::outcome::Outcome;
use crate::rules::ScoreRules;
use crate::series::MAX_MOVE;

/// Student-t (ν = 3) quantiles around the anchor, scaled by σ_T·√i.
///
/// It has fat tails already, so nobody is paid for adding them; volatility timing and diurnal profiles are left to miners.
#[derive(Debug, Clone)]
pub struct Reference {
    row: Arc<StandardRow>,
}

/// The reference's row in units of σ_T·√i, the same at every step, with the sums that its score is made of.
#[derive(Debug)]
struct StandardRow {
    /// Ascending.
    quantiles: Vec<f64>,
    /// Σ of the quantiles from each place on, and 0 from beyond the last.
    sums_from: Vec<f64>,
    /// `Σ (2k − 1)/2K · q_k`, k from 1.
    weighted: f64,
    summary: RowSummary,
}

impl Reference {
    /// The reference that these rules describe.
    pub fn new(rules: &ScoreRules) -> Self {
        let k = rules.reference_k;
        let upper = |j: usize| {
            rules.reference_scale * student_t3_quantile((2 * j + 1) as f64 / (2 * k) as f64)
        };
        // The lower half mirrors the upper to the last bit, so that the median is the anchor and has no direction.
        let quantiles = (0..k).map(|j| match (2 * j + 1).cmp(&k) {
            Ordering::Less => -upper(k - 1 - j),
            Ordering::Equal => 0.0,
            Ordering::Greater => upper(j),
        });
        Self {
            row: Arc::new(StandardRow::new(quantiles.collect())),
        }
    }

    /// Its ascending quantiles in units of σ_T·√i, the same at every step.
    pub fn standard_quantiles(&self) -> &[f64] {
        &self.row.quantiles
    }

    /// The reference's forecast over `horizon` steps; `volatility` is σ_T.
    pub fn forecast(&self, volatility: f64, horizon: usize) -> QuantileForecast {
        let quantiles = self.standard_quantiles();
        let mut moves = Vec::with_capacity(horizon * quantiles.len());
        for i in 1..=horizon {
            let scale = volatility * f64::sqrt(i as f64);
            moves.extend(quantiles.iter().map(|q| q * scale));
        }
        QuantileForecast::from_moves(quantiles.len(), moves)
    }

    /// The score of [`forecast`](Self::forecast) in O(H·log K), without making it; `None` if no step has a settled price.
    ///
    /// `CRPS(s·q, s·y) = s·CRPS(q, y)`, so the one standard row scores every step.
    pub fn score(&self, outcome: &Outcome, rules: &ScoreRules) -> Option<Score> {
        let last = outcome.moves.len();
        let widest = self.standard_quantiles().last().map_or(0.0, |q| q.abs());
        if widest * outcome.volatility * f64::sqrt(last as f64) > MAX_MOVE {
            // Such moves are clamped, and no longer the standard row at every step.
            return Score::from_forecast(&self.forecast(outcome.volatility, last), outcome, rules);
        }
        let mut metric_sums = MetricSums::new(self.standard_quantiles().len());
        let mut sum = 0.0;
        for (y, i) in outcome.moves.iter().zip(1..) {
            let Some(y) = *y else { continue };
            let scale = outcome.volatility * f64::sqrt(i as f64);
            let crps = self.row.crps(scale, y);
            let of_last = (i == last).then_some(scale);
            metric_sums.add_step(&self.row.summary.scaled_by(scale), y, crps, of_last);
            // The reference itself lies within the clamp; the realised move may not.
            sum += if y.abs() <= rules.clamp * scale {
                crps / scale
            } else {
                self.row.crps(1.0, rules.clamp.copysign(y))
            };
        }
        let steps = metric_sums.steps;
        (steps > 0).then(|| Score {
            scaled_crps: sum / steps as f64,
            metric_sums,
        })
    }
}

impl StandardRow {
    fn new(quantiles: Vec<f64>) -> Self {
        let k = quantiles.len() as f64;
        let mut sums_from = vec![0.0; quantiles.len() + 1];
        for index in (0..quantiles.len()).rev() {
            sums_from[index] = sums_from[index + 1] + quantiles[index];
        }
        let level = |index: usize| (2 * index + 1) as f64 / (2.0 * k);
        let weighted = quantiles
            .iter()
            .enumerate()
            .map(|(index, quantile)| level(index) * quantile)
            .sum();
        Self {
            summary: RowSummary::new(&quantiles, &RowSummaryPositions::new(quantiles.len())),
            quantiles,
            sums_from,
            weighted,
        }
    }

    /// [`crps`](super::crps::crps) of this row times `scale`, by its sums:
    /// `(2/K)·(Σ_{q_k > y} (q_k − y) − Σ τ_k·q_k + y·K/2)`, as `Σ τ_k = K/2`. Finite for any finite `y`.
    fn crps(&self, scale: f64, y: f64) -> f64 {
        let index = self.quantiles.partition_point(|q| *q <= y / scale);
        let k = self.quantiles.len() as f64;
        let above = (self.quantiles.len() - index) as f64 / k;
        2.0 / k * (self.sums_from[index] - self.weighted) * scale + (1.0 - 2.0 * above) * y
    }
}

/// Quantile of Student's t with 3 degrees of freedom, by bisection of its closed-form distribution
/// `F(t) = ½ + (1/π)·(θ + sin θ·cos θ)`, `θ = atan(t/√3)`: the same bits on every machine.
fn student_t3_quantile(level: f64) -> f64 {
    // θ + ½·sin 2θ runs from −π/2 to π/2 as θ does.
    let aim = PI * (level - 0.5);
    let (mut low, mut high) = (-PI / 2.0, PI / 2.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if middle + 0.5 * libm::sin(2.0 * middle) < aim {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::sqrt(3.0) * libm::tan(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{ContinuousCDF, StudentsT};

    use super::*;
    use crate::rules::RulesVersion;

    #[test]
    fn the_median_is_the_anchor_exactly() {
        for k in [1, 2, 99, 1000] {
            let rules = ScoreRules {
                reference_k: k,
                ..RulesVersion::V1.rules().score
            };
            let fan = Reference::new(&rules).forecast(12.3, 2);
            for row in fan.rows() {
                assert_eq!(crate::forecast::quantile(row, 0.5), 0.0, "K = {k}");
            }
        }
    }

    /// Table values of t with 3 degrees of freedom.
    #[test]
    fn known_quantiles() {
        for (level, t) in [
            (0.5, 0.0),
            (0.75, 0.764_892),
            (0.95, 2.353_363),
            (0.999, 10.214_532),
        ] {
            assert!((student_t3_quantile(level) - t).abs() < 1e-6, "{level}");
        }
    }

    #[test]
    fn every_quantile_inverts_the_distribution() {
        let t = StudentsT::new(0.0, 1.0, 3.0).unwrap();
        for j in 0..1000 {
            let level = f64::from(2 * j + 1) / 2000.0;
            assert!((t.cdf(student_t3_quantile(level)) - level).abs() < 1e-9);
        }
    }

    #[test]
    fn the_fan_widens_with_the_square_root_of_time() {
        let reference = Reference::new(&RulesVersion::V1.rules().score);
        let fan = reference.forecast(10.0, 4);
        let rows: Vec<&[f64]> = fan.rows().collect();
        assert_eq!(rows.len(), 4);
        for (one, four) in rows[0].iter().zip(rows[3]) {
            assert!((2.0 * one - four).abs() < 1e-9);
        }
        // Level 0.95 lies between values 950 and 951.
        assert!((rows[0][949] + rows[0][950] - 2.0 * 6.5 * 2.353_363).abs() < 1e-2);
    }

    /// Low and high volatility, gaps, and moves beyond the clamp of ± 25 σ.
    fn outcomes() -> impl Strategy<Value = Outcome> {
        let moves = prop::collection::vec(prop::option::of(-40.0..40.0_f64), 1..12);
        (0.1..100.0_f64, moves).prop_map(|(volatility, moves)| Outcome {
            volatility,
            moves: moves.into_iter().map(|y| Some(y? * volatility)).collect(),
        })
    }

    proptest! {
        #[test]
        fn its_score_is_that_of_its_fan(outcome in outcomes(), k in prop::sample::select(vec![1, 4, 99, 1000])) {
            let rules = ScoreRules {
                reference_k: k,
                ..RulesVersion::V1.rules().score
            };
            let reference = Reference::new(&rules);
            let fan = reference.forecast(outcome.volatility, outcome.moves.len());
            let (ours, plain) = (reference.score(&outcome, &rules), Score::from_forecast(&fan, &outcome, &rules));
            prop_assert_eq!(ours.is_some(), plain.is_some());
            if let (Some(ours), Some(plain)) = (ours, plain) {
                let close = |a: f64, b: f64| (a - b).abs() <= 1e-11 * (1.0 + b.abs());
                prop_assert!(close(ours.scaled_crps, plain.scaled_crps));
                prop_assert!(close(ours.metric_sums.crps, plain.metric_sums.crps));
                prop_assert!(close(ours.metric_sums.squared_error, plain.metric_sums.squared_error));
                prop_assert!(close(ours.metric_sums.absolute_error, plain.metric_sums.absolute_error));
                prop_assert_eq!(ours.metric_sums.inside_50, plain.metric_sums.inside_50);
                prop_assert_eq!(ours.metric_sums.inside_80, plain.metric_sums.inside_80);
                prop_assert_eq!(ours.metric_sums.inside_95, plain.metric_sums.inside_95);
                prop_assert_eq!(ours.metric_sums.directional_rounds, plain.metric_sums.directional_rounds);
            }
        }
    }

    #[test]
    fn it_lies_within_the_clamp() {
        for version in [RulesVersion::V1, RulesVersion::V1Replay] {
            let rules = version.rules().score;
            let reference = Reference::new(&rules);
            assert!(
                reference
                    .standard_quantiles()
                    .iter()
                    .all(|q| q.abs() <= rules.clamp)
            );
        }
    }
}
