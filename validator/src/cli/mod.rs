//! The `validator` command: one file a subcommand, with its arguments and what it prints.

mod adversary;
mod backtest;
mod config_args;
mod doctor;
mod doctor_clock;
mod feed;
mod keys;
mod localnet;
mod policy_arg;
mod run;
mod settle;
mod simulate_policy;
mod status;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use foretell_cli::program;
use foretell_cli::stop_signal::stop_signal;
use foretell_cli::table::TEXT_WIDTH;
use foretell_service::store::report_opening_panics_as_errors;
use tokio_util::sync::CancellationToken;

/// The validator of a Foretell subnet: forecasts asked for, kept, scored and paid.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, max_term_width = TEXT_WIDTH)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Backtest(backtest::BacktestArgs),
    Localnet(localnet::LocalnetCommandArgs),
    Keys(keys::KeysArgs),
    Run(run::RunArgs),
    Doctor(doctor::ValidatorDoctorArgs),
    Status(status::ValidatorStatusArgs),
    Settle(settle::SettleArgs),
    Feed(feed::FeedArgs),
    SimulatePolicy(simulate_policy::SimulatePolicyArgs),
    #[command(hide = true)]
    Adversary(adversary::AdversaryArgs),
}

impl Command {
    /// What is logged unless `RUST_LOG` says otherwise.
    const fn default_log(&self) -> &'static str {
        match self {
            Self::Run(_) => "warn,foretell_service=info,foretell_chain=info",
            _ => "warn",
        }
    }
}

/// Runs the command line of this process; the exit code is 0 for success, 1 for failure, 2 for wrong usage.
pub fn main() -> ExitCode {
    report_opening_panics_as_errors();
    let cli = Cli::parse();
    program::run(cli.command.default_log(), || run(cli.command))
}

fn run(command: Command) -> Result<()> {
    program::block_on(async {
        match command {
            Command::Backtest(arguments) => backtest::run(arguments).await,
            Command::Localnet(arguments) => localnet::run(arguments).await,
            Command::Keys(arguments) => keys::run(arguments),
            Command::Run(arguments) => run::run(arguments).await,
            Command::Doctor(arguments) => doctor::run(arguments).await,
            Command::Status(arguments) => status::run(&arguments),
            Command::Settle(arguments) => settle::run(&arguments),
            Command::Feed(arguments) => feed::run(arguments).await,
            Command::SimulatePolicy(arguments) => simulate_policy::run(arguments).await,
            Command::Adversary(arguments) => adversary::run(arguments).await,
        }
    })
}

/// A token that is cancelled when this process is [asked to stop](stop_signal).
fn stopped_by_signal() -> Result<CancellationToken> {
    let signal = stop_signal().context("can't listen for signals")?;
    let stop = CancellationToken::new();
    let signalled = stop.clone();
    // It ends with the runtime, and there is nothing to wait for.
    tokio::spawn(async move {
        signal.await;
        signalled.cancel();
    });
    Ok(stop)
}
