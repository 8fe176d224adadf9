//! `miner evaluate`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use foretell_core::series::SeriesId;
use foretell_core::time::Millis;
use foretell_data::moment;

use super::progress::Progress;
use crate::evaluate::album::Album;
use crate::evaluate::{Report, Timing, Walk, page};
use crate::market::Market;
use crate::models;
use foretell_wire::output;

/// Compare models walk-forward: each is refitted on the past only, and scored as live forecasts are.
///
/// The first origin is the close of the first bar of --prices; --history is what comes before.
///
/// Example: miner evaluate --prices BTC_2024.csv --history BTC_2023.csv --models gaussian,har --stride 48
#[derive(Debug, Args)]
pub struct Arguments {
    /// Price file (.csv or .parquet) to forecast in.
    #[arg(long, value_name = "FILE")]
    prices: PathBuf,
    /// Price files that come before it.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    history: Vec<PathBuf>,
    /// Models, separated by commas [default: all].
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    models: Vec<String>,
    /// Name of the series.
    #[arg(long, value_name = "NAME", default_value = "BTC/USD")]
    series: SeriesId,
    /// Steps of a forecast.
    #[arg(long, value_name = "STEPS", default_value_t = 100, value_parser = super::horizon)]
    horizon: usize,
    /// An origin every N steps.
    #[arg(long, value_name = "N", default_value = "24")]
    stride: NonZeroUsize,
    /// Time between two fits.
    #[arg(long, value_name = "SPAN", default_value = "720h", value_parser = moment::parse_span)]
    refit_every: Millis,
    /// Quantiles per step.
    #[arg(long, value_name = "K", default_value_t = 99, value_parser = super::k)]
    k: usize,
    /// Feeds whatever chance models use.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Directory for a page with plots, and for the figures behind it as CSV.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Evaluates and prints.
pub fn run(arguments: Arguments) -> Result<()> {
    let begun = Instant::now();
    let names = match arguments.models.as_slice() {
        [] => models::names(),
        named => named.to_vec(),
    };
    let models = names
        .iter()
        .map(|name| models::by_name(name))
        .collect::<Result<Vec<_>, _>>()?;
    let files: Vec<PathBuf> = [arguments.prices]
        .into_iter()
        .chain(arguments.history)
        .collect();
    let market = Market::read(&files, arguments.series, arguments.horizon)?;
    let walk = Walk {
        models,
        stride: arguments.stride,
        refit_every: arguments.refit_every,
        k: arguments.k,
        seed: arguments.seed,
    };
    let loaded = begun.elapsed();
    let progress = Progress::new();
    let mut album = Album::default();
    let walked = walk.through(&market, |round, done, of| {
        if arguments.report.is_some() {
            album.take(round);
        }
        progress.show(done, of, || moment::text(round.origin));
    })?;
    progress.end();
    for (name, origin, why) in &walked.refusals {
        eprintln!("{name} had no forecast at {}: {why}", moment::text(*origin));
    }
    let mut report = Report::of(&walk, &market, &walked);
    report.timing = Some(Timing {
        load_s: loaded.as_secs_f64(),
        score_s: (begun.elapsed() - loaded).as_secs_f64(),
        total_s: begun.elapsed().as_secs_f64(),
        fit_s: walked.fitting.0.as_secs_f64(),
        fits: walked.fitting.1,
    });
    if let Some(folder) = &arguments.report {
        let page = page::write(folder, &report, &album)?;
        eprintln!("report: {}", page.display());
    }
    let text = if arguments.json {
        serde_json::to_string_pretty(&report)?
    } else {
        report.text()
    };
    Ok(output::print(text)?)
}
