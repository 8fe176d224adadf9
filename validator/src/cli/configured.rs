//! The configuration file of a validator, and the flags that go before it.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use foretell_chain::network::NetworkFlags;
use foretell_wire::keyfile::WalletHotkey;
use foretell_wire::wallet_flags::WalletOverrides;

use crate::run::config::{ChainConfig, Config, WalletConfig};

/// Which validator a command is about.
#[derive(Debug, Args)]
pub struct Configured {
    /// Configuration file (TOML); validator/example.toml shows every key.
    #[arg(long = "config", value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    wallet: WalletOverrides,
    #[command(flatten)]
    network: NetworkFlags,
}

impl Configured {
    /// The file's configuration, with what flags say instead.
    pub fn read(&self) -> Result<Config> {
        let mut config = Config::read(&self.file)?;
        let place = config.wallet.take().map(|wallet| WalletHotkey {
            path: wallet.path,
            wallet: wallet.name,
            hotkey: wallet.hotkey,
        });
        config.wallet = self.wallet.over(place).map(|place| WalletConfig {
            path: place.path,
            name: place.wallet,
            hotkey: place.hotkey,
        });
        let place = match &config.chain {
            ChainConfig::Subtensor(place) => Some(place.clone()),
            ChainConfig::Local { .. } => None,
        };
        if let Some(place) = self.network.over(place)? {
            config.chain = ChainConfig::Subtensor(place);
        }
        Ok(config)
    }
}
