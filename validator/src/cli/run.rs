//! `validator run`.

use anyhow::Result;
use clap::Args;

use super::configured::Configured;
use super::stopped_by_signal;

/// Run the validator: ask miners, keep every answer, settle prices from exchanges, score, set weights.
///
/// Needs no key and no account as long as weights go to the local ledger. Says what it does on standard error; ctrl-c or SIGTERM stops
/// it, and the same command carries on.
///
/// Example: validator run --config validator.toml --network test --netuid 8 --wallet my-wallet --hotkey default
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    configured: Configured,
}

/// Serves until it is told to stop.
pub async fn run(arguments: Arguments) -> Result<()> {
    let config = arguments.configured.read()?;
    crate::run::run(config, stopped_by_signal()?).await
}
