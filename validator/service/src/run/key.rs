//! The validator's hotkey: the configured wallet's, or one of its own for a local ledger.

use anyhow::{Context, Result};
use foretell_keys::keyfile::{KeyfileError, WalletHotkey};
use foretell_keys::keypair::Keypair;

use super::config::ValidatorConfig;

/// The hotkey of the configured wallet. Without one, a hotkey that is made at the first call and kept in the data directory:
/// on a local ledger it has no value to others.
///
/// # Errors
/// The keyfile is missing, can't be read or written, or holds no hotkey.
pub fn load_or_create(config: &ValidatorConfig) -> Result<Keypair> {
    let hotkey_file = match &config.wallet {
        Some(wallet) => WalletHotkey {
            path: wallet.path.clone(),
            wallet: wallet.name.clone(),
            hotkey: wallet.hotkey.clone(),
        },
        None => WalletHotkey {
            path: config.data.join("wallets"),
            wallet: "validator".into(),
            hotkey: "default".into(),
        },
    };
    match hotkey_file.load() {
        Err(KeyfileError::Missing(_)) if config.wallet.is_none() => {
            hotkey_file
                .store(&rand::random())
                .context("can't make a key of our own")?;
            Ok(hotkey_file.load()?)
        }
        loaded => Ok(loaded?),
    }
}
