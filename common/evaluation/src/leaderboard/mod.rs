//! The leaderboard: reference in row 0, consensus in row 1, then the miners.

mod confidence_set;
mod input;
mod row;

pub use input::LeaderboardInput;
pub use row::LeaderboardRow;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use foretell_core::hotkey::Hotkey;
use foretell_core::state::SeriesState;
use foretell_core::track::TrackRecord;

use confidence_set::{ModelKey, confidence_set};

/// The rows of a state, best first; `names` gives the names of miners, which are their hotkeys by default.
pub fn leaderboard(state: &SeriesState, names: &BTreeMap<Hotkey, String>) -> Vec<LeaderboardRow> {
    let weights = state.weights();
    let input = LeaderboardInput {
        genesis: state.genesis(),
        reference: state.reference_track(),
        consensus: Some(state.consensus_track()),
        miners: state.tracks(),
    };
    leaderboard_rows(&input, names, |key| weights.share(key))
}

/// The rows of these track records, best first; `share` gives the share of the payout of each miner.
///
/// Miners are ordered by weight, then advantage, then name.
pub fn leaderboard_rows(
    input: &LeaderboardInput<'_>,
    names: &BTreeMap<Hotkey, String>,
    share: impl Fn(&Hotkey) -> f64,
) -> Vec<LeaderboardRow> {
    let keys: BTreeSet<&Hotkey> = input.miners.keys().chain(names.keys()).collect();
    let empty = TrackRecord::new(input.genesis.evidence_window());
    let set = confidence_set(input);
    let mut miners: Vec<LeaderboardRow> = keys
        .into_iter()
        .map(|key| {
            let name = names.get(key).cloned().unwrap_or_else(|| key.to_string());
            let track = input.miners.get(key).unwrap_or(&empty);
            LeaderboardRow {
                weight: Some(share(key)),
                in_mcs: set.get(&ModelKey::Miner(*key)).copied(),
                ..LeaderboardRow::from_track(input.genesis, name, track)
            }
        })
        .collect();
    miners.sort_by(|a, b| {
        let sort_key = |row: &LeaderboardRow| (row.weight, row.advantage);
        best_first(sort_key(a), sort_key(b)).then_with(|| a.miner.cmp(&b.miner))
    });
    for (row, rank) in miners.iter_mut().zip(2..) {
        row.rank = rank;
    }
    let reference = LeaderboardRow {
        in_mcs: set.get(&ModelKey::Reference).copied(),
        ..LeaderboardRow::from_track(input.genesis, "reference".into(), input.reference)
    };
    let consensus = input.consensus.map(|track| LeaderboardRow {
        rank: 1,
        in_mcs: set.get(&ModelKey::Consensus).copied(),
        ..LeaderboardRow::from_track(input.genesis, "consensus".into(), track)
    });
    [reference]
        .into_iter()
        .chain(consensus)
        .chain(miners)
        .collect()
}

/// Rank and weight of every miner with a track record: as in the [`leaderboard`], without the rest of its rows.
pub fn ranks_and_weights(state: &SeriesState) -> BTreeMap<Hotkey, (usize, f64)> {
    let (weights, evidence) = (state.weights(), state.evidence());
    let sort_key = |key: &Hotkey| (Some(weights.share(key)), evidence.get(key).map(|e| e.mean));
    let mut miners: Vec<(Hotkey, String)> = state
        .tracks()
        .keys()
        .map(|key| (*key, key.to_string()))
        .collect();
    miners.sort_by(|(a, name), (b, other)| {
        best_first(sort_key(a), sort_key(b)).then_with(|| name.cmp(other))
    });
    let ranked = miners.into_iter().zip(2..);
    ranked
        .map(|((key, _), rank)| (key, (rank, weights.share(&key))))
        .collect()
}

/// More weight first, then more advantage; unknown ones last.
fn best_first(a: (Option<f64>, Option<f64>), b: (Option<f64>, Option<f64>)) -> Ordering {
    let descending = |x: Option<f64>, y: Option<f64>| {
        let key = |v: Option<f64>| v.unwrap_or(f64::NEG_INFINITY);
        key(y).total_cmp(&key(x))
    };
    descending(a.0, b.0).then_with(|| descending(a.1, b.1))
}
