//! The leaderboard: reference in row 0, consensus in row 1, then the miners.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::diebold_mariano::diebold_mariano;
use crate::metrics::ModelConfidenceSet;
use crate::metrics::model_confidence_set::{ALPHA, MIN_BLOCKS, circular_block_bootstrap};
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Genesis;
use foretell_core::pool::Advantage;
use foretell_core::score::CoverageCount;
use foretell_core::state::SeriesState;
use foretell_core::time::Millis;
use foretell_core::track::TrackRecord;

/// One forecaster's line. What is undefined (too few rounds, no such interval) is `None`, never 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaderboardRow {
    /// `reference`, `consensus`, or the miner's name.
    pub miner: String,
    /// 0 for the reference, 1 for the consensus; miners start at 2.
    pub rank: usize,
    /// Scored rounds of its record, misses included.
    pub rounds: usize,
    /// Those without a forecast.
    pub missed: usize,
    /// Mean scaled CRPS.
    pub score: Option<f64>,
    /// 1 − ΣS/ΣS_ref.
    pub skill: Option<f64>,
    /// Root mean squared error of the mean.
    pub rmse_bps: Option<f64>,
    /// Mean absolute error of the median.
    pub mae_bps: Option<f64>,
    /// Mean unscaled CRPS.
    pub crps_bps: Option<f64>,
    /// Share of last steps whose direction the median had.
    pub directional_accuracy: Option<f64>,
    /// Share of steps inside the central 50 % interval.
    pub coverage_50: Option<f64>,
    /// The same for 80 %.
    pub coverage_80: Option<f64>,
    /// The same for 95 %.
    pub coverage_95: Option<f64>,
    /// Diebold-Mariano statistic against the reference.
    pub dm_t: Option<f64>,
    /// Its two-sided p-value.
    pub dm_p: Option<f64>,
    /// Whether it is in the model confidence set of level 90 %.
    pub in_mcs: Option<bool>,
    /// Weighted mean advantage.
    pub advantage: Option<f64>,
    /// Its standard error.
    pub advantage_se: Option<f64>,
    /// Share of the miners' emission; `None` for reference and consensus.
    pub weight: Option<f64>,
}

/// What rows are made of: everybody's record of the same rounds.
#[derive(Debug, Clone, Copy)]
pub struct LeaderboardInput<'a> {
    /// Grid, rules and interval of the rounds.
    pub genesis: &'a Genesis,
    /// One entry for every scored round.
    pub reference: &'a TrackRecord,
    /// The consensus, where the policy has one.
    pub consensus: Option<&'a TrackRecord>,
    /// By miner.
    pub miners: &'a BTreeMap<Hotkey, TrackRecord>,
}

/// The rows of a book, best first; `names` says what miners are called, a hotkey by default.
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

/// The rows of these records, best first, paid by `share`.
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
                ..row(input.genesis, name, track)
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
        ..row(input.genesis, "reference".into(), input.reference)
    };
    let consensus = input.consensus.map(|track| LeaderboardRow {
        rank: 1,
        in_mcs: set.get(&ModelKey::Consensus).copied(),
        ..row(input.genesis, "consensus".into(), track)
    });
    [reference]
        .into_iter()
        .chain(consensus)
        .chain(miners)
        .collect()
}

/// Place and share of weight of every miner with a record: as in the [`leaderboard`], without the rest of its rows.
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
    let placed = miners.into_iter().zip(2..);
    placed
        .map(|((key, _), rank)| (key, (rank, weights.share(&key))))
        .collect()
}

/// More weight first, then more advantage; nothing known comes last.
fn best_first(a: (Option<f64>, Option<f64>), b: (Option<f64>, Option<f64>)) -> Ordering {
    let descending = |x: Option<f64>, y: Option<f64>| {
        let key = |v: Option<f64>| v.unwrap_or(f64::NEG_INFINITY);
        key(y).total_cmp(&key(x))
    };
    descending(a.0, b.0).then_with(|| descending(a.1, b.1))
}

/// Rounds that one horizon overlaps.
fn overlap(genesis: &Genesis) -> usize {
    rounds_in(genesis, genesis.series.grid.span())
}

fn rounds_in(genesis: &Genesis, span: Millis) -> usize {
    (span.0 as usize).div_ceil(genesis.round_every.0.max(1) as usize)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ModelKey {
    Reference,
    Consensus,
    Miner(Hotkey),
}

/// Who is in the model confidence set; nobody is listed who can't be judged.
///
/// The loss is S − S_ref, a miss counting as by the rules. The sample is every round from the latest beginning on of
/// those whose own record is ten blocks or longer; blocks are of max(2h, 48 h).
fn confidence_set(input: &LeaderboardInput<'_>) -> BTreeMap<ModelKey, bool> {
    let block = rounds_in(input.genesis, Millis::hours(48)).max(2 * overlap(input.genesis));
    let least = MIN_BLOCKS * block.max(1);
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
        .filter(|(_, advantages)| advantages.len() >= least)
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
    let set = ModelConfidenceSet::of(&losses, &circular_block_bootstrap(sample, block));
    model.into_iter().zip(set.members(ALPHA)).collect()
}

fn row(genesis: &Genesis, miner: String, track: &TrackRecord) -> LeaderboardRow {
    let evidence = track.evidence(&genesis.rules.rules().evidence);
    let metric_sums = track.metric_sums();
    let share = |coverage: Option<CoverageCount>| coverage.and_then(CoverageCount::share);
    let test = diebold_mariano(
        &track.score_differences(),
        overlap(genesis),
        rounds_in(genesis, Millis::hours(48)),
    );
    LeaderboardRow {
        miner,
        rank: 0,
        rounds: track.rounds(),
        missed: track.misses(),
        score: track.mean_score(),
        skill: track.skill(),
        rmse_bps: metric_sums.rmse(),
        mae_bps: metric_sums.mae(),
        crps_bps: metric_sums.mean_crps(),
        directional_accuracy: metric_sums.directional_accuracy(),
        coverage_50: share(metric_sums.inside_50),
        coverage_80: share(metric_sums.inside_80),
        coverage_95: share(metric_sums.inside_95),
        dm_t: test.map(|test| test.t),
        dm_p: test.map(|test| test.p),
        in_mcs: None,
        advantage: evidence.map(|e| e.mean),
        advantage_se: evidence.map(|e| e.standard_error),
        weight: None,
    }
}
