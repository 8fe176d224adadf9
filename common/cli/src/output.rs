//! What a command prints, and how it ends.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use thiserror::Error;

/// Standard output didn't take what was printed.
#[derive(Debug, Error)]
#[error("can't write to standard output")]
pub struct StdoutError(#[from] pub io::Error);

/// Prints a line.
pub fn print_line(text: impl Display) -> Result<(), StdoutError> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// 0 for success, 1 for failure, which is told on standard error. A reader who has seen enough (`| head`) is no failure.
pub fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
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
    fn only_a_reader_of_what_is_printed_may_leave() {
        let broken = || io::Error::from(ErrorKind::BrokenPipe);
        let printing = Err::<(), _>(StdoutError(broken())).context("said why");
        assert!(is_broken_pipe(&printing.unwrap_err()));
        assert!(!is_broken_pipe(&broken().into()));
        let full = StdoutError(io::Error::from(ErrorKind::StorageFull));
        assert!(!is_broken_pipe(&full.into()));
    }
}
