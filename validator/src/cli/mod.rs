//! The `validator` command: one file a subcommand, with its arguments and what it prints.

mod adversary;
mod backtest;
mod feed;
mod localnet;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use foretell_core::time::UnixMillis;
use tracing_subscriber::EnvFilter;

use crate::store::report_opening_panics_as_errors;

/// The validator of a Foretell subnet: forecasts asked for, kept, scored and paid.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Backtest(backtest::Arguments),
    Localnet(localnet::Arguments),
    Feed(feed::Arguments),
    #[command(hide = true)]
    Adversary(adversary::Arguments),
}

/// Runs the command line of this process; the exit code is 0 for success, 1 for failure, 2 for wrong usage.
pub fn main() -> ExitCode {
    report_opening_panics_as_errors();
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("can't start the runtime")?;
    let result = runtime.block_on(async {
        match command {
            Command::Backtest(arguments) => backtest::run(arguments).await,
            Command::Localnet(arguments) => localnet::run(arguments).await,
            Command::Feed(arguments) => feed::run(arguments).await,
            Command::Adversary(arguments) => adversary::run(arguments).await,
        }
    });
    // A thread may still be waiting for standard input.
    runtime.shutdown_background();
    result
}

/// Waits for ctrl-c or a request to terminate.
async fn interrupted() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

/// The machine's clock.
fn system_now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixMillis(since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}
