//! Where the keys of a wallet are on disk.

use std::path::PathBuf;

use super::error::KeyfileError;
use super::file::{Keyfile, KeyfileAccess};
use super::pair::KeyfilePair;
use crate::key_material::KeyMaterial;
use crate::keypair::Keypair;

/// The most that a file system takes for a name, less what is added to it.
const MAX_NAME_BYTES: usize = 200;
/// How much of a name an error repeats.
const QUOTED_CHARS: usize = 40;

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

    /// Both files of the hotkey.
    pub fn hotkey_pair(&self) -> KeyfilePair {
        KeyfilePair {
            secret: self.keyfile(),
            public: self.public_keyfile(),
        }
    }

    /// Both files of the coldkey.
    pub fn coldkey_pair(&self) -> KeyfilePair {
        KeyfilePair {
            secret: self.coldkey(),
            public: self.public_coldkey(),
        }
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

    /// Writes the hotkey of `seed` unencrypted where there is none.
    ///
    /// # Errors
    /// [`KeyfileError::Exists`] if there is one, also if it came a moment ago.
    pub fn create(&self, seed: &[u8; 32]) -> Result<(), KeyfileError> {
        self.keyfile()
            .store(&KeyMaterial::from_seed(seed), None, false)
    }

    fn folder(&self) -> PathBuf {
        self.path.join(&self.wallet)
    }
}

/// A text that can be the name of a wallet or hotkey.
///
/// # Errors
/// [`KeyfileError::Name`]: as a path it would be in another folder, or be another key's file.
pub fn parse_key_name(text: &str) -> Result<String, KeyfileError> {
    let why = if text.trim().is_empty() {
        "it is empty"
    } else if text.contains('/') || matches!(text, "." | "..") {
        "it is a path: the folder of wallets goes into --wallet-path"
    } else if text.chars().any(char::is_control) {
        "it has a control character"
    } else if text.len() > MAX_NAME_BYTES {
        "it is too long"
    } else if text.ends_with("pub.txt") {
        "files that end so hold public keys"
    } else {
        return Ok(text.to_owned());
    };
    Err(KeyfileError::Name {
        name: text.chars().take(QUOTED_CHARS).collect(),
        why,
    })
}
