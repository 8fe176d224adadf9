//! Price files: read in either format, written as CSV.

use std::path::Path;

use foretell_core::series::Unit;
use foretell_files::{FileAccess, write_file};

use super::csv_line::{HEADER, push_line};
use super::error::PriceFileError;
use super::rows::{PriceRows, RowPositions};
use super::series::PriceSeries;
use super::{csv, parquet};
use crate::input_file::{FileFormat, InputFault, InputFile};

/// A price file, with the place of each of its bars.
pub(super) struct LoadedFile {
    pub(super) series: PriceSeries,
    pub(super) positions: RowPositions,
}

/// Reads a price file in CSV or Parquet; `-` is standard input, and compression (gzip, zstd) is told from the content.
///
/// Columns are `open_time_ms,open,high,low,close,volume` or `open_time_ms,value`, in any order among any others. Without a
/// `unit` bars of the first form are of prices, which must be positive, and those of the second of values.
/// Missing rows are no error; the caller sees them in [`PriceSeries::gaps`].
pub fn read(file: &Path, unit: Option<Unit>) -> Result<PriceSeries, PriceFileError> {
    Ok(load(file, unit)?.series)
}

/// Reads a price file, and remembers where its bars stand.
pub(super) fn load(file: &Path, unit: Option<Unit>) -> Result<LoadedFile, PriceFileError> {
    let input = |fault| PriceFileError::Input {
        file: file.to_owned(),
        fault,
    };
    let opened = InputFile::open(file).map_err(input)?;
    let rows = match opened.format() {
        FileFormat::Csv => {
            let reader = opened.reader().map_err(input)?;
            csv::parse(file, reader, |error| opened.fault(error))?
        }
        FileFormat::Parquet => parquet::read(&opened)?,
    };
    series(file, rows, unit)
}

/// The series in the text of a CSV file, which errors call `name`; `unit` as of [`read`].
pub fn parse_csv(
    name: &Path,
    text: &[u8],
    unit: Option<Unit>,
) -> Result<PriceSeries, PriceFileError> {
    let rows = csv::parse(name, text, InputFault::Unreadable)?;
    Ok(series(name, rows, unit)?.series)
}

fn series(file: &Path, rows: PriceRows, unit: Option<Unit>) -> Result<LoadedFile, PriceFileError> {
    let PriceRows {
        bars,
        positions,
        unit: default,
    } = rows;
    let series = PriceSeries::from_bars(unit.unwrap_or(default), bars);
    let series = series.map_err(|error| error.in_file(file, |bar| positions.get(bar)))?;
    Ok(LoadedFile { series, positions })
}

/// Writes a series as CSV, numbers in the shortest decimals that read back as the very same doubles.
///
/// The unit isn't written: whoever reads a series of values says so again.
///
/// Whoever reads the file meanwhile, or after a crash, finds the old one or the new one, whole.
pub fn write_csv(file: &Path, series: &PriceSeries) -> Result<(), PriceFileError> {
    let mut text = String::from(HEADER);
    for bar in series.bars() {
        push_line(&mut text, bar);
    }
    write_file(file, text.as_bytes(), FileAccess::Public).map_err(|why| {
        PriceFileError::Unwritable {
            file: file.to_owned(),
            why,
        }
    })
}
