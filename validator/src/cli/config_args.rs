//! The configuration file of a validator, and the flags that override it.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use foretell_cli::network_flags::NetworkFlags;
use foretell_cli::path_text::parse_path;
use foretell_cli::wallet_flags::WalletOverrides;
use foretell_keys::keyfile::{KeyfileAccess, WalletHotkey};
use foretell_service::run::config::{ChainConfig, ValidatorConfig, WalletConfig};

/// Which validator a command is about.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Configuration file (TOML); validator/example.toml shows every key.
    #[arg(long = "config", value_name = "FILE", value_parser = parse_path)]
    pub file: PathBuf,
    #[command(flatten)]
    wallet: WalletOverrides,
    #[command(flatten)]
    network: NetworkFlags,
}

impl ConfigArgs {
    /// The file's configuration, with the wallet and the network of the flags where they are given.
    pub fn read(&self) -> Result<ValidatorConfig> {
        let mut config = ValidatorConfig::read(&self.file)?;
        let configured = config.wallet.take().map(|wallet| WalletHotkey {
            path: wallet.path,
            wallet: wallet.name,
            hotkey: wallet.hotkey,
        });
        config.wallet = self
            .wallet
            .resolve(configured)?
            .map(|resolved| WalletConfig {
                path: resolved.path,
                name: resolved.wallet,
                hotkey: resolved.hotkey,
            });
        let subnet = match &config.chain {
            ChainConfig::Subtensor(subnet) => Some(subnet.clone()),
            ChainConfig::Local { .. } => None,
        };
        if let Some(subnet) = self.network.resolve(subnet)? {
            config.chain = ChainConfig::Subtensor(subnet);
        }
        Ok(config)
    }

    /// The conditions under which the hotkey's keyfile is read.
    pub fn keyfile_access(&self) -> KeyfileAccess {
        self.wallet.keyfile_access()
    }
}
