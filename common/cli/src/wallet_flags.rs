//! The flags that name the wallet and the hotkey, in both programs.

use std::path::PathBuf;

use clap::Args;
use foretell_keys::keyfile::{Keyfile, KeyfileAccess, KeyfileError, PasswordSource, WalletHotkey};
use foretell_keys::keypair::Keypair;
use zeroize::Zeroizing;

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
    /// The hotkey that the flags name.
    pub fn wallet_hotkey(&self) -> WalletHotkey {
        WalletHotkey {
            path: expand_home(&self.wallet_path),
            wallet: self.wallet.clone(),
            hotkey: self.hotkey.clone(),
        }
    }

    /// The conditions under which its keyfile is read.
    pub fn keyfile_access(&self) -> KeyfileAccess {
        KeyfileAccess {
            allow_exposed: self.allow_exposed_keyfile,
            password_source: self.password_source(),
        }
    }

    /// The hotkey's pair, read from its keyfile.
    pub fn load(&self) -> Result<Keypair, KeyfileError> {
        self.wallet_hotkey().keyfile().load(&self.keyfile_access())
    }

    fn password_source(&self) -> PasswordSource {
        self.password_file
            .clone()
            .map_or(PasswordSource::EnvironmentOrPrompt, PasswordSource::File)
    }

    /// The password for a new keyfile, or `None` if it is to stay plain.
    pub(crate) fn new_password(
        &self,
        keyfile: &Keyfile,
        plain: bool,
    ) -> Result<Option<Zeroizing<String>>, KeyfileError> {
        if plain {
            return Ok(None);
        }
        self.password_source()
            .new_password(keyfile.path())
            .map(Some)
    }
}

/// The same flags where a configuration file may name the wallet too.
#[derive(Debug, Clone, Default, Args)]
pub struct WalletOverrides {
    /// Directory of wallets [default: the configuration's, or ~/.bittensor/wallets].
    #[arg(long, alias = "wallet.path", value_name = "DIR")]
    pub wallet_path: Option<String>,
    /// Wallet (coldkey) name [default: the configuration's, or default].
    #[arg(long, aliases = ["wallet-name", "wallet.name"], value_name = "NAME")]
    pub wallet: Option<String>,
    /// Hotkey name [default: the configuration's, or default].
    #[arg(long, aliases = ["wallet-hotkey", "wallet.hotkey"], value_name = "NAME")]
    pub hotkey: Option<String>,
}

impl WalletOverrides {
    /// The hotkey that flags and configuration name together, the flags first; `None` if neither names any.
    pub fn resolve(&self, configured: Option<WalletHotkey>) -> Option<WalletHotkey> {
        let given = [&self.wallet_path, &self.wallet, &self.hotkey];
        if given.iter().all(|flag| flag.is_none()) {
            return configured;
        }
        let base = configured.unwrap_or_else(|| WalletHotkey {
            path: expand_home("~/.bittensor/wallets"),
            wallet: "default".into(),
            hotkey: "default".into(),
        });
        let path = self.wallet_path.as_deref().map(expand_home);
        Some(WalletHotkey {
            path: path.unwrap_or(base.path),
            wallet: self.wallet.clone().unwrap_or(base.wallet),
            hotkey: self.hotkey.clone().unwrap_or(base.hotkey),
        })
    }
}

/// `~` as the shell has it: in configuration files and quoted arguments nobody expands it.
fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_before_the_configuration_and_that_before_the_defaults() {
        let configured = WalletHotkey {
            path: "/wallets".into(),
            wallet: "mine".into(),
            hotkey: "first".into(),
        };
        let none = WalletOverrides::default();
        assert_eq!(none.resolve(None), None);
        assert_eq!(
            none.resolve(Some(configured.clone())),
            Some(configured.clone())
        );
        let second = WalletOverrides {
            hotkey: Some("second".into()),
            ..none
        };
        let found = second.resolve(Some(configured.clone())).unwrap();
        assert_eq!(
            found.keyfile_path(),
            PathBuf::from("/wallets/mine/hotkeys/second")
        );
        let found = second.resolve(None).unwrap();
        assert!(
            found
                .keyfile_path()
                .ends_with("wallets/default/hotkeys/second")
        );
    }
}
