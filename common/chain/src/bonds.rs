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

use crate::bond_rules::{BondRules, YumaVersion};
use crate::normalised::normalised;

/// What bonds and dividends of one permitted validator depend on; every vector has one entry for each uid.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidatorBonds {
    /// S_i: its share of all permitted stake, 0 to 1.
    pub share: f64,
    /// W_i: its weights, which sum to 1 or are all 0.
    pub weights: Vec<f64>,
    /// Whether its row names the uid, with a weight of 0 too.
    pub has_entry: Vec<bool>,
    /// W̄_i: its weights, clipped at consensus.
    pub clipped: Vec<f64>,
    /// B′_i: the bonds that the last epoch stored, 65,535 being 1.
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
        .map(|validator| weights_for_bonds(validator, rules.penalty))
        .collect();
    let old: Vec<Vec<f64>> = validators
        .iter()
        .map(|validator| from_u16(&validator.old_bonds))
        .collect();
    let alpha = 1.0 - rules.memory;
    match rules.version {
        YumaVersion::Yuma2 => {
            let mut by_stake = bond_weights;
            for (row, validator) in by_stake.iter_mut().zip(validators) {
                row.iter_mut().for_each(|value| *value *= validator.share);
            }
            let mut bonds = ema(&colnorm(by_stake), &colnorm(old), |_, _, _| alpha);
            bonds = colnorm(bonds);
            let dividends: Vec<f64> = bonds.iter().map(|row| dot(row, incentive)).collect();
            (normalised(&dividends), to_u16(&max_upscaled(bonds)))
        }
        YumaVersion::Yuma3 => yuma3_dividends(
            ema(&bond_weights, &old, |_, _, _| alpha),
            validators,
            incentive,
        ),
        YumaVersion::Yuma3Liquid(liquid) => {
            let alpha = |uid: usize, weight: f64, bond: f64| {
                let consensus = consensus.get(uid).copied().unwrap_or(0.0);
                liquid.alpha(weight, bond, consensus)
            };
            let rows = validators.iter().zip(&old);
            let remaining: Vec<Vec<f64>> = rows
                .map(|(validator, old)| validator.bonds_before_ema(old, rules.penalty))
                .collect();
            yuma3_dividends(ema(&bond_weights, &remaining, alpha), validators, incentive)
        }
    }
}

impl ValidatorBonds {
    /// What liquid alpha leaves of B′ before it fades.
    fn bonds_before_ema(&self, old: &[f64], penalty: f64) -> Vec<f64> {
        let bonds = old.iter().enumerate();
        bonds
            .map(|(uid, bond)| {
                if self.has_bond_weight(uid, penalty) {
                    *bond
                } else {
                    0.0
                }
            })
            .collect()
    }

    /// Whether the row of W^b, as the chain keeps it, has an entry for this uid.
    fn has_bond_weight(&self, uid: usize, penalty: f64) -> bool {
        let at = |values: &[f64]| values.get(uid).copied().unwrap_or(0.0);
        let (weight, clipped) = (at(&self.weights), at(&self.clipped));
        let bond_weight = (1.0 - penalty) * weight + penalty * clipped;
        // Between no penalty and a whole one, the chain leaves zeros out.
        let zeros_count = penalty == 0.0 || penalty == 1.0;
        let named = self.has_entry.get(uid).copied().unwrap_or(false);
        bond_weight > 0.0 || (named && weight == 0.0 && zeros_count)
    }
}

/// Dividends of Yuma 3, and the bonds to store, from the bonds B of this epoch.
fn yuma3_dividends(
    bonds: Vec<Vec<f64>>,
    validators: &[ValidatorBonds],
    incentive: &[f64],
) -> (Vec<f64>, Vec<Vec<u16>>) {
    let stored = to_u16(&bonds);
    let dividends: Vec<f64> = colnorm(bonds)
        .iter()
        .zip(validators)
        .map(|(row, validator)| validator.share * dot(row, incentive))
        .collect();
    (normalised(&dividends), stored)
}

/// W^b = (1 − β)·W + β·W̄.
fn weights_for_bonds(validator: &ValidatorBonds, penalty: f64) -> Vec<f64> {
    let both = validator.weights.iter().zip(&validator.clipped);
    both.map(|(weight, clipped)| (1.0 - penalty) * weight + penalty * clipped)
        .collect()
}

/// α·new + (1 − α)·old for each value, with α by uid, new and old value.
fn ema(
    new: &[Vec<f64>],
    old: &[Vec<f64>],
    alpha: impl Fn(usize, f64, f64) -> f64,
) -> Vec<Vec<f64>> {
    let rows = new.iter().zip(old);
    rows.map(|(new, old)| {
        let pairs = new.iter().zip(old).enumerate();
        pairs
            .map(|(uid, (new, old))| {
                let alpha = alpha(uid, *new, *old);
                alpha * new + (1.0 - alpha) * old
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
mod tests;
