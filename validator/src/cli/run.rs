//! `validator run`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::stopped_by_signal;
use crate::run::config::Config;

/// Run the validator: ask miners, keep every answer, settle prices from exchanges, score, set weights.
///
/// Needs no key and no account. Says what it does on standard error; ctrl-c or SIGTERM stops it, and the same command
/// carries on.
///
/// Example: validator run --config validator.toml
#[derive(Debug, Args)]
pub struct Arguments {
    /// Configuration file (TOML); validator/example.toml shows every key.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Serves until it is told to stop.
pub async fn run(arguments: Arguments) -> Result<()> {
    let config = Config::read(&arguments.config)?;
    crate::run::run(config, stopped_by_signal()?).await
}
