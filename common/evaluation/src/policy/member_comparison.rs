//! The consensus beside each of its members, over the very same rounds.

use std::collections::BTreeMap;

use foretell_core::hotkey::Hotkey;
use foretell_core::score::Score;
use foretell_core::time::{Millis, UnixMillis};

/// The comparison begins this long after the first round: by then there has been a consensus for ten days.
pub const COMPARISON_STARTS_AFTER: Millis = Millis::days(20);

/// Sums of the consensus and of each member over the rounds that are compared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MemberComparison {
    rounds: usize,
    consensus: CrpsSums,
    members: BTreeMap<Hotkey, (usize, CrpsSums)>,
    recalibrated_rounds: usize,
}

/// Sums of one forecaster.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct CrpsSums {
    crps: f64,
    steps: u64,
    scaled: f64,
}

/// The consensus beside its best member in hindsight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BestMemberComparison {
    /// Number of rounds compared.
    pub rounds: usize,
    /// Of these, rounds in which the consensus was recalibrated.
    pub recalibrated: usize,
    /// Mean CRPS of the consensus, in bps.
    pub crps_bps: f64,
    /// The member with the least CRPS in bps, of those who answered every one of these rounds.
    pub best: Hotkey,
    /// Mean CRPS of that member, in bps.
    pub best_crps_bps: f64,
    /// The consensus's scaled CRPS over the least of a member.
    pub scaled_ratio: f64,
}

impl MemberComparison {
    /// Takes in a round; where nobody was eligible the consensus was the reference.
    pub fn add(
        &mut self,
        consensus: &Score,
        recalibrated: bool,
        members: &BTreeMap<Hotkey, Score>,
    ) {
        self.rounds += 1;
        self.recalibrated_rounds += usize::from(recalibrated);
        self.consensus.add(consensus);
        for (miner, score) in members {
            let (rounds, sums) = self.members.entry(*miner).or_default();
            *rounds += 1;
            sums.add(score);
        }
    }

    /// The comparison so far; `None` if no member answered every round.
    pub fn best(&self) -> Option<BestMemberComparison> {
        let everywhere = || {
            let members = self.members.iter();
            members.filter(|(_, (rounds, _))| *rounds == self.rounds)
        };
        let by_crps = |(_, (_, a)): &(_, &(usize, CrpsSums)),
                       (_, (_, b)): &(_, &(usize, CrpsSums))| {
            a.mean().total_cmp(&b.mean())
        };
        let (best, (_, sums)) = everywhere().min_by(by_crps)?;
        let scaled = everywhere().map(|(_, (_, sums))| sums.scaled);
        Some(BestMemberComparison {
            rounds: self.rounds,
            recalibrated: self.recalibrated_rounds,
            crps_bps: self.consensus.mean(),
            best: *best,
            best_crps_bps: sums.mean(),
            scaled_ratio: self.consensus.scaled / scaled.fold(f64::INFINITY, f64::min),
        })
    }

    /// Whether the round at `origin` is compared, in a history whose first origin is `first`.
    pub fn is_compared(origin: UnixMillis, first: UnixMillis) -> bool {
        origin - first >= COMPARISON_STARTS_AFTER
    }
}

impl CrpsSums {
    fn add(&mut self, score: &Score) {
        self.crps += score.metric_sums.crps;
        self.steps += score.metric_sums.steps;
        self.scaled += score.scaled_crps;
    }

    fn mean(&self) -> f64 {
        self.crps / self.steps as f64
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::score::MetricSums;
    use foretell_core::testing::hotkey;

    use super::*;

    fn score(crps: f64) -> Score {
        let metric_sums = MetricSums {
            steps: 2,
            crps: 2.0 * crps,
            ..MetricSums::default()
        };
        Score {
            scaled_crps: crps / 100.0,
            metric_sums,
        }
    }

    #[test]
    fn the_best_is_found_among_those_who_were_always_there() {
        let mut comparison = MemberComparison::default();
        assert_eq!(comparison.best(), None);
        let all = [
            (hotkey(1), score(54.0)),
            (hotkey(2), score(52.0)),
            (hotkey(3), score(1.0)),
        ];
        comparison.add(&score(51.0), false, &all.clone().into());
        comparison.add(&score(53.0), true, &all[..2].iter().cloned().collect());
        let best = comparison.best().unwrap();
        assert_eq!(
            (best.best, best.rounds, best.recalibrated),
            (hotkey(2), 2, 1)
        );
        assert_eq!((best.crps_bps, best.best_crps_bps), (52.0, 52.0));
        assert!((best.scaled_ratio - 1.0).abs() < 1e-15);
    }
}
