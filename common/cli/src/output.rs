//! What a command prints on standard output, and its exit code.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use thiserror::Error;

use crate::printable::printable_up_to;

/// Lines of an error that are printed, and characters of each: ours are shorter.
const MAX_ERROR_LINES: usize = 200;
const MAX_ERROR_LINE_CHARS: usize = 2_000;

/// Standard output can't be written to; a command passes it on, so that [`crate::program::run`] knows a reader that left.
#[derive(Debug, Error)]
#[error("can't write to standard output")]
pub struct StdoutError(#[from] pub io::Error);

/// Prints a line to standard output.
pub fn print_line(text: impl Display) -> Result<(), StdoutError> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// Prints a line to standard error, where what isn't the result goes. If nobody reads it (`2>&1 | head`), nobody is told.
pub fn print_note(text: impl Display) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// 0 for success, 1 for failure, which is written to standard error. A reader of standard output that leaves early
/// (`| head`) is no failure.
pub(crate) fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            print_note(error_text(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error with its causes, which may quote what others wrote: each line fit to print.
fn error_text(error: &anyhow::Error) -> String {
    let text = format!("error: {error:#}");
    let lines = text.lines().take(MAX_ERROR_LINES);
    let lines = lines.map(|line| printable_up_to(line, MAX_ERROR_LINE_CHARS));
    lines.collect::<Vec<_>>().join("\n")
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let printing = error.downcast_ref::<StdoutError>();
    printing.is_some_and(|StdoutError(why)| why.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn an_error_keeps_its_lines_and_steers_no_terminal() {
        let error = anyhow::anyhow!("line 3\n  |\n3 | step = 0\u{1b}[2J\r").context("miner.toml");
        assert_eq!(
            error_text(&error),
            "error: miner.toml: line 3\n  |\n3 | step = 0 "
        );
        let long = anyhow::anyhow!("x".repeat(5_000_000));
        assert_eq!(error_text(&long).chars().count(), MAX_ERROR_LINE_CHARS);
    }

    #[test]
    fn only_a_reader_of_standard_output_may_leave() {
        let broken = || io::Error::from(ErrorKind::BrokenPipe);
        let printing = Err::<(), _>(StdoutError(broken())).context("can't print");
        assert!(is_broken_pipe(&printing.unwrap_err()));
        assert!(!is_broken_pipe(&broken().into()));
        let full = StdoutError(io::Error::from(ErrorKind::StorageFull));
        assert!(!is_broken_pipe(&full.into()));
    }
}
