//! Forecasts files: who foresaw what, by origin.
//!
//! | column | Parquet | CSV | meaning |
//! |---|---|---|---|
//! | `origin_ms` | `int64` | integer | the origin T, unix milliseconds UTC |
//! | `miner` | string | text | whose forecast it is |
//! | `kind` | string | – (quantiles) | `quantiles` or `paths` |
//! | `k` | `uint32` | – | number of values at each step |
//! | `values` | list of `double` | `v1`, …, `vK` | H·K prices, step-major |
//! | `step` | – | integer | step 1 ..= H of a line's K prices |
//! | `owner` | string, optional | text, optional | coldkey: forecasts of one owner count as one forecaster |
//!
//! Rows are in order of origin. [`Rounds`] reads any number of such files side by side, round by round, and holds no
//! more of each than a few row groups; [`Writer`] writes one, as `miner forecast` does.

mod batch;
mod csv;
mod error;
mod parquet;
mod rounds;
mod row_group;
mod write;

pub use error::{ForecastFault, ForecastFileError};
pub use rounds::{Entry, Place, RoundForecasts, Rounds, origins};
pub use write::{ForecastRow, WriteError, Writer, write};

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use foretell_core::time::UnixMillis;

use self::batch::Batch;
use self::csv::CsvReader;
use self::parquet::ParquetReader;

/// A file, read from front to back.
enum Reader {
    Csv(Box<CsvReader>),
    Parquet(Box<ParquetReader>),
}

impl Reader {
    fn open(file: &Path) -> Result<Self, ForecastFileError> {
        let refuse = |fault| Err(ForecastFileError::of(file, fault));
        if file.is_dir() {
            return refuse(ForecastFault::Directory);
        }
        match file.extension().map(OsStr::to_ascii_lowercase) {
            Some(extension) if extension == "csv" => {
                Ok(Self::Csv(Box::new(CsvReader::open(file)?)))
            }
            Some(extension) if extension == "parquet" => {
                Ok(Self::Parquet(Box::new(ParquetReader::open(file)?)))
            }
            _ => refuse(ForecastFault::Extension),
        }
    }

    /// The next rows; `None` at the end.
    fn next(&mut self) -> Result<Option<Batch>, ForecastFileError> {
        match self {
            Self::Csv(reader) => reader.next(),
            Self::Parquet(reader) => reader.next(),
        }
    }

    /// Calls `see` with every origin, in the file's order; reads nothing else.
    fn origins(self, see: impl FnMut(UnixMillis)) -> Result<(), ForecastFileError> {
        match self {
            Self::Csv(reader) => reader.origins(see),
            Self::Parquet(reader) => reader.origins(see),
        }
    }
}

fn open(file: &Path) -> Result<fs::File, ForecastFileError> {
    fs::File::open(file).map_err(|source| unreadable(file, source))
}

fn unreadable(file: &Path, source: io::Error) -> ForecastFileError {
    let fault = match source.kind() {
        io::ErrorKind::NotFound => ForecastFault::NotFound,
        _ => ForecastFault::Unreadable(source),
    };
    ForecastFileError::of(file, fault)
}

#[cfg(test)]
mod tests;
