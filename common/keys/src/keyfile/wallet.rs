//! Where the keys of a wallet are on disk.

use std::path::PathBuf;

use super::error::KeyfileError;
use super::file::{Keyfile, KeyfileAccess};
use crate::key_material::KeyMaterial;
use crate::keypair::Keypair;

/// A hotkey of a wallet, by the names that Bittensor's tools take; its files need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletHotkey {
    /// Directory of all wallets, such as `~/.bittensor/wallets`.
    pub path: PathBuf,
    /// Name of the wallet, which is that of its coldkey.
    pub wallet: String,
    /// Name of the hotkey in the wallet.
    pub hotkey: String,
}

impl WalletHotkey {
    /// The path of the hotkey's keyfile.
    pub fn keyfile_path(&self) -> PathBuf {
        self.folder().join("hotkeys").join(&self.hotkey)
    }

    /// The hotkey's keyfile, with its secret.
    pub fn keyfile(&self) -> Keyfile {
        Keyfile::new(self.keyfile_path())
    }

    /// The file of the hotkey's public key alone.
    pub fn public_keyfile(&self) -> Keyfile {
        let name = format!("{}pub.txt", self.hotkey);
        Keyfile::new(self.folder().join("hotkeys").join(name))
    }

    /// The coldkey's keyfile, with its secret.
    pub fn coldkey(&self) -> Keyfile {
        Keyfile::new(self.folder().join("coldkey"))
    }

    /// The file of the coldkey's public key alone.
    pub fn public_coldkey(&self) -> Keyfile {
        Keyfile::new(self.folder().join("coldkeypub.txt"))
    }

    /// The hotkey's pair, checked against the public key that the file states; a password is looked for
    /// in the environment and then asked for.
    pub fn load(&self) -> Result<Keypair, KeyfileError> {
        self.keyfile().load(&KeyfileAccess::default())
    }

    /// Writes the hotkey of `seed` unencrypted, and replaces the one that was there.
    pub fn store(&self, seed: &[u8; 32]) -> Result<(), KeyfileError> {
        self.keyfile()
            .store(&KeyMaterial::from_seed(seed), None, true)
    }

    fn folder(&self) -> PathBuf {
        self.path.join(&self.wallet)
    }
}
