//! A warm start: the model and the price history that a miner keeps on disk for its next run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
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

/// A fitted model and its history, to be kept.
pub struct SaveWork {
    /// What was fitted.
    pub fitted: Arc<dyn AnyFittedModel>,
    /// The time up to which it has learnt.
    pub at: UnixMillis,
    /// The history at that time.
    pub history: PriceHistory,
}

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

/// Keeps a model and the history it has learnt from for the next start. Both files are their owner's alone.
pub fn save(
    folder: &Path,
    model: &str,
    series: Series,
    seed: u64,
    save: &SaveWork,
) -> anyhow::Result<()> {
    let bars = save.history.bars();
    let span = TrainingSpan {
        from: bars.first().map(|bar| bar.open_time).unwrap_or_default(),
        to: save.at,
        bars: bars.len(),
        sha256: None,
    };
    let model = ModelFile::new(model, series, seed, span, None, save.fitted.as_ref())?;
    model.write(&folder.join(MODEL_FILE))?;
    let prices = PriceSeries::from_bars(save.history.unit(), bars.to_vec())?;
    let file = folder.join(HISTORY_FILE);
    write_csv(&file, &prices)?;
    // Written like any prices file, which others may read; these came from a public venue, so that a moment does no harm.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use foretell_core::series::Unit;
    use foretell_core::testing::{MONDAY, STEP, bars, btc_usd};

    use super::*;
    use crate::models;

    #[test]
    fn what_is_kept_starts_the_next_run_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let series = btc_usd(4);
        let mut history = PriceHistory::new(STEP, Unit::LogPrice);
        let closes = [100.0, 101.0, 102.0];
        history.extend(bars(MONDAY, closes)).unwrap();
        let model = models::by_name("random-walk").unwrap();
        let fitted = model.fit(&history, &series.grid, 0).unwrap();
        let kept = SaveWork {
            fitted: Arc::from(fitted),
            at: MONDAY + STEP.times(3),
            history: history.clone(),
        };
        save(folder.path(), "random-walk", series.clone(), 0, &kept).unwrap();
        for name in [MODEL_FILE, HISTORY_FILE] {
            let file = fs::metadata(folder.path().join(name)).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
        }
        let model_file = folder.path().join(MODEL_FILE);
        let (at, _) = load_last_model(&model_file, &series, "random-walk").unwrap();
        assert_eq!(at, kept.at);
        let read = load_history(&[folder.path().join(HISTORY_FILE)], &series).unwrap();
        assert_eq!(read.bars(), history.bars());
    }
}
