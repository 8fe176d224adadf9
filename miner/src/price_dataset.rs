//! The price files of one series, read as one history.

use std::path::PathBuf;

use foretell_core::hash::Hash;
use foretell_core::series::{Grid, Series, SeriesId, Unit};
use foretell_core::time::UnixMillis;
use foretell_data::prices::{self, JoinedPrices, PriceFileError};
use thiserror::Error;

use crate::price_history::{PriceHistory, PriceHistoryError};

/// The bars of one or more price files of one series.
#[derive(Debug, Clone)]
pub struct PriceDataset {
    /// The series, with the files' step and unit.
    pub series: Series,
    /// The bars of all files.
    pub history: PriceHistory,
    /// Open time of the first bar of the first file.
    pub first_open: UnixMillis,
    /// Close time of the last bar of the first file.
    pub last_close: UnixMillis,
    /// SHA-256 of the rows of all files together.
    pub sha256: Hash,
}

/// Why files don't make one history.
#[derive(Debug, Error)]
pub enum PriceDatasetError {
    /// A file can't be read, or differs from another.
    #[error(transparent)]
    Files(#[from] PriceFileError),
    /// A file's bars don't belong in the history.
    #[error("{file} is no history")]
    InvalidBars {
        /// Path of the file.
        file: String,
        /// What is wrong with which bar.
        source: PriceHistoryError,
    },
}

impl PriceDataset {
    /// Reads files of one series, in any order; files may overlap where they agree. Without a `unit` their columns say
    /// whether they are of prices or of values.
    ///
    /// # Errors
    /// No files, a file that can't be read, or files that make no series together.
    pub fn read(
        files: &[PathBuf],
        id: SeriesId,
        horizon: usize,
        unit: Option<Unit>,
    ) -> Result<Self, PriceDatasetError> {
        let JoinedPrices {
            series: prices,
            first_open,
            last_close,
        } = prices::read_all(files, unit)?;
        let (step, unit, sha256) = (prices.step(), prices.unit(), prices.sha256());
        let mut history = PriceHistory::new(step, unit);
        history.extend(prices.into_bars()).map_err(|source| {
            // All files are on one grid, so what is off it is so in the first one, too.
            let file = files.first().map(|file| file.display().to_string());
            PriceDatasetError::InvalidBars {
                file: file.unwrap_or_default(),
                source,
            }
        })?;
        Ok(Self {
            series: Series {
                id,
                grid: Grid { step, horizon },
                unit,
            },
            history,
            first_open,
            last_close,
            sha256,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use foretell_core::testing::{MONDAY, STEP};

    use super::*;

    #[test]
    fn the_span_is_that_of_the_first_file_and_the_bars_those_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, first: i64, values: [f64; 2]| {
            let rows = (first..).zip(values).map(|(i, value)| {
                let time = MONDAY + STEP.times(i);
                format!("{time},{value}\n")
            });
            let path = folder.path().join(name);
            fs::write(
                &path,
                format!("open_time_ms,value\n{}", rows.collect::<String>()),
            )
            .unwrap();
            path
        };
        let files = [file("b.csv", 2, [3.0, 4.0]), file("a.csv", 0, [1.0, 2.0])];
        let read = |files: &[PathBuf]| PriceDataset::read(files, SeriesId::btc_usd(), 2, None);
        let dataset = read(&files).unwrap();
        let bars = dataset.history.bars().iter();
        assert_eq!(
            bars.map(|bar| bar.close.get()).collect::<Vec<_>>(),
            [1.0, 2.0, 3.0, 4.0]
        );
        assert_eq!(
            (dataset.first_open, dataset.last_close),
            (MONDAY + STEP.times(2), MONDAY + STEP.times(4))
        );
        assert_eq!(
            (dataset.series.grid.step, dataset.series.unit),
            (STEP, Unit::Value)
        );
        // What it is called by doesn't depend on the order of the files.
        let other = read(&[files[1].clone(), files[0].clone()]).unwrap();
        assert_eq!(other.sha256, dataset.sha256);
    }
}
