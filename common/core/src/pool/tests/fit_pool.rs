//! What copies, names and order must not change.

use super::*;
use crate::coldkey::Coldkey;

/// Shares by hotkey after a past in which these hotkeys, each with its coldkey, sent these fans.
fn fitted(forecasts: &[(Hotkey, Hotkey, QuantileForecast)]) -> BTreeMap<Hotkey, f64> {
    let fans: Vec<(Hotkey, QuantileForecast)> = forecasts
        .iter()
        .map(|(k, _, fan)| (*k, fan.clone()))
        .collect();
    let owners = forecasts
        .iter()
        .map(|(k, owner, _)| (*k, Coldkey::from(*owner)))
        .collect();
    let (state, _) = past(50, &fans, &fit_rules());
    let eligible: Vec<Hotkey> = sorted_hotkeys(&fans);
    let pool = fit_pool(&eligible, &owners, &state, &fit_rules());
    pool.iter().flat_map(Forecaster::hotkey_shares).collect()
}

fn sorted_hotkeys(fans: &[(Hotkey, QuantileForecast)]) -> Vec<Hotkey> {
    let mut keys: Vec<Hotkey> = fans.iter().map(|(miner, _)| *miner).collect();
    keys.sort_unstable();
    keys
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn exact_copies_gain_nothing_and_cost_nobody(
        scales in prop::collection::vec(0.3..0.6f64, 3),
        copies in 1u8..4,
        one_coldkey: bool,
    ) {
        let honest: Vec<(Hotkey, Hotkey, QuantileForecast)> = scales
            .iter()
            .zip([10, 20, 30])
            .map(|(scale, n)| (hotkey(n), hotkey(100 + n), fan(1, 0.01 * f64::from(n), *scale)))
            .collect();
        let copied = honest.iter().cloned().chain((0..copies).map(|n| {
            let owner = if one_coldkey { honest[1].1 } else { hotkey(200 + n) };
            (hotkey(n + 1), owner, honest[1].2.clone())
        }));
        let copied: Vec<_> = copied.collect();
        let (before, after) = (fitted(&honest), fitted(&copied));
        for n in [10, 30] {
            prop_assert!((before[&hotkey(n)] - after[&hotkey(n)]).abs() < 1e-9);
        }
        let together: f64 = (0..copies).map(|n| after[&hotkey(n + 1)]).sum::<f64>() + after[&hotkey(20)];
        prop_assert!((before[&hotkey(20)] - together).abs() < 1e-9);
    }

    #[test]
    fn names_and_order_change_nothing(
        scales in prop::collection::vec(0.3..0.6f64, 4),
        turn in 0usize..4,
    ) {
        let named = |names: [u8; 4]| -> Vec<(Hotkey, Hotkey, QuantileForecast)> {
            let fans = scales.iter().zip([0.0, 0.1, -0.1, 0.05]);
            let fans = fans.map(|(scale, centre)| fan(1, centre, *scale));
            names.into_iter().zip(fans).map(|(n, fan)| (hotkey(n), hotkey(n), fan)).collect()
        };
        let mut names = [1, 2, 3, 4];
        let straight = fitted(&named(names));
        names.rotate_left(turn);
        let renamed = fitted(&named(names));
        for (n, other) in (1..).zip(names) {
            prop_assert!((straight[&hotkey(n)] - renamed[&hotkey(other)]).abs() < 1e-9);
        }
        let mut listed = named([1, 2, 3, 4]);
        listed.rotate_left(turn);
        prop_assert_eq!(fitted(&listed), straight);
    }
}
