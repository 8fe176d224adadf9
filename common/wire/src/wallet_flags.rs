//! The flags by which both programs are told which keys to use.

use std::path::PathBuf;

use clap::Args;
use zeroize::Zeroizing;

use crate::keyfile::{Access, KeyfileError, Passwords, WalletHotkey};
use crate::keypair::Keypair;

/// Which wallet and hotkey, and how its keyfile may be read; named as in the ecosystem's tools.
#[derive(Debug, Clone, Args)]
pub struct WalletFlags {
    /// Directory of wallets.
    #[arg(
        long,
        alias = "wallet.path",
        value_name = "DIR",
        default_value = "~/.bittensor/wallets"
    )]
    pub wallet_path: String,
    /// Wallet (coldkey) name.
    #[arg(long, aliases = ["wallet-name", "wallet.name"], value_name = "NAME", default_value = "default")]
    pub wallet: String,
    /// Hotkey name.
    #[arg(long, aliases = ["wallet-hotkey", "wallet.hotkey"], value_name = "NAME", default_value = "default")]
    pub hotkey: String,
    /// File with the password of an encrypted keyfile on its first line.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Use the keyfile even if others on this machine may read it.
    #[arg(long)]
    pub allow_exposed_keyfile: bool,
}

impl WalletFlags {
    /// The place of the hotkey.
    pub fn place(&self) -> WalletHotkey {
        WalletHotkey {
            path: expand_home(&self.wallet_path),
            wallet: self.wallet.clone(),
            hotkey: self.hotkey.clone(),
        }
    }

    /// How its keyfile may be read.
    pub fn access(&self) -> Access {
        Access {
            exposed: self.allow_exposed_keyfile,
            passwords: self.passwords(),
        }
    }

    /// The hotkey's pair.
    pub fn load(&self) -> Result<Keypair, KeyfileError> {
        self.place().keyfile().load(&self.access())
    }

    fn passwords(&self) -> Passwords {
        self.password_file
            .clone()
            .map_or(Passwords::Ask, Passwords::File)
    }

    /// The password for a new keyfile, or `None` if it is to stay plain.
    pub(crate) fn new_password(
        &self,
        keyfile: &crate::keyfile::Keyfile,
        plain: bool,
    ) -> Result<Option<Zeroizing<String>>, KeyfileError> {
        if plain {
            return Ok(None);
        }
        self.passwords().to_close(keyfile.path()).map(Some)
    }
}

/// `~` as the shell has it: in configuration files and quoted arguments nobody expands it.
fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
}
