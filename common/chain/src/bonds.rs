//! Bonds: what validators hold in miners, and how that memory turns incentive into dividends.
//!
//! With S the validators' stake, W^b their weights (clipped as far as the penalty β says), B′ the bonds kept from
//! the last epoch, I the incentive and colnorm the division of each column by its sum:
//!
//! ```text
//! Yuma 2    B = colnorm(α·colnorm(S∘W^b) + (1 − α)·colnorm(B′))    D_i = norm(Σ_j B_ij·I_j)
//! Yuma 3    B = α∘W^b + (1 − α)∘B′                                 D_i = norm(S_i·Σ_j colnorm(B)_ij·I_j)
//! ```
//!
//! Yuma 2 keeps each column scaled to a maximum of 1, Yuma 3 as it is; both as `u16`, like the chain. With liquid alpha, a bond
//! is lost at once, and doesn't fade, where the validator's row no longer names the miner or is clipped to nothing: the chain's
//! `mat_ema_alpha_sparse` goes by the entries of the row. Source: `epoch/run_epoch.rs` of subtensor's pallet, which computes
//! in fixed point; here doubles are summed in uid order.

use serde::{Deserialize, Serialize};

use crate::yuma::normalised;

/// How bonds move.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BondRules {
    /// Which of the two formulas.
    pub version: YumaVersion,
    /// What remains of old bonds at each epoch: 1 − α.
    pub memory: f64,
    /// β: 1 counts clipped weights, 0 the weights as they were set.
    pub penalty: f64,
}

/// Which formula.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum YumaVersion {
    /// Stake enters the bonds.
    Yuma2,
    /// Stake enters the dividends.
    Yuma3,
    /// Yuma 3 whose α depends on how far a bond is from consensus.
    Yuma3Liquid(LiquidAlpha),
}

/// α_ij = low + (high − low)·σ(steepness/100·(d − ½)), within low and high, where d is how far W is above consensus,
/// or, where W is below the bond, how far the bond is above W, in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LiquidAlpha {
    /// Least α.
    pub low: f64,
    /// Greatest α.
    pub high: f64,
    /// k.
    pub steepness: f64,
}

impl Default for BondRules {
    /// The chain's own defaults.
    fn default() -> Self {
        Self {
            version: YumaVersion::Yuma2,
            memory: 0.9,
            penalty: 1.0,
        }
    }
}

impl Default for LiquidAlpha {
    fn default() -> Self {
        Self {
            low: 0.7,
            high: 0.9,
            steepness: 1000.0,
        }
    }
}

/// What one permitted validator brings; every vector has one entry for each uid.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidatorBonds {
    /// Share of all permitted stake.
    pub share: f64,
    /// W, normalised.
    pub weights: Vec<f64>,
    /// Whom its row names, with a weight of 0 too.
    pub has_entry: Vec<bool>,
    /// W̄, clipped at consensus.
    pub clipped: Vec<f64>,
    /// B′ as it was stored.
    pub old_bonds: Vec<u16>,
}

/// Dividends of the validators, in the order given, and the bonds to store for each.
///
/// Dividends sum to 1, or are all 0.
pub fn dividends(
    validators: &[ValidatorBonds],
    consensus: &[f64],
    incentive: &[f64],
    rules: &BondRules,
) -> (Vec<f64>, Vec<Vec<u16>>) {
    let bond_weights: Vec<Vec<f64>> = validators
        .iter()
        .map(|h| weights_for_bonds(h, rules.penalty))
        .collect();
    let kept: Vec<Vec<f64>> = validators.iter().map(|h| from_u16(&h.old_bonds)).collect();
    let alpha = 1.0 - rules.memory;
    match rules.version {
        YumaVersion::Yuma2 => {
            let mut fresh = bond_weights;
            for (row, validator) in fresh.iter_mut().zip(validators) {
                row.iter_mut().for_each(|value| *value *= validator.share);
            }
            let mut bonds = ema(&colnorm(fresh), &colnorm(kept), |_, _, _| alpha);
            bonds = colnorm(bonds);
            let earned: Vec<f64> = bonds.iter().map(|row| dot(row, incentive)).collect();
            (normalised(&earned), to_u16(&max_upscaled(bonds)))
        }
        YumaVersion::Yuma3 => yuma3_dividends(
            ema(&bond_weights, &kept, |_, _, _| alpha),
            validators,
            incentive,
        ),
        YumaVersion::Yuma3Liquid(liquid) => {
            let alpha = |uid: usize, weight: f64, bond: f64| {
                let consensus = consensus.get(uid).copied().unwrap_or(0.0);
                liquid.alpha(weight, bond, consensus)
            };
            let rows = validators.iter().zip(&kept);
            let held: Vec<Vec<f64>> = rows
                .map(|(h, kept)| h.bonds_before_ema(kept, rules.penalty))
                .collect();
            yuma3_dividends(ema(&bond_weights, &held, alpha), validators, incentive)
        }
    }
}

impl ValidatorBonds {
    /// What liquid alpha leaves of B′ before it fades.
    fn bonds_before_ema(&self, kept: &[f64], penalty: f64) -> Vec<f64> {
        let bonds = kept.iter().enumerate();
        bonds
            .map(|(uid, bond)| if self.keeps(uid, penalty) { *bond } else { 0.0 })
            .collect()
    }

    /// Whether the row of W^b, as the chain keeps it, has an entry for this uid.
    fn keeps(&self, uid: usize, penalty: f64) -> bool {
        let at = |values: &[f64]| values.get(uid).copied().unwrap_or(0.0);
        let (weight, clipped) = (at(&self.weights), at(&self.clipped));
        let bond_weights = (1.0 - penalty) * weight + penalty * clipped;
        // Between no penalty and a whole one, the chain leaves zeros out.
        let zeros_count = penalty == 0.0 || penalty == 1.0;
        let named = self.has_entry.get(uid).copied().unwrap_or(false);
        bond_weights > 0.0 || (named && weight == 0.0 && zeros_count)
    }
}

impl LiquidAlpha {
    fn alpha(&self, weight: f64, bond: f64, consensus: f64) -> f64 {
        let distance = if weight >= bond {
            weight - consensus
        } else {
            bond - weight
        };
        let slope = self.steepness / 100.0;
        let sigmoid = 1.0 / (1.0 + libm::exp(-slope * (distance.clamp(0.0, 1.0) - 0.5)));
        (self.low + (self.high - self.low) * sigmoid).clamp(self.low, self.high)
    }
}

/// The rest of Yuma 3.
fn yuma3_dividends(
    bonds: Vec<Vec<f64>>,
    validators: &[ValidatorBonds],
    incentive: &[f64],
) -> (Vec<f64>, Vec<Vec<u16>>) {
    let stored = to_u16(&bonds);
    let earned: Vec<f64> = colnorm(bonds)
        .iter()
        .zip(validators)
        .map(|(row, validator)| validator.share * dot(row, incentive))
        .collect();
    (normalised(&earned), stored)
}

/// W^b = (1 − β)·W + β·W̄.
fn weights_for_bonds(validator: &ValidatorBonds, penalty: f64) -> Vec<f64> {
    let both = validator.weights.iter().zip(&validator.clipped);
    both.map(|(weight, clipped)| (1.0 - penalty) * weight + penalty * clipped)
        .collect()
}

/// α·fresh + (1 − α)·kept, with α by uid, fresh and kept value.
fn ema(
    fresh: &[Vec<f64>],
    kept: &[Vec<f64>],
    alpha: impl Fn(usize, f64, f64) -> f64,
) -> Vec<Vec<f64>> {
    let rows = fresh.iter().zip(kept);
    rows.map(|(fresh, kept)| {
        let pairs = fresh.iter().zip(kept).enumerate();
        pairs
            .map(|(uid, (fresh, kept))| {
                let alpha = alpha(uid, *fresh, *kept);
                alpha * fresh + (1.0 - alpha) * kept
            })
            .collect()
    })
    .collect()
}

/// Each column divided by its sum, or left at 0.
fn colnorm(rows: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let sums = by_column(&rows, |sum, value| sum + value);
    divided(rows, &sums)
}

/// Each column divided by its maximum, or left at 0.
fn max_upscaled(rows: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let largest = by_column(&rows, f64::max);
    divided(rows, &largest)
}

fn by_column(rows: &[Vec<f64>], fold: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let mut columns = vec![0.0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            *column = fold(*column, *value);
        }
    }
    columns
}

fn divided(mut rows: Vec<Vec<f64>>, by: &[f64]) -> Vec<Vec<f64>> {
    for row in &mut rows {
        for (value, by) in row.iter_mut().zip(by) {
            *value = if *by > 0.0 { *value / by } else { 0.0 };
        }
    }
    rows
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn from_u16(stored: &[u16]) -> Vec<f64> {
    let one = f64::from(u16::MAX);
    stored.iter().map(|value| f64::from(*value) / one).collect()
}

fn to_u16(rows: &[Vec<f64>]) -> Vec<Vec<u16>> {
    let one = f64::from(u16::MAX);
    rows.iter()
        .map(|row| row.iter().map(|value| (value * one) as u16).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            let clip = |row: &[f64]| -> Vec<f64> {
                row.iter().zip(opinion).map(|(w, c)| w.min(*c)).collect()
            };
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
}
