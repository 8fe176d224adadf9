//! Keys on disk, as Bittensor's tools keep them.
//!
//! ```text
//! <path>/<wallet>/coldkey                  usually encrypted
//! <path>/<wallet>/coldkeypub.txt
//! <path>/<wallet>/hotkeys/<hotkey>         usually plain; mode 600
//! <path>/<wallet>/hotkeys/<hotkey>pub.txt
//! ```
//!
//! Each file is one [JSON object](json), perhaps [encrypted](encrypted). A secret is only ever handed out if it gives
//! the public key that its file states.

mod encrypted;
mod json;
mod password;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use foretell_core::hotkey::Hotkey;
use thiserror::Error;
use zeroize::Zeroizing;

use self::encrypted::{EncryptedKeyfile, KeyfileCipherError};
use self::json::KeyfileJsonError;
pub use self::password::{PasswordSource, password_variable};
use crate::key_material::KeyMaterial;
use crate::keypair::Keypair;

/// A hotkey's place in a wallet directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletHotkey {
    /// Directory of all wallets, such as `~/.bittensor/wallets`.
    pub path: PathBuf,
    /// Wallet (coldkey) name.
    pub wallet: String,
    /// Hotkey name.
    pub hotkey: String,
}

/// One keyfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyfile {
    path: PathBuf,
}

/// How a keyfile may be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyfileAccess {
    /// Also if others may read it.
    pub allow_exposed: bool,
    /// Where its password comes from, if it is encrypted.
    pub password_source: PasswordSource,
}

/// What a keyfile looks like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyfileInfo {
    /// Whether a password protects it.
    pub encrypted: bool,
    /// Its permission bits.
    pub mode: u32,
}

/// Why a keyfile gives no key, or none was written.
#[derive(Debug, Error)]
pub enum KeyfileError {
    /// Not there.
    #[error(
        "no keyfile at {0}: check --wallet-path, --wallet and --hotkey, or make one with `keys new`"
    )]
    Missing(PathBuf),
    /// Can't be read or written.
    #[error("can't access keyfile {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read it.
    #[error("keyfile {path} is readable by others (mode {mode:o}): run chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Encrypted, and nobody gave a password.
    #[error(
        "keyfile {path} is encrypted: give its password with --password-file, in the variable {variable}, or at a terminal"
    )]
    PasswordRequired {
        /// The file.
        path: PathBuf,
        /// The environment variable that is looked at.
        variable: String,
    },
    /// Encrypted with another password.
    #[error("wrong password for keyfile {0} (or its bytes were changed)")]
    WrongPassword(PathBuf),
    /// No usable password for a new file.
    #[error("no password for the new keyfile: {why}")]
    NewPassword {
        /// What is the matter.
        why: &'static str,
    },
    /// Encrypted in a way that nobody should use any more.
    #[error(
        "keyfile {0} is encrypted in an old format (Ansible Vault or Fernet): make it anew from its phrase with `keys import`, or open it once with btcli, which rewrites it"
    )]
    LegacyEncryption(PathBuf),
    /// Half a gigabyte is needed to check a password.
    #[error("not enough memory to try the password of keyfile {0}: 512 MiB are needed")]
    OutOfMemory(PathBuf),
    /// Cut off.
    #[error(
        "keyfile {0} is truncated: restore it from a copy, or make it anew from its phrase with `keys import`"
    )]
    Truncated(PathBuf),
    /// Not a keyfile.
    #[error("{path} is not a Bittensor keyfile: {why}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The secret belongs to another key.
    #[error("keyfile {path} states public key {stated}, but its secret gives {found}")]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The key that the file states.
        stated: Hotkey,
        /// The key that its secret gives.
        found: Hotkey,
    },
    /// A key is there already.
    #[error(
        "there is a key at {0} already: --overwrite replaces it, and without its phrase it is lost for ever"
    )]
    Exists(PathBuf),
}

impl WalletHotkey {
    /// The keyfile's path.
    pub fn keyfile_path(&self) -> PathBuf {
        self.folder().join("hotkeys").join(&self.hotkey)
    }

    /// The hotkey's keyfile.
    pub fn keyfile(&self) -> Keyfile {
        Keyfile {
            path: self.keyfile_path(),
        }
    }

    /// The file of the hotkey's public key.
    pub fn public_keyfile(&self) -> Keyfile {
        let name = format!("{}pub.txt", self.hotkey);
        Keyfile {
            path: self.folder().join("hotkeys").join(name),
        }
    }

    /// The coldkey's keyfile.
    pub fn coldkey(&self) -> Keyfile {
        Keyfile {
            path: self.folder().join("coldkey"),
        }
    }

    /// The file of the coldkey's public key.
    pub fn public_coldkey(&self) -> Keyfile {
        Keyfile {
            path: self.folder().join("coldkeypub.txt"),
        }
    }

    /// The key pair in the keyfile, checked against the public key that the file states; a password is looked for
    /// in the environment and then asked for.
    pub fn load(&self) -> Result<Keypair, KeyfileError> {
        self.keyfile().load(&KeyfileAccess::default())
    }

    /// Writes the key of `seed`, replacing what was there.
    pub fn store(&self, seed: &[u8; 32]) -> Result<(), KeyfileError> {
        self.keyfile()
            .store(&KeyMaterial::from_seed(seed), None, true)
    }

    fn folder(&self) -> PathBuf {
        self.path.join(&self.wallet)
    }
}

impl Keyfile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key pair in it, checked against the public key that it states.
    pub fn load(&self, access: &KeyfileAccess) -> Result<Keypair, KeyfileError> {
        let mode = self.info()?.mode;
        if mode & 0o077 != 0 && !access.allow_exposed {
            let path = self.path.clone();
            return Err(KeyfileError::Exposed { path, mode });
        }
        let bytes = self.read()?;
        if encrypted::is_legacy_encrypted(&bytes) {
            return Err(KeyfileError::LegacyEncryption(self.path.clone()));
        }
        if !encrypted::is_encrypted(&bytes) {
            return json::parse_keypair(&bytes).map_err(|json_error| self.json_error(json_error));
        }
        let encrypted =
            EncryptedKeyfile::parse(&bytes).map_err(|error| self.cipher_error(error))?;
        let Some(password) = access.password_source.password_of(&self.path)? else {
            return Err(KeyfileError::PasswordRequired {
                path: self.path.clone(),
                variable: password_variable(&self.path),
            });
        };
        let decrypted = encrypted
            .decrypt(&password)
            .map_err(|error| self.cipher_error(error))?;
        json::parse_keypair(&decrypted).map_err(|json_error| self.json_error(json_error))
    }

    /// The public key that it states; encrypted files don't.
    pub fn public_key(&self) -> Result<Hotkey, KeyfileError> {
        let bytes = self.read()?;
        if encrypted::is_encrypted(&bytes) || encrypted::is_legacy_encrypted(&bytes) {
            return Err(KeyfileError::PasswordRequired {
                path: self.path.clone(),
                variable: password_variable(&self.path),
            });
        }
        json::parse_public_key(&bytes).map_err(|json_error| self.json_error(json_error))
    }

    /// What it looks like from outside.
    pub fn info(&self) -> Result<KeyfileInfo, KeyfileError> {
        let metadata = fs::metadata(&self.path).map_err(|source| self.io_error(source))?;
        let bytes = self.read()?;
        Ok(KeyfileInfo {
            encrypted: encrypted::is_encrypted(&bytes) || encrypted::is_legacy_encrypted(&bytes),
            mode: metadata.permissions().mode() & 0o777,
        })
    }

    /// Writes a key, encrypted if there is a password: for the owner's eyes only, whole or not at all.
    pub fn store(
        &self,
        secret: &KeyMaterial,
        password: Option<&str>,
        overwrite: bool,
    ) -> Result<(), KeyfileError> {
        let plain = json::serialize(secret).map_err(|error| self.io_error(error.into()))?;
        match password {
            None => self.write(&plain, overwrite),
            Some(password) => {
                let encrypted = encrypted::encrypt(&plain, password)
                    .map_err(|error| self.cipher_error(error))?;
                self.write(&encrypted, overwrite)
            }
        }
    }

    /// Writes a public key.
    pub fn store_public_key(&self, key: Hotkey, overwrite: bool) -> Result<(), KeyfileError> {
        let bytes = json::serialize_public_key(key).map_err(|error| self.io_error(error.into()))?;
        self.write(&bytes, overwrite)
    }

    fn read(&self) -> Result<Zeroizing<Vec<u8>>, KeyfileError> {
        fs::read(&self.path)
            .map(Zeroizing::new)
            .map_err(|source| self.io_error(source))
    }

    fn write(&self, bytes: &[u8], overwrite: bool) -> Result<(), KeyfileError> {
        if !overwrite && self.path.exists() {
            return Err(KeyfileError::Exists(self.path.clone()));
        }
        self.replace(bytes).map_err(|source| self.io_error(source))
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut name = self.path.as_os_str().to_owned();
        name.push(".new");
        let fresh = PathBuf::from(name);
        // A leftover of a killed process may have other permissions.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)
    }

    fn io_error(&self, source: io::Error) -> KeyfileError {
        let path = self.path.clone();
        match source.kind() {
            io::ErrorKind::NotFound => KeyfileError::Missing(path),
            _ => KeyfileError::Io { path, source },
        }
    }

    fn cipher_error(&self, error: KeyfileCipherError) -> KeyfileError {
        let path = self.path.clone();
        match error {
            KeyfileCipherError::Truncated => KeyfileError::Truncated(path),
            KeyfileCipherError::WrongPassword => KeyfileError::WrongPassword(path),
            KeyfileCipherError::OutOfMemory => KeyfileError::OutOfMemory(path),
        }
    }

    fn json_error(&self, json_error: KeyfileJsonError) -> KeyfileError {
        let path = self.path.clone();
        match json_error {
            KeyfileJsonError::Truncated => KeyfileError::Truncated(path),
            KeyfileJsonError::Malformed(why) => KeyfileError::Malformed { path, why },
            KeyfileJsonError::Mismatch { stated, found } => KeyfileError::Mismatch {
                path,
                stated,
                found,
            },
        }
    }
}

#[cfg(test)]
mod tests;
