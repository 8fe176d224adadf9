//! Price files as one history.

use std::path::PathBuf;

use foretell_core::attest::{Hash, Hex};
use foretell_core::series::{Grid, Series, SeriesId};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::error::PriceFileError;
use foretell_data::prices::{self, PriceSeries};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::history::{History, HistoryError};

/// The bars of one or more price files of one series.
#[derive(Debug, Clone)]
pub struct Market {
    /// The series that they are of.
    pub series: Series,
    /// All bars.
    pub history: History,
    /// Start of the first bar of the first file.
    pub first_open: UnixMillis,
    /// End of the last bar of the first file.
    pub last_close: UnixMillis,
}

/// Why files don't make one history.
#[derive(Debug, Error)]
pub enum MarketError {
    /// No file was given.
    #[error("no price file was given: name at least one")]
    Nothing,
    /// A file can't be read.
    #[error(transparent)]
    File(#[from] PriceFileError),
    /// Files differ in their step.
    #[error("{file} has bars of {found}, {first} of {step}: give files of one step")]
    OtherStep {
        /// The file that differs.
        file: String,
        /// Its step.
        found: Millis,
        /// The file before.
        first: String,
        /// Its step.
        step: Millis,
    },
    /// Bars that are no history.
    #[error("{file} is no history")]
    History {
        /// The file.
        file: String,
        /// What is wrong.
        source: HistoryError,
    },
}

impl Market {
    /// Reads files of one series. Where two have a bar for the same time, that of the file named first counts.
    pub fn read(files: &[PathBuf], id: SeriesId, horizon: usize) -> Result<Self, MarketError> {
        Ok(Self::of(FileRead::all(files, |_| ())?, id, horizon)?.0)
    }

    /// The same, with the SHA-256 over the digests of all files' rows.
    pub fn read_hashed(
        files: &[PathBuf],
        id: SeriesId,
        horizon: usize,
    ) -> Result<(Self, Hash), MarketError> {
        let (market, hashes) = Self::of(FileRead::all(files, PriceSeries::sha256)?, id, horizon)?;
        let mut digest = Sha256::new();
        for hash in hashes {
            digest.update(hash.0);
        }
        Ok((market, Hex(digest.finalize().into())))
    }

    /// The market of these files, and what each of them was named by.
    fn of<N>(
        files: Vec<FileRead<N>>,
        id: SeriesId,
        horizon: usize,
    ) -> Result<(Self, Vec<N>), MarketError> {
        let first = files.first().ok_or(MarketError::Nothing)?;
        let (step, first_file) = (first.prices.step(), first.file.clone());
        let (first_open, last_close) = (first.prices.first_open(), first.prices.last_close());
        let mut history = History::new(step, first.prices.unit());
        let mut names = Vec::new();
        for FileRead { file, prices, name } in files {
            if prices.step() != step {
                return Err(MarketError::OtherStep {
                    file,
                    found: prices.step(),
                    first: first_file,
                    step,
                });
            }
            history
                .extend(prices.into_bars())
                .map_err(|source| MarketError::History { file, source })?;
            names.push(name);
        }
        let market = Self {
            series: Series {
                id,
                grid: Grid { step, horizon },
                unit: history.unit(),
            },
            history,
            first_open,
            last_close,
        };
        Ok((market, names))
    }
}

/// A price file in memory.
struct FileRead<N> {
    file: String,
    prices: PriceSeries,
    name: N,
}

impl<N: Send> FileRead<N> {
    /// All files, each named by `name`.
    fn all(
        files: &[PathBuf],
        name: impl Fn(&PriceSeries) -> N + Sync,
    ) -> Result<Vec<Self>, MarketError> {
        let read = |file: &PathBuf| -> Result<Self, MarketError> {
            let prices = prices::read(file)?;
            Ok(Self {
                file: file.display().to_string(),
                name: name(&prices),
                prices,
            })
        };
        let read: Vec<Result<Self, MarketError>> = files.par_iter().map(read).collect();
        // In the files' order, so that of two errors the first file's is told.
        read.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Market, String> {
        let folder = tempfile::tempdir().unwrap();
        let paths = files.iter().map(|(name, rows)| {
            let path = folder.path().join(name);
            fs::write(&path, format!("open_time_ms,value\n{rows}")).unwrap();
            path
        });
        let paths: Vec<PathBuf> = paths.collect();
        Market::read(&paths, "X".parse().unwrap(), 2).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_file_counts_where_two_overlap() {
        let market = read(&[
            ("b.csv", "600,3\n900,4\n"),
            ("a.csv", "0,1\n300,2\n600,9\n"),
        ])
        .unwrap();
        let closes: Vec<f64> = market
            .history
            .bars()
            .iter()
            .map(|bar| bar.close.get())
            .collect();
        assert_eq!(closes, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(
            (market.first_open, market.last_close),
            (UnixMillis(600), UnixMillis(1200))
        );
        assert_eq!(market.series.grid.step, Millis(300));
    }

    #[test]
    fn files_of_another_step_are_named() {
        let error = read(&[("a.csv", "0,1\n300,2\n"), ("b.csv", "0,1\n600,2\n")]).unwrap_err();
        assert!(error.contains("b.csv has bars of 600 ms"), "{error}");
        assert!(read(&[]).unwrap_err().contains("name at least one"));
    }
}
