//! `miner train`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use foretell_core::series::SeriesId;
use foretell_core::time::Millis;
use foretell_data::moment;

use crate::evaluate::Walk;
use crate::market::Market;
use crate::model_file::{ModelFile, Span};
use crate::models::{self, LOOKBACK};
use foretell_wire::output;

/// Newest part of the data that the model is tried on before it is fitted on all.
const TRIAL: Millis = Millis::days(30);
/// Time between two origins of the trial.
const TRIAL_EVERY: Millis = Millis::hours(4);

/// Fit a model and save it, with where it came from and how it did.
///
/// Example: miner train --prices BTC_2023.csv BTC_2024.csv --model har-plus --out har-plus.json
#[derive(Debug, Args)]
pub struct Arguments {
    /// Price files (.csv or .parquet) to learn from, in any order.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    prices: Vec<PathBuf>,
    /// Model to fit.
    #[arg(long, value_name = "NAME")]
    model: String,
    /// Model file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Name of the series.
    #[arg(long, value_name = "NAME", default_value = "BTC/USD")]
    series: SeriesId,
    /// Steps of a forecast.
    #[arg(long, value_name = "STEPS", default_value_t = 100, value_parser = super::horizon)]
    horizon: usize,
    /// Feeds whatever chance the model uses.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// Fits, tries and saves.
pub fn run(arguments: Arguments) -> Result<()> {
    let model = models::by_name(&arguments.model)?;
    let (market, sha256) =
        Market::read_hashed(&arguments.prices, arguments.series, arguments.horizon)?;
    let history = &market.history;
    let to = history.last_close_time().unwrap_or_default();
    let known = history.between(to - LOOKBACK, to);
    let bars = known.bars();
    let grid = &market.series.grid;
    let fitted = model.fit(&known, grid, arguments.seed)?;
    let every = (TRIAL_EVERY.0 / grid.step.0).max(1).unsigned_abs() as usize;
    let trial = Walk {
        models: vec![model],
        stride: NonZeroUsize::new(every).unwrap_or(NonZeroUsize::MIN),
        refit_every: TRIAL,
        k: 99,
        seed: arguments.seed,
    };
    let newest = Market {
        first_open: (to - TRIAL - grid.span()).max(market.first_open),
        last_close: to,
        ..market.clone()
    };
    // Of too short a market there is nothing to say.
    let walked = trial.through(&newest, |_, _, _| {}).ok();
    let rows = walked.into_iter().flat_map(|walked| walked.leaderboard);
    let scores = rows.into_iter().find(|row| row.miner == arguments.model);
    let file = ModelFile::new(
        &arguments.model,
        market.series.clone(),
        arguments.seed,
        Span {
            from: bars.first().map(|bar| bar.open_time).unwrap_or_default(),
            to,
            bars: bars.len(),
            sha256: Some(sha256),
        },
        scores.filter(|row| row.crps_bps.is_some()),
        fitted.as_ref(),
    )?;
    file.write(&arguments.out)?;
    let Span { from, to, bars, .. } = file.data;
    let mut text = format!(
        "{} fitted on {bars} bars of {}, {} to {}; written to {}",
        file.model,
        file.series.id,
        moment::text(from),
        moment::text(to),
        arguments.out.display(),
    );
    if let Some((crps, skill)) = file
        .scores
        .and_then(|row| Some((row.crps_bps?, row.skill?)))
    {
        text += &format!(
            "\non the newest {} beforehand: CRPS {crps:.3} bps, skill {:.2} % over the reference",
            moment::span(TRIAL),
            100.0 * skill
        );
    }
    Ok(output::print(text)?)
}
