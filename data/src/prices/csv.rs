//! The rows of a price file in CSV, every price exactly the double that its text means.

use std::path::Path;

use ::csv::{ErrorKind, Position, ReaderBuilder, StringRecord};
use foretell_core::bar::Bar;
use foretell_core::price::Price;
use foretell_core::time::UnixMillis;

use super::columns::{BAR, OPEN_TIME, PriceColumns, VALUE};
use super::error::{CellFault, PriceFileError};
use crate::file_position::RowPosition;

/// The bars of a CSV file, in the file's order, each with its offset in bytes, which [`line_number`] turns into the
/// number of its line.
///
/// Each cell is checked here; that bars are in order and consistent is not.
pub(crate) fn parse(file: &Path, bytes: &[u8]) -> Result<(Vec<Bar>, Vec<u64>), PriceFileError> {
    // Cells are trimmed as they are looked at: the reader would copy every record for it.
    let mut reader = ReaderBuilder::new().from_reader(bytes);
    let syntax = |error: ::csv::Error| not_csv(file, bytes, &error);
    let header = reader.headers().map_err(syntax)?;
    if header.is_empty() {
        return Err(PriceFileError::Empty {
            file: file.to_owned(),
        });
    }
    let columns = PriceColumns::find(file, &header.iter().map(str::trim).collect::<Vec<_>>())?;
    let (mut bars, mut offsets) = (Vec::new(), Vec::new());
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(syntax)? {
        let cells = CsvRow {
            file,
            bytes,
            record: &record,
        };
        bars.push(cells.bar(columns)?);
        offsets.push(offset(record.position()));
    }
    Ok((bars, offsets))
}

/// The line of the record that the reader began at `offset`, from 1.
///
/// The reader's own count is of the line before, where lines end in CRLF or blank ones come between.
pub(crate) fn line_number(bytes: &[u8], offset: u64) -> u64 {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let (before, rest) = bytes.split_at(start.min(bytes.len()));
    let ends = rest.iter().take_while(|byte| b"\r\n".contains(byte));
    1 + before
        .iter()
        .chain(ends)
        .filter(|byte| **byte == b'\n')
        .count() as u64
}

/// A line, with what messages about it need.
struct CsvRow<'a> {
    file: &'a Path,
    bytes: &'a [u8],
    record: &'a StringRecord,
}

impl CsvRow<'_> {
    fn bar(&self, columns: PriceColumns) -> Result<Bar, PriceFileError> {
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
                    volume: self.price(volume, volume_name)?.get(),
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
        let fault = |fault| self.cell_error(OPEN_TIME, text, fault);
        let millis: i64 = text.parse().map_err(|_| fault(CellFault::NotATime))?;
        UnixMillis::try_from(millis).map_err(|error| fault(error.into()))
    }

    fn price(&self, index: usize, column: &'static str) -> Result<Price, PriceFileError> {
        let text = self.cell(index, column)?;
        text.parse::<Price>()
            .map_err(|error| self.cell_error(column, text, error.into()))
    }

    fn cell(&self, index: usize, column: &'static str) -> Result<&str, PriceFileError> {
        match self.record.get(index).map(str::trim) {
            None | Some("") => Err(self.cell_error(column, "", CellFault::Empty)),
            Some(text) => Ok(text),
        }
    }

    fn cell_error(&self, column: &'static str, found: &str, fault: CellFault) -> PriceFileError {
        PriceFileError::Cell {
            file: self.file.to_owned(),
            row: RowPosition::Line(line_number(self.bytes, offset(self.record.position()))),
            column,
            found: found.to_owned(),
            fault,
        }
    }
}

fn offset(position: Option<&Position>) -> u64 {
    position.map_or(0, Position::byte)
}

fn not_csv(file: &Path, bytes: &[u8], error: &::csv::Error) -> PriceFileError {
    let reason = match error.kind() {
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} cells under a header of {expected_len}"),
        ErrorKind::Utf8 { err, .. } => err.to_string(),
        _ => error.to_string(),
    };
    PriceFileError::NotCsv {
        file: file.to_owned(),
        line: line_number(bytes, offset(error.position())),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::assert_contains_all;

    use super::*;

    fn parsed(text: &str) -> Result<(Vec<Bar>, Vec<u64>), String> {
        parse(Path::new("p.csv"), text.as_bytes()).map_err(|e| e.to_string())
    }

    #[track_caller]
    fn assert_message(text: &str, parts: &[&str]) {
        assert_contains_all(&parsed(text).unwrap_err(), parts);
    }

    #[test]
    fn bars_and_values_are_read_exactly() {
        let (bars, _) = parsed(
            "open_time_ms,open,high,low,close,volume\n1000,0.1,0.30000000000000004,0.1,0.2,7\n",
        )
        .unwrap();
        assert_eq!(bars[0].high.get().to_bits(), (0.1_f64 + 0.2).to_bits());
        assert_eq!(
            (bars[0].open_time, bars[0].volume),
            (UnixMillis::literal(1000), 7.0)
        );
        let (bars, _) = parsed("value,open_time_ms\n-3.5,1000\n").unwrap();
        let value = "-3.5".parse().unwrap();
        assert_eq!(bars, [Bar::from_value(UnixMillis::literal(1000), value)]);
    }

    #[test]
    fn byte_order_marks_crlf_blank_lines_and_spaces_are_no_obstacle() {
        for (text, expected) in [
            (
                "\u{feff}open_time_ms, value\r\n1000, 1\r\n\r\n2000,2\r\n3000,3",
                [2, 4, 5],
            ),
            (
                "open_time_ms,value\n\n\n1000,1\n2000,2\n\n3000,3\n",
                [4, 5, 7],
            ),
            (
                "open_time_ms,value\n\"1000\",\"\n1\"\n2000,2\n3000,3\n\n",
                [2, 4, 5],
            ),
        ] {
            let (bars, offsets) = parsed(text).unwrap();
            let closes: Vec<f64> = bars.iter().map(|bar| bar.close.get()).collect();
            assert_eq!(closes, [1.0, 2.0, 3.0], "{text:?}");
            let lines: Vec<u64> = offsets
                .into_iter()
                .map(|offset| line_number(text.as_bytes(), offset))
                .collect();
            assert_eq!(lines, expected, "{text:?}");
        }
        assert_message(
            "open_time_ms,value\r\n1,1\r\n\r\n2\r\n",
            &["p.csv, line 4: not CSV"],
        );
    }

    #[test]
    fn an_empty_file_needs_a_header() {
        assert_message("", &["p.csv", "empty", "first line must name the columns"]);
        assert_message(
            "1000,1\n2000,2\n",
            &["p.csv", "found: 1000, 1", "must name"],
        );
    }

    #[test]
    fn a_bad_cell_is_named_with_its_line_and_cure() {
        let value = |cell: &str| format!("open_time_ms,value\n1000,1\n2000,{cell}\n");
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
        let bytes = b"open_time_ms,value\n1000,\xff\n";
        let message = parse(Path::new("p.csv"), bytes).unwrap_err().to_string();
        assert!(message.contains("p.csv, line 2: not CSV"), "{message}");
        assert!(message.contains("UTF-8 cells"), "{message}");
    }
}
