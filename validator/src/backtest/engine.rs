//! The state of a backtest while its files are read: rounds are evaluated beside the counting of those before them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use foretell_cli::run_timing::RunTiming;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Genesis;
use foretell_core::replay::ReplayedPrices;
use foretell_core::score::Reference;
use foretell_core::time::UnixMillis;
use foretell_data::forecasts::{ForecastFileFault, RoundForecasts};
use foretell_data::prices::PriceSeries;
use foretell_evaluation::metrics::CalibrationSums;
use rayon::prelude::*;

use super::exclusion::UNSETTLED;
use super::hotkey_names::HotkeyNames;
use super::html_report;
use super::options::BacktestOptions;
use super::policy_run::PolicyRun;
use super::report::{BacktestReport, BacktestRow};
use super::round_evaluator::{BacktestRound, KeyedRound, RoundEvaluator};
use super::totals::{BacktestTotals, LISTED};

/// A backtest in progress.
pub struct BacktestEngine {
    genesis: Genesis,
    last_close: UnixMillis,
    names: HotkeyNames,
    /// Everybody with a forecast, valid or not.
    participants: BTreeSet<Hotkey>,
    unsettled: usize,
    evaluator: RoundEvaluator,
    /// Evaluated and not yet counted.
    uncounted: Vec<BacktestRound>,
    totals: BacktestTotals,
}

impl BacktestEngine {
    /// A backtest that has read none of its `rounds` rounds.
    pub fn new(
        genesis: Genesis,
        prices: &PriceSeries,
        options: &BacktestOptions,
        rounds: usize,
    ) -> Self {
        let rules = genesis.rules.rules();
        let totals = BacktestTotals::new(&genesis, options, rounds);
        let evaluator = RoundEvaluator {
            series: genesis.series.clone(),
            prices: ReplayedPrices::new(genesis.series.clone(), prices.bars(), &rules.score),
            reference: Reference::new(&rules.score),
            rules,
        };
        Self {
            last_close: prices.last_close(),
            names: HotkeyNames::default(),
            participants: BTreeSet::new(),
            unsettled: 0,
            evaluator,
            uncounted: Vec::new(),
            totals,
            genesis,
        }
    }

    /// Adds the next rounds, in order of origin: they are evaluated while those before them are counted.
    pub fn add_rounds(&mut self, rounds: Vec<RoundForecasts>) -> Result<()> {
        let mut keyed = Vec::with_capacity(rounds.len());
        for round in rounds {
            keyed.extend(self.admit(round)?);
        }
        let evaluated = std::mem::take(&mut self.uncounted);
        let (evaluator, totals) = (&self.evaluator, &mut self.totals);
        ((), self.uncounted) = rayon::join(
            || totals.count(evaluated),
            || {
                let keyed = keyed.into_par_iter();
                keyed.map(|round| evaluator.evaluate(round)).collect()
            },
        );
        Ok(())
    }

    /// Counts the last rounds and ends every policy's history; fails if no forecast at all was valid, or of this series.
    pub fn finish(&mut self) -> Result<()> {
        let evaluated = std::mem::take(&mut self.uncounted);
        self.totals.count(evaluated);
        let totals = &mut self.totals;
        if let (0, Some(first)) = (totals.valid, totals.exclusions.first()) {
            let cure = totals.excluded_steps.map_or_else(String::new, |steps| {
                let horizon = self.genesis.series.grid.horizon;
                format!("; all have {steps} steps, so give --horizon {steps} instead of {horizon}")
            });
            bail!(
                "all {} forecasts were left out; the first, {}, {} of {}: {}{cure}",
                totals.excluded,
                first.file,
                first.row,
                first.miner,
                first.reason,
            );
        }
        totals.first_moves.check()?;
        for policy_run in &mut totals.policy_runs {
            policy_run.finish()?;
        }
        let mut scored = totals.policy_runs.iter().map(|run| run.rounds().scored);
        if totals.first_moves.is_empty() && scored.all(|rounds| rounds == 0) {
            bail!(
                "there is no price at the origin of any forecast: name price files with a bar that closes at each"
            );
        }
        Ok(())
    }

    /// Writes the page with plots into `folder` and gives its path; `None` if the options name no directory for it.
    pub fn write_html_report(
        &mut self,
        folder: &Path,
        reports: &[BacktestReport],
        last: UnixMillis,
    ) -> Result<Option<PathBuf>> {
        let totals = &mut self.totals;
        let Some(report_data) = &mut totals.report_data else {
            return Ok(None);
        };
        report_data.record_weights(last, &totals.policy_runs);
        html_report::write(
            folder,
            reports,
            &totals.scoreboard,
            report_data,
            &self.names,
        )
        .map(Some)
    }

    /// The round with its forecasters' keys; `None` if its prices aren't known to the end.
    fn admit(&mut self, round: RoundForecasts) -> Result<Option<KeyedRound>> {
        let origin = round.origin;
        let grid = self.genesis.series.grid;
        if let Some(raw_forecast) = round.forecasts.first().filter(|_| !grid.contains(origin)) {
            let step_ms = grid.step.get();
            return Err(raw_forecast
                .error_at(ForecastFileFault::OffGrid { origin, step_ms })
                .into());
        }
        let (mut keys, mut owners) = (Vec::with_capacity(round.forecasts.len()), Vec::new());
        for raw_forecast in &round.forecasts {
            let key = self.names.key(raw_forecast.miner());
            self.participants.insert(key);
            keys.push(key);
            owners.extend(
                raw_forecast
                    .owner()
                    .map(|owner| (key, self.names.key(owner).into())),
            );
        }
        if origin + grid.span() > self.last_close {
            self.unsettled += 1;
            for raw_forecast in &round.forecasts {
                self.totals.leave_out(raw_forecast.miner(), UNSETTLED);
            }
            return Ok(None);
        }
        Ok(Some(KeyedRound {
            forecasts: round,
            keys,
            owners,
        }))
    }

    /// The result under each policy, once the history is finished.
    pub fn reports(&self, origins: &BTreeSet<UnixMillis>) -> Vec<BacktestReport> {
        let report = |policy_run: &PolicyRun| {
            let counts = policy_run.rounds();
            let mut voids = policy_run.voids(&self.totals.voids);
            voids.truncate(LISTED);
            BacktestReport {
                series: self.genesis.series.id.clone(),
                policy: policy_run.name().to_string(),
                rules: self.genesis.rules.name().to_owned(),
                rounds: counts.scored,
                void_rounds: counts.void,
                unsettled: self.unsettled,
                leaderboard: self.leaderboard(policy_run),
                consensus_against_best: policy_run.consensus_comparison(&self.names),
                rounds_detail: policy_run.rounds_detail(&self.names),
                from: origins.first().copied(),
                last: origins.last().copied(),
                round_every_ms: self.genesis.round_every,
                excluded: self.totals.excluded,
                left_out: self.totals.left_out(),
                warnings: self.totals.first_moves.warnings(&self.names),
                exclusions: self.totals.exclusions.clone(),
                voids,
                timing: RunTiming::default(),
            }
        };
        self.totals.policy_runs.iter().map(report).collect()
    }

    fn leaderboard(&self, policy_run: &PolicyRun) -> Vec<BacktestRow> {
        let calibration: BTreeMap<String, &CalibrationSums> = self
            .totals
            .scoreboard
            .calibration
            .iter()
            .map(|(key, calibration)| (self.names.name(key), calibration))
            .collect();
        let taoshi = policy_run.taoshi_scores(&self.names);
        let rows = policy_run.rows(
            &self.genesis,
            &self.totals.scoreboard,
            &self.names.only(&self.participants),
        );
        let silent: BTreeMap<String, usize> = self
            .totals
            .silent
            .keys()
            .filter_map(|key| {
                let missed = self.totals.silent.missed(key, policy_run)?;
                Some((self.names.name(key), missed))
            })
            .collect();
        rows.into_iter()
            .map(|mut row| {
                if let Some(missed) = silent.get(&row.miner) {
                    (row.rounds, row.missed) = (*missed, *missed);
                }
                let calibration = calibration.get(&row.miner);
                BacktestRow {
                    wis_bps: calibration.and_then(|c| c.weighted_interval_score()),
                    pit: calibration.and_then(|c| c.pit.shares()),
                    taoshi: taoshi
                        .as_ref()
                        .map(|scores| scores.get(&row.miner).copied().unwrap_or_default()),
                    row,
                }
            })
            .collect()
    }
}
