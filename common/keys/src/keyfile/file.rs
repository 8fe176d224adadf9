//! One keyfile: read, checked and written.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use foretell_core::hotkey::Hotkey;
use zeroize::Zeroizing;

use super::encrypted::{self, EncryptedKeyfile, KeyfileCipherError};
use super::error::KeyfileError;
use super::json::{self, KeyfileJsonError};
use super::password::{PasswordSource, password_variable};
use crate::key_material::KeyMaterial;
use crate::keypair::Keypair;

/// The path of one key on disk: a secret with its public key, or a public key alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyfile {
    path: PathBuf,
}

/// Under which conditions a secret is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyfileAccess {
    /// Read it even if its permissions let other users of this machine read it.
    pub allow_exposed: bool,
    /// Where the password of an encrypted keyfile comes from.
    pub password_source: PasswordSource,
}

/// What is known of a keyfile without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyfileInfo {
    /// Whether a password protects it.
    pub encrypted: bool,
    /// Its Unix permission bits, such as `0o600`.
    pub mode: u32,
}

impl Keyfile {
    /// The keyfile at `path`, which need not exist yet.
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file's path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key pair in the file, checked against the public key and the address that the file states.
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

    /// The public key that the file states; [`KeyfileError::PasswordRequired`] if it is encrypted.
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

    /// Whether it is encrypted, and who may read it.
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

    /// Writes a file that holds the public key alone.
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

    /// Writes a file beside it that then takes its place, so that a killed process leaves the old one or the new one.
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
