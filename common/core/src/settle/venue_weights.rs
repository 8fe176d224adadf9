//! Weights of venues: each class has a share, split by volume, and no venue is above the cap.

use super::quote_currency::QuoteCurrency;
use crate::rules::MinuteRules;

/// Each venue's share of all weight, before the cap: its class's share, split by volume. A class without volume leaves
/// its share to the other; where there is no volume at all, all shares are 0.
pub fn by_volume(venues: &[(QuoteCurrency, f64)], rules: &MinuteRules) -> Vec<f64> {
    let volume_of = |class: QuoteCurrency| -> f64 {
        let members = venues.iter().filter(|(quote, _)| *quote == class);
        members.map(|(_, volume)| volume).sum()
    };
    let (usd, usdt) = (
        volume_of(QuoteCurrency::Usd),
        volume_of(QuoteCurrency::Usdt),
    );
    let usd_share = match (usd > 0.0, usdt > 0.0) {
        (true, true) => rules.usd_weight,
        (true, false) => 1.0,
        (false, _) => 0.0,
    };
    venues
        .iter()
        .map(|(quote, volume)| {
            let (share, total) = match quote {
                QuoteCurrency::Usd => (usd_share, usd),
                QuoteCurrency::Usdt => (1.0 - usd_share, usdt),
            };
            if total > 0.0 {
                share * volume / total
            } else {
                0.0
            }
        })
        .collect()
}

/// The shares with none above `cap`: what is cut off is spread over all others in proportion, again and again. Where
/// even `cap` for every venue leaves weight over, every venue has the cap.
pub fn capped(shares: &[f64], cap: f64) -> Vec<f64> {
    let mut is_capped = vec![false; shares.len()];
    loop {
        let held = cap * is_capped.iter().filter(|is| **is).count() as f64;
        let free: f64 = shares
            .iter()
            .zip(&is_capped)
            .filter(|(_, is)| !**is)
            .map(|(s, _)| s)
            .sum();
        let stretch = if free > 0.0 { (1.0 - held) / free } else { 0.0 };
        let spread: Vec<f64> = shares
            .iter()
            .zip(&is_capped)
            .map(|(share, is_capped)| if *is_capped { cap } else { share * stretch })
            .collect();
        let mut changed = false;
        for (share, is_capped) in spread.iter().zip(&mut is_capped) {
            if !*is_capped && *share > cap {
                *is_capped = true;
                changed = true;
            }
        }
        if !changed {
            return spread;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::RulesVersion;

    fn rules() -> MinuteRules {
        RulesVersion::V1.rules().minute
    }

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    #[test]
    fn classes_have_their_shares_and_split_them_by_volume() {
        let venues = [
            (QuoteCurrency::Usd, 30.0),
            (QuoteCurrency::Usd, 10.0),
            (QuoteCurrency::Usdt, 5.0),
        ];
        assert!(close(&by_volume(&venues, &rules()), &[0.45, 0.15, 0.40]));
    }

    #[test]
    fn an_absent_class_leaves_everything_to_the_other() {
        let usd = [(QuoteCurrency::Usd, 30.0), (QuoteCurrency::Usd, 10.0)];
        assert!(close(&by_volume(&usd, &rules()), &[0.75, 0.25]));
        let usdt = [
            (QuoteCurrency::Usdt, 1.0),
            (QuoteCurrency::Usdt, 1.0),
            (QuoteCurrency::Usd, 0.0),
        ];
        assert!(close(&by_volume(&usdt, &rules()), &[0.5, 0.5, 0.0]));
        assert!(close(
            &by_volume(&[(QuoteCurrency::Usd, 0.0)], &rules()),
            &[0.0]
        ));
    }

    /// 0.60 is cut to 0.35; its 0.25 is spread over all others in proportion: × 0.65/0.40.
    #[test]
    fn the_excess_is_spread_over_all_others_in_proportion() {
        let capped = capped(&[0.60, 0.20, 0.16, 0.04], 0.35);
        assert!(close(&capped, &[0.35, 0.325, 0.26, 0.065]), "{capped:?}");
    }

    /// 40, 15, 8, 4: 0.597 is cut; then 0.65·15/27 = 0.361 is, too; 0.30 are left for 8 and 4.
    #[test]
    fn whoever_the_excess_lifts_above_the_cap_is_cut_in_turn() {
        let shares = [40.0, 15.0, 8.0, 4.0].map(|w| w / 67.0);
        let capped = capped(&shares, 0.35);
        assert!(close(&capped, &[0.35, 0.35, 0.20, 0.10]), "{capped:?}");
    }

    #[test]
    fn three_venues_share_what_the_cap_leaves() {
        assert!(close(
            &capped(&[0.90, 0.09, 0.01], 0.35),
            &[0.35, 0.35, 0.30]
        ));
        assert!(close(&capped(&[1.0], 0.35), &[0.35]));
        assert!(close(
            &capped(&[0.35, 0.35, 0.30], 0.35),
            &[0.35, 0.35, 0.30]
        ));
    }

    proptest! {
        #[test]
        fn capped_shares_sum_to_one_and_keep_their_order(
            volumes in prop::collection::vec(1e-3..1e6_f64, 3..12),
        ) {
            let total: f64 = volumes.iter().sum();
            let shares: Vec<f64> = volumes.iter().map(|v| v / total).collect();
            let capped = capped(&shares, 0.35);
            prop_assert!((capped.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(capped.iter().all(|share| *share <= 0.35 + 1e-12));
            for (a, b) in shares.iter().zip(&capped) {
                for (c, d) in shares.iter().zip(&capped) {
                    prop_assert!(a > c || b <= d || (b - d).abs() < 1e-12);
                }
            }
        }
    }
}
