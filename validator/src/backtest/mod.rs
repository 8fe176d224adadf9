//! The backtest: a history of forecasts, through the very core that scores and pays live.
//!
//! ```text
//!   forecasts files ──▶ ForecastFiles ───▶ RoundEvaluator (all cores) ──▶ BacktestTotals: policies, scoreboard, plots
//!   price files ──────▶ ReplayedPrices ────────┘                               └──▶ a BacktestReport for each policy
//! ```
//!
//! While some rounds are evaluated, those before them are counted and those after them decoded. Memory holds a few row groups of
//! each forecasts file, the rounds on their way and those of one horizon, however long the files are. Results don't depend on
//! the number of threads: each forecast is evaluated on its own, and every sum is taken by one thread, in order of origin
//! and miner.

mod engine;
mod exclusion;
mod hotkey_names;
mod html_report;
mod options;
mod plausibility;
mod policy_run;
mod print;
mod read_ahead;
mod report;
mod round_evaluator;
mod scoreboard;
mod silent_miners;
#[cfg(test)]
mod tests;
mod totals;

pub use options::BacktestOptions;
pub use print::tables;
pub use report::BacktestReport;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use foretell_cli::progress::Progress;
use foretell_cli::run_timing::RunTiming;
use foretell_cli::time_text;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, PriceOrigin};
use foretell_core::rules::RulesVersion;
use foretell_core::series::{Grid, Series, SeriesId};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::forecasts::ForecastFiles;
use foretell_data::prices::{JoinedPrices, PriceSeries, read_all};

use self::engine::BacktestEngine;
use self::read_ahead::read_batches;

/// The rules of a replay of bars.
const RULES: RulesVersion = RulesVersion::V1Replay;

/// Scores the history under each policy: one report a policy, in their order.
///
/// Fails if a file can't be read, if no forecast has an origin between the bounds or can be settled on the prices, and if
/// every forecast is invalid or of another series.
pub fn run(options: &BacktestOptions, progress: &Progress) -> Result<Vec<BacktestReport>> {
    let started = Instant::now();
    let files = ForecastFiles::open(&options.forecasts, &options.prices)?;
    let JoinedPrices { series: prices, .. } = read_all(&options.prices, options.unit)?;
    let origins = selected_origins(options, &files)?;
    check_origins_meet_prices(options, &prices, &origins)?;
    let genesis = genesis(options, &prices, &origins)?;
    let mut engine = BacktestEngine::new(genesis, &prices, options, origins.len());
    let rounds = files.rounds()?;
    let loaded = started.elapsed();
    progress.set(0, origins.len());
    progress.message(|| "rounds".into());
    read_batches(rounds, |mut batch| {
        let read = batch.last().map(|round| round.origin);
        batch.retain(|round| origins.contains(&round.origin));
        progress.advance(batch.len());
        engine.add_rounds(batch)?;
        Ok(if read >= origins.last().copied() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    progress.finish();
    engine.finish()?;
    let scored = started.elapsed();
    let mut reports = engine.reports(&origins);
    if let Some(folder) = &options.report {
        let last = *origins.last().unwrap_or(&UnixMillis::EPOCH);
        if let Some(page) = engine.write_html_report(folder, &reports, last)? {
            progress.println(&format!("report: {}", page.display()));
        }
    }
    let timing = RunTiming {
        load_s: loaded.as_secs_f64(),
        score_s: (scored - loaded).as_secs_f64(),
        total_s: started.elapsed().as_secs_f64(),
    };
    for report in &mut reports {
        report.timing = timing;
    }
    Ok(reports)
}

/// Origins of the forecasts files between the bounds; fails if there are none.
fn selected_origins(
    options: &BacktestOptions,
    files: &ForecastFiles,
) -> Result<BTreeSet<UnixMillis>> {
    let all = files.origins()?;
    let from = options.from.unwrap_or(UnixMillis::saturating(i64::MIN));
    let to = options.to.unwrap_or(UnixMillis::saturating(i64::MAX));
    let origins: BTreeSet<UnixMillis> = all
        .iter()
        .copied()
        .filter(|origin| from <= *origin && *origin < to)
        .collect();
    match (all.first(), all.last()) {
        (Some(first), Some(last)) if origins.is_empty() => bail!(
            "no forecast has an origin between --from and --to: the files' go from {} to {}",
            time_text::format_time(*first),
            time_text::format_time(*last)
        ),
        _ => Ok(origins),
    }
}

/// Fails if not one of the origins has prices from its first step to its last.
fn check_origins_meet_prices(
    options: &BacktestOptions,
    prices: &PriceSeries,
    origins: &BTreeSet<UnixMillis>,
) -> Result<()> {
    let span = prices.step().times(options.horizon as i64);
    let (first, last) = (prices.first_open(), prices.last_close());
    if origins
        .iter()
        .any(|origin| *origin >= first && *origin + span <= last)
    {
        return Ok(());
    }
    let bounds = origins.first().zip(origins.last());
    let (from, to) = bounds.context("the forecasts files hold no origins")?;
    bail!(
        "no forecast meets the prices: prices go from {} to {}, origins from {} to {}, and the last step is {} after its origin; \
         name price files that cover the forecasts",
        time_text::format_time(first),
        time_text::format_time(last),
        time_text::format_time(*from),
        time_text::format_time(*to),
        time_text::format_duration(span),
    )
}

/// The genesis of a replay of these origins: its series has the prices' step and unit.
fn genesis(
    options: &BacktestOptions,
    prices: &PriceSeries,
    origins: &BTreeSet<UnixMillis>,
) -> Result<Genesis> {
    let first = origins
        .first()
        .context("the forecasts files hold no origins")?;
    let grid = Grid {
        step: prices.step(),
        horizon: options.horizon,
    };
    Ok(Genesis {
        series: Series {
            id: options.series.clone().unwrap_or_else(SeriesId::btc_usd),
            grid,
            unit: prices.unit(),
        },
        rules: RULES,
        // Nobody signs in a backtest.
        validator: Hotkey([0; 32]),
        first_origin: *first,
        end_origin: UnixMillis::MAX,
        round_every: most_common_interval(origins).unwrap_or(grid.span()),
        prices: PriceOrigin::Replay {
            sha256: prices.sha256(),
        },
    })
}

/// The most common distance between neighbours, the smallest of equally common ones.
fn most_common_interval(origins: &BTreeSet<UnixMillis>) -> Option<Millis> {
    let mut counts: BTreeMap<Millis, usize> = BTreeMap::new();
    for (origin, next) in origins.iter().zip(origins.iter().skip(1)) {
        *counts.entry(*next - *origin).or_default() += 1;
    }
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map(|(interval, _)| interval)
}
