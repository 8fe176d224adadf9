//! Yuma consensus: from all validators' weights and stake to incentive and dividends.
//!
//! With S the stake of permitted validators, normalised, and W their weights, masked and normalised by row:
//!
//! ```text
//! consensus    C_j = stake-weighted median of column j of W
//! clipping     W̄_ij = min(W_ij, C_j)
//! trust        T_i = Σ_j W̄_ij
//! rank         R_j = Σ_i S_i·W̄_ij
//! incentive    I = R / ΣR
//! dividends    D from bonds and I: see [`crate::bonds`]
//! ```
//!
//! Source: `epoch/run_epoch.rs` of subtensor's pallet. The chain computes in fixed point, here they are doubles.
//! Sums run in uid order, so that two machines get the same bits.

use std::cmp::Reverse;

use foretell_core::hotkey::Uid;

use crate::bond_rules::BondRules;
use crate::bonds::{self, ValidatorBonds};
use crate::normalised::normalised;

/// What an epoch needs of one neuron. Its uid is its place in the slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValidatorRow<'a> {
    /// Stake in rao.
    pub stake: u64,
    /// Whether it may validate; without, neither its stake nor its weights count.
    pub permit: bool,
    /// The weights it last set. Uids that don't exist are left out.
    pub weights: &'a [(Uid, u16)],
    /// The bonds that the last epoch left it with.
    pub bonds: &'a [(Uid, u16)],
}

/// The result of an epoch, each vector in uid order.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochResult {
    /// C: the largest weight of each neuron that a majority of stake supports.
    pub consensus: Vec<f64>,
    /// T: how much of each validator's weights was left after clipping, in 0..=1.
    pub validator_trust: Vec<f64>,
    /// R: the clipped weight of each neuron, averaged by stake.
    pub rank: Vec<f64>,
    /// I: share of the miners' emission; sums to 1, or is all 0.
    pub incentive: Vec<f64>,
    /// D: share of the validators' emission; sums to 1, or is all 0.
    pub dividend: Vec<f64>,
    /// B: what each validator holds in each neuron, to be kept for the next epoch.
    pub bonds: Vec<Vec<(Uid, u16)>>,
}

/// Runs consensus over all neurons. `kappa` is the majority, a share of stake in 0..=1.
///
/// A permitted validator without weights counts as one that gives everybody 0.
pub fn run_epoch(
    validator_rows: &[ValidatorRow<'_>],
    owner: Uid,
    kappa: f64,
    bonds: &BondRules,
) -> EpochResult {
    let n = validator_rows.len();
    let rows = rows(validator_rows, owner);
    let consensus = consensus(&rows, n, kappa);
    let validators: Vec<ValidatorBonds> =
        rows.iter().map(|row| row.clipped_at(&consensus)).collect();
    let rank = rank(&validators, n);
    let incentive = normalised(&rank);
    let (dividends, stored) = bonds::dividends(&validators, &consensus, &incentive, bonds);
    let trust = validators
        .iter()
        .map(|validator| validator.clipped.iter().sum());
    EpochResult {
        validator_trust: scatter(&rows, n, trust),
        dividend: scatter(&rows, n, dividends),
        bonds: scatter(&rows, n, stored.iter().map(|row| sparse(row))),
        consensus,
        rank,
        incentive,
    }
}

/// Who may validate, in uid order: the `max_validators` largest stakes above 0, and always the owner.
///
/// Of equal stakes the higher uid wins, as in the chain's `is_topk_nonzero`.
pub fn permits(stakes: &[u64], owner: Uid, max_validators: u16) -> Vec<bool> {
    let mut by_stake: Vec<(usize, u64)> = stakes.iter().copied().enumerate().collect();
    by_stake.sort_unstable_by_key(|&(uid, stake)| Reverse((stake, uid)));
    by_stake.truncate(usize::from(max_validators));

    let mut permits = vec![false; stakes.len()];
    let chosen = by_stake.iter().filter(|(_, stake)| *stake > 0);
    for uid in chosen.map(|(uid, _)| *uid).chain([usize::from(owner.0)]) {
        if let Some(permit) = permits.get_mut(uid) {
            *permit = true;
        }
    }
    permits
}

/// The smallest value for which the stake at or below it is more than 1 − `kappa` of all; 0 without stake.
///
/// Of (value, stake) pairs. This is the chain's `weighted_median`, whose pivot has at most a minority of
/// 1 − κ strictly below it and more than that at or below it. Stake is added in whole rao, so the result
/// doesn't depend on the order.
pub fn weighted_median(pairs: &[(f64, u64)], kappa: f64) -> f64 {
    let mut sorted = pairs.to_vec();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let total: u128 = sorted.iter().map(|(_, stake)| u128::from(*stake)).sum();
    let minority = (1.0 - kappa) * total as f64;
    let mut at_or_below = 0;
    sorted
        .iter()
        .find(|(_, stake)| {
            at_or_below += u128::from(*stake);
            at_or_below as f64 > minority
        })
        .map_or(0.0, |(value, _)| *value)
}

/// A validator with a permit, its rows filled to one value for each uid.
struct PermittedValidator {
    uid: usize,
    /// In rao.
    stake: u64,
    /// S_i: its part of all permitted stake.
    share: f64,
    /// W_i: one weight for each uid.
    weights: Vec<f64>,
    /// Whether its weights name the uid, with a weight of 0 too.
    has_entry: Vec<bool>,
    /// B′_i: one bond for each uid.
    bonds: Vec<u16>,
}

impl PermittedValidator {
    fn clipped_at(&self, consensus: &[f64]) -> ValidatorBonds {
        let clipped = self.weights.iter().zip(consensus);
        ValidatorBonds {
            share: self.share,
            clipped: clipped.map(|(weight, limit)| weight.min(*limit)).collect(),
            weights: self.weights.clone(),
            has_entry: self.has_entry.clone(),
            old_bonds: self.bonds.clone(),
        }
    }
}

/// The rows of permitted validators, in uid order, without self-weights (the owner may keep its own: it is how
/// a subnet burns).
fn rows(validator_rows: &[ValidatorRow<'_>], owner: Uid) -> Vec<PermittedValidator> {
    let permitted = || {
        validator_rows
            .iter()
            .enumerate()
            .filter(|(_, validator_row)| validator_row.permit)
    };
    let stakes: Vec<f64> = permitted()
        .map(|(_, validator_row)| validator_row.stake as f64)
        .collect();
    permitted()
        .zip(normalised(&stakes))
        .map(|((uid, validator_row), share)| {
            let mut weights = vec![0.0; validator_rows.len()];
            let mut has_entry = vec![false; validator_rows.len()];
            for &(target, value) in validator_row.weights {
                let target = usize::from(target.0);
                let counts = target != uid || uid == usize::from(owner.0);
                let entry = weights.get_mut(target).zip(has_entry.get_mut(target));
                if let Some((weight, has_entry)) = entry.filter(|_| counts) {
                    *weight = f64::from(value);
                    *has_entry = true;
                }
            }
            let mut bonds = vec![0; validator_rows.len()];
            for &(target, value) in validator_row.bonds {
                if let Some(bond) = bonds.get_mut(usize::from(target.0)) {
                    *bond = value;
                }
            }
            PermittedValidator {
                uid,
                stake: validator_row.stake,
                share,
                weights: normalised(&weights),
                has_entry,
                bonds,
            }
        })
        .collect()
}

fn consensus(rows: &[PermittedValidator], n: usize, kappa: f64) -> Vec<f64> {
    (0..n)
        .map(|uid| {
            let column: Vec<(f64, u64)> = rows
                .iter()
                .filter_map(|row| Some((*row.weights.get(uid)?, row.stake)))
                .collect();
            weighted_median(&column, kappa)
        })
        .collect()
}

fn rank(validators: &[ValidatorBonds], n: usize) -> Vec<f64> {
    let mut rank = vec![0.0; n];
    for validator in validators {
        for (rank, weight) in rank.iter_mut().zip(&validator.clipped) {
            *rank += validator.share * weight;
        }
    }
    rank
}

/// One value for each uid: that of its row, or the default where it has none.
fn scatter<T: Clone + Default>(
    rows: &[PermittedValidator],
    n: usize,
    of_rows: impl IntoIterator<Item = T>,
) -> Vec<T> {
    let mut values = vec![T::default(); n];
    for (row, value) in rows.iter().zip(of_rows) {
        if let Some(slot) = values.get_mut(row.uid) {
            *slot = value;
        }
    }
    values
}

fn sparse(row: &[u16]) -> Vec<(Uid, u16)> {
    let held = (0..=u16::MAX).map(Uid).zip(row.iter().copied());
    held.filter(|(_, bond)| *bond > 0).collect()
}

#[cfg(test)]
mod tests;
