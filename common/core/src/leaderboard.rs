//! The leaderboard: reference in row 0, consensus in row 1, then the miners.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::book::Book;
use crate::hotkey::Hotkey;
use crate::score::Coverage;
use crate::series::Grid;
use crate::time::Millis;
use crate::track::TrackRecord;
use crate::weigh::Evidence;
use crate::weigh::diebold_mariano::diebold_mariano;

/// One forecaster's line. What is undefined (too few rounds, no such interval) is `None`, never 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
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
    /// Whether it is in the model confidence set; not computed by this version.
    pub in_mcs: Option<bool>,
    /// Weighted mean advantage.
    pub advantage: Option<f64>,
    /// Its standard error.
    pub advantage_se: Option<f64>,
    /// Share of the miners' emission; `None` for reference and consensus.
    pub weight: Option<f64>,
}

/// The rows of a book, best first; `names` says what miners are called, a hotkey by default.
///
/// Miners are ordered by weight, then advantage, then name.
pub fn leaderboard(book: &Book, names: &BTreeMap<Hotkey, String>) -> Vec<Row> {
    let weights = book.weights();
    let keys = book.tracks().keys().chain(names.keys());
    let keys: std::collections::BTreeSet<&Hotkey> = keys.collect();
    let nobody = TrackRecord::default();
    let mut miners: Vec<Row> = keys
        .into_iter()
        .map(|key| {
            let name = names.get(key).cloned().unwrap_or_else(|| key.to_string());
            let track = book.tracks().get(key).unwrap_or(&nobody);
            Row {
                weight: Some(weights.share(key)),
                ..row(book, name, track)
            }
        })
        .collect();
    miners.sort_by(|a, b| {
        let descending = |x: Option<f64>, y: Option<f64>| {
            let key = |v: Option<f64>| v.unwrap_or(f64::NEG_INFINITY);
            key(y).total_cmp(&key(x))
        };
        descending(a.weight, b.weight)
            .then_with(|| descending(a.advantage, b.advantage))
            .then_with(|| a.miner.cmp(&b.miner))
    });
    for (row, rank) in miners.iter_mut().zip(2..) {
        row.rank = rank;
    }
    let reference = row(book, "reference".into(), book.reference_track());
    let consensus = Row {
        rank: 1,
        ..row(book, "consensus".into(), book.consensus_track())
    };
    [reference, consensus].into_iter().chain(miners).collect()
}

fn row(book: &Book, miner: String, track: &TrackRecord) -> Row {
    let charter = book.charter();
    let evidence = book.evidence_of(track);
    Row::of(
        miner,
        track,
        evidence,
        &charter.series.grid,
        charter.round_every,
    )
}

impl Row {
    /// The line of a track record of rounds that are `round_every` apart; without a rank, and without a weight.
    pub fn of(
        miner: String,
        track: &TrackRecord,
        evidence: Option<Evidence>,
        grid: &Grid,
        round_every: Millis,
    ) -> Self {
        let tally = track.tally();
        let share = |coverage: Option<Coverage>| coverage.and_then(Coverage::share);
        let rounds_in = |span: Millis| (span.0 as usize).div_ceil(round_every.0.max(1) as usize);
        let test = diebold_mariano(
            &track.differences(),
            rounds_in(grid.span()),
            rounds_in(Millis::hours(48)),
        );
        Self {
            miner,
            rank: 0,
            rounds: track.rounds(),
            missed: track.misses(),
            score: track.mean_score(),
            skill: track.skill(),
            rmse_bps: tally.rmse(),
            mae_bps: tally.mae(),
            crps_bps: tally.mean_crps(),
            directional_accuracy: tally.directional_accuracy(),
            coverage_50: share(tally.inside_50),
            coverage_80: share(tally.inside_80),
            coverage_95: share(tally.inside_95),
            dm_t: test.map(|test| test.t),
            dm_p: test.map(|test| test.p),
            in_mcs: None,
            advantage: evidence.map(|e| e.mean),
            advantage_se: evidence.map(|e| e.standard_error),
            weight: None,
        }
    }
}
