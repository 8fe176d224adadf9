//! A forecasts file of either format.

use std::path::Path;

use foretell_core::time::UnixMillis;

use super::batch::ForecastBatch;
use super::csv::CsvReader;
use super::error::{ForecastFileError, ForecastFileFault};
use super::parquet::ParquetReader;
use crate::input_file::{FileFormat, InputFile};

/// A forecasts file, read from front to back; boxed, because a reader is large.
pub(super) enum ForecastFileReader {
    Csv(Box<CsvReader>),
    Parquet(Box<ParquetReader>),
}

/// Opens a file, whatever it holds.
pub(super) fn open_input(file: &Path) -> Result<InputFile, ForecastFileError> {
    InputFile::open(file)
        .map_err(|fault| ForecastFileError::new(file, ForecastFileFault::Input(fault)))
}

impl ForecastFileReader {
    /// A reader of the whole file.
    pub(super) fn open(file: &InputFile) -> Result<Self, ForecastFileError> {
        Ok(match file.format() {
            FileFormat::Csv => Self::Csv(Box::new(CsvReader::open(file)?)),
            FileFormat::Parquet => Self::Parquet(Box::new(ParquetReader::open(file)?)),
        })
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
