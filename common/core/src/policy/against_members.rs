//! The consensus beside each of its members, over the very same rounds.

use std::collections::BTreeMap;

use crate::hotkey::Hotkey;
use crate::score::Score;
use crate::time::{Millis, UnixMillis};

/// The comparison begins this long after the first round: by then there has been a consensus for ten days.
pub const MATURE_AFTER: Millis = Millis::days(20);

/// Sums over the rounds that are compared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgainstMembers {
    rounds: usize,
    consensus: Sums,
    members: BTreeMap<Hotkey, (usize, Sums)>,
    changed: usize,
}

/// Of one forecaster.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Sums {
    crps: f64,
    steps: u64,
    scaled: f64,
}

/// The consensus beside its best member in hindsight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgainstBest {
    /// Rounds compared.
    pub rounds: usize,
    /// Those in which the consensus was recalibrated.
    pub recalibrated: usize,
    /// Mean CRPS of the consensus, in bps.
    pub crps_bps: f64,
    /// The member with the least CRPS in bps, of those who answered every one of these rounds.
    pub best: Hotkey,
    /// Its mean CRPS, in bps.
    pub best_crps_bps: f64,
    /// The consensus's scaled CRPS over the least of a member.
    pub scaled_ratio: f64,
}

impl AgainstMembers {
    /// Takes in a round; where nobody was eligible the consensus was the reference.
    pub fn add(
        &mut self,
        consensus: &Score,
        recalibrated: bool,
        members: &BTreeMap<Hotkey, Score>,
    ) {
        self.rounds += 1;
        self.changed += usize::from(recalibrated);
        self.consensus.add(consensus);
        for (miner, score) in members {
            let (rounds, sums) = self.members.entry(*miner).or_default();
            *rounds += 1;
            sums.add(score);
        }
    }

    /// What has been found; `None` if nobody answered every round.
    pub fn best(&self) -> Option<AgainstBest> {
        let everywhere = || {
            let members = self.members.iter();
            members.filter(|(_, (rounds, _))| *rounds == self.rounds)
        };
        let by_crps = |(_, (_, a)): &(_, &(usize, Sums)), (_, (_, b)): &(_, &(usize, Sums))| {
            a.mean().total_cmp(&b.mean())
        };
        let (best, (_, sums)) = everywhere().min_by(by_crps)?;
        let scaled = everywhere().map(|(_, (_, sums))| sums.scaled);
        Some(AgainstBest {
            rounds: self.rounds,
            recalibrated: self.changed,
            crps_bps: self.consensus.mean(),
            best: *best,
            best_crps_bps: sums.mean(),
            scaled_ratio: self.consensus.scaled / scaled.fold(f64::INFINITY, f64::min),
        })
    }

    /// Whether a round is late enough to be compared.
    pub fn is_mature(origin: UnixMillis, first: UnixMillis) -> bool {
        origin - first >= MATURE_AFTER
    }
}

impl Sums {
    fn add(&mut self, score: &Score) {
        self.crps += score.tally.crps;
        self.steps += score.tally.steps;
        self.scaled += score.scaled_crps;
    }

    fn mean(&self) -> f64 {
        self.crps / self.steps as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Tally;

    fn score(crps: f64) -> Score {
        let tally = Tally {
            steps: 2,
            crps: 2.0 * crps,
            ..Tally::default()
        };
        Score {
            scaled_crps: crps / 100.0,
            tally,
        }
    }

    #[test]
    fn the_best_is_found_among_those_who_were_always_there() {
        let key = |n: u8| Hotkey([n; 32]);
        let mut against = AgainstMembers::default();
        assert_eq!(against.best(), None);
        let all = [
            (key(1), score(54.0)),
            (key(2), score(52.0)),
            (key(3), score(1.0)),
        ];
        against.add(&score(51.0), false, &all.clone().into());
        against.add(&score(53.0), true, &all[..2].iter().cloned().collect());
        let best = against.best().unwrap();
        assert_eq!((best.best, best.rounds, best.recalibrated), (key(2), 2, 1));
        assert_eq!((best.crps_bps, best.best_crps_bps), (52.0, 52.0));
        assert!((best.scaled_ratio - 1.0).abs() < 1e-15);
    }
}
