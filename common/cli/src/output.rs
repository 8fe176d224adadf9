//! What a command prints on standard output, and its exit code.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use thiserror::Error;

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
            print_note(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
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
    fn only_a_reader_of_standard_output_may_leave() {
        let broken = || io::Error::from(ErrorKind::BrokenPipe);
        let printing = Err::<(), _>(StdoutError(broken())).context("can't print");
        assert!(is_broken_pipe(&printing.unwrap_err()));
        assert!(!is_broken_pipe(&broken().into()));
        let full = StdoutError(io::Error::from(ErrorKind::StorageFull));
        assert!(!is_broken_pipe(&full.into()));
    }
}
