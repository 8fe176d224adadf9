//! Errors of forecasts files. Each message says what is wrong, where, and the cure.

use std::fmt;
use std::path::{Path, PathBuf};

use foretell_core::instant_range::ImplausibleInstant;
use foretell_core::time::UnixMillis;
use thiserror::Error;

use super::miner_name::MinerNameError;
use crate::excerpt::excerpt;
use crate::file_position::RowPosition;
use crate::input_file::InputFault;

/// Why a forecasts file can't be used: the file, the place in it, and what is wrong with it.
///
/// The fault is part of its text, and so no source of it: who prints a chain of errors would say it twice.
#[derive(Debug)]
pub struct ForecastFileError {
    /// Path as the caller gave it.
    pub file: PathBuf,
    /// The row that has the fault; `None` where the whole file has it.
    pub row: Option<RowPosition>,
    /// What is wrong there; its message ends with the cure.
    pub fault: ForecastFileFault,
}

/// What is wrong with a forecasts file, and the cure.
#[derive(Debug, Error)]
pub enum ForecastFileFault {
    /// It can't be opened or read.
    #[error(transparent)]
    Input(InputFault),
    /// An empty file, without even a header.
    #[error("the file is empty; its first line must be {CSV_COLUMNS}")]
    Empty,
    /// A header, or a schema, without rows.
    #[error("the file holds no forecasts; give it rows, or leave it out")]
    NoRows,
    /// A line that isn't CSV, or has another number of cells than the header.
    #[error("not CSV: {0}")]
    NotCsv(String),
    /// Bytes that aren't a Parquet file, or are a damaged one.
    #[error(
        "not a readable Parquet file ({0}); export it again, or name it .csv if that is what it is"
    )]
    NotParquet(String),
    /// A column that is needed isn't there.
    #[error("no column {} (found: {}); the file must have {expected}", .missing.join(", "), .found)]
    MissingColumns {
        /// Names of the columns that are missing.
        missing: Vec<String>,
        /// Names of the columns that the file has.
        found: String,
        /// The columns of a file of this format.
        expected: &'static str,
    },
    /// A column of values that isn't one of v1 to vK.
    #[error(
        "column {} is not one of v1 to v{columns}; number the {columns} columns of values from v1 to vK without a hole, \
         the lowest quantile first",
        excerpt(.found)
    )]
    ValueColumns {
        /// Name of the column.
        found: String,
        /// How many columns are called `v` and a number.
        columns: usize,
    },
    /// A header whose names aren't separated by commas.
    #[error(
        "the first line has no commas; separate the cells by commas, and write decimals with a point"
    )]
    Separator,
    /// Two columns of one name.
    #[error("two columns are named {}; rename or remove one", excerpt(.0))]
    DuplicateColumn(String),
    /// A column of a type that can't be taken without loss.
    #[error("column {column}: found type {found}; store it as {expected}")]
    ColumnType {
        /// Name of the column.
        column: &'static str,
        /// The type that the file gives it.
        found: String,
        /// The type to store it as.
        expected: &'static str,
    },
    /// A cell that its column can't hold: no number, no name, no kind.
    #[error("column {column}: found {found:?}; {cure}")]
    Cell {
        /// Name of the column.
        column: String,
        /// The cell's text; empty where the cell is.
        found: String,
        /// What to write instead.
        cure: &'static str,
    },
    /// An origin that isn't taken for unix milliseconds.
    #[error("column origin_ms: found {}, {_0}", .0.number)]
    Implausible(ImplausibleInstant),
    /// A name that no miner or owner can have.
    #[error("column {column}: found {found:?}, {why}")]
    Name {
        /// Name of the column: `miner` or `owner`.
        column: &'static str,
        /// The cell's text.
        found: String,
        /// What is wrong with it, and the cure.
        why: MinerNameError,
    },
    /// One forecast of more values than are read.
    #[error(
        "more than {most} values in one forecast; give it fewer steps, or fewer values at each"
    )]
    TooManyValues {
        /// Most values that are read.
        most: usize,
    },
    /// An earlier origin after a later one.
    #[error(
        "column origin_ms: {found} comes after {before}, which is later; sort the rows by origin_ms"
    )]
    Unsorted {
        /// Origin of the row.
        found: UnixMillis,
        /// Origin of the row before it.
        before: UnixMillis,
    },
    /// Steps of one forecast that don't follow one another.
    #[error(
        "column step: found {found} where {miner}'s step {expected} of origin {origin} belongs; \
         sort the lines by origin_ms, miner and step, and let none out and none twice"
    )]
    Steps {
        /// Name of the miner whose forecast it is.
        miner: String,
        /// Origin of the forecast.
        origin: UnixMillis,
        /// The step that should have come, from 1.
        expected: usize,
        /// The step that the line has; 0 where it is none.
        found: usize,
    },
    /// Two forecasts of one miner for one origin.
    #[error(
        "{miner} has a forecast for origin {origin} already, in {other}; remove one of the two"
    )]
    Duplicate {
        /// Name of the miner whose forecast it is.
        miner: String,
        /// Origin of the forecast.
        origin: UnixMillis,
        /// Position of the earlier forecast, as text.
        other: String,
    },
    /// An origin that is off the prices' grid.
    #[error(
        "column origin_ms: {origin} is no multiple of the prices' step of {step_ms} ms; \
         origins are unix milliseconds on the prices' grid, and a bar covers [open_time, open_time + step)"
    )]
    OffGrid {
        /// Origin of the forecast, in unix milliseconds.
        origin: UnixMillis,
        /// The prices' step, in milliseconds.
        step_ms: i64,
    },
}

/// The columns of a CSV file, for messages.
pub(super) const CSV_COLUMNS: &str = "origin_ms,miner,step,v1,…,vK";
/// The columns of a Parquet file, for messages.
pub(super) const PARQUET_COLUMNS: &str =
    "origin_ms (int64), miner (string), kind (string), k (uint32), values (list of double)";

impl From<ImplausibleInstant> for ForecastFileFault {
    fn from(error: ImplausibleInstant) -> Self {
        Self::Implausible(error)
    }
}

impl ForecastFileError {
    /// The error that the whole file has this fault.
    pub(super) fn new(file: &Path, fault: ForecastFileFault) -> Self {
        Self {
            file: file.to_owned(),
            row: None,
            fault,
        }
    }

    /// The error that this row has this fault.
    pub fn at_row(file: &Path, row: RowPosition, fault: ForecastFileFault) -> Self {
        Self {
            file: file.to_owned(),
            row: Some(row),
            fault,
        }
    }
}

impl std::error::Error for ForecastFileError {}

impl fmt::Display for ForecastFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(row) = self.row {
            write!(f, ", {row}")?;
        }
        write!(f, ": {}", self.fault)
    }
}
