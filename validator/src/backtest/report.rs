//! The result of a backtest under one policy, as `--json` prints it.

use std::collections::BTreeMap;

use foretell_cli::run_timing::RunTiming;
use foretell_core::series::SeriesId;
use foretell_core::time::{Millis, UnixMillis};
use foretell_evaluation::leaderboard::LeaderboardRow;
use foretell_evaluation::metrics::PIT_BINS;
use serde::Serialize;

/// The whole result.
#[derive(Debug, Clone, Serialize)]
pub struct BacktestReport {
    /// Name of the series.
    pub series: SeriesId,
    /// Name of the policy.
    pub policy: String,
    /// Version of the rules.
    pub rules: String,
    /// Scored rounds.
    pub rounds: usize,
    /// Rounds that are void, or were refused by the policy.
    pub void_rounds: usize,
    /// Rounds that the prices do not reach.
    pub unsettled: usize,
    /// Reference, consensus where there is one, miners.
    pub leaderboard: Vec<BacktestRow>,
    /// Policy `evidence` only: the consensus beside its best member over the same rounds, from day 20 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consensus_against_best: Option<ConsensusComparison>,
    /// Policy `taoshi` only: what each scored round did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds_detail: Option<Vec<TaoshiRoundReport>>,
    /// First origin.
    pub from: Option<UnixMillis>,
    /// Last origin.
    pub last: Option<UnixMillis>,
    /// The most common interval between origins.
    pub round_every_ms: Millis,
    /// Forecasts that were left out.
    pub excluded: usize,
    /// The first of them, and why.
    pub exclusions: Vec<ExcludedForecast>,
    /// The first rounds that counted for nobody, and why.
    pub voids: Vec<VoidRound>,
    /// Wall time; not part of the result.
    pub timing: RunTiming,
}

/// The consensus beside its best member in hindsight, over the very same rounds.
#[derive(Debug, Clone, Serialize)]
pub struct ConsensusComparison {
    /// Rounds compared; the consensus is the reference where nobody was eligible.
    pub rounds: usize,
    /// Those in which the consensus was recalibrated.
    pub recalibrated: usize,
    /// Mean CRPS of the consensus.
    pub crps_bps: f64,
    /// The member of the least CRPS.
    pub best: String,
    /// Its mean CRPS.
    pub best_crps_bps: f64,
    /// The first over the second.
    pub ratio: f64,
    /// The consensus's scaled CRPS over the least of a member.
    pub scaled_ratio: f64,
}

/// A line of the leaderboard.
#[derive(Debug, Clone, Serialize)]
pub struct BacktestRow {
    /// What every leaderboard has.
    #[serde(flatten)]
    pub row: LeaderboardRow,
    /// Mean weighted interval score of the central 50, 80 and 95 % intervals.
    pub wis_bps: Option<f64>,
    /// Share of outcomes in each twentieth of the forecast distribution.
    pub pit: Option<[f64; PIT_BINS]>,
    /// Policy `taoshi` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taoshi: Option<TaoshiMinerScores>,
}

/// What policy `taoshi` knows of a miner.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct TaoshiMinerScores {
    /// Moving average of its shares.
    pub ema: Option<f64>,
    /// The value its weight is proportional to; none below the floor.
    pub final_scaled: Option<f64>,
}

/// What a round did under policy `taoshi`.
#[derive(Debug, Clone, Serialize)]
pub struct TaoshiRoundReport {
    /// The round.
    pub origin_ms: UnixMillis,
    /// Weighted RMSE by miner.
    pub scores: BTreeMap<String, f64>,
    /// Share by miner.
    pub shares: BTreeMap<String, f64>,
    /// How volatile it was.
    pub volatility_percentile: f64,
    /// Moving averages after it.
    pub ema: BTreeMap<String, f64>,
}

/// A forecast that was left out.
#[derive(Debug, Clone, Serialize)]
pub struct ExcludedForecast {
    /// Name of the file, without its folder.
    pub file: String,
    /// Its line or row there.
    pub row: String,
    /// The round.
    pub origin_ms: UnixMillis,
    /// Whose it is.
    pub miner: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A round that counted for nobody.
#[derive(Debug, Clone, Serialize)]
pub struct VoidRound {
    /// The round.
    pub origin_ms: UnixMillis,
    /// By which rule.
    pub reason: String,
}
