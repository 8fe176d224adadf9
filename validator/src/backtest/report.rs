//! The result of a backtest under one policy, as `--json` prints it.

use std::collections::BTreeMap;

use foretell_cli::run_timing::RunTiming;
use foretell_core::series::SeriesId;
use foretell_core::time::{Millis, UnixMillis};
use foretell_evaluation::leaderboard::LeaderboardRow;
use foretell_evaluation::metrics::PIT_BINS;
use serde::Serialize;

/// The result under one policy.
#[derive(Debug, Clone, Serialize)]
pub struct BacktestReport {
    /// Name of the series, such as BTC/USD.
    pub series: SeriesId,
    /// Name of the policy that weights come from.
    pub policy: String,
    /// Name of the version of the rules.
    pub rules: String,
    /// Number of rounds that this policy scored.
    pub rounds: usize,
    /// Number of rounds that are void, or were refused by the policy.
    pub void_rounds: usize,
    /// Number of rounds that the prices end before, so that they can't be settled.
    pub unsettled: usize,
    /// Reference, consensus where there is one, miners.
    pub leaderboard: Vec<BacktestRow>,
    /// Policy `evidence` only: the consensus beside its best member over the same rounds, from day 20 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consensus_against_best: Option<ConsensusComparison>,
    /// Policy `taoshi` only: what each scored round did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds_detail: Option<Vec<TaoshiRoundReport>>,
    /// First origin of the history.
    pub from: Option<UnixMillis>,
    /// Last origin of the history, settled or not.
    pub last: Option<UnixMillis>,
    /// The most common interval between origins.
    pub round_every_ms: Millis,
    /// Number of invalid forecasts, which count as missed.
    pub excluded: usize,
    /// How many forecasts of each miner count for nothing or as missed, by reason.
    pub left_out: Vec<LeftOutForecasts>,
    /// What is odd about files that were scored all the same.
    pub warnings: Vec<String>,
    /// The first hundred invalid forecasts, and why they are.
    pub exclusions: Vec<ExcludedForecast>,
    /// The first hundred rounds that counted for nobody, and why.
    pub voids: Vec<VoidRound>,
    /// Wall time; not part of the result.
    pub timing: RunTiming,
}

/// The consensus beside its best member in hindsight, over the very same rounds.
#[derive(Debug, Clone, Serialize)]
pub struct ConsensusComparison {
    /// Rounds compared; the consensus is the reference where nobody was eligible.
    pub rounds: usize,
    /// Rounds in which the consensus was recalibrated.
    pub recalibrated: usize,
    /// Mean CRPS of the consensus, in bps.
    pub crps_bps: f64,
    /// Name of the member with the least mean CRPS.
    pub best: String,
    /// Mean CRPS of that member, in bps.
    pub best_crps_bps: f64,
    /// `crps_bps` over `best_crps_bps`: below 1 the consensus is better.
    pub ratio: f64,
    /// The consensus's scaled CRPS over the least of a member.
    pub scaled_ratio: f64,
}

/// A line of the leaderboard.
#[derive(Debug, Clone, Serialize)]
pub struct BacktestRow {
    /// The columns of every leaderboard.
    #[serde(flatten)]
    pub row: LeaderboardRow,
    /// Mean weighted interval score of the central 50, 80 and 95 % intervals, in bps.
    pub wis_bps: Option<f64>,
    /// Share of outcomes in each twentieth of the forecast distribution.
    pub pit: Option<[f64; PIT_BINS]>,
    /// Policy `taoshi` only: what its weight comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taoshi: Option<TaoshiMinerScores>,
}

/// What policy `taoshi` computes a miner's weight from.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct TaoshiMinerScores {
    /// Moving average of its shares.
    pub ema: Option<f64>,
    /// The value its weight is proportional to; none below the floor.
    pub final_scaled: Option<f64>,
}

/// A scored round under policy `taoshi`.
#[derive(Debug, Clone, Serialize)]
pub struct TaoshiRoundReport {
    /// Origin of the round.
    pub origin_ms: UnixMillis,
    /// Weighted RMSE by miner.
    pub scores: BTreeMap<String, f64>,
    /// Share by miner.
    pub shares: BTreeMap<String, f64>,
    /// Volatility of the realised closes as a percentile of the policy's fixed tables, 0 to 1.
    pub volatility_percentile: f64,
    /// Moving average of the shares after the round, by miner.
    pub ema: BTreeMap<String, f64>,
}

/// An invalid forecast, which counts as missed.
#[derive(Debug, Clone, Serialize)]
pub struct ExcludedForecast {
    /// Name of the file, without its folder.
    pub file: String,
    /// Its line or row there.
    pub row: String,
    /// Origin of the round.
    pub origin_ms: UnixMillis,
    /// Name of the miner.
    pub miner: String,
    /// Why it is invalid.
    pub reason: String,
}

/// Forecasts of one miner that were left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOutForecasts {
    /// Name of the miner.
    pub miner: String,
    /// Why they were.
    pub reason: &'static str,
    /// How many they are.
    pub forecasts: usize,
}

/// A round that counted for nobody.
#[derive(Debug, Clone, Serialize)]
pub struct VoidRound {
    /// Origin of the round.
    pub origin_ms: UnixMillis,
    /// The rule by which it counted for nobody.
    pub reason: String,
}
