//! From evidence to shares of the payout. First form: in proportion to evidence.
//!
//! Paying for what a miner *adds* to the consensus replaces [`Weights::of`]'s numerators.

use std::collections::BTreeMap;

use super::Evidence;
use crate::hotkey::Hotkey;
use crate::rules::PayRules;

/// Shares of the miners' part of the emission; miners and burn sum to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// The share of each eligible miner; nobody else is listed.
    pub miners: BTreeMap<Hotkey, f64>,
    /// The share that is not earned: it goes to the subnet owner's uid, where the chain burns it.
    pub burn: f64,
}

impl Weights {
    /// `weight = e / Σe × paid part`, `paid part = min(1, G⁺/full_pay_gain)`, G⁺ the consensus's own mean
    /// advantage less its standard error, floored at 0. With nobody eligible all is burned.
    pub fn of(
        evidence: &BTreeMap<Hotkey, Evidence>,
        consensus: Option<&Evidence>,
        rules: &PayRules,
    ) -> Self {
        let total: f64 = evidence.values().map(|e| e.value).sum();
        let paid = consensus.map_or(0.0, |c| {
            ((c.mean - c.standard_error) / rules.full_pay_gain).clamp(0.0, 1.0)
        });
        if total <= 0.0 || paid <= 0.0 {
            return Self {
                miners: BTreeMap::new(),
                burn: 1.0,
            };
        }
        let miners = evidence
            .iter()
            .filter(|(_, e)| e.value > 0.0)
            .map(|(hotkey, e)| (*hotkey, e.value / total * paid))
            .collect();
        Self {
            miners,
            burn: 1.0 - paid,
        }
    }

    /// The share of one miner.
    pub fn share(&self, hotkey: &Hotkey) -> f64 {
        self.miners.get(hotkey).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::RulesVersion;

    fn evidence(value: f64) -> Evidence {
        Evidence {
            mean: value + 0.01,
            standard_error: 0.008,
            rounds: 300,
            value,
        }
    }

    fn consensus(gain: f64) -> Evidence {
        Evidence {
            mean: gain,
            standard_error: 0.0,
            rounds: 300,
            value: gain,
        }
    }

    fn key(n: u8) -> Hotkey {
        Hotkey([n; 32])
    }

    fn weights(values: &[f64], gain: f64) -> Weights {
        let evidence = (1..)
            .zip(values)
            .map(|(n, v)| (key(n), evidence(*v)))
            .collect();
        let rules = RulesVersion::V1.rules().pay;
        Weights::of(&evidence, Some(&consensus(gain)), &rules)
    }

    /// e = 0.01, 0.03, 0 and a consensus gain of 0.004 of the 0.005 for full pay: 0.8 is paid, ¼ and ¾ of it.
    #[test]
    fn worked_by_hand() {
        let weights = weights(&[0.01, 0.03, 0.0], 0.004);
        assert!((weights.share(&key(1)) - 0.2).abs() < 1e-12);
        assert!((weights.share(&key(2)) - 0.6).abs() < 1e-12);
        assert_eq!(weights.share(&key(3)), 0.0);
        assert!((weights.burn - 0.2).abs() < 1e-12);
    }

    #[test]
    fn without_evidence_or_gain_everything_is_burned() {
        assert_eq!(weights(&[0.0, 0.0], 0.01).burn, 1.0);
        assert_eq!(weights(&[0.01], 0.0).burn, 1.0);
        assert_eq!(weights(&[0.01], -0.01).burn, 1.0);
        let none = Weights::of(&BTreeMap::new(), None, &RulesVersion::V1.rules().pay);
        assert_eq!(none.burn, 1.0);
    }

    proptest! {
        #[test]
        fn permuting_miners_permutes_weights_and_all_sums_to_one(
            values in prop::collection::vec(0.0..0.1f64, 1..10),
            gain in -0.01..0.02f64,
            turn in 0usize..10,
        ) {
            let straight = weights(&values, gain);
            let mut turned_values = values.clone();
            let turn = turn % values.len();
            turned_values.rotate_left(turn);
            let turned = weights(&turned_values, gain);
            for i in 0..values.len() {
                let from = key(((i + turn) % values.len()) as u8 + 1);
                let difference = straight.share(&from) - turned.share(&key(i as u8 + 1));
                prop_assert!(difference.abs() < 1e-12);
            }
            let sum: f64 = straight.miners.values().sum::<f64>() + straight.burn;
            prop_assert!((sum - 1.0).abs() < 1e-12);
        }
    }
}
