//! The two files of one key: its secret, and its public half beside it.

use std::fs::File;
use std::io;

use foretell_core::hotkey::Hotkey;

use super::error::KeyfileError;
use super::file::Keyfile;
use crate::key_material::KeyMaterial;

/// A key's keyfile with that of its public half, which is what other machines get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyfilePair {
    /// The file of the secret.
    pub secret: Keyfile,
    /// The file of the public key alone.
    pub public: Keyfile,
}

/// A key whose secret is on disk.
#[derive(Debug)]
pub struct StoredKey {
    /// What became of its public half: an error leaves the secret where it is.
    pub public_half: Result<(), KeyfileError>,
}

impl KeyfilePair {
    /// Refuses what [`Self::store`] of the key of `new` would refuse, before anybody is asked for a password.
    ///
    /// # Errors
    /// Without `overwrite`, a secret that is there, and a public half that is another key's: perhaps all that this machine
    /// is to know of a coldkey. With or without it, something else than a file.
    pub fn check_free(&self, new: Hotkey, overwrite: bool) -> Result<(), KeyfileError> {
        self.secret.check_free(overwrite)?;
        match self.public.check_free(overwrite) {
            Err(KeyfileError::Exists(_)) => self.check_public_half(new),
            checked => checked,
        }
    }

    /// Writes both files; on return the secret is durable. Of several processes that store a key at once, without
    /// `overwrite` one succeeds.
    ///
    /// # Errors
    /// As [`Self::check_free`], or the system's; the secret then isn't written, and what was there stays.
    pub fn store(
        &self,
        secret: &KeyMaterial,
        password: Option<&str>,
        overwrite: bool,
    ) -> Result<StoredKey, KeyfileError> {
        let new = secret.key().hotkey();
        self.check_free(new, overwrite)?;
        let bytes = self.secret.serialize(secret, password)?;
        self.secret.make_folder()?;
        // Two that overwrite one after the other leave two halves of one key.
        let lock = self
            .lock()
            .map_err(|source| self.secret.write_error(source))?;
        self.check_free(new, overwrite)?;
        self.secret.write(&bytes, overwrite)?;
        let public_half = self.store_public_half(new, overwrite);
        drop(lock);
        Ok(StoredKey { public_half })
    }

    fn store_public_half(&self, new: Hotkey, overwrite: bool) -> Result<(), KeyfileError> {
        match self.public.store_public_key(new, overwrite) {
            Err(KeyfileError::Exists(_)) => self.check_public_half(new),
            stored => stored,
        }
    }

    /// What is there already, and may stay, is the public half of the same key.
    fn check_public_half(&self, new: Hotkey) -> Result<(), KeyfileError> {
        let path = || self.public.path().to_owned();
        match self.public.public_key() {
            Ok(found) if found == new => Ok(()),
            Ok(found) => Err(KeyfileError::OtherPublicHalf {
                path: path(),
                found,
                new,
            }),
            Err(source) => Err(KeyfileError::UnreadablePublicHalf {
                path: path(),
                source: Box::new(source),
            }),
        }
    }

    /// The folder's lock, until it is dropped; none where the file system has no locks, and then of two that overwrite at
    /// once either may be the last.
    fn lock(&self) -> io::Result<Option<File>> {
        let folder = File::open(self.secret.folder())?;
        match folder.lock() {
            Ok(()) => Ok(Some(folder)),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error),
        }
    }
}
