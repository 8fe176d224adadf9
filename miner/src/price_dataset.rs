//! The price files of one series, read as one history.

use std::path::PathBuf;

use foretell_core::hash::{Hash, Hex};
use foretell_core::series::{Grid, Series, SeriesId};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::prices::{self, PriceFileError, PriceSeries};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
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
}

/// Why files don't make one history.
#[derive(Debug, Error)]
pub enum PriceDatasetError {
    /// No file was given.
    #[error("no price file was given: name at least one")]
    NoFiles,
    /// A file can't be read.
    #[error(transparent)]
    File(#[from] PriceFileError),
    /// Files differ in their step.
    #[error("{file} has bars of {found}, {first} of {step}: give files of one step")]
    StepMismatch {
        /// Path of the file that differs.
        file: String,
        /// Step of that file.
        found: Millis,
        /// Path of the first file.
        first: String,
        /// Step of the first file.
        step: Millis,
    },
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
    /// Reads files of one series. Where two have a bar for the same time, that of the file named first counts.
    ///
    /// # Errors
    /// No files, a file that can't be read, or files of different steps.
    pub fn read(
        files: &[PathBuf],
        id: SeriesId,
        horizon: usize,
    ) -> Result<Self, PriceDatasetError> {
        Ok(Self::from_files(LoadedFile::read_all(files, |_| ())?, id, horizon)?.0)
    }

    /// The same, with the SHA-256 over the digests of all files' rows.
    ///
    /// # Errors
    /// The same as those of [`read`](Self::read).
    pub fn read_with_sha256(
        files: &[PathBuf],
        id: SeriesId,
        horizon: usize,
    ) -> Result<(Self, Hash), PriceDatasetError> {
        let (dataset, hashes) = Self::from_files(
            LoadedFile::read_all(files, PriceSeries::sha256)?,
            id,
            horizon,
        )?;
        let mut digest = Sha256::new();
        for hash in hashes {
            digest.update(hash.0);
        }
        Ok((dataset, Hex(digest.finalize().into())))
    }

    /// The dataset of these files, and the digest of each.
    fn from_files<D>(
        files: Vec<LoadedFile<D>>,
        id: SeriesId,
        horizon: usize,
    ) -> Result<(Self, Vec<D>), PriceDatasetError> {
        let first = files.first().ok_or(PriceDatasetError::NoFiles)?;
        let (step, first_file) = (first.prices.step(), first.file.clone());
        let (first_open, last_close) = (first.prices.first_open(), first.prices.last_close());
        let mut history = PriceHistory::new(step, first.prices.unit());
        let mut digests = Vec::new();
        for LoadedFile {
            file,
            prices,
            digest,
        } in files
        {
            if prices.step() != step {
                return Err(PriceDatasetError::StepMismatch {
                    file,
                    found: prices.step(),
                    first: first_file,
                    step,
                });
            }
            history
                .extend(prices.into_bars())
                .map_err(|source| PriceDatasetError::InvalidBars { file, source })?;
            digests.push(digest);
        }
        let dataset = Self {
            series: Series {
                id,
                grid: Grid { step, horizon },
                unit: history.unit(),
            },
            history,
            first_open,
            last_close,
        };
        Ok((dataset, digests))
    }
}

/// The content of a price file.
struct LoadedFile<D> {
    file: String,
    prices: PriceSeries,
    digest: D,
}

impl<D: Send> LoadedFile<D> {
    /// Reads all files in parallel, and takes the digest of each.
    fn read_all(
        files: &[PathBuf],
        digest: impl Fn(&PriceSeries) -> D + Sync,
    ) -> Result<Vec<Self>, PriceDatasetError> {
        let read = |file: &PathBuf| -> Result<Self, PriceDatasetError> {
            let prices = prices::read(file)?;
            Ok(Self {
                file: file.display().to_string(),
                digest: digest(&prices),
                prices,
            })
        };
        let read: Vec<Result<Self, PriceDatasetError>> = files.par_iter().map(read).collect();
        // In the files' order, so that of two errors the first file's is returned.
        read.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<PriceDataset, String> {
        let folder = tempfile::tempdir().unwrap();
        let paths = files.iter().map(|(name, rows)| {
            let path = folder.path().join(name);
            fs::write(&path, format!("open_time_ms,value\n{rows}")).unwrap();
            path
        });
        let paths: Vec<PathBuf> = paths.collect();
        PriceDataset::read(&paths, "X".parse().unwrap(), 2).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_file_counts_where_two_overlap() {
        let dataset = read(&[
            ("b.csv", "600,3\n900,4\n"),
            ("a.csv", "0,1\n300,2\n600,9\n"),
        ])
        .unwrap();
        let closes: Vec<f64> = dataset
            .history
            .bars()
            .iter()
            .map(|bar| bar.close.get())
            .collect();
        assert_eq!(closes, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(
            (dataset.first_open, dataset.last_close),
            (UnixMillis::literal(600), UnixMillis::literal(1200))
        );
        assert_eq!(dataset.series.grid.step, Millis::literal(300));
    }

    #[test]
    fn files_of_another_step_are_named() {
        let error = read(&[("a.csv", "0,1\n300,2\n"), ("b.csv", "0,1\n600,2\n")]).unwrap_err();
        assert!(error.contains("b.csv has bars of 600 ms"), "{error}");
        assert!(read(&[]).unwrap_err().contains("name at least one"));
    }
}
