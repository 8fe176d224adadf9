//! One keyfile: read, checked and written.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use foretell_core::hotkey::Hotkey;
use foretell_files::{AtomicFile, FileAccess, create_private_folder};
use zeroize::Zeroizing;

use super::encrypted::{self, EncryptedKeyfile, KeyfileCipherError};
use super::error::KeyfileError;
use super::json::{self, KeyfileJsonError};
use super::password::{PasswordSource, password_variable};
use crate::key_material::KeyMaterial;
use crate::keypair::Keypair;

/// The most that is read of a keyfile, encrypted ones included; real ones have under 1 kB.
const MAX_BYTES: u64 = 64 << 10;
/// Mode of every keyfile: its owner reads and writes it.
const MODE: u32 = 0o600;

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
    /// The public key that it states; `None` if it is encrypted.
    pub public_key: Option<Hotkey>,
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

    /// Whether there is anything at its path, be it a link that leads nowhere.
    pub fn exists(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// The key pair in the file, checked against the public key and the address that the file states.
    pub fn load(&self, access: &KeyfileAccess) -> Result<Keypair, KeyfileError> {
        let (bytes, mode) = self.read()?;
        if mode & 0o077 != 0 && !access.allow_exposed {
            let path = self.path.clone();
            return Err(KeyfileError::Exposed { path, mode });
        }
        if let Some(cipher) = encrypted::legacy_cipher(&bytes) {
            return Err(self.legacy_error(cipher));
        }
        if !encrypted::is_encrypted(&bytes) {
            return json::parse_keypair(&bytes).map_err(|json_error| self.json_error(json_error));
        }
        let encrypted =
            EncryptedKeyfile::parse(&bytes).map_err(|error| self.cipher_error(error))?;
        let Some(password) = access.password_source.password_of(&self.path)? else {
            return Err(self.password_required());
        };
        let decrypted = encrypted
            .decrypt(&password)
            .map_err(|error| self.cipher_error(error))?;
        json::parse_keypair(&decrypted).map_err(|json_error| self.json_error(json_error))
    }

    /// The public key that the file states; [`KeyfileError::PasswordRequired`] if it is encrypted.
    pub fn public_key(&self) -> Result<Hotkey, KeyfileError> {
        let (bytes, _) = self.read()?;
        if encrypted::is_encrypted(&bytes) || encrypted::legacy_cipher(&bytes).is_some() {
            return Err(self.password_required());
        }
        json::parse_public_key(&bytes).map_err(|json_error| self.json_error(json_error))
    }

    /// Whether it is encrypted, who may read it, and whose it is: all that can be checked without its password is.
    pub fn info(&self) -> Result<KeyfileInfo, KeyfileError> {
        let (bytes, mode) = self.read()?;
        if let Some(cipher) = encrypted::legacy_cipher(&bytes) {
            return Err(self.legacy_error(cipher));
        }
        let encrypted = encrypted::is_encrypted(&bytes);
        let public_key = if encrypted {
            EncryptedKeyfile::parse(&bytes).map_err(|error| self.cipher_error(error))?;
            None
        } else {
            let key = json::parse_keypair(&bytes).map_err(|error| self.json_error(error))?;
            Some(key.hotkey())
        };
        Ok(KeyfileInfo {
            encrypted,
            mode,
            public_key,
        })
    }

    /// Writes a key, encrypted if there is a password: for the owner's eyes only, whole or not at all, and durable on return.
    ///
    /// # Errors
    /// [`KeyfileError::Exists`] without `overwrite` if there is anything at its path, also if it came a moment ago.
    pub fn store(
        &self,
        secret: &KeyMaterial,
        password: Option<&str>,
        overwrite: bool,
    ) -> Result<(), KeyfileError> {
        let bytes = self.serialize(secret, password)?;
        self.write(&bytes, overwrite)
    }

    /// Writes a file that holds the public key alone.
    ///
    /// # Errors
    /// As [`Self::store`].
    pub fn store_public_key(&self, key: Hotkey, overwrite: bool) -> Result<(), KeyfileError> {
        let bytes =
            json::serialize_public_key(key).map_err(|error| self.write_error(error.into()))?;
        self.write(&bytes, overwrite)
    }

    /// What [`Self::store`] writes.
    pub(super) fn serialize(
        &self,
        secret: &KeyMaterial,
        password: Option<&str>,
    ) -> Result<Zeroizing<Vec<u8>>, KeyfileError> {
        let plain = json::serialize(secret).map_err(|error| self.write_error(error.into()))?;
        match password {
            None => Ok(plain),
            Some(password) => encrypted::encrypt(&plain, password)
                .map(Zeroizing::new)
                .map_err(|error| self.cipher_error(error)),
        }
    }

    /// Refuses what [`Self::write`] would refuse, before anybody is asked for a password.
    pub(super) fn check_free(&self, overwrite: bool) -> Result<(), KeyfileError> {
        let Ok(metadata) = fs::symlink_metadata(&self.path) else {
            return Ok(());
        };
        // A link would be replaced by a file, and what it leads to left as it is.
        let what = match metadata.file_type() {
            kind if kind.is_dir() => "a folder",
            kind if kind.is_symlink() => "a symbolic link",
            kind if !kind.is_file() => "a device or a pipe",
            _ if overwrite => return Ok(()),
            _ => return Err(KeyfileError::Exists(self.path.clone())),
        };
        let path = self.path.clone();
        Err(KeyfileError::NotAFile { path, what })
    }

    pub(super) fn write(&self, bytes: &[u8], overwrite: bool) -> Result<(), KeyfileError> {
        self.check_free(overwrite)?;
        self.make_folder()?;
        match self.write_durably(bytes, overwrite) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(KeyfileError::Exists(self.path.clone()))
            }
            written => written.map_err(|source| self.write_error(source)),
        }
    }

    pub(super) fn make_folder(&self) -> Result<(), KeyfileError> {
        create_private_folder(self.folder()).map_err(|source| self.write_error(source))
    }

    pub(super) fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }

    fn write_durably(&self, bytes: &[u8], overwrite: bool) -> io::Result<()> {
        let mut file = AtomicFile::create(&self.path, FileAccess::Private)?;
        // Whatever the process's umask takes.
        file.as_file()
            .set_permissions(Permissions::from_mode(MODE))?;
        file.write_all(bytes)?;
        if overwrite {
            file.commit()
        } else {
            file.commit_new()
        }
    }

    /// The file's bytes, and its permission bits.
    fn read(&self) -> Result<(Zeroizing<Vec<u8>>, u32), KeyfileError> {
        let metadata = fs::metadata(&self.path).map_err(|source| self.read_error(source))?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() {
                "a folder"
            } else {
                "a device or a pipe"
            };
            let path = self.path.clone();
            return Err(KeyfileError::NotAFile { path, what });
        }
        let mut bytes = Zeroizing::new(Vec::new());
        let read = File::open(&self.path).and_then(|file| {
            // So that no piece of a secret stays behind where the buffer grew.
            bytes.reserve_exact(metadata.len().min(MAX_BYTES) as usize + 1);
            file.take(MAX_BYTES + 1).read_to_end(&mut bytes)
        });
        let length = read.map_err(|source| self.read_error(source))?;
        if length as u64 > MAX_BYTES {
            return Err(KeyfileError::TooLong {
                path: self.path.clone(),
                limit: MAX_BYTES,
            });
        }
        Ok((bytes, metadata.permissions().mode() & 0o777))
    }

    fn read_error(&self, source: io::Error) -> KeyfileError {
        let path = self.path.clone();
        match source.kind() {
            io::ErrorKind::NotFound => KeyfileError::Missing(path),
            _ => KeyfileError::Read { path, source },
        }
    }

    pub(super) fn write_error(&self, source: io::Error) -> KeyfileError {
        let path = self.path.clone();
        KeyfileError::Write { path, source }
    }

    fn password_required(&self) -> KeyfileError {
        KeyfileError::PasswordRequired {
            path: self.path.clone(),
            variable: password_variable(&self.path),
        }
    }

    fn legacy_error(&self, cipher: &'static str) -> KeyfileError {
        let path = self.path.clone();
        KeyfileError::LegacyEncryption { path, cipher }
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
            KeyfileJsonError::Empty => KeyfileError::Empty(path),
            KeyfileJsonError::Truncated => KeyfileError::Truncated(path),
            KeyfileJsonError::Malformed(why) => KeyfileError::Malformed { path, why },
            KeyfileJsonError::NoSecret => KeyfileError::NoSecret(path),
            KeyfileJsonError::Mismatch {
                stated,
                field,
                found,
            } => KeyfileError::Mismatch {
                path,
                stated,
                field,
                found,
            },
        }
    }
}
