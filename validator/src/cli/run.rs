//! `validator run`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use foretell_chain::network::NetworkFlags;
use foretell_wire::keyfile::WalletHotkey;
use foretell_wire::wallet_flags::WalletOverrides;

use super::stopped_by_signal;
use crate::run::config::{ChainConfig, Config, WalletConfig};

/// Run the validator: ask miners, keep every answer, settle prices from exchanges, score, set weights.
///
/// Needs no key and no account as long as weights go to the local ledger. Says what it does on standard error; ctrl-c or SIGTERM stops it, and the same command
/// carries on.
///
/// Example: validator run --config validator.toml --network test --netuid 8 --wallet my-wallet --hotkey default
#[derive(Debug, Args)]
pub struct Arguments {
    /// Configuration file (TOML); validator/example.toml shows every key.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    wallet: WalletOverrides,
    #[command(flatten)]
    network: NetworkFlags,
}

/// Serves until it is told to stop.
pub async fn run(arguments: Arguments) -> Result<()> {
    let config = configured(&arguments.config, &arguments.wallet, &arguments.network)?;
    crate::run::run(config, stopped_by_signal()?).await
}

/// The configuration in this file, with what flags say instead.
pub fn configured(path: &Path, wallet: &WalletOverrides, network: &NetworkFlags) -> Result<Config> {
    let mut config = Config::read(path)?;
    let place = config.wallet.take().map(|wallet| WalletHotkey {
        path: wallet.path,
        wallet: wallet.name,
        hotkey: wallet.hotkey,
    });
    config.wallet = wallet.over(place).map(|place| WalletConfig {
        path: place.path,
        name: place.wallet,
        hotkey: place.hotkey,
    });
    let place = match &config.chain {
        ChainConfig::Subtensor(place) => Some(place.clone()),
        ChainConfig::Local { .. } => None,
    };
    if let Some(place) = network.over(place)? {
        config.chain = ChainConfig::Subtensor(place);
    }
    Ok(config)
}
