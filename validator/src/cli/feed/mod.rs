//! `validator feed`: what venues say, decoded, recorded and replayed.

mod decode;
mod record;
mod replay;
mod settling;
mod writing;

use anyhow::Result;
use clap::{Args, Subcommand};

/// What exchanges say: decode recorded messages, record live ones, replay a recording.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Decode(decode::Arguments),
    Record(record::Arguments),
    Replay(replay::Arguments),
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<()> {
    match arguments.command {
        Command::Decode(arguments) => decode::run(&arguments),
        Command::Record(arguments) => record::run(arguments).await,
        Command::Replay(arguments) => replay::run(&arguments),
    }
}
