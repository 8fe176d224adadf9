//! The rows of a price file in CSV, every price exactly the double that its text means.

use std::io::Read;
use std::path::Path;

use foretell_core::bar::Bar;
use foretell_core::price::Price;
use foretell_core::time::UnixMillis;

use super::columns::{BAR, OPEN_TIME, PriceColumns, VALUE, VOLUME};
use super::error::{CellFault, MAX_ROWS, PriceFileError};
use super::rows::{PriceRows, RowPositions};
use crate::csv_rows::{CsvFault, CsvRows};
use crate::excerpt::excerpt;
use crate::file_position::RowPosition;
use crate::input_file::InputFault;

/// The bars of a CSV file. `unreadable` says what an error of `input` means.
///
/// Each cell is checked here; that bars are in order and consistent is not.
pub(crate) fn parse(
    file: &Path,
    input: impl Read,
    unreadable: impl Fn(std::io::Error) -> InputFault,
) -> Result<PriceRows, PriceFileError> {
    let fault = |fault| csv_error(file, fault, &unreadable);
    let (rows, names) = CsvRows::open(input).map_err(fault)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let columns = PriceColumns::find(file, &names)?;
    let mut table = PriceTable { file, rows };
    let (mut bars, mut lines) = (Vec::new(), Vec::new());
    let (mut unknown_volumes, mut first_unknown) = (0, None);
    while table.rows.advance().map_err(fault)? {
        if bars.len() == MAX_ROWS {
            return Err(PriceFileError::TooManyRows {
                file: file.to_owned(),
            });
        }
        let bar = table.bar(columns, &mut |line| {
            unknown_volumes += 1;
            first_unknown = first_unknown.or(Some(line));
        })?;
        bars.push(bar);
        lines.push(table.rows.line());
    }
    // Where no row has a volume it isn't known; where some have, one is missing.
    if let Some(line) = first_unknown.filter(|_| unknown_volumes < bars.len()) {
        return Err(PriceFileError::Cell {
            file: file.to_owned(),
            row: RowPosition::Line(line),
            column: VOLUME,
            found: String::new(),
            fault: CellFault::Empty,
        });
    }
    Ok(PriceRows {
        bars,
        positions: RowPositions::Lines(lines),
        unit: columns.unit(),
    })
}

/// The rows, with what messages about them need.
struct PriceTable<'a, R> {
    file: &'a Path,
    rows: CsvRows<R>,
}

impl<R: Read> PriceTable<'_, R> {
    /// The row's bar; `on_unknown_volume` is told of an empty volume, which counts as 0.
    fn bar(
        &self,
        columns: PriceColumns,
        on_unknown_volume: &mut impl FnMut(u64),
    ) -> Result<Bar, PriceFileError> {
        match columns {
            PriceColumns::Bars { open_time, numbers } => {
                let [open, high, low, close, volume] = numbers;
                let [open_name, high_name, low_name, close_name, volume_name] = BAR;
                Ok(Bar {
                    open_time: self.time(open_time)?,
                    open: self.price(open, open_name)?,
                    high: self.price(high, high_name)?,
                    low: self.price(low, low_name)?,
                    close: self.price(close, close_name)?,
                    volume: if self.rows.cell(volume).is_empty() {
                        on_unknown_volume(self.rows.line());
                        0.0
                    } else {
                        self.price(volume, volume_name)?.get()
                    },
                })
            }
            PriceColumns::Values { open_time, value } => Ok(Bar::from_value(
                self.time(open_time)?,
                self.price(value, VALUE)?,
            )),
        }
    }

    fn time(&self, index: usize) -> Result<UnixMillis, PriceFileError> {
        let text = self.cell(index, OPEN_TIME)?;
        let number = text.parse::<i64>().map_err(|_| CellFault::NotATime);
        let time = number.and_then(|number| Ok(UnixMillis::from_outside(number)?));
        time.map_err(|fault| self.cell_error(OPEN_TIME, text, fault))
    }

    fn price(&self, index: usize, column: &'static str) -> Result<Price, PriceFileError> {
        let text = self.cell(index, column)?;
        text.parse::<Price>()
            .map_err(|error| self.cell_error(column, text, error.into()))
    }

    fn cell(&self, index: usize, column: &'static str) -> Result<&str, PriceFileError> {
        match self.rows.cell(index) {
            "" => Err(self.cell_error(column, "", CellFault::Empty)),
            text => Ok(text),
        }
    }

    fn cell_error(&self, column: &'static str, found: &str, fault: CellFault) -> PriceFileError {
        PriceFileError::Cell {
            file: self.file.to_owned(),
            row: RowPosition::Line(self.rows.line()),
            column,
            found: excerpt(found),
            fault,
        }
    }
}

fn csv_error(
    file: &Path,
    fault: CsvFault,
    unreadable: impl Fn(std::io::Error) -> InputFault,
) -> PriceFileError {
    let file = file.to_owned();
    match fault {
        CsvFault::Empty => PriceFileError::Empty { file },
        CsvFault::Io(error) => PriceFileError::Input {
            file,
            fault: unreadable(error),
        },
        CsvFault::NotCsv { line, reason } => PriceFileError::NotCsv { file, line, reason },
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::assert_contains_all;

    use super::*;

    fn parsed(text: &str) -> Result<(Vec<Bar>, Vec<u64>), String> {
        parsed_bytes(text.as_bytes())
    }

    fn parsed_bytes(bytes: &[u8]) -> Result<(Vec<Bar>, Vec<u64>), String> {
        let rows = parse(Path::new("p.csv"), bytes, InputFault::Unreadable);
        match rows.map_err(|error| error.to_string())? {
            PriceRows {
                bars,
                positions: RowPositions::Lines(lines),
                ..
            } => Ok((bars, lines)),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn assert_message(text: &str, parts: &[&str]) {
        assert_contains_all(&parsed(text).unwrap_err(), parts);
    }

    #[test]
    fn bars_and_values_are_read_exactly() {
        let (bars, _) = parsed(
            "open_time_ms,open,high,low,close,volume\n1704067201000,0.1,0.30000000000000004,0.1,0.2,7\n",
        )
        .unwrap();
        assert_eq!(bars[0].high.get().to_bits(), (0.1_f64 + 0.2).to_bits());
        assert_eq!(
            (bars[0].open_time, bars[0].volume),
            (UnixMillis::literal(1_704_067_201_000), 7.0)
        );
        let (bars, _) = parsed("value,open_time_ms\n-3.5,1704067201000\n").unwrap();
        let value = "-3.5".parse().unwrap();
        assert_eq!(
            bars,
            [Bar::from_value(
                UnixMillis::literal(1_704_067_201_000),
                value
            )]
        );
    }

    #[test]
    fn byte_order_marks_crlf_blank_lines_and_spaces_are_no_obstacle() {
        for (text, expected) in [
            (
                "\u{feff}open_time_ms, value\r\n1704067201000, 1\r\n\r\n1704067202000,2\r\n1704067203000,3",
                [2, 4, 5],
            ),
            (
                "open_time_ms,value\n\n\n1704067201000,1\n1704067202000,2\n\n1704067203000,3\n",
                [4, 5, 7],
            ),
            (
                "open_time_ms,value\n\"1704067201000\",\"\n1\"\n1704067202000,2\n1704067203000,3\n\n",
                [2, 4, 5],
            ),
        ] {
            let (bars, lines) = parsed(text).unwrap();
            let closes: Vec<f64> = bars.iter().map(|bar| bar.close.get()).collect();
            assert_eq!(closes, [1.0, 2.0, 3.0], "{text:?}");
            assert_eq!(lines, expected, "{text:?}");
        }
        assert_message(
            "open_time_ms,value\r\n1704067201000,1\r\n\r\n2\r\n",
            &["p.csv, line 4: not CSV"],
        );
    }

    #[test]
    fn an_empty_file_needs_a_header() {
        assert_message("", &["p.csv", "empty", "first line must name the columns"]);
        assert_message(
            "1704067201000,1\n1704067202000,2\n",
            &["p.csv", "found: 1704067201000, 1", "must name"],
        );
    }

    #[test]
    fn a_bad_cell_is_named_with_its_line_and_cure() {
        let value =
            |cell: &str| format!("open_time_ms,value\n1704067201000,1\n1704067202000,{cell}\n");
        let place = ["p.csv", "line 3", "column value"];
        for (cell, parts) in [
            ("abc", ["\"abc\"", "plain decimal"]),
            ("1,5", ["3 cells under a header of 2", "as many"]),
            ("\"1,5\"", ["\"1,5\"", "plain decimal"]),
            ("", ["empty cell", "leave the whole row out"]),
            ("NaN", ["\"NaN\"", "leave the whole row out"]),
            ("-inf", ["\"-inf\"", "leave the whole row out"]),
            ("1e999", ["\"1e999\"", "leave the whole row out"]),
        ] {
            let column = if cell == "1,5" { 2 } else { 3 };
            assert_message(&value(cell), &place[..column]);
            assert_message(&value(cell), &parts);
        }
        for time in [
            "2024-01-01",
            "1704067200000.5",
            "99999999999999999999",
            "1704067200000000",
        ] {
            let text = format!("open_time_ms,value\n{time},1\n");
            assert_message(
                &text,
                &[
                    "p.csv, line 2, column open_time_ms",
                    time,
                    "write unix milliseconds",
                ],
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_named_with_their_line() {
        let bytes = b"open_time_ms,value\n1704067201000,\xff\n";
        let message = parsed_bytes(bytes).unwrap_err();
        assert!(message.contains("p.csv, line 2: not CSV"), "{message}");
        assert!(message.contains("save the file as UTF-8"), "{message}");
    }
}
