//! Errors of bars and of price files. Each message says what is wrong, where, and the cure.

use std::io;
use std::path::{Path, PathBuf};

use foretell_core::price::{Price, PriceError};
use foretell_core::time::{Millis, TimeRangeError, UnixMillis};
use thiserror::Error;

use crate::file_position::RowPosition;

/// Why a sequence of bars is no [`PriceSeries`](super::PriceSeries).
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PriceSeriesError {
    /// Fewer than two bars, which have no spacing.
    #[error("bars given: {bars}; give at least 2, their spacing is the step")]
    TooFewBars {
        /// Number of bars, 0 or 1.
        bars: usize,
    },
    /// One bar contradicts itself or its neighbours.
    #[error("bar {bar} (counted from 0): {fault}")]
    Bar {
        /// Index of the bar, from 0.
        bar: usize,
        /// What is wrong with the bar, and the cure.
        fault: BarFault,
    },
}

/// What is wrong with one bar; columns are named as in a price file.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum BarFault {
    /// Earlier than the bar before it.
    #[error(
        "column open_time_ms: {found} comes after {before}, which is later; sort the rows by open_time_ms"
    )]
    Unsorted {
        /// Open time of the bar.
        found: UnixMillis,
        /// Open time of the bar before it.
        before: UnixMillis,
    },
    /// The same time as the bar before it.
    #[error("column open_time_ms: {found} is there twice; remove one of the two rows")]
    Duplicate {
        /// Open time of both bars.
        found: UnixMillis,
    },
    /// Not a whole number of steps after the bar before it.
    #[error(
        "column open_time_ms: {found} is off the grid, {spacing} after the row before it where the step is {step} \
         (the most common spacing); remove the row, or resample the file to one spacing"
    )]
    OffGrid {
        /// Open time of the bar.
        found: UnixMillis,
        /// Time since the opening of the bar before it.
        spacing: Millis,
        /// Step of the series: its most common spacing.
        step: Millis,
    },
    /// The low is above the open or the close.
    #[error(
        "column low: {low} is above the {other} {found}; a low is the bar's lowest price, \
         correct the row or leave it out"
    )]
    Low {
        /// Low of the bar.
        low: Price,
        /// Name of the column with a lower price: `open` or `close`.
        other: &'static str,
        /// Price in that column.
        found: Price,
    },
    /// The high is below the open or the close.
    #[error(
        "column high: {high} is below the {other} {found}; a high is the bar's highest price, \
         correct the row or leave it out"
    )]
    High {
        /// High of the bar.
        high: Price,
        /// Name of the column with a higher price: `open` or `close`.
        other: &'static str,
        /// Price in that column.
        found: Price,
    },
    /// A negative or non-finite volume.
    #[error("column volume: found {found}; a volume is 0 or more, write 0 if it isn't known")]
    Volume {
        /// The volume, as it was given.
        found: f64,
    },
}

/// Why a price file can't be read or written. Every message names the file, the place in it, and the cure.
#[derive(Debug, Error)]
pub enum PriceFileError {
    /// Neither `.csv` nor `.parquet`.
    #[error("{}: the format of a price file is its extension; name it .csv or .parquet", .file.display())]
    Extension {
        /// Path as the caller gave it.
        file: PathBuf,
    },
    /// There is no file of this name.
    #[error("{}: no such file; check the path", .file.display())]
    NotFound {
        /// Path as the caller gave it.
        file: PathBuf,
    },
    /// The path is a directory.
    #[error("{}: this is a directory; name one price file in it", .file.display())]
    Directory {
        /// Path as the caller gave it.
        file: PathBuf,
    },
    /// The system doesn't let us read it.
    #[error("{}: can't be read ({source}); check its owner and permissions, and the disk", .file.display())]
    Unreadable {
        /// Path as the caller gave it.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The system doesn't let us write it.
    #[error("{}: can't be written ({source}); check its directory's permissions and free space", .file.display())]
    Unwritable {
        /// Path as the caller gave it.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// An empty file, without even a header.
    #[error("{}: the file is empty; its first line must name the columns, {LAYOUTS}", .file.display())]
    Empty {
        /// Path as the caller gave it.
        file: PathBuf,
    },
    /// A line that isn't CSV, or has another number of cells than the header.
    #[error("{}, line {line}: not CSV ({reason}); give every line as many UTF-8 cells as the header", .file.display())]
    NotCsv {
        /// Path as the caller gave it.
        file: PathBuf,
        /// Number of the line; the header is line 1.
        line: u64,
        /// The parser's message.
        reason: String,
    },
    /// Bytes that aren't a Parquet file, or are a damaged one.
    #[error(
        "{}: not a readable Parquet file ({reason}); export it again, or name it .csv if that is what it is",
        .file.display()
    )]
    NotParquet {
        /// Path as the caller gave it.
        file: PathBuf,
        /// The parser's message.
        reason: String,
    },
    /// A column that is needed isn't there.
    #[error(
        "{}: no column {} (found: {}); the first line of a CSV file, or the schema of a Parquet file, must name {LAYOUTS}",
        .file.display(), .missing.join(", "), .found.join(", ")
    )]
    MissingColumns {
        /// Path as the caller gave it.
        file: PathBuf,
        /// Names of the columns that are missing, of the form that the file comes closest to.
        missing: Vec<&'static str>,
        /// Names of the columns that the file has.
        found: Vec<String>,
    },
    /// Two columns of one name.
    #[error("{}: two columns are named {column}; rename or remove one", .file.display())]
    DuplicateColumn {
        /// Path as the caller gave it.
        file: PathBuf,
        /// Name of both columns.
        column: &'static str,
    },
    /// A Parquet column of a type that can't be taken without loss.
    #[error("{}, column {column}: found type {found}; store it as {expected}", .file.display())]
    ColumnType {
        /// Path as the caller gave it.
        file: PathBuf,
        /// Name of the column.
        column: &'static str,
        /// The type that the file gives it.
        found: String,
        /// The type to store it as.
        expected: &'static str,
    },
    /// A cell that holds no time or number.
    #[error("{}, {row}, column {column}: found {found:?}, {fault}", .file.display())]
    Cell {
        /// Path as the caller gave it.
        file: PathBuf,
        /// Place of the row in the file.
        row: RowPosition,
        /// Name of the column.
        column: &'static str,
        /// Text of the cell.
        found: String,
        /// What is wrong with the cell, and the cure.
        fault: CellFault,
    },
    /// Fewer than two rows, which have no spacing.
    #[error("{}: rows found: {rows}; give at least 2, their spacing is the step", .file.display())]
    TooFewRows {
        /// Path as the caller gave it.
        file: PathBuf,
        /// Number of rows, 0 or 1.
        rows: usize,
    },
    /// A row contradicts itself or its neighbours.
    #[error("{}, {row}, {fault}", .file.display())]
    Bar {
        /// Path as the caller gave it.
        file: PathBuf,
        /// Place of the row in the file.
        row: RowPosition,
        /// What is wrong with the bar, and the cure.
        fault: BarFault,
    },
}

/// What is wrong with a cell, and the cure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CellFault {
    /// No text, or a null.
    #[error("an empty cell; fill it, or leave the whole row out (a missing row is a gap)")]
    Empty,
    /// Not a whole number.
    #[error("not a whole number of milliseconds; write unix milliseconds such as 1704067200000")]
    NotATime,
    /// A time that most often is in other units.
    #[error("outside the years 0000 to 9999; write unix milliseconds such as 1704067200000")]
    TimeOutOfRange,
    /// Not a decimal number.
    #[error("not a number; write a plain decimal such as 42397.23")]
    NotANumber,
    /// NaN or an infinity.
    #[error("not finite; leave the whole row out (a missing row is a gap)")]
    NotFinite,
    /// An integer that no double holds.
    #[error("too large to be held exactly; scale the column down")]
    Inexact,
}

/// The columns of the two forms of a price file, for messages.
const LAYOUTS: &str = "open_time_ms,open,high,low,close,volume or open_time_ms,value";

impl PriceSeriesError {
    /// This error about the bars of a file; `row` gives the place of the bar with an index.
    pub(crate) fn in_file(self, file: &Path, row: impl Fn(usize) -> RowPosition) -> PriceFileError {
        let file = file.to_owned();
        match self {
            Self::TooFewBars { bars } => PriceFileError::TooFewRows { file, rows: bars },
            Self::Bar { bar, fault } => PriceFileError::Bar {
                file,
                row: row(bar),
                fault,
            },
        }
    }
}

impl PriceFileError {
    /// The error that the system doesn't let us read this file.
    pub(crate) fn unreadable(file: &Path, source: io::Error) -> Self {
        let file = file.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { file },
            _ => Self::Unreadable { file, source },
        }
    }
}

impl From<TimeRangeError> for CellFault {
    fn from(_: TimeRangeError) -> Self {
        Self::TimeOutOfRange
    }
}

impl From<PriceError> for CellFault {
    fn from(error: PriceError) -> Self {
        match error {
            PriceError::NotANumber(_) => Self::NotANumber,
            PriceError::NotFinite(_) => Self::NotFinite,
        }
    }
}
