//! Forecasts files that are open, to be read more than once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use foretell_core::time::UnixMillis;

use super::error::{ForecastFileError, ForecastFileFault};
use super::reader::{ForecastFileReader, open_input};
use super::rounds::ForecastRounds;
use crate::input_file::{InputFile, check_stdin};

/// Open forecasts files; what came through a pipe is kept, so that it can be read again.
pub struct ForecastFiles {
    files: Vec<InputFile>,
}

impl ForecastFiles {
    /// Opens these files; `-` is standard input, and compression is told from the content. `others` are files that the same
    /// command reads, of which none may be standard input too.
    ///
    /// # Errors
    /// A file that can't be opened, and standard input named twice.
    pub fn open(files: &[PathBuf], others: &[PathBuf]) -> Result<Self, ForecastFileError> {
        check_stdin(files.iter().chain(others)).map_err(|fault| {
            ForecastFileError::new(Path::new("-"), ForecastFileFault::Input(fault))
        })?;
        let files = files.iter().map(|file| open_input(file));
        Ok(Self {
            files: files.collect::<Result<_, _>>()?,
        })
    }

    /// All origins in these files. Reads no other column of Parquet files.
    ///
    /// # Errors
    /// A file that lacks a column, a bad row of CSV, a bad origin of Parquet.
    pub fn origins(&self) -> Result<BTreeSet<UnixMillis>, ForecastFileError> {
        let mut origins = BTreeSet::new();
        for file in &self.files {
            ForecastFileReader::open(file)?.origins(|origin| {
                origins.insert(origin);
            })?;
        }
        Ok(origins)
    }

    /// The rounds of these files, from the first on. Reads the first forecasts of each.
    ///
    /// # Errors
    /// A file that lacks a column, a bad first row.
    pub fn rounds(&self) -> Result<ForecastRounds, ForecastFileError> {
        ForecastRounds::open(&self.files)
    }
}
