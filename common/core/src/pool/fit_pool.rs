//! The pool of a round: which hotkeys count as one forecaster (those of one coldkey, and of coldkeys with the same
//! forecasts), and with which share of the consensus.

use std::collections::BTreeMap;

use super::fit;
use super::fit_state::FitState;
use super::forecaster::Forecaster;
use crate::coldkey::Coldkey;
use crate::hotkey::Hotkey;
use crate::rules::FitRules;

/// The pool of the next round: the forecasters of `eligible` hotkeys, each with the share that fits the past best.
///
/// `owners` gives coldkeys by hotkey; a hotkey without one is its own.
pub fn fit_pool(
    eligible: &[Hotkey],
    owners: &BTreeMap<Hotkey, Coldkey>,
    fit_state: &FitState,
    rules: &FitRules,
) -> Vec<Forecaster> {
    let mut pool = group_forecasters(eligible, owners, fit_state, rules);
    let (curvature, slope) = fit_state.curvature_and_slope(&pool);
    let shares = fit::shares(&curvature, &slope, rules);
    for (forecaster, share) in pool.iter_mut().zip(shares) {
        forecaster.share = share;
    }
    pool
}

/// The forecasters of `eligible` hotkeys, ordered by their first hotkey, with no share yet.
///
/// Coldkeys whose deviations from the reference coincide over the window, `G_mj > (1 − merge_tolerance)·√(G_mm·G_jj)`,
/// are one forecaster. Parts are equal between coldkeys, and inside a coldkey between hotkeys.
fn group_forecasters(
    eligible: &[Hotkey],
    owners: &BTreeMap<Hotkey, Coldkey>,
    fit_state: &FitState,
    rules: &FitRules,
) -> Vec<Forecaster> {
    let mut by_coldkey: BTreeMap<Coldkey, Vec<Hotkey>> = BTreeMap::new();
    for miner in eligible {
        let own = || Coldkey::from(*miner);
        let coldkey = owners.get(miner).copied().unwrap_or_else(own);
        by_coldkey.entry(coldkey).or_default().push(*miner);
    }
    let mut per_coldkey: Vec<Forecaster> = by_coldkey.into_values().map(equal_parts).collect();
    per_coldkey.sort_by(|a, b| a.members.keys().cmp(b.members.keys()));

    let (curvature, _) = fit_state.curvature_and_slope(&per_coldkey);
    let lengths: Vec<f64> = (0..per_coldkey.len())
        .map(|m| f64::sqrt(curvature[m][m]))
        .collect();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for m in 0..per_coldkey.len() {
        let coincides = |j: usize| {
            let bound = lengths[m] * lengths[j];
            bound > 0.0 && curvature[m][j] > (1.0 - rules.merge_tolerance) * bound
        };
        match groups.iter_mut().find(|group| coincides(group[0])) {
            Some(group) => group.push(m),
            None => groups.push(vec![m]),
        }
    }
    let merged = |group: &Vec<usize>| {
        let part = 1.0 / group.len() as f64;
        let members = group.iter().flat_map(|m| &per_coldkey[*m].members);
        Forecaster {
            share: 0.0,
            members: members
                .map(|(miner, inner)| (*miner, inner * part))
                .collect(),
        }
    };
    groups.iter().map(merged).collect()
}

fn equal_parts(miners: Vec<Hotkey>) -> Forecaster {
    let part = 1.0 / miners.len() as f64;
    Forecaster {
        share: 0.0,
        members: miners.into_iter().map(|miner| (miner, part)).collect(),
    }
}
