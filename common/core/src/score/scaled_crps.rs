//! The score of one forecast in one round: the mean of its steps' scaled CRPS, and the sums behind its metrics.

use serde::{Deserialize, Serialize};

use super::crps::crps;
use super::metric_sums::{MetricSums, RowSummary, RowSummaryPositions};
use super::point;
use crate::forecast::QuantileForecast;
use crate::outcome::Outcome;
use crate::rules::ScoreRules;

/// The score of one forecast in one round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// S, the scaled CRPS: dimensionless, lower is better.
    pub scaled_crps: f64,
    /// Unclamped sums from which the reported metrics are made.
    #[serde(flatten)]
    pub metric_sums: MetricSums,
}

impl Score {
    /// The score of a forecast against `outcome`; `None` if no step has a settled price.
    pub fn from_forecast(
        fan: &QuantileForecast,
        outcome: &Outcome,
        rules: &ScoreRules,
    ) -> Option<Self> {
        Self::with_scales(&outcome.scales(), fan, outcome, rules)
    }

    /// The same by the outcome's [scales](Outcome::scales), which all forecasts of a round share.
    pub(super) fn with_scales(
        scales: &[f64],
        fan: &QuantileForecast,
        outcome: &Outcome,
        rules: &ScoreRules,
    ) -> Option<Self> {
        if fan.k() == 1 {
            let (scaled_crps, metric_sums) = point::scaled_crps(scales, fan, outcome, rules)?;
            return Some(Self {
                scaled_crps,
                metric_sums,
            });
        }
        let mut metric_sums = MetricSums::new(fan.k());
        let last = outcome.moves.len();
        let positions = RowSummaryPositions::new(fan.k());
        let scaled_crps = mean_scaled_crps(scales, fan, outcome, rules, |row, y, crps, step| {
            let scale = (step == last).then(|| scales[step - 1]);
            metric_sums.add_step(&RowSummary::new(row, &positions), y, crps, scale);
        })?;
        Some(Self {
            scaled_crps,
            metric_sums,
        })
    }

    /// S alone, without the sums of the metrics.
    pub fn scaled_crps(
        fan: &QuantileForecast,
        outcome: &Outcome,
        rules: &ScoreRules,
    ) -> Option<f64> {
        mean_scaled_crps(&outcome.scales(), fan, outcome, rules, |_, _, _, _| {})
    }
}

/// S; `on_step` gets each settled step's row, realised move, unclamped CRPS and number from 1.
pub(super) fn mean_scaled_crps(
    scales: &[f64],
    fan: &QuantileForecast,
    outcome: &Outcome,
    rules: &ScoreRules,
    mut on_step: impl FnMut(&[f64], f64, f64, usize),
) -> Option<f64> {
    let mut clamped = Vec::new();
    let mut sum = 0.0;
    let mut steps = 0;
    for (((row, y), scale), i) in fan.rows().zip(&outcome.moves).zip(scales).zip(1..) {
        let Some(y) = *y else { continue };
        let bound = rules.clamp * scale;
        let plain = crps(row, y);
        on_step(row, y, plain, i);
        // An ascending row is within bounds if its ends are.
        let within = |value: f64| -bound <= value && value <= bound;
        let scored = if within(row[0]) && within(row[row.len() - 1]) && within(y) {
            plain
        } else {
            clamped.clear();
            clamped.extend(row.iter().map(|value| value.clamp(-bound, bound)));
            crps(&clamped, y.clamp(-bound, bound))
        };
        sum += scored / scale;
        steps += 1;
    }
    (steps > 0).then(|| sum / f64::from(steps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RulesVersion;

    fn outcome(moves: &[Option<f64>]) -> Outcome {
        Outcome {
            volatility: 10.0,
            moves: moves.to_vec(),
        }
    }

    /// K = 1, σ = 10: |x − y|/(σ√i) is |5 − 15|/10 = 1 and |5 − (−15)|/(10·2) = 1 at step 4; steps 2 and
    /// 3 are gaps and left out: S = (1 + 1)/2 = 1.
    #[test]
    fn a_point_scores_its_scaled_absolute_error_over_the_settled_steps() {
        let rules = RulesVersion::V1.rules().score;
        let fan = QuantileForecast::from_moves(1, vec![5.0; 4]);
        let outcome = outcome(&[Some(15.0), None, None, Some(-15.0)]);
        let score = Score::from_forecast(&fan, &outcome, &rules).unwrap();
        assert!((score.scaled_crps - 1.0).abs() < 1e-15);
    }

    /// Both are clamped at ± 25·σ·√i = ± 250: the absurd forecast costs 250/10 = 25, not 1e30.
    #[test]
    fn absurd_values_are_clamped() {
        let rules = RulesVersion::V1.rules().score;
        let score = |x: f64, y: f64| {
            Score::from_forecast(
                &QuantileForecast::from_moves(1, vec![x]),
                &outcome(&[Some(y)]),
                &rules,
            )
            .unwrap()
            .scaled_crps
        };
        assert_eq!(score(1e30, 0.0), 25.0);
        assert_eq!(score(1e30, 1e30), 0.0);
    }

    #[test]
    fn a_round_of_gaps_has_no_score() {
        let rules = RulesVersion::V1.rules().score;
        let fan = QuantileForecast::from_moves(1, vec![0.0]);
        assert_eq!(Score::from_forecast(&fan, &outcome(&[None]), &rules), None);
    }
}
