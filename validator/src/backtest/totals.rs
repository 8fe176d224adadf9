//! What the rounds of a backtest come to, counted one after the other.

use std::collections::BTreeMap;

use foretell_core::coldkey::Coldkey;
use foretell_core::forecast::ForecastRejection;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Genesis;
use foretell_core::time::UnixMillis;
use foretell_data::forecasts::RawForecast;
use foretell_evaluation::policy::PolicyName;
use rayon::prelude::*;

use super::html_report::report_data::ReportData;
use super::options::BacktestOptions;
use super::policy_run::PolicyRun;
use super::report::{ExcludedForecast, VoidRound};
use super::round_evaluator::BacktestRound;
use super::scoreboard::Scoreboard;

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
        for (raw_forecast, why) in round.rejected.drain(..) {
            self.exclude(&raw_forecast, round.origin, &why);
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

    /// Counts an invalid forecast, and lists it if few are listed.
    fn exclude(&mut self, raw_forecast: &RawForecast, origin: UnixMillis, why: &ForecastRejection) {
        self.excluded += 1;
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
