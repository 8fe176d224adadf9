//! `validator feed`: messages of venues, decoded, recorded and replayed.

mod decode;
mod message_reader;
mod minute_output;
mod record;
mod replay;
mod settler;
mod writer;

use anyhow::Result;
use clap::{Args, Subcommand};

/// What exchanges say: decode recorded messages, record live ones, replay a recording.
#[derive(Debug, Args)]
pub struct FeedArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Decode(decode::FeedDecodeArgs),
    Record(record::FeedRecordArgs),
    Replay(replay::FeedReplayArgs),
}

/// Runs the command.
pub async fn run(arguments: FeedArgs) -> Result<()> {
    match arguments.command {
        Command::Decode(arguments) => decode::run(&arguments),
        Command::Record(arguments) => record::run(arguments).await,
        Command::Replay(arguments) => replay::run(&arguments),
    }
}
