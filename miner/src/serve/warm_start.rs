//! A warm start: the model and the price history that a miner keeps on disk for its next run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use foretell_core::series::Series;
use foretell_core::time::UnixMillis;
use foretell_data::prices::{PriceSeries, write_csv};

use super::forecast_error::ForecastSetupError;
use crate::model_file::{ModelFile, TrainingSpan};
use crate::models::AnyFittedModel;
use crate::price_dataset::{PriceDataset, PriceDatasetError};
use crate::price_history::{PriceHistory, PriceHistoryError};

/// Name of the fitted model's file in the data directory.
pub const MODEL_FILE: &str = "model.json";
/// Name of the price history's file in the data directory.
pub const HISTORY_FILE: &str = "history.csv";

/// A fitted model, and the time up to which it has learnt.
pub type TimedFit = (UnixMillis, Arc<dyn AnyFittedModel>);

/// The bars in these price files, which must have the series' step.
pub fn load_history(
    files: &[PathBuf],
    series: &Series,
) -> Result<PriceHistory, ForecastSetupError> {
    let dataset = PriceDataset::read(
        files,
        series.id.clone(),
        series.grid.horizon,
        Some(series.unit),
    )?;
    let found = dataset.series.grid.step;
    if found != series.grid.step {
        return Err(ForecastSetupError::Step {
            file: files.first().cloned().unwrap_or_default(),
            found,
            expected: series.grid.step,
        });
    }
    let mut history = PriceHistory::new(series.grid.step, series.unit);
    let extended = history.extend(dataset.history.bars().iter().copied());
    extended.map_err(|source: PriceHistoryError| PriceDatasetError::InvalidBars {
        file: files
            .first()
            .map(|file| file.display().to_string())
            .unwrap_or_default(),
        source,
    })?;
    Ok(history)
}

/// The model that was saved to this file.
pub fn load_model(path: &Path, series: &Series) -> Result<TimedFit, ForecastSetupError> {
    let file = ModelFile::read(path)?;
    let (_, fitted) = file.restore(path, series)?;
    Ok((file.data.to, Arc::from(fitted)))
}

/// The fit of the last run, if there is one of this model that can be used.
pub fn load_last_model(path: &Path, series: &Series, model: &str) -> Option<TimedFit> {
    if !path.exists() {
        return None;
    }
    let file = match ModelFile::read(path) {
        Ok(file) if file.model == model => file,
        Ok(file) => {
            tracing::info!(
                was = file.model,
                now = model,
                "another model than in the last run"
            );
            return None;
        }
        Err(error) => {
            tracing::warn!(%error, "the model of the last run is of no use");
            return None;
        }
    };
    match file.restore(path, series) {
        Ok((_, fitted)) => {
            tracing::info!(at = %file.data.to, model, "starting with the model of the last run");
            Some((file.data.to, Arc::from(fitted)))
        }
        Err(error) => {
            tracing::warn!(%error, "the model of the last run is of no use");
            None
        }
    }
}

/// Keeps a model and the history it has learnt from for the next start.
pub fn save(
    folder: &Path,
    model: &str,
    series: Series,
    seed: u64,
    at: UnixMillis,
    history: &PriceHistory,
    fitted: &dyn AnyFittedModel,
) -> anyhow::Result<()> {
    let bars = history.bars();
    let span = TrainingSpan {
        from: bars.first().map(|bar| bar.open_time).unwrap_or_default(),
        to: at,
        bars: bars.len(),
        sha256: None,
    };
    ModelFile::new(model, series, seed, span, None, fitted)?.write(&folder.join(MODEL_FILE))?;
    let prices = PriceSeries::from_bars(history.unit(), bars.to_vec())?;
    write_csv(&folder.join(HISTORY_FILE), &prices)?;
    Ok(())
}
