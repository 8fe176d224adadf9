//! The `validator` command: one file a subcommand, with its arguments and what it prints.

mod adversary;
mod localnet;
mod settle;

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// The validator of a Foretell subnet: forecasts asked for, kept, scored and paid.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Localnet(localnet::Arguments),
    Settle(settle::Arguments),
    #[command(hide = true)]
    Adversary(adversary::Arguments),
}

/// Runs the command line of this process; the exit code is 0 for success, 1 for failure, 2 for wrong usage.
pub fn main() -> ExitCode {
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
            Command::Localnet(arguments) => localnet::run(arguments).await,
            Command::Settle(arguments) => settle::run(&arguments),
            Command::Adversary(arguments) => adversary::run(arguments).await,
        }
    });
    // A thread may still be waiting for standard input.
    runtime.shutdown_background();
    result
}
