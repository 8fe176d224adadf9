//! The rows of a price file in Parquet.

use std::path::Path;

use foretell_core::bar::Bar;
use foretell_core::price::Price;
use foretell_core::time::UnixMillis;
use polars_arrow::datatypes::ArrowSchema;

use super::columns::{BAR, OPEN_TIME, PriceColumns, VALUE, VOLUME};
use super::error::{CellFault, MAX_ROWS, PriceFileError};
use super::rows::{PriceRows, RowPositions};
use crate::file_position::RowPosition;
use crate::input_file::InputFile;
use crate::parquet_file::{Number, ParquetFault, ParquetFile, TimeScale, is_number};

/// The bars of a Parquet file, in the file's order.
///
/// Each cell is checked here; that bars are in order and consistent is not.
pub(crate) fn read(input: &InputFile) -> Result<PriceRows, PriceFileError> {
    let path = input.path();
    let file = ParquetFile::open(input).map_err(|fault| file_error(path, fault))?;
    let schema = file.schema();
    let names: Vec<&str> = schema
        .iter_names()
        .map(polars::prelude::PlSmallStr::as_str)
        .collect();
    let columns = PriceColumns::find(path, &names)?;
    let table = PriceTable {
        path,
        time_scale: check_types(path, schema, columns)?,
        file: &file,
    };
    if file.rows() > MAX_ROWS {
        return Err(PriceFileError::TooManyRows {
            file: path.to_owned(),
        });
    }
    Ok(PriceRows {
        bars: match columns {
            PriceColumns::Bars { .. } => table.bars()?,
            PriceColumns::Values { .. } => table.values()?,
        },
        positions: RowPositions::Rows,
        unit: columns.unit(),
    })
}

/// Refuses columns that can't be taken without loss; what the times count.
fn check_types(
    file: &Path,
    schema: &ArrowSchema,
    columns: PriceColumns,
) -> Result<TimeScale, PriceFileError> {
    let wrong = |column, expected| PriceFileError::ColumnType {
        file: file.to_owned(),
        column,
        found: schema
            .get(column)
            .map_or_else(String::new, |field| format!("{:?}", field.dtype)),
        expected,
    };
    let numbers: &[&'static str] = match columns {
        PriceColumns::Bars { .. } => &BAR,
        PriceColumns::Values { .. } => &[VALUE],
    };
    for column in numbers {
        if !schema
            .get(column)
            .is_some_and(|field| is_number(&field.dtype))
        {
            return Err(wrong(column, "64-bit floats"));
        }
    }
    let times = schema.get(OPEN_TIME);
    let scale = times.and_then(|field| TimeScale::of(&field.dtype));
    scale.ok_or_else(|| wrong(OPEN_TIME, "64-bit integers, unix milliseconds"))
}

struct PriceTable<'a> {
    path: &'a Path,
    file: &'a ParquetFile,
    time_scale: TimeScale,
}

impl PriceTable<'_> {
    fn bars(&self) -> Result<Vec<Bar>, PriceFileError> {
        let [open, high, low, close, _] = BAR.map(|column| self.cells(column, number));
        let prices = open?.into_iter().zip(high?).zip(low?).zip(close?);
        let rows = self.times()?.into_iter().zip(prices);
        Ok(rows
            .zip(self.volumes()?)
            .map(|((open_time, (((open, high), low), close)), volume)| Bar {
                open_time,
                open,
                high,
                low,
                close,
                volume,
            })
            .collect())
    }

    fn values(&self) -> Result<Vec<Bar>, PriceFileError> {
        let rows = self.times()?.into_iter().zip(self.cells(VALUE, number)?);
        Ok(rows
            .map(|(time, value)| Bar::from_value(time, value))
            .collect())
    }

    fn times(&self) -> Result<Vec<UnixMillis>, PriceFileError> {
        self.cells(OPEN_TIME, |cell| time(cell, self.time_scale))
    }

    /// All volumes; a column without any is one of unknown volumes, which count as 0.
    fn volumes(&self) -> Result<Vec<f64>, PriceFileError> {
        let volume = |cell| match cell {
            Number::Null => Ok(None),
            cell => number(cell).map(|volume| Some(volume.get())),
        };
        let volumes = self.cells(VOLUME, volume)?;
        match volumes.iter().position(Option::is_none) {
            Some(row) if volumes.iter().any(Option::is_some) => {
                Err(self.cell_error(row, VOLUME, Number::Null, CellFault::Empty))
            }
            _ => Ok(volumes.into_iter().map(Option::unwrap_or_default).collect()),
        }
    }

    /// A whole column, or the first cell that `parse` refuses.
    fn cells<T>(
        &self,
        column: &'static str,
        parse: impl Fn(Number) -> Result<T, CellFault>,
    ) -> Result<Vec<T>, PriceFileError> {
        let mut parsed = Vec::new();
        for group in 0..self.file.row_groups() {
            let cells = self.file.numbers(group, column);
            for cell in cells.map_err(|fault| file_error(self.path, fault))? {
                let value = parse(cell)
                    .map_err(|fault| self.cell_error(parsed.len(), column, cell, fault))?;
                parsed.push(value);
            }
        }
        Ok(parsed)
    }

    fn cell_error(
        &self,
        row: usize,
        column: &'static str,
        cell: Number,
        fault: CellFault,
    ) -> PriceFileError {
        PriceFileError::Cell {
            file: self.path.to_owned(),
            row: RowPosition::Row(row + 1),
            column,
            found: cell.to_string(),
            fault,
        }
    }
}

fn time(cell: Number, scale: TimeScale) -> Result<UnixMillis, CellFault> {
    match cell {
        Number::Null => Err(CellFault::Empty),
        Number::Integer(n) => {
            let millis = scale.millis(n).ok_or(CellFault::NotATime)?;
            Ok(UnixMillis::from_outside(millis)?)
        }
        Number::Float(_) => Err(CellFault::NotATime),
    }
}

fn number(cell: Number) -> Result<Price, CellFault> {
    /// Every integer up to here is a double.
    const EXACT: u128 = 1 << f64::MANTISSA_DIGITS;
    let value = match cell {
        Number::Null => return Err(CellFault::Empty),
        Number::Float(x) => x,
        Number::Integer(n) if n.unsigned_abs() <= EXACT => n as f64,
        Number::Integer(_) => return Err(CellFault::Inexact),
    };
    Ok(Price::new(value)?)
}

fn file_error(file: &Path, fault: ParquetFault) -> PriceFileError {
    let file = file.to_owned();
    match fault {
        ParquetFault::Input(fault) => PriceFileError::Input { file, fault },
        ParquetFault::Malformed(reason) => PriceFileError::NotParquet { file, reason },
        ParquetFault::DuplicateColumn(column) => PriceFileError::DuplicateColumn { file, column },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use foretell_core::testing::{assert_contains_all, price};
    use polars::prelude::{Column, DataFrame, NamedFrom, Series};
    use polars_io::prelude::ParquetWriter;

    use super::*;

    const TIME: i64 = 1_704_067_200_000;

    fn column<'a, T, P: ?Sized>(name: &str, cells: T) -> Column
    where
        T: 'a,
        Series: NamedFrom<T, P>,
    {
        Series::new(name.into(), cells).into()
    }

    fn parquet(columns: Vec<Column>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut frame = DataFrame::new_infer_height(columns).unwrap();
        ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
        bytes
    }

    fn parsed(columns: Vec<Column>) -> Result<Vec<Bar>, String> {
        read_bytes(&parquet(columns)).map_err(|e| e.to_string())
    }

    fn read_bytes(bytes: &[u8]) -> Result<Vec<Bar>, PriceFileError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.parquet");
        fs::write(&file, bytes).unwrap();
        let input = InputFile::open(&file).unwrap();
        Ok(read(&input)?.bars)
    }

    #[track_caller]
    fn assert_message(columns: Vec<Column>, parts: &[&str]) {
        assert_contains_all(&parsed(columns).unwrap_err(), parts);
    }

    fn times() -> Column {
        column(OPEN_TIME, [TIME, TIME + 1000])
    }

    #[test]
    fn bars_are_read_whatever_the_order_and_the_others() {
        let bars = parsed(vec![
            column("note", ["a", "b"]),
            column("volume", [5.0, 6.0]),
            column("close", [2.0, 3.0]),
            times(),
            column("low", [0.5, 1.5]),
            column("high", [4.0, 5.0]),
            column("open", [1.0, 2.0]),
        ])
        .unwrap();
        let first = Bar {
            open_time: UnixMillis::saturating(TIME),
            open: price(1.0),
            high: price(4.0),
            low: price(0.5),
            close: price(2.0),
            volume: 5.0,
        };
        assert_eq!(bars[0], first);
        assert_eq!(bars.len(), 2);
    }

    #[test]
    fn other_widths_are_taken_where_nothing_is_lost() {
        let expected = parsed(vec![times(), column(VALUE, [7.0, 8.0])]).unwrap();
        for time in [
            times(),
            column(OPEN_TIME, [TIME as u64, TIME as u64 + 1000]),
        ] {
            for value in [
                column(VALUE, [7_i32, 8]),
                column(VALUE, [7_u32, 8]),
                column(VALUE, [7_i64, 8]),
                column(VALUE, [7_u64, 8]),
                column(VALUE, [7_f32, 8.0]),
            ] {
                assert_eq!(parsed(vec![time.clone(), value]).unwrap(), expected);
            }
        }
        let huge = [1, (1_i64 << 53) + 1];
        assert_message(
            vec![times(), column(VALUE, huge)],
            &[
                "p.parquet, row 2, column value",
                "9007199254740993",
                "scale",
            ],
        );
        assert_message(
            vec![
                column(OPEN_TIME, [TIME as u64, u64::MAX]),
                column(VALUE, [7.0, 8.0]),
            ],
            &["p.parquet, row 2, column open_time_ms", "unix milliseconds"],
        );
    }

    #[test]
    fn wrong_types_are_named_with_the_cure() {
        assert_message(
            vec![times(), column(VALUE, ["7", "8"])],
            &[
                "p.parquet, column value",
                "Utf8",
                "store it as 64-bit floats",
            ],
        );
        for time in [
            column(OPEN_TIME, [TIME as f64, TIME as f64 + 1000.0]),
            column(OPEN_TIME, ["2024-01-01", "2024-01-02"]),
        ] {
            assert_message(
                vec![time, column(VALUE, [7.0, 8.0])],
                &[
                    "p.parquet, column open_time_ms",
                    "store it as 64-bit integers",
                ],
            );
        }
    }

    #[test]
    fn a_bad_cell_is_named_with_its_row_and_cure() {
        for (cell, word) in [
            (None, "empty cell"),
            (Some(f64::NAN), "NaN"),
            (Some(f64::INFINITY), "inf"),
        ] {
            assert_message(
                vec![times(), column(VALUE, [Some(7.0), cell])],
                &[
                    "p.parquet, row 2, column value",
                    word,
                    "leave the whole row out",
                ],
            );
        }
        assert_message(
            vec![
                column(OPEN_TIME, [None, Some(TIME)]),
                column(VALUE, [7.0, 8.0]),
            ],
            &["p.parquet, row 1, column open_time_ms", "empty cell"],
        );
    }

    #[test]
    fn missing_columns_are_listed() {
        assert_message(
            vec![column("open_time", [1_i64, 2]), column("close", [7.0, 8.0])],
            &[
                "p.parquet",
                "open_time_ms, open, high, low, volume (found: open_time, close)",
            ],
        );
    }

    #[test]
    fn other_bytes_are_no_parquet_file() {
        let whole = parquet(vec![times(), column(VALUE, [7.0, 8.0])]);
        for bytes in [
            &b""[..],
            b"open_time_ms,value\n1000,1\n",
            &whole[..whole.len() / 2],
        ] {
            let message = read_bytes(bytes).unwrap_err().to_string();
            assert!(
                message.contains("p.parquet: not a readable Parquet file"),
                "{message}"
            );
            assert!(message.contains("export it again"), "{message}");
        }
    }

    #[test]
    fn no_rows_are_no_bars() {
        let none: [f64; 0] = [];
        let columns = vec![column(OPEN_TIME, [0_i64; 0]), column(VALUE, none)];
        assert_eq!(parsed(columns), Ok(vec![]));
    }
}
