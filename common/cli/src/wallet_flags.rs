//! The flags that name the wallet and the hotkey, in both programs.

use std::path::PathBuf;

use clap::Args;
use foretell_keys::keyfile::{
    Keyfile, KeyfileAccess, KeyfileError, PasswordSource, WalletHotkey, parse_key_name,
};
use foretell_keys::keypair::Keypair;
use zeroize::Zeroizing;

use crate::path_text::{PathTextError, parse_path};

/// Where the ecosystem's tools keep wallets.
const DEFAULT_WALLET_PATH: &str = "~/.bittensor/wallets";

/// How a keyfile may be read.
#[derive(Debug, Clone, Default, Args)]
pub struct KeyfileAccessFlags {
    /// File with the password of an encrypted keyfile on its first line.
    #[arg(long, value_name = "FILE", value_parser = parse_path)]
    password_file: Option<PathBuf>,
    /// Use the keyfile even if others on this machine may read it.
    #[arg(long)]
    allow_exposed_keyfile: bool,
}

impl KeyfileAccessFlags {
    /// The conditions under which a keyfile is read.
    pub fn keyfile_access(&self) -> KeyfileAccess {
        KeyfileAccess {
            allow_exposed: self.allow_exposed_keyfile,
            password_source: self.password_source(),
        }
    }

    fn password_source(&self) -> PasswordSource {
        self.password_file
            .clone()
            .map_or(PasswordSource::EnvironmentOrPrompt, PasswordSource::File)
    }
}

/// Which wallet and hotkey, and how its keyfile may be read; named as in the ecosystem's tools.
#[derive(Debug, Clone, Args)]
pub struct WalletFlags {
    /// Directory of wallets.
    #[arg(
        long,
        alias = "wallet.path",
        value_name = "DIR",
        default_value = DEFAULT_WALLET_PATH,
        value_parser = parse_path
    )]
    pub wallet_path: PathBuf,
    /// Wallet (coldkey) name.
    #[arg(long, aliases = ["wallet-name", "wallet.name"], value_name = "NAME", default_value = "default", value_parser = parse_key_name)]
    pub wallet: String,
    /// Hotkey name.
    #[arg(long, aliases = ["wallet-hotkey", "wallet.hotkey"], value_name = "NAME", default_value = "default", value_parser = parse_key_name)]
    pub hotkey: String,
    #[command(flatten)]
    access: KeyfileAccessFlags,
}

impl WalletFlags {
    /// The hotkey that the flags name.
    pub fn wallet_hotkey(&self) -> WalletHotkey {
        WalletHotkey {
            path: self.wallet_path.clone(),
            wallet: self.wallet.clone(),
            hotkey: self.hotkey.clone(),
        }
    }

    /// The hotkey's pair, read from its keyfile.
    pub fn load(&self) -> Result<Keypair, KeyfileError> {
        let access = self.access.keyfile_access();
        self.wallet_hotkey().keyfile().load(&access)
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
        self.access
            .password_source()
            .new_password(keyfile.path())
            .map(Some)
    }
}

/// The same flags where a configuration file may name the wallet too.
#[derive(Debug, Clone, Default, Args)]
pub struct WalletOverrides {
    /// Directory of wallets [default: the configuration's, or ~/.bittensor/wallets].
    #[arg(long, alias = "wallet.path", value_name = "DIR", value_parser = parse_path)]
    pub wallet_path: Option<PathBuf>,
    /// Wallet (coldkey) name [default: the configuration's, or default].
    #[arg(long, aliases = ["wallet-name", "wallet.name"], value_name = "NAME", value_parser = parse_key_name)]
    pub wallet: Option<String>,
    /// Hotkey name [default: the configuration's, or default].
    #[arg(long, aliases = ["wallet-hotkey", "wallet.hotkey"], value_name = "NAME", value_parser = parse_key_name)]
    pub hotkey: Option<String>,
    #[command(flatten)]
    access: KeyfileAccessFlags,
}

impl WalletOverrides {
    /// The hotkey that flags and configuration name together, the flags first; `None` if neither names any.
    ///
    /// # Errors
    /// The default directory of wallets is needed, and this user has no home directory.
    pub fn resolve(
        &self,
        configured: Option<WalletHotkey>,
    ) -> Result<Option<WalletHotkey>, PathTextError> {
        let Self {
            wallet_path,
            wallet,
            hotkey,
            access: _,
        } = self;
        if wallet_path.is_none() && wallet.is_none() && hotkey.is_none() {
            return Ok(configured);
        }
        let configured_path = configured
            .as_ref()
            .map(|configured| configured.path.clone());
        let path = match wallet_path.clone().or(configured_path) {
            Some(path) => path,
            None => parse_path(DEFAULT_WALLET_PATH)?,
        };
        let (configured_wallet, configured_hotkey) = configured
            .map(|configured| (configured.wallet, configured.hotkey))
            .unzip();
        let named = |flag: &Option<String>, configured: Option<String>| {
            flag.clone()
                .or(configured)
                .unwrap_or_else(|| "default".to_owned())
        };
        Ok(Some(WalletHotkey {
            path,
            wallet: named(wallet, configured_wallet),
            hotkey: named(hotkey, configured_hotkey),
        }))
    }

    /// The conditions under which the hotkey's keyfile is read.
    pub fn keyfile_access(&self) -> KeyfileAccess {
        self.access.keyfile_access()
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
        assert_eq!(none.resolve(None), Ok(None));
        assert_eq!(
            none.resolve(Some(configured.clone())),
            Ok(Some(configured.clone()))
        );
        let second = WalletOverrides {
            hotkey: Some("second".into()),
            ..none
        };
        let found = second.resolve(Some(configured.clone())).unwrap().unwrap();
        assert_eq!(
            found.keyfile_path(),
            PathBuf::from("/wallets/mine/hotkeys/second")
        );
        let found = second.resolve(None).unwrap().unwrap();
        assert!(
            found
                .keyfile_path()
                .ends_with("wallets/default/hotkeys/second")
        );
    }
}
