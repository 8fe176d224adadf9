//! Where in a file a row stands, as messages say it.

use std::fmt;
use std::path::PathBuf;

/// The place of a row in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowPosition {
    /// A line of a text file; the header is line 1.
    Line(u64),
    /// A row of a table that has no lines: of Parquet.
    Row(usize),
}

/// The place of a row, with the file that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePosition {
    /// Path as the reader was given it.
    pub file: PathBuf,
    /// The row; for a forecast in CSV, the line of its first step.
    pub row: RowPosition,
}

impl fmt::Display for RowPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

impl fmt::Display for FilePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.file.display(), self.row)
    }
}
