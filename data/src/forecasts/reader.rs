//! A forecasts file of either format.

use std::ffi::OsStr;
use std::path::Path;

use foretell_core::time::UnixMillis;

use super::batch::ForecastBatch;
use super::csv::CsvReader;
use super::error::{ForecastFileError, ForecastFileFault};
use super::parquet::ParquetReader;

/// A forecasts file, read from front to back; boxed, because a reader is large.
pub(super) enum ForecastFileReader {
    Csv(Box<CsvReader>),
    Parquet(Box<ParquetReader>),
}

impl ForecastFileReader {
    pub(super) fn open(file: &Path) -> Result<Self, ForecastFileError> {
        let refuse = |fault| Err(ForecastFileError::new(file, fault));
        if file.is_dir() {
            return refuse(ForecastFileFault::Directory);
        }
        match file.extension().map(OsStr::to_ascii_lowercase) {
            Some(extension) if extension == "csv" => {
                Ok(Self::Csv(Box::new(CsvReader::open(file)?)))
            }
            Some(extension) if extension == "parquet" => {
                Ok(Self::Parquet(Box::new(ParquetReader::open(file)?)))
            }
            _ => refuse(ForecastFileFault::Extension),
        }
    }

    /// The next batch of forecasts, at least one; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<ForecastBatch>, ForecastFileError> {
        match self {
            Self::Csv(reader) => reader.next(),
            Self::Parquet(reader) => reader.next(),
        }
    }

    /// Calls `on_origin` with every origin, in the file's order; reads nothing else.
    pub(super) fn origins(
        self,
        on_origin: impl FnMut(UnixMillis),
    ) -> Result<(), ForecastFileError> {
        match self {
            Self::Csv(reader) => reader.origins(on_origin),
            Self::Parquet(reader) => reader.origins(on_origin),
        }
    }
}
