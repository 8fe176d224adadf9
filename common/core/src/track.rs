//! A forecaster's track record: its scored rounds and what is reported of them.

use crate::pool::{Advantage, Evidence, evidence};
use crate::rules::EvidenceRules;
use crate::score::{MetricSums, Score};
use crate::time::UnixMillis;

/// Scored rounds of one hotkey, of the reference or of the consensus, ordered by origin.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackRecord {
    /// Origin of the first round that counts; a miner's record starts at its first accepted commitment.
    pub started: Option<UnixMillis>,
    /// One advantage a scored round, misses included.
    advantages: Vec<Advantage>,
    /// Advantages of the answered rounds alone.
    answered: Vec<Advantage>,
    /// The sums behind the evidence in all advantages.
    sums: evidence::EvidenceSums,
    /// Σ of scaled CRPS over answered rounds.
    score: f64,
    /// Σ of the reference's scaled CRPS over the same rounds.
    reference: f64,
    metric_sums: MetricSums,
}

impl TrackRecord {
    /// A record without rounds.
    pub fn new(window: evidence::EvidenceWindow) -> Self {
        Self {
            started: None,
            advantages: Vec::new(),
            answered: Vec::new(),
            sums: evidence::EvidenceSums::new(window),
            score: 0.0,
            reference: 0.0,
            metric_sums: MetricSums::default(),
        }
    }

    /// Takes in the score of a forecast, and that of the reference in the same round.
    pub fn add_score(&mut self, origin: UnixMillis, score: &Score, reference: &Score) {
        let advantage = Advantage {
            origin,
            value: reference.scaled_crps - score.scaled_crps,
        };
        self.add_advantage(advantage);
        insert(&mut self.answered, advantage);
        self.score += score.scaled_crps;
        self.reference += reference.scaled_crps;
        self.metric_sums.add(&score.metric_sums);
    }

    /// Takes in a forecast of a round whose volatility isn't known: it counts for the metrics in bps alone.
    pub fn add_metric_sums(&mut self, metric_sums: &MetricSums) {
        self.metric_sums.add(metric_sums);
    }

    /// Takes in a miss, which counts only from the start of the record on.
    pub fn add_miss(&mut self, origin: UnixMillis, miss_advantage: f64) {
        if self.started.is_some_and(|started| started <= origin) {
            let advantage = Advantage {
                origin,
                value: miss_advantage,
            };
            self.add_advantage(advantage);
        }
    }

    /// How sure it is that this forecaster beats the reference; `None` without a scored round.
    pub fn evidence(&self, rules: &EvidenceRules) -> Option<Evidence> {
        self.sums.evidence(rules)
    }

    /// Advantages of all scored rounds, by origin.
    pub fn advantages(&self) -> &[Advantage] {
        &self.advantages
    }

    /// S_ref − S of the answered rounds, by origin.
    pub fn score_differences(&self) -> Vec<f64> {
        self.answered.iter().map(|a| a.value).collect()
    }

    /// Scored rounds, misses included.
    pub const fn rounds(&self) -> usize {
        self.advantages.len()
    }

    /// Scored rounds without a forecast.
    pub const fn misses(&self) -> usize {
        self.advantages.len() - self.answered.len()
    }

    /// Mean scaled CRPS over answered rounds.
    pub fn mean_score(&self) -> Option<f64> {
        (!self.answered.is_empty()).then(|| self.score / self.answered.len() as f64)
    }

    /// `1 − ΣS / ΣS_ref` over answered rounds.
    pub fn skill(&self) -> Option<f64> {
        (self.reference > 0.0).then(|| 1.0 - self.score / self.reference)
    }

    /// Sums behind the metrics in bps (log prices) or the series' unit (values).
    pub const fn metric_sums(&self) -> &MetricSums {
        &self.metric_sums
    }

    fn add_advantage(&mut self, advantage: Advantage) {
        if insert(&mut self.advantages, advantage) {
            self.sums.add(&advantage);
        } else {
            self.sums =
                evidence::EvidenceSums::from_advantages(&self.advantages, self.sums.window());
        }
    }
}

/// Inserts by origin, and says whether it came last: rounds are scored as their prices settle, which may be out of order.
fn insert(advantages: &mut Vec<Advantage>, advantage: Advantage) -> bool {
    if advantages
        .last()
        .is_none_or(|last| last.origin < advantage.origin)
    {
        advantages.push(advantage);
        return true;
    }
    let index = advantages.partition_point(|a| a.origin < advantage.origin);
    advantages.insert(index, advantage);
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RulesVersion;
    use crate::time::Millis;

    fn score(scaled_crps: f64) -> Score {
        Score {
            scaled_crps,
            metric_sums: MetricSums::default(),
        }
    }

    fn empty_track() -> TrackRecord {
        TrackRecord::new(evidence::EvidenceWindow {
            lags: 3,
            half_life: Millis::literal(5),
        })
    }

    #[test]
    fn evidence_does_not_depend_on_the_order_in_which_rounds_settled() {
        let evidence = |order: &[i64]| {
            let mut track = empty_track();
            for n in order {
                track.add_score(
                    UnixMillis::literal(*n),
                    &score(0.1 * *n as f64),
                    &score(0.6),
                );
            }
            track.evidence(&RulesVersion::V1.rules().evidence)
        };
        assert_eq!(evidence(&[1, 2, 3, 4, 5, 7]), evidence(&[2, 1, 5, 7, 3, 4]));
    }

    #[test]
    fn misses_count_from_the_first_commitment_on() {
        let mut track = empty_track();
        track.add_miss(UnixMillis::literal(1), -0.15);
        assert_eq!(track.rounds(), 0);
        track.started = Some(UnixMillis::literal(2));
        track.add_miss(UnixMillis::literal(1), -0.15);
        assert_eq!(track.rounds(), 0);
        track.add_miss(UnixMillis::literal(3), -0.15);
        track.add_score(UnixMillis::literal(2), &score(0.5), &score(0.6));
        assert_eq!((track.rounds(), track.misses()), (2, 1));
        assert_eq!(track.advantages()[0].origin, UnixMillis::literal(2));
        assert!((track.skill().unwrap() - (1.0 - 0.5 / 0.6)).abs() < 1e-15);
        assert_eq!(track.score_differences().len(), 1);
    }
}
