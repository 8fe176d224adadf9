//! `miner train`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use foretell_cli::unit_flag::parse_unit;
use foretell_cli::{output, time_text};
use foretell_core::series::{SeriesId, Unit};
use foretell_core::time::Millis;

use super::value_parsers::parse_horizon;
use crate::evaluate::WalkForward;
use crate::model_file::{ModelFile, TrainingSpan};
use crate::models::{self, MAX_LOOKBACK};
use crate::price_dataset::PriceDataset;

/// Newest part of the data, on which the model is evaluated walk-forward before it is fitted on all.
const VALIDATION_SPAN: Millis = Millis::days(30);
/// Time between two origins of that evaluation.
const VALIDATION_INTERVAL: Millis = Millis::hours(4);

/// Fit a model and save it, with where it came from and how it did.
///
/// Example: miner train --prices BTC_2023.csv BTC_2024.csv --model har-plus --out har-plus.json
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Price files (.csv or .parquet, also compressed; - is standard input) to learn from, in any order.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    prices: Vec<PathBuf>,
    /// Model to fit.
    #[arg(long, value_name = "NAME")]
    model: String,
    /// Model file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
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
    /// Feeds whatever chance the model uses.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// Fits, evaluates and saves.
pub fn run(args: TrainArgs) -> Result<()> {
    let model = models::by_name(&args.model)?;
    let dataset = PriceDataset::read(&args.prices, args.series, args.horizon, args.unit)?;
    let history = &dataset.history;
    let to = history.last_close_time().unwrap_or_default();
    let known = history.between(to - MAX_LOOKBACK, to);
    let bars = known.bars();
    let grid = &dataset.series.grid;
    let fitted = model.fit(&known, grid, args.seed)?;
    let every = (VALIDATION_INTERVAL.get() / grid.step.get())
        .max(1)
        .unsigned_abs() as usize;
    let validation = WalkForward {
        models: vec![model],
        stride: NonZeroUsize::new(every).unwrap_or(NonZeroUsize::MIN),
        refit_every: VALIDATION_SPAN,
        k: 99,
        seed: args.seed,
    };
    let newest = PriceDataset {
        first_open: (to - VALIDATION_SPAN - grid.span()).max(dataset.first_open),
        last_close: to,
        ..dataset.clone()
    };
    // Prices that are too short for a round have no scores.
    let result = validation.run(&newest, |_, _, _| {}).ok();
    let rows = result.into_iter().flat_map(|result| result.leaderboard);
    let scores = rows.into_iter().find(|row| row.miner == args.model);
    let file = ModelFile::new(
        &args.model,
        dataset.series.clone(),
        args.seed,
        TrainingSpan {
            from: bars.first().map(|bar| bar.open_time).unwrap_or_default(),
            to,
            bars: bars.len(),
            sha256: Some(dataset.sha256),
        },
        scores.filter(|row| row.crps_bps.is_some()),
        fitted.as_ref(),
    )?;
    file.write(&args.out)?;
    let TrainingSpan { from, to, bars, .. } = file.data;
    let mut text = format!(
        "{} fitted on {bars} bars of {}, {} to {}; written to {}",
        file.model,
        file.series.id,
        time_text::format_time(from),
        time_text::format_time(to),
        args.out.display(),
    );
    if let Some((crps, skill)) = file
        .scores
        .and_then(|row| Some((row.crps_bps?, row.skill?)))
    {
        text += &format!(
            "\non the newest {} beforehand: CRPS {crps:.3} bps, skill {:.2} % over the reference",
            time_text::format_duration(VALIDATION_SPAN),
            100.0 * skill
        );
    }
    Ok(output::print_line(text)?)
}
