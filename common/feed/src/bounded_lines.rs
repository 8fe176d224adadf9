//! Lines of a file of messages, of bounded length: what a recorder wrote is never longer, and anything else mustn't fill
//! the memory.

use std::io::{self, BufRead};

/// Longest line: an answer of the longest kind within a recorder's wrapper, each of its characters escaped.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// What a [`read_line`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineRead {
    /// A line, which ends with a line feed unless the file ends without one.
    Line,
    /// A line of more than [`MAX_LINE_BYTES`], which was skipped.
    TooLong,
    /// The end of the file.
    End,
}

/// Reads the next line into `line`, with its end; what `line` held is dropped.
///
/// # Errors
/// Those of the reader.
pub fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<LineRead> {
    read_line_up_to(reader, line, MAX_LINE_BYTES)
}

fn read_line_up_to(
    reader: &mut impl BufRead,
    line: &mut Vec<u8>,
    max_bytes: usize,
) -> io::Result<LineRead> {
    line.clear();
    let mut too_long = false;
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = available.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(available.len(), |end| end + 1);
        if line.len() + taken > max_bytes {
            too_long = true;
            line.clear();
        }
        if !too_long && let Some(part) = available.get(..taken) {
            line.extend_from_slice(part);
        }
        reader.consume(taken);
        if end.is_some() || taken == 0 {
            return Ok(match (too_long, line.is_empty()) {
                (true, _) => LineRead::TooLong,
                (false, true) => LineRead::End,
                (false, false) => LineRead::Line,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// The lines of a text, read in pieces of three bytes, none longer than ten.
    fn lines(text: &str) -> Vec<String> {
        let mut reader = BufReader::with_capacity(3, text.as_bytes());
        let (mut lines, mut line) = (Vec::new(), Vec::new());
        loop {
            lines.push(match read_line_up_to(&mut reader, &mut line, 10).unwrap() {
                LineRead::Line => String::from_utf8(line.clone()).unwrap(),
                LineRead::TooLong => "too long".into(),
                LineRead::End => return lines,
            });
        }
    }

    #[test]
    fn lines_end_with_a_line_feed_or_the_file() {
        assert_eq!(lines(""), [""; 0]);
        assert_eq!(lines("a\n\nlonger one"), ["a\n", "\n", "longer one"]);
        assert_eq!(lines("123456789\nx\n"), ["123456789\n", "x\n"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_is_read() {
        let long = "x".repeat(1000);
        assert_eq!(
            lines(&format!("a\n{long}\nb\n{long}")),
            ["a\n", "too long", "b\n", "too long"]
        );
        assert_eq!(lines("1234567890\nx"), ["too long", "x"]);
    }
}
