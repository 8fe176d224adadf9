//! Which forecasters of a leaderboard are in the model confidence set.

use std::collections::BTreeMap;

use foretell_core::hotkey::Hotkey;
use foretell_core::pool::Advantage;

use super::input::LeaderboardInput;
use crate::mean_inference::RoundDependence;
use crate::metrics::model_confidence_set::{ALPHA, BlockBootstrap};

/// A forecaster of a leaderboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ModelKey {
    Reference,
    Consensus,
    Miner(Hotkey),
}

/// Whether each forecaster is in the model confidence set; those with too short a record are left out.
///
/// The loss is S − S_ref, a miss counting as by the rules. Forecasters with a record of ten blocks or more take part; the
/// sample is every round since the last of them began. Blocks are of max(2h, 48 h).
pub(super) fn confidence_set(input: &LeaderboardInput<'_>) -> BTreeMap<ModelKey, bool> {
    let bootstrap = BlockBootstrap::new(RoundDependence::of_series(input.genesis));
    let long: Vec<(ModelKey, &[Advantage])> = [(ModelKey::Reference, input.reference)]
        .into_iter()
        .chain(input.consensus.map(|track| (ModelKey::Consensus, track)))
        .chain(
            input
                .miners
                .iter()
                .map(|(key, track)| (ModelKey::Miner(*key), track)),
        )
        .map(|(model, track)| (model, track.advantages()))
        .filter(|(_, advantages)| advantages.len() >= bootstrap.min_rounds())
        .collect();
    let miners = long
        .iter()
        .filter(|(model, _)| *model != ModelKey::Consensus);
    let Some(start) = miners.filter_map(|(_, a)| Some(a.first()?.origin)).max() else {
        return BTreeMap::new();
    };
    let since = |advantages: &[Advantage]| -> Vec<f64> {
        let from = advantages.partition_point(|a| a.origin < start);
        advantages[from..].iter().map(|a| -a.value).collect()
    };
    let sample = since(input.reference.advantages()).len();
    let (model, losses): (Vec<ModelKey>, Vec<Vec<f64>>) = long
        .into_iter()
        .map(|(model, advantages)| (model, since(advantages)))
        .filter(|(_, losses)| losses.len() == sample)
        .unzip();
    let set = bootstrap.confidence_set(&losses);
    model.into_iter().zip(set.members(ALPHA)).collect()
}
