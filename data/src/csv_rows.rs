//! The rows of a CSV file, each with the number of its line: the one that an editor shows.
//!
//! Memory holds one row, whatever the file: a row that is longer than any of ours (a quote that is never closed) is an
//! error. Cells are trimmed, and may be in quotes behind a space.

use std::collections::VecDeque;
use std::io::{self, Read};

use ::csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};

/// Longest row in bytes: forty times the widest forecast.
const MAX_ROW_BYTES: u64 = 1 << 20;

/// A CSV file, read from front to back.
pub(crate) struct CsvRows<R> {
    reader: Reader<LineIndex<R>>,
    record: StringRecord,
    line: u64,
    columns: usize,
}

/// Why there is no next row.
#[derive(Debug)]
pub(crate) enum CsvFault {
    /// The file is empty, without even a header.
    Empty,
    /// The reader below failed.
    Io(io::Error),
    /// A line isn't CSV, or has another number of cells than the header.
    NotCsv {
        /// Number of the line; the header is line 1.
        line: u64,
        /// What is wrong with it, and the cure.
        reason: String,
    },
}

impl<R: Read> CsvRows<R> {
    /// The rows below the first, which names the columns.
    pub(crate) fn open(input: R) -> Result<(Self, Vec<String>), CsvFault> {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 16)
            .from_reader(LineIndex::new(input));
        let mut rows = Self {
            reader,
            record: StringRecord::new(),
            line: 1,
            columns: 0,
        };
        if !rows.read()? {
            return Err(CsvFault::Empty);
        }
        rows.columns = rows.record.len();
        let names = rows.record.iter().map(|name| trimmed(name).to_owned());
        let names = names.collect();
        Ok((rows, names))
    }

    /// Goes to the next row; `false` at the end of the file.
    pub(crate) fn advance(&mut self) -> Result<bool, CsvFault> {
        loop {
            if !self.read()? {
                return Ok(false);
            }
            let cells = self.record.len();
            if cells == self.columns {
                return Ok(true);
            }
            // A line of spaces is a blank one.
            if cells == 1 && self.cell(0).is_empty() {
                continue;
            }
            return Err(CsvFault::NotCsv {
                line: self.line,
                reason: format!(
                    "{cells} cells under a header of {}; give every line as many cells as the header",
                    self.columns
                ),
            });
        }
    }

    /// A cell of the row, without spaces and quotes around it.
    pub(crate) fn cell(&self, column: usize) -> &str {
        trimmed(self.record.get(column).unwrap_or_default())
    }

    /// The line of the row: its first one, where a cell holds line breaks.
    pub(crate) const fn line(&self) -> u64 {
        self.line
    }

    fn read(&mut self) -> Result<bool, CsvFault> {
        let start = self.reader.position().byte();
        self.reader.get_mut().record_start = start;
        let read = self.reader.read_record(&mut self.record);
        self.line = self.reader.get_mut().line_from(start);
        read.map_err(|error| self.fault(error))
    }

    fn fault(&self, error: ::csv::Error) -> CsvFault {
        let index = self.reader.get_ref();
        let reason = if index.too_long {
            format!("a row of more than {MAX_ROW_BYTES} bytes; is a quote left open?")
        } else if index.is_utf16 {
            "it is UTF-16; save the file as UTF-8".to_owned()
        } else {
            let text = error.to_string();
            match error.into_kind() {
                ErrorKind::Io(error) => return CsvFault::Io(error),
                ErrorKind::Utf8 { .. } => {
                    "bytes that are no UTF-8; save the file as UTF-8".to_owned()
                }
                _ => text,
            }
        };
        CsvFault::NotCsv {
            line: self.line,
            reason,
        }
    }
}

/// The text without spaces around it, nor quotes that the parser left because a space came before them.
fn trimmed(text: &str) -> &str {
    let text = text.trim();
    let quoted = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    quoted.map_or(text, str::trim)
}

/// Passes bytes on, and remembers on which lines there is something.
struct LineIndex<R> {
    input: R,
    /// Bytes that were passed on.
    delivered: u64,
    /// Where the row begins that is being read.
    record_start: u64,
    /// A row has become too long.
    too_long: bool,
    /// The file begins as UTF-16 does.
    is_utf16: bool,
    /// Place and number of each line that holds something, from `record_start` on.
    lines: VecDeque<(u64, u64)>,
    /// Number of the line of the last byte.
    line: u64,
    /// Whether that line holds nothing so far.
    is_blank: bool,
    /// Whether the last byte was a carriage return, whose line feed may follow.
    after_return: bool,
}

impl<R> LineIndex<R> {
    const fn new(input: R) -> Self {
        Self {
            input,
            delivered: 0,
            record_start: 0,
            too_long: false,
            is_utf16: false,
            lines: VecDeque::new(),
            line: 1,
            is_blank: true,
            after_return: false,
        }
    }

    /// The number of the first line that holds something from this place on; lines before it are forgotten.
    fn line_from(&mut self, offset: u64) -> u64 {
        while self.lines.front().is_some_and(|(start, _)| *start < offset) {
            self.lines.pop_front();
        }
        self.lines.front().map_or(self.line, |(_, line)| *line)
    }

    fn index(&mut self, bytes: &[u8]) {
        if self.delivered == 0 {
            self.is_utf16 = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
        }
        for (offset, byte) in (self.delivered..).zip(bytes) {
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    self.line += 1;
                    self.is_blank = true;
                    self.after_return = *byte == b'\r';
                }
                _ => {
                    self.after_return = false;
                    if self.is_blank {
                        self.is_blank = false;
                        self.lines.push_back((offset, self.line));
                    }
                }
            }
        }
        self.delivered += bytes.len() as u64;
    }
}

impl<R: Read> Read for LineIndex<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // The parser has taken all that was passed on, and the row hasn't ended.
        if self.delivered.saturating_sub(self.record_start) > MAX_ROW_BYTES {
            self.too_long = true;
            return Err(io::ErrorKind::InvalidData.into());
        }
        let read = self.input.read(buffer)?;
        self.index(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Hands out one byte at a time: what a reader sees must not depend on it.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(1);
            self.0.read(&mut buffer[..most])
        }
    }

    fn rows(input: impl Read) -> Result<Vec<(u64, Vec<String>)>, CsvFault> {
        let (mut rows, names) = CsvRows::open(input)?;
        let mut found = vec![(rows.line(), names.clone())];
        while rows.advance()? {
            let cells = (0..names.len()).map(|column| rows.cell(column).to_owned());
            found.push((rows.line(), cells.collect()));
        }
        Ok(found)
    }

    #[track_caller]
    fn assert_lines(text: &str, lines: &[u64]) {
        let found = rows(text.as_bytes()).unwrap();
        let found: Vec<u64> = found.into_iter().map(|(line, _)| line).collect();
        assert_eq!(found, lines, "{text:?}");
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        assert_lines("a,b\n1,2\n3,4\n", &[1, 2, 3]);
        assert_lines("a,b\r\n1,2\r\n3,4\r\n", &[1, 2, 3]);
        assert_lines("a,b\r1,2\r3,4", &[1, 2, 3]);
        assert_lines("\n\na,b\n\n1,2\n \n\r\n3,4\n", &[3, 5, 8]);
        assert_lines("a,b\n\"1\r\n\",2\n3,4\n", &[1, 2, 4]);
        assert_lines("\u{feff}a,b\r\n\r\n1,2", &[1, 3]);
        let error = rows(&b"a,b\r\n\r\n1,2\r\n3\r\n"[..]).unwrap_err();
        assert!(
            matches!(error, CsvFault::NotCsv { line: 4, .. }),
            "{error:?}"
        );
        let error = rows(&b"a,b\r\n1,2\r\n3,\xff\r\n"[..]).unwrap_err();
        assert!(
            matches!(error, CsvFault::NotCsv { line: 3, .. }),
            "{error:?}"
        );
    }

    #[test]
    fn spaces_and_quotes_around_cells_are_no_part_of_them() {
        let found = rows("\u{feff}\"a\" , \"b\"\n 1 , \" 2\"\n".as_bytes()).unwrap();
        let cells = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert_eq!(found, [(1, cells(["a", "b"])), (2, cells(["1", "2"]))]);
    }

    #[test]
    fn a_row_without_end_is_refused_before_it_fills_memory() {
        let endless = Read::chain(&b"a,b\n1,2\n\""[..], io::repeat(b'\n'));
        match rows(endless) {
            Err(CsvFault::NotCsv { line: 3, reason }) => {
                assert!(reason.contains("quote"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        let wide = Read::chain(&b"a,b\n"[..], io::repeat(b','));
        assert!(matches!(rows(wide), Err(CsvFault::NotCsv { line: 2, .. })));
    }

    #[test]
    fn what_is_no_utf_8_is_named() {
        let utf_16: Vec<u8> = "\u{feff}a,b\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        match rows(utf_16.as_slice()) {
            Err(CsvFault::NotCsv { reason, .. }) => assert!(reason.contains("UTF-16"), "{reason}"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(rows(io::empty()), Err(CsvFault::Empty)));
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_bytes_arrive(
            parts in prop::collection::vec(
                prop::sample::select(vec!["1,2", "\"a\nb\",c", "\"x\r\ny\",\"\"\"\"", " "]), 0..20),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\r", "\n\n"]), 20),
        ) {
            let mut text = String::from("h,i\n");
            for (part, end) in parts.iter().zip(&ends) {
                text += part;
                text += end;
            }
            let at_once = rows(text.as_bytes()).unwrap();
            prop_assert_eq!(&rows(Trickle(text.as_bytes())).unwrap(), &at_once);
            // Every row stands where its number says: its line begins with its first cell.
            let lines: Vec<String> = text.replace("\r\n", "\n").replace('\r', "\n").split('\n').map(str::to_owned).collect();
            for (line, cells) in at_once {
                let first = cells[0].split(['\r', '\n']).next().unwrap().to_owned();
                let found = lines[line as usize - 1].trim_start_matches('"').to_owned();
                prop_assert!(found.starts_with(&first), "{found:?} is no {first:?}");
            }
        }
    }
}
