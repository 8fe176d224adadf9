//! What a program does around its command: the log, no core dumps, the exit code, and the asynchronous runtime.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::{Context, Result};
use foretell_keys::core_dumps;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use crate::output::exit_code;

/// Runs `command` as all that this process does: 0 for success, 1 for failure.
///
/// The log goes to standard error; `default_log` says what is in it (such as `warn` or `warn,foretell_chain=info`)
/// unless `RUST_LOG` does.
pub fn run(default_log: &str, command: impl FnOnce() -> Result<()>) -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_log)),
        )
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // It would say so on standard error, and panic there.
        .log_internal_errors(false)
        .init();
    if let Err(error) = core_dumps::disable() {
        tracing::warn!(%error, "keys may end up in a core dump");
    }
    exit_code(command())
}

/// Runs `future` to its end on all cores; what it left running is not waited for.
pub fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = Runtime::new().context("can't start the runtime")?;
    let result = runtime.block_on(future);
    // A thread may still be waiting for standard input.
    runtime.shutdown_background();
    result
}
