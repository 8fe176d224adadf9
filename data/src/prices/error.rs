//! What can be wrong with a sequence of bars, or with a price file: what, where, and the cure.

use std::io;
use std::path::{Path, PathBuf};

use foretell_core::price::{Price, PriceError};
use foretell_core::time::{Millis, UnixMillis};
use thiserror::Error;

use crate::file_position::RowPosition;

/// Why a sequence of bars is no [`PriceSeries`](super::PriceSeries).
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PriceSeriesError {
    /// Fewer than two bars, which have no spacing.
    #[error("bars given: {bars}; give at least 2, their spacing is the step")]
    TooFewBars {
        /// How many there are.
        bars: usize,
    },
    /// One bar contradicts itself or its neighbours.
    #[error("bar {bar} (counted from 0): {fault}")]
    Bar {
        /// The bar's index, from 0.
        bar: usize,
        /// What is wrong with it.
        fault: BarFault,
    },
}

/// What is wrong with one bar; columns are named as in a price file.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum BarFault {
    /// A time that no price file means, most often one in other units.
    #[error(
        "column open_time_ms: {found} is outside the years 0000 to 9999; write unix milliseconds such as 1704067200000"
    )]
    OpenTime {
        /// The time found.
        found: i64,
    },
    /// Earlier than the bar before it.
    #[error(
        "column open_time_ms: {found} comes after {before}, which is later; sort the rows by open_time_ms"
    )]
    Unsorted {
        /// The bar's own time.
        found: UnixMillis,
        /// The time of the bar before it.
        before: UnixMillis,
    },
    /// The same time as the bar before it.
    #[error("column open_time_ms: {found} is there twice; remove one of the two rows")]
    Duplicate {
        /// The time that both have.
        found: UnixMillis,
    },
    /// Not a whole number of steps after the bar before it.
    #[error(
        "column open_time_ms: {found} is off the grid, {spacing} after the row before it where the step is {step} \
         (the most common spacing); remove the row, or resample the file to one spacing"
    )]
    OffGrid {
        /// The bar's time.
        found: UnixMillis,
        /// Its distance from the bar before it.
        spacing: Millis,
        /// The series' step.
        step: Millis,
    },
    /// The low is above the open or the close.
    #[error(
        "column low: {low} is above the {other} {found}; a low is the bar's lowest price, \
         correct the row or leave it out"
    )]
    Low {
        /// The low.
        low: Price,
        /// The column that is below it.
        other: &'static str,
        /// That column's price.
        found: Price,
    },
    /// The high is below the open or the close.
    #[error(
        "column high: {high} is below the {other} {found}; a high is the bar's highest price, \
         correct the row or leave it out"
    )]
    High {
        /// The high.
        high: Price,
        /// The column that is above it.
        other: &'static str,
        /// That column's price.
        found: Price,
    },
    /// A negative or non-finite volume.
    #[error("column volume: found {found}; a volume is 0 or more, write 0 if it isn't known")]
    Volume {
        /// The volume found.
        found: f64,
    },
}

/// Why a price file can't be read or written. Every message names the file, the place in it, and the cure.
#[derive(Debug, Error)]
pub enum PriceFileError {
    /// Neither `.csv` nor `.parquet`.
    #[error("{}: the format of a price file is its extension; name it .csv or .parquet", .file.display())]
    Extension {
        /// The file.
        file: PathBuf,
    },
    /// Nothing there.
    #[error("{}: no such file; check the path", .file.display())]
    NotFound {
        /// The file.
        file: PathBuf,
    },
    /// A directory.
    #[error("{}: this is a directory; name one price file in it", .file.display())]
    Directory {
        /// The directory.
        file: PathBuf,
    },
    /// The system doesn't let us read it.
    #[error("{}: can't be read ({source}); check its owner and permissions, and the disk", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system doesn't let us write it.
    #[error("{}: can't be written ({source}); check its directory's permissions and free space", .file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Not even a header.
    #[error("{}: the file is empty; its first line must name the columns, {LAYOUTS}", .file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// A line that is no CSV.
    #[error("{}, line {line}: not CSV ({reason}); give every line as many UTF-8 cells as the header", .file.display())]
    NotCsv {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What the parser says.
        reason: String,
    },
    /// Bytes that are no Parquet file.
    #[error(
        "{}: not a readable Parquet file ({reason}); export it again, or name it .csv if that is what it is",
        .file.display()
    )]
    NotParquet {
        /// The file.
        file: PathBuf,
        /// What the parser says.
        reason: String,
    },
    /// A column that is needed isn't there.
    #[error(
        "{}: no column {} (found: {}); the first line of a CSV file, or the schema of a Parquet file, must name {LAYOUTS}",
        .file.display(), .missing.join(", "), .found.join(", ")
    )]
    MissingColumns {
        /// The file.
        file: PathBuf,
        /// The columns that are missing.
        missing: Vec<&'static str>,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// Two columns of one name.
    #[error("{}: two columns are named {column}; rename or remove one", .file.display())]
    DuplicateColumn {
        /// The file.
        file: PathBuf,
        /// Their name.
        column: &'static str,
    },
    /// A Parquet column of a type that can't be taken without loss.
    #[error("{}, column {column}: found type {found}; store it as {wanted}", .file.display())]
    ColumnType {
        /// The file.
        file: PathBuf,
        /// The column.
        column: &'static str,
        /// Its type.
        found: String,
        /// The types that do.
        wanted: &'static str,
    },
    /// A cell that holds no time or number.
    #[error("{}, {row}, column {column}: found {found:?}, {fault}", .file.display())]
    Cell {
        /// The file.
        file: PathBuf,
        /// The row.
        row: RowPosition,
        /// The column.
        column: &'static str,
        /// What the cell holds.
        found: String,
        /// What is wrong with that.
        fault: CellFault,
    },
    /// Fewer than two rows, which have no spacing.
    #[error("{}: rows found: {rows}; give at least 2, their spacing is the step", .file.display())]
    TooFewRows {
        /// The file.
        file: PathBuf,
        /// How many there are.
        rows: usize,
    },
    /// A row contradicts itself or its neighbours.
    #[error("{}, {row}, {fault}", .file.display())]
    Bar {
        /// The file.
        file: PathBuf,
        /// The row.
        row: RowPosition,
        /// What is wrong with it.
        fault: BarFault,
    },
}

/// What is wrong with a cell, and the cure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CellFault {
    /// Nothing in it.
    #[error("an empty cell; fill it, or leave the whole row out (a missing row is a gap)")]
    Empty,
    /// Not a whole number.
    #[error("not a whole number of milliseconds; write unix milliseconds such as 1704067200000")]
    NotATime,
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

/// The two forms of a price file, for messages.
const LAYOUTS: &str = "open_time_ms,open,high,low,close,volume or open_time_ms,value";

impl PriceSeriesError {
    /// This error about the bars of a file, whose `row` of a bar's index is given.
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
    /// The system's refusal to read this file.
    pub(crate) fn unreadable(file: &Path, source: io::Error) -> Self {
        let file = file.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { file },
            _ => Self::Unreadable { file, source },
        }
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
