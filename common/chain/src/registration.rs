//! What a place in the subnet costs, and who has to leave for it.
//!
//! The price rises by 26 % with each registration and halves every 360 blocks without one. When all places are
//! taken, the newcomer gets that of the neuron with the lowest emission: those past their immunity first, then the
//! oldest, then the lowest uid. The owner stays. Source: `subnets/registration.rs` of subtensor's pallet; its
//! runtimes before 2026 adjusted the price once an interval instead, and the newest keep a floor of neurons that are
//! not immune.

use std::cmp::Reverse;

use foretell_core::hotkey::Uid;
use serde::{Deserialize, Serialize};

use crate::metagraph::Block;

/// How the price moves, in rao of TAO.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PriceRules {
    /// Never less.
    pub least: u64,
    /// Never more.
    pub most: u64,
    /// Blocks in which it halves.
    pub half_life: u64,
    /// Factor by which a registration raises it.
    pub growth: f64,
}

impl Default for PriceRules {
    /// The chain's own: 0.0005 to 100 TAO.
    fn default() -> Self {
        Self {
            least: 500_000,
            most: 100_000_000_000,
            half_life: 360,
            growth: 1.26,
        }
    }
}

/// The price of a registration, and all that was paid for registrations: it is burned.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Till {
    /// Rao after the last registration; 0 before the first.
    after_last: f64,
    at: Block,
    /// Rao burned by all registrations.
    pub burned: u64,
}

impl Till {
    /// Rao that a registration costs at `block`.
    pub fn price(&self, block: Block, rules: &PriceRules) -> u64 {
        let halvings = block.since(self.at) as f64 / rules.half_life.max(1) as f64;
        let decayed = self.after_last * libm::exp2(-halvings);
        (decayed as u64).clamp(rules.least, rules.most)
    }

    /// Pays for a registration at `block`; what it cost.
    pub fn pay(&mut self, block: Block, rules: &PriceRules) -> u64 {
        let price = self.price(block, rules);
        self.after_last = (price as f64 * rules.growth).min(rules.most as f64);
        self.at = block;
        self.burned = self.burned.saturating_add(price);
        price
    }
}

/// A neuron that might have to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its place.
    pub uid: Uid,
    /// What the last epoch paid it.
    pub emission: u64,
    /// When it came.
    pub registered: Block,
}

/// Who leaves at `block`; `None` if there is no candidate.
pub fn leaver(
    candidates: impl IntoIterator<Item = Candidate>,
    block: Block,
    immunity: u64,
) -> Option<Uid> {
    candidates
        .into_iter()
        .min_by_key(|candidate| {
            let mortal = block.since(candidate.registered) >= immunity;
            (
                Reverse(mortal),
                candidate.emission,
                candidate.registered,
                candidate.uid,
            )
        })
        .map(|candidate| candidate.uid)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_price_by_hand() {
        let rules = PriceRules::default();
        let mut till = Till::default();
        assert_eq!(till.price(Block(0), &rules), 500_000);
        assert_eq!(till.pay(Block(0), &rules), 500_000);
        // 500,000 · 1.26, and that once more.
        assert_eq!(till.pay(Block(0), &rules), 630_000);
        assert_eq!(till.price(Block(0), &rules), 793_800);
        // Half of it 360 blocks on, were it not for the floor.
        assert_eq!(till.price(Block(360), &rules), 500_000);
        assert_eq!(till.price(Block(90), &rules), 667_503); // 793,800 · 2^(−1/4) = 667,503.6
        assert_eq!(till.burned, 1_130_000);
    }

    #[test]
    fn the_least_paid_leaves_unless_it_is_new() {
        let neuron = |uid, emission, registered| Candidate {
            uid: Uid(uid),
            emission,
            registered: Block(registered),
        };
        let at = |block, candidates: &[Candidate]| leaver(candidates.to_vec(), Block(block), 100);
        let (old, rich, new) = (neuron(1, 5, 0), neuron(2, 9, 0), neuron(3, 0, 150));
        assert_eq!(at(200, &[old, rich, new]), Some(Uid(1)));
        assert_eq!(at(250, &[old, rich, new]), Some(Uid(3)));
        // Nobody past immunity: the least paid of the new, the oldest of those, the lowest uid of those.
        assert_eq!(
            at(160, &[neuron(4, 1, 140), neuron(5, 1, 130), new]),
            Some(Uid(3))
        );
        assert_eq!(
            at(160, &[neuron(5, 1, 130), neuron(4, 1, 130)]),
            Some(Uid(4))
        );
        assert_eq!(
            at(160, &[neuron(4, 1, 140), neuron(5, 1, 130)]),
            Some(Uid(5))
        );
        assert_eq!(at(160, &[]), None);
    }

    proptest! {
        #[test]
        fn the_price_stays_in_bounds_and_rises_on_demand_only(steps in prop::collection::vec((0..2000u64, any::<bool>()), 0..200)) {
            let rules = PriceRules::default();
            let (mut till, mut block) = (Till::default(), 0);
            let mut paid = 0;
            for (blocks, registers) in steps {
                let before = till.price(Block(block), &rules);
                block += blocks;
                let now = till.price(Block(block), &rules);
                prop_assert!(now <= before && (rules.least..=rules.most).contains(&now));
                if registers {
                    paid += till.pay(Block(block), &rules);
                    prop_assert!(till.price(Block(block), &rules) >= now);
                }
            }
            prop_assert_eq!(till.burned, paid);
        }
    }
}
