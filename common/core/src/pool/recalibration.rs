//! Widening or narrowing the consensus by what past rounds show, used only where using it has been seen to gain.
//!
//! ```text
//!   settled round ─▶ WidthTrials: its score at every width ─▶ the best width so far ─▶ tried on the next rounds
//!                                                         used, once what was tried has gained more than its error
//! ```
//!
//! The horizon has three parts, each with a width of its own: a factor of the distances from the median. It is chosen
//! when a round opens, by what had settled then, so its gain in that round is out of sample. Width 1 is one of those
//! tried, and the consensus stays as it is until another has gained significantly. All of this is the fold of a
//! journal's records: a restart needs no stored state, and an audit recomputes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::advantage::Advantage;
use super::evidence::{EvidenceSums, EvidenceWindow};
use crate::forecast::QuantileForecast;
use crate::outcome::Outcome;
use crate::rules::{EvidenceRules, RecalibrationRules, ScoreRules};
use crate::score::Score;
use crate::time::UnixMillis;

/// Parts of the horizon, of equal length.
const HORIZON_PARTS: usize = 3;
/// Factors of the distances from the median that are tried.
const CANDIDATE_WIDTHS: [f64; 9] = [0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 1.5];
/// Index of the width that changes nothing.
const UNCHANGED_INDEX: usize = 4;

/// What each part of the horizon adds to the scaled CRPS of a round's consensus, at each width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WidthTrials(Box<[[f64; CANDIDATE_WIDTHS.len()]; HORIZON_PARTS]>);

/// The widths of one round, one for each part of the horizon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WidthFactors([PartWidth; HORIZON_PARTS]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PartWidth {
    /// Index in [`CANDIDATE_WIDTHS`] of the width that is tried.
    tried: usize,
    /// Whether the consensus is widened by it; else it is only recorded.
    used: bool,
}

/// The best widths by past rounds, and whether using them has gained.
#[derive(Debug, Clone)]
pub struct WidthRecalibration {
    rules: RecalibrationRules,
    latest: Option<UnixMillis>,
    /// Exponentially weighted sums of trials.
    sums: [[f64; CANDIDATE_WIDTHS.len()]; HORIZON_PARTS],
    /// How much better than width 1 the tried width was, for each part of the horizon.
    gains: [EvidenceSums; HORIZON_PARTS],
    /// Widths of the rounds that are neither scored nor void yet.
    open: BTreeMap<UnixMillis, WidthFactors>,
}

impl WidthTrials {
    /// The scores of a round's consensus at every width; `None` if no step has a settled price.
    pub fn evaluate(fan: &QuantileForecast, outcome: &Outcome, rules: &ScoreRules) -> Option<Self> {
        let steps = outcome.moves.len();
        let outcome_of = |part: Option<usize>| -> Outcome {
            let inside = |step: usize| part.is_none_or(|part| part_of(step, steps) == part);
            let moves = outcome.moves.iter().enumerate();
            Outcome {
                volatility: outcome.volatility,
                moves: moves.map(|(step, y)| y.filter(|_| inside(step))).collect(),
            }
        };
        let count = |outcome: &Outcome| outcome.moves.iter().flatten().count() as f64;
        let all = count(&outcome_of(None));
        let parts: [Outcome; HORIZON_PARTS] = std::array::from_fn(|part| outcome_of(Some(part)));
        let mut trials = [[0.0; CANDIDATE_WIDTHS.len()]; HORIZON_PARTS];
        for (at, width) in CANDIDATE_WIDTHS.iter().enumerate() {
            let fan = fan.widened(|_| *width);
            for (trials, outcome) in trials.iter_mut().zip(&parts) {
                // A part without a settled step adds nothing.
                let mean = Score::scaled_crps(&fan, outcome, rules).unwrap_or(0.0);
                trials[at] = mean * count(outcome) / all;
            }
        }
        (all > 0.0).then(|| Self(Box::new(trials)))
    }
}

impl WidthFactors {
    /// The widths of a consensus that stays as it is.
    pub const UNCHANGED: Self = Self(
        [PartWidth {
            tried: UNCHANGED_INDEX,
            used: false,
        }; HORIZON_PARTS],
    );

    /// The factor that each part of the horizon is widened by; 1 where the tried width isn't used.
    pub fn factors(&self) -> [f64; HORIZON_PARTS] {
        self.0.map(|width| {
            if width.used {
                CANDIDATE_WIDTHS[width.tried]
            } else {
                1.0
            }
        })
    }

    /// Whether a consensus stays as it is.
    pub fn is_unchanged(&self) -> bool {
        self.factors() == [1.0; HORIZON_PARTS]
    }

    /// The consensus with these widths.
    pub fn applied_to(&self, fan: &QuantileForecast) -> QuantileForecast {
        if self.is_unchanged() {
            return fan.clone();
        }
        let factors = self.factors();
        let steps = fan.rows().len();
        fan.widened(|step| factors[part_of(step, steps)])
    }
}

impl WidthRecalibration {
    /// The state before the first round.
    pub fn new(rules: RecalibrationRules, window: EvidenceWindow) -> Self {
        Self {
            rules,
            latest: None,
            sums: [[0.0; CANDIDATE_WIDTHS.len()]; HORIZON_PARTS],
            gains: std::array::from_fn(|_| EvidenceSums::new(window)),
            open: BTreeMap::new(),
        }
    }

    /// Opens a round: its widths are those that are best by now.
    pub fn open(&mut self, origin: UnixMillis) {
        self.open.insert(origin, self.widths());
    }

    /// The widths of an open round; unchanged ones for any other.
    pub fn factors_of_round(&self, origin: UnixMillis) -> WidthFactors {
        self.open
            .get(&origin)
            .copied()
            .unwrap_or(WidthFactors::UNCHANGED)
    }

    /// Closes a round that is scored, or void (without trials). A round that settles after a later one changes nothing.
    pub fn close(&mut self, origin: UnixMillis, trials: Option<&WidthTrials>) {
        let widths = self.open.remove(&origin);
        let (Some(trials), Some(widths)) = (trials, widths) else {
            return;
        };
        if self.latest.is_some_and(|latest| latest >= origin) {
            return;
        }
        let passed = origin - self.latest.unwrap_or(origin);
        let fade = libm::exp2(-(passed.get() as f64) / self.rules.half_life.get() as f64);
        self.latest = Some(origin);
        for (sums, trials) in self.sums.iter_mut().zip(trials.0.iter()) {
            for (sum, trial) in sums.iter_mut().zip(trials) {
                *sum = *sum * fade + trial;
            }
        }
        for ((gains, trials), width) in self.gains.iter_mut().zip(trials.0.iter()).zip(&widths.0) {
            let value = trials[UNCHANGED_INDEX] - trials[width.tried];
            gains.add(&Advantage { origin, value });
        }
    }

    /// The widths that are best by what has settled.
    fn widths(&self) -> WidthFactors {
        let rules = EvidenceRules {
            half_life: self.rules.half_life,
            standard_errors: self.rules.standard_errors,
            margin: 0.0,
            min_rounds: self.rules.min_rounds,
        };
        WidthFactors(std::array::from_fn(|part| {
            let sums = &self.sums[part];
            let better = |best: usize, at: usize| if sums[at] < sums[best] { at } else { best };
            PartWidth {
                tried: (0..CANDIDATE_WIDTHS.len()).fold(UNCHANGED_INDEX, better),
                used: self.gains[part]
                    .evidence(&rules)
                    .is_some_and(|gain| gain.value > 0.0),
            }
        }))
    }
}

/// The part of the horizon that a step, from 0, is in.
const fn part_of(step: usize, steps: usize) -> usize {
    step * HORIZON_PARTS / steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RulesVersion;
    use crate::time::Millis;

    const STEPS: usize = 3;
    const K: usize = 39;

    fn rules() -> RecalibrationRules {
        RulesVersion::V1.rules().recalibration
    }

    fn origin(n: i64) -> UnixMillis {
        UnixMillis::EPOCH + Millis::minutes(30).times(n)
    }

    /// A uniform variable's quantiles times `width`, at every step in units of σ√i.
    fn fan(width: f64) -> QuantileForecast {
        let moves = (1..=STEPS).flat_map(|i| {
            let unit = width * f64::sqrt(i as f64);
            (0..K).map(move |k| unit * ((2 * k + 1) as f64 / K as f64 - 1.0))
        });
        QuantileForecast::from_moves(K, moves.collect())
    }

    /// Uniform outcomes in ±1, in a scrambled order.
    fn outcome(n: i64) -> Outcome {
        let y = ((n * 37) % 101) as f64 / 50.0 - 1.0;
        Outcome {
            volatility: 1.0,
            moves: (1..=STEPS).map(|i| Some(y * f64::sqrt(i as f64))).collect(),
        }
    }

    /// The state after `rounds` rounds of a consensus of this width, each settled `behind` rounds after it opened.
    fn state_after(rounds: i64, width: f64, behind: i64) -> WidthRecalibration {
        let window = EvidenceWindow {
            lags: 2,
            half_life: Millis::days(10),
        };
        let score = RulesVersion::V1.rules().score;
        let mut recalibration = WidthRecalibration::new(rules(), window);
        for n in 0..rounds + behind {
            if n < rounds {
                recalibration.open(origin(n));
            }
            if let Some(m) = (0..rounds).contains(&(n - behind)).then_some(n - behind) {
                let trials = WidthTrials::evaluate(&fan(width), &outcome(m), &score);
                recalibration.close(origin(m), trials.as_ref());
            }
        }
        recalibration
    }

    #[test]
    fn a_narrow_consensus_is_widened_once_that_has_been_seen_to_gain() {
        let early = state_after(200, 0.7, 17).widths();
        assert_eq!(early.factors(), [1.0; HORIZON_PARTS]);
        let late = state_after(600, 0.7, 17).widths();
        assert_eq!(late.factors(), [1.5; HORIZON_PARTS]);
        let (row, wide) = (fan(0.7), late.applied_to(&fan(0.7)));
        for (row, wide) in row.rows().zip(wide.rows()) {
            for (x, y) in row.iter().zip(wide) {
                assert!((y - 1.5 * x).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_calibrated_consensus_stays_as_it_is() {
        let widths = state_after(600, 1.0, 17).widths();
        assert_eq!(widths.factors(), [1.0; HORIZON_PARTS]);
        assert_eq!(widths.applied_to(&fan(0.3)), fan(0.3));
    }

    /// The parts' sums at width 1 are the score itself, gaps or not.
    #[test]
    fn the_parts_add_up_to_the_score() {
        let score = RulesVersion::V1.rules().score;
        let mut gapped = outcome(3);
        for moves in [vec![], vec![1], vec![0, 2]] {
            gapped.moves = outcome(3).moves;
            for gap in moves {
                gapped.moves[gap] = None;
            }
            let trials = WidthTrials::evaluate(&fan(0.8), &gapped, &score).unwrap();
            let sum: f64 = trials.0.iter().map(|part| part[UNCHANGED_INDEX]).sum();
            let whole = Score::scaled_crps(&fan(0.8), &gapped, &score).unwrap();
            assert!((sum - whole).abs() < 1e-12);
        }
        gapped.moves = vec![None; STEPS];
        assert_eq!(WidthTrials::evaluate(&fan(0.8), &gapped, &score), None);
    }

    #[test]
    fn a_void_round_and_one_that_settles_late_change_nothing() {
        let score = RulesVersion::V1.rules().score;
        let trials = WidthTrials::evaluate(&fan(0.7), &outcome(1), &score).unwrap();
        let mut recalibration = state_after(5, 0.7, 0);
        let sums = recalibration.sums;
        for n in [1, 9] {
            recalibration.open(origin(n));
        }
        recalibration.close(origin(1), Some(&trials));
        recalibration.close(origin(9), None);
        assert_eq!(recalibration.sums, sums);
        assert!(recalibration.open.is_empty());
    }
}
