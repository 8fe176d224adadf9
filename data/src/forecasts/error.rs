//! What can be wrong with a forecasts file: what, where, and the cure.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use foretell_core::time::UnixMillis;
use thiserror::Error;

use crate::file_position::RowPosition;

/// Why a forecasts file can't be used: the file, the place in it, and what is wrong with it.
#[derive(Debug, Error)]
pub struct ForecastFileError {
    /// The file.
    pub file: PathBuf,
    /// The row, if it is about one.
    pub row: Option<RowPosition>,
    /// What is wrong, and the cure.
    #[source]
    pub fault: ForecastFileFault,
}

/// What is wrong with a forecasts file, and the cure.
#[derive(Debug, Error)]
pub enum ForecastFileFault {
    /// Neither `.csv` nor `.parquet`.
    #[error("the format of a forecasts file is its extension; name it .csv or .parquet")]
    Extension,
    /// Nothing there.
    #[error("no such file; check the path")]
    NotFound,
    /// A directory.
    #[error("this is a directory; name the forecasts files in it")]
    Directory,
    /// The system doesn't let us read it.
    #[error("can't be read ({0}); check its owner and permissions, and the disk")]
    Unreadable(io::Error),
    /// Not even a header.
    #[error("the file is empty; its first line must be {CSV_COLUMNS}")]
    Empty,
    /// A header without rows.
    #[error("the file holds no forecasts; give it rows, or leave it out")]
    NoRows,
    /// A line that is no CSV.
    #[error("not CSV ({0}); give every line as many UTF-8 cells as the header")]
    NotCsv(String),
    /// Bytes that are no Parquet file.
    #[error(
        "not a readable Parquet file ({0}); export it again, or name it .csv if that is what it is"
    )]
    NotParquet(String),
    /// A column that is needed isn't there.
    #[error("no column {} (found: {}); the file must have {wanted}", .missing.join(", "), .found.join(", "))]
    MissingColumns {
        /// Those missing.
        missing: Vec<String>,
        /// Those there.
        found: Vec<String>,
        /// Those needed.
        wanted: &'static str,
    },
    /// Two columns of one name.
    #[error("two columns are named {0}; rename or remove one")]
    DuplicateColumn(String),
    /// A column of a type that can't be taken without loss.
    #[error("column {column}: found type {found}; store it as {wanted}")]
    ColumnType {
        /// The column.
        column: &'static str,
        /// Its type.
        found: String,
        /// The type that does.
        wanted: &'static str,
    },
    /// A cell that doesn't hold what its column is for.
    #[error("column {column}: found {found:?}; {cure}")]
    Cell {
        /// The column.
        column: String,
        /// What it holds.
        found: String,
        /// What it should hold.
        cure: &'static str,
    },
    /// An earlier origin after a later one.
    #[error(
        "column origin_ms: {found} comes after {before}, which is later; sort the rows by origin_ms"
    )]
    Unsorted {
        /// The row's own.
        found: UnixMillis,
        /// The one before it.
        before: UnixMillis,
    },
    /// Steps of one forecast that don't follow one another.
    #[error(
        "column step: found {found} where {miner}'s step {expected} of origin {origin} belongs; \
         sort the lines by origin_ms, miner and step, and let none out and none twice"
    )]
    Steps {
        /// Whose.
        miner: String,
        /// Of which round.
        origin: UnixMillis,
        /// The step that would be next.
        expected: usize,
        /// The step found.
        found: usize,
    },
    /// Two forecasts of one miner for one origin.
    #[error(
        "{miner} has a forecast for origin {origin} already, in {other}; remove one of the two"
    )]
    Duplicate {
        /// Whose.
        miner: String,
        /// Of which round.
        origin: UnixMillis,
        /// Where the first stands.
        other: String,
    },
    /// An origin that is on no grid of the prices.
    #[error(
        "column origin_ms: {origin} is no multiple of the prices' step of {step_ms} ms; \
         origins are unix milliseconds on the prices' grid, and a bar covers [open_time, open_time + step)"
    )]
    OffGrid {
        /// The origin.
        origin: UnixMillis,
        /// The step.
        step_ms: i64,
    },
}

/// The columns of a CSV file, for messages.
pub(super) const CSV_COLUMNS: &str = "origin_ms,miner,step,v1,…,vK";
/// The columns of a Parquet file, for messages.
pub(super) const PARQUET_COLUMNS: &str =
    "origin_ms (int64), miner (string), kind (string), k (uint32), values (list of double)";

impl ForecastFileError {
    /// This fault of a whole file.
    pub(super) fn of(file: &Path, fault: ForecastFileFault) -> Self {
        Self {
            file: file.to_owned(),
            row: None,
            fault,
        }
    }

    /// The system's refusal to read this file.
    pub(super) fn unreadable(file: &Path, source: io::Error) -> Self {
        let fault = match source.kind() {
            io::ErrorKind::NotFound => ForecastFileFault::NotFound,
            _ => ForecastFileFault::Unreadable(source),
        };
        Self::of(file, fault)
    }

    /// This fault of one row.
    pub fn at(file: &Path, row: RowPosition, fault: ForecastFileFault) -> Self {
        Self {
            file: file.to_owned(),
            row: Some(row),
            fault,
        }
    }
}

impl fmt::Display for ForecastFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(row) = self.row {
            write!(f, ", {row}")?;
        }
        write!(f, ": {}", self.fault)
    }
}
