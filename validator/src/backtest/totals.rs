//! What the rounds of a backtest come to, counted one after the other.

use std::collections::BTreeMap;

use foretell_core::coldkey::Coldkey;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Genesis;
use foretell_core::time::UnixMillis;
use foretell_data::forecasts::RawForecast;
use foretell_evaluation::policy::PolicyName;
use rayon::prelude::*;

use super::exclusion::Exclusion;
use super::html_report::report_data::ReportData;
use super::options::BacktestOptions;
use super::plausibility::FirstMoves;
use super::policy_run::PolicyRun;
use super::report::{ExcludedForecast, LeftOutForecasts, VoidRound};
use super::round_evaluator::BacktestRound;
use super::scoreboard::Scoreboard;
use super::silent_miners::SilentMiners;

/// Exclusions and void rounds that are listed; all are counted.
pub const LISTED: usize = 100;

/// Sums over the counted rounds, of each policy and whatever the policy.
pub struct BacktestTotals {
    /// One for each policy, in the order of the options.
    pub policy_runs: Vec<PolicyRun>,
    /// Track records of all miners.
    pub scoreboard: Scoreboard,
    /// Advantage that a miss counts as.
    miss_advantage: f64,
    /// Coldkey by miner, of the miners whose owner a file has named so far.
    owners: BTreeMap<Hotkey, Coldkey>,
    /// Rounds that are void by the rules of `evidence`.
    pub voids: Vec<VoidRound>,
    /// Number of invalid forecasts.
    pub excluded: usize,
    /// The first [`LISTED`] invalid forecasts.
    pub exclusions: Vec<ExcludedForecast>,
    /// Number of valid forecasts.
    pub valid: usize,
    /// The number of steps that all forecasts have which were excluded for that alone; `None` if it isn't one number.
    pub excluded_steps: Option<usize>,
    /// Number of left out forecasts by miner and kind of reason.
    left_out: BTreeMap<(String, &'static str), usize>,
    /// Miners without a single valid forecast.
    pub silent: SilentMiners,
    /// How far forecasts begin from the prices.
    pub first_moves: FirstMoves,
    /// Data of the page with plots; `None` if none is written.
    pub report_data: Option<ReportData>,
}

impl BacktestTotals {
    /// The totals before the first of `rounds` rounds.
    pub fn new(genesis: &Genesis, options: &BacktestOptions, rounds: usize) -> Self {
        let mut policies: Vec<PolicyName> = Vec::new();
        for policy in &options.policies {
            if !policies.contains(policy) {
                policies.push(*policy);
            }
        }
        let report_data = options.report.is_some();
        Self {
            report_data: report_data.then(|| ReportData::new(rounds, policies.len())),
            policy_runs: policies
                .into_iter()
                .map(|policy| PolicyRun::new(policy, genesis, options.details))
                .collect(),
            scoreboard: Scoreboard::new(genesis.evidence_window()),
            miss_advantage: genesis.rules.rules().score.miss_advantage,
            owners: BTreeMap::new(),
            voids: Vec::new(),
            excluded: 0,
            exclusions: Vec::new(),
            valid: 0,
            excluded_steps: None,
            left_out: BTreeMap::new(),
            silent: SilentMiners::default(),
            first_moves: FirstMoves::default(),
        }
    }

    /// Counts evaluated rounds, in order of origin.
    pub fn count(&mut self, rounds: Vec<BacktestRound>) {
        for round in rounds {
            self.count_one(round);
        }
    }

    fn count_one(&mut self, mut round: BacktestRound) {
        self.owners.extend(round.owners.drain(..));
        for (key, raw_forecast, why) in round.rejected.drain(..) {
            self.exclude(&raw_forecast, round.origin, &why);
            if !self.scoreboard.miners.contains_key(&key) {
                self.silent.add(key, &self.policy_runs);
            }
        }
        for metrics in &mut round.metrics {
            self.silent.remove(&metrics.key);
            if let Some(first_move) = metrics.first_move.take() {
                self.first_moves.add(metrics.key, first_move);
            }
        }
        if round.scorer.is_ok() {
            self.silent.add_scored_round();
        }
        self.valid += round.forecasts.len();
        if let Err(why) = &round.scorer {
            self.voids.push(VoidRound {
                origin_ms: round.origin,
                reason: why.to_string(),
            });
        }
        let settled = round.settled(&self.owners);
        let (scoreboard, policy_runs) = (&mut self.scoreboard, &mut self.policy_runs);
        rayon::join(
            || scoreboard.add_round(&settled, &round.metrics, self.miss_advantage),
            || {
                policy_runs
                    .par_iter_mut()
                    .for_each(|run| run.add_round(&settled));
            },
        );
        if let Some(report_data) = &mut self.report_data {
            report_data.add_round(&settled, &self.policy_runs);
        }
    }

    /// Counts a forecast of this miner that is left out for a reason of this kind.
    pub fn leave_out(&mut self, miner: &str, reason: &'static str) {
        let count = self.left_out.entry((miner.to_owned(), reason));
        *count.or_default() += 1;
    }

    /// How many forecasts were left out, by miner and reason.
    pub fn left_out(&self) -> Vec<LeftOutForecasts> {
        let counts = self.left_out.iter();
        counts
            .map(|((miner, reason), forecasts)| LeftOutForecasts {
                miner: miner.clone(),
                reason,
                forecasts: *forecasts,
            })
            .collect()
    }

    /// Counts an invalid forecast, and lists it if few are listed.
    fn exclude(&mut self, raw_forecast: &RawForecast, origin: UnixMillis, why: &Exclusion) {
        let steps = match why {
            Exclusion::Steps { found, .. } => Some(*found),
            Exclusion::Uneven { .. } | Exclusion::Invalid(_) => None,
        };
        if self.excluded == 0 {
            self.excluded_steps = steps;
        }
        self.excluded_steps = self.excluded_steps.filter(|found| Some(*found) == steps);
        self.excluded += 1;
        self.leave_out(raw_forecast.miner(), why.kind());
        if self.exclusions.len() < LISTED {
            let position = raw_forecast.position();
            let file = position.file.file_name().unwrap_or_default();
            self.exclusions.push(ExcludedForecast {
                file: file.to_string_lossy().into_owned(),
                row: position.row.to_string(),
                origin_ms: origin,
                miner: raw_forecast.miner().to_owned(),
                reason: why.to_string(),
            });
        }
    }
}
