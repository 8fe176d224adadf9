//! `validator backtest`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use foretell_cli::output;
use foretell_cli::progress::Progress;
use foretell_cli::table::TableColumns;
use foretell_cli::time_text;
use foretell_cli::unit_flag::parse_unit;
use foretell_core::series::{SeriesId, Unit};
use foretell_core::time::UnixMillis;
use foretell_evaluation::policy::PolicyName;

use super::policy_arg::policy_name;
use crate::backtest::{self, BacktestOptions};

/// Score a history of forecasts: who would have earned what, under one or more policies.
///
/// A round is every origin in the forecasts files. Forecasts that are no valid answer are left out, counted and
/// listed. Prices before the first origin are history: the more, the better the first volatilities.
///
/// Example: validator backtest --prices BTCUSD_5m.parquet --forecasts har.parquet garch.parquet
/// --policy evidence --policy taoshi --report out
#[derive(Debug, Args)]
pub struct BacktestArgs {
    /// Price files (.csv or .parquet, also compressed; - is standard input), in any order.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    prices: Vec<PathBuf>,
    /// Forecasts files (.parquet or .csv, also compressed; - is standard input), each in order of origin.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    forecasts: Vec<PathBuf>,
    /// Policy; several are set side by side.
    #[arg(long, value_name = "POLICY", value_delimiter = ',', value_parser = policy_name(), default_value = "evidence")]
    policy: Vec<PolicyName>,
    /// Name of the series [default: BTC/USD].
    #[arg(long, value_name = "NAME")]
    series: Option<SeriesId>,
    /// How moves are measured: price (logarithms) or value (differences) [default: price of files with
    /// open,high,low,close, value of files with one value].
    #[arg(long, value_name = "UNIT", value_parser = parse_unit)]
    unit: Option<Unit>,
    /// First origin: RFC 3339 or unix milliseconds [default: the files' first].
    #[arg(long, value_name = "T", value_parser = time_text::parse_time)]
    from: Option<UnixMillis>,
    /// Origins are below this [default: the files' last is in].
    #[arg(long, value_name = "T", value_parser = time_text::parse_time)]
    to: Option<UnixMillis>,
    /// Steps of a forecast.
    #[arg(long, value_name = "STEPS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    horizon: u32,
    /// Write a page with plots, report.html, into this directory.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Show all columns, however wide the table gets.
    #[arg(long, conflicts_with = "json")]
    wide: bool,
    /// Print the result as JSON: a document, or a list of them if there are several policies.
    #[arg(long)]
    json: bool,
}

/// Runs the backtest and prints its result.
pub async fn run(arguments: BacktestArgs) -> Result<()> {
    let json = arguments.json;
    let columns = TableColumns::by_flag(arguments.wide);
    let options = BacktestOptions {
        series: arguments.series,
        prices: arguments.prices,
        unit: arguments.unit,
        forecasts: arguments.forecasts,
        policies: arguments.policy,
        from: arguments.from,
        to: arguments.to,
        horizon: arguments.horizon as usize,
        details: json,
        report: arguments.report,
    };
    let text = tokio::task::spawn_blocking(move || -> Result<String> {
        let reports = backtest::run(&options, &Progress::new())?;
        for warning in reports.first().iter().flat_map(|report| &report.warnings) {
            eprintln!("warning: {warning}");
        }
        Ok(match (json, reports.as_slice()) {
            (true, [report]) => serde_json::to_string_pretty(report)?,
            (true, reports) => serde_json::to_string_pretty(reports)?,
            (false, reports) => backtest::tables(reports, columns),
        })
    })
    .await
    .context("the backtest panicked")??;
    Ok(output::print_line(text)?)
}
