//! The `miner` command: one file a subcommand, with its arguments and what it prints.

mod doctor;
mod evaluate;
mod forecast;
mod keys;
mod progress;
mod serve;
mod status;
mod train;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use foretell_wire::output::exit_code;
use tracing_subscriber::EnvFilter;

/// The reference miner of a Foretell subnet: answers validators with forecasts of a series.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Keys(keys::Arguments),
    Status(status::Arguments),
    Doctor(doctor::Arguments),
    Evaluate(evaluate::Arguments),
    Forecast(forecast::Arguments),
    Train(train::Arguments),
}

/// Runs the command line of this process; the exit code is 0 for success, 1 for failure, 2 for wrong usage.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    if let Err(error) = foretell_wire::memory::forbid_dumps() {
        tracing::warn!(%error, "keys may end up in a core dump");
    }
    let result = match cli.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Keys(arguments) => keys::run(arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(arguments),
        Command::Forecast(arguments) => forecast::run(&arguments),
        Command::Train(arguments) => train::run(arguments),
    };
    exit_code(result)
}

/// Steps of a forecast.
fn horizon(text: &str) -> Result<usize, String> {
    up_to_1000(text, "steps")
}

/// Quantiles of a step.
fn k(text: &str) -> Result<usize, String> {
    up_to_1000(text, "quantiles")
}

fn up_to_1000(text: &str, what: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (1..=1000).contains(n));
    number.ok_or_else(|| format!("expected 1 to 1000 {what}"))
}
