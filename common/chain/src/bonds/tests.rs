//! Bonds by hand, and what no validator can gain by lying or copying.

use proptest::prelude::*;

use super::*;
use crate::bond_rules::LiquidAlpha;

fn validator(share: f64, weights: &[f64], kept: &[u16]) -> ValidatorBonds {
    ValidatorBonds {
        share,
        weights: weights.to_vec(),
        has_entry: weights.iter().map(|weight| *weight > 0.0).collect(),
        clipped: weights.to_vec(),
        old_bonds: kept.to_vec(),
    }
}

fn rules(version: YumaVersion) -> BondRules {
    BondRules {
        version,
        ..BondRules::default()
    }
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64]) {
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} is not {expected}"
        );
    }
}

/// Two validators of equal stake and two miners of incentive ½ each. Last epoch the first held all of miner 0,
/// the second all of miner 1; now both weigh ½, ½:
///
/// ```text
/// ΔB = ½ everywhere    B = 0.1·½ + 0.9·(1, 0; 0, 1) = (0.95, 0.05; 0.05, 0.95)
/// D = ½·0.95 + ½·0.05 = ½ each    stored: 0.05/0.95·65,535 = 3,449
/// ```
#[test]
fn bonds_of_yuma_2_by_hand() {
    let half = [0.5, 0.5];
    let full = u16::MAX;
    let validators = [
        validator(0.5, &half, &[full, 0]),
        validator(0.5, &half, &[0, full]),
    ];
    let (earned, stored) = dividends(&validators, &half, &half, &rules(YumaVersion::Yuma2));
    assert_close(&earned, &[0.5, 0.5]);
    assert_eq!(stored, [[full, 3_449], [3_449, full]]);
    // All incentive on miner 0 pays whoever held it before.
    let (earned, _) = dividends(&validators, &half, &[1.0, 0.0], &rules(YumaVersion::Yuma2));
    assert_close(&earned, &[0.95, 0.05]);
}

/// One validator with 3/4 of stake and one with 1/4, new, each weighing one miner alone:
///
/// ```text
/// B = 0.1·W    colnorm(B) = (1, 0; 0, 1)    D ∝ (¾·½, ¼·½)    stored 0.1·65,535
/// ```
#[test]
fn bonds_of_yuma_3_by_hand() {
    let validators = [
        validator(0.75, &[1.0, 0.0], &[0, 0]),
        validator(0.25, &[0.0, 1.0], &[0, 0]),
    ];
    let half = [0.5, 0.5];
    let (earned, stored) = dividends(&validators, &half, &half, &rules(YumaVersion::Yuma3));
    assert_close(&earned, &[0.75, 0.25]);
    assert_eq!(stored, [[6_553, 0], [0, 6_553]]);
    // Yuma 2 doesn't weigh by stake what each holds alone.
    let (earned, _) = dividends(&validators, &half, &half, &rules(YumaVersion::Yuma2));
    assert_close(&earned, &[0.5, 0.5]);
}

/// The validator that held miner 0 names miner 1 alone from now on; the other one names miner 0 with a weight of 0.
#[test]
fn with_liquid_alpha_a_bond_is_lost_where_the_row_names_nobody() {
    let full = u16::MAX;
    let leaving = validator(0.5, &[0.0, 1.0], &[full, 0]);
    let naming = ValidatorBonds {
        has_entry: vec![true, true],
        ..leaving.clone()
    };
    let clipped_away = ValidatorBonds {
        clipped: vec![0.0, 0.0],
        ..validator(0.5, &[1.0, 0.0], &[full, 0])
    };
    let first_bond = |validator: &ValidatorBonds, version| {
        let validators = [validator.clone()];
        let (_, stored) = dividends(&validators, &[0.0, 1.0], &[0.0, 1.0], &rules(version));
        stored[0][0]
    };
    let liquid = YumaVersion::Yuma3Liquid(LiquidAlpha::default());
    assert_eq!(first_bond(&leaving, liquid), 0);
    assert_eq!(first_bond(&clipped_away, liquid), 0);
    // What is named fades: 1 − 0.8987.
    let fading = first_bond(&naming, liquid);
    assert!((6_553..7_000).contains(&fading), "{fading}");
    // Without liquid alpha it always does: 0.9.
    assert_eq!(first_bond(&leaving, YumaVersion::Yuma3), 58_981);
}

#[test]
fn the_penalty_decides_whether_clipped_weight_buys_bonds() {
    let clipped = ValidatorBonds {
        clipped: vec![0.5, 0.0],
        ..validator(0.5, &[1.0, 0.0], &[0, 0])
    };
    let honest = validator(0.5, &[0.5, 0.5], &[0, 0]);
    let paid = |penalty| {
        let rules = BondRules {
            penalty,
            ..BondRules::default()
        };
        let validators = [clipped.clone(), honest.clone()];
        dividends(&validators, &[0.5, 0.5], &[1.0, 0.0], &rules).0
    };
    assert_close(&paid(1.0), &[0.5, 0.5]);
    assert_close(&paid(0.0), &[2.0 / 3.0, 1.0 / 3.0]);
}

#[test]
fn liquid_alpha_stays_between_its_bounds_and_grows_with_the_distance() {
    let liquid = LiquidAlpha::default();
    let near = liquid.alpha(0.5, 0.1, 0.5);
    let far = liquid.alpha(0.9, 0.1, 0.1);
    let selling = liquid.alpha(0.0, 0.9, 0.0);
    assert!((near - 0.701_338_570_184_851).abs() < 1e-9, "{near}");
    assert!(
        far > 0.89 && selling > 0.89 && far <= 0.9,
        "{far} {selling}"
    );
}

fn share_of(seed: &[u16]) -> Vec<f64> {
    normalised(&seed.iter().map(|v| f64::from(*v)).collect::<Vec<_>>())
}

/// Epochs of a subnet whose honest majority (share 1 − s) follows `opinions`; what the minority earned.
fn earned_over(opinions: &[Vec<f64>], minority: &[Vec<f64>], s: f64, rules: &BondRules) -> f64 {
    let n = opinions[0].len();
    let mut kept = vec![vec![0; n]; 2];
    let mut total = 0.0;
    for (opinion, own) in opinions.iter().zip(minority) {
        let clip =
            |row: &[f64]| -> Vec<f64> { row.iter().zip(opinion).map(|(w, c)| w.min(*c)).collect() };
        let validators =
            [(1.0 - s, opinion, 0), (s, own, 1)].map(|(share, weights, row)| ValidatorBonds {
                share,
                weights: weights.clone(),
                has_entry: vec![true; n],
                clipped: clip(weights),
                old_bonds: kept[row].clone(),
            });
        let rank: Vec<f64> = (0..n)
            .map(|j| validators.iter().map(|h| h.share * h.clipped[j]).sum())
            .collect();
        let (earned, stored) = dividends(&validators, opinion, &normalised(&rank), rules);
        total += earned[1];
        kept = stored;
    }
    total
}

fn opinions() -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec(1..=u16::MAX, 4), 12)
        .prop_map(|rows| rows.iter().map(|row| share_of(row)).collect())
}

proptest! {
    /// Under a steady honest majority, whatever a minority says instead earns it no more than saying the same.
    #[test]
    fn a_lying_minority_earns_no_more_than_an_honest_one(
        opinion in prop::collection::vec(1..=u16::MAX, 4),
        lie in prop::collection::vec(any::<u16>(), 4),
        s in 0.01..0.49f64,
        version in prop_oneof![Just(YumaVersion::Yuma2), Just(YumaVersion::Yuma3)],
    ) {
        prop_assume!(lie.iter().any(|value| *value > 0));
        let steady = vec![share_of(&opinion); 40];
        let lies = vec![share_of(&lie); 40];
        let honest = earned_over(&steady, &steady, s, &rules(version));
        let lying = earned_over(&steady, &lies, s, &rules(version));
        // What is stored is rounded to 1/65,535.
        prop_assert!(lying <= honest * (1.0 + 1e-3), "{} > {}", lying, honest);
    }

    /// However opinions move, a minority that repeats last epoch's consensus earns no more than one that grades.
    #[test]
    fn a_copier_earns_no_more_than_it_would_by_grading(opinions in opinions(), s in 0.01..0.49f64) {
        let mut copied = opinions.clone();
        copied.rotate_right(1);
        copied[0].clone_from(&opinions[0]);
        let grading = earned_over(&opinions, &opinions, s, &BondRules::default());
        let copying = earned_over(&opinions, &copied, s, &BondRules::default());
        prop_assert!(copying <= grading * (1.0 + 1e-3), "{} > {}", copying, grading);
    }

    #[test]
    fn dividends_sum_to_one(
        weights in prop::collection::vec(prop::collection::vec(1..=u16::MAX, 3), 1..5),
        kept in prop::collection::vec(prop::collection::vec(any::<u16>(), 3), 5),
        version in prop_oneof![
            Just(YumaVersion::Yuma2),
            Just(YumaVersion::Yuma3),
            Just(YumaVersion::Yuma3Liquid(LiquidAlpha::default())),
        ],
    ) {
        let share = 1.0 / weights.len() as f64;
        let validators: Vec<ValidatorBonds> = weights
            .iter()
            .zip(&kept)
            .map(|(weights, kept)| validator(share, &share_of(weights), kept))
            .collect();
        let (earned, stored) = dividends(&validators, &[0.3; 3], &[0.2, 0.3, 0.5], &rules(version));
        prop_assert!((earned.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert_eq!(stored.len(), validators.len());
    }
}
