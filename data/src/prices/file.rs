//! Price files: read in either format, written as CSV.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use foretell_files::{FileAccess, write_file};

use super::csv_line::{HEADER, push_line};
use super::error::PriceFileError;
use super::series::PriceSeries;
use super::{csv, parquet};
use crate::file_position::RowPosition;

/// Reads a price file: CSV if its extension is `.csv`, Parquet if it is `.parquet`.
///
/// Columns are `open_time_ms,open,high,low,close,volume` or `open_time_ms,value`, in any order among any others.
/// Missing rows are no error; the caller sees them in [`PriceSeries::gaps`].
pub fn read(file: &Path) -> Result<PriceSeries, PriceFileError> {
    if file.is_dir() {
        return Err(PriceFileError::Directory {
            file: file.to_owned(),
        });
    }
    match Format::from_extension(file)? {
        Format::Csv => parse_csv(file, &read_bytes(file)?),
        Format::Parquet => PriceSeries::from_bars(parquet::read(file)?)
            .map_err(|error| error.in_file(file, |bar| RowPosition::Row(bar + 1))),
    }
}

/// The series in the text of a CSV file, which errors call `name`.
pub fn parse_csv(name: &Path, text: &[u8]) -> Result<PriceSeries, PriceFileError> {
    let (bars, offsets) = csv::parse(name, text)?;
    let row = |bar: usize| match offsets.get(bar) {
        Some(offset) => RowPosition::Line(csv::line_number(text, *offset)),
        None => RowPosition::Row(bar + 1),
    };
    PriceSeries::from_bars(bars).map_err(|error| error.in_file(name, row))
}

/// Writes a series as CSV, numbers in the shortest decimals that read back as the very same doubles.
///
/// Whoever reads the file meanwhile, or after a crash, finds the old one or the new one, whole.
pub fn write_csv(file: &Path, series: &PriceSeries) -> Result<(), PriceFileError> {
    let mut text = String::from(HEADER);
    for bar in series.bars() {
        push_line(&mut text, bar);
    }
    write_file(file, text.as_bytes(), FileAccess::Public).map_err(|source| {
        PriceFileError::Unwritable {
            file: file.to_owned(),
            source,
        }
    })
}

enum Format {
    Csv,
    Parquet,
}

impl Format {
    fn from_extension(file: &Path) -> Result<Self, PriceFileError> {
        match file.extension().map(OsStr::to_ascii_lowercase) {
            Some(extension) if extension == "csv" => Ok(Self::Csv),
            Some(extension) if extension == "parquet" => Ok(Self::Parquet),
            _ => Err(PriceFileError::Extension {
                file: file.to_owned(),
            }),
        }
    }
}

/// The whole file at once: one that is cut short while we decode it can do no harm, as it could if it were mapped.
fn read_bytes(file: &Path) -> Result<Vec<u8>, PriceFileError> {
    fs::read(file).map_err(|source| PriceFileError::unreadable(file, source))
}
