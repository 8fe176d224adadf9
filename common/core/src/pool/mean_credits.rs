//! What each hotkey has added to the consensus lately: a mean of its credits.

use std::collections::BTreeMap;

use crate::hotkey::Hotkey;
use crate::time::{Millis, UnixMillis};

/// Exponentially weighted means of each hotkey's credits over all scored rounds, in units of the scaled CRPS.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Credits {
    /// The latest origin, whose round weighs 1.
    latest: Option<UnixMillis>,
    /// Sum of the weights of all scored rounds.
    weight: f64,
    /// Weighted sums of credits.
    sums: BTreeMap<Hotkey, f64>,
}

impl Credits {
    /// Adds a scored round; a hotkey that isn't in `credits` had 0. `half_life` is that of a round's weight.
    pub fn add(&mut self, origin: UnixMillis, credits: &BTreeMap<Hotkey, f64>, half_life: Millis) {
        let latest = self.latest.unwrap_or(origin).max(origin);
        let halved = |span: Millis| libm::exp2(-(span.get() as f64) / half_life.get() as f64);
        let fade = halved(latest - self.latest.unwrap_or(latest));
        let weight = halved(latest - origin);
        self.latest = Some(latest);
        self.weight = self.weight * fade + weight;
        for sum in self.sums.values_mut() {
            *sum *= fade;
        }
        for (miner, credit) in credits {
            *self.sums.entry(*miner).or_default() += weight * credit;
        }
    }

    /// The weighted mean over all scored rounds; 0 for a hotkey that never had a credit.
    pub fn mean(&self, miner: &Hotkey) -> f64 {
        self.sums.get(miner).map_or(0.0, |sum| sum / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::hotkey;

    fn credited(rounds: &[&[f64]]) -> Credits {
        let mut credits = Credits::default();
        for (round, n) in rounds.iter().zip(0..) {
            let by_miner = (1..).map(hotkey).zip(round.iter().copied()).collect();
            credits.add(UnixMillis::literal(n), &by_miner, Millis::literal(1));
        }
        credits
    }

    /// A half-life of one round: weights 1/2 and 1: (0.5·4 + 1·1)/1.5 = 2; one that joins in round 2 has 1·3/1.5 = 2.
    #[test]
    fn the_mean_is_over_all_rounds_and_halves_with_age() {
        let credits = credited(&[&[4.0], &[1.0, 3.0]]);
        assert!((credits.mean(&hotkey(1)) - 2.0).abs() < 1e-12);
        assert!((credits.mean(&hotkey(2)) - 2.0).abs() < 1e-12);
        assert_eq!(credits.mean(&hotkey(3)), 0.0);
        let mut late = Credits::default();
        late.add(
            UnixMillis::literal(1),
            &BTreeMap::from([(hotkey(1), 1.0)]),
            Millis::literal(1),
        );
        late.add(
            UnixMillis::EPOCH,
            &BTreeMap::from([(hotkey(1), 4.0)]),
            Millis::literal(1),
        );
        assert!((late.mean(&hotkey(1)) - 2.0).abs() < 1e-12);
    }
}
