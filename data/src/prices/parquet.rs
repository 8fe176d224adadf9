//! The rows of a price file in Parquet.

use std::path::Path;

use foretell_core::bar::Bar;
use foretell_core::price::Price;
use foretell_core::time::UnixMillis;
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema};

use super::columns::{BAR, OPEN_TIME, PriceColumns, VALUE};
use super::error::{CellFault, PriceFileError};
use crate::file_position::RowPosition;
use crate::parquet_file::{Number, ParquetFault, ParquetFile};

/// The bars of a Parquet file, in the file's order.
///
/// Each cell is checked here; that bars are in order and consistent is not.
pub(crate) fn read(file: &Path) -> Result<Vec<Bar>, PriceFileError> {
    let table = PriceTable {
        path: file,
        file: ParquetFile::open(file).map_err(|fault| file_error(file, fault))?,
    };
    let schema = table.file.schema();
    let names: Vec<&str> = schema
        .iter_names()
        .map(polars::prelude::PlSmallStr::as_str)
        .collect();
    let columns = PriceColumns::find(file, &names)?;
    check_types(file, schema, columns)?;
    match columns {
        PriceColumns::Bars { .. } => table.bars(),
        PriceColumns::Values { .. } => table.values(),
    }
}

/// Refuses columns that can't be taken without loss.
fn check_types(
    file: &Path,
    schema: &ArrowSchema,
    columns: PriceColumns,
) -> Result<(), PriceFileError> {
    let numbers: &[&'static str] = match columns {
        PriceColumns::Bars { .. } => &BAR,
        PriceColumns::Values { .. } => &[VALUE],
    };
    let times = [(OPEN_TIME, false)].into_iter();
    for (column, fractions) in times.chain(numbers.iter().map(|name| (*name, true))) {
        let found = schema.get(column).map(|field| &field.dtype);
        let fits = match found {
            Some(
                ArrowDataType::Int32
                | ArrowDataType::Int64
                | ArrowDataType::UInt32
                | ArrowDataType::UInt64,
            ) => true,
            Some(ArrowDataType::Float32 | ArrowDataType::Float64) => fractions,
            _ => false,
        };
        if !fits {
            return Err(PriceFileError::ColumnType {
                file: file.to_owned(),
                column,
                found: found.map_or_else(String::new, |dtype| format!("{dtype:?}")),
                expected: if fractions {
                    "64-bit floats"
                } else {
                    "64-bit integers, unix milliseconds"
                },
            });
        }
    }
    Ok(())
}

struct PriceTable<'a> {
    path: &'a Path,
    file: ParquetFile,
}

impl PriceTable<'_> {
    fn bars(&self) -> Result<Vec<Bar>, PriceFileError> {
        let [open, high, low, close, volume] = BAR.map(|column| self.cells(column, number));
        let prices = open?.into_iter().zip(high?).zip(low?).zip(close?);
        let rows = self.cells(OPEN_TIME, time)?.into_iter().zip(prices);
        Ok(rows
            .zip(volume?)
            .map(|((open_time, (((open, high), low), close)), volume)| Bar {
                open_time,
                open,
                high,
                low,
                close,
                volume: volume.get(),
            })
            .collect())
    }

    fn values(&self) -> Result<Vec<Bar>, PriceFileError> {
        let times = self.cells(OPEN_TIME, time)?.into_iter();
        let rows = times.zip(self.cells(VALUE, number)?);
        Ok(rows
            .map(|(time, value)| Bar::from_value(time, value))
            .collect())
    }

    /// A whole column, or the first cell that `parse` refuses.
    fn cells<T>(
        &self,
        column: &'static str,
        parse: impl Fn(Number) -> Result<T, CellFault>,
    ) -> Result<Vec<T>, PriceFileError> {
        let cells = self.file.numbers(column);
        let cells = cells.map_err(|fault| file_error(self.path, fault))?;
        (1..)
            .zip(cells)
            .map(|(row, cell)| {
                parse(cell).map_err(|fault| PriceFileError::Cell {
                    file: self.path.to_owned(),
                    row: RowPosition::Row(row),
                    column,
                    found: cell.to_string(),
                    fault,
                })
            })
            .collect()
    }
}

fn time(cell: Number) -> Result<UnixMillis, CellFault> {
    match cell {
        Number::Null => Err(CellFault::Empty),
        Number::Integer(n) => {
            let millis = i64::try_from(n).map_err(|_| CellFault::NotATime)?;
            Ok(UnixMillis::try_from(millis)?)
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
    match fault {
        ParquetFault::Io(source) => PriceFileError::unreadable(file, source),
        ParquetFault::Malformed(reason) => PriceFileError::NotParquet {
            file: file.to_owned(),
            reason,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use foretell_core::testing::{assert_contains_all, price};
    use polars::prelude::{Column, DataFrame, NamedFrom, Series};
    use polars_io::prelude::ParquetWriter;

    use super::*;

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
        read(&file)
    }

    #[track_caller]
    fn assert_message(columns: Vec<Column>, parts: &[&str]) {
        assert_contains_all(&parsed(columns).unwrap_err(), parts);
    }

    fn times() -> Column {
        column(OPEN_TIME, [1000_i64, 2000])
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
            open_time: UnixMillis::literal(1000),
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
            column(OPEN_TIME, [1000_i32, 2000]),
            column(OPEN_TIME, [1000_u32, 2000]),
            column(OPEN_TIME, [1000_u64, 2000]),
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
            vec![column(OPEN_TIME, [1, u64::MAX]), column(VALUE, [7.0, 8.0])],
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
            column(OPEN_TIME, [1000.0, 2000.0]),
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
                column(OPEN_TIME, [None, Some(5_i64)]),
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
