//! What an epoch pays: rao split among the subnet's owner, validators and miners, to the last one.

use std::ops::AddAssign;

use foretell_core::hotkey::Uid;
use serde::{Deserialize, Serialize};

/// Rao issued to the subnet with every block: one alpha.
pub const RAO_PER_BLOCK: u64 = 1_000_000_000;

/// The miners' pot in percent, and the validators'; the owner's cut is the rest. The chain cuts 18 % for the
/// owner (11,796/65,535) and halves what is left.
const POT_PERCENT: u64 = 41;

/// Where issued rao went, all in rao. The other four always sum to `issued`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Supply {
    /// All rao that was ever issued to the subnet.
    pub issued: u64,
    /// To the subnet's owner: its cut, and what rounding left over.
    pub owner: u64,
    /// To validators, by dividend.
    pub validators: u64,
    /// To miners, by incentive.
    pub miners: u64,
    /// To nobody: the incentive of the owner's uid, and both pots while nobody has an incentive.
    pub burned: u64,
}

impl AddAssign for Supply {
    fn add_assign(&mut self, more: Self) {
        self.issued = self.issued.saturating_add(more.issued);
        self.owner = self.owner.saturating_add(more.owner);
        self.validators = self.validators.saturating_add(more.validators);
        self.miners = self.miners.saturating_add(more.miners);
        self.burned = self.burned.saturating_add(more.burned);
    }
}

/// How the rao of one epoch is split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Its rao by receiver.
    pub supply: Supply,
    /// What each uid gets, in rao, as miner and as validator together.
    pub paid: Vec<u64>,
}

/// Splits `issued` rao 18/41/41 among the owner, the validators by `dividend` and the miners by `incentive`.
///
/// Both vectors are in uid order and sum to 1, or are all 0: then there is nobody to pay and both pots are
/// burned. (The real chain would pay validators by stake instead.) Shares are floored to whole rao; what
/// that leaves over goes to the owner's cut. The incentive of uid `owner` is burned; the real chain burns
/// that of every hotkey of the owner's coldkey.
pub fn pay(issued: u64, incentive: &[f64], dividend: &[f64], owner: Uid) -> Payout {
    let pot = issued / 100 * POT_PERCENT + issued % 100 * POT_PERCENT / 100;
    let mut paid = vec![0; incentive.len()];
    if incentive.iter().all(|part| *part == 0.0) {
        let supply = Supply {
            issued,
            owner: issued - 2 * pot,
            burned: 2 * pot,
            ..Supply::default()
        };
        return Payout { supply, paid };
    }

    let mut supply = Supply {
        issued,
        ..Supply::default()
    };
    for (uid, (total, share)) in paid.iter_mut().zip(shares(pot, incentive)).enumerate() {
        if uid == usize::from(owner.0) {
            supply.burned += share;
        } else {
            supply.miners += share;
            *total += share;
        }
    }
    for (total, share) in paid.iter_mut().zip(shares(pot, dividend)) {
        supply.validators += share;
        *total += share;
    }
    supply.owner = issued - supply.miners - supply.validators - supply.burned;
    Payout { supply, paid }
}

/// The parts of a pot in whole rao, rounded down.
fn shares(pot: u64, parts: &[f64]) -> impl Iterator<Item = u64> {
    let mut left = pot;
    parts.iter().map(move |part| {
        // Parts may sum to a rounding error above 1; the pot may not.
        let share = ((part * pot as f64) as u64).min(left);
        left -= share;
        share
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_epoch_pays_by_hand() {
        // Of 1,001 rao a pot is ⌊410.41⌋ = 410. Miners: 0.5 -> 205 burned at the owner's uid 0, 0.3 -> 123,
        // 0.2 -> 82. Validators: 1/3 -> ⌊136.67⌋ = 136 and 2/3 -> ⌊273.33⌋ = 273, together 409.
        // Owner: 1,001 − 205 − 409 − 205 = 182.
        let payout = pay(
            1_001,
            &[0.5, 0.3, 0.2],
            &[1.0 / 3.0, 0.0, 2.0 / 3.0],
            Uid(0),
        );
        assert_eq!(
            payout.supply,
            Supply {
                issued: 1_001,
                owner: 182,
                validators: 409,
                miners: 205,
                burned: 205
            }
        );
        assert_eq!(payout.paid, [136, 123, 82 + 273]);
    }

    #[test]
    fn without_incentive_both_pots_burn() {
        let payout = pay(360 * RAO_PER_BLOCK, &[0.0; 3], &[0.0; 3], Uid(0));
        assert_eq!(payout.supply.owner, 64_800_000_000); // 18 % of 360 alpha
        assert_eq!(payout.supply.burned, 295_200_000_000);
        assert_eq!(payout.paid, [0; 3]);
    }

    fn parts() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(0.0..1.0f64, 5).prop_map(|raw| {
            let sum: f64 = raw.iter().sum();
            raw.iter()
                .map(|part| if sum > 0.0 { part / sum } else { 0.0 })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn no_rao_is_lost_or_made(
            issued in 0..u64::from(u16::MAX) * RAO_PER_BLOCK,
            incentive in parts(),
            dividend in parts(),
            owner in 0..6u16,
        ) {
            let Payout { supply, paid } = pay(issued, &incentive, &dividend, Uid(owner));
            prop_assert_eq!(supply.owner + supply.validators + supply.miners + supply.burned, issued);
            prop_assert_eq!(paid.iter().sum::<u64>(), supply.validators + supply.miners);
            // At most one rao of rounding for each share, over the owner's 18 %.
            let cut = issued - 2 * (issued * 41 / 100);
            prop_assert!(cut <= supply.owner && supply.owner <= cut + 12);
        }
    }
}
