//! `miner evaluate`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use foretell_cli::progress::Progress;
use foretell_cli::table::TableColumns;
use foretell_cli::unit_flag::parse_unit;
use foretell_cli::{output, time_text};
use foretell_core::series::{SeriesId, Unit};
use foretell_core::time::Millis;

use super::value_parsers::{parse_horizon, parse_k};
use crate::evaluate::report_data::EvaluationReportData;
use crate::evaluate::{EvaluationReport, EvaluationTiming, WalkForward, html_report};
use crate::models;
use crate::price_dataset::PriceDataset;

/// Compare models walk-forward: each is refitted on the past only, and scored as live forecasts are.
///
/// The first origin is the close of the first bar of --prices; --history is what comes before.
///
/// Example: miner evaluate --prices BTC_2024.csv --history BTC_2023.csv --models gaussian,har --stride 48
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// Price file (.csv or .parquet, also compressed; - is standard input) to forecast in.
    #[arg(long, value_name = "FILE")]
    prices: PathBuf,
    /// Price files that come before it, in any order.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    history: Vec<PathBuf>,
    /// Models, separated by commas [default: all].
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    models: Vec<String>,
    /// How moves are measured: price (logarithms) or value (differences) [default: price of files with
    /// open,high,low,close, value of files with one value].
    #[arg(long, value_name = "UNIT", value_parser = parse_unit)]
    unit: Option<Unit>,
    /// Name of the series.
    #[arg(long, value_name = "NAME", default_value = "BTC/USD")]
    series: SeriesId,
    /// Steps of a forecast.
    #[arg(long, value_name = "STEPS", default_value_t = 100, value_parser = parse_horizon)]
    horizon: usize,
    /// An origin every N steps.
    #[arg(long, value_name = "N", default_value = "24")]
    stride: NonZeroUsize,
    /// Time between two fits.
    #[arg(long, value_name = "SPAN", default_value = "720h", value_parser = time_text::parse_duration)]
    refit_every: Millis,
    /// Quantiles per step.
    #[arg(long, value_name = "K", default_value_t = 99, value_parser = parse_k)]
    k: usize,
    /// Feeds whatever chance models use.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Directory for a page with plots, and for the figures behind it as CSV.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Show all columns, however wide the table gets.
    #[arg(long, conflicts_with = "json")]
    wide: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Evaluates and prints.
pub fn run(args: EvaluateArgs) -> Result<()> {
    let started = Instant::now();
    let names = match args.models.as_slice() {
        [] => models::names(),
        named => named.to_vec(),
    };
    let models = names
        .iter()
        .map(|name| models::by_name(name))
        .collect::<Result<Vec<_>, _>>()?;
    let files: Vec<PathBuf> = [args.prices].into_iter().chain(args.history).collect();
    let dataset = PriceDataset::read(&files, args.series, args.horizon, args.unit)?;
    let walk_forward = WalkForward {
        models,
        stride: args.stride,
        refit_every: args.refit_every,
        k: args.k,
        seed: args.seed,
    };
    let loaded = started.elapsed();
    let progress = Progress::new();
    let mut report_data = EvaluationReportData::default();
    let result = walk_forward.run(&dataset, |round, done, of| {
        if args.report.is_some() {
            report_data.add_round(round);
        }
        progress.set(done, of);
        progress.message(|| time_text::format_time(round.origin));
    })?;
    progress.finish();
    for (name, origin, why) in &result.model_errors {
        output::print_note(format_args!(
            "{name} had no forecast at {}: {why}",
            time_text::format_time(*origin)
        ));
    }
    let mut report = EvaluationReport::new(&walk_forward, &dataset, &result);
    report.timing = Some(EvaluationTiming {
        load_s: loaded.as_secs_f64(),
        score_s: (started.elapsed() - loaded).as_secs_f64(),
        total_s: started.elapsed().as_secs_f64(),
        fit_s: result.fitting.0.as_secs_f64(),
        fits: result.fitting.1,
    });
    if let Some(folder) = &args.report {
        let page = html_report::write(folder, &report, &report_data)?;
        output::print_note(format_args!("report: {}", page.display()));
    }
    let text = if args.json {
        serde_json::to_string_pretty(&report)?
    } else {
        report.text(TableColumns::by_flag(args.wide))
    };
    Ok(output::print_line(text)?)
}
