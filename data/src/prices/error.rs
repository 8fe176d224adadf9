//! Errors of bars and of price files. Each message says what is wrong, where, and the cure.

use std::io;
use std::path::{Path, PathBuf};

use foretell_core::instant_range::ImplausibleInstant;
use foretell_core::price::{Price, PriceError};
use foretell_core::time::{Millis, UnixMillis};
use thiserror::Error;

use crate::file_position::RowPosition;
use crate::input_file::InputFault;

/// Most rows of a price file: bars of a minute for 38 years.
pub(crate) const MAX_ROWS: usize = 20_000_000;

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
    /// A price of 0 or less in a series of prices.
    #[error(
        "column {column}: found {found}, and a price is above 0; leave the row out if it stands for no data (a missing row \
         is a gap), or say --unit value if the series isn't one of prices"
    )]
    NotPositive {
        /// Name of the column.
        column: &'static str,
        /// The price, as it was given.
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
    /// No file was named.
    #[error("no price file was given: name at least one")]
    NoFiles,
    /// It can't be opened or read.
    #[error("{}: {fault}", .file.display())]
    Input {
        /// Path as the caller gave it.
        file: PathBuf,
        /// Why it can't, and the cure.
        fault: InputFault,
    },
    /// The system doesn't let us write it.
    #[error("{}: can't be written ({why}); check its directory's permissions and free space", .file.display())]
    Unwritable {
        /// Path as the caller gave it.
        file: PathBuf,
        /// The system's error.
        why: io::Error,
    },
    /// An empty file, without even a header.
    #[error("{}: the file is empty; its first line must name the columns, {LAYOUTS}", .file.display())]
    Empty {
        /// Path as the caller gave it.
        file: PathBuf,
    },
    /// A line that isn't CSV, or has another number of cells than the header.
    #[error("{}, line {line}: not CSV: {reason}", .file.display())]
    NotCsv {
        /// Path as the caller gave it.
        file: PathBuf,
        /// Number of the line; the header is line 1.
        line: u64,
        /// What is wrong with it, and the cure.
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
        .file.display(), .missing.join(", "), .found
    )]
    MissingColumns {
        /// Path as the caller gave it.
        file: PathBuf,
        /// Names of the columns that are missing, of the form that the file comes closest to.
        missing: Vec<&'static str>,
        /// Names of the columns that the file has.
        found: String,
    },
    /// A header whose names aren't separated by commas.
    #[error("{}: its first line has no commas; separate the cells by commas, and write decimals with a point", .file.display())]
    Separator {
        /// Path as the caller gave it.
        file: PathBuf,
    },
    /// More rows than are read.
    #[error("{}: more than {MAX_ROWS} rows; split the file, or take a longer step", .file.display())]
    TooManyRows {
        /// Path as the caller gave it.
        file: PathBuf,
    },
    /// Two columns of one name.
    #[error("{}: two columns are named {column}; rename or remove one", .file.display())]
    DuplicateColumn {
        /// Path as the caller gave it.
        file: PathBuf,
        /// Name of both columns.
        column: String,
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
    /// Files of one series that have different steps.
    #[error(
        "{}: its bars are {found} apart, those of {} {step}; give files of one step",
        .file.display(), .first.display()
    )]
    StepMismatch {
        /// Path of the file that differs.
        file: PathBuf,
        /// Step of that file.
        found: Millis,
        /// Path of the first file.
        first: PathBuf,
        /// Step of the first file.
        step: Millis,
    },
    /// Files of one step whose bars don't fall on the same instants.
    #[error(
        "{}: its bars open {offset} after those of {}; resample one of the two",
        .file.display(), .first.display()
    )]
    PhaseMismatch {
        /// Path of the file that differs.
        file: PathBuf,
        /// Time from a bar of the first file to the next one of this file.
        offset: Millis,
        /// Path of the first file.
        first: PathBuf,
    },
    /// A file of prices beside one of values.
    #[error(
        "{} is of {found}, {} of {unit}: say --unit price or --unit value if both are of one series, or leave one out",
        .file.display(), .first.display()
    )]
    UnitMismatch {
        /// Path of the file that differs.
        file: PathBuf,
        /// What its columns say that it holds.
        found: &'static str,
        /// Path of the first file.
        first: PathBuf,
        /// What the first file's columns say.
        unit: &'static str,
    },
    /// Two files with different bars for one instant.
    #[error(
        "{}, {row}, and {}, {other_row}, have different bars of open_time_ms {open_time}: {column} {found} and {other_found}; \
         files may overlap only where they agree, leave one out or cut it",
        .file.display(), .other.display()
    )]
    Conflict {
        /// Path of the file named first.
        file: PathBuf,
        /// Place of its bar.
        row: RowPosition,
        /// Path of the other file.
        other: PathBuf,
        /// Place of its bar.
        other_row: RowPosition,
        /// Open time of both bars.
        open_time: UnixMillis,
        /// The first column that differs.
        column: &'static str,
        /// What the first file has there.
        found: f64,
        /// What the other file has there.
        other_found: f64,
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
    /// A whole number that isn't taken for unix milliseconds.
    #[error(transparent)]
    Implausible(#[from] ImplausibleInstant),
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

impl From<PriceError> for CellFault {
    fn from(error: PriceError) -> Self {
        match error {
            PriceError::NotANumber(_) => Self::NotANumber,
            PriceError::NotFinite(_) => Self::NotFinite,
        }
    }
}
