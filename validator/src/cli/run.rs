//! `validator run`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use foretell_wire::keyfile::WalletHotkey;
use foretell_wire::wallet_flags::WalletOverrides;

use super::stopped_by_signal;
use crate::run::config::{Config, WalletConfig};

/// Run the validator: ask miners, keep every answer, settle prices from exchanges, score, set weights.
///
/// Needs no key and no account. Says what it does on standard error; ctrl-c or SIGTERM stops it, and the same command
/// carries on.
///
/// Example: validator run --config validator.toml --wallet my-wallet --hotkey default
#[derive(Debug, Args)]
pub struct Arguments {
    /// Configuration file (TOML); validator/example.toml shows every key.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    wallet: WalletOverrides,
}

/// Serves until it is told to stop.
pub async fn run(arguments: Arguments) -> Result<()> {
    let mut config = Config::read(&arguments.config)?;
    let configured = config.wallet.take().map(|wallet| WalletHotkey {
        path: wallet.path,
        wallet: wallet.name,
        hotkey: wallet.hotkey,
    });
    config.wallet = arguments.wallet.over(configured).map(|place| WalletConfig {
        path: place.path,
        name: place.wallet,
        hotkey: place.hotkey,
    });
    crate::run::run(config, stopped_by_signal()?).await
}
