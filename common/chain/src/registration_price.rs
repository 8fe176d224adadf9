//! What a place in the subnet costs, in rao of TAO.
//!
//! The price rises by 26 % with each registration and halves every 360 blocks without one; older runtimes move it once
//! an interval instead, by how many registrations there were. Source: `subnets/registration.rs` and
//! `coinbase/block_step.rs` of subtensor's pallet.

use serde::{Deserialize, Serialize};

use crate::block::Block;

/// Within which bounds the price moves, and how; prices are in rao of TAO.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RegistrationPriceRules {
    /// The least price, in rao.
    pub least: u64,
    /// The greatest price, in rao.
    pub most: u64,
    /// What moves the price between the bounds.
    #[serde(flatten)]
    pub adjustment: PriceAdjustment,
}

/// How registrations move the price.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PriceAdjustment {
    /// Each registration raises it, and each block lowers it.
    Continuous {
        /// Blocks in which it halves without registrations.
        half_life: u64,
        /// Factor by which a registration raises it.
        growth: f64,
    },
    /// Once an interval, and within it not at all: `price·(memory + (1 − memory)·(n + target)/(2·target))` after n
    /// registrations, if they are more than `target`, or none; a few leave it as it is. Runtimes before 2026.
    Intervals {
        /// Blocks between two changes.
        interval: u64,
        /// Most registrations with which it stays.
        target: u64,
        /// The part of the old price that stays, 2⁶⁴ − 1 being all of it.
        memory: u64,
    },
}

impl Default for RegistrationPriceRules {
    /// The chain's defaults: 0.0005 to 100 TAO, + 26 % with each registration, halved in 360 blocks.
    fn default() -> Self {
        Self {
            least: 500_000,
            most: 100_000_000_000,
            adjustment: PriceAdjustment::Continuous {
                half_life: 360,
                growth: 1.26,
            },
        }
    }
}

impl RegistrationPriceRules {
    /// This price within the limits; the upper one, where they contradict each other.
    fn bounded(&self, rao: u64) -> u64 {
        rao.max(self.least).min(self.most)
    }
}

/// The price of a registration as it moves, and the rao that was burned for registrations.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct RegistrationPrice {
    /// Rao after the price last moved otherwise than by decay; 0 before that.
    last_rao: f64,
    last_block: Block,
    /// Registrations since then, where they move the price only at the end of an interval.
    registrations: u64,
    /// Rao burned by all registrations.
    pub burned: u64,
}

impl RegistrationPrice {
    /// A price of `rao` that last moved at `block`.
    pub fn new(rao: u64, block: Block) -> Self {
        Self {
            last_rao: rao as f64,
            last_block: block,
            ..Self::default()
        }
    }

    /// Rao that a registration costs at `block`.
    pub fn at_block(&self, block: Block, rules: &RegistrationPriceRules) -> u64 {
        let rao = match rules.adjustment {
            PriceAdjustment::Continuous { half_life, .. } => {
                let halvings = block.since(self.last_block) as f64 / half_life.max(1) as f64;
                (self.last_rao * libm::exp2(-halvings)) as u64
            }
            PriceAdjustment::Intervals { .. } => self.adjusted_to(block, rules).last_rao as u64,
        };
        rules.bounded(rao)
    }

    /// Takes a registration at `block` into account, and gives the rao that it cost.
    pub fn pay(&mut self, block: Block, rules: &RegistrationPriceRules) -> u64 {
        let price = self.at_block(block, rules);
        match rules.adjustment {
            PriceAdjustment::Continuous { growth, .. } => {
                self.last_rao = (price as f64 * growth).min(rules.most as f64);
                self.last_block = block;
            }
            PriceAdjustment::Intervals { .. } => {
                *self = self.adjusted_to(block, rules);
                self.registrations = self.registrations.saturating_add(1);
            }
        }
        self.burned = self.burned.saturating_add(price);
        price
    }

    /// The same after the intervals that have ended by `block`.
    fn adjusted_to(&self, block: Block, rules: &RegistrationPriceRules) -> Self {
        let mut moved = *self;
        let PriceAdjustment::Intervals {
            interval,
            target,
            memory,
        } = rules.adjustment
        else {
            return moved;
        };
        let interval = interval.max(1);
        let ended = block.since(self.last_block) / interval;
        for _ in 0..ended {
            let rao = rules.bounded(moved.last_rao as u64);
            let next = after_interval(rao, moved.registrations, target, memory);
            moved.last_rao = rules.bounded(next) as f64;
            // Without registrations it can only fall, to the least price there is.
            if moved.registrations == 0 && moved.last_rao as u64 == rao {
                break;
            }
            moved.registrations = 0;
        }
        moved.last_block = self.last_block + ended * interval;
        moved
    }
}

/// The price after an interval, digit for digit as the chain has it: in fixed point of 18 binary digits, rounded down.
fn after_interval(rao: u64, registrations: u64, target: u64, memory: u64) -> u64 {
    // Then the chain lowers the difficulty of registrations by proof of work, which is not to be had any more.
    if (1..=target).contains(&registrations) {
        return rao;
    }
    const DIGITS: u32 = 18;
    const ONE: u128 = 1 << DIGITS;
    let (rao, target) = (u128::from(rao), u128::from(target));
    let wanted = rao.saturating_mul(u128::from(registrations) + target);
    let wanted = (wanted << DIGITS).checked_div(2 * target).unwrap_or(0);
    let memory = (u128::from(memory) << DIGITS) / u128::from(u64::MAX);
    let next = memory * rao + (((ONE - memory) * wanted) >> DIGITS);
    u64::try_from(next >> DIGITS).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_price_by_hand() {
        let rules = RegistrationPriceRules::default();
        let mut registration_price = RegistrationPrice::default();
        assert_eq!(registration_price.at_block(Block::FIRST, &rules), 500_000);
        assert_eq!(registration_price.pay(Block::FIRST, &rules), 500_000);
        // 500,000 · 1.26, and that once more.
        assert_eq!(registration_price.pay(Block::FIRST, &rules), 630_000);
        assert_eq!(registration_price.at_block(Block::FIRST, &rules), 793_800);
        // Half of it 360 blocks on, were it not for the floor.
        assert_eq!(
            registration_price.at_block(Block::new(360), &rules),
            500_000
        );
        assert_eq!(registration_price.at_block(Block::new(90), &rules), 667_503); // 793,800 · 2^(−1/4) = 667,503.6
        assert_eq!(registration_price.burned, 1_130_000);
    }

    fn by_intervals() -> RegistrationPriceRules {
        RegistrationPriceRules {
            adjustment: PriceAdjustment::Intervals {
                interval: 100,
                target: 2,
                memory: u64::MAX / 4,
            },
            ..RegistrationPriceRules::default()
        }
    }

    /// A quarter stays as it was; with n registrations, unless they are 1 or 2, the rest is multiplied by (n + 2)/4.
    #[test]
    fn the_price_by_intervals_by_hand() {
        let rules = by_intervals();
        let mut registration_price = RegistrationPrice::new(8_000_000, Block::new(10));
        for block in [10, 50, 109, 109, 109] {
            assert_eq!(registration_price.pay(Block::new(block), &rules), 8_000_000);
        }
        // Five registrations: 8·(1/4 + 3/4·7/4) = 12.5; then one, with which it stays; then none, twice: ·(1/4 + 3/4·1/2).
        // The chain's quarter is 65,535/2¹⁸.
        let near = |block, rao: u64| {
            let price = registration_price.at_block(Block::new(block), &rules);
            assert!(price.abs_diff(rao) < 40, "{price} is not {rao}");
        };
        near(110, 12_500_000);
        assert_eq!(
            registration_price.at_block(Block::new(109), &rules),
            8_000_000
        );
        let paid = registration_price.pay(Block::new(150), &rules);
        assert_eq!(paid, registration_price.at_block(Block::new(209), &rules));
        let near = |block, rao: u64| {
            let price = registration_price.at_block(Block::new(block), &rules);
            assert!(price.abs_diff(rao) < 40, "{price} is not {rao}");
        };
        near(210, 12_500_000);
        near(310, 7_812_500);
        near(410, 4_882_812);
        assert_eq!(registration_price.at_block(Block::MAX, &rules), rules.least);
    }

    #[test]
    fn rules_of_both_kinds_survive_json() {
        let text = r#"{"least":500000,"most":100000000000,"half_life":360,"growth":1.26}"#;
        assert_eq!(
            serde_json::from_str::<RegistrationPriceRules>(text).unwrap(),
            RegistrationPriceRules::default()
        );
        let text = serde_json::to_string(&by_intervals()).unwrap();
        assert_eq!(
            serde_json::from_str::<RegistrationPriceRules>(&text).unwrap(),
            by_intervals()
        );
    }

    proptest! {
        #[test]
        fn no_rules_and_no_price_panic(
            (least, most, rao) in any::<(u64, u64, u64)>(),
            (interval, target, memory, registrations) in any::<(u64, u64, u64, u64)>(),
            (block, half_life, growth) in any::<(u64, u64, f64)>(),
        ) {
            let interval = interval.max(1 << 40);
            let adjustments = [
                PriceAdjustment::Intervals { interval, target, memory },
                PriceAdjustment::Continuous { half_life, growth },
            ];
            for adjustment in adjustments {
                let rules = RegistrationPriceRules { least, most, adjustment };
                let mut price = RegistrationPrice::new(rao, Block::new(block / 2));
                price.registrations = registrations;
                prop_assert!(price.pay(Block::new(block), &rules) <= most);
                prop_assert!(price.at_block(Block::MAX, &rules) <= most);
            }
        }

        #[test]
        fn the_price_stays_in_bounds_and_rises_on_demand_only(
            steps in prop::collection::vec((0..2000u64, any::<bool>()), 0..200),
        ) {
            let rules = RegistrationPriceRules::default();
            let (mut registration_price, mut block) = (RegistrationPrice::default(), 0);
            let mut paid = 0;
            for (blocks, registers) in steps {
                let before = registration_price.at_block(Block::new(block), &rules);
                block += blocks;
                let now = registration_price.at_block(Block::new(block), &rules);
                prop_assert!(now <= before && (rules.least..=rules.most).contains(&now));
                if registers {
                    paid += registration_price.pay(Block::new(block), &rules);
                    prop_assert!(registration_price.at_block(Block::new(block), &rules) >= now);
                }
            }
            prop_assert_eq!(registration_price.burned, paid);
        }
    }
}
