//! From what each hotkey adds to the consensus to shares of the payout.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::mean_credits::Credits;
use crate::hotkey::Hotkey;
use crate::rules::PayRules;

/// Shares of the miners' part of the emission; miners and burn sum to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct PayoutShares {
    /// The share of each paid miner; a miner with nothing isn't listed.
    pub miners: BTreeMap<Hotkey, f64>,
    /// The share that is not earned: it goes to the subnet owner's uid, where the chain burns it.
    pub burn: f64,
}

impl PayoutShares {
    /// `payout = max(0, mean credit)` of the eligible (e > 0), `weight = payout / Σ payout × paid part`,
    /// `paid part = min(1, G⁺/full_pay_gain)`, G⁺ the consensus's own mean advantage less its standard error,
    /// floored at 0. With no miner to pay all is burned.
    pub fn from_credits(
        evidence: &BTreeMap<Hotkey, Evidence>,
        credits: &Credits,
        consensus: Option<&Evidence>,
        rules: &PayRules,
    ) -> Self {
        let eligible = evidence.iter().filter(|(_, e)| e.value > 0.0);
        let payouts: BTreeMap<Hotkey, f64> = eligible
            .map(|(miner, _)| (*miner, credits.mean(miner)))
            .filter(|(_, payout)| *payout > 0.0)
            .collect();
        let total: f64 = payouts.values().sum();
        let paid = consensus.map_or(0.0, |c| {
            ((c.mean - c.standard_error) / rules.full_pay_gain).clamp(0.0, 1.0)
        });
        if total <= 0.0 || paid <= 0.0 {
            return Self {
                miners: BTreeMap::new(),
                burn: 1.0,
            };
        }
        let miners = payouts.into_iter();
        Self {
            miners: miners
                .map(|(miner, payout)| (miner, payout / total * paid))
                .collect(),
            burn: 1.0 - paid,
        }
    }

    /// The share of one miner; 0 if it isn't paid.
    pub fn share(&self, hotkey: &Hotkey) -> f64 {
        self.miners.get(hotkey).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::RulesVersion;
    use crate::testing::hotkey;
    use crate::time::{Millis, UnixMillis};

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

    /// One round's credits.
    fn credited(round: &[f64]) -> Credits {
        let mut credits = Credits::default();
        let by_miner = (1..).map(hotkey).zip(round.iter().copied()).collect();
        credits.add(UnixMillis::EPOCH, &by_miner, Millis::literal(1));
        credits
    }

    /// Weights of miners who are all eligible.
    fn weights(credits: &[f64], gain: f64) -> PayoutShares {
        let evidence = (1..)
            .map(hotkey)
            .zip(credits.iter().map(|_| evidence(0.01)));
        let rules = RulesVersion::V1.rules().pay;
        let credits = credited(credits);
        PayoutShares::from_credits(
            &evidence.collect(),
            &credits,
            Some(&consensus(gain)),
            &rules,
        )
    }

    /// Credits 0.01, 0.03, −1 and a consensus gain of 0.004 of the 0.005 for full pay: 0.8 is paid, ¼ and ¾ of it.
    #[test]
    fn worked_by_hand() {
        let weights = weights(&[0.01, 0.03, -1.0], 0.004);
        assert!((weights.share(&hotkey(1)) - 0.2).abs() < 1e-12);
        assert!((weights.share(&hotkey(2)) - 0.6).abs() < 1e-12);
        assert_eq!(weights.share(&hotkey(3)), 0.0);
        assert!((weights.burn - 0.2).abs() < 1e-12);
    }

    #[test]
    fn who_is_not_eligible_is_not_paid_whatever_it_added() {
        let evidence = BTreeMap::from([(hotkey(1), evidence(0.0)), (hotkey(2), evidence(0.01))]);
        let rules = RulesVersion::V1.rules().pay;
        let credits = credited(&[0.03, 0.01]);
        let weights =
            PayoutShares::from_credits(&evidence, &credits, Some(&consensus(1.0)), &rules);
        assert_eq!(
            (weights.share(&hotkey(1)), weights.share(&hotkey(2))),
            (0.0, 1.0)
        );
    }

    #[test]
    fn without_credit_or_gain_everything_is_burned() {
        assert_eq!(weights(&[0.0, -0.1], 0.01).burn, 1.0);
        assert_eq!(weights(&[0.01], 0.0).burn, 1.0);
        assert_eq!(weights(&[0.01], -0.01).burn, 1.0);
        let rules = RulesVersion::V1.rules().pay;
        let none = PayoutShares::from_credits(&BTreeMap::new(), &Credits::default(), None, &rules);
        assert_eq!(none.burn, 1.0);
    }

    proptest! {
        #[test]
        fn permuting_miners_permutes_weights_and_all_sums_to_one(
            values in prop::collection::vec(-0.1..0.1f64, 1..10),
            gain in -0.01..0.02f64,
            turn in 0usize..10,
        ) {
            let straight = weights(&values, gain);
            let mut turned_values = values.clone();
            let turn = turn % values.len();
            turned_values.rotate_left(turn);
            let turned = weights(&turned_values, gain);
            for i in 0..values.len() {
                let from = hotkey(((i + turn) % values.len()) as u8 + 1);
                let difference = straight.share(&from) - turned.share(&hotkey(i as u8 + 1));
                prop_assert!(difference.abs() < 1e-12);
            }
            let sum: f64 = straight.miners.values().sum::<f64>() + straight.burn;
            prop_assert!((sum - 1.0).abs() < 1e-12);
        }
    }
}
