//! The `miner` command: one file a subcommand, with its arguments and what it prints.

mod doctor;
mod evaluate;
mod forecast;
mod keys;
mod serve;
mod status;
mod train;
mod value_parsers;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use foretell_cli::program;
use foretell_cli::table::TEXT_WIDTH;

/// The reference miner of a Foretell subnet: answers validators with forecasts of a series.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, max_term_width = TEXT_WIDTH)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Keys(keys::KeysArgs),
    Status(status::MinerStatusArgs),
    Doctor(doctor::MinerDoctorArgs),
    Evaluate(evaluate::EvaluateArgs),
    Forecast(forecast::ForecastArgs),
    Train(train::TrainArgs),
}

/// Runs the command line of this process; the exit code is 0 for success, 1 for failure, 2 for wrong usage.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    program::run("info", || match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Keys(args) => keys::run(args),
        Command::Status(args) => status::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Forecast(args) => forecast::run(&args),
        Command::Train(args) => train::run(args),
    })
}
