//! What a command prints, and how it ends.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use thiserror::Error;

/// Standard output didn't take what was printed.
#[derive(Debug, Error)]
#[error("can't write to standard output")]
pub struct Unprinted(#[from] pub io::Error);

/// Prints a line.
pub fn print(text: impl Display) -> Result<(), Unprinted> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// 0 for success, 1 for failure, which is told on standard error. A reader who has seen enough (`| head`) is no failure.
pub fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if reader_left(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn reader_left(error: &anyhow::Error) -> bool {
    let printing = error.downcast_ref::<Unprinted>();
    printing.is_some_and(|Unprinted(why)| why.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn only_a_reader_of_what_is_printed_may_leave() {
        let broken = || io::Error::from(ErrorKind::BrokenPipe);
        let printing = Err::<(), _>(Unprinted(broken())).context("said why");
        assert!(reader_left(&printing.unwrap_err()));
        assert!(!reader_left(&broken().into()));
        let full = Unprinted(io::Error::from(ErrorKind::StorageFull));
        assert!(!reader_left(&full.into()));
    }
}
