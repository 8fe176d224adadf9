//! One forecaster's row of the leaderboard.

use foretell_core::journal::Genesis;
use foretell_core::score::CoverageCount;
use foretell_core::track::TrackRecord;
use serde::{Deserialize, Serialize};

use crate::diebold_mariano::diebold_mariano;
use crate::mean_inference::{MeanInference, RoundDependence};

/// One forecaster's row. What is undefined (too few rounds, no such interval) is `None`, never 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaderboardRow {
    /// `reference`, `consensus`, or the miner's name.
    pub miner: String,
    /// 0 for the reference, 1 for the consensus; miners start at 2.
    pub rank: usize,
    /// Scored rounds of its record, misses included.
    pub rounds: usize,
    /// Scored rounds without a forecast.
    pub missed: usize,
    /// Mean scaled CRPS S over answered rounds.
    pub score: Option<f64>,
    /// 1 − ΣS/ΣS_ref over answered rounds; above 0 is better than the reference.
    pub skill: Option<f64>,
    /// Root mean squared error of the forecasts' means, in bps.
    pub rmse_bps: Option<f64>,
    /// Mean absolute error of the forecasts' medians, in bps.
    pub mae_bps: Option<f64>,
    /// Mean unscaled CRPS, in bps.
    pub crps_bps: Option<f64>,
    /// Share of last steps whose direction the median had.
    pub directional_accuracy: Option<f64>,
    /// Share of steps inside the central 50 % interval.
    pub coverage_50: Option<f64>,
    /// Share of steps inside the central 80 % interval.
    pub coverage_80: Option<f64>,
    /// Share of steps inside the central 95 % interval.
    pub coverage_95: Option<f64>,
    /// Diebold-Mariano statistic against the reference.
    pub dm_t: Option<f64>,
    /// Two-sided p-value of `dm_t`.
    pub dm_p: Option<f64>,
    /// Whether it is in the model confidence set of level 90 %.
    pub in_mcs: Option<bool>,
    /// μ: mean advantage, recent rounds weighing more.
    pub advantage: Option<f64>,
    /// Standard error of `advantage`, which allows for rounds that overlap; of few degrees of freedom, so not to be
    /// multiplied by 1.96.
    pub advantage_se: Option<f64>,
    /// `advantage` ± this holds the true mean in 95 % of all cases.
    pub advantage_half_width: Option<f64>,
    /// Share of the miners' emission; `None` for reference and consensus.
    pub weight: Option<f64>,
}

impl LeaderboardRow {
    /// The row of a track record, with neither rank nor weight nor a place in the confidence set.
    pub(super) fn from_track(genesis: &Genesis, miner: String, track: &TrackRecord) -> Self {
        let evidence = track.evidence(&genesis.rules.rules().evidence);
        let metric_sums = track.metric_sums();
        let share = |coverage: Option<CoverageCount>| coverage.and_then(CoverageCount::share);
        let dependence = RoundDependence::of_series(genesis);
        let test = diebold_mariano(&track.score_differences(), dependence);
        let half_life = genesis.evidence_window().half_life;
        let certainty = MeanInference::of_advantages(track.advantages(), half_life, dependence);
        Self {
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
            advantage_se: certainty.map(|c| c.standard_error),
            advantage_half_width: certainty.map(|c| c.half_width()),
            weight: None,
        }
    }
}
