//! `validator run`.

use anyhow::Result;
use clap::Args;

use super::config_args::ConfigArgs;
use super::stopped_by_signal;

/// Run the validator: ask miners, keep every answer, settle prices from exchanges, score, set weights.
///
/// Needs no key and no account as long as weights go to the local ledger. Says what it does on standard error; ctrl-c or SIGTERM stops
/// it, and the same command carries on.
///
/// Example: validator run --config validator.toml --network test --netuid 8 --wallet my-wallet --hotkey default
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    config_args: ConfigArgs,
}

/// Runs the service until ctrl-c or SIGTERM.
pub async fn run(arguments: RunArgs) -> Result<()> {
    let config = arguments.config_args.read()?;
    let access = arguments.config_args.keyfile_access();
    let package = env!("CARGO_PKG_NAME");
    foretell_service::run::run(config, &access, package, stopped_by_signal()?).await
}
