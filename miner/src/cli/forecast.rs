//! `miner forecast`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{ArgGroup, Args};
use foretell_cli::progress::Progress;
use foretell_cli::unit_flag::parse_unit;
use foretell_cli::{output, time_text};
use foretell_core::forecast::{Forecast, ForecastKind};
use foretell_core::series::{SeriesId, Unit};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::forecasts::{self, ForecastRow, MinerName};
use rayon::prelude::*;

use super::value_parsers::{parse_horizon, parse_k, parse_kind};
use crate::model_file::ModelFile;
use crate::models::{self, AnyFittedModel, AnyModel, MAX_LOOKBACK, paths};
use crate::price_dataset::PriceDataset;
use crate::price_history::PriceHistory;

/// Levels of the quantiles that are printed.
const PRINTED_LEVELS: [f64; 5] = [0.025, 0.25, 0.5, 0.75, 0.975];

/// Forecast from price files: one fan, printed, or a forecasts file for `validator backtest`.
///
/// Examples:
///   miner forecast --prices BTC_2024.csv --at 2024-06-01T00:00:00Z
///   miner forecast --prices BTC_2024.csv --from 2024-06-01T00:00:00Z --to 2024-07-01T00:00:00Z --every 30m --out har.parquet
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(group = ArgGroup::new("when").required(true).args(["at", "from"]))]
pub struct ForecastArgs {
    /// Price files (.csv or .parquet, also compressed; - is standard input), in any order.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    prices: Vec<PathBuf>,
    /// Model.
    #[arg(long, value_name = "NAME", default_value = "har-plus")]
    model: String,
    /// Model file of `miner train`, instead of fitting --model on the past of each origin.
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    model_file: Option<PathBuf>,
    /// Print the forecast with this origin.
    #[arg(long, value_name = "T", value_parser = time_text::parse_time)]
    at: Option<UnixMillis>,
    /// First origin.
    #[arg(long, value_name = "T", value_parser = time_text::parse_time, requires_all = ["to", "out"])]
    from: Option<UnixMillis>,
    /// Origins are below this.
    #[arg(long, value_name = "T", value_parser = time_text::parse_time, requires = "from")]
    to: Option<UnixMillis>,
    /// Time between two origins.
    #[arg(long, value_name = "SPAN", default_value = "30m", value_parser = time_text::parse_duration)]
    every: Millis,
    /// Time between two fits.
    #[arg(long, value_name = "SPAN", default_value = "168h", value_parser = time_text::parse_duration)]
    refit_every: Millis,
    /// Forecasts file to write (.parquet or .csv).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Name of the miner in the file [default: the model's].
    #[arg(long, value_name = "NAME")]
    miner: Option<MinerName>,
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
    /// Values per step.
    #[arg(long, value_name = "K", default_value_t = 99, value_parser = parse_k)]
    k: usize,
    /// Quantiles or paths.
    #[arg(long, value_name = "KIND", default_value = "quantiles", value_parser = parse_kind)]
    kind: ForecastKind,
    /// Feeds whatever chance the model and paths use.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print the forecast as JSON.
    #[arg(long)]
    json: bool,
}

/// A model, and the prices that it forecasts from.
struct DatasetForecaster {
    dataset: PriceDataset,
    model: Arc<dyn AnyModel>,
    /// What the model file holds; `None` where the model is fitted on the past of each origin.
    fitted: Option<Box<dyn AnyFittedModel>>,
    kind: ForecastKind,
    k: usize,
    seed: u64,
}

/// Forecasts, and prints or writes.
pub fn run(args: &ForecastArgs) -> Result<()> {
    let dataset = PriceDataset::read(&args.prices, args.series.clone(), args.horizon, args.unit)?;
    let (model, fitted) = match &args.model_file {
        Some(path) => {
            let (model, fitted) = ModelFile::read(path)?.restore(path, &dataset.series)?;
            (model, Some(fitted))
        }
        None => (models::by_name(&args.model)?, None),
    };
    let forecaster = DatasetForecaster {
        dataset,
        model,
        fitted,
        kind: args.kind,
        k: args.k,
        seed: args.seed,
    };
    match (args.at, args.from, args.to) {
        (Some(at), ..) => forecaster.print(at, args),
        (None, Some(from), Some(to)) => forecaster.write(from, to, args),
        _ => bail!("give --at T, or --from T --to T --out FILE"),
    }
}

impl DatasetForecaster {
    fn print(&self, at: UnixMillis, args: &ForecastArgs) -> Result<()> {
        let fitted = match &self.fitted {
            Some(fitted) => fitted,
            None => &self.fit(at)?,
        };
        let forecast = self.forecast(fitted.as_ref(), at)?;
        if let Some(out) = &args.out {
            return self.save(out, &[(at, forecast)], args);
        }
        let text = if args.json {
            let payload: serde_json::Value = serde_json::from_str(&forecast.payload())?;
            serde_json::to_string_pretty(&serde_json::json!({
                "series": self.dataset.series.id,
                "model": self.model.name(),
                "origin_ms": at,
                "step_ms": self.dataset.series.grid.step,
                "forecast": payload,
            }))?
        } else {
            self.table(at, &forecast)
        };
        Ok(output::print_line(text)?)
    }

    fn table(&self, at: UnixMillis, forecast: &Forecast) -> String {
        let grid = &self.dataset.series.grid;
        let mut text = format!(
            "{} at {} by {}, {} values a step\n\n{:>20}",
            self.dataset.series.id,
            time_text::format_time(at),
            self.model.name(),
            forecast.k(),
            "close at"
        );
        for level in PRINTED_LEVELS {
            text += &format!("{:>14}", format!("{:.1} %", 100.0 * level));
        }
        for step in 0..forecast.horizon() {
            let mut row = forecast.row(step).to_vec();
            row.sort_by(f64::total_cmp);
            text += &format!(
                "\n{:>20}",
                time_text::format_time(grid.target(at, step + 1))
            );
            for level in PRINTED_LEVELS {
                let index = (level * row.len() as f64) as usize;
                let value = row
                    .get(index.min(row.len() - 1))
                    .copied()
                    .unwrap_or(f64::NAN);
                text += &format!("{value:>14}");
            }
        }
        text
    }

    fn write(&self, from: UnixMillis, to: UnixMillis, args: &ForecastArgs) -> Result<()> {
        let Some(out) = &args.out else {
            bail!("--out says where the forecasts go");
        };
        let grid = &self.dataset.series.grid;
        let origins: Vec<UnixMillis> =
            std::iter::successors(Some(from), |origin| Some(*origin + args.every))
                .take_while(|origin| *origin < to)
                .collect();
        if origins.is_empty() {
            bail!("no origin lies in --from {from} --to {to}: --to must be later");
        }
        if args.every.get() % grid.step.get() != 0 {
            bail!(
                "--every must be a multiple of the prices' step, {}",
                grid.step
            );
        }
        let block = |t: &UnixMillis| (*t - from).get() / args.refit_every.get();
        let progress = Progress::new();
        let mut made = Vec::with_capacity(origins.len());
        for block in origins.chunk_by(|a, b| block(a) == block(b)) {
            let fitted = match &self.fitted {
                Some(fitted) => fitted,
                None => &self.fit(block[0])?,
            };
            let forecasts = block
                .par_iter()
                .map(|origin| Ok((*origin, self.forecast(fitted.as_ref(), *origin)?)))
                .collect::<Result<Vec<_>>>()?;
            made.extend(forecasts);
            progress.set(made.len(), origins.len());
            progress.message(|| time_text::format_time(block[0]));
        }
        progress.finish();
        self.save(out, &made, args)
    }

    fn save(&self, out: &Path, made: &[(UnixMillis, Forecast)], args: &ForecastArgs) -> Result<()> {
        let named = args.miner.as_ref().map(MinerName::as_str);
        let name = named.unwrap_or(self.model.name());
        let rows: Vec<ForecastRow> = made
            .iter()
            .map(|(origin, forecast)| ForecastRow {
                origin: *origin,
                miner: name,
                forecast,
            })
            .collect();
        forecasts::write(out, &rows)?;
        let text = format!(
            "{} forecasts by {name} written to {}",
            made.len(),
            out.display()
        );
        Ok(output::print_line(text)?)
    }

    fn fit(&self, at: UnixMillis) -> Result<Box<dyn AnyFittedModel>> {
        let known = self.known_history(at);
        let fitted = self.model.fit(&known, &self.dataset.series.grid, self.seed);
        fitted.with_context(|| format!("{} at {}", self.model.name(), time_text::format_time(at)))
    }

    fn forecast(&self, fitted: &dyn AnyFittedModel, at: UnixMillis) -> Result<Forecast> {
        let known = self.known_history(at);
        if known.last_close_time() != Some(at) {
            let (bars, step) = (self.dataset.history.bars(), self.dataset.history.step());
            bail!(
                "no bar closes at {}: origins lie on the prices' grid, from {} to {}",
                time_text::format_time(at),
                time_text::format_time(bars.first().map_or(at, |bar| bar.close_time(step))),
                time_text::format_time(bars.last().map_or(at, |bar| bar.close_time(step)))
            );
        }
        let forecast = fitted.forecast(&known, self.k)?;
        match self.kind {
            ForecastKind::Quantiles => Ok(forecast),
            ForecastKind::Paths => Ok(paths::from_quantiles(&forecast, &known, self.seed)?),
        }
    }

    fn known_history(&self, at: UnixMillis) -> PriceHistory {
        self.dataset.history.between(at - MAX_LOOKBACK, at)
    }
}
